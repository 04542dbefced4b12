//! What a decision needs of the hardware.

use cofferdam_abi::record::CrashRecord;
use cofferdam_tables::{Region, TlbWrite};

/// The registers of a vCPU while it does not run.
pub trait Registers: Default {
    /// What a hypercall names: its token.
    fn token(&self) -> u32;
    /// Argument `index` of a hypercall, from 0 to 7.
    fn argument(&self, index: usize) -> u32;
    /// Sets result `index` of a hypercall, from 0 to 7; result 0 is the status.
    fn set_result(&mut self, index: usize, value: u32);
    /// Where it goes on.
    fn pc(&self) -> u32;
    /// Makes it go on elsewhere.
    fn set_pc(&mut self, pc: u32);
    /// Where a function that was just called returns to.
    fn link(&self) -> u32;
    /// The stack pointer.
    fn stack_pointer(&self) -> u32;
    /// The registers at a start: all zero but these. `pid` tags the partition's translations, and goes into the core
    /// with the registers.
    fn start(&mut self, entry: u32, stack_top: u32, pid: u8);
    /// A register by its number ([`cofferdam_abi::guest::number`]).
    fn numbered(&self, number: u32) -> u32;
    /// The same, the other way.
    fn set_numbered(&mut self, number: u32, value: u32);
    /// Writes them down, but for where it stands: the kernel may have moved it on by then.
    fn describe(&self, crash: &mut CrashRecord);
}

/// The hardware, as far as decisions go.
///
/// Physical addresses given to it lie in RAM that the configuration was checked to own.
pub trait Machine {
    /// The registers of a vCPU.
    type Registers: Registers;

    /// The timebase.
    fn now(&mut self) -> u64;
    /// The lower half of the timebase.
    fn now_lower(&mut self) -> u32 {
        self.now() as u32
    }
    /// Asks for one call of [`crate::Kernel::timer`], in this many ticks: at least 1, less than half of what the
    /// timebase's lower half counts.
    fn set_timer(&mut self, ticks: u32);
    /// Returns when the timebase has reached `at`, always the same few instructions behind it, and gives by how many ticks
    /// it was missed. `at` is a lower half of the timebase; it was `ahead` ticks ahead a moment ago, 0 if it had passed.
    /// Nothing interrupts. The timer is set for `shot` ticks behind `at`.
    fn wait_until(&mut self, at: u32, ahead: u32, shot: u32) -> u32;

    /// Reads a word of RAM.
    fn read_word(&self, physical: u32) -> u32;
    /// Writes a word of RAM.
    fn write_word(&mut self, physical: u32, value: u32);
    /// Copies within RAM; both addresses are word-aligned, the areas do not overlap.
    fn copy(&mut self, from: u32, to: u32, length: u32);
    /// Clears words of RAM; address and length are word-aligned.
    fn clear(&mut self, physical: u32, length: u32);

    /// Writes entries of the translation array that is loaded at window boundaries.
    fn write_tlb(&mut self, writes: &[TlbWrite]);
    /// Sets the tags that a vCPU's accesses match, in its registers and, if they are in the core, there.
    fn set_tags(&mut self, registers: &mut Self::Registers, tags: [u8; 3]);
    /// These registers are in the core no more: they will be written, and are loaded whole when they are resumed.
    fn unload(&mut self, registers: &Self::Registers);
    /// Empties the translation array that is refilled on a miss.
    fn empty_pages(&mut self);
    /// Puts one page of a region into the translation array that is refilled on a miss.
    fn refill(&mut self, pid: u8, effective: u32, region: &Region);

    /// Lets a device interrupt come, or holds it back. `index` is the configuration's.
    fn set_interrupt(&mut self, index: u8, source: u16, enabled: bool);
    /// Prepares a device interrupt: sense, polarity, held back.
    fn configure_interrupt(&mut self, index: u8, interrupt: &cofferdam_tables::Interrupt);
    /// Takes the device interrupt that is asking: its index, or none if it went away.
    fn claim_interrupt(&mut self) -> Option<u8>;
    /// The device interrupt claimed last is held back now: the controller may go on.
    fn end_interrupt(&mut self);

    /// Resets the board. Does not return on hardware.
    fn reset(&mut self);
}
