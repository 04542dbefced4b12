//! What the calls say that tell of something.

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::limits;
use cofferdam_abi::record::PartitionState;
use cofferdam_machine::Simulation;
use zerocopy::IntoBytes;

use crate::before::Before;
use crate::made::Called;
use crate::rules;

/// What is known of a module's time.
pub struct Schedules {
    pub now: u8,
    pub next: u8,
    /// Major frames that are over.
    pub frames: u64,
    /// The tick at which the one now began, if there was another before it.
    pub switched: u64,
}

/// What each partition has been told of the health log.
#[derive(Default)]
pub struct Answers {
    /// The entry of the health log that each reads next.
    health: [u32; limits::PARTITIONS],
}

fn halves(value: u64) -> [u32; 2] {
    [(value >> 32) as u32, value as u32]
}

impl Answers {
    pub fn judge(
        &mut self,
        simulation: &mut Simulation,
        before: &Before,
        schedules: &Schedules,
        actor: u8,
        call: &Called,
    ) {
        let [slot, address, ..] = call.arguments;
        let results = call.outcome.results;
        let object = rules::capability(&simulation.system, actor, slot).map(|slot| slot.object);
        match (call.name(), call.outcome.status, object) {
            (Some(Hypercall::ProcessorTime), ..) => {
                let used = before.processor[usize::from(actor)];
                assert_eq!(results[..2], halves(used), "{call:x?}");
            }
            (Some(Hypercall::ScheduleStatus), Some(Status::Ok), _) => {
                let [upper, lower] = halves(schedules.frames);
                let [since_upper, since_lower] = halves(schedules.switched);
                let expected = [
                    schedules.now.into(),
                    schedules.next.into(),
                    upper,
                    lower,
                    since_upper,
                    since_lower,
                ];
                assert_eq!(results[..6], expected, "{call:x?}");
            }
            (Some(Hypercall::PartitionStatus), Some(Status::Ok), Some(partition)) => {
                let life = before.life(partition);
                let [upper, lower] = halves(before.processor[usize::from(partition)]);
                let expected = [
                    life.state as u32,
                    life.epoch,
                    upper,
                    lower,
                    life.epoch.saturating_sub(1),
                    simulation.account(partition).health_events.get(),
                ];
                assert_eq!(results[..6], expected, "{call:x?}");
            }
            (Some(Hypercall::ChannelStatus), Some(Status::Ok), Some(_)) => {
                let (_, ends) =
                    rules::channel(&simulation.system, actor, slot).expect("it is an end");
                let peer = ends.iter().find(|end| end.partition != actor);
                let life = before.life(peer.expect("a peer").partition);
                let is_stopped = life.state == PartitionState::Stopped;
                let epoch = if is_stopped { 0 } else { life.epoch };
                assert_eq!(results[0], epoch, "{call:x?}");
            }
            (Some(Hypercall::HealthRead), Some(status @ (Status::Ok | Status::Again)), _) => {
                let cursor = &mut self.health[usize::from(actor)];
                let log = simulation.health();
                let next = log.iter().find(|entry| entry.sequence.get() >= *cursor);
                assert_eq!(status == Status::Ok, next.is_some(), "{call:x?}");
                if let Some(entry) = next {
                    let read = simulation.load(actor, address, entry.as_bytes().len() as u32);
                    assert_eq!(read, entry.as_bytes(), "{call:x?}");
                    *cursor = entry.sequence.get() + 1;
                }
            }
            _ => {}
        }
    }
}
