//! Blocks whose content says which they are, so that one that is lost, old, or another's is noticed; and [`Pass`], by which blocks of any size go to a disk
//! or come from there.
#![no_std]
#![forbid(unsafe_code)]

mod pass;

pub use pass::{Ended, Pass, flush};

/// The sectors of a block.
pub const BLOCK_SECTORS: u32 = 8;
/// The bytes of a block.
pub const BLOCK_BYTES: u32 = BLOCK_SECTORS * disk_messages::SECTOR_BYTES;

/// So many blocks are written at most.
pub const BLOCKS: u32 = 128;
/// So often.
pub const ROUNDS: u32 = 2;

/// The word at a place of a block: another one for each block, round and place.
pub const fn word(block: u32, round: u32, place: u32) -> u32 {
    // The finaliser of MurmurHash3 (Appleby): each bit of the number reaches each of the word.
    let mut word = block.wrapping_mul(0x9e37_79b1) ^ round.wrapping_mul(0x85eb_ca77) ^ place;
    word ^= word >> 16;
    word = word.wrapping_mul(0x85eb_ca6b);
    word ^= word >> 13;
    word = word.wrapping_mul(0xc2b2_ae35);
    word ^ word >> 16
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_places_have_the_same_word() {
        let mut words = BTreeSet::new();
        for block in 0..16 {
            for round in 0..4 {
                for place in 0..BLOCK_BYTES / 4 {
                    words.insert(word(block, round, place));
                }
            }
        }
        // Of 65536 random words of 32 bits one pair is the same in half of the cases.
        assert!(words.len() > 16 * 4 * 1024 - 8);
    }
}
