//! How lives begin and end: starts, errors, restarts, and what memory is filled with.

use super::Statement;
use crate::numbers::{FRAME, STACK_GUARD, place};
use crate::tables::name;
use crate::world::{World, region_at};

/// The module.
pub(super) fn module(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "module",
        "the module begins with the schedule and answers each of its errors as the file declares",
    );
    let (module, declared) = (&world.tables.module, world.declared);
    statement.equal(module.initial_schedule, declared.initial_schedule, || {
        "the first schedule".to_owned()
    });
    let actions = (module.actions.to_vec(), module.switch_schedule);
    statement.equal(actions, declared.actions.clone(), || {
        "the actions of the module's errors".to_owned()
    });
    statement
}

/// Partitions.
pub(super) fn partitions(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "partitions",
        "each partition has the name, the PID of its number and no other's, the period, the deadline, the answers to its errors and the limits of its restarts that the file declares",
    );
    for (index, tables, declared) in world.partitions() {
        let (own, of) = (&tables.own, &declared.name);
        statement.equal(own.name, name(of), || format!("the name of {of}"));
        statement.equal(usize::from(own.pid), index + 1, || {
            format!("the PID of {of}")
        });
        let times = (u64::from(own.period_ticks), u64::from(own.deadline_ticks));
        statement.equal(
            times,
            (declared.period_ticks, declared.deadline_ticks),
            || format!("period and deadline of {of}"),
        );
        statement.equal(own.autostart, declared.autostart, || {
            format!("whether {of} starts by itself")
        });
        let actions = (own.actions.to_vec(), own.switch_schedule);
        statement.equal(actions, declared.actions.clone(), || {
            format!("the actions of the errors of {of}")
        });
        let restart = (
            u64::from(own.restart_max),
            own.restart_per_ticks,
            u64::from(own.back_off_ticks),
        );
        statement.equal(restart, declared.restart, || {
            format!("the limits of the restarts of {of}")
        });
    }
    statement
}

/// Where partitions start.
pub(super) fn starts(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "entries",
        "each partition is entered in its own text, at a whole instruction that the image has, on the stack at the lower end of its data, with its own register page",
    );
    for (_, tables, declared) in world.partitions() {
        let (own, of) = (&tables.own, &declared.name);
        let text = region_at(tables, place::TEXT);
        let content = text
            .and_then(|text| world.image.at(text.physical))
            .map_or(0, |one| one.content.len());
        let inside =
            (own.entry.checked_sub(place::TEXT)).is_some_and(|offset| (offset as usize) < content);
        let executable = text.is_some_and(|text| text.execute_right());
        statement.require(inside && executable && own.entry.is_multiple_of(4), || {
            format!(
                "{of} is entered at {:#x}, which is no instruction of it",
                own.entry
            )
        });
        let top = u64::from(place::DATA).saturating_add(declared.stack_bytes);
        let stack = (
            u64::from(own.stack_bottom),
            u64::from(own.stack_top),
            own.stack_guard,
        );
        statement.equal(stack, (place::DATA.into(), top, STACK_GUARD), || {
            format!("the stack of {of}")
        });
        let data = region_at(tables, place::DATA).map_or(0, |data| u64::from(data.length));
        statement.require(declared.stack_bytes <= data, || {
            format!("the stack of {of} is not in its data")
        });
        let page = region_at(tables, place::PAGE).map(|page| page.physical);
        statement.equal(Some(u64::from(own.page_physical)), page, || {
            format!("the register page of {of}")
        });
    }
    statement
}

/// Pristine copies.
pub(super) fn copies(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "copies",
        "each pristine copy goes to memory of its own partition alone, whole words, no two to the same place",
    );
    for (_, tables, declared) in world.partitions() {
        let of = &declared.name;
        let targets = [place::DATA, place::GUEST].map(|address| region_at(tables, address));
        for (number, copy) in tables.copies.iter().enumerate() {
            let (start, bytes) = (u64::from(copy.to), u64::from(copy.length));
            // A program has one, and it comes first; the others are a guest's.
            let target = if number == 0 {
                &targets[..]
            } else {
                &targets[1..]
            };
            let inside = (target.iter().flatten())
                .any(|region| start >= region.physical && start + bytes <= region.end());
            statement.require(inside, || {
                format!("copy {number} goes to {start:#x}, which is not memory of {of}")
            });
            let words =
                copy.length.is_multiple_of(4) && copy.to.is_multiple_of(4) && copy.length != 0;
            statement.require(words, || {
                format!("copy {number} of {of} is not whole words")
            });
            let aligned = u64::from(copy.from).is_multiple_of(FRAME);
            statement.require(aligned, || {
                format!("copy {number} of {of} begins within a page")
            });
            for other in &tables.copies[..number] {
                let end = |one: &crate::records::Copy| u64::from(one.to) + u64::from(one.length);
                let apart = end(copy) <= other.to.into() || end(other) <= copy.to.into();
                statement.require(apart, || format!("two copies of {of} go to {start:#x}"));
            }
        }
    }
    statement
}
