//! Channels: their ends, and the keys of their kinds.

use cofferdam_abi::limits;
use cofferdam_model::{Board, Channel, ChannelKind, MessageType, Span, Spanned, System};

use super::{Findings, Rule, rule};
use crate::residency;

pub(super) static RULES: &[&Rule] = &[
    &CHANNEL_ENDS,
    &CHANNEL_PEERS,
    &CHANNEL_PORT,
    &CHANNEL_ARRAY,
    &CHANNEL_KEYS,
    &CHANNEL_DEPTH,
    &CHANNEL_SIZE,
    &CHANNEL_DEADLINE,
    &CALL_WINDOW,
];

fn kind(channel: &Channel) -> Option<ChannelKind> {
    channel.kind.as_ref().map(|kind| kind.value)
}

rule! {
    /// Each channel has one end that sends and one that receives; a sampling channel may have several that receive.
    ///
    /// What several partitions send would need an order that no configuration gives: use a channel for each sender.
    CHANNEL_ENDS = "CHANNEL-ENDS", ends;
}

fn ends(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        let count = channel.to.len();
        let several = kind(channel) == Some(ChannelKind::Sampling);
        if count == 0 || count > 1 && !several {
            let message = format!("`{}` has {count} ends that receive", channel.name);
            let diagnostic = CHANNEL_ENDS.violation(channel.name.span, message);
            findings
                .push(diagnostic.hint("name one in `to`; only sampling channels may have several"));
        }
    }
}

rule! {
    /// The ends of a channel belong to different partitions.
    ///
    /// A partition needs no kernel to talk to itself.
    CHANNEL_PEERS = "CHANNEL-PEERS", peers;
}

fn peers(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        let ends: Vec<_> = channel.ends().collect();
        for (index, end) in ends.iter().enumerate() {
            let earlier = ends[..index]
                .iter()
                .find(|other| *other.partition == *end.partition.value);
            if let Some(earlier) = earlier {
                let message = format!(
                    "two ends of `{}` belong to `{}`",
                    channel.name, end.partition
                );
                let diagnostic = CHANNEL_PEERS.violation(end.partition.span, message);
                let hint = "what two parts of one partition say to each other is its own affair: remove the channel";
                findings.push(
                    diagnostic
                        .also(earlier.partition.span, "the other end")
                        .hint(hint),
                );
            }
        }
    }
}

rule! {
    /// Each port is the end of one channel, and no device of its partition has its name.
    CHANNEL_PORT = "CHANNEL-PORT", port;
}

fn port(system: &System, _: &Board, findings: &mut Findings) {
    let mut seen: Vec<(&str, &str, Span)> = Vec::new();
    for partition in &system.partitions {
        for device in &partition.devices {
            seen.push((&partition.name, device, device.span));
        }
    }
    for end in system.channels.iter().flat_map(|channel| channel.ends()) {
        let (partition, port) = (end.partition.as_str(), end.port.as_str());
        let earlier = seen
            .iter()
            .find(|(of, name, _)| (*of, *name) == (partition, port));
        if let Some((_, _, place)) = earlier {
            let message = format!("the port `{partition}.{port}` is used twice");
            let diagnostic = CHANNEL_PORT.violation(end.port.span, message);
            let hint = "give each end a port of its own";
            findings.push(diagnostic.also(*place, "first here").hint(hint));
        }
        seen.push((partition, port, end.port.span));
    }
}

rule! {
    /// Each port of an array has one partition at its other end, and all ports of an array have one kind, direction and type.
    ///
    /// `console.logs[]` is one more port of the array `logs`; the code of `console` has them as `ports::LOGS`, in the order of the file,
    /// each with the name of the partition at its other end.
    CHANNEL_ARRAY = "CHANNEL-ARRAY", array;
}

fn array(system: &System, _: &Board, findings: &mut Findings) {
    let mut first: Vec<(&str, &str, &Channel, usize, Span)> = Vec::new();
    for channel in &system.channels {
        for (end, reference) in channel.numbered_ends() {
            let (partition, place) = (reference.partition.as_str(), reference.port.span);
            let Some(array) = reference.array.as_deref() else {
                continue;
            };
            if channel.peer(end).is_none() {
                let message =
                    format!("`{partition}.{array}[]` has several partitions at its other end");
                let hint = "a port of an array is called after the one partition there: give this one a name of its own";
                findings.push(CHANNEL_ARRAY.violation(place, message).hint(hint));
                continue;
            }
            let earlier = first
                .iter()
                .find(|(of, name, ..)| (*of, *name) == (partition, array));
            let Some((.., other, other_end, other_place)) = earlier else {
                first.push((partition, array, channel, end, place));
                continue;
            };
            let value = |given: &Option<Spanned<MessageType>>| {
                given.as_ref().map(|given| given.value.clone())
            };
            let shape = |channel: &Channel, end: usize| {
                let types = (value(&channel.message), value(&channel.reply));
                (kind(channel), end == 0, types)
            };
            if shape(channel, end) != shape(other, *other_end) {
                let message = format!("the ports of `{partition}.{array}[]` differ");
                let hint =
                    "they have one kind, one direction and the same types: use another array";
                let diagnostic = CHANNEL_ARRAY.violation(place, message);
                findings.push(
                    diagnostic
                        .also(*other_place, "the first of them")
                        .hint(hint),
                );
            }
        }
    }
}

rule! {
    /// Each channel has the keys of its kind and no others.
    ///
    /// All but `signal` have a `type`. `queuing` and `ring` have a `depth`; `call` has a `reply` and a `deadline`; `ring` may have a
    /// `reply`, which makes it go both ways; `sampling` may have a `refresh`.
    CHANNEL_KEYS = "CHANNEL-KEYS", keys;
}

/// Whether a kind has a key.
#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Must,
    May,
    Not,
}

fn keys(system: &System, _: &Board, findings: &mut Findings) {
    use ChannelKind::{Call, Queuing, Ring, Sampling, Signal};
    for channel in &system.channels {
        let Some(kind) = kind(channel) else { continue };
        let given = |place: Option<Span>, name, wants| (name, place, wants);
        let all = [
            given(
                channel.message.as_ref().map(|one| one.span),
                "type",
                if kind == Signal {
                    Wants::Not
                } else {
                    Wants::Must
                },
            ),
            given(
                channel.reply.as_ref().map(|one| one.span),
                "reply",
                match kind {
                    Call => Wants::Must,
                    Ring => Wants::May,
                    Sampling | Queuing | Signal => Wants::Not,
                },
            ),
            given(
                channel.depth.as_ref().map(|one| one.span),
                "depth",
                if matches!(kind, Queuing | Ring) {
                    Wants::Must
                } else {
                    Wants::Not
                },
            ),
            given(
                channel.refresh_ticks.as_ref().map(|one| one.span),
                "refresh",
                if kind == Sampling {
                    Wants::May
                } else {
                    Wants::Not
                },
            ),
            given(
                channel.deadline_ticks.as_ref().map(|one| one.span),
                "deadline",
                if kind == Call {
                    Wants::Must
                } else {
                    Wants::Not
                },
            ),
            given(
                channel.fingerprint.as_ref().map(|one| one.span),
                "fingerprint",
                if kind == Signal {
                    Wants::Not
                } else {
                    Wants::May
                },
            ),
        ];
        for (name, place, wants) in all {
            match (place, wants) {
                (Some(place), Wants::Not) => {
                    let message = format!("a channel of kind `{}` has no `{name}`", kind.name());
                    findings.push(
                        CHANNEL_KEYS
                            .violation(place, message)
                            .hint("remove it, or change the `kind`"),
                    );
                }
                (None, Wants::Must) => {
                    let message = format!(
                        "`{}`, of kind `{}`, needs a `{name}`",
                        channel.name,
                        kind.name()
                    );
                    findings.push(
                        CHANNEL_KEYS
                            .violation(channel.name.span, message)
                            .hint(format!("add `{name}`")),
                    );
                }
                _ => {}
            }
        }
    }
}

rule! {
    /// The depth of a queue is from 1 to 64, and that of a ring a power of two up to 1024.
    ///
    /// The places of a ring are counted by words that wrap, so their number divides 2^32.
    CHANNEL_DEPTH = "CHANNEL-DEPTH", depth;
}

fn depth(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        let Some(depth) = &channel.depth else {
            continue;
        };
        let hint = match kind(channel) {
            Some(ChannelKind::Queuing)
                if !(1..=u64::from(limits::QUEUE_DEPTH)).contains(&**depth) =>
            {
                format!("a queue has 1 to {} places", limits::QUEUE_DEPTH)
            }
            Some(ChannelKind::Ring) if !depth.is_power_of_two() || **depth > 1024 => {
                "a ring has 1, 2, 4, ... or 1024 places".to_string()
            }
            _ => continue,
        };
        let message = format!("`{}` cannot have {} places", channel.name, **depth);
        findings.push(CHANNEL_DEPTH.violation(depth.span, message).hint(hint));
    }
}

rule! {
    /// A message of `bytes(N)` has 1 to 1024 bytes, or up to 64K in a ring; that of a call may have none.
    ///
    /// The kernel copies messages with interrupts off, so their size bounds how late a window can start. A ring's are not copied by the
    /// kernel. The sizes of Rust types are judged when the partitions are built.
    CHANNEL_SIZE = "CHANNEL-SIZE", size;
}

fn size(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        let range = match kind(channel) {
            Some(ChannelKind::Ring) => 1..=0x1_0000,
            Some(ChannelKind::Call) => 0..=u64::from(limits::MESSAGE_BYTES),
            _ => 1..=u64::from(limits::MESSAGE_BYTES),
        };
        for message in channel.message.iter().chain(&channel.reply) {
            if let MessageType::Bytes(bytes) = message.value
                && !range.contains(&bytes)
            {
                let text = format!("a message of `{}` cannot have {bytes} bytes", channel.name);
                let hint = format!("use {} to {} bytes", range.start(), range.end());
                findings.push(CHANNEL_SIZE.violation(message.span, text).hint(hint));
            }
        }
    }
}

rule! {
    /// The deadline of a call is more than nothing.
    ///
    /// Every call ends: with a reply, or when its deadline has passed. So no server can hold a client for ever.
    CHANNEL_DEADLINE = "CHANNEL-DEADLINE", deadline;
}

fn deadline(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        if let Some(deadline) = &channel.deadline_ticks
            && **deadline == 0
        {
            let message = format!("a call on `{}` would always be too late", channel.name);
            findings.push(
                CHANNEL_DEADLINE
                    .violation(deadline.span, message)
                    .hint("allow it some time"),
            );
        }
    }
}

rule! {
    /// Client and server of a call share a window.
    ///
    /// This is a warning: the system is built. A call is only accepted while its server may run, so that it can be a direct switch;
    /// where they never share a window, each call fails with `out_of_window`.
    CALL_WINDOW = "CALL-WINDOW", call_window;
}

fn call_window(system: &System, _: &Board, findings: &mut Findings) {
    for channel in &system.channels {
        let ends = channel
            .ends()
            .filter_map(|end| system.partition_index(&end.partition));
        let ends: Vec<_> = ends.collect();
        let mut windows = system
            .schedules
            .iter()
            .flat_map(|schedule| &schedule.windows);
        let together = windows.any(|window| {
            let eligible = residency::eligible(system, window);
            ends.iter().all(|end| eligible.contains(end))
        });
        if kind(channel) == Some(ChannelKind::Call) && ends.len() == 2 && !together {
            let message = format!(
                "the ends of `{}` never run in the same window",
                channel.name
            );
            let diagnostic = CALL_WINDOW.violation(channel.name.span, message).warning();
            findings.push(diagnostic.hint("put both into the group of one window"));
        }
    }
}
