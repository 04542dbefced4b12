//! What a guest's exceptions and interrupts lead to: its own vectors, as hardware would enter them (EREF, section 5.3).

use cofferdam_abi::guest::{ASKS, EXTERNAL, Exit, MSR, spr};
use cofferdam_abi::health::Exception;
use cofferdam_abi::hypercall::EPAPR_IDLE_TOKEN;

use super::{DECREMENTER_ENABLE, DECREMENTER_STATUS, msr};
use crate::health::Fault;
use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};
use crate::partition::{Activity, NEVER};

/// ESR\[PPR\]: a privileged instruction.
const SYNDROME_PRIVILEGED: u32 = 0x0400_0000;
/// ESR\[PTR\]: a trap.
const SYNDROME_TRAP: u32 = 0x0200_0000;
/// ESR\[ST\]: a store.
pub(super) const SYNDROME_STORE: u32 = 0x0080_0000;
/// What an interrupt leaves of MSR: critical, machine check and debug enables.
const KEPT: u32 = msr::CE | msr::ME | msr::DE;

impl<M: Machine> Kernel<M> {
    /// The guest that has the processor caused an exception.
    pub(crate) fn guest_exception(&mut self, fault: Fault) {
        let partition = self.current;
        let index = self.partitions[partition].guest;
        let user = self.at_user_level(index);
        match fault.exception {
            Exception::DataTlbError | Exception::InstructionTlbError => {
                self.guest_miss(partition, index, &fault);
            }
            Exception::Program if fault.syndrome & SYNDROME_PRIVILEGED != 0 && !user => {
                self.privileged_instruction(partition, index);
            }
            Exception::SystemCall if !user => self.guest_hypercall(partition, index),
            Exception::SpeUnavailable if !user && self.is_rewritten(index) => {
                self.guest_return(index, spr::SRR0, spr::SRR1);
            }
            Exception::Program
                if fault.syndrome & SYNDROME_TRAP != 0 && self.stub_trapped(index) => {}
            exception => self.enter_vector(index, exception, Some((fault.address, fault.syndrome))),
        }
    }

    /// Enters one of the guest's vectors.
    pub(super) fn enter_vector(
        &mut self,
        index: u8,
        exception: Exception,
        syndrome: Option<(u32, u32)>,
    ) {
        let pc = self.guests[index].registers.pc();
        let state = self.guest_word(index, MSR);
        self.set_spr(index, spr::SRR0, pc);
        self.set_spr(index, spr::SRR1, state);
        if let Some((address, syndrome)) = syndrome {
            if matches!(
                exception,
                Exception::DataStorage | Exception::DataTlbError | Exception::Alignment
            ) {
                self.set_spr(index, spr::DEAR, address);
            }
            self.set_spr(index, spr::ESR, syndrome);
        }
        let offset = match exception {
            Exception::SpeUnavailable => spr::IVOR32,
            exception => spr::IVOR0 + exception as u32,
        };
        let vector = self.spr(index, spr::IVPR) & 0xffff_0000 | self.spr(index, offset) & 0xfff0;
        self.guests[index].registers.set_pc(vector);
        self.set_guest_state(index, state & KEPT);
    }

    /// The guest returns from an exception.
    pub(super) fn guest_return(&mut self, index: u8, from: u32, state: u32) {
        let pc = self.spr(index, from);
        self.guests[index].registers.set_pc(pc);
        let state = self.spr(index, state);
        self.set_guest_state(index, state);
        self.deliver_to_guest(index);
    }

    /// Sets the guest's machine state; its level and its address space follow.
    pub(super) fn set_guest_state(&mut self, index: u8, state: u32) {
        self.set_guest_word(index, MSR, state);
        let (user, space) = (state & msr::PR != 0, state & msr::IS != 0);
        let moved = core::mem::replace(&mut self.guests[index].space, space) != space;
        if moved {
            self.change_space(index);
        }
        if moved || self.at_user_level(index) != user {
            self.load_levels_for(index, user);
        }
    }

    /// Enters the vector of an interrupt that is pending, if the guest has interrupts enabled. A kernel that was rewritten finds out by
    /// itself that one is pending when it enables them.
    pub(crate) fn deliver_to_guest(&mut self, index: u8) {
        let exception = self.interrupt_of_guest(index);
        self.set_guest_word(index, ASKS, exception.is_some().into());
        let Some(exception) = exception else { return };
        if self.guest_word(index, MSR) & msr::EE != 0 && self.finish_stub(index) {
            self.enter_vector(index, exception, None);
        }
    }

    /// The interrupt that the guest would take if it had interrupts enabled.
    pub(super) fn interrupt_of_guest(&self, index: u8) -> Option<Exception> {
        if self.guest_word(index, EXTERNAL) != 0 {
            Some(Exception::ExternalInput)
        } else if self.decrementer_asks(index) {
            Some(Exception::Decrementer)
        } else {
            None
        }
    }

    fn decrementer_asks(&self, index: u8) -> bool {
        self.spr(index, spr::TSR) & DECREMENTER_STATUS != 0
            && self.spr(index, spr::TCR) & DECREMENTER_ENABLE != 0
    }

    /// The guest writes its decrementer.
    pub(super) fn set_decrementer(&mut self, partition: u8, value: u32) {
        let now = self.machine.now();
        // A decrementer that is 0 does not fire.
        let at = if value == 0 {
            NEVER
        } else {
            now + u64::from(value)
        };
        self.set_alarm(partition, at);
    }

    /// The guest reads it.
    pub(super) fn decrementer(&mut self, partition: u8) -> u32 {
        let left = self.partitions[partition]
            .alarm
            .wrapping_sub(self.machine.now());
        if left >> 32 == 0 { left as u32 } else { 0 }
    }

    /// The decrementer has come to 0.
    pub(crate) fn decrementer_fired(&mut self, partition: u8) {
        let index = self.partitions[partition].guest;
        let status = self.spr(index, spr::TSR) | DECREMENTER_STATUS;
        self.set_spr(index, spr::TSR, status);
        match self.partitions[partition].activity {
            Activity::Guest => self.deliver_to_guest(index),
            Activity::GuestIdle if self.decrementer_asks(index) => {
                self.end_idling(partition);
                self.set_activity(partition, Activity::Guest);
                self.deliver_to_guest(index);
            }
            _ => {}
        }
    }

    /// `sc` of the guest's kernel: ePAPR's idle is the kernel's affair, every other call the monitor's.
    fn guest_hypercall(&mut self, partition: u8, index: u8) {
        let token = self.guests[index].registers.token();
        if token != EPAPR_IDLE_TOKEN {
            return self.leave_guest(partition, Exit::Hypercall, [token, 0, 0]);
        }
        self.guests[index].registers.set_result(0, 0);
        if self.interrupt_of_guest(index).is_some() {
            self.deliver_to_guest(index);
        } else {
            self.begin_idling(partition, index);
        }
    }
}
