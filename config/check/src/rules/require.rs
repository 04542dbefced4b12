//! `[require]`: what the system's owner wants proved.

use std::collections::BTreeSet;

use cofferdam_model::{Board, FlowRequirement, System, show_ticks};

use super::{Findings, Rule, rule};
use crate::{flow, latency};

pub(super) static RULES: &[&Rule] = &[
    &REQUIRE_FLOW,
    &REQUIRE_LATENCY,
    &REQUIRE_TWICE,
    &EXCEPT_UNUSED,
];

rule! {
    /// Each statement `A -/-> B except C` holds: nothing that A can do reaches B but through C.
    ///
    /// Reaching counts in any number of steps, by channels in the direction of their messages and back where the sender learns of the
    /// receiver, by capabilities, by health actions and devices that concern everybody, and by time that one takes from another. C is a partition or a
    /// channel. The message shows the shortest way found.
    REQUIRE_FLOW = "REQUIRE-FLOW", flows;
}

fn flows(system: &System, board: &Board, findings: &mut Findings) {
    let edges = flow::edges(system, board);
    for required in &system.flow {
        let Some(ends) = ends(system, required) else {
            continue;
        };
        if let Some(path) = forbidden_path(system, &edges, ends, &excepted(required)) {
            let message = format!("`{}` can influence `{}`", required.from, required.to);
            let mut diagnostic = REQUIRE_FLOW.violation(required.span, message);
            for edge in &path {
                let name = |index: usize| &system.partitions[index].name;
                let step = format!("{} -> {} {}", name(edge.from), name(edge.to), edge.by);
                diagnostic = diagnostic.also(edge.span, step);
            }
            findings.push(
                diagnostic
                    .hint("remove a step of this way, or name who may be on it with `except`"),
            );
        }
    }
}

/// From whom to whom. `None` if a statement names what there is not, which is another rule's.
fn ends(system: &System, required: &FlowRequirement) -> Option<(usize, usize)> {
    let channel = |name: &str| system.channels.iter().any(|one| *one.name == name);
    let known = |name: &str| system.partition_index(name).is_some() || channel(name);
    let ends = (
        system.partition_index(&required.from)?,
        system.partition_index(&required.to)?,
    );
    let all_known = required.except.iter().all(|name| known(name));
    all_known.then_some(ends)
}

fn excepted(required: &FlowRequirement) -> BTreeSet<&str> {
    required.except.iter().map(|name| name.as_str()).collect()
}

/// The shortest way from one partition to another around the exceptions.
fn forbidden_path(
    system: &System,
    edges: &[flow::Edge],
    (from, to): (usize, usize),
    except: &BTreeSet<&str>,
) -> Option<Vec<flow::Edge>> {
    let avoid = |edge: &flow::Edge| is_excepted(system, except, edge, from, to);
    flow::path(edges, from, to, &avoid)
}

fn is_excepted(
    system: &System,
    except: &BTreeSet<&str>,
    edge: &flow::Edge,
    from: usize,
    to: usize,
) -> bool {
    let partition = |index: usize| {
        let name = system.partitions[index].name.as_str();
        index != from && index != to && except.contains(name)
    };
    let channel = edge
        .channel
        .is_some_and(|index| except.contains(system.channels[index].name.as_str()));
    partition(edge.from) || partition(edge.to) || channel
}

rule! {
    /// Each name in `except` is needed: without it the statement would not hold.
    ///
    /// An exception that excepts nothing today would let something through tomorrow that nobody meant.
    EXCEPT_UNUSED = "EXCEPT-UNUSED", exceptions;
}

fn exceptions(system: &System, board: &Board, findings: &mut Findings) {
    let edges = flow::edges(system, board);
    for required in &system.flow {
        let Some(ends) = ends(system, required) else {
            continue;
        };
        let mut needed = excepted(required);
        let holds =
            |except: &BTreeSet<&str>| forbidden_path(system, &edges, ends, except).is_none();
        if !holds(&needed) {
            continue;
        }
        for (index, name) in required.except.iter().enumerate() {
            let mut before = required.except[..index].iter();
            let twice = before.any(|other| other.value == name.value);
            let message = if twice {
                format!("`{name}` is excepted twice")
            } else {
                needed.remove(name.as_str());
                if !holds(&needed) {
                    needed.insert(name);
                    continue;
                }
                format!("the statement holds without the exception `{name}`")
            };
            let violation = EXCEPT_UNUSED.violation(name.span, message);
            findings.push(violation.hint("remove it from `except`"));
        }
    }
}

rule! {
    /// Each statement `interrupt DEVICE -> PARTITION <= TIME` holds in each schedule, for the device's owner.
    ///
    /// The bound counts what the configuration guarantees: partitions that come first in the owner's group may use all of a window, and
    /// budgets may be used up. So a driver with a bound is first in its group, or in the background with a budget.
    REQUIRE_LATENCY = "REQUIRE-LATENCY", latencies;
}

fn latencies(system: &System, board: &Board, findings: &mut Findings) {
    let show = |ticks| show_ticks(ticks, board.timebase_hz);
    for required in &system.latency {
        let device = system
            .devices
            .iter()
            .position(|one| *one.name == *required.device.value);
        let partition = system.partition_index(&required.partition);
        let (Some(device), Some(partition)) = (device, partition) else {
            continue;
        };
        let owned = &system.partitions[partition].devices;
        if !owned.iter().any(|name| **name == *required.device.value) {
            let message = format!(
                "`{}` does not own `{}`",
                required.partition, required.device
            );
            let diagnostic = REQUIRE_LATENCY.violation(required.span, message);
            findings.push(diagnostic.hint("an interrupt goes to its device's owner"));
            continue;
        }
        let wrong = match latency::worst(system, board, device, partition) {
            Some(worst) if worst <= required.bound_ticks => continue,
            Some(worst) => format!("the interrupt can wait {}", show(worst)),
            None => "the interrupt can wait for ever".to_string(),
        };
        let message = format!("{wrong}, which is more than {}", required.bound);
        let hint = "give the owner windows closer to each other in which it is first, or make it a member of the \
                    background with a budget and let the device preempt";
        findings.push(REQUIRE_LATENCY.violation(required.span, message).hint(hint));
    }
}

rule! {
    /// No statement of `[require]` stands there twice, and no bound beside another for the same device and partition.
    REQUIRE_TWICE = "REQUIRE-TWICE", twice;
}

fn twice(system: &System, _: &Board, findings: &mut Findings) {
    let mut seen = Vec::new();
    let flow = system.flow.iter().map(|one| {
        let mut except: Vec<_> = one.except.iter().map(|name| name.as_str()).collect();
        except.sort();
        (format!("{} -/-> {} {except:?}", one.from, one.to), one.span)
    });
    let latency = system.latency.iter().map(|one| {
        let what = format!("interrupt {} -> {}", one.device, one.partition);
        (what, one.span)
    });
    let memory = system.memory.iter().map(|one| (one.to_string(), one.span));
    for (what, place) in flow.chain(latency).chain(memory) {
        match seen.iter().find(|(other, _)| *other == what) {
            None => seen.push((what, place)),
            Some((_, first)) => {
                let violation = REQUIRE_TWICE.violation(place, "this is required already");
                findings.push(
                    violation
                        .also(*first, "here")
                        .hint("remove one of them; of two bounds the smaller one counts"),
                );
            }
        }
    }
}
