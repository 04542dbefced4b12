//! Which results a hypercall may give, by its documentation.

use cofferdam_abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall};
use cofferdam_abi::{ABI_VERSION, Status};
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::{Capability, CapabilityKind, Channel, End, Region, RegionKind};

use crate::made::Called;

/// What a partition has in a slot.
pub fn capability(system: &SystemBuilder, actor: u8, slot: u32) -> Option<Capability> {
    let slots = &system.partitions[usize::from(actor)].capabilities;
    slots.get(slot as usize).copied()
}

/// The channel that a slot is an end of.
pub fn channel(system: &SystemBuilder, actor: u8, slot: u32) -> Option<(&Channel, &[End])> {
    use CapabilityKind as Kind;
    let capability = capability(system, actor, slot)?;
    match capability.kind {
        Kind::Empty | Kind::Interrupt | Kind::Schedule | Kind::Partition | Kind::HealthLog => None,
        _ => {
            let (channel, ends) = &system.channels[usize::from(capability.object)];
            Some((channel, ends))
        }
    }
}

fn region(system: &SystemBuilder, actor: u8, address: u32, length: u32) -> Option<&Region> {
    let regions = &system.partitions[usize::from(actor)].regions;
    let end = u64::from(address) + u64::from(length);
    regions.iter().find(|region| {
        let start = u64::from(region.effective);
        region.kind != RegionKind::Device
            && u64::from(address) >= start
            && u64::from(address) < start + u64::from(region.length)
            && end <= start + u64::from(region.length)
    })
}

pub fn readable(system: &SystemBuilder, actor: u8, address: u32, length: u32) -> bool {
    region(system, actor, address, length).is_some_and(|region| region.rights.read())
}

pub fn writable(system: &SystemBuilder, actor: u8, address: u32, length: u32) -> bool {
    region(system, actor, address, length).is_some_and(|region| region.rights.write())
}

/// The kind of capability that a call wants in the slot that it names first.
pub fn wanted(call: Hypercall) -> Option<CapabilityKind> {
    use CapabilityKind as Kind;
    Some(match call {
        Hypercall::Signal => Kind::Signal,
        Hypercall::SamplingWrite => Kind::SamplingSource,
        Hypercall::SamplingRead => Kind::SamplingDestination,
        Hypercall::QueuingSend => Kind::QueuingSource,
        Hypercall::QueuingReceive => Kind::QueuingDestination,
        Hypercall::Call
        | Hypercall::CallSubmit
        | Hypercall::CallCollect
        | Hypercall::CallMessage => Kind::CallClient,
        Hypercall::Receive
        | Hypercall::Reply
        | Hypercall::ReplyReceive
        | Hypercall::ReadRequest
        | Hypercall::WriteReply => Kind::CallServer,
        Hypercall::InterruptAcknowledge => Kind::Interrupt,
        Hypercall::ScheduleSet | Hypercall::ScheduleStatus => Kind::Schedule,
        Hypercall::PartitionControl | Hypercall::PartitionStatus => Kind::Partition,
        Hypercall::HealthRead => Kind::HealthLog,
        _ => return None,
    })
}

/// The results that a call with the right capability may give.
fn documented(call: Hypercall) -> &'static [Status] {
    use Status::*;
    match call {
        Hypercall::Version
        | Hypercall::Deliver
        | Hypercall::ProcessorTime
        | Hypercall::SetTimer
        | Hypercall::Mark
        | Hypercall::Signal
        | Hypercall::ScheduleStatus
        | Hypercall::PartitionStatus
        | Hypercall::InterruptAcknowledge => &[Ok],
        Hypercall::Wait => &[Ok, NoCapability],
        Hypercall::Complete => &[Ok, InvalidState],
        Hypercall::SamplingWrite => &[Ok, Invalid, BadAddress],
        Hypercall::QueuingSend => &[Ok, Invalid, BadAddress, Again],
        Hypercall::SamplingRead | Hypercall::QueuingReceive => {
            &[Ok, Invalid, BadAddress, Again, Overflow]
        }
        Hypercall::ChannelStatus => &[Ok, NoCapability],
        Hypercall::Call => &[
            Ok,
            Again,
            InvalidState,
            PeerDown,
            OutOfWindow,
            TimedOut,
            PeerRestarted,
            Interrupted,
            Overflow,
        ],
        Hypercall::CallMessage => &[
            Ok,
            Again,
            InvalidState,
            PeerDown,
            OutOfWindow,
            TimedOut,
            PeerRestarted,
            Interrupted,
            Overflow,
            Invalid,
            BadAddress,
        ],
        Hypercall::CallSubmit => &[Ok, Again, InvalidState, PeerDown, OutOfWindow],
        Hypercall::CallCollect => &[
            Ok,
            Again,
            InvalidState,
            TimedOut,
            PeerRestarted,
            Overflow,
            BadAddress,
            Invalid,
        ],
        Hypercall::Receive => &[Ok, Again, InvalidState],
        Hypercall::Reply => &[Ok, Invalid, InvalidState, TimedOut],
        Hypercall::ReplyReceive => &[Ok, Invalid, InvalidState, TimedOut, Interrupted],
        Hypercall::ReadRequest => &[Ok, InvalidState, Overflow, BadAddress, Invalid],
        Hypercall::WriteReply => &[Ok, InvalidState, BadAddress, Invalid],
        Hypercall::ScheduleSet => &[Ok, NotPermitted, Invalid],
        Hypercall::PartitionControl => &[Ok, NotPermitted, Invalid],
        Hypercall::HealthRead => &[Ok, Again, BadAddress, Invalid],
        Hypercall::HealthRaise => &[Ok, Invalid],
        Hypercall::SelfControl => &[Invalid],
        // No partition of the model has a guest.
        Hypercall::GuestRun | Hypercall::GuestGet | Hypercall::GuestSet => &[NoCapability],
    }
}

/// Whether the caller may be left without a status, because it is blocked or gone.
fn may_block(call: Hypercall, arguments: [u32; 6]) -> bool {
    match call {
        Hypercall::Wait | Hypercall::Call | Hypercall::CallMessage | Hypercall::ReplyReceive => {
            true
        }
        Hypercall::SelfControl => arguments[0] <= 2,
        _ => false,
    }
}

/// The memory that a call names: address, length, and whether it is written.
fn buffers(call: Hypercall, arguments: [u32; 6]) -> Vec<(u32, u32, bool)> {
    let [_, b, c, d, e, f] = arguments;
    match call {
        Hypercall::SamplingWrite | Hypercall::QueuingSend | Hypercall::WriteReply => {
            vec![(b, c, false)]
        }
        Hypercall::CallMessage => vec![(c, d, false), (e, f, true)],
        Hypercall::HealthRead => vec![(b, 64, true)],
        _ => Vec::new(),
    }
}

pub fn judge_status(simulation: &Simulation, actor: u8, call: &Called) {
    let system = &simulation.system;
    let status = call.outcome.status;
    let Some(name) = call.name() else {
        if call.token != EPAPR_IDLE_TOKEN {
            assert_eq!(status, Some(Status::Unimplemented));
        }
        return;
    };
    let slot = call.arguments[0];
    let has = capability(system, actor, slot).map(|capability| capability.kind);
    if let Some(wanted) = wanted(name)
        && has != Some(wanted)
    {
        assert_eq!(status, Some(Status::NoCapability), "{call:x?}");
        return;
    }
    let Some(status) = status else {
        assert!(may_block(name, call.arguments), "{call:x?}");
        return;
    };
    assert!(documented(name).contains(&status), "{call:x?}");
    let waits_for_interrupt = name == Hypercall::Wait && slot != 0;
    if waits_for_interrupt && status == Status::Ok {
        let named = capability(system, actor, slot - 1).map(|capability| capability.kind);
        assert_eq!(named, Some(CapabilityKind::Interrupt), "{call:x?}");
    }
    // Whatever else is wrong: a call that was carried out named memory of the caller's.
    let done = matches!(status, Status::Ok | Status::Interrupted);
    for (address, length, written) in buffers(name, call.arguments) {
        let theirs = if written {
            writable(system, actor, address, length)
        } else {
            readable(system, actor, address, length)
        };
        assert!(!done || theirs && address % 4 == 0, "{call:x?}");
        assert!(status != Status::BadAddress || !theirs || buffers(name, call.arguments).len() > 1);
    }
    let rights = capability(system, actor, slot).map_or(0, |capability| capability.rights);
    match name {
        Hypercall::Version => {
            assert_eq!(call.outcome.results[0], u32::from(ABI_VERSION));
            assert_eq!(call.outcome.results[1], system.board.timebase_hz);
        }
        Hypercall::ScheduleSet => {
            let there_is = (call.arguments[1] as usize) < system.schedules.len();
            assert_eq!(
                status == Status::Ok,
                rights & 1 != 0 && there_is,
                "{call:x?}"
            );
        }
        Hypercall::PartitionControl => {
            let right = [1, 2, 2].get(call.arguments[1] as usize).copied();
            let allowed = right.is_some_and(|right| rights & right != 0);
            assert_eq!(status == Status::Ok, allowed, "{call:x?}");
        }
        _ => {}
    }
}
