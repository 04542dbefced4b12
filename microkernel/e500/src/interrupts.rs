//! The interrupt controller: MPIC, an OpenPIC (MPC8548E reference manual, chapter 10).

use core::ptr::with_exposed_provenance_mut;

use cofferdam_tables::Interrupt;

/// Global configuration; writing the top bit resets.
const GLOBAL_CONFIGURATION: u32 = 0x1020;
const RESET: u32 = 0x8000_0000;
/// Mixed mode: sources are delivered by this controller.
const MIXED_MODE: u32 = 0x2000_0000;
const SPURIOUS_VECTOR: u32 = 0x10e0;
/// The registers of core 0.
const CORE: u32 = 0x2_0000;
const TASK_PRIORITY: u32 = 0x80;
const ACKNOWLEDGE: u32 = 0xa0;
const END: u32 = 0xb0;
const SOURCES: u32 = 0x1_0000;
const SOURCE_STRIDE: u32 = 0x20;
const DESTINATION: u32 = 0x10;
const MASKED: u32 = 0x8000_0000;
const ACTIVE_HIGH: u32 = 0x0080_0000;
const LEVEL: u32 = 0x0040_0000;
/// All sources have the same priority: the configuration's ranks decide who runs.
const PRIORITY: u32 = 8 << 16;
const SPURIOUS: u32 = 0xffff;

/// How often to look whether the controller's reset is over.
const PATIENCE: u32 = 1_000_000;

/// The controller's registers.
#[derive(Clone, Copy)]
pub(crate) struct Controller {
    /// Where the registers of this core are: those that count are near.
    core: usize,
}

impl Controller {
    /// Resets the controller. None if it does not come out of that.
    ///
    /// # Safety
    /// `base` is the mapped controller, and nobody else uses it.
    pub(crate) unsafe fn new(base: usize) -> Option<Self> {
        let controller = Self {
            core: base + CORE as usize,
        };
        controller.write(GLOBAL_CONFIGURATION, RESET);
        (0..PATIENCE).find(|_| controller.read(GLOBAL_CONFIGURATION) & RESET == 0)?;
        controller.write(GLOBAL_CONFIGURATION, MIXED_MODE);
        controller.write(SPURIOUS_VECTOR, SPURIOUS);
        controller.write_core(TASK_PRIORITY, 0);
        Some(controller)
    }

    #[inline(always)]
    fn read(self, offset: u32) -> u32 {
        self.read_core(offset.wrapping_sub(CORE))
    }

    #[inline(always)]
    fn write(self, offset: u32, value: u32) {
        self.write_core(offset.wrapping_sub(CORE), value);
    }

    #[inline(always)]
    fn core_register(self, offset: u32) -> *mut u32 {
        with_exposed_provenance_mut(self.core.wrapping_add(offset as usize))
    }

    #[inline(always)]
    fn read_core(self, offset: u32) -> u32 {
        // SAFETY: a register of the mapped controller (`new`).
        unsafe { self.core_register(offset).read_volatile() }
    }

    #[inline(always)]
    fn write_core(self, offset: u32, value: u32) {
        // SAFETY: as in `read_core`.
        unsafe { self.core_register(offset).write_volatile(value) }
    }

    /// Prepares a source, held back. Its vector is its index in the configuration.
    pub(crate) fn configure(self, index: u8, interrupt: &Interrupt) {
        let source = SOURCES + u32::from(interrupt.source) * SOURCE_STRIDE;
        let sense = if interrupt.level { LEVEL } else { 0 };
        let polarity = if interrupt.high { ACTIVE_HIGH } else { 0 };
        self.write(
            source,
            MASKED | sense | polarity | PRIORITY | u32::from(index),
        );
        self.write(source + DESTINATION, 1);
    }

    /// Lets a source through, or holds it back.
    #[inline]
    pub(crate) fn set(self, source: u16, enabled: bool) {
        let register = SOURCES + u32::from(source) * SOURCE_STRIDE;
        let value = self.read(register) & !MASKED;
        self.write(register, if enabled { value } else { value | MASKED });
    }

    /// The vector of the source that asks.
    #[inline]
    pub(crate) fn claim(self) -> Option<u8> {
        let vector = self.read_core(ACKNOWLEDGE);
        (vector != SPURIOUS).then_some(vector as u8)
    }

    #[inline]
    pub(crate) fn end(self) {
        self.write_core(END, 0);
    }

    /// Holds everything back, or nothing.
    #[inline(always)]
    pub(crate) fn hold_all(self, hold: bool) {
        self.write_core(TASK_PRIORITY, if hold { 15 } else { 0 });
    }
}
