//! The statements of `[require]`, proved on the tables: who influences whom, how long an interrupt waits, what memory is like.

use std::collections::{BTreeSet, VecDeque};

use super::Statement;
use crate::declared::Dma;
use crate::numbers::{RESET, SWITCH_SCHEDULE};
use crate::records::{CapabilityKind, ChannelKind, RegionKind};
use crate::world::World;

/// One way of influence: from whom, to whom, by what, and the channel that it is.
struct Edge {
    from: usize,
    to: usize,
    by: String,
    channel: Option<usize>,
}

pub(super) fn all(world: &World<'_>) -> Vec<Statement> {
    let edges = edges(world);
    let declared = world.declared;
    let flows = declared.flow.iter().map(|text| flow(world, text, &edges));
    let latencies = declared.latency.iter().map(|text| latency(world, text));
    let memory = declared.memory.iter().map(|text| memory(world, text));
    flows.chain(latencies).chain(memory).collect()
}

/// Every edge, from the tables.
fn edges(world: &World<'_>) -> Vec<Edge> {
    let tables = world.tables;
    let count = tables.partitions.len();
    let mut edges = Vec::new();
    let mut put = |from: usize, to: usize, by: &str, channel: Option<usize>| {
        edges.push(Edge {
            from,
            to,
            by: by.to_owned(),
            channel,
        });
    };
    for (index, channel) in tables.channels.iter().enumerate() {
        let mut ends = channel.ends.iter().map(|end| usize::from(end.partition));
        let Some(source) = ends.next() else {
            continue;
        };
        let answers = !matches!(
            channel.own.kind,
            ChannelKind::Sampling | ChannelKind::Signal
        );
        for destination in ends {
            put(source, destination, "by a channel", Some(index));
            if answers {
                put(destination, source, "back by a channel", Some(index));
            }
        }
    }
    for (holder, partition) in tables.partitions.iter().enumerate() {
        let others = || (0..count).filter(move |other| *other != holder);
        for capability in &partition.capabilities {
            let target = usize::from(capability.object);
            match capability.kind {
                CapabilityKind::HealthLog => {
                    others().for_each(|one| put(one, holder, "by the health log", None))
                }
                CapabilityKind::Schedule if capability.rights != 0 => {
                    others().for_each(|one| put(holder, one, "by setting the schedule", None));
                }
                CapabilityKind::Partition => {
                    put(target, holder, "by its state, which can be seen", None);
                    if capability.rights != 0 {
                        put(holder, target, "by a right over it", None);
                    }
                }
                _ => {}
            }
        }
        // An error that stops, resets or reschedules the module: the partition can make it.
        let reaches_all = |action: &u8| (SWITCH_SCHEDULE..=RESET).contains(action);
        if partition.own.actions.iter().any(reaches_all) {
            others().for_each(|one| put(holder, one, "by an error that concerns the module", None));
        }
        for region in partition
            .regions
            .iter()
            .filter(|one| one.kind == RegionKind::Device)
        {
            let authority = world.facts.devices.iter().any(|device| {
                let there = device
                    .registers
                    .is_some_and(|(start, bytes)| region.meets(start, bytes));
                there && device.module_authority.is_some()
            });
            if authority {
                others().for_each(|one| {
                    put(
                        holder,
                        one,
                        "by a device with authority over the machine",
                        None,
                    )
                });
            }
        }
        // A function that is let out as a master reaches the arena, and with it whoever has a piece; one that is trusted everybody.
        let master = (partition.functions.iter()).any(|(_, steps)| {
            steps
                .iter()
                .any(|step| step.register == 4 && step.mask == 0 && step.value & 4 != 0)
        });
        let owned = |dma: Dma| {
            let devices = world
                .declared
                .devices
                .iter()
                .filter(move |device| device.dma == dma);
            devices
                .into_iter()
                .any(|device| world.declared.owner(&device.name) == Some(holder))
        };
        if master {
            let trusted = owned(Dma::Trusted);
            let arena = tables
                .bus
                .as_ref()
                .map(|bus| (u64::from(bus.arena), world.arena_bytes()));
            for other in others() {
                let has_some = arena.is_some_and(|(start, bytes)| {
                    tables.partitions[other]
                        .regions
                        .iter()
                        .any(|region| region.meets(start, bytes))
                });
                // Devices reach each other's registers on the bus, whatever they may reach of memory.
                let on_bus = !tables.partitions[other].functions.is_empty();
                if trusted || has_some || on_bus {
                    put(holder, other, "by what its device reaches", None);
                    put(other, holder, "by what its device reaches", None);
                }
            }
        }
    }
    let background = world
        .declared
        .partitions
        .iter()
        .filter(|one| one.background.is_some())
        .count();
    for window in tables.schedules.iter().flat_map(|one| &one.windows) {
        let eligible: Vec<_> = (tables.ranks.iter().enumerate())
            .filter(|(place, _)| window.own.eligible << place & 0x8000_0000 != 0)
            .map(|(_, rank)| (usize::from(rank.partition), rank.budget_ticks))
            .collect();
        for (from, _) in eligible.iter().filter(|(_, budget)| *budget != 0) {
            (0..count)
                .filter(|to| to != from)
                .for_each(|to| put(*from, to, "by its budget in every window", None));
        }
        // Behind the group come the background's members without a budget, who take what is left.
        let group: Vec<_> = eligible
            .iter()
            .filter(|(_, budget)| *budget == 0)
            .map(|(one, _)| *one)
            .collect();
        let group = &group[..group.len().saturating_sub(background)];
        for (place, from) in group.iter().enumerate() {
            for to in &group[place + 1..] {
                put(*from, *to, "by coming first in a window", None);
            }
        }
    }
    edges
}

fn flow(world: &World<'_>, text: &str, edges: &[Edge]) -> Statement {
    let mut statement = Statement::new("require-flow", text);
    let parsed = || {
        let (from, rest) = text.split_once("-/->")?;
        let (to, except) = rest.split_once(" except ").unwrap_or((rest, ""));
        let partition = |name: &str| {
            world
                .declared
                .partitions
                .iter()
                .position(|one| one.name == name.trim())
        };
        let except: BTreeSet<_> = except
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        Some((partition(from)?, partition(to)?, except))
    };
    let Some((from, to, except)) = parsed() else {
        statement.require(false, || "the statement is not understood".to_owned());
        return statement;
    };
    let excepted = |partition: usize| {
        partition != from && partition != to && except.contains(world.name(partition))
    };
    let mut reached: BTreeSet<usize> = [from].into();
    let mut ways = VecDeque::from([(from, world.name(from).to_owned())]);
    while let Some((at, way)) = ways.pop_front() {
        for edge in edges.iter().filter(|edge| edge.from == at) {
            let by_excepted = edge.channel.is_some_and(|channel| {
                (world.declared.channels.get(channel))
                    .is_some_and(|one| except.contains(one.name.as_str()))
            });
            let forbidden = excepted(edge.from) || excepted(edge.to) || by_excepted;
            let found = !forbidden && edge.to == to;
            statement.require(!found || from == to, || {
                format!("{way}, {} to {}", edge.by, world.name(to))
            });
            if !forbidden && reached.insert(edge.to) {
                ways.push_back((
                    edge.to,
                    format!("{way}, {} to {}", edge.by, world.name(edge.to)),
                ));
            }
        }
    }
    // Every way of influence that there is was looked at, whether it can be reached or not.
    statement.checked = edges.len() as u64;
    statement
}

/// The longest that an interrupt waits for its owner, by what the schedules guarantee whatever anybody does.
fn latency(world: &World<'_>, text: &str) -> Statement {
    let mut statement = Statement::new("require-latency", text);
    let parsed = || {
        let (device, rest) = text.trim().strip_prefix("interrupt ")?.split_once("->")?;
        let (partition, bound) = rest.split_once("<=")?;
        let devices = &world.declared.devices;
        let index = devices.iter().position(|one| one.name == device.trim())?;
        let partition = world
            .declared
            .partitions
            .iter()
            .position(|one| one.name == partition.trim())?;
        let bound = crate::units::ticks(bound.trim(), world.facts.timebase_hz).ok()?;
        Some((index, partition, bound))
    };
    let Some((device, partition, bound)) = parsed() else {
        statement.require(false, || "the statement is not understood".to_owned());
        return statement;
    };
    let owner = world.declared.owner(&world.declared.devices[device].name);
    statement.require(owner == Some(partition), || {
        "the partition does not own the device".to_owned()
    });
    let guests = usize::from(world.declared.guests() != 0);
    let off = world.facts.interrupts_off_max[guests];
    for (number, schedule) in world.tables.schedules.iter().enumerate() {
        let worst =
            worst_in(world, schedule, device, partition).map(|worst| worst.saturating_add(off));
        statement.require(worst.is_some_and(|worst| worst <= bound), || match worst {
            Some(worst) => {
                format!("in schedule {number} it can wait {worst} ticks, and {bound} are required")
            }
            None => format!("in schedule {number} it can wait for ever"),
        });
    }
    statement
}

/// In a window: the first moment at which the owner runs for certain if the interrupt came before, and the last at which it still does.
fn service(
    world: &World<'_>,
    eligible: &[(usize, u32)],
    span: (u64, u64),
    device: usize,
    owner: usize,
) -> Option<(u64, u64)> {
    let (start, end) = span;
    let own_background = world.declared.partitions[owner].background;
    let budgets = eligible.iter().filter(|(_, budget)| *budget != 0);
    let others: u64 = budgets
        .clone()
        .filter(|(one, _)| *one != owner)
        .map(|(_, budget)| u64::from(*budget))
        .sum();
    let background = world
        .declared
        .partitions
        .iter()
        .filter(|one| one.background.is_some())
        .count();
    let rest: Vec<_> = eligible
        .iter()
        .filter(|(_, budget)| *budget == 0)
        .map(|(one, _)| *one)
        .collect();
    let (group, behind) = rest.split_at(rest.len().saturating_sub(background));
    if group.first() == Some(&owner) {
        let last = end.saturating_sub(others);
        return (last > start).then_some((start + others, last));
    }
    let (_, budget) = own_background.filter(|_| world.declared.devices[device].preempts)?;
    if budget.is_some() {
        let before: u64 = budgets
            .take_while(|(one, _)| *one != owner)
            .map(|(_, budget)| u64::from(*budget))
            .sum();
        let first = start + before;
        return (first < end).then_some((first, start));
    }
    let alone = group.is_empty() && behind.first() == Some(&owner);
    let last = end.saturating_sub(others);
    (alone && last > start).then_some((start + others, last))
}

fn worst_in(
    world: &World<'_>,
    schedule: &crate::tables::ScheduleTables,
    device: usize,
    owner: usize,
) -> Option<u64> {
    let guard = u64::from(world.tables.module.guard_ticks);
    let mut services = Vec::new();
    let mut worst = 0;
    for window in &schedule.windows {
        let eligible: Vec<_> = (world.tables.ranks.iter().enumerate())
            .filter(|(place, _)| window.own.eligible << place & 0x8000_0000 != 0)
            .map(|(_, rank)| (usize::from(rank.partition), rank.budget_ticks))
            .collect();
        let start = u64::from(window.own.start_ticks);
        let end = (start + u64::from(window.own.length_ticks)).saturating_sub(guard);
        if let Some((first, last)) = service(world, &eligible, (start, end), device, owner) {
            worst = worst.max(first - start);
            services.push((first, last));
        }
    }
    let (first, _) = services.first()?;
    let again = first + u64::from(schedule.own.major_frame_ticks);
    let nexts = services
        .iter()
        .skip(1)
        .map(|(first, _)| *first)
        .chain([again]);
    let gaps = services
        .iter()
        .zip(nexts)
        .map(|((_, last), next)| next.saturating_sub(*last));
    gaps.chain([worst]).max()
}

fn memory(world: &World<'_>, text: &str) -> Statement {
    let mut statement = Statement::new("require-memory", text);
    let partitions = || world.tables.partitions.iter().enumerate();
    match text.trim() {
        "no page writable and executable" => {
            for (index, partition) in partitions() {
                for region in &partition.regions {
                    let both = region.write_right() && region.execute_right();
                    statement.require(!both, || {
                        format!("{:#x} of {}", region.effective, world.name(index))
                    });
                }
            }
        }
        "no page shared except by ring" => {
            for (index, partition) in partitions() {
                for region in &partition.regions {
                    for (other, tables) in partitions().filter(|(other, _)| *other < index) {
                        let meeting = tables.regions.iter().filter(|one| {
                            let shared =
                                one.kind == RegionKind::Shared && region.kind == RegionKind::Shared;
                            one.meets(region.physical, region.length.into()) && !shared
                        });
                        statement.require(meeting.count() == 0, || {
                            format!(
                                "{:#x} of {} and memory of {}",
                                region.effective,
                                world.name(index),
                                world.name(other)
                            )
                        });
                    }
                }
            }
        }
        _ => statement.require(false, || "the statement is not understood".to_owned()),
    }
    statement
}
