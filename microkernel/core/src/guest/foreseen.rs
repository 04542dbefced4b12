//! Accesses to devices that a guest's monitor has foreseen ([`cofferdam_abi::guest::FORESEEN`]): what comes of them stands in the register
//! page, and the guest goes on without its monitor.

use cofferdam_abi::guest::{EXTERNAL, FORESEEN, foreseen};

use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};

/// A load or a store of a word.
struct WordAccess {
    store: bool,
    /// Its bytes are in the other order.
    reversed: bool,
    register: u32,
}

impl WordAccess {
    /// What drivers use: `lwz`, `stw`, and `lwzx`, `stwx`, `lwbrx`, `stwbrx` (EREF, sections 4.3.2 and 4.3.3).
    fn decode(instruction: u32) -> Option<Self> {
        let (store, reversed) = match (instruction >> 26, instruction >> 1 & 0x3ff) {
            (32, _) | (31, 23) => (false, false),
            (36, _) | (31, 151) => (true, false),
            (31, 534) => (false, true),
            (31, 662) => (true, true),
            _ => return None,
        };
        Some(Self {
            store,
            reversed,
            register: instruction >> 21 & 31,
        })
    }

    fn ordered(&self, value: u32) -> u32 {
        if self.reversed {
            value.swap_bytes()
        } else {
            value
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// The guest is at this load or store, where no memory is. If it was foreseen, the guest goes on behind it.
    pub(super) fn is_foreseen(&mut self, index: u8, instruction: u32, physical: u64) -> bool {
        let Some(access) = WordAccess::decode(instruction) else {
            return false;
        };
        let Ok(address) = u32::try_from(physical) else {
            return false;
        };
        if !address.is_multiple_of(4) {
            return false;
        }
        let kind = if access.store {
            foreseen::STORE
        } else {
            foreseen::LOAD
        };
        for place in 0..foreseen::PLACES {
            let at = FORESEEN + foreseen::BYTES * place;
            let expected = self.guest_word(index, at);
            if expected == address | kind {
                let value = access.ordered(self.guest_word(index, at + 4));
                if access.store {
                    if !self.takes_store(index, place, access.register, value) {
                        return false;
                    }
                } else {
                    let registers = &mut self.guests[index].registers;
                    registers.set_numbered(access.register, value);
                }
                let registers = &mut self.guests[index].registers;
                registers.set_pc(registers.pc().wrapping_add(4));
                return true;
            }
            // A store that has still to come is before everything behind it.
            if expected & foreseen::STORE != 0 {
                return false;
            }
        }
        false
    }

    /// A store that is next: if it is the value that is expected, and no interrupt is asserted that it might take back, it has come.
    fn takes_store(&mut self, index: u8, place: u32, register: u32, value: u32) -> bool {
        let stored = self.guests[index].registers.numbered(register);
        if stored != value || self.guest_word(index, EXTERNAL) != 0 {
            return false;
        }
        // What a load would have given before it may be no longer so.
        for over in 0..=place {
            self.set_guest_word(index, FORESEEN + foreseen::BYTES * over, 0);
        }
        true
    }
}
