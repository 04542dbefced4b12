//! Capabilities, channels and interrupts: who may do what with whom.

use super::Statement;
use crate::declared::Right;
use crate::numbers::{FIRST_LINE, FRAME, NO_LINE, limit};
use crate::records::{CapabilityKind, ChannelKind};
use crate::tables::name;
use crate::world::World;

/// A port that a partition has by the file.
pub(super) struct Port {
    pub(super) name: String,
    kind: CapabilityKind,
    object: u8,
    /// The channel that it is an end of, and which end.
    pub(super) channel: Option<usize>,
    end: usize,
    lined: bool,
}

/// The ports of a partition, in the order of their names.
pub(super) fn ports(world: &World<'_>, partition: usize) -> Vec<Port> {
    let mut ports = Vec::new();
    for (index, channel) in world.declared.channels.iter().enumerate() {
        for (end, declared) in channel.ends.iter().enumerate() {
            if declared.partition != partition {
                continue;
            }
            let kind = match (channel.kind, end) {
                (ChannelKind::Sampling, 0) => CapabilityKind::SamplingSource,
                (ChannelKind::Sampling, _) => CapabilityKind::SamplingDestination,
                (ChannelKind::Queuing, 0) => CapabilityKind::QueuingSource,
                (ChannelKind::Queuing, _) => CapabilityKind::QueuingDestination,
                (ChannelKind::Call, 0) => CapabilityKind::CallClient,
                (ChannelKind::Call, _) => CapabilityKind::CallServer,
                (ChannelKind::Ring | ChannelKind::Signal, _) => CapabilityKind::Signal,
            };
            // The source of values or of doorbells hears nothing.
            let one_way = matches!(channel.kind, ChannelKind::Sampling | ChannelKind::Signal);
            ports.push(Port {
                name: declared.port.clone(),
                kind,
                object: index as u8,
                channel: Some(index),
                end,
                lined: channel.notify && !(one_way && end == 0),
            });
        }
    }
    for (number, (device, owner)) in world.interrupting().into_iter().enumerate() {
        if owner == partition {
            ports.push(Port {
                name: world.declared.devices[device].name.clone(),
                kind: CapabilityKind::Interrupt,
                object: number as u8,
                channel: None,
                end: 0,
                lined: true,
            });
        }
    }
    ports.sort_by(|one, other| one.name.cmp(&other.name));
    ports
}

/// The slot in which the tables have a port.
pub(super) fn slot(world: &World<'_>, partition: usize, port: &Port) -> Option<usize> {
    let tables = world.tables.partitions.get(partition)?;
    let is_it =
        |one: &crate::records::Capability| one.kind == port.kind && one.object == port.object;
    tables.capabilities.iter().position(is_it)
}

/// The line of the port at an end of a channel, or of an interrupt: lines are given in the order of slots.
fn line(world: &World<'_>, partition: usize, is_it: impl Fn(&Port) -> bool) -> u8 {
    let mut ports = ports(world, partition);
    ports.sort_by_key(|port| slot(world, partition, port));
    let mut lined = ports.iter().filter(|port| port.lined);
    let place = lined.position(is_it);
    place.map_or(NO_LINE, |place| FIRST_LINE.saturating_add(place as u8))
}

/// Capabilities.
pub(super) fn capabilities(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "authority",
        "each partition holds the capabilities that the file declares, in the slots that its program knows them by, and no other",
    );
    for (index, tables, declared) in world.partitions() {
        let name = &declared.name;
        let ports = ports(world, index);
        let slots: Vec<_> = ports.iter().map(|port| slot(world, index, port)).collect();
        for (number, (port, slot)) in ports.iter().zip(&slots).enumerate() {
            statement.require(slot.is_some(), || {
                format!("{name} has no capability for its port {}", port.name)
            });
            // A program that was built here has its ports in the order of their names.
            let in_order = declared.delivered || *slot == Some(number);
            statement.require(in_order, || {
                format!("the port {} of {name} is not in slot {number}", port.name)
            });
        }
        let first = slots
            .iter()
            .flatten()
            .map(|slot| slot + 1)
            .max()
            .unwrap_or(0);
        for (number, grant) in declared.grants.iter().enumerate() {
            let (kind, object, rights) = match grant.right {
                Right::HealthLog => (CapabilityKind::HealthLog, 0, 0),
                Right::Schedule(set) => (CapabilityKind::Schedule, 0, u8::from(set)),
                Right::Partition(rights, target) => (CapabilityKind::Partition, target, rights),
            };
            let found = tables.capabilities.get(first + number);
            let found = found.map(|one| (one.kind, one.object, one.rights));
            statement.equal(found, Some((kind, object, rights)), || {
                format!("the capability {} of {name}", grant.text)
            });
        }
        for (place, capability) in tables.capabilities.iter().enumerate() {
            let port = slots.contains(&Some(place));
            let granted = (first..first + declared.grants.len()).contains(&place);
            let nothing = capability.kind == CapabilityKind::Empty
                && capability.object == 0
                && declared.delivered;
            statement.require(port || granted || nothing, || {
                format!(
                    "{name} holds what nothing declares: {:?} of {} in slot {place}",
                    capability.kind, capability.object
                )
            });
            let rightless = granted || capability.rights == 0;
            statement.require(rightless, || {
                format!("slot {place} of {name} has rights that mean nothing")
            });
        }
    }
    statement
}

/// Channels, but for where their messages are kept.
pub(super) fn channels(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "channels",
        "each channel has the kind, the ends, the depth, the sizes and the times that the file declares, and its ends are told by the lines that their programs know",
    );
    let declared = &world.declared.channels;
    statement.equal(world.tables.channels.len(), declared.len(), || {
        "the number of channels".to_owned()
    });
    for (index, (tables, declared)) in world.tables.channels.iter().zip(declared).enumerate() {
        let (own, of) = (&tables.own, &declared.name);
        statement.equal((own.name, own.kind), (name(of), declared.kind), || {
            format!("name and kind of {of}")
        });
        let depth = if declared.kind == ChannelKind::Queuing {
            declared.depth
        } else {
            1
        };
        statement.equal(u64::from(own.depth), depth, || format!("the depth of {of}"));
        let times = (own.refresh_ticks, u64::from(own.deadline_ticks));
        statement.equal(
            times,
            (declared.refresh_ticks, declared.deadline_ticks),
            || format!("the times of {of}"),
        );
        for (what, found, said) in [
            ("messages", own.message_bytes, declared.message_bytes),
            ("replies", own.reply_bytes, declared.reply_bytes),
        ] {
            match said {
                Some(bytes) => statement.equal(u64::from(found), bytes, || {
                    format!("the size of the {what} of {of}")
                }),
                None => {
                    statement.require(found != 0, || format!("the {what} of {of} have no size"))
                }
            }
        }
        let kept = !matches!(own.kind, ChannelKind::Ring | ChannelKind::Signal);
        let short =
            own.message_bytes <= limit::MESSAGE_BYTES && own.reply_bytes <= limit::MESSAGE_BYTES;
        statement.require(!kept || short, || {
            format!("the messages of {of} are too long")
        });
        statement.require((1..=limit::QUEUE_DEPTH).contains(&own.depth), || {
            format!("{of} is too deep")
        });
        statement.equal(tables.ends.len(), declared.ends.len(), || {
            format!("the number of ends of {of}")
        });
        for (end, (found, declared)) in tables.ends.iter().zip(&declared.ends).enumerate() {
            let wanted = line(world, declared.partition, |port| {
                port.channel == Some(index) && port.end == end
            });
            statement.equal(
                (usize::from(found.partition), found.line),
                (declared.partition, wanted),
                || format!("partition and line of end {end} of {of}"),
            );
        }
    }
    statement
}

/// Where messages are kept.
pub(super) fn stores(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "messages-kept",
        "the kernel keeps the messages of all channels in one piece of its own memory, one behind the other in the order of the channels, each in whole words and room enough",
    );
    let mut at = world
        .tables
        .channels
        .first()
        .map_or(0, |first| u64::from(first.own.store));
    statement.require(at.is_multiple_of(FRAME), || {
        format!("the messages begin at {at:#x}, within a page")
    });
    for (index, channel) in world.tables.channels.iter().enumerate() {
        statement.equal(u64::from(channel.own.store), at, || {
            format!("where the messages of channel {index} are")
        });
        at = at.saturating_add(world.store_bytes(index));
    }
    statement
}

/// Interrupts.
pub(super) fn interrupts(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "interrupts",
        "each device interrupt in use has the source and the kind that the board says, goes to its device's owner by the line that this one's program knows, and is masked after as many as the file says",
    );
    let wanted = world.interrupting();
    statement.equal(world.tables.interrupts.len(), wanted.len(), || {
        "the number of interrupts".to_owned()
    });
    for (number, (found, (device, owner))) in world.tables.interrupts.iter().zip(wanted).enumerate()
    {
        let device = &world.declared.devices[device];
        let Some((source, level, high)) = world
            .facts
            .device(&device.name)
            .and_then(|one| one.interrupt)
        else {
            continue;
        };
        let name = &device.name;
        let kind = (u64::from(found.source), found.level, found.high);
        statement.equal(kind, (source, level, high), || {
            format!("source, sense and polarity of {name}")
        });
        let line = line(world, owner, |port| {
            port.channel.is_none() && usize::from(port.object) == number
        });
        statement.equal(
            (usize::from(found.owner), found.line),
            (owner, line),
            || format!("owner and line of {name}"),
        );
        statement.require(found.line < limit::LINES, || {
            format!("the line of {name} is none")
        });
        let storm = (u64::from(found.storm_max), u64::from(found.storm_ticks));
        statement.equal(storm, device.storm, || format!("the limit of {name}"));
    }
    for (place, one) in world.tables.interrupts.iter().enumerate() {
        let again = world.tables.interrupts[..place]
            .iter()
            .any(|other| other.source == one.source);
        statement.require(!again, || format!("source {} has two owners", one.source));
    }
    statement
}
