//! QEMU's device `edu` (QEMU, `docs/specs/edu.rst`), as far as it copies: between a buffer of its own and an address on the bus, a tenth of a second
//! after it was told to. It has no reset of its own, and keeps what it was told when it is taken off the bus.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_native::Device;

/// Its registers.
mod register {
    pub const IDENTITY: u32 = 0;
    pub const SOURCE: u32 = 0x80;
    pub const TARGET: u32 = 0x88;
    pub const COUNT: u32 = 0x90;
    pub const COMMAND: u32 = 0x98;
}
const START: u32 = 1;
/// From the buffer to memory, else the other way.
const TO_MEMORY: u32 = 2;
/// The device's buffer, as it calls it.
pub const BUFFER: u32 = 0x4_0000;
/// How much it is told to copy.
pub const BYTES: u32 = 64;

/// One of these devices, by its registers.
#[derive(Clone, Copy, Debug)]
pub struct Edu(pub Device);

impl Edu {
    /// What it says that it is.
    pub fn identity(&self) -> u32 {
        self.0.read_u32(register::IDENTITY)
    }

    /// Tells it to copy, between the buffer and an address on the bus.
    pub fn begin(&self, from: u32, to: u32) {
        self.0.write_u32(register::SOURCE, from);
        self.0.write_u32(register::TARGET, to);
        self.0.write_u32(register::COUNT, BYTES);
        let direction = if from == BUFFER { TO_MEMORY } else { 0 };
        self.0.write_u32(register::COMMAND, START | direction);
    }

    /// Whether it has copied what it was told to.
    pub fn is_over(&self) -> bool {
        self.0.read_u32(register::COMMAND) & START == 0
    }
}
