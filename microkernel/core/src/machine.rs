//! What a decision needs of the hardware.

use cofferdam_abi::record::CrashRecord;
use cofferdam_tables::{Bus, Guest, Region, TlbWrite};

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
    /// Whether they are those of a guest's process: the level that [`Machine::set_levels`] was told, or that the short ways of the entry
    /// code have come to since.
    fn at_user_level(&self) -> bool;
    /// Writes them down, but for where it stands: the kernel may have moved it on by then.
    fn describe(&self, crash: &mut CrashRecord);
}

/// What the hardware has to know of a guest's two levels: the tags that they match, and what the entry code may do by
/// itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Of the process that the guest is in: at both levels.
    pub process: u8,
    /// Of its large pages and its register page: at its kernel's level.
    pub large: u8,
    /// Of its kernel's small pages: at its kernel's level.
    pub kernel: u8,
    /// Of pages that its processes alone may match: at their level.
    pub user: u8,
    /// The level that it is at.
    pub at_user_level: bool,
    /// The short ways may go from one level to the other.
    pub short: bool,
    /// The short way of misses may walk the guest's page tables.
    pub walks: bool,
}

/// A page that stands in the translation array that is refilled on a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its way.
    pub way: u8,
    /// The word that MAS3 would have: the physical address, and the rights.
    pub mas3: u32,
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
    /// Empties the translation array that is refilled on a miss.
    fn empty_pages(&mut self);
    /// Puts one page of a region into the translation array that is refilled on a miss.
    fn refill(&mut self, pid: u8, effective: u32, region: &Region);

    /// These are registers of a guest, that were just started. (This and the next three are for systems with guests: in a kernel for
    /// others nobody calls them.)
    fn begin_guest(&mut self, _registers: &mut Self::Registers, _guest: &Guest) {}
    /// Sets what a guest's accesses match, in its registers and, if they are in the core, there.
    fn set_levels(&mut self, _registers: &mut Self::Registers, _levels: &Levels) {}
    /// Removes the page of an effective address from the array that is refilled on a miss, whatever its tag.
    fn forget_page(&mut self, _effective: u32) {}
    /// Looks there for the page of an effective address in the partitions' address space.
    fn find_page(&mut self, _tag: u8, _effective: u32) -> Option<Found> {
        None
    }

    /// Lets a device interrupt come, or holds it back. `index` is the configuration's.
    fn set_interrupt(&mut self, index: u8, source: u16, enabled: bool);
    /// Prepares a device interrupt: sense, polarity, held back.
    fn configure_interrupt(&mut self, index: u8, interrupt: &cofferdam_tables::Interrupt);
    /// Takes the device interrupt that is asking: its index, or none if it went away.
    fn claim_interrupt(&mut self) -> Option<u8>;
    /// The device interrupt claimed last is held back now: the controller may go on.
    fn end_interrupt(&mut self);

    /// Takes the bus of devices over: every function is off, and none reaches anything but the arena. (This and the next two are for
    /// systems with devices on the bus: in a kernel for others nobody calls them.)
    fn open_bus(&mut self, _bus: &Bus) {}
    /// Reads a word of a function's configuration space.
    fn read_bus(&mut self, _function: u8, _register: u8) -> u32 {
        u32::MAX
    }
    /// Writes one.
    fn write_bus(&mut self, _function: u8, _register: u8, _value: u32) {}

    /// Resets the board. Does not return on hardware.
    fn reset(&mut self);
}
