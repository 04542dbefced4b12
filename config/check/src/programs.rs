//! The rules of programs, judged on the finished ELFs.

mod fit;
mod guests;
mod notes;
mod segments;

use cofferdam_ipc::bytes_fingerprint;
use cofferdam_ipc::note::PortNote;
use cofferdam_model::{
    Channel, ChannelKind, Diagnostic, MessageType, Partition, Program, RuleText, Severity, Spanned,
    System, rule_text,
};
use cofferdam_ring::Geometry;

use crate::Checked;
use crate::program::{self, Elf, ElfError};
use crate::rules::reading_rule;
use crate::wiring::Wiring;

pub use fit::{
    Counts, Piece, entries_aligned, memory_exceeded, memory_properties, plan_limits, tables_fit,
};
pub use guests::{GuestFault, guest_fault, guest_traps};

rule_text! {
    /// Each partition has a program, and the image has a kernel.
    ///
    /// The program of a partition with `crate` is built, that of one with `image` is a file that a supplier delivered.
    static PROGRAM_MISSING = "PROGRAM-MISSING";
}
rule_text! {
    /// Each program is a linked ELF of 32 bits, big-endian, for PowerPC.
    ///
    /// The target of the project's own build is `targets/powerpc-cofferdam-e500v2.json`.
    static PROGRAM_ELF = "PROGRAM-ELF";
}

rule_text! {
    /// The crate of a partition is a package of the workspace, is written for the native personality, and has a binary for the partition.
    ///
    /// Of a package with several binaries, a partition's is the one with its name.
    static PROGRAM_CRATE = "PROGRAM-CRATE";
}

rule_text! {
    /// Each message type of a channel is one that the crates of its ends can name, and a message.
    ///
    /// The generated code names it by the path in the file, so the crate that holds it is a dependency of the partition's crate; it is
    /// a message by `#[derive(Message)]`. The compiler judges it, and what it says is shown at the type.
    static PROGRAM_TYPE = "PROGRAM-TYPE";
}

static RULES: &[&RuleText] = &[
    &PROGRAM_MISSING,
    &PROGRAM_ELF,
    &PROGRAM_CRATE,
    &PROGRAM_TYPE,
];

/// The texts of all rules of programs.
pub fn rule_texts() -> impl Iterator<Item = &'static RuleText> {
    let all = [
        RULES,
        segments::RULES,
        notes::RULES,
        fit::RULES,
        guests::RULES,
    ];
    all.into_iter().flatten().copied()
}

/// Why a partition's program cannot be had.
#[derive(Debug)]
pub enum Fault {
    /// Its file cannot be read.
    Unreadable(std::io::Error),
    /// Its crate is no package of the workspace.
    NoPackage,
    /// Its crate is a package of another sort.
    NoPartition,
    /// Its crate has several binaries or none, and none with the partition's name.
    NoBinary,
}

/// What there is to say about a partition whose program cannot be had.
pub fn fault(partition: &Partition, fault: &Fault) -> Diagnostic {
    let name = &partition.name;
    let (rule, message, hint) = match fault {
        Fault::Unreadable(error) => (
            reading_rule("FILE-READ"),
            format!("the program of `{name}` cannot be read: {error}"),
            "name a file that you may read".to_string(),
        ),
        Fault::NoPackage => (
            &PROGRAM_CRATE,
            format!("the crate of `{name}` is no package of a workspace"),
            "put it into partitions/, or name it in `members` of your own workspace's Cargo.toml"
                .to_string(),
        ),
        Fault::NoPartition => (
            &PROGRAM_CRATE,
            format!(
                "the crate of `{name}` is no partition: it does not depend on cofferdam-native"
            ),
            "`cargo cofferdam new NAME` makes a partition's crate".to_string(),
        ),
        Fault::NoBinary => (
            &PROGRAM_CRATE,
            format!("the crate of `{name}` has no binary for it"),
            format!("it needs a src/main.rs, or a src/bin/{name}.rs"),
        ),
    };
    Diagnostic::error(rule, partition.program_span(), message).hint(hint)
}

/// What there is to say about a message type that the code of a partition cannot use. `unknown`: there is none at that path.
pub fn unusable_type(
    partition: &Partition,
    message: &Spanned<MessageType>,
    unknown: bool,
    compiler: &str,
) -> Diagnostic {
    let name = &partition.name;
    let path = match &message.value {
        MessageType::Path(path) => path.clone(),
        MessageType::Bytes(bytes) => format!("bytes({bytes})"),
    };
    let krate = path.split("::").next().unwrap_or_default();
    let (what, hint) = if unknown {
        let hint = format!(
            "there is no such type in `{krate}`, or the crate of `{name}` does not have `{krate}` among its dependencies"
        );
        ("find", hint)
    } else {
        let hint = "a message is a public type with `#[derive(Message)]`".to_string();
        ("use", hint)
    };
    let text = format!("`{name}` cannot {what} the message type `{path}`");
    Diagnostic::error(&PROGRAM_TYPE, message.span, text)
        .label(compiler)
        .hint(hint)
}

/// The programs of a system.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// The kernel.
    pub kernel: Elf,
    /// In the order of the partitions.
    pub partitions: Vec<Elf>,
}

/// Reads and judges the kernel and the programs, which are given by the names of their partitions. With the programs come warnings.
///
/// # Errors
/// Everything that is wrong with them.
pub fn judge(
    checked: &Checked,
    kernel: &[u8],
    programs: &[(String, Vec<u8>)],
) -> Result<(Programs, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let kernel = program::read(kernel).unwrap_or_else(|error| {
        let message = format!(
            "the kernel is no program for this machine: {}",
            describe(&error)
        );
        let hint = "the image needs the kernel that this version of the tools builds";
        found.push(Diagnostic::without_place(&PROGRAM_ELF, message).hint(hint));
        Elf::default()
    });
    fit::kernel(&kernel, &mut found);
    let mut partitions = Vec::new();
    let mut readable = Vec::new();
    for index in 0..checked.system.partitions.len() {
        let elf = judge_one(checked, index, programs, &mut found);
        readable.push(elf.is_some());
        partitions.push(elf.unwrap_or_default());
    }
    let programs = Programs { kernel, partitions };
    notes::judge_channels(checked, &programs, &readable, &mut found);
    if found.iter().any(|one| one.severity == Severity::Error) {
        return Err(found);
    }
    Ok((programs, found))
}

/// What is wrong with the delivered programs alone, so that it can be said before anything is built.
pub fn judge_delivered(checked: &Checked, programs: &[(String, Vec<u8>)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, partition) in checked.system.partitions.iter().enumerate() {
        let is_given = programs.iter().any(|(of, _)| *of == *partition.name);
        if is_given && matches!(partition.program, Some(Program::Image(_))) {
            judge_one(checked, index, programs, &mut found);
        }
    }
    found
}

/// Reads and judges the program of one partition.
fn judge_one(
    checked: &Checked,
    index: usize,
    programs: &[(String, Vec<u8>)],
    found: &mut Vec<Diagnostic>,
) -> Option<Elf> {
    let partition = &checked.system.partitions[index];
    let name = &partition.name;
    let place = partition.program_span();
    let Some((_, bytes)) = programs.iter().find(|(of, _)| *of == **name) else {
        let message = format!("there is no program for `{name}`");
        let hint = "build it, or put the file there that `image` names";
        found.push(Diagnostic::error(&PROGRAM_MISSING, place, message).hint(hint));
        return None;
    };
    match program::read(bytes) {
        Ok(elf) => {
            segments::judge(checked, index, &elf, found);
            notes::judge(checked, index, &elf, found);
            Some(elf)
        }
        Err(error) => {
            let message = format!("the program of `{name}` {}", describe(&error));
            let hint = "build it for powerpc-cofferdam-e500v2, or ask its supplier to";
            found.push(Diagnostic::error(&PROGRAM_ELF, place, message).hint(hint));
            None
        }
    }
}

fn describe(error: &ElfError) -> String {
    match error {
        ElfError::NoElf => "is no ELF".to_string(),
        ElfError::Broken(what) => format!("is a broken ELF: {what}"),
        ElfError::SixtyFourBits(number) => {
            format!(
                "is an ELF of 64 bits for another processor (ELF machine {number}, PowerPC is 20)"
            )
        }
        ElfError::LittleEndian => "is little-endian".to_string(),
        ElfError::Machine(number) => {
            format!("is for another processor (ELF machine {number}, PowerPC is 20)")
        }
        ElfError::NotExecutable => "is not linked to fixed addresses".to_string(),
    }
}

/// Slots and lines of each partition, now that delivered programs can say where they have their ports.
pub fn wiring(checked: &Checked, programs: &Programs) -> Vec<Wiring> {
    let all = programs.partitions.iter().enumerate();
    all.map(|(index, elf)| {
        Wiring::of(&checked.system, &checked.board, index, &|name| {
            let note = elf.ports.iter().find(|note| note.name.as_str() == name)?;
            Some(usize::from(note.slot))
        })
    })
    .collect()
}

/// The rings that a partition has an end of: the channel's index and which end. Their order is that of the shared regions.
pub fn rings(system: &System, partition: usize) -> impl Iterator<Item = (usize, usize)> {
    let name = &system.partitions[partition].name;
    let all = system.channels.iter().enumerate();
    all.filter_map(move |(index, channel)| {
        let is_ring = channel
            .kind
            .as_ref()
            .is_some_and(|kind| **kind == ChannelKind::Ring);
        let end = channel.ends().position(|end| *end.partition == **name)?;
        is_ring.then_some((index, end))
    })
}

/// The largest messages of a channel in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageSizes {
    /// Message or request.
    pub message: u64,
    /// Reply.
    pub reply: u64,
}

/// The sizes of a channel's messages: what the file says, or else the notes of its ends.
pub fn message_sizes(checked: &Checked, programs: &Programs, channel: usize) -> MessageSizes {
    let channel = &checked.system.channels[channel];
    let note = note_of(checked, programs, channel);
    let size = |given: &Option<Spanned<MessageType>>, noted: Option<u32>| match given {
        Some(given) => match given.value {
            MessageType::Bytes(bytes) => bytes,
            MessageType::Path(_) => u64::from(noted.unwrap_or(0)),
        },
        None => 0,
    };
    MessageSizes {
        message: size(&channel.message, note.map(|note| note.max_size)),
        reply: size(&channel.reply, note.map(|note| note.reply_size)),
    }
}

/// The note of an end of a channel that has one.
fn note_of<'p>(
    checked: &Checked,
    programs: &'p Programs,
    channel: &Channel,
) -> Option<&'p PortNote> {
    channel.ends().find_map(|end| {
        let partition = checked.system.partition_index(&end.partition)?;
        let mut notes = programs.partitions.get(partition)?.ports.iter();
        notes.find(|note| note.name.as_str() == end.port.value)
    })
}

/// The fingerprints of a channel's messages and replies: those of its ends, or else what the file says.
pub fn fingerprints(checked: &Checked, programs: &Programs, channel: usize) -> [Option<u64>; 2] {
    let channel = &checked.system.channels[channel];
    let note = note_of(checked, programs, channel);
    let of = |given: &Option<Spanned<MessageType>>, noted: Option<u64>, said: Option<u64>| {
        let of_bytes = match given.as_ref()?.value {
            MessageType::Bytes(bytes) => usize::try_from(bytes).ok().map(bytes_fingerprint),
            MessageType::Path(_) => None,
        };
        noted.or(said).or(of_bytes)
    };
    let said = channel.fingerprint.as_ref().map(|given| given.value);
    [
        of(&channel.message, note.map(|note| note.fingerprint), said),
        of(
            &channel.reply,
            note.map(|note| note.reply_fingerprint),
            None,
        ),
    ]
}

/// The memory that a ring takes: one ring, or two that go one behind the other if there is a reply.
pub fn ring_bytes(checked: &Checked, programs: &Programs, channel: usize) -> u64 {
    let sizes = message_sizes(checked, programs, channel);
    let channel = &checked.system.channels[channel];
    let depth = channel.depth.as_ref().map_or(1, |depth| **depth);
    let one = |bytes: u64| {
        let geometry = Geometry::new(u32::try_from(bytes).ok()?, u32::try_from(depth).ok()?)?;
        Some(geometry.region_size() as u64)
    };
    let back = channel.reply.as_ref().and_then(|_| one(sizes.reply));
    one(sizes.message).unwrap_or(0) + back.unwrap_or(0)
}
