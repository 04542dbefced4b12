//! The second look finds every bit that is wrong.

use cofferdam_abi::guest::{self, spr};
use proptest::prelude::*;

use super::small::{BASE, BLR, BODY, Small};
use crate::list::What;
use crate::{Refusal, Rewritten, check, instruction, rewrite};

/// One of each kind.
const CODE: [u32; 12] = [
    0x7c60_00a6, // mfmsr r3
    0x7cb3_43a6, // mtspr SPRG3,r5
    0x7c00_046c, // tlbsync
    0x7d75_fba6, // mtspr BUCSR,r11
    0x4c00_0064, // rfi
    0x7c00_0146, // wrteei 0
    0x7c00_8146, // wrteei 1
    0x7d80_0106, // wrtee r12
    0x7d60_0124, // mtmsr r11
    0x7d80_0124, // mtmsr r12
    0x7c00_07a4, // tlbwe
    BLR,
];

fn sample() -> (Vec<u8>, Rewritten) {
    let elf = Small::new(&CODE).label("behind", BODY + 20).elf();
    let rewritten = rewrite(&elf).expect("it can be rewritten");
    assert_eq!(rewritten.sites.len(), CODE.len() - 1);
    assert_eq!(check(&elf, &rewritten), Ok(()));
    (elf, rewritten)
}

/// Whether it is all the same: a mask that begins at MSR\[EE\] or behind it, when the next instruction inserts that bit.
fn is_the_same(rewritten: &Rewritten, offset: usize, bit: usize) -> bool {
    let opcode = |at: usize| rewritten.image.get(at).map(|byte| byte >> 2);
    offset.is_multiple_of(4)
        && bit == 6
        && opcode(offset) == Some(21)
        && opcode(offset + 4) == Some(20)
}

fn flip(rewritten: &mut Rewritten, address: u32, bit: u32) {
    let byte = (address - BASE + 3 - bit / 8) as usize;
    rewritten.image[byte] ^= 1 << (bit % 8);
}

#[test]
fn any_bit_of_a_site_even_if_the_list_has_it_too() {
    let (elf, right) = sample();
    for number in 0..right.sites.len() {
        for bit in 0..32 {
            let mut wrong = right.clone();
            flip(&mut wrong, right.sites[number].address, bit);
            let alone = check(&elf, &wrong);
            assert!(matches!(alone, Err(Refusal::Wrong(_))), "{number} {bit}");
            wrong.sites[number].after ^= 1 << bit;
            let both = check(&elf, &wrong);
            assert!(matches!(both, Err(Refusal::Wrong(_))), "{number} {bit}");
        }
    }
}

#[test]
fn a_site_that_is_in_no_list() {
    let (elf, right) = sample();
    for number in 0..right.sites.len() {
        let mut wrong = right.clone();
        wrong.sites.remove(number);
        assert!(check(&elf, &wrong).is_err(), "{number}");
    }
}

/// A register that does something when it is written, or is not what its word says, as a store or a load of the page.
#[test]
fn a_register_that_is_more_than_a_word() {
    const MTSPR: u32 = 0x7c00_03a6;
    const MFSPR: u32 = 0x7c00_02a6;
    for (opcode, number, what) in [
        (MTSPR, spr::PID, What::Store),
        (MTSPR, spr::DEC, What::Store),
        (MTSPR, spr::TSR, What::Store),
        (MTSPR, spr::TCR, What::Store),
        (MTSPR, spr::MMUCSR0, What::Store),
        (MTSPR, spr::L1CSR0, What::Store),
        (MTSPR, spr::BUCSR, What::Store),
        (MTSPR, spr::PIR, What::Store),
        (MFSPR, spr::DEC, What::Load),
    ] {
        let word = opcode | 5 << 21 | (number & 31) << 16 | number >> 5 << 11;
        let elf = Small::new(&[word, BLR]).elf();
        let right = rewrite(&elf).expect("it can be rewritten");
        assert_eq!(check(&elf, &right), Ok(()), "{number}");
        let mut wrong = right.clone();
        let after = if what == What::Store {
            instruction::store(5, guest::register(number))
        } else {
            instruction::load(5, guest::register(number))
        };
        let at = (BODY - BASE) as usize;
        wrong.image[at..at + 4].copy_from_slice(&after.to_be_bytes());
        let site = wrong.sites.iter_mut().find(|site| site.address == BODY);
        let site = site.expect("it is in the list");
        (site.after, site.what) = (after, what);
        let checked = check(&elf, &wrong);
        assert!(matches!(checked, Err(Refusal::Wrong(_))), "{number}");
    }
}

#[test]
fn stubs_that_are_said_to_be_elsewhere() {
    let (elf, right) = sample();
    for (number, by) in (0..4).flat_map(|number| [(number, 8_u32), (number, 0x1000)]) {
        let mut wrong = right.clone();
        let place = match number {
            0 => &mut wrong.paravirtual.stubs,
            1 => &mut wrong.paravirtual.enabling_stubs,
            2 => &mut wrong.paravirtual.stubs_end,
            _ => &mut wrong.reserved.start,
        };
        *place = place.wrapping_sub(by);
        assert!(check(&elf, &wrong).is_err(), "{number} {by}");
    }
}

proptest! {
    /// Of the whole image, stubs and what is between them included.
    #[test]
    fn any_bit_of_the_image(bit in 0_usize..0x3000 * 8) {
        let (elf, mut wrong) = sample();
        let word = bit / 32 * 4;
        prop_assume!(!is_the_same(&wrong, word, (3 - (bit / 8 - word)) * 8 + bit % 8));
        wrong.image[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(matches!(check(&elf, &wrong), Err(Refusal::Wrong(_))));
    }
}

#[test]
fn any_bit_of_a_stub() {
    let (elf, right) = sample();
    let stubs = right.paravirtual;
    for address in (stubs.stubs..stubs.stubs_end).step_by(4) {
        for bit in 0..32 {
            if is_the_same(&right, (address - BASE) as usize, bit as usize) {
                continue;
            }
            let mut wrong = right.clone();
            flip(&mut wrong, address, bit);
            assert!(check(&elf, &wrong).is_err(), "{address:#x} {bit}");
        }
    }
}
