//! What the guest in `systems/overseer/guest.c` and its monitor agree on.
#![no_std]
#![forbid(unsafe_code)]

/// What the guest can be told to do, by the number of the branch behind its entry.
pub mod task {
    /// Sets its vectors and its translations up.
    pub const PREPARE: u32 = 0;
    /// Counts for ever, in the word at [`super::TURNS`].
    pub const SPIN: u32 = 1;
    /// Calls; then again, with CR, XER, CTR and LR in r3 to r6.
    pub const CALL: u32 = 2;
    /// Loads r5 from where r4 points, then calls.
    pub const ACCESS: u32 = 3;
    /// Idles, with r3 as TCR, r4 as decrementer and r5 cleared of TSR, then calls.
    pub const IDLE: u32 = 4;
    /// Takes tags, in each of three ways, until they have been taken anew.
    pub const TAGS: [u32; 3] = [5, 6, 7];
    /// Gives up each large translation, and loads from where r4 points.
    pub const LOSE: u32 = 8;
}

/// Guest-physical.
pub const TURNS: u32 = 0x30_0000;
/// No memory is there.
pub const DEVICE: u32 = 0xe000_0000;
/// Effective. Nothing is translated there.
pub const UNKNOWN: u32 = 0x6000_0000;

/// Where the guest's stubs would be if it had some: addresses at which there is a trap, and beside it no memory.
pub mod stub {
    /// In a state stub that lies before memory.
    pub const BEFORE: u32 = 0xbf90_0000;
    /// In one behind memory.
    pub const BEHIND: u32 = 0xc170_0000;
    /// In one whose last word is the first behind memory, and one whose last four are.
    pub const AT_THE_END: [u32; 2] = [0xc0ff_fff4, 0xc0ff_fffc];
    /// In one that enables interrupts, and lies behind memory; and in one before it, if those are such.
    pub const ENABLING: [u32; 2] = [0xc190_0014, 0xbf90_0014];
    /// The last word of that.
    pub const LAST: u32 = 0xbf90_001c;
    /// The guest-physical address that is translated to these.
    pub const MASK: u32 = 0x00ff_ffff;
}
