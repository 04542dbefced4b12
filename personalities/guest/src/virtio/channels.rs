//! The channels of the guest's disk and network, and when which device has something to do.

use cofferdam_native::{Guest, Lines, RingInitiator, page, time, wait};
use disk_messages as disk;
use network_messages as network;

use super::Link as _;
use super::block::Disk;
use super::describe;
use super::native::Ring;
use super::network::Network;
use crate::Monitor;

/// How long the drivers may take to say what there is.
const PATIENCE_S: u64 = 2;

/// The channels that there are.
#[derive(Debug, Default)]
pub struct Channels {
    disk: Option<Ring<disk::Request, disk::Reply>>,
    network: Option<Ring<network::Request, network::Reply>>,
}

impl Channels {
    /// Those of the partition's ports.
    pub fn attach(
        disk: Option<&RingInitiator<disk::Request, disk::Reply>>,
        network: Option<&RingInitiator<network::Request, network::Reply>>,
    ) -> Self {
        Self {
            disk: disk.and_then(Ring::attach),
            network: network.and_then(Ring::attach),
        }
    }

    /// Asks the drivers what there is, and gives the monitor a device for each answer. A driver that does not answer for long is done without:
    /// its device is not there. Whether all have answered.
    pub fn describe(&mut self, monitor: &mut Monitor, memory_bytes: u32, timebase_hz: u32) -> bool {
        let until = time::now() + PATIENCE_S * u64::from(timebase_hz);
        let (mut disk_asked, mut network_asked) = (false, false);
        loop {
            let lines = self.find_disk(monitor, memory_bytes, &mut disk_asked)
                | self.find_network(monitor, memory_bytes, &mut network_asked);
            if lines.is_empty() || time::now() >= until {
                return lines.is_empty();
            }
            wait(lines | Lines::RELEASE);
        }
    }

    /// The line of the disk's driver, if that has still to answer.
    ///
    /// Not inlined, so that the disk is made on stack that is free again when the guest runs.
    #[inline(never)]
    fn find_disk(&mut self, monitor: &mut Monitor, memory_bytes: u32, asked: &mut bool) -> Lines {
        let (Some(ring), None) = (&mut self.disk, &monitor.disk) else {
            return Lines::NONE;
        };
        let Some(found) = describe::disk(ring, asked) else {
            return ring.line();
        };
        let disk = Disk::new(found, memory_bytes, ring.payload_bytes());
        monitor.disk = Some(disk.in_life(page::epoch()));
        Lines::NONE
    }

    /// The same for the network.
    #[inline(never)]
    fn find_network(
        &mut self,
        monitor: &mut Monitor,
        memory_bytes: u32,
        asked: &mut bool,
    ) -> Lines {
        let (Some(ring), None) = (&mut self.network, &monitor.network) else {
            return Lines::NONE;
        };
        let Some(address) = describe::network(ring, asked) else {
            return ring.line();
        };
        let network = Network::new(address, memory_bytes, ring.payload_bytes());
        monitor.network = Some(network.in_life(page::epoch()));
        Lines::NONE
    }

    /// The lines that tell of replies.
    pub fn lines(&self) -> Lines {
        let disk = self.disk.as_ref().map_or(Lines::NONE, Ring::line);
        disk | self.network.as_ref().map_or(Lines::NONE, Ring::line)
    }

    /// The lines that interrupt the guest: with the releases, while the network has to look again.
    pub fn wanted(&self, monitor: &Monitor) -> Lines {
        let again = (monitor.network.as_ref()).is_some_and(Network::looks_again);
        let releases = if again { Lines::RELEASE } else { Lines::NONE };
        self.lines() | releases
    }

    /// The devices do what there is to do. `came` are the lines that were raised since the last call.
    pub fn serve(&mut self, monitor: &mut Monitor, guest: &mut Guest, came: Lines) {
        if let (Some(ring), Some(disk)) = (&mut self.disk, &mut monitor.disk)
            && (disk.registers.is_due() || came.has(ring.line()))
        {
            disk.serve(guest, ring);
        }
        if let (Some(ring), Some(network)) = (&mut self.network, &mut monitor.network)
            && (network.registers.is_due()
                || came.has(ring.line())
                || came.has(Lines::RELEASE) && network.looks_again())
        {
            network.serve(guest, ring);
        }
    }
}
