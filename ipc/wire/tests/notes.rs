//! Port notes: what is written is what is read, and no bytes make the reader panic.

use cofferdam_ipc::note::{
    Direction, Kind, Note, NoteError, PORT_NOTE_SIZE, PortNote, Text, VersionNote, parse_notes,
};
use proptest::prelude::*;

const ATTITUDE: PortNote = PortNote {
    slot: 3,
    kind: Kind::Sampling,
    direction: Direction::Source,
    max_size: 40,
    reply_size: 0,
    fingerprint: 0x0123_4567_89ab_cdef,
    reply_fingerprint: 0,
    name: Text::new("attitude").unwrap(),
    type_name: Text::new("flight_messages::Attitude").unwrap(),
    reply_type_name: Text::EMPTY,
};
const VERSIONS: VersionNote = VersionNote::current(7, Text::new("cofferdam-native 0.1.0").unwrap());

// As a partition has them: made by the compiler.
static ATTITUDE_ELF: [u8; PORT_NOTE_SIZE] = ATTITUDE.to_elf();

fn read(section: &[u8]) -> Vec<Result<Note, NoteError>> {
    parse_notes(section).collect()
}

/// The port note with one byte of its description replaced.
fn with_byte(offset: usize, byte: u8) -> Vec<Result<Note, NoteError>> {
    let mut section = ATTITUDE_ELF;
    section[24 + offset] = byte;
    read(&section)
}

#[test]
fn notes_read_back_as_written() {
    let section = [&VERSIONS.to_elf()[..], &ATTITUDE_ELF].concat();
    assert_eq!(
        read(&section),
        [Ok(Note::Version(VERSIONS)), Ok(Note::Port(ATTITUDE))]
    );
}

#[test]
fn bytes_stand_where_the_table_says() {
    let header = [0, 0, 0, 10, 0, 0, 0, 188, 0, 0, 0, 1];
    assert_eq!(ATTITUDE_ELF[..12], header);
    assert_eq!(&ATTITUDE_ELF[12..24], b"cofferdam\0\0\0");
    assert_eq!(ATTITUDE_ELF[24..32], [0, 3, 1, 1, 0, 0, 0, 40]);
    assert_eq!(ATTITUDE_ELF[36..44], ATTITUDE.fingerprint.to_be_bytes());
    assert_eq!(&ATTITUDE_ELF[52..61], b"attitude\0");
    assert_eq!(&ATTITUDE_ELF[84..91], b"flight_");
    assert_eq!(VERSIONS.to_elf()[24..28], [0, 0, 0, 7]);
    assert_eq!(&VERSIONS.to_elf()[40..49], b"cofferdam");
}

#[test]
fn an_empty_section_has_no_notes() {
    assert_eq!(read(&[]), []);
}

#[test]
fn a_section_cut_anywhere_is_truncated() {
    for length in 1..PORT_NOTE_SIZE {
        assert_eq!(
            read(&ATTITUDE_ELF[..length]),
            [Err(NoteError::Truncated)],
            "{length}"
        );
    }
}

#[test]
fn lengths_beyond_the_section_are_truncated() {
    for offset in [0, 4] {
        let mut section = ATTITUDE_ELF;
        section[offset..offset + 4].fill(0xff);
        assert_eq!(read(&section), [Err(NoteError::Truncated)]);
    }
}

#[test]
fn notes_of_other_owners_are_passed_over() {
    let build_id = [
        0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 3, b'G', b'N', b'U', 0, 1, 2, 3, 0,
    ];
    let section = [&build_id[..], &ATTITUDE_ELF].concat();
    assert_eq!(read(&section), [Ok(Note::Port(ATTITUDE))]);
}

#[test]
fn a_wrong_note_does_not_hide_the_next() {
    let mut wrong = ATTITUDE_ELF;
    wrong[11] = 9;
    let section = [&wrong[..], &ATTITUDE_ELF].concat();
    assert_eq!(
        read(&section),
        [Err(NoteError::UnknownType(9)), Ok(Note::Port(ATTITUDE))]
    );
}

#[test]
fn a_description_of_another_length_is_refused() {
    let mut section = ATTITUDE_ELF[..PORT_NOTE_SIZE - 4].to_vec();
    section[7] = 184;
    let expected = NoteError::Size {
        note_type: 1,
        found: 184,
    };
    assert_eq!(read(&section), [Err(expected)]);
}

#[test]
fn values_without_meaning_are_refused() {
    assert_eq!(with_byte(2, 0), [Err(NoteError::UnknownKind(0))]);
    assert_eq!(with_byte(3, 6), [Err(NoteError::UnknownDirection(6))]);
    assert_eq!(
        with_byte(3, Direction::Server as u8),
        [Err(NoteError::Direction(Kind::Sampling, Direction::Server))]
    );
    assert!(matches!(with_byte(28, b'-')[..], [Err(NoteError::Name(_))]));
    assert_eq!(with_byte(60, 0xff), [Err(NoteError::Text)]);
    // A byte after the text's end could hide a different name.
    assert_eq!(with_byte(59, b'x'), [Err(NoteError::Text)]);
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    assert!(Text::<4>::new("abcd").is_some());
    assert!(Text::<4>::new("abcde").is_none());
    assert!(Text::<4>::new("a\0").is_none());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(section in prop::collection::vec(any::<u8>(), 0..600)) {
        parse_notes(&section).for_each(|_| ());
    }

    #[test]
    fn no_damaged_byte_makes_the_reader_panic(at: prop::sample::Index, byte: u8) {
        let mut section = [&VERSIONS.to_elf()[..], &ATTITUDE_ELF].concat();
        let at = at.index(section.len());
        section[at] = byte;
        // No note is shorter than the three words of its header: the reader advances.
        prop_assert!(parse_notes(&section).count() <= section.len() / 12);
    }
}
