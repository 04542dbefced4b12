//! Stubs: what a kernel that was rewritten beforehand does in place of instructions that enable or disable interrupts
//! ([`cofferdam_abi::guest::stub`]).

use cofferdam_abi::guest::{SCRATCH, stub};

use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};

impl<M: Machine> Kernel<M> {
    /// Whether the guest's kernel was rewritten.
    pub(super) fn is_rewritten(&self, index: u8) -> bool {
        self.guests[index].tables.paravirtual.stubs_end != 0
    }

    /// Whether the guest's kernel stands at the trap of a stub: it has enabled interrupts, and was told that one is pending.
    pub(super) fn at_trap(&self, partition: u8, index: u8) -> bool {
        let paravirtual = &self.guests[index].tables.paravirtual;
        let pc = self.partitions[partition].registers.pc();
        !self.at_user_level(partition)
            && (paravirtual.enabling_stubs..paravirtual.stubs_end).contains(&pc)
            && pc % stub::ENABLING_BYTES == stub::TRAP
    }

    /// Takes the guest out of the stub that it may be in. False: it is in the first part of one, which has the scratch word to itself and
    /// will find out about interrupts by itself, if it enables them.
    pub(super) fn finish_stub(&mut self, partition: u8, index: u8) -> bool {
        let paravirtual = &self.guests[index].tables.paravirtual;
        let pc = self.partitions[partition].registers.pc();
        let inside = (paravirtual.stubs..paravirtual.stubs_end).contains(&pc);
        if !inside || self.at_user_level(partition) {
            return true;
        }
        let begins = pc & !(stub::ENABLING_BYTES - 1);
        if pc < paravirtual.enabling_stubs || pc - begins < stub::CHECK {
            return false;
        }
        let branch_at = begins | stub::BRANCH;
        let (Some(load), Some(branch)) = (
            self.stub_word(index, begins | stub::RESTORE),
            self.stub_word(index, branch_at),
        ) else {
            return true;
        };
        if pc != branch_at {
            let kept = self.guest_word(index, SCRATCH);
            let registers = &mut self.partitions[partition].registers;
            registers.set_numbered(load >> 21 & 31, kept);
        }
        // `b`: a displacement of 26 bits (EREF, section 4.6.2).
        let displacement = ((branch & 0x03ff_fffc) << 6) as i32 >> 6;
        let registers = &mut self.partitions[partition].registers;
        registers.set_pc(branch_at.wrapping_add_signed(displacement));
        true
    }

    /// A word of a stub's.
    fn stub_word(&self, index: u8, effective: u32) -> Option<u32> {
        let tables = self.guests[index].tables;
        let offset = effective.checked_sub(tables.paravirtual.linear)? & !3;
        let inside = self.in_memory(index, u64::from(offset), 4);
        inside.then(|| self.machine.read_word(tables.memory + offset))
    }
}
