//! Privileged instructions of a guest's kernel, carried out one at a time.
//!
//! Most of them move a special-purpose register, and most of those are a word of the register page and nothing else. What
//! else such a write does is here; registers that only a device would notice, and instructions that are in none of these lists, are the
//! monitor's.

use cofferdam_abi::guest::{ACKNOWLEDGED, ASKS, EXTERNAL, Exit, MSR, spr};
use cofferdam_abi::health::Exception;

use super::msr;
use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};

/// ESR\[PIL\]: an illegal instruction.
const SYNDROME_ILLEGAL: u32 = 0x0800_0000;

/// An instruction's fields.
#[derive(Clone, Copy)]
struct Instruction(u32);

impl Instruction {
    fn primary(self) -> u32 {
        self.0 >> 26
    }

    fn extended(self) -> u32 {
        self.0 >> 1 & 0x3ff
    }

    /// The register that is written or whose value is used: `rD` or `rS`.
    fn target(self) -> u32 {
        self.0 >> 21 & 31
    }

    fn a(self) -> u32 {
        self.0 >> 16 & 31
    }

    fn b(self) -> u32 {
        self.0 >> 11 & 31
    }

    /// The special-purpose register: its halves stand the wrong way round.
    fn special(self) -> u32 {
        self.a() | self.b() << 5
    }
}

impl<M: Machine> Kernel<M> {
    /// Carries out the privileged instruction that the guest's kernel has come to.
    pub(super) fn privileged_instruction(&mut self, partition: u8, index: u8) {
        let Some(word) = self.guest_instruction(index) else {
            return;
        };
        let instruction = Instruction(word);
        let registers = &self.guests[index].registers;
        let value = registers.numbered(instruction.target());
        let base = match instruction.a() {
            0 => 0,
            a => registers.numbered(a),
        };
        let effective = base.wrapping_add(registers.numbered(instruction.b()));
        let next = registers.pc().wrapping_add(4);
        match (instruction.primary(), instruction.extended()) {
            (19, 50) => return self.guest_return(index, spr::SRR0, spr::SRR1),
            (19, 51) => return self.guest_return(index, spr::CSRR0, spr::CSRR1),
            (19, 38) => return self.guest_return(index, spr::MCSRR0, spr::MCSRR1),
            (31, 83) => {
                let state = self.guest_word(index, MSR);
                self.give(index, instruction, state);
            }
            (31, 146) => return self.new_state(index, next, value),
            (31, 131) => {
                let state = self.guest_word(index, MSR) & !msr::EE | value & msr::EE;
                return self.new_state(index, next, state);
            }
            (31, 163) => {
                let state = self.guest_word(index, MSR) & !msr::EE | word & msr::EE;
                return self.new_state(index, next, state);
            }
            (31, 339) => match self.read_special(partition, index, instruction.special()) {
                Some(value) => self.give(index, instruction, value),
                None => return self.leave_guest(partition, Exit::Instruction, [word, 0, 0]),
            },
            (31, 467) => {
                let number = instruction.special();
                if !self.write_special(partition, index, number, value) {
                    return self.leave_guest(partition, Exit::Instruction, [word, 0, 0]);
                }
                if matches!(number, spr::TSR | spr::TCR) {
                    self.guests[index].registers.set_pc(next);
                    return self.deliver_to_guest(index);
                }
            }
            (31, 978) => {
                if !self.write_translation(index) {
                    let syndrome = Some((0, SYNDROME_ILLEGAL));
                    return self.enter_vector(index, Exception::Program, syndrome);
                }
            }
            (31, 946) => self.read_translation(index),
            (31, 914) => self.search_translation(index, effective),
            (31, 786) => self.invalidate_translation(index, effective),
            // tlbsync, dcbi: nothing is left to do.
            (31, 566 | 470) => {}
            _ => return self.leave_guest(partition, Exit::Instruction, [word, 0, 0]),
        }
        self.guests[index].registers.set_pc(next);
    }

    fn give(&mut self, index: u8, instruction: Instruction, value: u32) {
        self.guests[index]
            .registers
            .set_numbered(instruction.target(), value);
    }

    /// A new machine state, behind the instruction that set it.
    fn new_state(&mut self, index: u8, next: u32, state: u32) {
        self.guests[index].registers.set_pc(next);
        self.set_guest_state(index, state);
        self.deliver_to_guest(index);
    }

    fn read_special(&mut self, partition: u8, index: u8, number: u32) -> Option<u32> {
        match number {
            spr::DEC => Some(self.decrementer(partition)),
            // Without an interrupt the monitor says what it reads.
            spr::EPR if self.guest_word(index, EXTERNAL) != 0 => {
                self.set_guest_word(index, EXTERNAL, 0);
                self.set_guest_word(index, ACKNOWLEDGED, 1);
                let asks = self.interrupt_of_guest(index).is_some();
                self.set_guest_word(index, ASKS, asks.into());
                Some(self.spr(index, number))
            }
            // A guest has one process identifier, and MMUCFG says so.
            spr::PID1 | spr::PID2 => Some(0),
            number if spr::is_kept(number) => Some(self.spr(index, number)),
            _ => None,
        }
    }

    /// False: it is the monitor's.
    fn write_special(&mut self, partition: u8, index: u8, number: u32, value: u32) -> bool {
        match number {
            spr::DEC => self.set_decrementer(partition, value),
            // What is written as 1 is cleared.
            spr::TSR | spr::DBSR | spr::MCSR => {
                let left = self.spr(index, number) & !value;
                self.set_spr(index, number, left);
            }
            spr::PID => {
                self.set_spr(index, number, value & 0xff);
                self.change_process(index);
            }
            spr::MMUCSR0 => self.invalidate_arrays(index, value),
            // The bits that begin an operation of the caches are back at once: it is done.
            spr::L1CSR0 | spr::L1CSR1 => {
                const OPERATIONS: u32 = 0x0000_0102;
                self.set_spr(index, number, value & !OPERATIONS);
            }
            // Nothing of the branch unit is the guest's, and nobody writes what the processor is.
            spr::BUCSR | spr::PID1 | spr::PID2 => {}
            spr::PVR | spr::SVR | spr::TLB0CFG | spr::TLB1CFG | spr::MMUCFG | spr::PIR => {}
            number if spr::is_kept(number) => self.set_spr(index, number, value),
            _ => return false,
        }
        true
    }
}
