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

    /// A trap of the guest's. If it is one of a stub, that is finished: an enabling one was told that an interrupt is pending, and one
    /// that takes the machine state has found that it changes. Otherwise false: the trap is the guest's own affair.
    pub(super) fn stub_trapped(&mut self, index: u8) -> bool {
        let paravirtual = &self.guests[index].tables.paravirtual;
        let pc = self.guests[index].registers.pc();
        if self.at_user_level(index) || !(paravirtual.stubs..paravirtual.stubs_end).contains(&pc) {
            return false;
        }
        if pc >= paravirtual.enabling_stubs {
            if pc % stub::ENABLING_BYTES != stub::TRAP {
                return false;
            }
            self.finish_stub(index);
        } else {
            let begins = pc.wrapping_sub(stub::STATE_TRAP);
            let source = begins.wrapping_add(stub::STATE_SOURCE);
            let Some(insert) = self.stub_word(index, source) else {
                return false;
            };
            let state = self.guests[index].registers.numbered(insert >> 21 & 31);
            let (restore, branch) = (stub::STATE_RESTORE, stub::STATE_BRANCH);
            if !self.leave_stub(index, begins, restore, branch) {
                return false;
            }
            self.set_guest_state(index, state);
        }
        self.deliver_to_guest(index);
        true
    }

    /// Takes the guest out of the stub that it may be in. False: it is in the first part of one, which has the scratch word to itself and
    /// will find out about interrupts by itself, if it enables them.
    pub(super) fn finish_stub(&mut self, index: u8) -> bool {
        let paravirtual = &self.guests[index].tables.paravirtual;
        let pc = self.guests[index].registers.pc();
        let inside = (paravirtual.stubs..paravirtual.stubs_end).contains(&pc);
        if !inside || self.at_user_level(index) {
            return true;
        }
        let begins = pc & !(stub::ENABLING_BYTES - 1);
        if pc < paravirtual.enabling_stubs || pc - begins < stub::CHECK {
            return false;
        }
        let restore = if pc == begins | stub::BRANCH {
            stub::BRANCH
        } else {
            stub::RESTORE
        };
        self.leave_stub(index, begins, restore, stub::BRANCH);
        true
    }

    /// Does the last two instructions of a stub: from `restore` on, which may be the last one.
    fn leave_stub(&mut self, index: u8, begins: u32, restore: u32, branch: u32) -> bool {
        let branch_at = begins.wrapping_add(branch);
        let (Some(load), Some(word)) = (
            self.stub_word(index, begins.wrapping_add(restore)),
            self.stub_word(index, branch_at),
        ) else {
            return false;
        };
        let kept = self.guest_word(index, SCRATCH);
        let registers = &mut self.guests[index].registers;
        if restore != branch {
            registers.set_numbered(load >> 21 & 31, kept);
        }
        // `b`: a displacement of 26 bits (EREF, section 4.6.2).
        let displacement = ((word & 0x03ff_fffc) << 6) as i32 >> 6;
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
