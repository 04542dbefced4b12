//! What the personality of ARINC 653 is told about its partition: one macro of its crate, of plain tokens.

use std::fmt::Write as _;

use cofferdam_abi::space;
use cofferdam_check::rules::apex_identifier;
use cofferdam_check::wiring::{Grant, Port, PortObject};
use cofferdam_check::{Checked, residency};
use cofferdam_model::{Apex, Channel, ChannelKind, MessageType, PROCESS_ERRORS, Spanned};
use cofferdam_tables::NO_LINE;

use super::{line_to, rust_type};
use crate::plan::block_address;

/// Nanoseconds per second.
const NANOSECONDS: u128 = 1_000_000_000;

/// Writes it, if the partition has the services.
pub(super) fn apex(checked: &Checked, index: usize, text: &mut String) {
    let partition = &checked.system.partitions[index];
    let Some(apex) = &partition.apex else {
        return;
    };
    let nanoseconds = |ticks: u64| nanoseconds(ticks, checked.board.timebase_hz);
    line_to(
        text,
        format_args!("::cofferdam_apex_native::configuration! {{"),
    );
    let mut entry = |name: &str, value: String| line_to(text, format_args!("    {name}: {value},"));
    entry("identifier", apex_identifier(apex, index).to_string());
    let period = partition.period_ticks.as_ref();
    let period = period.map(|ticks| format!("({}, {})", nanoseconds(**ticks), **ticks));
    entry("period", option(period));
    entry(
        "duration_ns",
        nanoseconds(duration(checked, index)).to_string(),
    );
    entry("timebase_hz", checked.board.timebase_hz.to_string());
    stacks(checked.pinned[index], apex, &mut entry);
    entry(
        "message_bytes",
        list(longest_messages(checked, index, apex)),
    );
    let storage = apex.storage_bytes.as_ref().map_or(0, |bytes| **bytes);
    entry("storage_bytes", storage.to_string());
    for (name, count) in [
        ("buffers", *apex.buffers),
        ("blackboards", *apex.blackboards),
        ("semaphores", *apex.semaphores),
        ("events", *apex.events),
        ("mutexes", *apex.mutexes),
        ("error_queue", apex.error_queue()),
    ] {
        entry(name, count.to_string());
    }
    let levels = PROCESS_ERRORS.iter().map(|error| {
        let level = if apex.is_for_handler(error) {
            "Process"
        } else {
            "Partition"
        };
        level.to_string()
    });
    entry("error_levels", list(levels));
    for (name, kind) in [
        ("sampling_ports", ChannelKind::Sampling),
        ("queuing_ports", ChannelKind::Queuing),
    ] {
        let ports = checked.wiring[index].ports.iter();
        let ports = ports.filter_map(|port| {
            let (channel, end) = channel_of(checked, port, kind)?;
            let refresh = channel.refresh_ticks.as_ref();
            let refresh =
                refresh.map_or("-1".to_string(), |ticks| nanoseconds(**ticks).to_string());
            Some(port_entry(port, channel, end, &refresh))
        });
        entry(name, list(ports));
    }
    let blocks = (0..).zip(&apex.memory_blocks);
    let blocks = blocks.map(|(place, block)| {
        let (name, address) = (&block.name.value, block_address(place));
        format!("({name:?}, {address:#x}, {})", *block.bytes)
    });
    entry("memory_blocks", list(blocks));
    let mut capabilities = checked.wiring[index].capabilities.iter();
    let schedule = capabilities.find_map(|one| match one.grant {
        Grant::Schedule { set } => Some(format!("({}, {set})", one.slot)),
        _ => None,
    });
    let schedules = checked.system.schedules.iter();
    let schedules = schedules.filter(|_| schedule.is_some());
    entry(
        "schedules",
        list(schedules.map(|one| format!("{:?}", one.name.value))),
    );
    entry("schedule_changes", list(schedule_changes(checked, apex)));
    entry("schedule", option(schedule));
    line_to(text, format_args!("}}"));
}

/// For each schedule whether the partition restarts cold when it comes into force, or does not restart. Nothing if it never does.
fn schedule_changes(checked: &Checked, apex: &Apex) -> Vec<String> {
    let of = |schedule: &str| {
        let mut all = apex.schedule_changes.iter();
        let change = all.find(|one| one.schedule.value == schedule)?;
        (*change.action != "ignore").then(|| (*change.action == "restart_cold").to_string())
    };
    let schedules = checked.system.schedules.iter();
    let all: Vec<_> = schedules.map(|one| of(&one.name.value)).collect();
    match all.iter().any(Option::is_some) {
        true => all.into_iter().map(option).collect(),
        false => Vec::new(),
    }
}

fn option(value: Option<String>) -> String {
    value.map_or("None".to_string(), |value| format!("Some({value})"))
}

fn list(values: impl IntoIterator<Item = String>) -> String {
    let mut text = "[".to_string();
    for (place, value) in values.into_iter().enumerate() {
        let between = if place == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{between}{value}");
    }
    text + "]"
}

fn nanoseconds(ticks: u64, timebase_hz: u64) -> u128 {
    u128::from(ticks) * NANOSECONDS / u128::from(timebase_hz.max(1))
}

/// The upper end and the size of each stack, as the plan has them.
fn stacks(pinned: bool, apex: &Apex, entry: &mut impl FnMut(&str, String)) {
    let stack = |(number, bytes): (u32, &Spanned<u64>)| {
        let taken = if pinned {
            residency::entry_bytes(**bytes)
        } else {
            **bytes
        };
        format!("({:#x}, {taken})", space::stack_top(number))
    };
    entry("exception_stack", stack((0, &apex.exception_stack)));
    let handler = apex.error_handler_stack.as_ref();
    entry(
        "error_handler_stack",
        option(handler.map(|bytes| stack((1, bytes)))),
    );
    entry("stacks", list((2..).zip(&apex.stacks.value).map(stack)));
}

/// How much of each period the partition can have the processor: its windows in the schedule that the module begins with. Without a period, of each
/// major frame.
fn duration(checked: &Checked, index: usize) -> u64 {
    let partition = &checked.system.partitions[index];
    let mut schedules = checked.system.schedules.iter();
    let initial = schedules.find(|one| one.initial.as_ref().is_some_and(|initial| **initial));
    let Some(schedule) = initial.or(checked.system.schedules.first()) else {
        return 0;
    };
    let own = schedule.windows.iter().filter(|window| {
        let mut group = window.group.iter();
        group.any(|member| **member == *partition.name)
    });
    let in_frame: u64 = own.map(|window| *window.length_ticks).sum();
    let frame = u128::from(*schedule.major_frame_ticks).max(1);
    match &partition.period_ticks {
        Some(period) => (u128::from(in_frame) * u128::from(**period) / frame) as u64,
        None => in_frame,
    }
}

/// The channel of this kind that a port is an end of, and which.
fn channel_of<'c>(
    checked: &'c Checked,
    port: &Port,
    kind: ChannelKind,
) -> Option<(&'c Channel, usize)> {
    let PortObject::Channel { channel, end } = port.object else {
        return None;
    };
    let channel = &checked.system.channels[channel];
    let is_it = channel.kind.as_ref().is_some_and(|one| one.value == kind);
    is_it.then_some((channel, end))
}

fn port_entry(port: &Port, channel: &Channel, end: usize, refresh: &str) -> String {
    let direction = if end == 0 { "Source" } else { "Destination" };
    let (name, bytes) = (&port.name, message_bytes(channel));
    let kept = match &channel.depth {
        Some(depth) => format!("depth {}", **depth),
        None => refresh.to_string(),
    };
    let (slot, line) = (port.slot, port.line.unwrap_or(NO_LINE));
    format!("({name:?}, {direction}, {bytes}, {kept}, slot {slot}, line {line})")
}

/// The longest message of a channel. Of a type of somebody's crate only the compiler knows it.
fn message_bytes(channel: &Channel) -> String {
    match channel.message.as_ref().map(|message| &message.value) {
        Some(MessageType::Bytes(bytes)) => bytes.to_string(),
        Some(MessageType::Path(_)) => {
            let message = rust_type(channel.message.as_ref());
            format!("<{message} as ipc::Message>::MAX_SIZE")
        }
        None => "0".to_string(),
    }
}

/// What a process can wait with: messages of buffers and of queuing ports.
fn longest_messages(checked: &Checked, index: usize, apex: &Apex) -> Vec<String> {
    let own = apex.message_bytes.as_ref().map_or(0, |bytes| **bytes);
    let mut all = vec![own.to_string()];
    for port in &checked.wiring[index].ports {
        if let Some((channel, _)) = channel_of(checked, port, ChannelKind::Queuing) {
            let bytes = message_bytes(channel);
            if !all.contains(&bytes) {
                all.push(bytes);
            }
        }
    }
    all
}
