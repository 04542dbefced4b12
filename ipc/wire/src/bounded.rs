//! Types whose encoding has an upper bound known at build time.
//!
//! | type | encoded as | at most, bytes |
//! |---|---|---|
//! | `bool`, `u8`, `i8` | one byte | 1 |
//! | `u16`, `i16` / `u32`, `i32` / `u64`, `i64` | 7 bits per byte, least significant first; signed ones zigzag | 3 / 5 / 10 |
//! | `f32`, `f64` | IEEE 754 bits, little-endian | 4, 8 |
//! | `()`, `(A, ..)`, `[T; N]`, structures | the parts one after another | sum |
//! | `Option<T>` | 0, or 1 and the value | 1 + T |
//! | enumerations | number of the variant as a `u32`, then its fields | number + largest variant |
//! | `heapless::Vec<T, N>` | number of elements, then these | number + N × T |
//! | `heapless::String<N>`, [`Bytes<N>`](crate::Bytes) inside another message | number of bytes, then these | number + N |
//!
//! `usize` and `isize` are left out: their width differs between the target and the host, so the same
//! declaration would be two schemas. `f32` and `f64` are in although the target computes them in
//! software: a message is allowed to carry what its receiver handles as it likes.

use crate::fingerprint::Fingerprint;

/// A type with a bounded encoding and a schema, hence one that can be part of a message.
///
/// Implemented by `#[derive(Message)]` for structures and enumerations. Written by hand, it must be
/// true: `BOUND` is at least the longest postcard encoding, and `SCHEMA` changes whenever the encoding
/// or its meaning does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bounded wire format, so it cannot be part of a message",
    label = "not allowed in a message",
    note = "allowed are: bool, u8 to u64, i8 to i64, f32, f64, arrays, tuples, Option, heapless::Vec, \
            heapless::String, cofferdam_ipc::Bytes, and types with #[derive(Message)]",
    note = "instead of usize or isize, whose width depends on the machine, name the width: u32, i32"
)]
pub trait Bounded {
    /// The longest encoding of any value, in bytes.
    const BOUND: usize;
    /// The type's schema fingerprint.
    const SCHEMA: u64;
}

/// Length of postcard's variable-length encoding of `value`.
pub const fn varint_length(value: u64) -> usize {
    let significant_bits = (u64::BITS - value.leading_zeros()) as usize;
    if value == 0 {
        1
    } else {
        significant_bits.div_ceil(7)
    }
}

/// The larger of two lengths, for constants.
pub const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

macro_rules! bounded_primitives {
    ($($type:ty: $bound:expr),* $(,)?) => {$(
        impl Bounded for $type {
            const BOUND: usize = $bound;
            const SCHEMA: u64 = Fingerprint::of(stringify!($type)).finish();
        }
    )*};
}

bounded_primitives! {
    (): 0,
    bool: 1,
    u8: 1,
    i8: 1,
    u16: varint_length(u16::MAX as u64),
    i16: varint_length(u16::MAX as u64),
    u32: varint_length(u32::MAX as u64),
    i32: varint_length(u32::MAX as u64),
    u64: varint_length(u64::MAX),
    i64: varint_length(u64::MAX),
    f32: 4,
    f64: 8,
}

impl<T: Bounded> Bounded for Option<T> {
    const BOUND: usize = 1 + T::BOUND;
    const SCHEMA: u64 = Fingerprint::of("Option").number(T::SCHEMA).finish();
}

impl<T: Bounded, const N: usize> Bounded for [T; N] {
    const BOUND: usize = N * T::BOUND;
    const SCHEMA: u64 = Fingerprint::of("array")
        .number(N as u64)
        .number(T::SCHEMA)
        .finish();
}

impl<T: Bounded, const N: usize> Bounded for heapless::Vec<T, N> {
    const BOUND: usize = varint_length(N as u64) + N * T::BOUND;
    const SCHEMA: u64 = Fingerprint::of("Vec")
        .number(N as u64)
        .number(T::SCHEMA)
        .finish();
}

impl<const N: usize> Bounded for heapless::String<N> {
    const BOUND: usize = varint_length(N as u64) + N;
    const SCHEMA: u64 = Fingerprint::of("String").number(N as u64).finish();
}

macro_rules! bounded_tuples {
    ($(($($part:ident)+))*) => {$(
        impl<$($part: Bounded),+> Bounded for ($($part,)+) {
            const BOUND: usize = 0 $(+ $part::BOUND)+;
            const SCHEMA: u64 = Fingerprint::of("tuple") $(.number($part::SCHEMA))+ .finish();
        }
    )*};
}

bounded_tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
}

#[cfg(test)]
mod tests {
    use super::varint_length;

    #[test]
    fn varint_grows_a_byte_every_seven_bits() {
        for (value, length) in [
            (0, 1),
            (0x7f, 1),
            (0x80, 2),
            (0x3fff, 2),
            (0x4000, 3),
            (u64::MAX, 10),
        ] {
            assert_eq!(varint_length(value), length, "{value:#x}");
        }
    }
}
