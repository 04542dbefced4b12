//! Partitions with ARINC 653 services.

use cofferdam_abi::space;
use cofferdam_ipc::name;
use cofferdam_model::{
    Apex, Board, CapabilityRequest, ChannelKind, Partition, Span, Spanned, System, show_bytes,
};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &APEX_PARTITION,
    &APEX_SOURCES,
    &APEX_IDENTIFIER,
    &APEX_PROCESSES,
    &APEX_STACK,
    &APEX_POOLS,
    &APEX_STORAGE,
    &APEX_ERRORS,
    &APEX_BLOCKS,
    &APEX_CHANGES,
    &APEX_PORT,
];

const PAGE: u64 = 0x1000;

/// The most processes of a partition: their places, and the marks for none, are bytes.
const PROCESSES: usize = 254;

/// The largest stack: one that is an entry of TLB1 is aligned where stacks end, and leaves more than itself below it.
const STACK_BYTES: u64 = 0x1_0000;
const _: () = assert!((space::STACK_STRIDE as u64).is_multiple_of(STACK_BYTES));
const _: () = assert!(2 * STACK_BYTES <= space::STACK_STRIDE as u64);
const _: () = assert!(space::stack_top(PROCESSES as u32 + 1) <= space::STACKS_END);

/// The most objects that processes wait for: the number of a queue is a byte, and one is of the partition's own.
const QUEUES: u64 = 255;

/// The largest block of memory: half the distance of blocks, so that what runs off the end of one meets no other.
const BLOCK_BYTES: u64 = space::STRIDE as u64 / 2;

/// How many blocks there is room for.
const BLOCKS: usize = ((space::SHARED - space::MEMORY_BLOCKS) / space::STRIDE) as usize;

/// The partitions with services.
fn all(system: &System) -> impl Iterator<Item = (usize, &Partition, &Apex)> {
    let partitions = system.partitions.iter().enumerate();
    partitions.filter_map(|(index, one)| Some((index, one, one.apex.as_ref()?)))
}

rule! {
    /// A partition with `apex` has no guest and no `deadline`.
    ///
    /// The services are a library of a native program. It is its processes that have deadlines, by their time capacity; the partition's own
    /// would want a `complete` at each of its releases, which nobody says there.
    APEX_PARTITION = "APEX-PARTITION", native;
}

fn native(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let name = &partition.name;
        if let Some(guest) = &partition.guest {
            let message = format!("`{name}` has a guest and ARINC 653 services");
            let diagnostic = APEX_PARTITION.violation(apex.span, message);
            let hint = "give the services a partition of their own";
            findings.push(diagnostic.also(guest.span, "the guest").hint(hint));
        }
        if let Some(deadline) = &partition.deadline_ticks {
            let message = format!("`{name}` has ARINC 653 services and a deadline of its own");
            let diagnostic = APEX_PARTITION.violation(deadline.span, message);
            let hint = "leave `deadline` out, and give processes a time capacity";
            findings.push(diagnostic.also(apex.span, "the services").hint(hint));
        }
    }
}

rule! {
    /// A partition with `c` has ARINC 653 services, and a file at least.
    ///
    /// They are all that an application in C has: what else a partition can do is written in Rust.
    APEX_SOURCES = "APEX-SOURCES", sources;
}

fn sources(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let of_c = |key: &&Spanned<String>| key.value == "personalities/apex-c";
        let Some(key) = partition.program_keys.iter().find(of_c) else {
            continue;
        };
        let name = &partition.name;
        let (message, hint) = if partition.sources.is_empty() {
            (
                format!("`{name}` has no files in C"),
                "name its files".to_string(),
            )
        } else if partition.apex.is_none() {
            let hint = format!("say in `[partition.{name}.apex]` how many processes there are");
            (
                format!("`{name}` is in C, and has no ARINC 653 services"),
                hint,
            )
        } else {
            continue;
        };
        findings.push(APEX_SOURCES.violation(key.span, message).hint(hint));
    }
}

/// The number of a partition in the module.
pub fn apex_identifier(apex: &Apex, index: usize) -> u64 {
    let place = index as u64 + 1;
    apex.identifier.as_ref().map_or(place, |one| **one)
}

rule! {
    /// Each partition with `apex` has an `identifier` of its own, of at most 2147483647.
    ///
    /// Without one it is its place among the file's partitions, from 1.
    APEX_IDENTIFIER = "APEX-IDENTIFIER", identifier;
}

fn identifier(system: &System, _: &Board, findings: &mut Findings) {
    let mut seen: Vec<(u64, Span)> = Vec::new();
    for (index, partition, apex) in all(system) {
        let number = apex_identifier(apex, index);
        let given = apex.identifier.as_ref();
        let span = given.map_or(partition.name.span, |one| one.span);
        if i32::try_from(number).is_err() {
            let message = format!("{number} is no identifier of a partition");
            let hint = "write a number from 0 to 2147483647";
            findings.push(APEX_IDENTIFIER.violation(span, message).hint(hint));
        }
        match seen.iter().find(|(other, _)| *other == number) {
            Some((_, first)) => {
                let message = format!("two partitions have the identifier {number}");
                let diagnostic = APEX_IDENTIFIER.violation(span, message);
                let hint = "give one of them another `identifier`";
                findings.push(diagnostic.also(*first, "the other one").hint(hint));
            }
            None => seen.push((number, span)),
        }
    }
}

rule! {
    /// A partition with `apex` has stacks for 1 to 254 processes.
    APEX_PROCESSES = "APEX-PROCESSES", processes;
}

fn processes(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let count = apex.stacks.len();
        if !(1..=PROCESSES).contains(&count) {
            let message = format!("`{}` has stacks for {count} processes", partition.name);
            let diagnostic = APEX_PROCESSES.violation(apex.stacks.span, message);
            let hint = format!("list one size for each process, from 1 to {PROCESSES}");
            findings.push(diagnostic.hint(hint));
        }
    }
}

rule! {
    /// Each stack of `apex` is a whole number of pages of 4K, at least one and at most 16 (64K).
    ///
    /// It is a region of its own, so that what overflows meets no mapping. Stacks lie 448K apart, so that
    /// far below each there is nothing.
    APEX_STACK = "APEX-STACK", stack;
}

fn stack(system: &System, _: &Board, findings: &mut Findings) {
    for stack in all(system).flat_map(|(_, _, apex)| apex.numbered_stacks()) {
        let size = stack.1;
        if !is_pages(**size, STACK_BYTES) {
            let message = format!("a stack of {}", show_bytes(**size));
            let pages = size.next_multiple_of(PAGE).clamp(PAGE, STACK_BYTES);
            let hint = format!("write \"{}\"", show_bytes(pages));
            findings.push(APEX_STACK.violation(size.span, message).hint(hint));
        }
    }
}

fn is_pages(bytes: u64, most: u64) -> bool {
    bytes.is_multiple_of(PAGE) && (PAGE..=most).contains(&bytes)
}

rule! {
    /// The objects of a partition that processes wait for are 255 at most, and its error queue has 1 to 255 places.
    ///
    /// These are its buffers, blackboards, semaphores, events and mutexes, and its ends of queuing channels.
    APEX_POOLS = "APEX-POOLS", pools;
}

fn pools(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let pools = [
            &apex.buffers,
            &apex.blackboards,
            &apex.semaphores,
            &apex.events,
            &apex.mutexes,
        ];
        let ports = queuing_ports(system, partition).count() as u64;
        let waited_for = (pools.iter()).fold(ports, |sum, one| sum.saturating_add(***one));
        let largest = pools.iter().max_by_key(|one| one.value);
        if let Some(largest) = largest.filter(|_| waited_for > QUEUES) {
            let message = format!(
                "processes of `{}` could wait for {waited_for} objects, {ports} of them queuing ports",
                partition.name
            );
            let hint = format!("let there be {QUEUES} at most");
            findings.push(APEX_POOLS.violation(largest.span, message).hint(hint));
        }
        if let Some(queue) = &apex.error_queue
            && !(1..=255).contains(&**queue)
        {
            let message = format!("an error queue with {} places", **queue);
            let hint = "write a number from 1 to 255, or leave it out";
            findings.push(APEX_POOLS.violation(queue.span, message).hint(hint));
        }
    }
}

/// The places of a partition's ends of queuing channels, and whether they have lines.
fn queuing_ports<'s>(
    system: &'s System,
    partition: &'s Partition,
) -> impl Iterator<Item = (Span, bool)> + 's {
    let queuing = system.channels.iter().filter(|channel| {
        let kind = channel.kind.as_ref().map(|kind| kind.value);
        kind == Some(ChannelKind::Queuing)
    });
    queuing.flat_map(move |channel| {
        let ends = channel.ends();
        let own = ends.filter(|end| *end.partition == *partition.name);
        own.map(|end| (end.port.span, channel.notifies()))
    })
}

rule! {
    /// Where there are buffers or blackboards, `message` and `storage` say how large they are, and `storage` holds one message of each; where there
    /// are none, neither is given. All fits the partition's `memory`.
    ///
    /// A message in storage takes 4 bytes more than it has, and these rounded up to 4. Each process has room for one more, with which it waits.
    APEX_STORAGE = "APEX-STORAGE", storage;
}

fn storage(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let name = &partition.name;
        let objects = apex.buffers.saturating_add(*apex.blackboards);
        let span = if *apex.buffers > 0 {
            apex.buffers.span
        } else {
            apex.blackboards.span
        };
        let mut find = |span, message: String, hint: String| {
            findings.push(APEX_STORAGE.violation(span, message).hint(hint));
        };
        match (&apex.message_bytes, &apex.storage_bytes) {
            (message, storage) if objects == 0 => {
                for given in message.iter().chain(storage) {
                    let message = format!("`{name}` has no buffers and no blackboards for this");
                    let hint = "leave it out, or say how many `buffers` or `blackboards`";
                    find(given.span, message, hint.to_string());
                }
            }
            (Some(message), Some(_)) if **message == 0 => {
                let text = "no message has no bytes".to_string();
                find(message.span, text, "write the longest one".to_string());
            }
            (Some(message), Some(storage)) => {
                // Each process has room for a message that it waits with.
                let waiting = message.saturating_mul(apex.stacks.len() as u64);
                let taken = waiting.saturating_add(**storage);
                let memory = *partition.memory_bytes;
                if taken > memory {
                    let text = format!(
                        "messages take {} of a memory of {}",
                        show_bytes(taken),
                        show_bytes(memory)
                    );
                    let hint = "write shorter ones, or more `memory`: `storage`, and a `message` for each process";
                    find(message.span, text, hint.to_string());
                }
                // The shortest messages have one byte: what is longer is known at run time alone.
                let least = objects.saturating_mul(8);
                if **storage < least {
                    let text = format!(
                        "{} cannot hold one message of each of {objects} buffers and blackboards",
                        show_bytes(**storage)
                    );
                    find(storage.span, text, format!("write at least \"{least}\""));
                }
            }
            (message, _) => {
                let missing = if message.is_none() {
                    "message"
                } else {
                    "storage"
                };
                let text = format!("`{name}` has buffers or blackboards, and no `{missing}`");
                find(span, text, format!("add `{missing}` to its `apex`"));
            }
        }
    }
}

rule! {
    /// No kind of errors stands twice in `partition_errors`, and with an error queue there is a stack for the error handler.
    APEX_ERRORS = "APEX-ERRORS", errors;
}

fn errors(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        for (place, error) in apex.partition_errors.iter().enumerate() {
            let mut before = apex.partition_errors[..place].iter();
            if let Some(first) = before.find(|other| other.value == error.value) {
                let message = format!("`{error}` stands here twice");
                let diagnostic = APEX_ERRORS.violation(error.span, message);
                findings.push(diagnostic.also(first.span, "first here").hint("remove one"));
            }
        }
        if let (Some(queue), None) = (&apex.error_queue, &apex.error_handler_stack) {
            let message = format!("`{}` has no error handler for these errors", partition.name);
            let hint = "add `error_handler_stack`, or remove `error_queue`";
            findings.push(APEX_ERRORS.violation(queue.span, message).hint(hint));
        }
    }
}

rule! {
    /// The memory blocks of a partition are at most seven, each of whole pages of 4K up to 8M, with names of their own.
    APEX_BLOCKS = "APEX-BLOCKS", blocks;
}

fn blocks(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let mut find = |span, message: String, hint: String| {
            findings.push(APEX_BLOCKS.violation(span, message).hint(hint));
        };
        for (place, block) in apex.memory_blocks.iter().enumerate() {
            let (name, size) = (&block.name, &block.bytes);
            if let Err(error) = name::check(name) {
                let message = format!("`{name}` is no name of a memory block");
                find(name.span, message, error.to_string());
            }
            let mut before = apex.memory_blocks[..place].iter();
            if before.any(|other| other.name.value == name.value) {
                let message = format!("`{}` has two memory blocks `{name}`", partition.name);
                find(name.span, message, "give one another name".to_string());
            }
            if !is_pages(**size, BLOCK_BYTES) {
                let message = format!("a memory block of {}", show_bytes(**size));
                let pages = size.next_multiple_of(PAGE).clamp(PAGE, BLOCK_BYTES);
                find(
                    size.span,
                    message,
                    format!("write \"{}\"", show_bytes(pages)),
                );
            }
        }
        if let Some(block) = apex.memory_blocks.get(BLOCKS) {
            let count = apex.memory_blocks.len();
            let message = format!("`{}` has {count} memory blocks", partition.name);
            find(
                block.name.span,
                message,
                format!("let there be {BLOCKS} at most"),
            );
        }
    }
}

rule! {
    /// An entry of `schedule_changes` names a schedule of the module, once, and the partition has a period and may read the schedule's status.
    ///
    /// It is the partition itself that looks, at each of its releases, whether another schedule is in force.
    APEX_CHANGES = "APEX-CHANGES", changes;
}

fn changes(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, apex) in all(system) {
        let Some(first) = apex.schedule_changes.first() else {
            continue;
        };
        let name = &partition.name;
        let mut find = |span, message: String, hint: String| {
            findings.push(APEX_CHANGES.violation(span, message).hint(hint));
        };
        for (place, change) in apex.schedule_changes.iter().enumerate() {
            let schedule = &change.schedule;
            let mut known = system.schedules.iter();
            if !known.any(|one| one.name.value == schedule.value) {
                let message = format!("there is no schedule `{schedule}`");
                find(schedule.span, message, "name one of the file's".to_string());
            }
            let mut before = apex.schedule_changes[..place].iter();
            if before.any(|other| other.schedule.value == schedule.value) {
                let message = format!("`{schedule}` stands here twice");
                find(schedule.span, message, "remove one".to_string());
            }
        }
        if partition.period_ticks.is_none() {
            let message = format!("`{name}` has no releases at which it could look");
            find(
                first.schedule.span,
                message,
                "give it a `period`".to_string(),
            );
        }
        let of_schedule = |request: &CapabilityRequest| {
            matches!(
                request,
                CapabilityRequest::ScheduleStatus | CapabilityRequest::ScheduleSet
            )
        };
        let mut own = (system.capabilities.iter()).filter(|(holder, _)| holder.value == name.value);
        if !own.any(|(_, requests)| requests.iter().any(|one| of_schedule(&one.value))) {
            let message = format!("`{name}` may not read which schedule is in force");
            let hint = format!("add `{name} = [\"schedule.status\"]` to `[capability]`");
            find(first.schedule.span, message, hint);
        }
    }
}

rule! {
    /// Each end of a queuing channel of a partition with `apex` is notified.
    ///
    /// A process that waits for a message, or for room, goes on when the other end did something. Without a line nobody would say so.
    APEX_PORT = "APEX-PORT", port;
}

fn port(system: &System, _: &Board, findings: &mut Findings) {
    for (_, partition, _) in all(system) {
        let deaf = queuing_ports(system, partition).filter(|(_, notified)| !notified);
        for (span, _) in deaf {
            let message = format!(
                "a process of `{}` that waits here would not be woken",
                partition.name
            );
            let hint = "leave `notify = false` out";
            findings.push(APEX_PORT.violation(span, message).hint(hint));
        }
    }
}
