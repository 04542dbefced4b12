//! The registers of a virtio device in memory (virtio 1.2, section 4.2.2), and how driver and device come to terms by them (section 3.1).
//!
//! Registers are little-endian words; behind them lies the device's own configuration, of bytes. A driver resets the device, accepts
//! of the features that are offered those that it knows, says where its queues lie, and that it is ready. From then on it notifies.
//!
//! The device in front of these registers is told two things: that it was reset, and which queues were notified. It does its work when its
//! monitor has time for it, not at the access.

use super::queue::{Broken, Layout, Queue};

/// Features that any device has: the version of the standard that this is.
const VERSION_1: u64 = 1 << 32;

/// Device status (section 2.1).
mod status {
    pub const ACKNOWLEDGE: u32 = 1;
    pub const DRIVER: u32 = 2;
    pub const DRIVER_OK: u32 = 4;
    pub const FEATURES_OK: u32 = 8;
    pub const NEEDS_RESET: u32 = 0x40;
    pub const FAILED: u32 = 0x80;
    /// What a driver sets whenever it likes.
    pub const PLAIN: u32 = ACKNOWLEDGE | DRIVER | FAILED;
}

/// Why it interrupts.
const USED: u32 = 1;
const CONFIGURATION_CHANGED: u32 = 2;

/// "virt".
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "coff". Linux shows it and does not look at it.
const VENDOR: u32 = u32::from_le_bytes(*b"coff");

/// The register that says why the device interrupts.
pub const INTERRUPT_STATUS: u32 = 0x60;
/// The register that takes what of it has been seen.
pub const INTERRUPT_ACKNOWLEDGE: u32 = 0x64;

/// Registers by offset.
mod at {
    pub const MAGIC: u32 = 0;
    pub const VERSION: u32 = 4;
    pub const DEVICE: u32 = 8;
    pub const VENDOR: u32 = 0xc;
    pub const DEVICE_FEATURES: u32 = 0x10;
    pub const DEVICE_FEATURES_SELECT: u32 = 0x14;
    pub const DRIVER_FEATURES: u32 = 0x20;
    pub const DRIVER_FEATURES_SELECT: u32 = 0x24;
    pub const QUEUE_SELECT: u32 = 0x30;
    pub const QUEUE_SIZE_MOST: u32 = 0x34;
    pub const QUEUE_SIZE: u32 = 0x38;
    pub const QUEUE_READY: u32 = 0x44;
    pub const QUEUE_NOTIFY: u32 = 0x50;
    pub use super::{INTERRUPT_ACKNOWLEDGE, INTERRUPT_STATUS};
    pub const STATUS: u32 = 0x70;
    /// Three addresses, each a lower and an upper word, 16 bytes apart.
    pub const QUEUE_PARTS: u32 = 0x80;
    pub const QUEUE_PARTS_END: u32 = 0xb0;
    /// Length and base of shared memory, of which there is none.
    pub const SHARED_SELECT: u32 = 0xac;
    pub const SHARED: u32 = 0xb0;
    pub const SHARED_END: u32 = 0xc0;
    pub const GENERATION: u32 = 0xfc;
    pub const CONFIGURATION: u32 = 0x100;
}

/// What the guest says of one queue.
#[derive(Clone, Copy, Debug, Default)]
struct QueueRegisters {
    size: u32,
    parts: [u64; 3],
    queue: Option<Queue>,
}

/// What a device is.
#[derive(Clone, Copy, Debug)]
pub struct Kind<const QUEUES: usize, const CONFIGURATION: usize> {
    /// Its number (section 5).
    pub device: u32,
    /// The features of its own that it offers.
    pub features: u64,
    /// The most descriptors of a queue.
    pub queue_size: u16,
    /// Its configuration.
    pub configuration: [u8; CONFIGURATION],
}

/// The registers of a device.
#[derive(Debug)]
pub struct Registers<const QUEUES: usize, const CONFIGURATION: usize> {
    kind: Kind<QUEUES, CONFIGURATION>,
    memory_bytes: u32,
    status: u32,
    interrupt: u32,
    accepted: u64,
    device_features_select: u32,
    driver_features_select: u32,
    queue_select: u32,
    queues: [QueueRegisters; QUEUES],
    was_reset: bool,
    notified: bool,
    /// How often the configuration has changed.
    generation: u32,
}

impl<const QUEUES: usize, const CONFIGURATION: usize> Registers<QUEUES, CONFIGURATION> {
    /// As after a reset, for a guest with so much memory.
    pub fn new(kind: Kind<QUEUES, CONFIGURATION>, memory_bytes: u32) -> Self {
        Self {
            kind,
            memory_bytes,
            status: 0,
            interrupt: 0,
            accepted: 0,
            device_features_select: 0,
            driver_features_select: 0,
            queue_select: 0,
            queues: [QueueRegisters::default(); QUEUES],
            was_reset: false,
            notified: false,
            generation: 0,
        }
    }

    /// The guest has seen these reasons.
    pub fn acknowledge(&mut self, reasons: u32) {
        self.interrupt &= !reasons;
    }

    /// Why it interrupts: 0 if it does not.
    pub fn reasons(&self) -> u32 {
        self.interrupt
    }

    /// Whether the guest did something that the device has to look at.
    pub fn is_due(&self) -> bool {
        self.was_reset || self.notified
    }

    /// Whether the guest has reset it since the last call.
    pub fn take_reset(&mut self) -> bool {
        core::mem::take(&mut self.was_reset)
    }

    /// The device looks at its queues now. Whether the guest has said that there is something in one.
    pub fn take_notification(&mut self) -> bool {
        core::mem::take(&mut self.notified)
    }

    /// Whether the driver is ready, and broke no rule.
    pub fn is_live(&self) -> bool {
        self.status & (status::DRIVER_OK | status::NEEDS_RESET) == status::DRIVER_OK
    }

    /// Whether the driver has accepted a feature.
    pub fn has(&self, feature: u64) -> bool {
        self.accepted & feature != 0
    }

    /// A queue, if it is ready and the device is live.
    pub fn queue(&mut self, number: usize) -> Option<&mut Queue> {
        if !self.is_live() {
            return None;
        }
        self.queues.get_mut(number)?.queue.as_mut()
    }

    /// A copy of a queue has gone on, and takes its place: one that is ready, of a live device.
    pub fn keep(&mut self, number: usize, queue: Queue) {
        if let Some(place) = self.queue(number) {
            *place = queue;
        }
    }

    /// Interrupts for what was put into a queue.
    pub fn interrupt(&mut self) {
        self.interrupt |= USED;
    }

    /// Another byte of the configuration from now on. The guest is told if it is another one (section 4.2.2, ConfigGeneration).
    pub fn configure(&mut self, place: usize, byte: u8) {
        let Some(old) = self.kind.configuration.get_mut(place) else {
            return;
        };
        if core::mem::replace(old, byte) == byte {
            return;
        }
        self.generation = self.generation.wrapping_add(1);
        if self.status & status::DRIVER_OK != 0 {
            self.interrupt |= CONFIGURATION_CHANGED;
        }
    }

    /// The guest broke a rule: nothing happens any more until it resets the device (section 2.1.2).
    pub fn stop(&mut self, _: Broken) {
        self.status |= status::NEEDS_RESET;
        if self.status & status::DRIVER_OK != 0 {
            self.interrupt |= CONFIGURATION_CHANGED;
        }
    }

    fn features(&self) -> u64 {
        self.kind.features | VERSION_1
    }

    /// The guest loads so many bytes: little-endian. `None` if there is no such register.
    pub fn load(&self, offset: u32, bytes: u32) -> Option<u32> {
        if let Some(place) = offset.checked_sub(at::CONFIGURATION) {
            return self.configuration(place, bytes);
        }
        if bytes != 4 {
            return None;
        }
        let selected = self.queues.get(self.queue_select as usize);
        Some(match offset {
            at::MAGIC => MAGIC,
            at::VERSION => VERSION,
            at::DEVICE => self.kind.device,
            at::VENDOR => VENDOR,
            at::DEVICE_FEATURES => word(self.features(), self.device_features_select),
            at::QUEUE_SIZE_MOST => selected.map_or(0, |_| self.kind.queue_size.into()),
            at::QUEUE_READY => selected.is_some_and(|one| one.queue.is_some()).into(),
            at::INTERRUPT_STATUS => self.interrupt,
            at::STATUS => self.status,
            at::SHARED..at::SHARED_END if offset.is_multiple_of(4) => u32::MAX,
            at::GENERATION => self.generation,
            _ => return None,
        })
    }

    fn configuration(&self, place: u32, bytes: u32) -> Option<u32> {
        let start = place as usize;
        let end = start.checked_add(bytes as usize)?;
        let bytes = self.kind.configuration.get(start..end)?;
        let mut number = [0; 4];
        number.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u32::from_le_bytes(number))
    }

    /// The guest stores so many bytes, little-endian. `None` if there is no such register.
    pub fn store(&mut self, offset: u32, bytes: u32, value: u32) -> Option<()> {
        if bytes != 4 {
            return None;
        }
        match offset {
            at::DEVICE_FEATURES_SELECT => self.device_features_select = value,
            at::DRIVER_FEATURES_SELECT => self.driver_features_select = value,
            at::DRIVER_FEATURES => self.accept(value),
            at::QUEUE_SELECT => self.queue_select = value,
            at::QUEUE_NOTIFY => self.notified |= self.is_live() && (value as usize) < QUEUES,
            at::INTERRUPT_ACKNOWLEDGE => self.acknowledge(value),
            at::STATUS => self.set_status(value),
            at::SHARED_SELECT => {}
            at::QUEUE_SIZE | at::QUEUE_READY => self.set_up_queue(offset, value),
            at::QUEUE_PARTS..at::QUEUE_PARTS_END if offset & 0xf <= 4 && offset & 3 == 0 => {
                self.set_up_queue(offset, value);
            }
            _ => return None,
        }
        Some(())
    }

    /// What the driver accepts stands once it has said so.
    fn accept(&mut self, value: u32) {
        let shift = match self.driver_features_select {
            _ if self.status & status::FEATURES_OK != 0 => return,
            0 => 0,
            1 => 32,
            // There is none beyond, and what is not offered cannot be accepted.
            _ => return,
        };
        self.accepted &= !(u64::from(u32::MAX) << shift);
        self.accepted |= u64::from(value) << shift;
    }

    fn set_status(&mut self, value: u32) {
        if value == 0 {
            *self = Self {
                was_reset: true,
                generation: self.generation,
                ..Self::new(self.kind, self.memory_bytes)
            };
            return;
        }
        // A driver adds bits, and does not take any back but by a reset.
        self.status |= value & status::PLAIN;
        let unknown = self.accepted & !self.features();
        if value & status::FEATURES_OK != 0 && unknown == 0 && self.has(VERSION_1) {
            self.status |= status::FEATURES_OK;
        }
        if value & status::DRIVER_OK != 0 && self.status & status::FEATURES_OK != 0 {
            self.status |= status::DRIVER_OK;
            // What it put into its queues before.
            self.notified = true;
        }
    }

    fn set_up_queue(&mut self, offset: u32, value: u32) {
        let (most, memory_bytes) = (self.kind.queue_size, self.memory_bytes);
        let Some(one) = self.queues.get_mut(self.queue_select as usize) else {
            return;
        };
        match offset {
            at::QUEUE_READY if value == 0 => one.queue = None,
            // A queue that is ready stays as it is.
            _ if one.queue.is_some() => {}
            at::QUEUE_READY => {
                let layout = Layout::new(one.size, most, one.parts, memory_bytes);
                one.queue = layout.map(Queue::new);
                if layout.is_none() {
                    self.stop(Broken);
                }
            }
            at::QUEUE_SIZE => one.size = value,
            _ => {
                let part = &mut one.parts[(offset - at::QUEUE_PARTS) as usize / 16];
                let shift = 8 * (offset & 4);
                *part &= !(u64::from(u32::MAX) << shift);
                *part |= u64::from(value) << shift;
            }
        }
    }
}

/// One word of a set of features.
fn word(features: u64, select: u32) -> u32 {
    match select {
        0 => features as u32,
        1 => (features >> 32) as u32,
        _ => 0,
    }
}
