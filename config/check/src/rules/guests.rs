//! Guests.

use cofferdam_abi::limits;
use cofferdam_model::{Board, MessageType, Spanned, System, show_bytes};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &GUEST_PERSONALITY,
    &GUEST_FIRMWARE,
    &GUEST_MEMORY,
    &GUEST_CALL,
    &GUEST_DRIVER,
    &GUEST_LIMIT,
    &GUEST_WATCHDOG,
];

/// What a guest's memory can be: the sizes of the processor's large pages in which a kernel boots, and that can be placed. The next one, 256M, is
/// all the RAM that a partition's memory can be in.
pub const GUEST_MEMORY_SIZES: [u64; 2] = [16 << 20, 64 << 20];

/// The least memory of the Linux that the build makes. With 16M (`mem=16M`) it says nothing for ever, on the bare machine too.
const BUILT_LINUX_BYTES: u64 = 64 << 20;

/// The least memory of a firmware.
const FIRMWARE_BYTES: u64 = 64 << 20;

rule! {
    /// A partition with `personality = "linux"` or `"guest"` has a `guest`, another has none.
    GUEST_PERSONALITY = "GUEST-PERSONALITY", personality;
}

fn personality(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let hosts = (partition.personality.as_ref()).is_some_and(|one| **one != "native");
        match (&partition.guest, &partition.personality) {
            (None, Some(personality)) if hosts => {
                let message = format!("`{}` has no guest", partition.name);
                let diagnostic = GUEST_PERSONALITY.violation(personality.span, message);
                findings.push(diagnostic.hint(format!(
                    "say in `[partition.{}.guest]` which kernel, and how much memory",
                    partition.name
                )));
            }
            (Some(guest), _) if !hosts => {
                let message = format!("`{}` has a guest, and hosts none", partition.name);
                let diagnostic = GUEST_PERSONALITY.violation(guest.span, message);
                findings.push(
                    diagnostic.hint("add `personality = \"linux\"`, or \"guest\" for another one"),
                );
            }
            _ => {}
        }
    }
}

rule! {
    /// A guest that is not Linux has a `kernel` or a `firmware`; a `firmware` is no Linux, is not rewritten, has no kernel and no initramfs
    /// beside it, a UART for a console, and 64M or more.
    ///
    /// Only for Linux is there a kernel that the build makes. U-Boot knows no other console, loads by itself what it starts, and moves to the
    /// end of its memory from where it was loaded, 15 MiB from the beginning.
    GUEST_FIRMWARE = "GUEST-FIRMWARE", firmware;
}

fn firmware(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let (Some(guest), Some(personality)) = (&partition.guest, &partition.personality) else {
            continue;
        };
        let name = &partition.name;
        let mut find = |span, message: String, hint: &str| {
            findings.push(GUEST_FIRMWARE.violation(span, message).hint(hint));
        };
        if **personality == "guest" && guest.is_built() {
            let message = format!("`{name}` has a guest that is not Linux, and nothing says which");
            find(guest.span, message, "add `kernel` or `firmware`");
        }
        let Some(firmware) = &guest.firmware else {
            continue;
        };
        if **personality == "linux" {
            let message = format!("`{name}` hosts Linux, and its guest is {firmware}");
            let hint = "write `personality = \"guest\"`";
            find(personality.span, message, hint);
        }
        for (key, beside) in [("kernel", &guest.kernel), ("initramfs", &guest.initramfs)] {
            if let Some(beside) = beside {
                let message =
                    format!("the guest of `{name}` is {firmware}, and `{key}` is there too");
                find(beside.span, message, "leave one of the two out");
            }
        }
        if let Some(rewrite) = guest.rewrite.as_ref().filter(|key| key.value) {
            let message = format!("{firmware} cannot be rewritten");
            find(rewrite.span, message, "leave `rewrite` out");
        }
        if !guest.has_uart() {
            let message = format!("{firmware} has no UART for its console");
            let span = (guest.console.as_ref()).map_or(firmware.span, |console| console.span);
            find(span, message, "write `console = \"uart\"`");
        }
        let memory = &guest.memory_bytes;
        if **memory < FIRMWARE_BYTES {
            let message = format!("{firmware} with {}", show_bytes(**memory));
            find(memory.span, message, "write \"64M\" or more");
        }
    }
}

rule! {
    /// A guest's memory is 16M or 64M, and 64M for the Linux that the build makes.
    ///
    /// It is one block that one large page can map, so that the guest misses no translation of its kernel's memory. That Linux does not come up in 16M,
    /// on the bare machine neither.
    GUEST_MEMORY = "GUEST-MEMORY", memory;
}

fn memory(system: &System, _: &Board, findings: &mut Findings) {
    for guest in system
        .partitions
        .iter()
        .filter_map(|one| one.guest.as_ref())
    {
        let memory = &guest.memory_bytes;
        if !GUEST_MEMORY_SIZES.contains(memory) {
            let message = format!("a guest with {}", show_bytes(**memory));
            let diagnostic = GUEST_MEMORY.violation(memory.span, message);
            let sizes = GUEST_MEMORY_SIZES.map(|size| format!("\"{}\"", show_bytes(size)));
            findings.push(diagnostic.hint(format!("write {}", sizes.join(" or "))));
        } else if guest.is_built() && **memory < BUILT_LINUX_BYTES {
            let message = format!(
                "the Linux that the build makes does not come up in {}",
                show_bytes(**memory)
            );
            let hint = format!(
                "write \"{}\", or name a smaller `kernel`",
                show_bytes(BUILT_LINUX_BYTES)
            );
            findings.push(GUEST_MEMORY.violation(memory.span, message).hint(hint));
        }
    }
}

rule! {
    /// A partition with a guest is no end of a call channel.
    ///
    /// A call gives the processor from one partition to the other in a few instructions, with the registers of one level; a vCPU with a guest has
    /// two.
    GUEST_CALL = "GUEST-CALL", call;
}

fn call(system: &System, _: &Board, findings: &mut Findings) {
    let is_call = |channel: &&cofferdam_model::Channel| {
        let kind = channel.kind.as_ref().map(|kind| kind.value);
        kind == Some(cofferdam_model::ChannelKind::Call)
    };
    for end in system
        .channels
        .iter()
        .filter(is_call)
        .flat_map(|one| one.ends())
    {
        let partition = system.partition_index(&end.partition);
        if partition.is_some_and(|index| system.partitions[index].guest.is_some()) {
            let message = format!(
                "`{}` has a guest, and is an end of a call channel",
                *end.partition
            );
            let diagnostic = GUEST_CALL.violation(end.partition.span, message);
            findings.push(diagnostic.hint("use two queuing channels, or a ring"));
        }
    }
}

rule! {
    /// A port `disk` or `network` of a partition with a guest is the client's end of a ring with a payload, of the messages of such a driver, and
    /// has its part of the disk or its place on the network.
    ///
    /// By these names the monitor knows that its guest has a disk or a network. Another ring, or another channel, has another name.
    GUEST_DRIVER = "GUEST-DRIVER", driver;
}

fn driver(system: &System, _: &Board, findings: &mut Findings) {
    for (channel, end) in (system.channels.iter())
        .flat_map(|channel| channel.ends().map(move |end| (channel, end)))
        .filter(|(_, end)| end.array.is_none())
    {
        let name = end.port.value.as_str();
        let partition = system.partition_index(&end.partition);
        let hosts = partition.is_some_and(|index| system.partitions[index].guest.is_some());
        let part = match name {
            "disk" => channel.disk.is_some(),
            "network" => channel.network.is_some(),
            _ => continue,
        };
        let is = |message: &Option<Spanned<MessageType>>, what: &str| {
            let expected = format!("{name}_messages::{what}");
            message.as_ref().is_some_and(|one| match &one.value {
                MessageType::Path(path) => *path == expected,
                MessageType::Bytes(_) => false,
            })
        };
        let asks = (channel.from.as_ref())
            .is_some_and(|from| *from.partition == *end.partition && from.port.value == name);
        let kind = channel.kind.as_ref().map(|kind| kind.value);
        let hint = if !hosts {
            continue;
        } else if kind != Some(cofferdam_model::ChannelKind::Ring) || !asks {
            format!(
                "let a `ring` go from here to a driver, or give the port another name than `{name}`"
            )
        } else if !is(&channel.message, "Request") || !is(&channel.reply, "Reply") {
            format!(
                "write `type = \"{name}_messages::Request\"` and `reply = \"{name}_messages::Reply\"`, or another name than `{name}`"
            )
        } else if channel.payload_bytes.is_none() || !part {
            format!("add a `payload` and `{name} = {{ ... }}`, or give the port another name")
        } else {
            continue;
        };
        let message = format!(
            "the guest of `{}` would have no {name} by the channel `{}`",
            *end.partition, channel.name
        );
        findings.push(GUEST_DRIVER.violation(end.port.span, message).hint(hint));
    }
}

rule! {
    /// There are no more guests than the kernel has slots.
    GUEST_LIMIT = "GUEST-LIMIT", limit;
}

fn limit(system: &System, _: &Board, findings: &mut Findings) {
    let guests = system
        .partitions
        .iter()
        .filter_map(|one| one.guest.as_ref());
    if let Some(guest) = guests.clone().nth(limits::GUESTS) {
        let message = format!(
            "{} guests, and the kernel has room for {}",
            guests.count(),
            limits::GUESTS
        );
        let diagnostic = GUEST_LIMIT.violation(guest.span, message);
        findings.push(diagnostic.hint("leave one out"));
    }
}

rule! {
    /// A guest's watchdog belongs to a period of its partition, and is at least two of them.
    ///
    /// Its monitor looks at each release, and counts those at which it finds the same. What it finds once means nothing.
    GUEST_WATCHDOG = "GUEST-WATCHDOG", watchdog;
}

fn watchdog(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let guest = partition.guest.as_ref();
        let Some(watchdog) = guest.and_then(|guest| guest.watchdog_ticks.as_ref()) else {
            continue;
        };
        let (message, hint) = match &partition.period_ticks {
            None => (
                format!("`{}` has no period to watch its guest by", partition.name),
                "give it a `period`, and releases in the windows",
            ),
            Some(period) if **watchdog < 2 * **period => (
                format!("the guest of `{}` would be looked at once", partition.name),
                "write at least twice the `period`, better a second",
            ),
            Some(_) => continue,
        };
        findings.push(GUEST_WATCHDOG.violation(watchdog.span, message).hint(hint));
    }
}
