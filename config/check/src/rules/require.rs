//! `[require]`: what the system's owner wants proved.

use cofferdam_model::{Board, FlowRequirement, Spanned, System, show_ticks};

use super::{Findings, Rule, rule};
use crate::{flow, latency};

pub(super) static RULES: &[&Rule] = &[&REQUIRE_FLOW, &REQUIRE_LATENCY];

rule! {
    /// Each statement `A -/-> B except C` holds: nothing that A can do reaches B but through C.
    ///
    /// Reaching counts in any number of steps, by channels in the direction of their messages and back where the sender learns of the
    /// receiver, by capabilities, by health actions that concern everybody, and by time that one takes from another. C is a partition or a
    /// channel. The message shows the shortest way found.
    REQUIRE_FLOW = "REQUIRE-FLOW", flows;
}

fn flows(system: &System, _: &Board, findings: &mut Findings) {
    let edges = flow::edges(system);
    for required in &system.flow {
        let (from, to) = (
            system.partition_index(&required.from),
            system.partition_index(&required.to),
        );
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        let avoid = |edge: &flow::Edge| is_excepted(system, required, edge, from, to);
        if let Some(path) = flow::path(&edges, from, to, &avoid) {
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

fn is_excepted(
    system: &System,
    required: &Spanned<FlowRequirement>,
    edge: &flow::Edge,
    from: usize,
    to: usize,
) -> bool {
    let excepted = |name: &str| required.except.iter().any(|one| **one == name);
    let partition =
        |index: usize| index != from && index != to && excepted(&system.partitions[index].name);
    let channel = edge
        .channel
        .is_some_and(|index| excepted(&system.channels[index].name));
    partition(edge.from) || partition(edge.to) || channel
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
