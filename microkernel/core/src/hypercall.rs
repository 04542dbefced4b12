//! From a token to a handler, and from its outcome to the caller's registers.

use cofferdam_abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall};
use cofferdam_abi::record::{NO_HYPERCALL, TraceKind};
use cofferdam_abi::{ABI_VERSION, Status};

use crate::kernel::{Ending, Kernel};
use crate::machine::{Machine, Registers};

/// A hypercall's handler: everything between the entry and the decision who goes on. A C function without arguments
/// of its own, so that the architecture's entry code can call it straight out of [`Kernel::HANDLERS`].
pub type Handler<M> = extern "C" fn(&mut Kernel<M>) -> Ending;

/// What becomes of the caller: it goes on with this status, or it is blocked, or has been told already.
type Outcome = Option<Status>;

/// Makes a handler of each expression, and a table of the handlers in the order of their numbers.
///
/// `unless` names what may do the whole of it on a shorter way, which needs no stack: that is the handler then, and the
/// expression is what [`Kernel::hypercall_at_length`] does.
macro_rules! handlers {
    (@one $call:ident, $kernel:ident, $caller:ident, $outcome:expr) => {
        pub(super) extern "C" fn $call<M: Machine>($kernel: &mut Kernel<M>) -> Ending {
            let $caller = $kernel.current;
            let outcome: Outcome = $outcome;
            $kernel.finish($caller, Hypercall::$call as u16, outcome)
        }
    };
    (@one $call:ident, $kernel:ident, $caller:ident, $outcome:expr, $shorter:ident) => {
        pub(super) extern "C" fn $call<M: Machine>($kernel: &mut Kernel<M>) -> Ending {
            $kernel.$shorter($kernel.current)
        }
    };
    (@long $call:ident, $kernel:ident, $caller:ident, $outcome:expr) => {};
    (@long $call:ident, $kernel:ident, $caller:ident, $outcome:expr, $shorter:ident) => {
        handlers! { @one $call, $kernel, $caller, $outcome }
    };
    ($($call:ident $(unless $shorter:ident)? => |$kernel:ident, $caller:ident| $outcome:expr;)*) => {
        #[allow(non_snake_case, reason = "a handler has the name of its hypercall")]
        mod handler {
            use super::*;
            $(handlers! { @one $call, $kernel, $caller, $outcome $(, $shorter)? })*
        }

        #[allow(non_snake_case, reason = "a handler has the name of its hypercall")]
        mod at_length {
            use super::*;
            $(handlers! { @long $call, $kernel, $caller, $outcome $(, $shorter)? })*
        }

        impl<M: Machine> Kernel<M> {
            /// The handlers of all hypercalls, in the order of their numbers.
            pub const HANDLERS: [Handler<M>; Hypercall::ALL.len()] = {
                $(assert!(Hypercall::ALL[Hypercall::$call as usize] as u16 == Hypercall::$call as u16);)*
                [$(handler::$call,)*]
            };
        }
    };
}

handlers! {
    Version => |kernel, caller| {
        kernel.results(caller, [u32::from(ABI_VERSION), kernel.configuration.board.timebase_hz]);
        Some(Status::Ok)
    };
    Wait => |kernel, caller| kernel.wait(caller, kernel.argument(caller, 0));
    Deliver => |kernel, caller| {
        kernel.partitions[caller].registers.set_result(0, Status::Ok as u32);
        kernel.deliver(caller);
        None
    };
    ProcessorTime => |kernel, caller| {
        let time = kernel.processor_time(caller);
        kernel.results(caller, time);
        Some(Status::Ok)
    };
    SetTimer => |kernel, caller| {
        let [upper, lower] = kernel.arguments(caller);
        kernel.set_alarm(caller, (u64::from(upper) << 32) | u64::from(lower));
        Some(Status::Ok)
    };
    Complete => |kernel, caller| Some(if kernel.complete(caller) { Status::Ok } else { Status::InvalidState });
    Signal => |kernel, caller| plain(kernel.signal(caller, kernel.argument(caller, 0)));
    SamplingWrite => |kernel, caller| {
        let [slot, address, length] = kernel.arguments(caller);
        plain(kernel.sampling_write(caller, slot, address, length))
    };
    SamplingRead => |kernel, caller| {
        let [slot, address, capacity] = kernel.arguments(caller);
        let outcome = kernel.sampling_read(caller, slot, address, capacity);
        kernel.with_results(caller, outcome)
    };
    QueuingSend => |kernel, caller| {
        let [slot, address, length, again] = kernel.arguments(caller);
        plain(kernel.queuing_send(caller, slot, address, length, again != 0))
    };
    QueuingReceive => |kernel, caller| {
        let [slot, address, capacity] = kernel.arguments(caller);
        let outcome = kernel.queuing_receive(caller, slot, address, capacity);
        kernel.with_results(caller, outcome)
    };
    ChannelStatus => |kernel, caller| {
        let outcome = kernel.channel_status(caller, kernel.argument(caller, 0));
        kernel.with_results(caller, outcome)
    };
    Call unless call_directly => |kernel, caller| {
        let [slot, time_out, words @ ..]: [u32; 6] = kernel.arguments(caller);
        kernel.call(caller, slot, time_out, words)
    };
    CallSubmit => |kernel, caller| {
        let [slot, time_out, words @ ..]: [u32; 6] = kernel.arguments(caller);
        plain(kernel.submit(caller, slot, time_out, words).map(|index| kernel.tell_server(index)))
    };
    CallCollect => |kernel, caller| {
        let [slot, address, capacity] = kernel.arguments(caller);
        let outcome = kernel.collect(caller, slot, address, capacity);
        kernel.with_results(caller, outcome)
    };
    Receive => |kernel, caller| {
        let outcome = kernel.receive(caller, kernel.argument(caller, 0));
        kernel.with_results(caller, outcome)
    };
    Reply => |kernel, caller| {
        let [slot, length, words @ ..]: [u32; 6] = kernel.arguments(caller);
        plain(kernel.reply(caller, slot, length, words).map(|_| ()))
    };
    ReplyReceive unless reply_directly => |kernel, caller| {
        let [slot, length, words @ ..]: [u32; 6] = kernel.arguments(caller);
        kernel.reply_receive(caller, slot, length, words)
    };
    CallMessage => |kernel, caller| kernel.call_message(caller, kernel.arguments(caller));
    ReadRequest => |kernel, caller| {
        let [slot, address, capacity] = kernel.arguments(caller);
        let outcome = kernel.read_request(caller, slot, address, capacity);
        kernel.with_results(caller, outcome)
    };
    WriteReply => |kernel, caller| {
        let [slot, address, length] = kernel.arguments(caller);
        plain(kernel.write_reply(caller, slot, address, length))
    };
    InterruptAcknowledge => |kernel, caller| plain(kernel.acknowledge(caller, kernel.argument(caller, 0)));
    ScheduleSet => |kernel, caller| {
        let [slot, schedule] = kernel.arguments(caller);
        plain(kernel.schedule_set(caller, slot, schedule))
    };
    ScheduleStatus => |kernel, caller| {
        let outcome = kernel.schedule_status(caller, kernel.argument(caller, 0));
        kernel.with_results(caller, outcome)
    };
    PartitionControl => |kernel, caller| {
        let [slot, action] = kernel.arguments(caller);
        plain(kernel.partition_control(caller, slot, action))
    };
    PartitionStatus => |kernel, caller| {
        let outcome = kernel.partition_status(caller, kernel.argument(caller, 0));
        kernel.with_results(caller, outcome)
    };
    HealthRead => |kernel, caller| {
        let [slot, address] = kernel.arguments(caller);
        plain(kernel.health_read(caller, slot, address))
    };
    HealthRaise => |kernel, caller| {
        let [detail, kind] = kernel.arguments(caller);
        kernel.health_raise(caller, detail, kind)
    };
    SelfControl => |kernel, caller| kernel.self_control(caller, kernel.argument(caller, 0)).err();
    Mark => |kernel, caller| {
        let [identifier, value] = kernel.arguments(caller);
        let now = kernel.machine.now();
        kernel.record.mark(now, caller, identifier, value);
        Some(Status::Ok)
    };
    GuestRun => |kernel, caller| kernel.guest_run(caller);
    GuestGet => |kernel, caller| {
        let outcome = kernel.guest_get(caller, kernel.argument(caller, 0));
        kernel.with_results(caller, outcome)
    };
    GuestSet => |kernel, caller| {
        let [number, value] = kernel.arguments(caller);
        plain(kernel.guest_set(caller, number, value))
    };
}

impl<M: Machine> Kernel<M> {
    /// A hypercall that is not done with its handler: one that ended in [`Ending::AT_LENGTH`], or whose token is not one of
    /// ours.
    pub fn hypercall_at_length(&mut self) -> Ending {
        let caller = self.current;
        let token = self.partitions[caller].registers.token();
        match Hypercall::from_token(token) {
            Some(Hypercall::Call) => at_length::Call(self),
            Some(Hypercall::ReplyReceive) => at_length::ReplyReceive(self),
            _ => {
                let idle = token == EPAPR_IDLE_TOKEN;
                let (number, outcome) = if idle {
                    (Hypercall::Wait as u16, self.wait(caller, 0))
                } else {
                    (NO_HYPERCALL, Some(Status::Unimplemented))
                };
                self.finish(caller, number, outcome)
            }
        }
    }

    /// Gives the caller its status, if it has one, and leaves a trace.
    #[inline(always)]
    fn finish(&mut self, caller: u8, number: u16, outcome: Outcome) -> Ending {
        if cfg!(feature = "trace") {
            self.trace_hypercall(caller, number, outcome);
        }
        if let Some(status) = outcome {
            self.partitions[caller]
                .registers
                .set_result(0, status as u32);
        }
        self.ending
    }

    fn trace_hypercall(&mut self, caller: u8, number: u16, outcome: Outcome) {
        let now = self.machine.now();
        let status = outcome.map_or(u32::MAX, |status| status as u32);
        let argument = self.argument(caller, 0);
        self.record
            .trace(now, TraceKind::Hypercall, caller, number, status, argument);
        let account = self.record.partition(caller);
        account.hypercalls = account.hypercalls.get().wrapping_add(1).into();
    }

    #[inline(always)]
    fn argument(&self, caller: u8, index: usize) -> u32 {
        self.partitions[caller].registers.argument(index)
    }

    #[inline(always)]
    pub(crate) fn arguments<const N: usize>(&self, caller: u8) -> [u32; N] {
        // Written out as in `results`.
        const { assert!(N <= 6) };
        let mut arguments = [0; N];
        let mut get = |index: usize| {
            if let Some(argument) = arguments.get_mut(index) {
                *argument = self.argument(caller, index);
            }
        };
        get(0);
        get(1);
        get(2);
        get(3);
        get(4);
        get(5);
        arguments
    }

    /// Sets the result registers of a call that went well.
    #[inline(always)]
    fn with_results<const N: usize>(
        &mut self,
        caller: u8,
        outcome: Result<[u32; N], Status>,
    ) -> Outcome {
        match outcome {
            Ok(values) => {
                self.results(caller, values);
                Some(Status::Ok)
            }
            Err(status) => Some(status),
        }
    }
}

fn plain(outcome: Result<(), Status>) -> Outcome {
    Some(outcome.map_or_else(|status| status, |()| Status::Ok))
}
