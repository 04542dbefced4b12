//! The loads and stores with which a guest reaches a device.
//!
//! The kernel says which instruction it was and which guest-physical address it went to; what it moves, and
//! from where to where, stands in the instruction (EREF, chapter 4). Instructions that only make sense on memory (multiple words, strings,
//! reservations, cache lines) are not in the list.

/// A load or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// It writes to the device.
    pub store: bool,
    /// How much it moves: 1, 2 or 4 bytes.
    pub bytes: u32,
    /// The general register that is loaded or stored.
    pub register: u32,
    /// The general register that becomes the effective address.
    pub update: Option<Update>,
    signed: bool,
    reversed: bool,
}

/// A register that becomes the effective address: it and the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The register.
    pub base: u32,
    /// What is added to it.
    pub index: Index,
}

/// What is added to a base register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// A number of the instruction's.
    Displacement(u32),
    /// A register.
    Register(u32),
}

/// What an instruction does, apart from its registers.
#[derive(Clone, Copy)]
struct Form {
    store: bool,
    bytes: u32,
    update: bool,
    signed: bool,
    reversed: bool,
}

const fn form(store: bool, bytes: u32) -> Form {
    Form {
        store,
        bytes,
        update: false,
        signed: false,
        reversed: false,
    }
}

impl Form {
    const fn updating(self, update: bool) -> Self {
        Self { update, ..self }
    }

    const fn signed(self) -> Self {
        Self {
            signed: true,
            ..self
        }
    }

    const fn reversed(self) -> Self {
        Self {
            reversed: true,
            ..self
        }
    }
}

const LOAD: bool = false;
const STORE: bool = true;

/// The forms that exist with a displacement and with an index register, in the order of the primary opcodes from 32 on:
/// each without and with update. The extended opcodes stand in the same order, 32 apart, from 23 on.
const PLAIN: [Form; 7] = [
    form(LOAD, 4),
    form(LOAD, 1),
    form(STORE, 4),
    form(STORE, 1),
    form(LOAD, 2),
    form(LOAD, 2).signed(),
    form(STORE, 2),
];

fn plain(number: u32) -> Option<Form> {
    let form = PLAIN.get(number as usize / 2)?;
    Some(form.updating(number & 1 != 0))
}

/// Extended opcodes of primary opcode 31.
fn extended(opcode: u32) -> Option<Form> {
    match opcode {
        534 => Some(form(LOAD, 4).reversed()),
        662 => Some(form(STORE, 4).reversed()),
        790 => Some(form(LOAD, 2).reversed()),
        918 => Some(form(STORE, 2).reversed()),
        _ if opcode & 31 == 23 => plain(opcode >> 5),
        _ => None,
    }
}

impl Access {
    /// What this instruction does; `None` if it is none of the list.
    pub fn decode(instruction: u32) -> Option<Self> {
        let primary = instruction >> 26;
        let base = instruction >> 16 & 31;
        let (form, index) = if primary == 31 {
            let form = extended(instruction >> 1 & 0x3ff)?;
            (form, Index::Register(instruction >> 11 & 31))
        } else {
            let displacement = instruction as u16 as i16;
            let form = plain(primary.checked_sub(32)?)?;
            (form, Index::Displacement(i32::from(displacement) as u32))
        };
        Some(Self {
            store: form.store,
            bytes: form.bytes,
            register: instruction >> 21 & 31,
            update: form.update.then_some(Update { base, index }),
            signed: form.signed,
            reversed: form.reversed,
        })
    }

    /// What a load leaves in the register, of what the device gave.
    pub fn loaded(&self, value: u32) -> u32 {
        match (self.bytes, self.signed) {
            (1, _) => u32::from(value as u8),
            (2, true) => i32::from(value as u16 as i16) as u32,
            (2, false) => u32::from(self.half(value)),
            _ => self.word(value),
        }
    }

    /// What a store gives to the device, of what the register holds.
    pub fn stored(&self, value: u32) -> u32 {
        match self.bytes {
            1 => u32::from(value as u8),
            2 => u32::from(self.half(value)),
            _ => self.word(value),
        }
    }

    fn half(&self, value: u32) -> u16 {
        let half = value as u16;
        if self.reversed {
            half.swap_bytes()
        } else {
            half
        }
    }

    fn word(&self, value: u32) -> u32 {
        if self.reversed {
            value.swap_bytes()
        } else {
            value
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    fn decode(instruction: u32) -> Access {
        Access::decode(instruction).unwrap_or_else(|| panic!("{instruction:#010x}"))
    }

    fn assert_is(instruction: u32, store: bool, bytes: u32, register: u32) {
        let access = decode(instruction);
        assert_eq!(
            (access.store, access.bytes, access.register),
            (store, bytes, register),
            "{instruction:#010x}"
        );
    }

    #[test]
    fn loads_and_stores_with_a_displacement() {
        assert_is(0x8064_0008, LOAD, 4, 3); // lwz r3,8(r4)
        assert_is(0x8be0_0001, LOAD, 1, 31); // lbz r31,1(0)
        assert_is(0x9069_fffc, STORE, 4, 3); // stw r3,-4(r9)
        assert_is(0x9864_0000, STORE, 1, 3); // stb r3,0(r4)
        assert_is(0xa064_0002, LOAD, 2, 3); // lhz r3,2(r4)
        assert_is(0xa864_0002, LOAD, 2, 3); // lha r3,2(r4)
        assert_is(0xb064_0002, STORE, 2, 3); // sth r3,2(r4)
    }

    #[test]
    fn loads_and_stores_with_an_index() {
        assert_is(0x7c64_282e, LOAD, 4, 3); // lwzx r3,r4,r5
        assert_is(0x7c64_28ae, LOAD, 1, 3); // lbzx
        assert_is(0x7c64_292e, STORE, 4, 3); // stwx
        assert_is(0x7c64_29ae, STORE, 1, 3); // stbx
        assert_is(0x7c64_2a2e, LOAD, 2, 3); // lhzx
        assert_is(0x7c64_2aae, LOAD, 2, 3); // lhax
        assert_is(0x7c64_2b2e, STORE, 2, 3); // sthx
        assert_is(0x7c60_242c, LOAD, 4, 3); // lwbrx r3,0,r4
        assert_is(0x7c60_252c, STORE, 4, 3); // stwbrx
        assert_is(0x7c60_262c, LOAD, 2, 3); // lhbrx
        assert_is(0x7c60_272c, STORE, 2, 3); // sthbrx
    }

    #[test]
    fn the_address_is_left_in_a_register_where_the_instruction_says_so() {
        let displacement = |base, by: i32| {
            Some(Update {
                base,
                index: Index::Displacement(by as u32),
            })
        };
        assert_eq!(decode(0x8464_fff8).update, displacement(4, -8)); // lwzu r3,-8(r4)
        assert_eq!(decode(0x8ca6_0001).update, displacement(6, 1)); // lbzu r5,1(r6)
        assert_eq!(decode(0x9421_fff0).update, displacement(1, -16)); // stwu r1,-16(r1)
        assert_eq!(decode(0x9c64_0001).update, displacement(4, 1)); // stbu
        assert_eq!(decode(0xa464_0002).update, displacement(4, 2)); // lhzu
        assert_eq!(decode(0xac64_0002).update, displacement(4, 2)); // lhau
        assert_eq!(decode(0xb464_0002).update, displacement(4, 2)); // sthu
        let index = Some(Update {
            base: 4,
            index: Index::Register(5),
        });
        // lwzux, lbzux, stwux, stbux, lhzux, lhaux, sthux
        for extended in [0x6e, 0xee, 0x16e, 0x1ee, 0x26e, 0x2ee, 0x36e] {
            assert_eq!(
                decode(0x7c64_2800 | extended).update,
                index,
                "{extended:#x}"
            );
        }
        for without in [0x8064_0008, 0x9069_fffc, 0x7c64_282e, 0x7c60_242c] {
            assert_eq!(decode(without).update, None, "{without:#010x}");
        }
    }

    #[test]
    fn what_is_loaded_has_the_width_the_sign_and_the_order_that_the_instruction_says() {
        let values: Vec<_> = [
            0x8064_0008, // lwz
            0x8be0_0001, // lbz
            0xa064_0002, // lhz
            0xa864_0002, // lha
            0xac64_0002, // lhau
            0x7c60_242c, // lwbrx
            0x7c60_262c, // lhbrx
        ]
        .into_iter()
        .map(|instruction| decode(instruction).loaded(0x1234_89ab))
        .collect();
        assert_eq!(
            values,
            [
                0x1234_89ab,
                0xab,
                0x89ab,
                0xffff_89ab,
                0xffff_89ab,
                0xab89_3412,
                0xab89
            ]
        );
    }

    #[test]
    fn what_is_stored_has_the_width_and_the_order_that_the_instruction_says() {
        let values: Vec<_> = [
            0x9069_fffc, // stw
            0x9864_0000, // stb
            0xb064_0002, // sth
            0x7c60_252c, // stwbrx
            0x7c60_272c, // sthbrx
        ]
        .into_iter()
        .map(|instruction| decode(instruction).stored(0x1234_89ab))
        .collect();
        assert_eq!(values, [0x1234_89ab, 0xab, 0x89ab, 0xab89_3412, 0xab89]);
    }

    #[test]
    fn nothing_else_reaches_a_device() {
        for instruction in [
            0xbba3_0000, // lmw r29,0(r3)
            0xbfa3_0000, // stmw r29,0(r3)
            0x7c60_2028, // lwarx r3,0,r4
            0x7c60_212d, // stwcx. r3,0,r4
            0x7c00_27ec, // dcbz 0,r4
            0x7d04_44aa, // lswi r8,r4,8
            0x7c64_2a14, // add r3,r4,r5
            0,
        ] {
            assert_eq!(Access::decode(instruction), None, "{instruction:#010x}");
        }
    }
}
