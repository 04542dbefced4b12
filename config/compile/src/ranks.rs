//! Ranks: memberships in groups, in one order of urgency for the whole system.
//!
//! The kernel finds who runs by one `count leading zeros` over the set of ranks that are eligible and runnable. So every group's
//! order has to be a part of one order. First come the members of the background that are above each group, at the end the
//! background's other memberships, in between the groups'.

use cofferdam_model::System;

/// A rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Whose.
    pub partition: usize,
    /// How much it may use in one window, in ticks; 0: no limit.
    pub budget_ticks: u64,
}

/// The ranks of a system, the most urgent first, and where the groups' begin and end.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// The most urgent first.
    pub all: Vec<Rank>,
    /// How many at the beginning are above each group.
    above: usize,
    /// How many come before those below each group.
    below: usize,
}

impl Ranks {
    /// Finds the order.
    pub fn of(system: &System) -> Self {
        let mut members: Vec<_> = (0..system.partitions.len())
            .filter_map(|index| Some((index, system.partitions[index].background.as_ref()?)))
            .collect();
        members.sort_by_key(|(index, background)| (*background.priority, *index));
        let budgets = members.iter().filter_map(|(partition, background)| {
            Some(Rank {
                partition: *partition,
                budget_ticks: **background.budget_ticks.as_ref()?,
            })
        });
        let unlimited = |partition| Rank {
            partition,
            budget_ticks: 0,
        };
        let mut all: Vec<_> = budgets.collect();
        let above = all.len();
        let mut middle = Vec::new();
        for schedule in &system.schedules {
            for window in &schedule.windows {
                merge(&mut middle, &group(system, &window.group));
            }
        }
        all.extend(middle.into_iter().map(unlimited));
        let below = all.len();
        // A budget that is used up leaves its owner here, so those are members as well.
        all.extend(members.iter().map(|(partition, _)| unlimited(*partition)));
        Self { all, above, below }
    }

    /// The set of the ranks of a partition, rank 0 the highest bit.
    pub fn of_partition(&self, partition: usize) -> u32 {
        set(self.all.iter().map(|rank| rank.partition == partition))
    }

    /// The set of ranks that may run in a window with this group: the group's, and the background's.
    pub fn eligible(&self, system: &System, names: &[cofferdam_model::Spanned<String>]) -> u32 {
        let background = set((0..self.all.len()).map(|at| at < self.above || at >= self.below));
        let mut group = group(system, names).into_iter().peekable();
        let middle = self.all.iter().enumerate().map(|(at, rank)| {
            let in_middle = (self.above..self.below).contains(&at);
            in_middle && group.next_if_eq(&rank.partition).is_some()
        });
        background | set(middle)
    }
}

/// The set of the places at which `members` is true, place 0 the highest bit.
pub fn set(members: impl Iterator<Item = bool>) -> u32 {
    let bits = members.enumerate().filter(|(_, member)| *member);
    bits.fold(0, |set, (at, _)| {
        set | 0x8000_0000u32.checked_shr(at as u32).unwrap_or(0)
    })
}

fn group(system: &System, names: &[cofferdam_model::Spanned<String>]) -> Vec<usize> {
    let indices = names.iter().filter_map(|name| system.partition_index(name));
    indices.collect()
}

/// Adds what `group` needs to be found in `order` from front to back: a member that stands in front of where it is
/// wanted gets a second place.
fn merge(order: &mut Vec<usize>, group: &[usize]) {
    let mut from = 0;
    for member in group {
        match order[from..].iter().position(|one| one == member) {
            Some(offset) => from += offset + 1,
            None => {
                order.insert(from, *member);
                from += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(order: &[usize], group: &[usize]) -> bool {
        let mut rest = order.iter();
        group.iter().all(|member| rest.any(|one| one == member))
    }

    #[test]
    fn every_group_is_found_in_the_order() {
        let groups: [&[usize]; 5] = [&[0], &[1, 2], &[2, 1], &[3, 1, 0], &[0, 1, 2, 3]];
        let mut order = Vec::new();
        for group in groups {
            merge(&mut order, group);
        }
        for group in groups {
            assert!(is_found(&order, group), "{group:?} in {order:?}");
        }
    }

    #[test]
    fn groups_that_agree_share_ranks() {
        let mut order = Vec::new();
        for group in [&[0, 1][..], &[0], &[1], &[0, 2]] {
            merge(&mut order, group);
        }
        assert_eq!(order.len(), 3);
    }
}
