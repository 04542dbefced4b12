//! Windows and ranks: who may run when.

use super::Statement;
use crate::numbers::limit;
use crate::tables::name;
use crate::world::World;

/// The set of the places at which `members` is true, place 0 the highest bit.
fn set(members: impl Iterator<Item = bool>) -> u32 {
    let bits = members.enumerate().filter(|(_, member)| *member);
    bits.fold(0, |set, (place, _)| {
        set | 0x8000_0000u32.checked_shr(place as u32).unwrap_or(0)
    })
}

/// Windows.
pub(super) fn windows(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "windows-fill",
        "the windows of each schedule fill its frame exactly, one behind the other, each longer than the guard, as the file declares them, with its releases, and with the interrupts that may come",
    );
    let declared = &world.declared.schedules;
    statement.equal(world.tables.schedules.len(), declared.len(), || {
        "the number of schedules".to_owned()
    });
    let module = &world.tables.module;
    statement.equal(
        u64::from(module.guard_ticks),
        world.declared.guard_ticks,
        || "the guard".to_owned(),
    );
    let interrupting = world.interrupting();
    for (tables, declared) in world.tables.schedules.iter().zip(declared) {
        let of = &declared.name;
        statement.equal(tables.own.name, name(of), || {
            format!("the name of schedule {of}")
        });
        statement.equal(tables.windows.len(), declared.windows.len(), || {
            format!("the number of windows of {of}")
        });
        let mut at = 0u64;
        for window in &tables.windows {
            statement.equal(u64::from(window.own.start_ticks), at, || {
                format!("where a window of {of} begins")
            });
            let length = window.own.length_ticks;
            statement.require(
                length > module.guard_ticks && length <= limit::TICKS,
                || format!("a window of {of} has {length} ticks"),
            );
            at += u64::from(length);
        }
        statement.equal(at, tables.own.major_frame_ticks.into(), || {
            format!("where the last window of {of} ends")
        });
        let frame = u64::from(tables.own.major_frame_ticks);
        statement.equal(frame, declared.major_frame_ticks, || {
            format!("the frame of {of}")
        });
        for (number, (window, declared)) in tables.windows.iter().zip(&declared.windows).enumerate()
        {
            let own = &window.own;
            let what = || format!("window {number} of {of}");
            let found = (u64::from(own.start_ticks), u64::from(own.length_ticks));
            statement.equal(found, (declared.start_ticks, declared.length_ticks), || {
                format!("start and length of {}", what())
            });
            let partitions = 0..world.declared.partitions.len();
            let released = set(partitions.map(|one| declared.release.contains(&one)));
            statement.equal(own.releases, released, || {
                format!("who is released in {}", what())
            });
            let may_come = interrupting.iter().map(|(device, owner)| {
                let preempts = world.declared.devices[*device].preempts;
                let background = world.declared.partitions[*owner].background.is_some();
                declared.group.contains(owner) || preempts && background
            });
            statement.equal(own.interrupts, set(may_come), || {
                format!("which interrupts may come in {}", what())
            });
        }
    }
    statement
}

/// Ranks, and who is eligible.
pub(super) fn ranks(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "eligible",
        "in each window those may run whom the file names, in its order of urgency, with the background before them as far as it has budgets, and behind them without; nobody else",
    );
    let ranks = &world.tables.ranks;
    let mut members: Vec<_> = (world.declared.partitions.iter().enumerate())
        .filter_map(|(index, one)| Some((one.background?, index)))
        .collect();
    members.sort_by_key(|((priority, _), index)| (*priority, *index));
    let before: Vec<_> = (members.iter())
        .filter_map(|((_, budget), index)| Some((*index, (*budget)?)))
        .collect();
    let behind: Vec<_> = members.iter().map(|(_, index)| (*index, 0)).collect();
    let mut used = 0;
    for (schedule, declared) in world.tables.schedules.iter().zip(&world.declared.schedules) {
        for (window, declared) in schedule.windows.iter().zip(&declared.windows) {
            used |= window.own.eligible;
            let may_run: Vec<_> = (ranks.iter().enumerate())
                .filter(|(place, _)| window.own.eligible << place & 0x8000_0000 != 0)
                .map(|(_, rank)| (usize::from(rank.partition), u64::from(rank.budget_ticks)))
                .collect();
            let group = declared.group.iter().map(|one| (*one, 0));
            let wanted: Vec<_> = (before.iter().copied())
                .chain(group)
                .chain(behind.iter().copied())
                .collect();
            statement.equal(may_run, wanted, || {
                format!(
                    "who may run, and with which budget, in the window at {} ticks",
                    window.own.start_ticks
                )
            });
            let there = set(ranks.iter().map(|_| true));
            statement.require(window.own.eligible & !there == 0, || {
                "a rank is eligible that there is not".to_owned()
            });
        }
    }
    for (place, rank) in ranks.iter().enumerate() {
        let is_used = used << place & 0x8000_0000 != 0;
        statement.require(is_used, || {
            format!(
                "rank {place}, of {}, is eligible in no window",
                world.name(rank.partition.into())
            )
        });
    }
    for (index, tables) in world.tables.partitions.iter().enumerate() {
        let own = set(ranks
            .iter()
            .map(|rank| usize::from(rank.partition) == index));
        statement.equal(tables.own.ranks, own, || {
            format!("the ranks of {}", world.name(index))
        });
    }
    statement
}
