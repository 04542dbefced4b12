//! How a device is brought up, told of work, and asked what it wants.

use core::sync::atomic::{Ordering, fence};

use virtio_spec::{DeviceStatus, F};

use crate::registers as at;
use crate::{Layout, Memory, Registers};

/// So many reads of its status a device has to come out of a reset. QEMU's is over before the first.
const RESET_READS: u32 = 10_000;
/// So often the device's own configuration may change while it is read.
const CONFIGURATION_TRIES: u32 = 16;

/// Feature bits.
pub type Features = u64;

/// What no device is driven without. With `ACCESS_PLATFORM` it keeps to the window onto the memory for devices; without, QEMU's
/// would write anywhere (6.1).
const REQUIRED: Features = bits(F::VERSION_1) | bits(F::ACCESS_PLATFORM);

const fn bits(feature: F) -> Features {
    feature.bits().to_ne() as Features
}

/// Why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// Its reset does not end.
    NotReset,
    /// It does not offer these features, without which it is not driven.
    Lacks(Features),
    /// It does not go with the features that were accepted, though it offered them.
    FeaturesRefused,
    /// It has no such queue, or one that is too small.
    NoQueue(u16),
    /// The queue is notified where no register is.
    NotifyOutside(u16),
    /// Its configuration does not hold still.
    Configuration,
    /// There is too little memory for the device's structures.
    Memory,
}

/// The device did not come out of its reset: it may still use the memory it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReset;

impl From<NotReset> for InitError {
    fn from(NotReset: NotReset) -> Self {
        Self::NotReset
    }
}

/// What a device interrupted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// Some queue has used buffers.
    pub queue: bool,
    /// The device's own configuration changed, or its status did.
    pub configuration: bool,
}

/// A device on PCI.
#[derive(Debug)]
pub struct Transport<R> {
    registers: R,
    features: Features,
}

impl<R: Registers> Transport<R> {
    /// Resets the device and agrees on features: those that are required, and those of `wanted` that it offers. Its queues come
    /// next, then [`Transport::start`] (3.1.1).
    ///
    /// # Errors
    /// Why it cannot be used. Then it is left reset, if it lets itself be.
    pub fn begin(registers: R, wanted: Features) -> Result<Self, InitError> {
        let mut transport = Self {
            registers,
            features: 0,
        };
        if let Err(error) = transport.agree(wanted) {
            // Whether it ends or not, there is nothing more to do.
            let _ = transport.reset();
            return Err(error);
        }
        Ok(transport)
    }

    fn agree(&mut self, wanted: Features) -> Result<(), InitError> {
        self.reset()?;
        let mut status = DeviceStatus::ACKNOWLEDGE;
        self.set_status(status);
        status |= DeviceStatus::DRIVER;
        self.set_status(status);
        let offered = self.offered();
        let lacking = REQUIRED & !offered;
        if lacking != 0 {
            return Err(InitError::Lacks(lacking));
        }
        self.features = offered & (wanted | REQUIRED);
        for word in 0..2 {
            self.registers
                .set_little_u32(at::DRIVER_FEATURE_SELECT, word);
            self.registers
                .set_little_u32(at::DRIVER_FEATURE, (self.features >> (32 * word)) as u32);
        }
        status |= DeviceStatus::FEATURES_OK;
        self.set_status(status);
        if !self.status().contains(DeviceStatus::FEATURES_OK) {
            return Err(InitError::FeaturesRefused);
        }
        Ok(())
    }

    fn offered(&self) -> Features {
        (0..2).fold(0, |offered, word| {
            self.registers
                .set_little_u32(at::DEVICE_FEATURE_SELECT, word);
            let part = self.registers.little_u32(at::DEVICE_FEATURE);
            offered | Features::from(part) << (32 * word)
        })
    }

    /// The features that both sides go by.
    pub fn features(&self) -> Features {
        self.features
    }

    /// The most entries that a queue can have; 0: there is no such queue.
    pub fn queue_size_max(&self, queue: u16) -> u16 {
        if queue >= self.registers.little_u16(at::QUEUE_COUNT) {
            return 0;
        }
        self.registers.set_little_u16(at::QUEUE_SELECT, queue);
        self.registers.little_u16(at::QUEUE_SIZE)
    }

    /// Gives the device a queue. The offset at which it is notified, for [`Transport::notify`].
    ///
    /// # Errors
    /// If the device has no such queue.
    pub fn enable_queue(
        &mut self,
        queue: u16,
        layout: &Layout,
        memory: &impl Memory,
    ) -> Result<u32, InitError> {
        if layout.size() > self.queue_size_max(queue) {
            return Err(InitError::NoQueue(queue));
        }
        // The queue is selected from here on.
        let registers = &self.registers;
        registers.set_little_u16(at::QUEUE_SIZE, layout.size());
        for (register, offset) in [
            (at::QUEUE_DESCRIPTORS, layout.descriptors()),
            (at::QUEUE_DRIVER, layout.driver()),
            (at::QUEUE_DEVICE, layout.device()),
        ] {
            registers.set_little_u32(register, memory.bus_address(offset));
            registers.set_little_u32(register + 4, 0);
        }
        let units = u32::from(registers.little_u16(at::QUEUE_NOTIFY_OFFSET));
        let offset = units * at::NOTIFY_MULTIPLIER;
        if offset + size_of::<u16>() as u32 > at::NOTIFY_BYTES {
            return Err(InitError::NotifyOutside(queue));
        }
        registers.set_little_u16(at::QUEUE_ENABLE, 1);
        Ok(at::NOTIFY + offset)
    }

    /// The device may work.
    pub fn start(&mut self) {
        // What was laid down in memory comes before it.
        fence(Ordering::SeqCst);
        self.set_status(
            DeviceStatus::ACKNOWLEDGE
                | DeviceStatus::DRIVER
                | DeviceStatus::FEATURES_OK
                | DeviceStatus::DRIVER_OK,
        );
    }

    /// Tells the device that there are buffers in a queue (4.1.5.2); `offset` is what [`Transport::enable_queue`] gave.
    pub fn notify(&self, queue: u16, offset: u32) {
        self.registers.set_little_u16(offset, queue);
    }

    /// What the device interrupted for. Reading it ends the interrupt (4.1.4.5).
    pub fn interrupts(&self) -> Interrupts {
        let status = self.registers.read_u8(at::INTERRUPT_STATUS);
        Interrupts {
            queue: status & 1 != 0,
            configuration: status & 2 != 0,
        }
    }

    /// Whether the device itself says that it goes no further (2.1.2).
    pub fn needs_reset(&self) -> bool {
        self.status().contains(DeviceStatus::DEVICE_NEEDS_RESET)
    }

    /// Words of the device's own configuration from `offset` on, as they stood at one moment (2.5.1).
    ///
    /// # Errors
    /// If it changes again and again, or there are no registers.
    pub fn configuration<const WORDS: usize>(
        &self,
        offset: u32,
    ) -> Result<[u32; WORDS], InitError> {
        let bytes = (WORDS * size_of::<u32>()) as u32;
        let inside = offset.is_multiple_of(4)
            && offset
                .checked_add(bytes)
                .is_some_and(|end| end <= at::DEVICE_BYTES);
        if !inside {
            return Err(InitError::Configuration);
        }
        let generation = || self.registers.read_u8(at::CONFIGURATION_GENERATION);
        for _ in 0..CONFIGURATION_TRIES {
            let before = generation();
            let words = core::array::from_fn(|word| {
                self.registers
                    .little_u32(at::DEVICE + offset + 4 * word as u32)
            });
            if generation() == before {
                return Ok(words);
            }
        }
        Err(InitError::Configuration)
    }

    /// Resets the device: when it is over, the device uses no memory any more (2.4, 4.1.4.3.2).
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn reset(&mut self) -> Result<(), NotReset> {
        self.set_status(DeviceStatus::empty());
        for _ in 0..RESET_READS {
            if self.status().is_empty() {
                fence(Ordering::SeqCst);
                return Ok(());
            }
        }
        Err(NotReset)
    }

    fn status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_retain(self.registers.read_u8(at::DEVICE_STATUS))
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.registers.write_u8(at::DEVICE_STATUS, status.bits());
    }
}
