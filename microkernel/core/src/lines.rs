//! Virtual interrupt lines: the one way in which anything reaches a vCPU.
//!
//! A line that is raised becomes pending in the partition's register page. If the partition waits and the line is
//! enabled, the wait ends; if virtual interrupts are enabled and there is a handler, the handler is entered. This is
//! the only moment at which the kernel looks: a partition that enables interrupts or lines later looks for itself,
//! and calls `deliver` if something is pending.

use cofferdam_abi::Status;
use cofferdam_abi::health::Exception;
use cofferdam_abi::page;
use cofferdam_tables::NO_LINE;

use crate::guest::GUESTS;
use crate::kernel::{Ending, Kernel};
use crate::machine::{Machine, Registers};
use crate::partition::Activity;

impl<M: Machine> Kernel<M> {
    /// Raises a line. A partition that is not up does not notice: its register page is written anew at its start.
    pub(crate) fn raise(&mut self, partition: u8, line: u8) {
        if line == NO_LINE {
            return;
        }
        let page = self.partitions[partition].page;
        let mask = 1u32.wrapping_shl(u32::from(line));
        let pending = self.machine.read_word(page + page::PENDING) | mask;
        self.machine.write_word(page + page::PENDING, pending);
        let enabled = self.machine.read_word(page + page::ENABLED);
        if enabled & mask != 0 {
            self.interrupt_wait(partition, pending & enabled);
            let state = self.machine.read_word(page + page::MSR);
            if state & page::MSR_EE != 0 && self.partitions[partition].activity == Activity::Ready {
                self.reflect(partition, Exception::ExternalInput, None);
            }
        }
    }

    /// Ends a wait of any kind, because these lines are pending and enabled.
    #[inline]
    fn interrupt_wait(&mut self, partition: u8, lines: u32) {
        let status = match self.partitions[partition].activity {
            Activity::Waiting => {
                self.results(partition, [lines]);
                Status::Ok
            }
            Activity::Guest | Activity::GuestIdle if GUESTS => {
                return self.interrupt_guest(partition, lines);
            }
            Activity::AwaitingReply(_) | Activity::AwaitingRequest(_) => Status::Interrupted,
            _ => return,
        };
        self.partitions[partition]
            .registers
            .set_result(0, status as u32);
        self.set_activity(partition, Activity::Ready);
    }

    /// The lines that are pending and enabled.
    #[inline]
    pub(crate) fn pending_lines(&self, partition: u8) -> u32 {
        let page = self.partitions[partition].page;
        self.machine.read_word(page + page::PENDING) & self.machine.read_word(page + page::ENABLED)
    }

    /// Enters the handler of virtual interrupts if the partition is up, has them enabled, has a handler, and
    /// a line asks.
    pub(crate) fn deliver(&mut self, partition: u8) {
        if self.partitions[partition].activity != Activity::Ready {
            return;
        }
        let page = self.partitions[partition].page;
        let enabled = self.machine.read_word(page + page::MSR) & page::MSR_EE != 0;
        if enabled && self.pending_lines(partition) != 0 {
            self.reflect(partition, Exception::ExternalInput, None);
        }
    }

    /// Enters the partition's handler of an exception, as hardware would: the place and state before it go to
    /// SRR0 and SRR1, further interrupts are disabled. False, and nothing done, if there is no handler.
    ///
    /// `syndrome`: DEAR and ESR.
    pub(crate) fn reflect(
        &mut self,
        partition: u8,
        exception: Exception,
        syndrome: Option<(u32, u32)>,
    ) -> bool {
        let page = self.partitions[partition].page;
        let vector = self
            .machine
            .read_word(page + page::VECTORS + 4 * exception as u32);
        if vector == 0 {
            return false;
        }
        let state = self.machine.read_word(page + page::MSR);
        let registers = &mut self.partitions[partition].registers;
        let pc = registers.pc();
        registers.set_pc(vector);
        self.ending = Ending::DECIDE;
        self.machine.write_word(page + page::SRR0, pc);
        self.machine.write_word(page + page::SRR1, state);
        self.machine
            .write_word(page + page::MSR, state & !page::MSR_EE);
        if let Some((address, syndrome)) = syndrome {
            self.machine.write_word(page + page::DEAR, address);
            self.machine.write_word(page + page::ESR, syndrome);
        }
        true
    }

    /// The instruction at which the partition that has the processor stands, if it may execute there.
    pub fn instruction(&self) -> Option<u32> {
        if self.in_guest() {
            return None;
        }
        self.peek(self.current, self.partitions[self.current].registers.pc())
    }

    /// The partition that has the processor executed a return from interrupt: back to where the last virtual exception
    /// came from. What became pending meanwhile is delivered at once.
    pub fn return_from_interrupt(&mut self) {
        let partition = self.current;
        let page = self.partitions[partition].page;
        let pc = self.machine.read_word(page + page::SRR0);
        let state = self.machine.read_word(page + page::SRR1);
        self.partitions[partition].registers.set_pc(pc);
        self.machine.write_word(page + page::MSR, state);
        self.deliver(partition);
    }
}
