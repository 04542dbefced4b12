//! What a partition's code needs to know, as code: typed handles of its ports, and the facts of its place in the system.
//!
//! The handles are constants of the native personality's types, so that code and file cannot disagree: a port that the
//! file does not have is a name that does not compile. `cofferdam_native::partition!` includes the file.

mod apex;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use cofferdam_abi::space;
use cofferdam_check::rules::{constant, memory_constant, registers_constant, schedule_constant};
use cofferdam_check::wiring::{Grant, Port, PortObject};
use cofferdam_check::{Checked, arena, programs};
use cofferdam_model::{
    ChannelKind, MessageType, NetworkClient, PartitionRight, PortReference, Program, Spanned,
};
use cofferdam_tables::NO_LINE;

use crate::place::PAGE;

/// Writes the module of each partition that is built here to `directory`, as `<partition>.rs`.
///
/// # Errors
/// If a file cannot be written.
pub fn generate(checked: &Checked, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for (index, partition) in checked.system.partitions.iter().enumerate() {
        if let Some(Program::Crate(_)) = partition.program {
            let path = directory.join(format!("{}.rs", partition.name));
            store(&path, &module(checked, index))?;
        }
    }
    Ok(())
}

/// Writes the module of a crate that serves any partition to `directory`, as `any/<package>.rs`.
///
/// # Errors
/// If a file cannot be written.
pub fn generate_any(directory: &Path, package: &str, module: &str) -> io::Result<()> {
    let folder = directory.join(ANY);
    std::fs::create_dir_all(&folder)?;
    store(&folder.join(format!("{package}.rs")), module)
}

/// The folder for the modules of crates that serve any partition.
pub const ANY: &str = "any";

/// A file whose content would be the same is left alone, so that nothing is built again for it.
fn store(path: &Path, text: &str) -> io::Result<()> {
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// What stands between a port and the name of its channel, so that an error of the compiler can be shown where the file is wrong.
const ORIGIN: &str = " // channel ";

/// The type in the file that stands at a place of a partition's module, counted from 1. `None` if it is none of the
/// file's paths.
pub fn type_at(
    checked: &Checked,
    index: usize,
    line: usize,
    column: usize,
) -> Option<&Spanned<MessageType>> {
    let text = module(checked, index);
    let line = text.lines().nth(line.checked_sub(1)?)?;
    let (code, channel) = line.rsplit_once(ORIGIN)?;
    let mut channels = checked.system.channels.iter();
    let channel = channels.find(|one| *one.name == channel)?;
    let reply = channel.reply.as_ref().filter(|reply| {
        let written = format!(", {}>", rust_type(Some(reply)));
        code.find(&written).is_some_and(|at| column > at)
    });
    let found = reply.or(channel.message.as_ref())?;
    matches!(found.value, MessageType::Path(_)).then_some(found)
}

/// The module of one partition.
pub fn module(checked: &Checked, index: usize) -> String {
    let mut text = module_of_any(checked, index);
    let name = &checked.system.partitions[index].name.value;
    // Behind everything that both kinds of modules have, so that a line has the same number in both.
    line_to(
        &mut text,
        format_args!("/// The partition's name.\npub const NAME: &str = {name:?};"),
    );
    text
}

/// What a crate that serves any partition is told of this one: everything but its name. It is the same text for partitions that the file gives
/// the same.
pub fn module_of_any(checked: &Checked, index: usize) -> String {
    let mut text = format!(
        "// The ports of this partition, made from system `{}`. Changes here are lost.\n\n",
        checked.system.name,
    );
    facts(checked, index, &mut text);
    devices(checked, index, &mut text);
    let wiring = &checked.wiring[index];
    for port in &wiring.ports {
        let name = constant(&port.name);
        let handle = handle(checked, port);
        let place = format!("slot {}, line {}", port.slot, port.line.unwrap_or(NO_LINE));
        let port_name = &port.name;
        let origin = match port.object {
            PortObject::Channel { channel, .. } => {
                format!("{ORIGIN}{}", checked.system.channels[channel].name)
            }
            PortObject::Interrupt { .. } => String::new(),
        };
        match ring(checked, index, port) {
            None => line_to(
                &mut text,
                format_args!("port! {{ {name}: {handle} = \"{port_name}\", {place} }}{origin}"),
            ),
            Some(Ring {
                address,
                depth,
                payload: (payload, bytes),
            }) => line_to(
                &mut text,
                format_args!(
                    "ring! {{ {name}: {handle} = \"{port_name}\", {place}, address {address:#x}, depth {depth}, payload {payload:#x}, {bytes:#x} }}{origin}"
                ),
            ),
        }
    }
    arrays(checked, index, &mut text);
    drivers(checked, index, &mut text);
    for capability in &wiring.capabilities {
        let handle = match capability.grant {
            Grant::HealthLog => "HealthLog",
            Grant::Schedule { set: true } => "ScheduleControl",
            Grant::Schedule { set: false } => "ScheduleStatus",
            Grant::Partition {
                right: PartitionRight::Status,
                ..
            } => "PartitionStatus",
            Grant::Partition { .. } => "PartitionControl",
        };
        let name = constant(&capability.text);
        let slot = capability.slot;
        line_to(
            &mut text,
            format_args!("capability! {{ {name}: {handle}, slot {slot} }}"),
        );
    }
    for (right, handle, list, doc) in [
        (
            PartitionRight::Status,
            "PartitionStatus",
            "PARTITION_STATUSES",
            "The partitions whose status it may read.",
        ),
        (
            PartitionRight::Restart,
            "PartitionControl",
            "PARTITION_RESTARTS",
            "The partitions that it may restart.",
        ),
    ] {
        let partitions = rights(checked, index, right);
        if !partitions.is_empty() {
            line_to(
                &mut text,
                format_args!("/// {doc}\npub const {list}: &[(&str, {handle})] = &[{partitions}];"),
            );
        }
    }
    apex::apex(checked, index, &mut text);
    text
}

/// The partitions to which it has this right, or the one that includes it and has the same handle, each with its name, for whoever goes through them all.
fn rights(checked: &Checked, index: usize, right: PartitionRight) -> String {
    let capabilities = checked.wiring[index].capabilities.iter();
    let of_right = capabilities.filter_map(|capability| match capability.grant {
        Grant::Partition {
            right: granted,
            partition,
        } if granted == right
            || granted == PartitionRight::Control && right == PartitionRight::Restart =>
        {
            let name = &checked.system.partitions[partition].name.value;
            Some(format!("({name:?}, {})", constant(&capability.text)))
        }
        _ => None,
    });
    let all: Vec<_> = of_right.collect();
    all.join(", ")
}

/// The schedules and their windows, as a list for the generated code.
fn schedules(checked: &Checked) -> String {
    let schedules = checked.system.schedules.iter().map(|schedule| {
        let windows = schedule.windows.iter().map(|window| {
            let members: Vec<_> = window
                .group
                .iter()
                .map(|one| format!("{:?}", one.value))
                .collect();
            let (at, ticks) = (*window.at_ticks, *window.length_ticks);
            format!(
                "Window {{ at_ticks: {at}, ticks: {ticks}, partitions: &[{}] }}",
                members.join(", ")
            )
        });
        let windows: Vec<_> = windows.collect();
        let (name, frame) = (&schedule.name.value, *schedule.major_frame_ticks);
        format!(
            "Schedule {{ name: {name:?}, frame_ticks: {frame}, windows: &[{}] }}",
            windows.join(", ")
        )
    });
    let schedules: Vec<_> = schedules.collect();
    format!("&[{}]", schedules.join(", "))
}

fn line_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn facts(checked: &Checked, index: usize, text: &mut String) {
    let system = &checked.system;
    let partition = &system.partitions[index];
    let mut fact = |doc: &str, name: &str, kind: &str, value: String| {
        line_to(
            text,
            format_args!("/// {doc}\npub const {name}: {kind} = {value};"),
        );
    };
    fact(
        "The room for its stack.",
        "STACK_BYTES",
        "usize",
        partition.stack_bytes.to_string(),
    );
    fact(
        "Its private memory, the stack included.",
        "MEMORY_BYTES",
        "u32",
        partition.memory_bytes.to_string(),
    );
    fact(
        "Timebase ticks per second.",
        "TIMEBASE_HZ",
        "u32",
        checked.board.timebase_hz.to_string(),
    );
    if let Some(period) = &partition.period_ticks {
        fact(
            "The distance of its releases.",
            "PERIOD_TICKS",
            "u32",
            period.to_string(),
        );
    }
    if let Some(deadline) = &partition.deadline_ticks {
        fact(
            "From a release to its deadline.",
            "DEADLINE_TICKS",
            "u32",
            deadline.to_string(),
        );
    }
    let grants: Vec<_> = checked.wiring[index]
        .capabilities
        .iter()
        .map(|one| one.grant)
        .collect();
    if grants.contains(&Grant::HealthLog) {
        let names: Vec<_> = system
            .partitions
            .iter()
            .map(|one| format!("{:?}", one.name.value))
            .collect();
        let doc = "The partitions' names, by the index that a health record has.";
        let names = format!("&[{}]", names.join(", "));
        fact(doc, "PARTITION_NAMES", "&[&str]", names);
    }
    if grants
        .iter()
        .any(|grant| matches!(grant, Grant::Schedule { .. }))
    {
        for (number, schedule) in system.schedules.iter().enumerate() {
            let name = schedule_constant(&schedule.name);
            let doc = format!("The number of the schedule `{}`.", schedule.name);
            fact(&doc, &name, "u32", number.to_string());
        }
        let doc = "The schedules of the file, by their numbers.";
        fact(doc, "SCHEDULES", "&[Schedule]", schedules(checked));
    }
    if let Some(guest) = &partition.guest {
        let (memory, device_tree) = (guest.memory_bytes.value, crate::guest::device_tree(guest));
        let entry = checked.guest_entry(&partition.name);
        line_to(
            text,
            format_args!(
                "guest! {{ memory {memory:#x}, entry {entry:#x}, device_tree {device_tree:#x} }}"
            ),
        );
        for (what, name, action) in [
            ("it asks for a reset", "RESET", guest.on_reset),
            ("it turns its power off", "POWER_OFF", guest.on_power_off),
            ("its kernel panics", "PANIC", guest.on_panic),
            ("it hangs", "HANG", guest.on_hang),
        ] {
            line_to(
                text,
                format_args!(
                    "/// What follows when {what}.\npub const GUEST_ON_{name}: abi::health::Action = abi::health::Action::{action:?};"
                ),
            );
        }
        let period = partition.period_ticks.as_ref().map_or(1, |period| **period);
        let watchdog = guest.watchdog_ticks.as_ref().map_or(0, |ticks| **ticks);
        let releases = watchdog.div_ceil(period.max(1));
        line_to(
            text,
            format_args!(
                "/// At so many releases in a row it may be found with its interrupts off; 0: for ever.\npub const GUEST_WATCHDOG_RELEASES: u32 = {releases};"
            ),
        );
    }
    text.push('\n');
}

fn devices(checked: &Checked, index: usize, text: &mut String) {
    let partition = &checked.system.partitions[index];
    for (place, name) in partition.devices.iter().enumerate() {
        if let Some(device) = checked.board.device(name) {
            let page = u64::from(space::DEVICES) + place as u64 * u64::from(space::STRIDE);
            let address = page + device.offset % PAGE;
            let bytes = device
                .function
                .map_or(device.bytes, |function| function.bytes);
            let name = registers_constant(name);
            line_to(
                text,
                format_args!("device! {{ {name}, {address:#x}, {bytes} }}"),
            );
        }
    }
    for piece in arena::pieces(&checked.system) {
        if let arena::Use::Device(device) = piece.of
            && arena::has(&checked.system, index, &piece)
        {
            let name = memory_constant(&checked.system.devices[device].name);
            let (address, bytes) = (piece.address(), piece.asked_bytes);
            line_to(
                text,
                format_args!("memory! {{ {name}, {address:#x}, {bytes:#x} }}"),
            );
        }
    }
}

/// What the monitor of a guest asks for a disk and a network, if there are any: one program serves guests that have them and guests that have not.
fn drivers(checked: &Checked, index: usize, text: &mut String) {
    if checked.system.partitions[index].guest.is_none() {
        return;
    }
    for name in ["disk", "network"] {
        let port = checked.wiring[index].driver(&checked.system, name);
        let (value, origin) = optional(checked, port);
        let (constant, messages) = (constant(name), format!("::{name}_messages"));
        line_to(
            text,
            format_args!(
                "/// The driver of its guest's {name}.\npub static GUEST_{constant}: Option<&RingInitiator<{messages}::Request, {messages}::Reply>> = {value};{origin}"
            ),
        );
    }
}

/// A port that a program has in some systems and not in others, as an option, and behind it the channel that it comes from.
fn optional(checked: &Checked, port: Option<&Port>) -> (String, String) {
    let Some(port) = port else {
        return ("None".to_string(), String::new());
    };
    let origin = match port.object {
        PortObject::Channel { channel, .. } => {
            format!("{ORIGIN}{}", checked.system.channels[channel].name)
        }
        PortObject::Interrupt { .. } => String::new(),
    };
    (format!("Some(&{})", constant(&port.name)), origin)
}

/// The arrays of ports, each in the order of the file.
fn arrays(checked: &Checked, index: usize, text: &mut String) {
    let mut arrays: Vec<(&str, String, &str, Vec<String>)> = Vec::new();
    for (number, channel) in checked.system.channels.iter().enumerate() {
        for (end, reference) in channel.numbered_ends() {
            let port = checked.wiring[index].port_of(number, end);
            let (Some(port), Some(array), Some(peer)) = (port, &reference.array, channel.peer(end))
            else {
                continue;
            };
            let element = format!("({:?}, {})", peer.partition.value, constant(&port.name));
            match arrays.iter_mut().find(|(name, ..)| name == array) {
                Some((.., elements)) => elements.push(element),
                None => arrays.push((array, handle(checked, port), &channel.name, vec![element])),
            }
        }
    }
    disk_ranges(checked, index, text);
    network_clients(checked, index, text);
    for (array, handle, origin, elements) in arrays {
        let (name, elements) = (constant(array), elements.join(", "));
        line_to(
            text,
            format_args!(
                "ports! {{ {name}: {handle} = \"{array}\", [{elements}] }}{ORIGIN}{origin}"
            ),
        );
    }
}

/// The parts of a disk that clients have, in the order of the array of ports that they are at.
fn disk_ranges(checked: &Checked, index: usize, text: &mut String) {
    let name = &checked.system.partitions[index].name;
    let served = (checked.system.channels.iter())
        .filter(|channel| channel.to.iter().any(|end| *end.partition == **name));
    let ranges: Vec<_> = served
        .filter_map(|channel| {
            let disk = channel.disk.as_ref()?;
            let (first, sectors) = (*disk.from_bytes / SECTOR, *disk.bytes / SECTOR);
            let read_only = disk.read_only;
            Some(format!(
                "DiskRange {{ first_sector: {first}, sectors: {sectors}, read_only: {read_only} }}"
            ))
        })
        .collect();
    if !ranges.is_empty() {
        let ranges = ranges.join(", ");
        line_to(
            text,
            format_args!(
                "/// The part of the disk that each client has, in their order.\npub const DISK_RANGES: &[DiskRange] = &[{ranges}];"
            ),
        );
    }
}

/// Who the clients of a network are, in the order of the array of ports that they are at.
fn network_clients(checked: &Checked, index: usize, text: &mut String) {
    let name = &checked.system.partitions[index].name;
    let served: Vec<_> = (checked.system.channels.iter())
        .filter(|channel| channel.to.iter().any(|end| *end.partition == **name))
        .filter_map(|channel| Some((channel.network.as_ref()?, channel.from.as_ref()?)))
        .collect();
    let clients = served.iter().map(|(client, _)| {
        let address = client.station().unwrap_or_default();
        let (frames, per_ticks) = *client.rate;
        let wire = client.may_talk_with(NetworkClient::WIRE);
        let may_talk = |(_, end): &&(_, &PortReference)| client.may_talk_with(&end.partition);
        let peers = (0u32..).zip(&served).filter(|(_, other)| may_talk(other));
        let peers = peers.fold(0u32, |all, (number, _)| all | 1u32.unbounded_shl(number));
        let protocols = client.protocols.as_ref().map(|protocols| {
            let numbers = protocols.iter().filter_map(|text| NetworkClient::protocol(text));
            numbers.collect::<Vec<_>>()
        });
        let protocols = match protocols {
            Some(numbers) => format!("Some(&{numbers:?})"),
            None => "None".to_string(),
        };
        format!(
            "NetworkClient {{ address: {address:?}, frames: {frames}, per_ticks: {per_ticks}, wire: {wire}, peers: {peers:#b}, protocols: {protocols} }}"
        )
    });
    let clients: Vec<_> = clients.collect();
    if !clients.is_empty() {
        let clients = clients.join(", ");
        line_to(
            text,
            format_args!(
                "/// Who each client is on the network, in their order.\npub const NETWORK_CLIENTS: &[NetworkClient] = &[{clients}];"
            ),
        );
        let counts = checked.wiring[index]
            .ports
            .iter()
            .find(|port| port.name == "counts");
        let (value, origin) = optional(checked, counts);
        line_to(
            text,
            format_args!(
                "/// Who is told what became of their frames.\npub const NETWORK_COUNTS: Option<&SamplingSource<::network_messages::Counts>> = {value};{origin}"
            ),
        );
    }
}

/// A sector of a disk, in bytes.
const SECTOR: u64 = 512;

/// Where the memory of a ring lies, how many places it has, and address and length of its payload.
struct Ring {
    address: u32,
    depth: u64,
    payload: (u32, u64),
}

fn ring(checked: &Checked, partition: usize, port: &Port) -> Option<Ring> {
    let PortObject::Channel { channel, .. } = port.object else {
        return None;
    };
    let mut rings = programs::rings(&checked.system, partition);
    let place = rings.position(|(ring, _)| ring == channel)?;
    let depth = checked.system.channels[channel].depth.as_ref()?;
    let mut pieces = arena::pieces(&checked.system).into_iter();
    let payload = pieces.find(|piece| piece.of == arena::Use::Payload(channel));
    Some(Ring {
        address: space::SHARED + place as u32 * space::STRIDE,
        depth: **depth,
        payload: payload.map_or((0, 0), |piece| (piece.address(), piece.asked_bytes)),
    })
}

fn handle(checked: &Checked, port: &Port) -> String {
    let PortObject::Channel { channel, end } = port.object else {
        return "InterruptPort".to_string();
    };
    let channel = &checked.system.channels[channel];
    let message = rust_type(channel.message.as_ref());
    let reply = rust_type(channel.reply.as_ref());
    let source = end == 0;
    match channel.kind.as_ref().map(|kind| kind.value) {
        Some(ChannelKind::Queuing) if source => format!("QueuingSource<{message}>"),
        Some(ChannelKind::Queuing) => format!("QueuingDestination<{message}>"),
        Some(ChannelKind::Call) if source => format!("CallClient<{message}, {reply}>"),
        Some(ChannelKind::Call) => format!("CallServer<{message}, {reply}>"),
        Some(ChannelKind::Signal) if source => "SignalSource".to_string(),
        Some(ChannelKind::Signal) => "SignalDestination".to_string(),
        Some(ChannelKind::Ring) if channel.reply.is_some() => {
            let end = if source {
                "RingInitiator"
            } else {
                "RingResponder"
            };
            format!("{end}<{message}, {reply}>")
        }
        Some(ChannelKind::Ring) if source => format!("RingSource<{message}>"),
        Some(ChannelKind::Ring) => format!("RingDestination<{message}>"),
        Some(ChannelKind::Sampling) | None if source => format!("SamplingSource<{message}>"),
        Some(ChannelKind::Sampling) | None => format!("SamplingDestination<{message}>"),
    }
}

fn rust_type(message: Option<&Spanned<MessageType>>) -> String {
    match message.map(|message| &message.value) {
        Some(MessageType::Path(path)) => format!("::{path}"),
        Some(MessageType::Bytes(bytes)) => format!("ipc::Bytes<{bytes}>"),
        None => "()".to_string(),
    }
}
