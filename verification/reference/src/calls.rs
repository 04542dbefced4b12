//! What is in the call channels.
//!
//! Each request is somewhere on its way, with the words and bytes that go with it. A deadline that has passed may have been
//! noticed or not, for the kernel does one thing at a time: the model keeps both, until an answer says which.

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::{CapabilityKind, Channel, ChannelKind};

use crate::before::Before;
use crate::made::Called;
use crate::rules;

/// Where a request is, in the words of the ABI's table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    Free,
    Submitted,
    Taken,
    Abandoned,
    Expired,
    Answered(Status),
}

use Progress::{Abandoned, Answered, Expired, Free, Submitted, Taken};

impl Progress {
    /// Whether the server owes a reply.
    fn is_held(self) -> bool {
        matches!(self, Taken | Abandoned | Expired)
    }
}

/// A client that waits in its call.
#[derive(Clone, Copy)]
pub struct Waits {
    pub deadline: u64,
    /// Where the reply's bytes may go: an effective address and its room.
    pub reply: Option<(u32, u32)>,
}

/// A call channel.
pub struct CallChannel {
    pub client: u8,
    pub server: u8,
    /// Where its request may be.
    progress: Vec<Progress>,
    /// The client waits for the reply.
    pub waits: Option<Waits>,
    /// The server waits for a request.
    pub listens: bool,
    deadline: u64,
    request: [u32; 4],
    request_bytes: Vec<u8>,
    reply: [u32; 4],
    reply_length: u32,
    /// What was ever written for replies.
    reply_bytes: Vec<u8>,
}

impl CallChannel {
    /// Whether nobody but the client's line tells of a result.
    pub fn may_be(&self, wanted: impl Fn(Progress) -> bool) -> bool {
        self.progress.iter().any(|progress| wanted(*progress))
    }

    /// Whether a deadline that has passed may be noticed.
    pub fn may_time_out(&self, now: u64) -> bool {
        self.deadline <= now && self.may_be(|progress| matches!(progress, Submitted | Taken))
    }

    /// What was possible and agrees with an answer: `next` says where the request is then. Something has to.
    fn narrow(&mut self, call: &Called, next: impl Fn(Progress) -> Option<Progress>) {
        let left: Vec<_> = self.progress.iter().copied().filter_map(next).collect();
        assert!(!left.is_empty(), "{call:x?} with {:?}", self.progress);
        self.progress = left;
    }

    /// The bytes of the reply.
    fn replied(&self) -> &[u8] {
        &self.reply_bytes[..self.reply_length as usize]
    }
}

/// The call channels, by their index; nothing for the others.
pub struct Calls {
    channels: Vec<Option<CallChannel>>,
}

/// What is wrong with a buffer.
fn wrong_buffer(
    system: &SystemBuilder,
    actor: u8,
    address: u32,
    length: u32,
    write: bool,
) -> Vec<Status> {
    let mut wrong = Vec::new();
    if !address.is_multiple_of(4) {
        wrong.push(Status::Invalid);
    }
    let theirs = if write {
        rules::writable(system, actor, address, length)
    } else {
        rules::readable(system, actor, address, length)
    };
    if !theirs {
        wrong.push(Status::BadAddress);
    }
    wrong
}

impl Calls {
    pub fn new(system: &SystemBuilder) -> Self {
        let channels = system.channels.iter().map(|(channel, ends)| {
            (channel.kind == ChannelKind::Call).then(|| CallChannel {
                client: ends[0].partition,
                server: ends[1].partition,
                progress: vec![Free],
                waits: None,
                listens: false,
                deadline: 0,
                request: [0; 4],
                request_bytes: Vec::new(),
                reply: [0; 4],
                reply_length: 0,
                reply_bytes: Vec::new(),
            })
        });
        Self {
            channels: channels.collect(),
        }
    }

    pub fn get(&self, index: usize) -> Option<&CallChannel> {
        self.channels[index].as_ref()
    }

    /// The call channels with their indices.
    pub fn all(&self) -> impl Iterator<Item = (usize, &CallChannel)> {
        let all = self.channels.iter().enumerate();
        all.filter_map(|(index, channel)| Some((index, channel.as_ref()?)))
    }

    /// The call has the result that the progress of its channel demands. `eligible`: whether a partition may run in this
    /// window.
    pub fn judge(
        &mut self,
        simulation: &mut Simulation,
        before: &Before,
        eligible: impl Fn(u8) -> bool,
        actor: u8,
        call: &Called,
    ) {
        let slot = call.arguments[0];
        let Some(capability) = rules::capability(&simulation.system, actor, slot) else {
            return;
        };
        if rules::channel(&simulation.system, actor, slot).is_none() {
            return;
        }
        let index = usize::from(capability.object);
        let tables = simulation.system.channels[index].0;
        let Some(channel) = &mut self.channels[index] else {
            return;
        };
        let is_client = capability.kind == CapabilityKind::CallClient;
        match (call.name(), is_client) {
            (Some(Hypercall::ChannelStatus), _) => {
                let open = call.outcome.results[1] == 1;
                channel.narrow(call, |progress| {
                    ((progress != Free) == open).then_some(progress)
                });
            }
            (Some(Hypercall::Call | Hypercall::CallSubmit | Hypercall::CallMessage), true) => {
                channel.judge_call(simulation, before, eligible, &tables, call);
            }
            (Some(Hypercall::CallCollect), true) => {
                channel.judge_collect(simulation, call);
            }
            (Some(Hypercall::Receive), false) => channel.judge_receive(call),
            (Some(Hypercall::Reply | Hypercall::ReplyReceive), false) => {
                channel.judge_reply(simulation, before, call);
            }
            (Some(Hypercall::ReadRequest), false) => {
                channel.judge_read_request(simulation, call);
            }
            (Some(Hypercall::WriteReply), false) => {
                channel.judge_write_reply(simulation, &tables, call);
            }
            _ => {}
        }
    }

    /// A partition's life ended: its requests are withdrawn, those to it will not be answered.
    pub fn life_ended(&mut self, simulation: &mut Simulation, partition: u8) {
        for channel in self.channels.iter_mut().flatten() {
            if channel.client == partition {
                channel.waits = None;
                for progress in &mut channel.progress {
                    *progress = if progress.is_held() { Abandoned } else { Free };
                }
            }
            if channel.server == partition {
                channel.listens = false;
                let waited = channel.waits.take().is_some();
                let told = simulation.result(channel.client).status;
                // What else ended asks for the client too, and may have come first: then this is collected.
                let waits = waited && told != Some(Status::Interrupted);
                if waited && !waits {
                    let lines = crate::before::Lines::of(simulation, channel.client);
                    assert_ne!(lines.asking(), 0, "nothing asks for it");
                }
                for progress in &mut channel.progress {
                    *progress = match *progress {
                        Submitted | Taken if waits => Free,
                        Submitted | Taken => Answered(Status::PeerRestarted),
                        Abandoned => Free,
                        Expired => Answered(Status::TimedOut),
                        other => other,
                    };
                }
                if waits {
                    assert_eq!(told, Some(Status::PeerRestarted), "a client that waits");
                }
            }
        }
    }

    /// What else may have ended a wait; and deadlines that have passed. `noticed`: whether the kernel must have noticed
    /// something of a partition that was due then.
    pub fn time_passed(
        &mut self,
        simulation: &mut Simulation,
        noticed: impl Fn(&Simulation, u8, u64) -> bool,
    ) {
        let now = simulation.now();
        for channel in self.channels.iter_mut().flatten() {
            let asking = |simulation: &Simulation, partition| {
                crate::before::Lines::of(simulation, partition).asking() != 0
            };
            if channel.listens && !simulation.registers(channel.server).unanswered {
                let status = simulation.result(channel.server).status;
                assert_eq!(status, Some(Status::Interrupted), "a server's wait ended");
                assert!(asking(simulation, channel.server), "nothing asks for it");
                channel.listens = false;
            }
            if channel.waits.is_some() {
                if simulation.registers(channel.client).unanswered {
                    continue;
                }
                channel.waits = None;
                match simulation.result(channel.client).status {
                    Some(Status::Interrupted) => {
                        assert!(asking(simulation, channel.client), "nothing asks for it");
                    }
                    Some(Status::TimedOut) => {
                        assert!(channel.deadline <= now, "before its deadline");
                        for progress in &mut channel.progress {
                            *progress = if progress.is_held() { Abandoned } else { Free };
                        }
                    }
                    other => panic!("a client's wait ended with {other:?}"),
                }
            }
            if channel.deadline > now {
                continue;
            }
            let late = noticed(simulation, channel.client, channel.deadline);
            let mut possible = Vec::new();
            for progress in channel.progress.drain(..) {
                let told = match progress {
                    Submitted => Answered(Status::TimedOut),
                    Taken => Expired,
                    other => other,
                };
                for one in [progress, told] {
                    let stays = one == told || !late;
                    if stays && !possible.contains(&one) {
                        possible.push(one);
                    }
                }
            }
            channel.progress = possible;
        }
    }
}

impl CallChannel {
    fn judge_call(
        &mut self,
        simulation: &mut Simulation,
        before: &Before,
        eligible: impl Fn(u8) -> bool,
        tables: &Channel,
        call: &Called,
    ) {
        let [_, time_out, words @ ..] = call.arguments;
        let [address, length, reply, room] = words;
        let system = &simulation.system;
        let message = call.name() == Some(Hypercall::CallMessage);
        let mut wrong = Vec::new();
        if message {
            if length > tables.message_bytes {
                wrong.push(Status::Invalid);
            }
            wrong.extend(wrong_buffer(system, self.client, address, length, false));
            wrong.extend(wrong_buffer(system, self.client, reply, room, true));
        }
        if !before.life(self.server).is_up() {
            wrong.push(Status::PeerDown);
        }
        if !eligible(self.server) {
            wrong.push(Status::OutOfWindow);
        }
        let asking = before.lines(self.client).asking() != 0;
        let submitted = match (call.name(), call.outcome.status) {
            (Some(Hypercall::CallSubmit), status) => status == Some(Status::Ok),
            (_, Some(Status::Interrupted)) => asking,
            (_, status) => status.is_none() && !asking,
        };
        if !submitted {
            let status = call.outcome.status.expect("it was refused");
            self.narrow(call, |progress| {
                let refused = match progress {
                    Free => wrong.contains(&status),
                    Abandoned => status == Status::Again || wrong.contains(&status),
                    _ => status == Status::InvalidState || wrong.contains(&status),
                };
                refused.then_some(progress)
            });
            return;
        }
        assert!(wrong.is_empty(), "{call:x?}: {wrong:?}");
        let listened = std::mem::take(&mut self.listens);
        self.narrow(call, |progress| {
            (progress == Free).then_some(if listened { Taken } else { Submitted })
        });
        let time_out = match time_out {
            0 => tables.deadline_ticks,
            shorter => shorter.min(tables.deadline_ticks),
        };
        self.deadline = before.now + u64::from(time_out);
        self.request = if message { [0; 4] } else { words };
        self.request_bytes = if message {
            simulation.load(self.client, address, length)
        } else {
            Vec::new()
        };
        if call.outcome.status.is_none() {
            self.waits = Some(Waits {
                deadline: self.deadline,
                reply: message.then_some((reply, room)),
            });
        }
        if listened {
            self.has_request(call, &simulation.result(self.server));
        }
    }

    /// The server was given the request, and nothing else.
    fn has_request(&self, call: &Called, given: &cofferdam_machine::Outcome) {
        assert_eq!(given.status, Some(Status::Ok), "{call:x?}");
        let length = self.request_bytes.len() as u32;
        assert_eq!(given.results[0], length, "{call:x?}");
        assert_eq!(given.results[1..5], self.request, "{call:x?}");
    }

    /// The client was given the reply, and nothing else.
    fn has_reply(&self, call: &Called, given: &cofferdam_machine::Outcome) {
        assert_eq!(given.status, Some(Status::Ok), "{call:x?}");
        assert_eq!(given.results[0], self.reply_length, "{call:x?}");
        assert_eq!(given.results[1..5], self.reply, "{call:x?}");
    }

    fn judge_collect(&mut self, simulation: &Simulation, call: &Called) {
        let [_, address, room, ..] = call.arguments;
        let status = call.outcome.status.expect("it does not block");
        let length = self.reply_length;
        let mut wrong = Vec::new();
        if length > room {
            wrong.push(Status::Overflow);
        }
        if length != 0 {
            let system = &simulation.system;
            wrong.extend(wrong_buffer(system, self.client, address, length, true));
        }
        self.narrow(call, |progress| match progress {
            Answered(Status::Ok) if wrong.is_empty() => (status == Status::Ok).then_some(Free),
            Answered(Status::Ok) => wrong.contains(&status).then_some(progress),
            Answered(how) => (status == how).then_some(Free),
            Expired => (status == Status::TimedOut).then_some(Abandoned),
            Submitted | Taken => (status == Status::Again).then_some(progress),
            Free | Abandoned => (status == Status::InvalidState).then_some(progress),
        });
        if status == Status::Ok {
            self.has_reply(call, &call.outcome);
            // Where there are no bytes, the address is nobody's concern.
            if length != 0 {
                let bytes = simulation.load(self.client, address, length);
                assert_eq!(bytes, self.replied(), "{call:x?}");
            }
        }
    }

    fn judge_receive(&mut self, call: &Called) {
        let status = call.outcome.status.expect("it does not block");
        self.narrow(call, |progress| match progress {
            Submitted => (status == Status::Ok).then_some(Taken),
            Free | Answered(_) => (status == Status::Again).then_some(progress),
            _ => (status == Status::InvalidState).then_some(progress),
        });
        if status == Status::Ok {
            self.has_request(call, &call.outcome);
        }
    }

    fn judge_reply(&mut self, simulation: &mut Simulation, before: &Before, call: &Called) {
        let [_, length, words @ ..] = call.arguments;
        let status = call.outcome.status;
        if length > self.reply_bytes.len() as u32 {
            assert_eq!(status, Some(Status::Invalid), "{call:x?}");
            return;
        }
        let receives = call.name() == Some(Hypercall::ReplyReceive);
        let asking = before.lines(self.server).asking() != 0;
        let replied = match status {
            None => receives && !asking,
            Some(Status::Interrupted) => receives && asking,
            Some(status) => !receives && status == Status::Ok,
        };
        if !replied {
            self.narrow(call, |progress| match progress {
                Taken => None,
                Abandoned => (status == Some(Status::TimedOut)).then_some(Free),
                Expired => (status == Some(Status::TimedOut)).then_some(Answered(Status::TimedOut)),
                _ => (status == Some(Status::InvalidState)).then_some(progress),
            });
            return;
        }
        (self.reply, self.reply_length) = (words, length);
        self.listens = status.is_none();
        let Some(waits) = self.waits.take() else {
            return self.narrow(call, |progress| {
                (progress == Taken).then_some(Answered(Status::Ok))
            });
        };
        let room = waits.reply.map_or(0, |(_, room)| room);
        let fits = length <= room;
        self.narrow(call, |progress| {
            let told = if fits { Free } else { Answered(Status::Ok) };
            (progress == Taken).then_some(told)
        });
        let given = simulation.result(self.client);
        if !fits {
            assert_eq!(given.status, Some(Status::Overflow), "{call:x?}");
            return;
        }
        self.has_reply(call, &given);
        if let Some((address, _)) = waits.reply {
            let bytes = simulation.load(self.client, address, length);
            assert_eq!(bytes, self.replied(), "{call:x?}");
        }
    }

    fn judge_read_request(&mut self, simulation: &Simulation, call: &Called) {
        let [_, address, room, ..] = call.arguments;
        let status = call.outcome.status.expect("it does not block");
        let length = self.request_bytes.len() as u32;
        let mut wrong = wrong_buffer(&simulation.system, self.server, address, length, true);
        if length > room {
            wrong.push(Status::Overflow);
        }
        self.judge_held(call, &wrong);
        if status == Status::Ok {
            assert_eq!(call.outcome.results[0], length, "{call:x?}");
            let bytes = simulation.load(self.server, address, length);
            assert_eq!(bytes, self.request_bytes, "{call:x?}");
        }
    }

    fn judge_write_reply(&mut self, simulation: &Simulation, tables: &Channel, call: &Called) {
        let [_, address, length, ..] = call.arguments;
        let mut wrong = wrong_buffer(&simulation.system, self.server, address, length, false);
        if length > tables.reply_bytes {
            wrong.push(Status::Invalid);
        }
        self.judge_held(call, &wrong);
        if call.outcome.status == Some(Status::Ok) {
            let bytes = simulation.load(self.server, address, length);
            let held = self.reply_bytes.len().max(bytes.len());
            self.reply_bytes.resize(held, 0);
            self.reply_bytes[..bytes.len()].copy_from_slice(&bytes);
        }
    }

    /// What needs a request that the server has.
    fn judge_held(&mut self, call: &Called, wrong: &[Status]) {
        let status = call.outcome.status.expect("it does not block");
        self.narrow(call, |progress| {
            let expected = match progress.is_held() {
                true if wrong.is_empty() => status == Status::Ok,
                true => wrong.contains(&status),
                false => status == Status::InvalidState || wrong.contains(&status),
            };
            expected.then_some(progress)
        });
    }
}
