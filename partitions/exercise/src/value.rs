//! The value of the sampling channel.

/// More bytes than the kernel copies at a time, and neither a multiple of that nor of a word.
const BYTES: usize = 64 + 4 + 2;

/// It says its number over and over.
pub fn value_of(number: u16) -> [u8; BYTES] {
    let bytes = number.to_be_bytes();
    core::array::from_fn(|place| bytes[place % bytes.len()])
}

/// The number that a value says. [`u32::MAX`]: it is not one.
pub fn number_of(value: &[u8]) -> u32 {
    match value {
        [one, other, ..] if *value == value_of(u16::from_be_bytes([*one, *other])) => {
            u32::from(*one) << 8 | u32::from(*other)
        }
        _ => u32::MAX,
    }
}
