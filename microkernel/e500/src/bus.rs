//! The bus of devices: the PCI controller (MPC8548E reference manual, chapter 16).
//!
//! A device that is a bus master goes through the controller's inbound windows, and there is one: onto the arena. The controller's own
//! base address register, which would be a second one, onto the device block and thus the interrupt controller and this
//! controller itself, stays shut: its function takes part in nothing.

use core::ptr::with_exposed_provenance_mut;

use cofferdam_abi::space;
use cofferdam_tables::Bus;

const CONFIGURATION_ADDRESS: u32 = 0;
const CONFIGURATION_DATA: u32 = 4;
/// Configuration accesses go to the bus.
const ENABLE: u32 = 0x8000_0000;
/// Windows for accesses of the processor, from number 1 on; number 0 is the default, for what no other takes.
const OUTBOUND: u32 = 0xc00;
const OUTBOUND_WINDOWS: u32 = 5;
/// Windows for accesses of devices: numbers 3, 2 and 1.
const INBOUND: u32 = 0xda0;
const INBOUND_WINDOWS: u32 = 3;
const WINDOW_STRIDE: u32 = 0x20;
/// In a window: where it leads to, where it begins, and its attributes.
const TRANSLATION: u32 = 0;
const BASE: u32 = 8;
const ATTRIBUTES: u32 = 0x10;
const WINDOW_ENABLE: u32 = 0x8000_0000;
/// Reads and writes of memory.
const OUTBOUND_MEMORY: u32 = 0x0004_4000;
/// Reads and writes of local memory, which the core's cache takes part in.
const INBOUND_MEMORY: u32 = 0x00f5_5000;
/// In configuration space (PCI 3.0, section 6.1): command and status; 0 is a function that neither answers nor asks.
const COMMAND: u8 = 4;
const FIRST_BASE_ADDRESS: u8 = 0x10;

/// The controller's registers.
#[derive(Clone, Copy)]
pub(crate) struct Controller {
    /// 0: there is none.
    registers: usize,
}

impl Controller {
    pub(crate) const ABSENT: Self = Self { registers: 0 };

    /// Takes the controller over, whatever a loader left.
    ///
    /// # Safety
    /// `registers` is the mapped controller, and nobody else uses it.
    pub(crate) unsafe fn new(registers: usize, bus: &Bus) -> Self {
        let controller = Self { registers };
        for window in 0..OUTBOUND_WINDOWS {
            controller.store(OUTBOUND + window * WINDOW_STRIDE + ATTRIBUTES, 0);
        }
        controller.shut();
        let window = OUTBOUND + WINDOW_STRIDE;
        controller.store(window + TRANSLATION, bus.memory_address >> 12);
        controller.store(window + BASE, (bus.memory_physical >> 12) as u32);
        controller.store(
            window + ATTRIBUTES,
            WINDOW_ENABLE | OUTBOUND_MEMORY | size(bus.memory_log2),
        );
        if bus.arena_log2 != 0 {
            controller.store(INBOUND + TRANSLATION, bus.arena >> 12);
            controller.store(INBOUND + BASE, space::ARENA >> 12);
            controller.store(
                INBOUND + ATTRIBUTES,
                WINDOW_ENABLE | INBOUND_MEMORY | size(bus.arena_log2),
            );
        }
        controller
    }

    /// Shuts what a loader may have left open: windows onto memory, functions that take part, and the way to the device block.
    ///
    /// A function of its own, so that a test can have a kernel without it (`systems/dma/expected/unshut.toml`).
    #[inline(never)]
    fn shut(self) {
        for window in 0..INBOUND_WINDOWS {
            self.store(INBOUND + window * WINDOW_STRIDE + ATTRIBUTES, 0);
        }
        for function in 0..=u8::MAX {
            self.write(function, COMMAND, 0);
        }
        self.write(0, FIRST_BASE_ADDRESS, 0);
    }

    /// Reads a word of a function's configuration space.
    pub(crate) fn read(self, function: u8, register: u8) -> u32 {
        if self.registers == 0 {
            return u32::MAX;
        }
        self.select(function, register);
        // SAFETY: a register of the mapped controller (`new`). What is behind it has the bus's byte order.
        u32::from_le(unsafe { self.register(CONFIGURATION_DATA).read_volatile() })
    }

    /// Writes one.
    pub(crate) fn write(self, function: u8, register: u8, value: u32) {
        if self.registers != 0 {
            self.select(function, register);
            self.store(CONFIGURATION_DATA, value.to_le());
        }
    }

    fn select(self, function: u8, register: u8) {
        let word = u32::from(register) & 0xfc;
        self.store(
            CONFIGURATION_ADDRESS,
            ENABLE | u32::from(function) << 8 | word,
        );
    }

    fn store(self, offset: u32, value: u32) {
        // SAFETY: a register of the mapped controller (`new`).
        unsafe { self.register(offset).write_volatile(value) }
    }

    fn register(self, offset: u32) -> *mut u32 {
        with_exposed_provenance_mut(self.registers.wrapping_add(offset as usize))
    }
}

/// The size of a window in its attributes: 2 to the power of one more than that.
fn size(log2: u8) -> u32 {
    u32::from(log2) - 1
}
