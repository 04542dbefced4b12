//! The board that a guest sees: the part of a `ppce500` board that Linux's platform of that name cannot do without.
//!
//! A guest's device tree says the same, so whoever writes one takes the numbers from here.

/// The configuration registers, guest-physical: below 4 GiB, so that a guest with 32-bit page tables reaches them too.
pub const CCSR: u32 = 0xe000_0000;
/// Their size.
pub const CCSR_BYTES: u32 = 0x10_0000;

/// The interrupt controller, from [`CCSR`] on.
pub const MPIC: u32 = 0x4_0000;
/// Its size.
pub const MPIC_BYTES: u32 = 0x4_0000;
/// The global utilities, from [`CCSR`] on: the reset request is all that there is of them.
pub const GUTS: u32 = 0xe_0000;
/// Their size.
pub const GUTS_BYTES: u32 = 0x1000;
/// The register by which a kernel reports that it panics, from [`CCSR`] on, where `ppce500` has nothing.
pub const PANIC: u32 = 0xf_e000;
/// The pins, from [`CCSR`] on, where `ppce500` has them.
pub const GPIO: u32 = 0xf_f000;
/// Their size.
pub const GPIO_BYTES: u32 = 0x1000;
/// The pin that, driven high, ends the guest: pin 0 is the highest bit.
pub const GPIO_POWER_OFF: u8 = 0;

/// The console's UART, from [`CCSR`] on, for a guest without a driver for byte channels.
pub const UART: u32 = 0x4500;
/// Its size.
pub const UART_BYTES: u32 = 8;

/// The host bridge of the PCI bus, from [`CCSR`] on.
pub const PCI: u32 = 0x8000;
/// Its size.
pub const PCI_BYTES: u32 = 0x1000;
/// What the guest would reach of the memory of devices on the bus, guest-physical.
pub const PCI_MEMORY: u32 = 0xc000_0000;
/// How much that is.
pub const PCI_MEMORY_BYTES: u32 = 0x10_0000;
/// What it would reach of their ports.
pub const PCI_PORTS: u32 = 0xe100_0000;
/// How much that is.
pub const PCI_PORTS_BYTES: u32 = 0x1_0000;

/// Marks of the guest's in the record of the run, from [`CCSR`] on: nothing that a `ppce500` has.
pub const MARKS: u32 = 0xd_0000;
/// Their size.
pub const MARKS_BYTES: u32 = 0x1000;

/// The registers of the disk, from [`CCSR`] on, where `ppce500` has nothing.
pub const DISK: u32 = 0xd_2000;
/// Those of the network, likewise.
pub const NETWORK: u32 = 0xd_3000;
/// The size of each, the device's configuration included.
pub const VIRTIO_BYTES: u32 = 0x200;

/// The byte channel of the console.
pub const CONSOLE_HANDLE: u32 = 0;

/// Interrupt sources of the MPIC. Source 16 is not free: an MPIC 4.1 or later has its error interrupt there, and Linux takes it.
pub mod source {
    /// The UART, as on `ppce500`.
    pub const UART: u8 = 42;
    /// Bytes wait for the guest in the byte channel.
    pub const CONSOLE_RECEIVE: u8 = 43;
    /// There is room for bytes of the guest's.
    pub const CONSOLE_SEND: u8 = 44;
    /// The disk.
    pub const DISK: u8 = 45;
    /// The network.
    pub const NETWORK: u8 = 46;
    /// That of the pins. Nothing raises it, but Linux's driver complains of pins without one.
    pub const GPIO: u8 = 47;
}
