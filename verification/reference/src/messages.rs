//! What is in the channels.

use std::collections::VecDeque;

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::{CapabilityKind, ChannelKind};

use crate::made::Called;
use crate::rules;

/// The messages of sampling and queuing channels.
pub struct Messages {
    channels: Vec<Contents>,
}

struct Contents {
    held: VecDeque<Vec<u8>>,
    lost: bool,
    written: u64,
    destination: Option<u8>,
}

impl Messages {
    pub fn new(system: &SystemBuilder) -> Self {
        let channels = system.channels.iter().map(|(channel, ends)| Contents {
            held: VecDeque::new(),
            lost: false,
            written: 0,
            destination: (channel.kind == ChannelKind::Queuing).then(|| ends[1].partition),
        });
        Self {
            channels: channels.collect(),
        }
    }

    /// Whether it is a queue without a place left.
    pub fn is_full(&self, system: &SystemBuilder, index: usize) -> bool {
        let channel = &system.channels[index].0;
        let held = self.channels[index].held.len() as u32;
        channel.kind == ChannelKind::Queuing && held == channel.depth
    }

    /// A partition's life ended: what it had not received is gone.
    pub fn life_ended(&mut self, partition: u8) {
        for contents in &mut self.channels {
            if contents.destination == Some(partition) {
                contents.held.clear();
                contents.lost = false;
            }
        }
    }

    /// The call has the result that the contents of its channel demand.
    pub fn judge(&mut self, simulation: &Simulation, actor: u8, call: &Called) {
        use CapabilityKind as Kind;
        let [slot, address, length, again, ..] = call.arguments;
        let system = &simulation.system;
        let Some(capability) = rules::capability(system, actor, slot) else {
            return;
        };
        let index = usize::from(capability.object);
        let results = call.outcome.results;
        let Some(status) = call.outcome.status else {
            return;
        };
        match (call.name(), capability.kind) {
            (Some(Hypercall::SamplingWrite), Kind::SamplingSource)
            | (Some(Hypercall::QueuingSend), Kind::QueuingSource) => {
                let channel = &system.channels[index].0;
                let contents = &mut self.channels[index];
                let mut wrong = Vec::new();
                if length == 0 || length > channel.message_bytes || address % 4 != 0 {
                    wrong.push(Status::Invalid);
                }
                if !rules::readable(system, actor, address, length) {
                    wrong.push(Status::BadAddress);
                }
                let queue = channel.kind == ChannelKind::Queuing;
                if wrong.is_empty() && queue && contents.held.len() as u32 == channel.depth {
                    wrong.push(Status::Again);
                    contents.lost |= again == 0;
                }
                if !wrong.is_empty() {
                    assert!(wrong.contains(&status), "{call:x?}");
                    return;
                }
                assert_eq!(status, Status::Ok, "{call:x?}");
                if !queue {
                    contents.held.clear();
                }
                contents
                    .held
                    .push_back(simulation.load(actor, address, length));
                contents.written = simulation.now();
            }
            (Some(Hypercall::SamplingRead), Kind::SamplingDestination)
            | (Some(Hypercall::QueuingReceive), Kind::QueuingDestination) => {
                let contents = &mut self.channels[index];
                let Some(oldest) = contents.held.front() else {
                    assert_eq!(status, Status::Again, "{call:x?}");
                    return;
                };
                let bytes = oldest.len() as u32;
                let mut wrong = Vec::new();
                if bytes > length {
                    wrong.push(Status::Overflow);
                }
                if address % 4 != 0 {
                    wrong.push(Status::Invalid);
                }
                if !rules::writable(system, actor, address, bytes) {
                    wrong.push(Status::BadAddress);
                }
                if !wrong.is_empty() {
                    assert!(wrong.contains(&status), "{call:x?}");
                    return;
                }
                assert_eq!(status, Status::Ok, "{call:x?}");
                assert_eq!(results[0], bytes, "{call:x?}");
                assert_eq!(&simulation.load(actor, address, bytes), oldest);
                if capability.kind == Kind::SamplingDestination {
                    let age = simulation.now() - contents.written;
                    let refresh = system.channels[index].0.refresh_ticks;
                    let valid = refresh == 0 || age <= refresh;
                    let written = contents.written;
                    let told = [
                        u32::from(valid),
                        (age >> 32) as u32,
                        age as u32,
                        (written >> 32) as u32,
                        written as u32,
                    ];
                    assert_eq!(results[1..6], told, "{call:x?}");
                } else {
                    contents.held.pop_front();
                    let left = contents.held.len() as u32;
                    let lost = std::mem::take(&mut contents.lost);
                    assert_eq!(results[1..3], [left, u32::from(lost)], "{call:x?}");
                }
            }
            (Some(Hypercall::ChannelStatus), kind) => {
                let Some((channel, _)) = rules::channel(system, actor, slot) else {
                    assert_eq!(status, Status::NoCapability, "{call:x?}");
                    return;
                };
                assert_eq!(results[2..4], [channel.depth, channel.message_bytes]);
                if !matches!(kind, Kind::CallClient | Kind::CallServer) {
                    assert_eq!(results[1], self.channels[index].held.len() as u32);
                }
            }
            _ => {}
        }
    }
}
