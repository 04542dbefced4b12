//! From a token to a handler, and from its outcome to the caller's registers.

use cofferdam_abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall};
use cofferdam_abi::record::TraceKind;
use cofferdam_abi::{ABI_VERSION, Status};

use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};
use crate::partition::NEVER;

impl<M: Machine> Kernel<M> {
    /// The partition that has the processor executed `sc` at its supervisor level.
    #[inline]
    pub fn hypercall(&mut self) {
        let caller = self.current;
        let token = self.partitions[caller].registers.token();
        let outcome = match Hypercall::from_token(token) {
            Some(call) => self.dispatch(caller, call),
            None if token == EPAPR_IDLE_TOKEN => self.wait(caller, 0),
            None => Some(Status::Unimplemented),
        };
        if cfg!(feature = "trace") {
            let now = self.machine.now();
            let status = outcome.map_or(u32::MAX, |status| status as u32);
            let argument = self.partitions[caller].registers.argument(0);
            self.record.trace(
                now,
                TraceKind::Hypercall,
                caller,
                token as u16,
                status,
                argument,
            );
        }
        if let Some(status) = outcome {
            self.partitions[caller]
                .registers
                .set_result(0, status as u32);
        }
    }

    /// `None`: the caller is blocked, or no longer there, and gets no result now.
    #[inline]
    fn dispatch(&mut self, caller: u8, call: Hypercall) -> Option<Status> {
        let registers = &self.partitions[caller].registers;
        let a = registers.argument(0);
        let b = registers.argument(1);
        let c = registers.argument(2);
        let words = [
            c,
            registers.argument(3),
            registers.argument(4),
            registers.argument(5),
        ];
        match call {
            Hypercall::Version => {
                self.results(
                    caller,
                    [u32::from(ABI_VERSION), self.configuration.board.timebase_hz],
                );
                Some(Status::Ok)
            }
            Hypercall::Wait => self.wait(caller, a),
            Hypercall::Deliver => {
                self.partitions[caller]
                    .registers
                    .set_result(0, Status::Ok as u32);
                self.deliver(caller);
                None
            }
            Hypercall::ProcessorTime => {
                let time = self.processor_time(caller);
                self.results(caller, time);
                Some(Status::Ok)
            }
            Hypercall::SetTimer => {
                self.set_virtual_timer(caller, (u64::from(a) << 32) | u64::from(b));
                Some(Status::Ok)
            }
            Hypercall::Complete => Some(if self.complete(caller) {
                Status::Ok
            } else {
                Status::InvalidState
            }),
            Hypercall::Signal => plain(self.signal(caller, a)),
            Hypercall::SamplingWrite => plain(self.sampling_write(caller, a, b, c)),
            Hypercall::SamplingRead => {
                let outcome = self.sampling_read(caller, a, b, c);
                self.finish(caller, outcome)
            }
            Hypercall::QueuingSend => plain(self.queuing_send(caller, a, b, c)),
            Hypercall::QueuingReceive => {
                let outcome = self.queuing_receive(caller, a, b, c);
                self.finish(caller, outcome)
            }
            Hypercall::ChannelStatus => {
                let outcome = self.channel_status(caller, a);
                self.finish(caller, outcome)
            }
            Hypercall::Call => self.call(caller, a, b, words),
            Hypercall::CallSubmit => match self.submit(caller, a, b, words) {
                Ok(index) => {
                    self.tell_server(index);
                    Some(Status::Ok)
                }
                Err(status) => Some(status),
            },
            Hypercall::CallCollect => {
                let outcome = self.collect(caller, a, b, c);
                self.finish(caller, outcome)
            }
            Hypercall::Receive => {
                let outcome = self.receive(caller, a);
                self.finish(caller, outcome)
            }
            Hypercall::Reply => plain(self.reply(caller, a, b, words).map(|_| ())),
            Hypercall::ReplyReceive => {
                let outcome = self.reply_receive(caller, a, b, words)?;
                self.finish(caller, outcome)
            }
            Hypercall::CallMessage => {
                self.call_message(caller, [a, b, words[0], words[1], words[2], words[3]])
            }
            Hypercall::ReadRequest => {
                let outcome = self.read_request(caller, a, b, c);
                self.finish(caller, outcome)
            }
            Hypercall::WriteReply => plain(self.write_reply(caller, a, b, c)),
            Hypercall::InterruptAcknowledge => plain(self.acknowledge(caller, a)),
            Hypercall::ScheduleSet => plain(self.schedule_set(caller, a, b)),
            Hypercall::ScheduleStatus => {
                let outcome = self.schedule_status(caller, a);
                self.finish(caller, outcome)
            }
            Hypercall::PartitionControl => plain(self.partition_control(caller, a, b)),
            Hypercall::PartitionStatus => {
                let outcome = self.partition_status(caller, a);
                self.finish(caller, outcome)
            }
            Hypercall::HealthRead => plain(self.health_read(caller, a, b)),
            Hypercall::HealthRaise => {
                self.partitions[caller]
                    .registers
                    .set_result(0, Status::Ok as u32);
                self.partition_error(caller, cofferdam_abi::health::Error::ApplicationError, a);
                None
            }
            Hypercall::SelfControl => match self.self_control(caller, a) {
                Ok(()) => None,
                Err(status) => Some(status),
            },
            Hypercall::Mark => {
                let now = self.machine.now();
                self.record.mark(now, caller, a, b);
                Some(Status::Ok)
            }
        }
    }

    fn finish<const N: usize>(
        &mut self,
        caller: u8,
        outcome: Result<[u32; N], Status>,
    ) -> Option<Status> {
        match outcome {
            Ok(values) => {
                self.results(caller, values);
                Some(Status::Ok)
            }
            Err(status) => Some(status),
        }
    }

    fn set_virtual_timer(&mut self, caller: u8, at: u64) {
        self.partitions[caller].timer = at;
        if at != NEVER {
            self.arm(caller, at);
        }
    }
}

fn plain(outcome: Result<(), Status>) -> Option<Status> {
    Some(outcome.map_or_else(|status| status, |()| Status::Ok))
}
