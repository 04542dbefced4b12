//! The short way of a call and of its reply: messages in registers, from a partition that waits from now on to one that
//! has waited in a hypercall and is the most urgent one then. Everything else takes the long way, which this changes nothing for.

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::MESSAGE_WORDS;
use cofferdam_tables::{Capability, CapabilityKind};

use super::Progress;
use crate::kernel::{Ending, Kernel};
use crate::machine::{Machine, Registers};
use crate::partition::Activity;

impl<M: Machine> Kernel<M> {
    /// The whole of a call, as far as it is a direct switch to a server that waits for it. [`Ending::AT_LENGTH`], and
    /// nothing is done, if there is more to it.
    #[inline(always)]
    pub(crate) fn call_directly(&mut self, caller: u8) -> Ending {
        let slot = self.partitions[caller].registers.argument(0);
        let Ok(Capability { object: index, .. }) =
            self.capability(caller, slot, CapabilityKind::CallClient)
        else {
            return Ending::AT_LENGTH;
        };
        let call = &self.calls[index];
        let server = call.server.partition;
        let ready = call.progress == Progress::Free
            && self.partitions[server].activity == Activity::AwaitingRequest(index)
            && self.pending_lines(caller) == 0;
        if !ready {
            return Ending::AT_LENGTH;
        }
        let ending = self.hand_over(caller, Activity::AwaitingReply(index), server);
        if ending == Ending::AT_LENGTH {
            return ending;
        }
        let wanted = self.partitions[caller].registers.argument(1);
        let call = &mut self.calls[index];
        let time_out = if wanted.wrapping_sub(1) < call.time_out {
            wanted
        } else {
            call.time_out
        };
        call.progress = Progress::Taken;
        call.length = 0;
        call.reply_room = 0;
        call.deadline = self.clock.slice_start.wrapping_add(time_out);
        self.clock.calls_timed = true;
        self.arm_client(self.clock.slice_start, time_out);
        self.give_words(caller, server);
        ending
    }

    /// The whole of a reply and the wait for the next request, as far as it is a direct switch to the client.
    /// [`Ending::AT_LENGTH`], and nothing is done, if there is more to it.
    #[inline(always)]
    pub(crate) fn reply_directly(&mut self, caller: u8) -> Ending {
        let registers = &self.partitions[caller].registers;
        let (slot, length) = (registers.argument(0), registers.argument(1));
        let Ok(Capability { object: index, .. }) =
            self.capability(caller, slot, CapabilityKind::CallServer)
        else {
            return Ending::AT_LENGTH;
        };
        let call = &self.calls[index];
        let client = call.client.partition;
        let ready = length == 0
            && call.progress == Progress::Taken
            && self.partitions[client].activity == Activity::AwaitingReply(index)
            && self.pending_lines(caller) == 0;
        if !ready {
            return Ending::AT_LENGTH;
        }
        let ending = self.hand_over(caller, Activity::AwaitingRequest(index), client);
        if ending == Ending::AT_LENGTH {
            return ending;
        }
        self.calls[index].progress = Progress::Free;
        self.give_words(caller, client);
        ending
    }

    /// Ends a partition's wait with the words that another sends it out of its registers.
    #[inline(always)]
    fn give_words(&mut self, from: u8, to: u8) {
        const { assert!(MESSAGE_WORDS == 4) };
        let mut give = |word: usize| {
            let value = self.partitions[from].registers.argument(2 + word);
            self.partitions[to].registers.set_result(2 + word, value);
        };
        give(0);
        give(1);
        give(2);
        give(3);
        let registers = &mut self.partitions[to].registers;
        registers.set_result(0, Status::Ok as u32);
        registers.set_result(1, 0);
    }
}
