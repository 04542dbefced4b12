//! Who can influence whom: each direct way, and the shortest one in several steps where there is no direct one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cofferdam_abi::health::Action;
use cofferdam_check::{Checked, flow};
use cofferdam_model::CapabilityRequest;

use crate::data::{Authority, Flow};

/// All ways, by who influences and whom.
pub(super) fn flows(checked: &Checked) -> Vec<Flow> {
    let system = &checked.system;
    let mut direct: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for edge in flow::edges(system, &checked.board) {
        if edge.from != edge.to {
            direct
                .entry((edge.from, edge.to))
                .or_default()
                .insert(edge.by);
        }
    }
    let count = system.partitions.len();
    let name = |index: usize| system.partitions[index].name.value.clone();
    let mut flows = Vec::new();
    for from in 0..count {
        let before = first_steps(&direct, from, count);
        for to in (0..count).filter(|to| *to != from) {
            let by = direct.get(&(from, to));
            let way = way(&before, from, to);
            if by.is_none() && way.is_none() {
                continue;
            }
            let through = way.filter(|_| by.is_none()).unwrap_or_default();
            flows.push(Flow {
                from: name(from),
                to: name(to),
                direct: by.into_iter().flatten().cloned().collect(),
                through: through.into_iter().map(name).collect(),
            });
        }
    }
    flows
}

/// For each partition that `from` reaches the one before it on a shortest way.
fn first_steps(
    direct: &BTreeMap<(usize, usize), BTreeSet<String>>,
    from: usize,
    count: usize,
) -> Vec<Option<usize>> {
    let mut before = vec![None; count];
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        for to in (0..count).filter(|to| direct.contains_key(&(at, *to))) {
            if to != from && before[to].is_none() {
                before[to] = Some(at);
                next.push_back(to);
            }
        }
    }
    before
}

fn way(before: &[Option<usize>], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        at = before[at]?;
        way.push(at);
    }
    way.reverse();
    Some(way)
}

/// Who has authority over the machine as a whole.
pub(super) fn authorities(checked: &Checked) -> Vec<Authority> {
    let mut all = Vec::new();
    for (index, partition) in checked.system.partitions.iter().enumerate() {
        let mut add = |by: String| {
            all.push(Authority {
                partition: partition.name.value.clone(),
                by,
            });
        };
        for device in &partition.devices {
            let facts = checked.board.device(device);
            if let Some(what) = facts.and_then(|facts| facts.module_authority.as_ref()) {
                add(format!("its device {}: it can {what}", device.value));
            }
        }
        for one in checked.system.actions_of(index) {
            if matches!(
                *one.action,
                Action::Halt | Action::Reset | Action::SwitchSchedule
            ) {
                let (error, action) = (one.error.name(), one.action.name());
                add(format!("its error {error}, whose action is {action}"));
            }
        }
        let mut requests = (checked.system.capabilities.iter())
            .filter(|(holder, _)| holder.value == partition.name.value)
            .flat_map(|(_, requests)| requests);
        if requests.any(|one| one.value == CapabilityRequest::ScheduleSet) {
            add(format!(
                "its capability {}: it can set the schedule",
                CapabilityRequest::ScheduleSet
            ));
        }
    }
    all
}
