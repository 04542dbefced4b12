//! Who can influence whom, by everything that the configuration gives.
//!
//! An edge says that one partition can change what another sees or when it runs. What counts, and what does not:
//!
//! * A channel leads from the end that sends to each end that receives. `queuing`, `call` and `ring` lead back as well: a
//!   sender sees whether its queue is full, a client gets replies, and both ends of a ring write its memory.
//! * A device with `dma` leads from its owner to everybody who has a piece of the arena and back, one that is trusted to everybody: so
//!   far it can be made to reach. To everybody who owns a device on the bus, too, whatever its `dma`: devices reach each other's registers there.
//! * The right to stop or restart leads to the target; every right over a partition shows its state, and so leads back. The health log
//!   leads from everybody to its reader, and the right to set the schedule from its holder to everybody.
//! * A partition whose own error stops, resets or reschedules the module leads to everybody: it can make that error.
//! * The owner of a device that can stop or reset the machine leads to everybody, by that device.
//! * Who comes before another in a window's group, or has a budget in the background, leads to those behind it: it can take their time.
//!
//! That a peer was restarted can be seen over any channel; that alone makes no edge back. Shared hardware (caches, the bus) makes
//! none: it is not configured here, and `docs/caveats.md` speaks of it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use cofferdam_abi::health::Action;
use cofferdam_model::{Board, CapabilityRequest, ChannelKind, Dma, PartitionRight, Span, System};

use crate::arena;

/// One way of influence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who influences.
    pub from: usize,
    /// Whom.
    pub to: usize,
    /// By what.
    pub by: String,
    /// The channel that it is, if it is one.
    pub channel: Option<usize>,
    /// Where the file says so.
    pub span: Span,
}

/// Every edge of a system.
pub fn edges(system: &System, board: &Board) -> Vec<Edge> {
    let mut edges = Vec::new();
    channels(system, &mut edges);
    devices(system, board, &mut edges);
    capabilities(system, &mut edges);
    actions(system, &mut edges);
    authority(system, board, &mut edges);
    time(system, &mut edges);
    edges
}

fn channels(system: &System, edges: &mut Vec<Edge>) {
    for (index, channel) in system.channels.iter().enumerate() {
        let from = channel
            .from
            .as_ref()
            .and_then(|end| system.partition_index(&end.partition));
        let to = channel
            .to
            .iter()
            .filter_map(|end| system.partition_index(&end.partition));
        let kind = channel.kind.as_ref().map(|kind| kind.value);
        let answers = matches!(
            kind,
            Some(ChannelKind::Queuing | ChannelKind::Call | ChannelKind::Ring)
        );
        for (from, to) in from
            .into_iter()
            .flat_map(|from| to.clone().map(move |to| (from, to)))
        {
            let mut edge = |from, to, how: &str| {
                edges.push(Edge {
                    from,
                    to,
                    by: format!("{how} the channel `{}`", channel.name),
                    channel: Some(index),
                    span: channel.name.span,
                });
            };
            edge(from, to, "by");
            if answers {
                edge(to, from, "back by");
            }
        }
    }
}

/// A device that reaches the arena does so for its owner, and it reaches all of it, and the registers of all devices on the bus.
fn devices(system: &System, board: &Board, edges: &mut Vec<Edge>) {
    let pieces = arena::pieces(system);
    let is_on_bus = |partition: usize| {
        let mut devices = system.partitions[partition].devices.iter();
        devices.any(|name| {
            let on_board = board.device(name);
            on_board.is_some_and(|device| device.function.is_some())
        })
    };
    for (index, device) in system.devices.iter().enumerate() {
        let all = 0..system.partitions.len();
        let owner = all.clone().find(|one| arena::owns(system, *one, index));
        let Some(owner) = owner.filter(|_| arena::is_master(system, index)) else {
            continue;
        };
        let trusted = *device.dma == Dma::Trusted;
        for other in all.filter(|other| *other != owner) {
            let has_piece = pieces.iter().any(|piece| arena::has(system, other, piece));
            let reached = trusted || has_piece || is_on_bus(other);
            for (from, to) in [(owner, other), (other, owner)]
                .into_iter()
                .filter(|_| reached)
            {
                edges.push(Edge {
                    from,
                    to,
                    by: format!("by what the device `{}` reaches", device.name),
                    channel: None,
                    span: device.name.span,
                });
            }
        }
    }
}

fn capabilities(system: &System, edges: &mut Vec<Edge>) {
    let all = 0..system.partitions.len();
    for (holder, requests) in &system.capabilities {
        let Some(holder) = system.partition_index(holder) else {
            continue;
        };
        for request in requests {
            let mut edge = |from, to| {
                edges.push(Edge {
                    from,
                    to,
                    by: format!("by the capability `{}`", request.value),
                    channel: None,
                    span: request.span,
                });
            };
            match &request.value {
                CapabilityRequest::HealthLog => all.clone().for_each(|other| edge(other, holder)),
                CapabilityRequest::ScheduleSet => all.clone().for_each(|other| edge(holder, other)),
                // It shows what whoever sets the schedule does to everybody anyway.
                CapabilityRequest::ScheduleStatus => {}
                CapabilityRequest::Partition(right, name) => {
                    let named = |index: &usize| match name {
                        Some(name) => *system.partitions[*index].name == *name,
                        None => *index != holder,
                    };
                    for target in all.clone().filter(named) {
                        edge(target, holder);
                        if *right != PartitionRight::Status {
                            edge(holder, target);
                        }
                    }
                }
            }
        }
    }
}

fn actions(system: &System, edges: &mut Vec<Edge>) {
    for from in 0..system.partitions.len() {
        let reaches_all = |action: &Action| {
            matches!(
                action,
                Action::SwitchSchedule | Action::Halt | Action::Reset
            )
        };
        for one in system
            .actions_of(from)
            .filter(|one| reaches_all(&one.action))
        {
            for to in 0..system.partitions.len() {
                edges.push(Edge {
                    from,
                    to,
                    by: format!(
                        "by its error `{}`, whose action is `{}`",
                        one.error.name(),
                        one.action.name()
                    ),
                    channel: None,
                    span: one.action.span,
                });
            }
        }
    }
}

fn authority(system: &System, board: &Board, edges: &mut Vec<Edge>) {
    for (from, partition) in system.partitions.iter().enumerate() {
        for device in &partition.devices {
            let facts = board.device(device);
            let Some(what) = facts.and_then(|facts| facts.module_authority.as_ref()) else {
                continue;
            };
            for to in (0..system.partitions.len()).filter(|to| *to != from) {
                edges.push(Edge {
                    from,
                    to,
                    by: format!("by its device `{}`: it can {what}", device.value),
                    channel: None,
                    span: device.span,
                });
            }
        }
    }
}

fn time(system: &System, edges: &mut Vec<Edge>) {
    for window in system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows)
    {
        for (place, first) in window.group.iter().enumerate() {
            for behind in &window.group[place + 1..] {
                let (first_index, behind) = (
                    system.partition_index(first),
                    system.partition_index(behind),
                );
                if let (Some(from), Some(to)) = (first_index, behind) {
                    edges.push(Edge {
                        from,
                        to,
                        by: "by coming first in a window's group".to_string(),
                        channel: None,
                        span: first.span,
                    });
                }
            }
        }
    }
    for (from, partition) in system.partitions.iter().enumerate() {
        let background = partition.background.as_ref();
        if let Some(budget) = background.and_then(|one| one.budget_ticks.as_ref()) {
            for to in (0..system.partitions.len()).filter(|to| *to != from) {
                edges.push(Edge {
                    from,
                    to,
                    by: "by its budget in every window".to_string(),
                    channel: None,
                    span: budget.span,
                });
            }
        }
    }
}

/// The shortest way from one partition to another that avoids these partitions and channels.
pub fn path(
    edges: &[Edge],
    from: usize,
    to: usize,
    avoid: &dyn Fn(&Edge) -> bool,
) -> Option<Vec<Edge>> {
    let mut reached: BTreeMap<usize, Option<&Edge>> = BTreeMap::from([(from, None)]);
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        for edge in edges.iter().filter(|edge| edge.from == at && !avoid(edge)) {
            if let Entry::Vacant(place) = reached.entry(edge.to) {
                place.insert(Some(edge));
                next.push_back(edge.to);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = to;
    while let Some(edge) = *reached.get(&at)? {
        way.push(edge.clone());
        at = edge.from;
    }
    way.reverse();
    Some(way)
}
