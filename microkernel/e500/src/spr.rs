//! Special-purpose registers by number (e500 core reference manual, table 2-1).

/// Reads a special-purpose register.
macro_rules! mfspr {
    ($number:expr) => {{
        let value: u32;
        // SAFETY: reading these registers has no effect but the value; the kernel runs in supervisor mode.
        unsafe { core::arch::asm!("mfspr {0}, {1}", out(reg) value, const $number, options(nomem, nostack, preserves_flags)) };
        value
    }};
}

/// Writes a special-purpose register that changes no access of the kernel's own to memory. Each use says why that is
/// sound.
macro_rules! mtspr {
    ($number:expr, $value:expr) => {
        core::arch::asm!("mtspr {1}, {0}", in(reg) $value, const $number, options(nomem, nostack, preserves_flags))
    };
}

pub(crate) use {mfspr, mtspr};

pub(crate) const DECREMENTER: u32 = 22;
pub(crate) const PID0: u32 = 48;
pub(crate) const DEAR: u32 = 61;
pub(crate) const ESR: u32 = 62;
pub(crate) const SPRG0: u32 = 272;
pub(crate) const TIMEBASE_LOWER: u32 = 268;
pub(crate) const TIMEBASE_UPPER: u32 = 269;
pub(crate) const MAS0: u32 = 624;
pub(crate) const MAS1: u32 = 625;
pub(crate) const MAS2: u32 = 626;
pub(crate) const MAS3: u32 = 627;
pub(crate) const MAS7: u32 = 944;
