//! What a word means as an instruction of an e500v2, as far as it matters here: whether it is one, and if it is privileged, what may
//! stand in for it.
//!
//! Numbers of opcodes are those of the *Programmer's Reference Manual for Freescale Power Architecture Processors* (EREF), appendix D;
//! numbers of registers those of the *PowerPC e500 Core Family Reference Manual*, table 2-1.

use cofferdam_abi::guest::{self, spr};

/// Does nothing: `ori 0,0,0`.
pub(crate) const NOP: u32 = 0x6000_0000;

/// What a word is as an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One that user level has too.
    Common,
    /// One of the signal processing engine, or a vector instruction, whose opcode it shares.
    Signal,
    /// None.
    None,
    /// A privileged one.
    Privileged(Privileged),
}

/// What may stand in for a privileged instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privileged {
    /// A load from the register page, at this offset.
    Load { target: u32, offset: u32 },
    /// A store to the register page.
    Store { source: u32, offset: u32 },
    /// Nothing.
    Nop,
    /// The instruction that says *return*.
    Return,
    /// A stub that disables interrupts.
    Disable,
    /// A stub that enables them.
    Enable,
    /// A stub that takes the enabling bit from this register.
    TakeEnable { source: u32 },
    /// A stub that takes the whole machine state from this register.
    TakeState { source: u32 },
    /// It traps, and is emulated.
    Trap(&'static str),
    /// Nobody emulates it.
    Unknown,
}

/// A word's fields.
#[derive(Clone, Copy)]
struct Fields(u32);

impl Fields {
    fn primary(self) -> u32 {
        self.0 >> 26
    }

    fn extended(self) -> u32 {
        self.0 >> 1 & 0x3ff
    }

    /// The register that is written, or whose value is used.
    fn target(self) -> u32 {
        self.0 >> 21 & 31
    }

    /// The special-purpose register: its halves stand the wrong way round.
    fn special(self) -> u32 {
        self.0 >> 16 & 31 | self.0 >> 6 & 0x3e0
    }

    /// Whether this register, special-purpose or of the performance monitor, is one for supervisors.
    fn supervisors(self) -> bool {
        self.special() & 0x10 != 0
    }
}

const MFSPR: u32 = 339;
const MTSPR: u32 = 467;

const TRAPS_KERNEL: &str = "it traps, and the kernel carries it out";
const TRAPS_MONITOR: &str = "it traps, and the guest's monitor carries it out";
const OTHER_CORES: &str = "an e500v2 has no such instruction or register: it is illegal in a guest as it is on the hardware";

/// What a word is.
pub(crate) fn kind(word: u32) -> Kind {
    let fields = Fields(word);
    match fields.primary() {
        // twi, mulli, subfic, the comparisons and additions, branches, rotations, logic, loads and stores.
        3 | 7 | 8 | 10..=16 | 18 | 20 | 21 | 23..=29 | 32..=47 => Kind::Common,
        17 if word == 0x4400_0002 => Kind::Common,
        4 => Kind::Signal,
        19 => branch_unit(fields),
        31 => extended(fields),
        _ => Kind::None,
    }
}

/// Primary opcode 19.
fn branch_unit(fields: Fields) -> Kind {
    match fields.extended() {
        0 | 16 | 33 | 129 | 150 | 193 | 225 | 257 | 289 | 417 | 449 | 528 => Kind::Common,
        50 => Kind::Privileged(Privileged::Return),
        // rfmci, rfci.
        38 | 51 => Kind::Privileged(Privileged::Trap(TRAPS_KERNEL)),
        // rfdi.
        39 => Kind::Privileged(Privileged::Trap(OTHER_CORES)),
        _ => Kind::None,
    }
}

/// Primary opcode 31.
fn extended(fields: Fields) -> Kind {
    let privileged = match fields.extended() {
        83 => Privileged::Load {
            target: fields.target(),
            offset: guest::MSR,
        },
        163 if fields.0 & 0x8000 == 0 => Privileged::Disable,
        163 => Privileged::Enable,
        131 => Privileged::TakeEnable {
            source: fields.target(),
        },
        146 => Privileged::TakeState {
            source: fields.target(),
        },
        MFSPR if fields.supervisors() => read(fields),
        MTSPR if fields.supervisors() => written(fields),
        // tlbsync: there is one processor.
        566 => Privileged::Nop,
        // tlbwe, tlbre, tlbsx, tlbivax, dcbi.
        470 | 786 | 914 | 946 | 978 => Privileged::Trap(TRAPS_KERNEL),
        // dcbtstls, dcbtls, icblc, dcblc, icbtls.
        134 | 166 | 230 | 390 | 486 => Privileged::Trap(TRAPS_MONITOR),
        // tlbilx.
        18 => Privileged::Trap(OTHER_CORES),
        // mfpmr, mtpmr: the performance monitor is not the guest's.
        334 | 462 => Privileged::Unknown,
        other if is_common(other) => return Kind::Common,
        _ => return Kind::None,
    };
    Kind::Privileged(privileged)
}

/// The instructions with primary opcode 31 that user level has.
fn is_common(extended: u32) -> bool {
    // isel: the upper half is a bit of the condition register.
    extended & 31 == 15
        // Those that may note an overflow, which is the topmost bit.
        || matches!(
            extended & 0x1ff,
            8 | 10 | 40 | 104 | 136 | 138 | 200 | 202 | 232 | 234 | 235 | 266 | 459 | 491
        )
        || matches!(
            extended,
            // Comparisons, traps, products, conditions.
            0 | 4 | 11 | 19 | 32 | 75 | 144 | 512
            // Reservations.
            | 20 | 150
            // Loads and stores.
            | 23 | 55 | 87 | 119 | 151 | 183 | 215 | 247 | 279 | 311 | 343 | 375 | 407 | 439
            | 533 | 534 | 597 | 661 | 662 | 725 | 790 | 918
            // Logic and shifts.
            | 24 | 26 | 28 | 60 | 124 | 284 | 316 | 412 | 444 | 476 | 536 | 792 | 824 | 922 | 954
            // Caches, and the order of accesses.
            | 22 | 54 | 86 | 246 | 278 | 598 | 758 | 854 | 982 | 1014
            // User level's special-purpose registers, and its times.
            | MFSPR | MTSPR | 371
        )
}

/// Those of them that do something when they are written, or that nobody writes.
fn is_special_to_write(number: u32) -> bool {
    matches!(
        number,
        spr::TSR
            | spr::TCR
            | spr::DBSR
            | spr::MCSR
            | spr::PID
            | spr::MMUCSR0
            | spr::L1CSR0
            | spr::L1CSR1
            | spr::PVR
            | spr::SVR
            | spr::TLB0CFG
            | spr::TLB1CFG
            | spr::MMUCFG
            | spr::PIR
    )
}

/// `MCARU`, `MCAR`, `L1FINV0`, `L2CSR0`, `L2CSR1`, `PWRMGTCR0`: what Linux looks at on every member of the family.
fn is_monitors(number: u32) -> bool {
    matches!(number, 569 | 573 | 1016..=1019)
}

/// `DVC1` and `DVC2`, `TLB0PS` and `TLB1PS`, `DSRR0` and `DSRR1`, `L1CSR2`: of later cores.
fn is_other_cores(number: u32) -> bool {
    matches!(number, 318..=319 | 344..=345 | 574..=575 | 606)
}

fn read(fields: Fields) -> Privileged {
    match fields.special() {
        number if spr::is_kept(number) => Privileged::Load {
            target: fields.target(),
            offset: guest::register(number),
        },
        spr::DEC | spr::PID1 | spr::PID2 => Privileged::Trap(TRAPS_KERNEL),
        number if number == spr::EPR || is_monitors(number) => Privileged::Trap(TRAPS_MONITOR),
        number if is_other_cores(number) => Privileged::Trap(OTHER_CORES),
        _ => Privileged::Unknown,
    }
}

fn written(fields: Fields) -> Privileged {
    match fields.special() {
        spr::BUCSR => Privileged::Nop,
        number if is_special_to_write(number) => Privileged::Trap(TRAPS_KERNEL),
        number if spr::is_kept(number) => Privileged::Store {
            source: fields.target(),
            offset: guest::register(number),
        },
        spr::DEC | spr::PID1 | spr::PID2 => Privileged::Trap(TRAPS_KERNEL),
        // The timebase among them: it is the whole machine's.
        number if is_monitors(number) || matches!(number, 284..=285) => {
            Privileged::Trap(TRAPS_MONITOR)
        }
        number if is_other_cores(number) => Privileged::Trap(OTHER_CORES),
        _ => Privileged::Unknown,
    }
}

/// Whether nothing follows a word in time but where it leads: a branch without condition that keeps no way back, a return.
pub(crate) fn is_end(word: u32) -> bool {
    const ALWAYS: u32 = 0x0280_0000;
    let links = word & 1 != 0;
    match (word >> 26, word >> 1 & 0x3ff) {
        (18, _) => !links,
        (16, _) | (19, 16 | 528) => word & ALWAYS == ALWAYS && !links,
        (19, 38 | 39 | 50 | 51) => true,
        _ => false,
    }
}

/// Where a branch leads that stands at an address, if it says so itself.
pub(crate) fn branch_target(address: u32, word: u32) -> Option<u32> {
    let extended = |bits: u32, mask: u32| {
        let unused = 32 - bits;
        ((word & mask) << unused).cast_signed() >> unused
    };
    let displacement = match word >> 26 {
        16 => extended(16, 0xfffc),
        18 => extended(26, 0x03ff_fffc),
        _ => return None,
    };
    let base = if word & 2 != 0 { 0 } else { address };
    Some(base.wrapping_add_signed(displacement))
}

/// `lwz`, from the register page.
pub(crate) fn load(target: u32, offset: u32) -> u32 {
    32 << 26 | target << 21 | page(offset)
}

/// `stw`, to the register page.
pub(crate) fn store(source: u32, offset: u32) -> u32 {
    36 << 26 | source << 21 | page(offset)
}

/// The displacement from address 0 of a word of the register page, which is the topmost one.
fn page(offset: u32) -> u32 {
    guest::PAGE.wrapping_add(offset) & 0xffff
}

/// A branch from an address to another, if it is near enough.
pub(crate) fn branch(from: u32, to: u32) -> Option<u32> {
    let displacement = to.wrapping_sub(from).cast_signed();
    let reach = -0x0200_0000..0x0200_0000;
    (reach.contains(&displacement) && displacement & 3 == 0)
        .then_some(18 << 26 | displacement.cast_unsigned() & 0x03ff_fffc)
}
