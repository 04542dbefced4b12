//! Which capability lies in which slot, and which line belongs to what: the numbers that the tables and the generated
//! code have to agree on.

use std::collections::BTreeSet;

use cofferdam_abi::page;
use cofferdam_model::{Board, CapabilityRequest, ChannelKind, PartitionRight, Span, System};

/// What a port is an end of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortObject {
    /// An end of a channel.
    Channel {
        /// Which channel.
        channel: usize,
        /// Which end: 0 sends, the others receive.
        end: usize,
    },
    /// The interrupt of a device.
    Interrupt {
        /// Which device of the system.
        device: usize,
    },
}

/// A port of a partition.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Where the file names it.
    pub span: Span,
    /// What it is an end of.
    pub object: PortObject,
    /// Its capability slot.
    pub slot: usize,
    /// The line that is raised when the other end does something.
    pub line: Option<u8>,
}

/// What a capability that is no port allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Read the health log.
    HealthLog,
    /// Ask for the schedule, and perhaps set it.
    Schedule {
        /// Whether it may be set.
        set: bool,
    },
    /// Do this with that partition.
    Partition {
        /// What.
        right: PartitionRight,
        /// With which.
        partition: usize,
    },
}

/// A capability that is no port.
#[derive(Clone, Debug)]
pub struct Capability {
    /// As the file would write it, `*` replaced.
    pub text: String,
    /// What it allows.
    pub grant: Grant,
    /// Its slot.
    pub slot: usize,
}

/// Everything that one partition holds.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    /// In the order of their slots.
    pub ports: Vec<Port>,
    /// In the order of their slots, behind the ports'.
    pub capabilities: Vec<Capability>,
}

impl Wiring {
    /// Slots and lines of one partition: ports by name, unless `slot_of` says that a finished ELF has them elsewhere.
    pub fn of(
        system: &System,
        board: &Board,
        partition: usize,
        slot_of: &dyn Fn(&str) -> Option<usize>,
    ) -> Self {
        let mut ports = ports(system, board, partition);
        ports.sort_by(|one, other| one.name.cmp(&other.name));
        for (index, port) in ports.iter_mut().enumerate() {
            port.slot = slot_of(&port.name).unwrap_or(index);
        }
        ports.sort_by_key(|port| port.slot);
        let mut line = page::LINE_FIRST_FREE;
        for port in &mut ports {
            if has_line(system, port.object) {
                port.line = u8::try_from(line).ok();
                line += 1;
            }
        }
        let first = ports.iter().map(|port| port.slot + 1).max().unwrap_or(0);
        let capabilities = capabilities(system, partition);
        Self {
            ports,
            capabilities: capabilities
                .into_iter()
                .enumerate()
                .map(|(index, (text, grant))| Capability {
                    text,
                    grant,
                    slot: first + index,
                })
                .collect(),
        }
    }

    /// How many slots there are, empty ones included.
    pub fn slots(&self) -> usize {
        let ports = self.ports.iter().map(|port| port.slot + 1);
        let capabilities = self.capabilities.iter().map(|one| one.slot + 1);
        ports.chain(capabilities).max().unwrap_or(0)
    }

    /// The port of this name by which a monitor asks the driver of its guest's disk or network: the end of a ring with replies that the file
    /// names first.
    pub fn driver(&self, system: &System, name: &str) -> Option<&Port> {
        let is_driver = |port: &&Port| {
            let PortObject::Channel { channel, end: 0 } = port.object else {
                return false;
            };
            let channel = &system.channels[channel];
            let ring = (channel.kind.as_ref()).is_some_and(|kind| kind.value == ChannelKind::Ring);
            port.name == name && ring && channel.reply.is_some()
        };
        self.ports.iter().find(is_driver)
    }

    /// The port at this end of a channel.
    pub fn port_of(&self, channel: usize, end: usize) -> Option<&Port> {
        let object = PortObject::Channel { channel, end };
        self.ports.iter().find(|port| port.object == object)
    }
}

fn ports(system: &System, board: &Board, partition: usize) -> Vec<Port> {
    let mut ports = Vec::new();
    let name = &system.partitions[partition].name;
    for (channel, one) in system.channels.iter().enumerate() {
        for (end, reference) in one.numbered_ends() {
            if *reference.partition == **name {
                ports.push(Port {
                    name: reference.port.value.clone(),
                    span: reference.port.span,
                    object: PortObject::Channel { channel, end },
                    slot: 0,
                    line: None,
                });
            }
        }
    }
    for owned in &system.partitions[partition].devices {
        let device = system
            .devices
            .iter()
            .position(|device| *device.name == **owned);
        let interrupts = board
            .device(owned)
            .is_some_and(|device| device.interrupt.is_some());
        if let Some(device) = device.filter(|_| interrupts) {
            ports.push(Port {
                name: owned.value.clone(),
                span: owned.span,
                object: PortObject::Interrupt { device },
                slot: 0,
                line: None,
            });
        }
    }
    ports
}

/// Whether something can happen to a port that its partition wants to know of. A source of values or doorbells hears nothing.
fn has_line(system: &System, object: PortObject) -> bool {
    let PortObject::Channel { channel, end } = object else {
        return true;
    };
    let channel = &system.channels[channel];
    let Some(kind) = &channel.kind else {
        return false;
    };
    let one_way = matches!(kind.value, ChannelKind::Sampling | ChannelKind::Signal);
    channel.notifies() && !(one_way && end == 0)
}

fn capabilities(system: &System, partition: usize) -> Vec<(String, Grant)> {
    let name = &system.partitions[partition].name;
    let own = system
        .capabilities
        .iter()
        .filter(|(holder, _)| **holder == **name);
    let mut all = BTreeSet::new();
    for request in own.flat_map(|(_, requests)| requests) {
        match &request.value {
            CapabilityRequest::Partition(right, None) => {
                for other in &system.partitions {
                    if *other.name != **name {
                        let target = Some(other.name.value.clone());
                        all.insert(CapabilityRequest::Partition(*right, target));
                    }
                }
            }
            other => {
                all.insert(other.clone());
            }
        }
    }
    let mut granted: Vec<_> = all
        .into_iter()
        .filter_map(|request| {
            let grant = match &request {
                CapabilityRequest::HealthLog => Grant::HealthLog,
                CapabilityRequest::ScheduleStatus => Grant::Schedule { set: false },
                CapabilityRequest::ScheduleSet => Grant::Schedule { set: true },
                CapabilityRequest::Partition(right, name) => Grant::Partition {
                    right: *right,
                    partition: system.partition_index(name.as_ref()?)?,
                },
            };
            Some((request.to_string(), grant))
        })
        .collect();
    granted.sort_by(|one, other| one.0.cmp(&other.0));
    granted
}
