//! Which lines an operation may raise, and which it has to.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::PartitionState;
use cofferdam_abi::{Status, limits};
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::{ChannelKind, End, NO_LINE};

use crate::before::Before;
use crate::calls::{Calls, Progress};
use crate::made::Called;
use crate::messages::Messages;
use crate::rules;

/// Lines of each partition: sets as in its register page.
#[derive(Default)]
pub struct Raised {
    may: [u32; limits::PARTITIONS],
    must: [u32; limits::PARTITIONS],
}

impl Raised {
    pub fn may(&mut self, end: End) {
        if end.line != NO_LINE {
            self.may[usize::from(end.partition)] |= 1 << end.line;
        }
    }

    fn must(&mut self, end: End) {
        self.may(end);
        if end.line != NO_LINE {
            self.must[usize::from(end.partition)] |= 1 << end.line;
        }
    }

    /// Whether anything of a partition may be raised.
    pub fn reaches(&self, partition: u8) -> bool {
        self.may[usize::from(partition)] != 0
    }

    /// What a hypercall raises. To be asked before the model follows it.
    pub fn by_call(
        &mut self,
        system: &SystemBuilder,
        messages: &Messages,
        calls: &Calls,
        actor: u8,
        call: &Called,
    ) {
        let slot = call.arguments[0];
        let (Some(capability), Some((_, ends))) = (
            rules::capability(system, actor, slot),
            rules::channel(system, actor, slot),
        ) else {
            return;
        };
        let index = usize::from(capability.object);
        let status = call.outcome.status;
        let went_on = matches!(status, None | Some(Status::Ok | Status::Interrupted));
        let done = status == Some(Status::Ok);
        match call.name() {
            Some(Hypercall::Signal) if done => {
                let peer = ends.iter().find(|end| end.partition != actor);
                self.must(*peer.expect("another end"));
            }
            Some(Hypercall::SamplingWrite | Hypercall::QueuingSend) if done => {
                ends[1..].iter().for_each(|end| self.must(*end));
            }
            Some(Hypercall::QueuingReceive) if done && messages.is_full(system, index) => {
                self.must(ends[0]);
            }
            Some(Hypercall::Call | Hypercall::CallMessage | Hypercall::CallSubmit)
                if went_on && !calls.get(index).is_some_and(|channel| channel.listens) =>
            {
                self.must(ends[1]);
            }
            Some(Hypercall::Reply | Hypercall::ReplyReceive) => {
                let Some(channel) = calls.get(index) else {
                    return;
                };
                let abandoned = channel.may_be(|progress| progress == Progress::Abandoned);
                if went_on && channel.waits.is_none() {
                    self.must(ends[0]);
                } else if status == Some(Status::TimedOut) && abandoned {
                    self.may(ends[0]);
                }
            }
            _ => {}
        }
    }

    /// What the ends and the beginnings of lives raise. To be asked before the model follows them.
    pub fn by_lives(
        &mut self,
        simulation: &mut Simulation,
        before: &Before,
        messages: &Messages,
        calls: &Calls,
    ) {
        let channels = simulation.system.channels.clone();
        for partition in 0..before.lives.len() as u8 {
            let ended = before.has_ended(simulation, partition);
            let entered = before.is_entered(simulation, partition);
            let is_stopped = simulation.state(partition) == PartitionState::Stopped;
            for (index, (channel, ends)) in channels.iter().enumerate() {
                if ends.iter().all(|end| end.partition != partition) {
                    continue;
                }
                let at_source = ends[0].partition == partition;
                let full = messages.is_full(&simulation.system, index);
                let asked = calls
                    .get(index)
                    .is_some_and(|channel| channel.may_be(|progress| progress != Progress::Free));
                if ended && !at_source && (full || channel.kind == ChannelKind::Call && asked) {
                    self.may(ends[0]);
                }
                if entered || ended && is_stopped {
                    let peers = ends.iter().filter(|end| end.partition != partition);
                    peers.for_each(|end| self.must(*end));
                }
            }
        }
    }

    /// What the deadlines of calls raise.
    pub fn by_time(&mut self, system: &SystemBuilder, calls: &Calls, now: u64) {
        for (index, channel) in calls.all() {
            if channel.may_time_out(now) {
                self.may(system.channels[index].1[0]);
            }
        }
    }

    /// No line but these became pending, and those that had to did. `written`: the partitions whose word the kernel wrote.
    /// Gives what has become pending of each partition.
    pub fn judge(
        &self,
        simulation: &mut Simulation,
        before: &Before,
        written: &[u8],
    ) -> [u32; limits::PARTITIONS] {
        let mut risen = [0; limits::PARTITIONS];
        for partition in 0..before.lives.len() as u8 {
            let index = usize::from(partition);
            let entered = before.is_entered(simulation, partition);
            let (may, must) = (self.may[index], self.must[index]);
            let now = simulation.pending(partition);
            if !entered {
                assert_eq!(must & !now, 0, "a line of {partition} was not raised");
            }
            if !written.contains(&partition) {
                continue;
            }
            let was = if entered {
                0
            } else {
                before.lines(partition).pending
            };
            assert!(entered || may != 0, "nothing of {partition} may be raised");
            assert_eq!(now & !was & !may, 0, "a line of {partition} was raised");
            assert_eq!(was & !now, 0, "a line of {partition} was taken away");
            risen[index] = now & !was;
        }
        risen
    }
}
