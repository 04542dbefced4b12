//! The schedules of a plan: who may run in each window, and what TLB1 holds then.

use cofferdam_abi::limits;
use cofferdam_check::residency;
use cofferdam_model::WhenNotRunning;

use super::draft::Draft;
use super::{InterruptPlan, PartitionPlan, RegionKind, SchedulePlan, WindowPlan};
use crate::guest;
use crate::ranks::{Ranks, set};
use crate::tlb::{self, Entry, State};

impl Draft<'_> {
    pub(super) fn schedules(
        &self,
        partitions: &[PartitionPlan],
        interrupts: &[InterruptPlan],
        ranks: &Ranks,
        first_place: usize,
    ) -> Vec<SchedulePlan> {
        let system = &self.checked.system;
        // The last places are the guests'.
        let guests = guest::guests(system).len() * residency::PLACES_OF_A_GUEST;
        let places = (limits::TLB1_ENTRIES - first_place).saturating_sub(guests);
        let mut plans = Vec::new();
        for schedule in &system.schedules {
            let needs: Vec<Vec<Entry>> = schedule
                .windows
                .iter()
                .map(|window| self.entries(partitions, &residency::eligible(system, window)))
                .collect();
            let states = tlb::states(&needs, places);
            let mut windows = Vec::new();
            for (index, window) in schedule.windows.iter().enumerate() {
                let before: Option<&State> = match index {
                    0 => states.last(),
                    _ => states.get(index - 1),
                };
                let tlb_writes = tlb::writes(before, &states[index], first_place);
                let released = |name: &String| window.release.iter().any(|one| **one == *name);
                let names = system.partitions.iter().map(|one| &one.name.value);
                let group = window.group.iter();
                windows.push(WindowPlan {
                    start_ticks: *window.at_ticks,
                    length_ticks: *window.length_ticks,
                    group: group
                        .filter_map(|name| system.partition_index(name))
                        .collect(),
                    eligible: ranks.eligible(system, &window.group),
                    releases: set(names.map(released)),
                    interrupts: set(interrupts.iter().map(|one| self.may_come(one, window))),
                    tlb_entries: needs[index].len(),
                    tlb_reloads: tlb_writes.len(),
                    tlb_writes,
                });
            }
            plans.push(SchedulePlan {
                name: schedule.name.value.clone(),
                initial: schedule.initial.as_ref().is_some_and(|initial| **initial),
                major_frame_ticks: *schedule.major_frame_ticks,
                tlb_writes: states
                    .first()
                    .map(|state| tlb::writes(None, state, first_place))
                    .unwrap_or_default(),
                windows,
            });
        }
        plans
    }

    /// Whether an interrupt is let through in a window: one that preempts wherever its owner is eligible, one that pends in
    /// its owner's own windows.
    fn may_come(&self, interrupt: &InterruptPlan, window: &cofferdam_model::Window) -> bool {
        let system = &self.checked.system;
        let owner = &system.partitions[interrupt.owner];
        let own = window.group.iter().any(|name| **name == *owner.name);
        let device = system
            .devices
            .iter()
            .find(|one| *one.name == interrupt.device);
        let preempts = device.is_some_and(|one| *one.when_not_running == WhenNotRunning::Preempt);
        own || preempts && owner.background.is_some()
    }

    fn entries(&self, partitions: &[PartitionPlan], eligible: &[usize]) -> Vec<Entry> {
        let resident = eligible.iter().filter(|index| self.checked.pinned[**index]);
        let regions = resident.flat_map(|index| {
            let regions = partitions[*index].regions.iter();
            regions.map(|region| (*index, region))
        });
        regions
            .map(|(partition, region)| Entry {
                partition,
                effective: region.effective,
                physical: region.physical,
                bytes: region.bytes,
                rights: crate::lower::rights(region),
                device: region.kind == RegionKind::Device,
            })
            .collect()
    }
}
