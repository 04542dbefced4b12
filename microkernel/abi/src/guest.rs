//! A guest: an operating system in a partition, as its kernel, its monitor and ours share it.
//!
//! The partition's own program is the guest's **monitor**. It runs the guest by `guest_run`, which returns when there is something
//! to do that the kernel does not do itself: an access to a device that the monitor emulates, an instruction that the
//! kernel does not know, a hypercall of the guest's, a line that is pending.
//!
//! The guest has a **register page** of its own: the word at 4 *n* is special-purpose register *n*. So an instruction of the guest that
//! moves such a register is one load or store, by whoever carries it out. A few words that belong to registers which are
//! never kept there, because user level has them, hold what is no special-purpose register.
//!
//! Everything here is the partition's own: a guest or a monitor that writes nonsense into it hurts the guest.

/// Where a guest's kernel has its register page: an effective address.
pub const PAGE: u32 = 0xffff_f000;
/// Where the monitor has it.
pub const MONITOR_PAGE: u32 = 0xffff_e000;
/// Where the monitor has the guest's memory: guest-physical address 0.
pub const MEMORY: u32 = 0xb000_0000;
/// The most memory that a guest can have.
pub const MEMORY_MAX: u32 = 0x4000_0000;

/// The offset in the register page of a special-purpose register.
pub const fn register(number: u32) -> u32 {
    4 * (number & 0x3ff)
}

/// The offset of the machine state register.
pub const MSR: u32 = register(0);
/// The offset of a word that the monitor writes: not 0 while an external interrupt is asserted.
pub const EXTERNAL: u32 = register(2);

/// The offset of a word in which a stub keeps a general register.
pub const SCRATCH: u32 = register(3);
/// The offset of a word that the kernel writes: not 0 while an interrupt is pending that the guest would take if it had interrupts enabled.
pub const ASKS: u32 = register(4);
/// The offset of a word that the kernel writes: not 0 once the guest has read its register EPR while [`EXTERNAL`] was asserted. It got what
/// the monitor had put there, and the interrupt is asserted no longer. The monitor clears it.
pub const ACKNOWLEDGED: u32 = register(5);

/// The offset of the **foreseen accesses**: what the monitor expects the guest to do next at registers of devices, and what comes of it.
/// Each is two words: the guest-physical address of an aligned word, with [`foreseen::LOAD`] or [`foreseen::STORE`]; and a value.
///
/// A load that is foreseen gives that value, and the guest goes on. A store of exactly that value, while [`EXTERNAL`] is 0, goes on as well: its
/// first word and those of the places before it become 0, and the monitor finds out when it runs the next time. Stores come in the order of
/// their places, and only those loads are foreseen that stand before the next store. Whatever else the guest does is an [`Exit`].
pub const FORESEEN: u32 = register(foreseen::FIRST);

/// The foreseen accesses, in [`FORESEEN`].
pub mod foreseen {
    /// The register number of the first word.
    pub const FIRST: u32 = 10;
    /// How many places there are.
    pub const PLACES: u32 = 4;
    /// The bytes of a place.
    pub const BYTES: u32 = 8;
    /// In the first word: a load.
    pub const LOAD: u32 = 1;
    /// In the first word: a store.
    pub const STORE: u32 = 2;
}

/// Stubs of a kernel that was rewritten beforehand: a few instructions each, which stand in for one that changes whether
/// interrupts are enabled. They use one general register and keep it in [`SCRATCH`] meanwhile, so the guest takes no
/// interrupt inside.
///
/// One that enables ends in four instructions: load [`ASKS`], trap if that is not 0, load the general register again, branch to behind the
/// instruction for which it stands. The kernel does the last two itself where it has something to deliver, and then delivers.
pub mod stub {
    /// The bytes of an enabling stub, and its alignment.
    pub const ENABLING_BYTES: u32 = 32;
    /// Where in it the last four instructions begin.
    pub const CHECK: u32 = 16;
    /// Where its trap is.
    pub const TRAP: u32 = CHECK + 4;
    /// Where it loads the general register again.
    pub const RESTORE: u32 = CHECK + 8;
    /// Where it branches.
    pub const BRANCH: u32 = CHECK + 12;
    /// The bytes of a stub that takes the machine state from a register, in the first part. It traps unless that state has interrupts disabled
    /// and agrees with the one that there is in [`STATE_MATTERS`] else; the kernel sets it then, and goes on behind the stub.
    pub const STATE_BYTES: u32 = 36;
    /// The bits of a machine state that a guest's kernel does not change without the kernel: level and address spaces, and what lies
    /// between.
    pub const STATE_MATTERS: u32 = 0xfff0;
    /// Where in it the instruction is that inserts from the register with the state.
    pub const STATE_SOURCE: u32 = 16;
    /// Where in it the trap is.
    pub const STATE_TRAP: u32 = STATE_SOURCE + 4;
    /// Where it loads the general register again.
    pub const STATE_RESTORE: u32 = STATE_TRAP + 8;
    /// Where it branches.
    pub const STATE_BRANCH: u32 = STATE_TRAP + 12;
    /// Stands in for `rfi`: an instruction of the SPE, which a guest's kernel has none of, so that its vector says enough.
    pub const RETURN: u32 = 0x1000_0200;
}

/// Special-purpose registers by number (e500 core reference manual, table 2-1).
pub mod spr {
    /// Decrementer.
    pub const DEC: u32 = 22;
    /// Save and restore.
    pub const SRR0: u32 = 26;
    /// The same.
    pub const SRR1: u32 = 27;
    /// Process identifier.
    pub const PID: u32 = 48;
    /// Critical save and restore.
    pub const CSRR0: u32 = 58;
    /// The same.
    pub const CSRR1: u32 = 59;
    /// Data exception address.
    pub const DEAR: u32 = 61;
    /// Exception syndrome.
    pub const ESR: u32 = 62;
    /// Interrupt vector prefix.
    pub const IVPR: u32 = 63;
    /// Processor identifier.
    pub const PIR: u32 = 286;
    /// Processor version.
    pub const PVR: u32 = 287;
    /// Debug status.
    pub const DBSR: u32 = 304;
    /// Timer status.
    pub const TSR: u32 = 336;
    /// Timer control.
    pub const TCR: u32 = 340;
    /// The first vector offset.
    pub const IVOR0: u32 = 400;
    /// The vector offset of an unavailable SPE.
    pub const IVOR32: u32 = 528;
    /// Machine check save and restore.
    pub const MCSRR0: u32 = 570;
    /// The same.
    pub const MCSRR1: u32 = 571;
    /// Machine check syndrome.
    pub const MCSR: u32 = 572;
    /// MMU assist.
    pub const MAS0: u32 = 624;
    /// The same.
    pub const MAS1: u32 = 625;
    /// The same.
    pub const MAS2: u32 = 626;
    /// The same.
    pub const MAS3: u32 = 627;
    /// The same.
    pub const MAS4: u32 = 628;
    /// The same.
    pub const MAS6: u32 = 630;
    /// Further process identifiers: a guest has none.
    pub const PID1: u32 = 633;
    /// The same.
    pub const PID2: u32 = 634;
    /// The first translation array.
    pub const TLB0CFG: u32 = 688;
    /// The second.
    pub const TLB1CFG: u32 = 689;
    /// External proxy.
    pub const EPR: u32 = 702;
    /// MMU assist.
    pub const MAS7: u32 = 944;
    /// L1 cache control.
    pub const L1CSR0: u32 = 1010;
    /// The same.
    pub const L1CSR1: u32 = 1011;
    /// MMU control.
    pub const MMUCSR0: u32 = 1012;
    /// Branch unit control.
    pub const BUCSR: u32 = 1013;
    /// MMU configuration.
    pub const MMUCFG: u32 = 1015;
    /// System version.
    pub const SVR: u32 = 1023;

    /// Whether a register is a word of the register page: to read it is to load that. Our kernel and whoever rewrites a guest's go by
    /// this.
    pub const fn is_kept(number: u32) -> bool {
        matches!(
            number,
            SRR0..=SRR1
                | PID
                | CSRR0..=CSRR1
                | DEAR..=IVPR
                | 272..=279
                | PIR..=PVR
                | DBSR
                | 308..=317
                | TSR
                | TCR
                | IVOR0..=415
                | IVOR32..=531
                | MCSRR0..=MCSR
                | 604..=605
                | MAS0..=MAS4
                | MAS6
                | TLB0CFG..=TLB1CFG
                | MAS7
                | 1008..=1009
                | L1CSR0..=BUCSR
                | MMUCFG
                | SVR
        )
    }
}

/// A register of a guest, as `guest_get` and `guest_set` name it: 0 to 31 are the general ones.
pub mod number {
    /// Where it goes on.
    pub const PC: u32 = 32;
    /// The condition register.
    pub const CR: u32 = 33;
    /// The fixed-point exception register.
    pub const XER: u32 = 34;
    /// The count register.
    pub const CTR: u32 = 35;
    /// The link register.
    pub const LR: u32 = 36;
    /// How many there are.
    pub const COUNT: u32 = 37;
}

/// Why `guest_run` returned: r4. What is in r5 to r8 stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Exit {
    /// Lines of the partition are pending and enabled: r5.
    Lines = 0,
    /// The guest's kernel executes an instruction that the kernel leaves to the monitor: r5 the instruction.
    Instruction = 1,
    /// An access to where no memory is: r5 the instruction, r6 and r7 the guest-physical address, upper and lower half, r8 what the general
    /// register holds that the instruction names first: what it stores, if it is a store.
    Access = 2,
    /// The guest's kernel calls: r5 what it has in r11. The call is over: it goes on behind it.
    Hypercall = 3,
    /// A fetch from where no memory is: r6 and r7 the guest-physical address, upper and lower half.
    Fetch = 4,
}

impl Exit {
    /// All.
    pub const ALL: [Self; 5] = [
        Self::Lines,
        Self::Instruction,
        Self::Access,
        Self::Hypercall,
        Self::Fetch,
    ];
}

/// How many entries of the real TLB1 a guest has for good: its register page, and a large page.
pub const PLACES: u32 = 2;

/// The sizes of the guest's translation arrays: those of e500v2 (e500 core reference manual, section 12.3).
pub mod tlb {
    /// Ways of a set of TLB0.
    pub const WAYS: u32 = 4;
    /// Entries of TLB0.
    pub const TLB0_ENTRIES: u32 = 512;
    /// Entries of TLB1.
    pub const TLB1_ENTRIES: u32 = 16;
    /// The bytes that the kernel keeps TLB0 in: four words an entry.
    pub const TLB0_BYTES: u32 = TLB0_ENTRIES * 16;
}
