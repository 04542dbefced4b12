//! Names, and what they refer to.

use cofferdam_abi::limits::NAME_BYTES;
use cofferdam_ipc::name;
use cofferdam_model::{Board, Diagnostic, Span, Spanned, System, closest, suggestion};

use super::{Findings, Rule, rule};
use crate::wiring::{Grant, Wiring};

pub(super) static RULES: &[&Rule] = &[
    &NAME_FORM,
    &NAME_LENGTH,
    &NAME_CONSTANT,
    &PARTITION_UNKNOWN,
    &SCHEDULE_UNKNOWN,
    &DEVICE_UNKNOWN,
];

rule! {
    /// Each name is a letter, and then letters, digits and `_`.
    ///
    /// So a name is the same in the file, in code and in messages.
    NAME_FORM = "NAME-FORM", form;
}

fn form(system: &System, _: &Board, findings: &mut Findings) {
    for (name, _) in names(system) {
        if let Err(error) = name::check(name)
            && error != name::NameError::TooLong
        {
            let diagnostic = NAME_FORM.violation(name.span, format!("`{name}` is no name"));
            findings.push(diagnostic.hint(error.to_string()));
        }
    }
}

rule! {
    /// Each name of a partition, channel or schedule has at most 16 characters, and each name of a port at most 30.
    ///
    /// The kernel keeps the former in its records, which have a fixed size.
    NAME_LENGTH = "NAME-LENGTH", length;
}

fn length(system: &System, _: &Board, findings: &mut Findings) {
    for (name, limit) in names(system) {
        if name.len() > limit {
            let message = format!("`{name}` has {} characters", name.len());
            let diagnostic = NAME_LENGTH.violation(name.span, message);
            findings.push(diagnostic.hint(format!("use at most {limit}")));
        }
    }
}

/// Every name that the file makes, with the most characters that it may have.
fn names(system: &System) -> Vec<(&Spanned<String>, usize)> {
    let short = |name| (name, NAME_BYTES);
    let mut names = vec![(&system.name, name::MAX_LENGTH)];
    names.extend(system.partitions.iter().map(|one| short(&one.name)));
    names.extend(system.channels.iter().map(|one| short(&one.name)));
    names.extend(system.schedules.iter().map(|one| short(&one.name)));
    let ends = system.channels.iter().flat_map(|one| one.ends());
    names.extend(ends.map(|end| (&end.port, name::MAX_LENGTH)));
    names
}

/// Constants that each partition has in its generated module.
const FACTS: [&str; 13] = [
    "NAME",
    "STACK_BYTES",
    "MEMORY_BYTES",
    "TIMEBASE_HZ",
    "PERIOD_TICKS",
    "DEADLINE_TICKS",
    "PARTITION_NAMES",
    "DISK_RANGES",
    "NETWORK_CLIENTS",
    "NETWORK_COUNTS",
    "PARTITION_STATUSES",
    "PARTITION_RESTARTS",
    "SCHEDULES",
];

/// How the names begin that the personality of ARINC 653 makes in a partition's module.
const APEX: &str = "APEX_";

rule! {
    /// No two ports, arrays of ports or capabilities of a partition have the same constant in its generated code.
    ///
    /// The constant of a name is the name in capitals, with `_` for what is no letter or digit. `NAME`, `STACK_BYTES`,
    /// `MEMORY_BYTES`, `TIMEBASE_HZ`, `PERIOD_TICKS`, `DEADLINE_TICKS`, `PARTITION_NAMES`, `PARTITION_STATUSES`, `PARTITION_RESTARTS`,
    /// `SCHEDULES`, `DISK_RANGES`, `NETWORK_CLIENTS` and `NETWORK_COUNTS` are taken, and where there are ARINC 653 services all names that begin
    /// with `APEX_`.
    NAME_CONSTANT = "NAME-CONSTANT", constants;
}

fn constants(system: &System, board: &Board, findings: &mut Findings) {
    for (index, partition) in system.partitions.iter().enumerate() {
        let wiring = Wiring::of(system, board, index, &|_| None);
        let mut taken: Vec<String> = FACTS.map(String::from).to_vec();
        taken.extend(wiring.capabilities.iter().map(|one| constant(&one.text)));
        taken.extend(partition.devices.iter().map(|one| registers_constant(one)));
        taken.extend(partition.devices.iter().map(|one| memory_constant(one)));
        let mut named = Vec::new();
        if wiring
            .capabilities
            .iter()
            .any(|one| matches!(one.grant, Grant::Schedule { .. }))
        {
            let schedules = system.schedules.iter();
            named.extend(schedules.map(|one| (schedule_constant(&one.name), one.name.span)));
        }
        let apex = partition.apex.is_some();
        // The same port twice is another rule's.
        let mut ports = wiring.ports.clone();
        ports.dedup_by(|one, other| one.name == other.name);
        named.extend(ports.iter().map(|one| (constant(&one.name), one.span)));
        let mut arrays = arrays(system, &partition.name);
        arrays.dedup_by(|one, other| one.0 == other.0);
        named.extend(arrays);
        for (own, place) in named {
            if taken.contains(&own) || apex && own.starts_with(APEX) {
                let message = format!(
                    "the constant `{own}` of `{}` has two meanings",
                    partition.name
                );
                let diagnostic = NAME_CONSTANT.violation(place, message);
                findings.push(diagnostic.hint("choose another name"));
            }
            taken.push(own);
        }
    }
}

/// The constants of a partition's arrays of ports, each with its places, sorted.
fn arrays(system: &System, partition: &str) -> Vec<(String, Span)> {
    let ends = system.channels.iter().flat_map(|channel| channel.ends());
    // A port without a name of its own is another rule's.
    let own = ends
        .filter(|end| *end.partition == *partition)
        .filter(|end| end.array.as_ref() != Some(&end.port));
    let mut arrays: Vec<_> = own
        .filter_map(|end| Some((constant(end.array.as_ref()?), end.port.span)))
        .collect();
    arrays.sort();
    arrays
}

/// The name of the constant of a port or capability in generated code.
pub fn constant(text: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .to_ascii_uppercase()
}

/// The name of the constant of a schedule's number in generated code.
pub fn schedule_constant(schedule: &str) -> String {
    format!("SCHEDULE_{}", constant(schedule))
}

/// The name of the constant of a device's registers in generated code.
pub fn registers_constant(device: &str) -> String {
    format!("{}_REGISTERS", constant(device))
}

/// The name of a device's memory in the DMA arena.
pub fn memory_constant(device: &str) -> String {
    format!("{}_MEMORY", constant(device))
}

rule! {
    /// Each partition that is named exists.
    PARTITION_UNKNOWN = "PARTITION-UNKNOWN", partitions;
}

fn partitions(system: &System, _: &Board, findings: &mut Findings) {
    let windows = system.schedules.iter().flat_map(|one| &one.windows);
    let in_windows = windows.flat_map(|window| window.group.iter().chain(&window.release));
    let in_channels = system
        .channels
        .iter()
        .flat_map(|one| one.ends())
        .map(|end| &end.partition);
    let holders = system.capabilities.iter().map(|(holder, _)| holder);
    let in_flow = system.flow.iter().flat_map(|one| [&one.from, &one.to]);
    let in_latency = system.latency.iter().map(|one| &one.partition);
    let all = in_windows
        .chain(in_channels)
        .chain(holders)
        .chain(in_flow)
        .chain(in_latency);
    for name in all {
        if system.partition_index(name).is_none() {
            findings.push(unknown_partition(system, name));
        }
    }
    for request in system
        .capabilities
        .iter()
        .flat_map(|(_, requests)| requests)
    {
        if let cofferdam_model::CapabilityRequest::Partition(_, Some(name)) = &request.value
            && system.partition_index(name).is_none()
        {
            findings.push(unknown_partition(
                system,
                &Spanned::new(name.clone(), request.span),
            ));
        }
    }
    let channel = |name: &str| system.channels.iter().any(|one| *one.name == name);
    for name in system.flow.iter().flat_map(|one| &one.except) {
        if system.partition_index(name).is_none() && !channel(name) {
            let message = format!("no partition or channel is called `{name}`");
            let partitions = system.partitions.iter().map(|one| one.name.as_str());
            let channels = system.channels.iter().map(|one| one.name.as_str());
            let known: Vec<_> = partitions.chain(channels).collect();
            let hint = suggestion(name, &known);
            findings.push(PARTITION_UNKNOWN.violation(name.span, message).hint(hint));
        }
    }
}

fn unknown_partition(system: &System, name: &Spanned<String>) -> Diagnostic {
    let known: Vec<_> = system
        .partitions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let message = format!("no partition is called `{name}`");
    PARTITION_UNKNOWN
        .violation(name.span, message)
        .hint(suggestion(name, &known))
}

rule! {
    /// Each schedule that an action names exists.
    SCHEDULE_UNKNOWN = "SCHEDULE-UNKNOWN", schedules;
}

fn schedules(system: &System, _: &Board, findings: &mut Findings) {
    let of_partitions = system.partitions.iter().flat_map(|one| {
        one.errors
            .iter()
            .chain(one.restart.iter().flat_map(|restart| &restart.then))
    });
    let all = system
        .module_errors
        .iter()
        .chain(&system.default_errors)
        .chain(of_partitions);
    for name in all.filter_map(|action| action.schedule.as_ref()) {
        if system.schedule_index(name).is_none() {
            let known: Vec<_> = system
                .schedules
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            let message = format!("no schedule is called `{name}`");
            let diagnostic = SCHEDULE_UNKNOWN.violation(name.span, message);
            findings.push(diagnostic.hint(suggestion(name, &known)));
        }
    }
}

rule! {
    /// Each device that is named exists: on the board, and where a partition or a statement names it, in a table `[device.NAME]`.
    DEVICE_UNKNOWN = "DEVICE-UNKNOWN", devices;
}

fn devices(system: &System, board: &Board, findings: &mut Findings) {
    for device in &system.devices {
        if board.device(&device.name).is_none() {
            let message = format!("the board `{}` has no device `{}`", board.name, device.name);
            let diagnostic = DEVICE_UNKNOWN.violation(device.name.span, message);
            findings.push(diagnostic.hint(board_suggestion(&device.name, board)));
        }
    }
    let owned = system.partitions.iter().flat_map(|one| &one.devices);
    let required = system.latency.iter().map(|one| &one.device);
    for name in owned.chain(required) {
        if !system.devices.iter().any(|device| *device.name == **name) {
            let message = format!("there is no table `[device.{name}]`");
            let diagnostic = DEVICE_UNKNOWN.violation(name.span, message);
            let hint = "add it, and say when its interrupt may come";
            findings.push(diagnostic.hint(hint));
        }
    }
}

/// The device of the board that was probably meant, else all of them, and what they are.
fn board_suggestion(wrong: &str, board: &Board) -> String {
    let names: Vec<_> = board.devices.iter().map(|one| one.name.as_str()).collect();
    let likely = closest(wrong, &names).and_then(|name| board.device(name));
    if let Some(device) = likely {
        return format!("did you mean `{}`? {}", device.name, device.doc);
    }
    let all = board.devices.iter();
    let all: Vec<_> = all
        .map(|device| format!("`{}`: {}", device.name, device.doc))
        .collect();
    format!("the board has: {}", all.join(" "))
}
