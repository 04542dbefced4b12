//! What the device finds in its memory: each chain has to be a client's, and is the device's until it hands it back.

use std::collections::BTreeMap;

use disk::model::{DRIVER_BYTES, FLUSH, PAYLOAD_BYTES, READ_ONLY, Sectors};
use disk_messages::SECTOR_BYTES;
use virtio::model::ARENA_BUS_ADDRESS;

use super::RANGES;
use crate::targets::device::{AtDevice, Part, View};

const QUEUE: u16 = 0;
const PAYLOADS: u64 = ARENA_BUS_ADDRESS as u64 + DRIVER_BYTES as u64;
// Types of requests (5.2.6), and the status of one that was done.
const KIND_READ: u32 = 0;
const KIND_WRITE: u32 = 1;
const KIND_FLUSH: u32 = 4;
const DONE: u64 = 0;

/// What is asked of the device: of which client's payload, from which byte on, how many, from which sector on, and whether it is written.
pub type Work = (usize, u32, u32, u64, bool);

/// A chain that the device has.
#[derive(Debug)]
pub struct Chain {
    /// Nothing for a flush.
    pub work: Option<Work>,
    pub status: u64,
}

/// What the device said of itself when the driver started it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    sectors: u64,
    read_only: bool,
    pub flushes: bool,
}

impl Told {
    /// What there is of a client's range: how many sectors, and whether they cannot be written.
    pub fn share(&self, client: usize) -> (u64, bool) {
        let range = &RANGES[client];
        let there = self.sectors.saturating_sub(range.first_sector);
        let read_only = self.read_only || range.read_only;
        (there.min(range.sectors), read_only)
    }
}

/// The device's side of its memory.
#[derive(Debug)]
pub struct Watch {
    pub view: View<Sectors>,
    resets: usize,
    pub at_device: AtDevice<Chain>,
    /// What the device says it has done, so often, and no client was told yet.
    pub done: BTreeMap<Option<Work>, usize>,
    /// At each start in this life of the driver.
    pub told: Vec<Told>,
}

impl Watch {
    pub const fn new(view: View<Sectors>) -> Self {
        Self {
            view,
            resets: 0,
            at_device: AtDevice::new(QUEUE),
            done: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Before a turn of the driver: what the used ring says, it will hear.
    pub fn before(&mut self) {
        if !self.view.device.is_running() {
            return;
        }
        while let Some(chain) = self.at_device.next_back(&self.view) {
            if self.view.number(chain.status, 1) == DONE {
                *self.done.entry(chain.work).or_default() += 1;
            }
        }
    }

    /// Behind a turn: what is new in the available ring has to be right.
    pub fn behind(&mut self) {
        let is_new = self.resets != self.view.device.resets();
        if is_new {
            self.resets = self.view.device.resets();
            self.at_device = AtDevice::new(QUEUE);
        }
        if !self.view.device.is_running() {
            return;
        }
        self.view.features_are_right(READ_ONLY | FLUSH);
        if is_new {
            let features = self.view.device.told_features();
            self.told.push(Told {
                sectors: self.view.device.with(|disk| disk.claimed),
                read_only: features & READ_ONLY != 0,
                flushes: features & FLUSH != 0,
            });
        }
        while let Some(head) = self.at_device.next_new(&self.view) {
            let chain = self.chain(head);
            let before = self.at_device.chains.insert(head, chain);
            assert!(before.is_none(), "chain {head} is at the device already");
        }
    }

    fn chain(&self, head: u16) -> Chain {
        let told = self.told.last().expect("it was started");
        let parts = self.view.parts(QUEUE, head, 3);
        let is_drivers = |part: &Part, length, device_writes| {
            (part.length, part.device_writes) == (length, device_writes)
                && part.at + u64::from(length) <= PAYLOADS
        };
        let (header, status) = (&parts[0], &parts[parts.len() - 1]);
        assert!(is_drivers(header, 16, false) && is_drivers(status, 1, true));
        let kind = self.view.number(header.at, 4) as u32;
        let sector = self.view.number(header.at + 8, 8);
        let work = match *parts.as_slice() {
            [_, ref data, _] => {
                let writes = !data.device_writes;
                assert_eq!(kind, if writes { KIND_WRITE } else { KIND_READ });
                Some(work(data, sector, told))
            }
            _ => {
                assert_eq!((parts.len(), kind, sector), (2, KIND_FLUSH, 0));
                assert!(told.flushes, "it does not flush");
                None
            }
        };
        Chain {
            work,
            status: status.at,
        }
    }
}

/// Whose request it is, and that it stays within what is theirs.
fn work(data: &Part, sector: u64, told: &Told) -> Work {
    let place = data.at.checked_sub(PAYLOADS).expect("the driver's memory");
    let client = (place / u64::from(PAYLOAD_BYTES)) as usize;
    let offset = (place % u64::from(PAYLOAD_BYTES)) as u32;
    let range = RANGES.get(client).expect("nobody's memory");
    let length = data.length;
    assert!(offset + length <= PAYLOAD_BYTES, "two clients' payload");
    assert!(length != 0 && length.is_multiple_of(SECTOR_BYTES));
    let writes = !data.device_writes;
    let (sectors, read_only) = told.share(client);
    assert!(!(writes && read_only), "client {client} may not write");
    let end = sector + u64::from(length / SECTOR_BYTES);
    assert!(
        range.first_sector <= sector && end <= range.first_sector + sectors,
        "sectors {sector} to {end} are not client {client}'s"
    );
    (client, offset, length, sector, writes)
}
