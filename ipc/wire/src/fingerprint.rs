//! Schema fingerprints: one 64-bit number that two ends of a channel compare.
//!
//! A fingerprint hashes, in this order, the format version, the type's qualified name, whether it is a
//! structure or an enumeration, and for each field its name and its type's own fingerprint; capacities
//! and array lengths are part of those. Reordering or renaming a field, changing a type, a capacity, a
//! variant, or the type's name therefore changes it. So `Degrees(i32)` is not `Radians(i32)`, which a
//! hash of the encoded shape alone would take for the same.
//!
//! The hash is FNV-1a with 64 bits: a `const fn` of a few lines. It guards against mistakes, not
//! against a supplier who wants to collide: both ends of a channel are refused or accepted by the
//! system's owner, and a decoder is safe on any bytes.

/// Version of the wire format and of the fingerprint's construction, part of every fingerprint.
///
/// Raised when either changes, so that partitions built before and after are not connected.
pub const WIRE_FORMAT: u32 = 1;

/// A fingerprint under construction.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint(u64);

impl Fingerprint {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// Starts the fingerprint of the type called `name`.
    pub const fn of(name: &str) -> Self {
        Self(Self::OFFSET_BASIS)
            .number(WIRE_FORMAT as u64)
            .text(name)
    }

    /// Adds a number: a length, a capacity, another type's fingerprint.
    pub const fn number(self, value: u64) -> Self {
        let bytes = value.to_be_bytes();
        let mut hash = self;
        let mut i = 0;
        while i < bytes.len() {
            hash = hash.byte(bytes[i]);
            i += 1;
        }
        hash
    }

    /// Adds a name. Its length goes first, so that `ab, c` is not `a, bc`.
    pub const fn text(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut hash = self.number(bytes.len() as u64);
        let mut i = 0;
        while i < bytes.len() {
            hash = hash.byte(bytes[i]);
            i += 1;
        }
        hash
    }

    /// The finished fingerprint.
    pub const fn finish(self) -> u64 {
        self.0
    }

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(Self::PRIME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_fnv_1a_64() {
        // Test vectors of the FNV reference code: "a" and "foobar".
        let hash = |text: &str| {
            let start = Fingerprint(Fingerprint::OFFSET_BASIS);
            text.bytes().fold(start, Fingerprint::byte).finish()
        };
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn moving_a_letter_between_names_changes_it() {
        let split = |a, b| Fingerprint::of("t").text(a).text(b).finish();
        assert_ne!(split("ab", "c"), split("a", "bc"));
    }
}
