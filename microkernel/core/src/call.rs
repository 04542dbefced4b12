//! `call` channels: request and reply.
//!
//! One request at a time is open on a channel. Each has a deadline, so that no server, however late, dead or
//! malicious, can hold a client: when it passes, the client goes on, and a reply that comes after it is
//! dropped. A request is only accepted when the server may run in this window, so that a call can be a direct switch:
//! the server has its own rank, and if that is the highest that wants the processor, it goes on at once.

mod direct;

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::MESSAGE_WORDS;
use cofferdam_abi::record::TraceKind;
use cofferdam_tables::{CapabilityKind, End, NO_LINE};

use crate::configuration::{ChannelTables, Configuration};
use crate::kernel::{Kernel, NOBODY};
use crate::machine::{Machine, Registers};
use crate::memory::Access;
use crate::partition::Activity;

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There is none.
    Free,
    /// Submitted; the server has not taken it.
    Submitted,
    /// The server has it.
    Taken,
    /// The server has it, but the client no longer waits for it.
    Abandoned,
    /// The server has it; the client that submitted it has yet to learn that its deadline has passed.
    Expired,
    /// Answered, with this result; the client has not collected it.
    Answered(Status),
}

/// The state of a call channel, with what of its tables a call needs at once: of a signal channel, the two ends alone. Its size is a power of two, so that
/// finding it takes no multiplication.
#[repr(align(64))]
pub(crate) struct Call {
    client: End,
    server: End,
    /// The longest that a call may take, in ticks.
    time_out: u32,
    progress: Progress,
    /// The words of the request, then those of the reply.
    words: [u32; MESSAGE_WORDS],
    /// The length of the request in the store, then that of the reply.
    length: u32,
    /// When the client goes on without an answer, while the request is submitted or taken: the lower half of the
    /// timebase.
    deadline: u32,
    /// Where a client that waits wants a reply's bytes: a physical address and its room.
    reply_to: u32,
    reply_room: u32,
    /// How much of the room for replies was ever written: what lies behind is nobody's to send.
    written: u32,
}

/// A message in registers: its length in the store, and its words.
type Words = [u32; 1 + MESSAGE_WORDS];

impl Call {
    pub(crate) fn new(configuration: &Configuration, index: usize) -> Self {
        let nobody = End {
            partition: NOBODY,
            line: NO_LINE,
        };
        let tables = configuration.channels.get(index);
        let end = |index| {
            let ends = tables.map(|tables| tables.ends.of(&configuration.ends));
            ends.and_then(|ends| ends.get(index))
                .copied()
                .unwrap_or(nobody)
        };
        Self {
            client: end(0),
            server: end(1),
            time_out: tables.map_or(0, |tables| tables.own.deadline_ticks),
            progress: Progress::Free,
            words: [0; MESSAGE_WORDS],
            length: 0,
            deadline: 0,
            reply_to: 0,
            reply_room: 0,
            written: 0,
        }
    }

    /// The other of the channel's two ends.
    #[inline(always)]
    pub(crate) fn peer_of(&self, partition: u8) -> End {
        if self.client.partition == partition {
            self.server
        } else {
            self.client
        }
    }

    /// Whether a request is under way.
    pub(crate) fn is_open(&self) -> bool {
        self.progress != Progress::Free
    }

    /// Whether the deadline counts.
    fn is_timed(&self) -> bool {
        matches!(self.progress, Progress::Submitted | Progress::Taken)
    }

    /// How long until the deadline, in ticks; 0 if it has passed.
    fn ticks_left(&self, now: u32) -> u32 {
        (self.deadline.wrapping_sub(now) as i32).max(0) as u32
    }

    /// Whether the server has it.
    fn is_held(&self) -> bool {
        matches!(
            self.progress,
            Progress::Taken | Progress::Abandoned | Progress::Expired
        )
    }

    fn message(&self) -> Words {
        let [a, b, c, d] = self.words;
        [self.length, a, b, c, d]
    }
}

/// Where the reply of a channel is kept, behind its request.
fn reply_store(tables: &ChannelTables) -> u32 {
    tables.own.store + tables.own.message_bytes.next_multiple_of(4)
}

impl<M: Machine> Kernel<M> {
    /// Submits a request. The server has not been told yet.
    pub(crate) fn submit(
        &mut self,
        caller: u8,
        slot: u32,
        time_out: u32,
        words: [u32; 4],
    ) -> Result<u8, Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallClient)?
            .object;
        let call = &mut self.calls[index];
        match call.progress {
            Progress::Free => {}
            Progress::Abandoned => return Err(Status::Again),
            _ => return Err(Status::InvalidState),
        }
        let server = &self.partitions[call.server.partition];
        if !server.activity.is_up() {
            return Err(Status::PeerDown);
        }
        if server.ranks & self.clock.eligible == 0 {
            return Err(Status::OutOfWindow);
        }
        let time_out = if time_out == 0 {
            call.time_out
        } else {
            time_out.min(call.time_out)
        };
        let now = self.machine.now_lower();
        call.progress = Progress::Submitted;
        call.words = words;
        call.length = 0;
        call.deadline = now.wrapping_add(time_out);
        call.reply_room = 0;
        self.clock.calls_timed = true;
        self.arm(caller, now, time_out);
        Ok(index)
    }

    /// Lets the server know of a request that was submitted, all of it: one that waits for it has it at once.
    pub(crate) fn tell_server(&mut self, index: u8) {
        self.trace_call(TraceKind::MessageOut, self.calls[index].client, index);
        let call = &mut self.calls[index];
        let server = call.server;
        if self.partitions[server.partition].activity == Activity::AwaitingRequest(index) {
            call.progress = Progress::Taken;
            let words = call.message();
            self.trace_call(TraceKind::MessageIn, server, index);
            self.finish_wait(server.partition, Status::Ok, words);
        } else {
            self.raise(server.partition, server.line);
        }
    }

    /// Ends a blocked call or receive with a result.
    fn finish_wait(&mut self, partition: u8, status: Status, words: Words) {
        self.partitions[partition]
            .registers
            .set_result(0, status as u32);
        self.results(partition, words);
        self.set_activity(partition, Activity::Ready);
    }

    /// The fused form: submit and wait. `None`: the caller is blocked.
    pub(crate) fn call(
        &mut self,
        caller: u8,
        slot: u32,
        time_out: u32,
        words: [u32; 4],
    ) -> Option<Status> {
        match self.submit(caller, slot, time_out, words) {
            Ok(index) => self.await_reply(caller, index),
            Err(status) => Some(status),
        }
    }

    /// The fused form with messages in memory. `None`: the caller is blocked.
    pub(crate) fn call_message(&mut self, caller: u8, arguments: [u32; 6]) -> Option<Status> {
        let [slot, time_out, request, length, reply, room] = arguments;
        let submitted = self
            .prepare_message(caller, slot, request, length, reply, room)
            .and_then(|(from, to)| {
                let index = self.submit(caller, slot, time_out, [0; MESSAGE_WORDS])?;
                let tables = self.channel(index)?;
                self.machine.copy(from, tables.own.store, length);
                let call = &mut self.calls[index];
                (call.length, call.reply_to, call.reply_room) = (length, to, room);
                Ok(index)
            });
        match submitted {
            Ok(index) => self.await_reply(caller, index),
            Err(status) => Some(status),
        }
    }

    /// The physical places of a request and of the room for its reply.
    fn prepare_message(
        &self,
        caller: u8,
        slot: u32,
        request: u32,
        length: u32,
        reply: u32,
        room: u32,
    ) -> Result<(u32, u32), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallClient)?
            .object;
        let tables = self.channel(index)?;
        if length > tables.own.message_bytes {
            return Err(Status::Invalid);
        }
        let from = self.buffer(caller, request, length, Access::Read)?;
        Ok((from, self.buffer(caller, reply, room, Access::Write)?))
    }

    /// Blocks the caller until the reply of a request just submitted, unless something asks for it already.
    fn await_reply(&mut self, caller: u8, index: u8) -> Option<Status> {
        if self.pending_lines(caller) != 0 {
            self.tell_server(index);
            return Some(Status::Interrupted);
        }
        self.set_activity(caller, Activity::AwaitingReply(index));
        self.tell_server(index);
        None
    }

    /// Takes the reply of a request submitted before; its bytes, if it has any, go to the caller's memory.
    pub(crate) fn collect(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        room: u32,
    ) -> Result<Words, Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallClient)?
            .object;
        let tables = self.channel(index)?;
        match self.calls[index].progress {
            Progress::Answered(Status::Ok) => {
                let length = self.calls[index].length;
                if length > room {
                    return Err(Status::Overflow);
                }
                if length != 0 {
                    let to = self.buffer(caller, address, length, Access::Write)?;
                    self.machine.copy(reply_store(tables), to, length);
                }
                self.calls[index].progress = Progress::Free;
                self.trace_call(TraceKind::MessageIn, self.calls[index].client, index);
                Ok(self.calls[index].message())
            }
            Progress::Answered(status) => {
                self.calls[index].progress = Progress::Free;
                Err(status)
            }
            Progress::Expired => {
                self.calls[index].progress = Progress::Abandoned;
                Err(Status::TimedOut)
            }
            Progress::Submitted | Progress::Taken => Err(Status::Again),
            Progress::Free | Progress::Abandoned => Err(Status::InvalidState),
        }
    }

    /// The next request of a channel.
    pub(crate) fn receive(&mut self, caller: u8, slot: u32) -> Result<Words, Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallServer)?
            .object;
        match self.calls[index].progress {
            Progress::Submitted => {
                self.calls[index].progress = Progress::Taken;
                self.trace_call(TraceKind::MessageIn, self.calls[index].server, index);
                Ok(self.calls[index].message())
            }
            Progress::Taken | Progress::Abandoned | Progress::Expired => Err(Status::InvalidState),
            Progress::Free | Progress::Answered(_) => Err(Status::Again),
        }
    }

    /// A request or a reply goes out of one of the channel's ends, or comes in.
    #[inline(always)]
    fn trace_call(&mut self, kind: TraceKind, end: End, channel: u8) {
        if cfg!(feature = "trace") {
            let length = self.calls[channel].length;
            self.trace_message(kind, end.partition, channel, length, 0);
        }
    }

    /// Answers the request that the server has.
    pub(crate) fn reply(
        &mut self,
        caller: u8,
        slot: u32,
        length: u32,
        words: [u32; 4],
    ) -> Result<u8, Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallServer)?
            .object;
        if length > self.calls[index].written {
            return Err(Status::Invalid);
        }
        match self.calls[index].progress {
            Progress::Taken => {}
            Progress::Abandoned => {
                self.give_back(index);
                return Err(Status::TimedOut);
            }
            Progress::Expired => {
                self.calls[index].progress = Progress::Answered(Status::TimedOut);
                return Err(Status::TimedOut);
            }
            _ => return Err(Status::InvalidState),
        }
        let call = &mut self.calls[index];
        (call.words, call.length) = (words, length);
        self.trace_call(TraceKind::MessageOut, self.calls[index].server, index);
        self.answer(index, Status::Ok);
        Ok(index)
    }

    /// Gives the client its result: at once if it waits, else by its line. Only a client that waits has its
    /// memory written: one that was interrupted may long use it for something else.
    #[inline]
    fn answer(&mut self, index: u8, status: Status) {
        let call = &mut self.calls[index];
        let client = call.client;
        if self.partitions[client.partition].activity != Activity::AwaitingReply(index) {
            call.progress = Progress::Answered(status);
            return self.raise(client.partition, client.line);
        }
        call.progress = Progress::Free;
        let words = call.message();
        let status = if status == Status::Ok && call.length != 0 {
            self.give_reply(index)
        } else {
            status
        };
        if status == Status::Overflow {
            self.calls[index].progress = Progress::Answered(Status::Ok);
        }
        if status == Status::Ok {
            self.trace_call(TraceKind::MessageIn, client, index);
        }
        self.finish_wait(client.partition, status, words);
    }

    /// Copies the bytes of a reply to where the client wants them.
    fn give_reply(&mut self, index: u8) -> Status {
        let call = &self.calls[index];
        let (length, to) = (call.length, call.reply_to);
        match self.channel(index) {
            Ok(tables) if length <= call.reply_room => {
                self.machine.copy(reply_store(tables), to, length);
                Status::Ok
            }
            _ => Status::Overflow,
        }
    }

    /// Answers, then waits for the next request on the same channel. `None`: the caller is blocked.
    pub(crate) fn reply_receive(
        &mut self,
        caller: u8,
        slot: u32,
        length: u32,
        words: [u32; 4],
    ) -> Option<Status> {
        let index = match self.reply(caller, slot, length, words) {
            Ok(index) => index,
            Err(status) => return Some(status),
        };
        if self.pending_lines(caller) != 0 {
            return Some(Status::Interrupted);
        }
        self.set_activity(caller, Activity::AwaitingRequest(index));
        None
    }

    /// Copies the bytes of the request that the server has.
    pub(crate) fn read_request(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        room: u32,
    ) -> Result<[u32; 1], Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallServer)?
            .object;
        let tables = self.channel(index)?;
        if !self.calls[index].is_held() {
            return Err(Status::InvalidState);
        }
        let length = self.calls[index].length;
        if length > room {
            return Err(Status::Overflow);
        }
        let to = self.buffer(caller, address, length, Access::Write)?;
        self.machine.copy(tables.own.store, to, length);
        Ok([length])
    }

    /// Copies the bytes of the reply to come.
    pub(crate) fn write_reply(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::CallServer)?
            .object;
        let tables = self.channel(index)?;
        if length > tables.own.reply_bytes {
            return Err(Status::Invalid);
        }
        if !self.calls[index].is_held() {
            return Err(Status::InvalidState);
        }
        let from = self.buffer(caller, address, length, Access::Read)?;
        self.machine.copy(from, reply_store(tables), length);
        let call = &mut self.calls[index];
        call.written = call.written.max(length);
        Ok(())
    }

    /// The request of a partition that may run now whose deadline is next: how far ahead that is, in ticks, 0 if it has passed,
    /// and its channel. Those of others wait for their windows: till then nobody is held by them.
    pub(crate) fn next_time_out(&mut self, now: u32) -> Option<(u32, u8)> {
        let mut next = None;
        let mut timed = false;
        for (ranks, index) in self.configuration.call_channels.iter().copied() {
            let call = &self.calls[index];
            // One loop, without a shorter way round: so its bound is what it looks like.
            let is_timed = call.is_timed();
            timed |= is_timed;
            let left = call.ticks_left(now);
            let may_run = ranks & self.clock.eligible != 0;
            if is_timed & may_run && next.is_none_or(|(least, _)| left < least) {
                next = Some((left, index));
            }
        }
        self.clock.calls_timed = timed;
        next
    }

    /// Ends a request whose deadline has passed.
    pub(crate) fn expire_call(&mut self, index: u8) {
        let taken = self.calls[index].progress == Progress::Taken;
        self.answer(index, Status::TimedOut);
        let call = &mut self.calls[index];
        if taken {
            let told = call.progress == Progress::Free;
            call.progress = if told {
                Progress::Abandoned
            } else {
                Progress::Expired
            };
        }
    }

    /// The server is done with a request that nobody waits for any more: the channel is free, and the client's line says so.
    fn give_back(&mut self, index: u8) {
        let call = &mut self.calls[index];
        call.progress = Progress::Free;
        let client = call.client;
        self.raise(client.partition, client.line);
    }

    /// The client of a channel is gone: nobody waits for the reply.
    pub(crate) fn client_left(&mut self, index: u8) {
        let call = &mut self.calls[index];
        call.progress = match call.progress {
            Progress::Taken | Progress::Abandoned | Progress::Expired => Progress::Abandoned,
            _ => Progress::Free,
        };
        (call.reply_to, call.reply_room) = (0, 0);
    }

    /// The server of a channel is gone: what was asked of it will not be answered.
    pub(crate) fn server_left(&mut self, index: u8) {
        match self.calls[index].progress {
            Progress::Submitted | Progress::Taken => self.answer(index, Status::PeerRestarted),
            Progress::Abandoned => self.give_back(index),
            Progress::Expired => self.calls[index].progress = Progress::Answered(Status::TimedOut),
            Progress::Free | Progress::Answered(_) => {}
        }
    }
}
