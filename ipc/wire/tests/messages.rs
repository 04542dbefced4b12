//! Round trips, bounds, and a decoder that meets arbitrary bytes.

use cofferdam_ipc::{
    Bounded, Bytes, DecodeError, EncodeError, Message, bytes_capacity, decode, encode,
};
use heapless::{String, Vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
struct Everything {
    flag: bool,
    small: (u8, i8),
    counts: [u16; 3],
    wide: (i16, u32, i32, u64, i64),
    ratio: f32,
    exact: f64,
    maybe: Option<u32>,
    list: Vec<u16, 5>,
    text: String<6>,
    blob: Bytes<7>,
    mode: Mode,
    unit: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
enum Mode {
    Off,
    Hold(i32),
    Track { bearing: u16, range: u64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
struct Beat;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "vendor::Setpoint")]
struct Setpoint(i32, u8);

fn modes() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::Off),
        any::<i32>().prop_map(Mode::Hold),
        any::<(u16, u64)>().prop_map(|(bearing, range)| Mode::Track { bearing, range }),
    ]
}

prop_compose! {
    fn everything()(
        flag: bool,
        small: (u8, i8),
        counts: [u16; 3],
        wide: (i16, u32, i32, u64, i64),
        ratio: f32,
        exact: f64,
        maybe: Option<u32>,
        list in prop::collection::vec(any::<u16>(), 0..=5),
        text in "[ -~]{0,6}",
        blob in prop::collection::vec(any::<u8>(), 0..=7),
        mode in modes(),
    ) -> Everything {
        Everything {
            flag, small, counts, wide, ratio, exact, maybe, mode,
            list: Vec::from_slice(&list).unwrap(),
            text: String::try_from(text.as_str()).unwrap(),
            blob: Bytes::try_from(&blob[..]).unwrap(),
            unit: (),
        }
    }
}

fn largest() -> Everything {
    Everything {
        flag: true,
        small: (u8::MAX, i8::MIN),
        counts: [u16::MAX; 3],
        wide: (i16::MIN, u32::MAX, i32::MIN, u64::MAX, i64::MIN),
        ratio: f32::MAX,
        exact: f64::MAX,
        maybe: Some(u32::MAX),
        list: Vec::from_slice(&[u16::MAX; 5]).unwrap(),
        text: String::try_from("abcdef").unwrap(),
        blob: Bytes::try_from(&[0xff; 7][..]).unwrap(),
        mode: Mode::Track {
            bearing: u16::MAX,
            range: u64::MAX,
        },
        unit: (),
    }
}

/// Whatever the bytes, decoding ends in a value or an error; a value encodes again within its bound.
fn survives<T: Message>(wire: &[u8]) {
    if let Ok(value) = decode::<T>(wire) {
        let mut again = T::EMPTY_BUFFER;
        let length = encode(&value, again.as_mut()).expect("what was decoded can be encoded");
        assert!(length <= T::MAX_SIZE);
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_what_arrives(sent in everything()) {
        let mut wire = Everything::EMPTY_BUFFER;
        let length = encode(&sent, &mut wire).unwrap();
        prop_assert_eq!(decode::<Everything>(&wire[..length]), Ok(sent));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(wire in prop::collection::vec(any::<u8>(), 0..200)) {
        survives::<Everything>(&wire);
        survives::<Mode>(&wire);
        survives::<Setpoint>(&wire);
        survives::<Beat>(&wire);
        survives::<Bytes<9>>(&wire);
        survives::<u64>(&wire);
    }

    #[test]
    fn no_damaged_byte_makes_the_decoder_panic(sent in everything(), at: prop::sample::Index, byte: u8) {
        let mut wire = Everything::EMPTY_BUFFER;
        let length = encode(&sent, &mut wire).unwrap();
        wire[at.index(length)] = byte;
        survives::<Everything>(&wire[..length]);
    }

    #[test]
    fn every_shorter_prefix_is_truncated(sent in everything(), at: prop::sample::Index) {
        let mut wire = Everything::EMPTY_BUFFER;
        let length = encode(&sent, &mut wire).unwrap();
        let cut = &wire[..at.index(length)];
        prop_assert_eq!(decode::<Everything>(cut), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_smaller_buffer_is_an_error(sent in everything(), at: prop::sample::Index) {
        let mut wire = Everything::EMPTY_BUFFER;
        let length = encode(&sent, &mut wire).unwrap();
        let room = at.index(length);
        prop_assert_eq!(encode(&sent, &mut wire[..room]), Err(EncodeError::BufferTooSmall));
    }

    #[test]
    fn bytes_travel_unframed(content in prop::collection::vec(any::<u8>(), 0..=16)) {
        let mut wire = Bytes::<16>::EMPTY_BUFFER;
        let sent = Bytes::<16>::try_from(&content[..]).unwrap();
        let length = encode(&sent, &mut wire).unwrap();
        prop_assert_eq!(&wire[..length], &content[..]);
        prop_assert_eq!(decode::<Bytes<16>>(&wire[..length]), Ok(sent));
    }
}

#[test]
fn the_largest_value_takes_exactly_the_bound() {
    let mut wire = Everything::EMPTY_BUFFER;
    assert_eq!(encode(&largest(), &mut wire), Ok(Everything::MAX_SIZE));
}

#[test]
fn the_wire_form_is_postcard() {
    let mut wire = Mode::EMPTY_BUFFER;
    let length = encode(
        &Mode::Track {
            bearing: 300,
            range: 1,
        },
        &mut wire,
    )
    .unwrap();
    assert_eq!(wire[..length], [2, 0xac, 0x02, 1]);
    let length = encode(&Mode::Hold(-1), &mut wire).unwrap();
    assert_eq!(wire[..length], [1, 1]);
}

#[test]
fn bytes_after_the_message_are_refused() {
    assert_eq!(
        decode::<Setpoint>(&[0, 0, 0]),
        Err(DecodeError::TrailingBytes)
    );
    assert_eq!(decode::<Beat>(&[]), Ok(Beat));
    assert_eq!(decode::<Beat>(&[0]), Err(DecodeError::TooLong));
    assert_eq!(decode::<Bytes<2>>(&[0; 3]), Err(DecodeError::TooLong));
}

#[test]
fn values_out_of_range_are_refused() {
    assert_eq!(decode::<Mode>(&[3]), Err(DecodeError::Malformed));
    assert_eq!(decode::<bool>(&[2]), Err(DecodeError::Malformed));
    assert_eq!(
        decode::<u16>(&[0xff, 0xff, 0xff]),
        Err(DecodeError::Malformed)
    );
}

#[test]
fn more_elements_than_the_capacity_are_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    struct Pair {
        list: Vec<(), 2>,
        blob: Bytes<3>,
        last: u8,
    }
    // A claim of four thousand million elements of no size must not be believed.
    assert!(decode::<Pair>(&[0xff, 0xff]).is_err());
    assert_eq!(decode::<Pair>(&[3, 0, 0]), Err(DecodeError::Malformed));
    assert_eq!(
        decode::<Pair>(&[0, 4, 1, 2, 3, 4]),
        Err(DecodeError::Malformed)
    );
    assert!(decode::<Pair>(&[2, 3, 1, 2, 3, 4]).is_ok());
}

#[test]
fn a_message_is_named_by_its_path_or_as_told() {
    assert_eq!(Mode::NAME, "messages::Mode");
    assert_eq!(Setpoint::NAME, "vendor::Setpoint");
    assert_eq!(u32::NAME, "u32");
    assert_eq!(<Bytes<0>>::NAME, "bytes(0)");
    assert_eq!(<Bytes<4096>>::NAME, "bytes(4096)");
}

#[test]
fn the_name_of_bytes_reads_back_as_its_capacity() {
    assert_eq!(bytes_capacity(<Bytes<64>>::NAME), Some(64));
    assert_eq!(bytes_capacity("bytes(0)"), Some(0));
    for wrong in [
        "bytes",
        "bytes()",
        "bytes(+1)",
        "bytes(064)",
        "bytes(64",
        "bytes(4294967296)",
        "u8",
    ] {
        assert_eq!(bytes_capacity(wrong), None, "{wrong}");
    }
}

#[test]
fn bytes_by_themselves_and_as_a_field_have_one_schema() {
    assert_eq!(<Bytes<8>>::FINGERPRINT, cofferdam_ipc::bytes_fingerprint(8));
    assert_eq!(<Bytes<8>>::MAX_SIZE, 8);
    assert_eq!(<Bytes<8>>::BOUND, 9);
}
