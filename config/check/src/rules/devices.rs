//! Devices: who owns them, and what they would give away besides.

use cofferdam_model::{Board, BoardDevice, Device, System, WhenNotRunning};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &BOARD_FACTS,
    &DEVICE_OWNER,
    &DEVICE_PAGE,
    &DEVICE_INTERRUPT,
    &DEVICE_DELIVERY,
    &DEVICE_STORM,
    &DEVICE_AUTHORITY,
];

rule! {
    /// The board's facts fit each other: what lies in the block of devices lies within it, and the timebase counts.
    BOARD_FACTS = "BOARD-FACTS", board_facts;
}

fn board_facts(_: &System, board: &Board, findings: &mut Findings) {
    let mut wrong = |place, message: String, hint: &str| {
        findings.push(BOARD_FACTS.violation(place, message).hint(hint));
    };
    let offsets = [
        (
            "interrupt_controller_offset",
            board.interrupt_controller_offset,
        ),
        ("uart_offset", board.uart_offset),
        ("reset_offset", board.reset_offset),
    ];
    let within = "an offset counts from `devices_physical`, and is less than `devices_size`";
    for (key, offset) in offsets {
        if offset >= board.devices_bytes {
            let message = format!("`{key}` lies outside of the board's block of devices");
            wrong(board.place(key), message, within);
        }
    }
    const BLOCK: u64 = 1 << 20;
    if !(1..=BLOCK).contains(&board.devices_bytes) {
        let message = "the board's block of devices is not up to 1M".to_string();
        wrong(
            board.place("devices_size"),
            message,
            "the kernel maps the block by one entry of TLB1: write \"1M\"",
        );
    }
    if !board.devices_physical.is_multiple_of(BLOCK)
        || board.devices_physical.saturating_add(BLOCK) > 1 << 36
    {
        let message =
            "the board's block of devices is not at a multiple of 1M below 2^36".to_string();
        let hint = "write the physical address from the machine's memory map";
        wrong(board.place("devices_physical"), message, hint);
    }
    let word = "the tables hold it in 32 bits: write a smaller number";
    for (key, value, least) in [
        ("timebase_hz", board.timebase_hz, 1),
        ("reset_value", board.reset_value, 0),
    ] {
        if !(least..=u64::from(u32::MAX)).contains(&value) {
            let message = format!("`{key}` is not from {least} to 2^32 - 1");
            let hint = if value < least {
                "write what the machine's manual says"
            } else {
                word
            };
            wrong(board.place(key), message, hint);
        }
    }
    if board.ram_multiple_bytes == 0 {
        let message = "no RAM is a multiple of nothing".to_string();
        let hint = "write the step in which the machine takes RAM, at least \"4K\"";
        wrong(board.place("ram_multiple"), message, hint);
    }
    for device in &board.devices {
        let name = &device.name;
        let end = device.offset.saturating_add(device.bytes);
        let in_block = device.in_block;
        if device.function.is_some() == in_block {
            let message =
                format!("the device `{name}` is not either in the block of devices or on the bus");
            let hint = "write `offset` and `size`, or `function`";
            wrong(name.span, message, hint);
        } else if in_block && device.bytes == 0 {
            let message = format!("the device `{name}` has no registers");
            wrong(
                device.place("size"),
                message,
                "write how many bytes of registers it has",
            );
        } else if end > board.devices_bytes {
            let message =
                format!("the device `{name}` lies outside of the board's block of devices");
            wrong(device.place("offset"), message, within);
        } else if in_block && device.offset / PAGE != (end - 1) / PAGE {
            let message = format!("the registers of `{name}` cross a page of 4K");
            let hint = "a device that a partition can own lies in one page: describe it as several";
            wrong(device.place("offset"), message, hint);
        }
        if let Some(interrupt) = device.interrupt.filter(|one| one.source > 255) {
            let message = format!("`{name}` has interrupt {}", interrupt.source);
            let hint = "the interrupt controller numbers its sources from 0 to 255";
            wrong(device.place("interrupt"), message, hint);
        }
    }
}

const PAGE: u64 = 0x1000;

/// The devices in use that the board has, with their owners' indices.
fn owned<'a>(
    system: &'a System,
    board: &'a Board,
) -> Vec<(&'a Device, &'a BoardDevice, Vec<usize>)> {
    let devices = system.devices.iter().filter_map(|device| {
        let owners = (0..system.partitions.len()).filter(|index| {
            let mut names = system.partitions[*index].devices.iter();
            names.any(|name| **name == *device.name)
        });
        Some((device, board.device(&device.name)?, owners.collect()))
    });
    devices.collect()
}

rule! {
    /// Each device in use has exactly one owner, which names it once.
    ///
    /// A device that two partitions could program would be a channel that nobody declared.
    DEVICE_OWNER = "DEVICE-OWNER", owner;
}

fn owner(system: &System, _: &Board, findings: &mut Findings) {
    for device in &system.devices {
        let all = system.partitions.iter().flat_map(|one| &one.devices);
        let named: Vec<_> = all.filter(|name| name.value == *device.name).collect();
        if named.len() != 1 {
            let message = format!("the device `{}` has {} owners", device.name, named.len());
            let mut diagnostic = DEVICE_OWNER.violation(device.name.span, message);
            for name in named {
                diagnostic = diagnostic.also(name.span, "here");
            }
            findings.push(diagnostic.hint("name it in the `devices` of one partition"));
        }
    }
}

rule! {
    /// No page of device registers is given away together with something of another owner or of the kernel.
    ///
    /// The hardware protects pages of 4K. Devices that share one cannot be told apart, so they have one owner.
    DEVICE_PAGE = "DEVICE-PAGE", page;
}

fn page(system: &System, board: &Board, findings: &mut Findings) {
    let mut all = owned(system, board);
    // What is behind a base address register has pages to itself.
    all.retain(|(_, facts, _)| facts.function.is_none());
    let kernels = [
        (
            "interrupt controller",
            board.interrupt_controller_offset,
            0x4_0000,
        ),
        ("reset register", board.reset_offset, 4),
        (
            "bus's controller",
            board.bus.as_ref().map_or(0, |bus| bus.registers_offset),
            board.bus.as_ref().map_or(1, |_| PAGE),
        ),
    ];
    for (index, (device, facts, owners)) in all.iter().enumerate() {
        for (what, offset, bytes) in kernels {
            if facts.offset / PAGE <= (offset + bytes - 1) / PAGE
                && offset / PAGE <= facts.offset / PAGE
            {
                let message = format!("`{}` shares its page with the {what}", device.name);
                findings.push(
                    DEVICE_PAGE
                        .violation(device.name.span, message)
                        .hint("no partition can own it"),
                );
            }
        }
        for (other, other_facts, other_owners) in &all[..index] {
            if facts.offset / PAGE == other_facts.offset / PAGE && owners != other_owners {
                let message = format!(
                    "`{}` and `{}` share a page, and have different owners",
                    device.name, other.name
                );
                let diagnostic = DEVICE_PAGE.violation(device.name.span, message);
                let hint = "give both to one partition, and let others use them by channels";
                findings.push(
                    diagnostic
                        .also(other.name.span, "on the same page")
                        .hint(hint),
                );
            }
        }
    }
}

rule! {
    /// No two devices in use share an interrupt.
    ///
    /// Each interrupt has one owner and one line; devices that share one cannot both have it.
    DEVICE_INTERRUPT = "DEVICE-INTERRUPT", interrupt;
}

fn interrupt(system: &System, board: &Board, findings: &mut Findings) {
    let all = owned(system, board);
    for (index, (device, facts, _)) in all.iter().enumerate() {
        let Some(own) = facts.interrupt else { continue };
        for (other, other_facts, _) in &all[..index] {
            if other_facts
                .interrupt
                .is_some_and(|theirs| theirs.source == own.source)
            {
                let message = format!(
                    "`{}` and `{}` share interrupt {}",
                    device.name, other.name, own.source
                );
                let diagnostic = DEVICE_INTERRUPT.violation(device.name.span, message);
                let hint = "use one of them: the board cannot tell which of them asks";
                findings.push(
                    diagnostic
                        .also(other.name.span, "the same interrupt")
                        .hint(hint),
                );
            }
        }
    }
}

rule! {
    /// A device that pends has an owner with windows of its own, in each schedule; one that preempts has an owner in the background.
    ///
    /// An interrupt that pends waits for a window whose group has the owner. One that preempts comes where the owner is eligible besides,
    /// and only the members of the background are.
    DEVICE_DELIVERY = "DEVICE-DELIVERY", delivery;
}

fn delivery(system: &System, board: &Board, findings: &mut Findings) {
    for (device, facts, owners) in owned(system, board) {
        let (Some(_), [owner]) = (facts.interrupt, &owners[..]) else {
            continue;
        };
        let owner = &system.partitions[*owner];
        let place = device.when_not_running.span;
        match *device.when_not_running {
            WhenNotRunning::Preempt if owner.background.is_none() => {
                let message = format!(
                    "`{}` preempts, and its owner `{}` is not in the background",
                    device.name, owner.name
                );
                let diagnostic = DEVICE_DELIVERY.violation(place, message);
                let hint = "give the owner `background = { priority = 1, budget = \"...\" }`, or let the device pend";
                findings.push(diagnostic.also(owner.name.span, "its owner").hint(hint));
            }
            WhenNotRunning::Pend => {
                for schedule in &system.schedules {
                    let mut groups = schedule.windows.iter().flat_map(|window| &window.group);
                    if !groups.any(|name| *name.value == *owner.name.value) {
                        let message = format!(
                            "`{}` pends, and its owner `{}` has no window in the schedule `{}`",
                            device.name, owner.name, schedule.name,
                        );
                        let diagnostic = DEVICE_DELIVERY.violation(place, message);
                        let hint = "give the owner a window there, or let the device preempt";
                        findings.push(
                            diagnostic
                                .also(schedule.name.span, "this schedule")
                                .hint(hint),
                        );
                    }
                }
            }
            WhenNotRunning::Preempt => {}
        }
    }
}

rule! {
    /// A storm limit is at least one interrupt, of a device that has an interrupt.
    DEVICE_STORM = "DEVICE-STORM", storm;
}

fn storm(system: &System, board: &Board, findings: &mut Findings) {
    for device in &system.devices {
        let has_interrupt = board
            .device(&device.name)
            .is_none_or(|facts| facts.interrupt.is_some());
        if let Some(storm) = &device.storm
            && (storm.0 == 0 || !has_interrupt)
        {
            let message = format!("the storm limit of `{}` limits nothing", device.name);
            let diagnostic = DEVICE_STORM.violation(storm.span, message);
            findings.push(diagnostic.hint("leave `storm` out"));
        }
    }
}

rule! {
    /// Whoever owns a device that can stop or reset the machine is named.
    ///
    /// This is a warning: the system is built. Such an owner has authority over the module, whatever its capabilities say.
    DEVICE_AUTHORITY = "DEVICE-AUTHORITY", authority;
}

fn authority(system: &System, board: &Board, findings: &mut Findings) {
    for (device, facts, owners) in owned(system, board) {
        if let (Some(what), [owner]) = (&facts.module_authority, &owners[..]) {
            let owner = &system.partitions[*owner].name;
            let message = format!("with `{}`, `{owner}` can {what}", device.name);
            let violation = DEVICE_AUTHORITY.violation(device.name.span, message);
            let hint = "let a partition own it that is trusted with the module, or none";
            findings.push(violation.warning().hint(hint));
        }
    }
}
