//! Where in the BAR what stands.
//!
//! A device says in PCI configuration space which structures it has, and where (4.1.4). A driver partition does not
//! see that space; the kernel compared it with the board's file, which says that they stand as QEMU lays them out.

/// The length of the BAR.
pub const BAR_BYTES: u32 = 0x4000;

/// The common configuration (4.1.4.3).
pub const COMMON: u32 = 0;
/// The interrupt status (4.1.4.5).
pub const INTERRUPT_STATUS: u32 = 0x1000;
/// The device's own configuration (4.1.4.6).
pub const DEVICE: u32 = 0x2000;
/// The length of the device's own configuration.
pub const DEVICE_BYTES: u32 = 0x1000;
/// Where queues are notified (4.1.4.4).
pub const NOTIFY: u32 = 0x3000;
/// The length of that.
pub const NOTIFY_BYTES: u32 = 0x1000;
/// From one unit of `queue_notify_off` to the next.
pub const NOTIFY_MULTIPLIER: u32 = 4;

// The common configuration, in the order of 4.1.4.3.
/// Which word of the offered features [`DEVICE_FEATURE`] shows.
pub const DEVICE_FEATURE_SELECT: u32 = COMMON;
/// Features that the device offers.
pub const DEVICE_FEATURE: u32 = COMMON + 0x04;
/// Which word of the accepted features [`DRIVER_FEATURE`] is.
pub const DRIVER_FEATURE_SELECT: u32 = COMMON + 0x08;
/// Features that the driver accepts.
pub const DRIVER_FEATURE: u32 = COMMON + 0x0c;
/// How many queues there are; 16 bits.
pub const QUEUE_COUNT: u32 = COMMON + 0x12;
/// The device's status; 8 bits.
pub const DEVICE_STATUS: u32 = COMMON + 0x14;
/// Changes with the device's own configuration; 8 bits.
pub const CONFIGURATION_GENERATION: u32 = COMMON + 0x15;
/// Which queue the following are about; 16 bits, as are the next four.
pub const QUEUE_SELECT: u32 = COMMON + 0x16;
/// The most entries, and how many the driver wants.
pub const QUEUE_SIZE: u32 = COMMON + 0x18;
/// 1: the device may use the queue.
pub const QUEUE_ENABLE: u32 = COMMON + 0x1c;
/// Where the queue is notified, in units of [`NOTIFY_MULTIPLIER`].
pub const QUEUE_NOTIFY_OFFSET: u32 = COMMON + 0x1e;
/// The bus address of the descriptors: two words, the low one first, as are the next two.
pub const QUEUE_DESCRIPTORS: u32 = COMMON + 0x20;
/// That of the available ring.
pub const QUEUE_DRIVER: u32 = COMMON + 0x28;
/// That of the used ring.
pub const QUEUE_DEVICE: u32 = COMMON + 0x30;
