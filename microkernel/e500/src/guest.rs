//! The short ways of guests: what is so frequent that it does not leave the entry code.
//!
//! * A **system call** of a guest's process: to its kernel's vector, as hardware would go.
//! * A **return** of a rewritten guest's kernel ([`cofferdam_abi::guest::stub::RETURN`]).
//! * A **miss** of a rewritten guest's: the page tables that its kernel keeps are walked, two levels, and the page becomes
//!   real. Its kernel hears nothing of it.
//! * An **access** of such a kernel's to a device that its monitor has foreseen ([`cofferdam_abi::guest::FORESEEN`]), by the instructions that
//!   Linux has for that.
//!
//! Each begins with the context in r12 and three or four registers to work with, and either ends in `rfi` or has changed nothing and takes
//! the long way, which is the only one for whoever is no guest. What they need to know stands in the guest's context
//! ([`ShortWays`]); a word that is 0 there switches a short way off.
//!
//! Everything that is read from the guest's memory is the guest's word for it: an address of it is used when it lies in the guest's
//! memory, aligned, and for nothing else; what becomes real is a page of that memory, for user level, tagged as the guest's.

use cofferdam_abi::guest::{MSR, foreseen, register, spr};
use cofferdam_abi::space;
use cofferdam_core::{Found, Levels};
use cofferdam_tables::{Guest, mas};

use crate::context::{CR, Context};
use crate::spr::{MAS1, MAS3, mfspr, mtspr};

/// What the short ways know of a guest, in its context.
#[derive(Default)]
#[repr(C)]
pub(crate) struct ShortWays {
    /// Its register page, where the kernel has it.
    page: u32,
    /// The same; 0: there is no short way back.
    returns: u32,
    /// Tags, as the registers take them: see [`Levels`].
    large: u32,
    kernel: u32,
    user: u32,
    /// The second word of the first entry of its kernel's page table: a guest-physical address. 0: nothing is walked.
    table: u32,
    /// What leads from SPRG3 to the guest-physical address of the word that says where the process's page table is.
    process_table: u32,
    /// Where the guest's kernel has guest-physical address 0, and 4 less.
    linear: u32,
    linear_less_4: u32,
    /// The bytes of its memory.
    limit: u32,
    /// Where the kernel has its memory.
    window: u32,
    /// Where that is.
    physical: u32,
    /// Room for a word.
    scratch: u32,
    /// What `returns` and `table` are while they are not switched off.
    own_returns: u32,
    own_table: u32,
}

impl ShortWays {
    pub(crate) fn new(guest: &Guest) -> Self {
        let page = space::kernel::RAM.wrapping_add(guest.page);
        let own = &guest.paravirtual;
        let walks = own.kernel_table != 0;
        Self {
            process_table: own.process_table.wrapping_sub(own.linear),
            linear: own.linear,
            linear_less_4: own.linear.wrapping_sub(4),
            limit: guest.memory_bytes,
            window: space::kernel::RAM.wrapping_add(guest.memory),
            physical: guest.memory,
            page,
            own_returns: if own.stubs_end != 0 { page } else { 0 },
            own_table: if walks {
                own.kernel_table.wrapping_sub(own.linear).wrapping_add(4)
            } else {
                0
            },
            ..Self::default()
        }
    }

    /// The tag beside that of the process, at each level: of one that has none of them 0.
    pub(crate) fn second_tag(&self, at_user_level: bool) -> u32 {
        if at_user_level { self.user } else { self.large }
    }

    pub(crate) fn set(&mut self, levels: &Levels) {
        let on = |own: u32, on: bool| if on { own } else { 0 };
        self.returns = on(self.own_returns, levels.short);
        self.table = on(self.own_table, levels.walks);
        self.large = levels.large.into();
        self.kernel = levels.kernel.into();
        self.user = levels.user.into();
    }
}

const fn short(offset: usize) -> usize {
    core::mem::offset_of!(Context, short_ways) + offset
}

const PID2: usize = core::mem::offset_of!(Context, pid2);

/// BUCSR\[BBFI\] and \[BPEN\]: forget what branches did before, go on predicting (e500 core reference manual, section 2.9).
const FLUSH_BRANCHES: u32 = 0x201;

core::arch::global_asm!(
    r#"
    .section .vectors, "ax"

# r10 to r12 and CR may be used from here on: r12 is the context.
.macro SHORT_ENTRY
    mtspr 273, 12
    mfspr 12, 272
    stw 10, 40(12)
    stw 11, 44(12)
    mfcr 10
    stw 10, {CR}(12)
.endm

.macro RESTORE_SHORT
    lwz 10, {CR}(12)
    lwz 11, 44(12)
    mtcrf 0xff, 10
    lwz 10, 40(12)
.endm

.macro SHORT_EXIT
    RESTORE_SHORT
    mfspr 12, 273
    rfi
.endm

# Looks from the place behind r10 on for the access in r4, before which no store has to come. r10 is its place then.
.macro FIND_FORESEEN found
.rept {PLACES}
    lwzu 5, {PLACE}(10)
    cmplw 5, 4
    beq \found
    andi. 6, 5, {STORE}
    bne 6f
.endr
    b 6f
.endm

# As if nothing had been done.
.macro LONG_WAY number
    RESTORE_SHORT
    stmw 0, 0(12)
    mfspr 11, 273
    stw 11, 48(12)
    li 5, \number
    b enter
.endm

# `sc`. Bits 14, 19 and 22 are what an interrupt leaves of MSR: CE, ME, DE (EREF, section 5.3).
    .balign 16
    .globl vector_8_guest
vector_8_guest:
    SHORT_ENTRY
    lwz 10, {PID2}(12)
    lwz 11, {PAGE}(12)
    cmplwi 10, 0
    bne 1f
    mfspr 10, 26
    stw 10, {SRR0}(11)
    lwz 10, {GUEST_MSR}(11)
    stw 10, {SRR1}(11)
    rlwinm 10, 10, 0, 14, 22
    rlwinm 10, 10, 0, 19, 14
    rlwinm 10, 10, 0, 22, 19
    stw 10, {GUEST_MSR}(11)
    lwz 10, {IVOR8}(11)
    lwz 11, {IVPR}(11)
    rlwimi 11, 10, 0, 16, 27
    mtspr 26, 11
    lwz 10, {LARGE}(12)
    lwz 11, {KERNEL}(12)
    mtspr 633, 10
    mtspr 634, 11
    stw 11, {PID2}(12)
    li 10, {FLUSH_BRANCHES}
    mtspr 1013, 10
    SHORT_EXIT
# The same when the short way is closed.
    .balign 16
    .globl vector_8_closed
vector_8_closed:
    SHORT_ENTRY
1:  LONG_WAY 8

# An instruction of the SPE: of a rewritten guest's kernel it is a return. An address space other than 0 (bit 26), and interrupts that become
# enabled (bit 16) while one is pending, take the long way. Bit 17: to a process.
    .balign 16
    .globl vector_32_guest
vector_32_guest:
    SHORT_ENTRY
    lwz 10, {PID2}(12)
    lwz 11, {RETURNS}(12)
    cmplwi 10, 0
    cmplwi 1, 11, 0
    beq 1f
    beq 1, 1f
    lwz 10, {SRR1}(11)
    mtcrf 0x0f, 10
    bt 26, 1f
    bf 16, 2f
    lwz 10, {ASKS}(11)
    cmplwi 10, 0
    bne 1f
    lwz 10, {SRR1}(11)
2:  stw 10, {GUEST_MSR}(11)
    bf 17, 3f
    lwz 10, {USER}(12)
    mtspr 633, 10
    li 10, 0
    mtspr 634, 10
    stw 10, {PID2}(12)
3:  lwz 11, {SRR0}(11)
    mtspr 26, 11
    SHORT_EXIT
1:  LONG_WAY 32

# A miss. Bit 8 of CR: of a fetch. The hardware has put the victim into MAS0; the page, the process's tag and the rest into MAS1 and
# MAS2, by MAS4; and 0 into MAS7 (EREF, table 6-6).
    .balign 16
    .globl vector_14_guest
vector_14_guest:
    SHORT_ENTRY
    stw 9, 36(12)
    mfspr 10, 26
    crset 8
    b walk
    .balign 16
    .globl vector_13_guest
vector_13_guest:
    SHORT_ENTRY
    stw 9, 36(12)
    mfspr 10, 61
    crclr 8
walk:
    lwz 11, {TABLE}(12)
    lwz 9, {LINEAR}(12)
    cmplwi 11, 0
    beq 9f
    cmplw 1, 10, 9
    bge 1, 1f
# A process's address: SPRG3 points to what has a pointer to the first level.
    lwz 11, {PAGE}(12)
    lwz 9, {PROCESS_TABLE}(12)
    lwz 11, {SPRG3}(11)
    add 11, 11, 9
    lwz 9, {LIMIT}(12)
    rlwinm 11, 11, 0, 0, 29
    cmplw 11, 9
    bge 9f
    lwz 9, {WINDOW}(12)
    lwzx 11, 11, 9
    lwz 9, {LINEAR_LESS_4}(12)
    subf 11, 9, 11
# The first level: doublewords, whose second word points to the second.
1:  rlwinm 9, 10, 14, 18, 28
    add 11, 11, 9
    lwz 9, {LIMIT}(12)
    rlwinm 11, 11, 0, 0, 29
    cmplw 11, 9
    bge 9f
    lwz 9, {WINDOW}(12)
    lwzx 11, 11, 9
# The second: 512 doublewords.
    rlwinm 9, 10, 23, 20, 28
    rlwimi 9, 11, 0, 0, 19
    lwz 11, {LINEAR}(12)
    lwz 10, {LIMIT}(12)
    subf 9, 11, 9
    cmplw 9, 10
    bge 9f
    lwz 11, {WINDOW}(12)
    add 9, 9, 11
    lwz 11, 4(9)
    lwz 9, 0(9)
# Present and used before; readable at the guest's kernel's level, or executable at the level of the address.
    lis 10, 4
    bt 8, 2f
    ori 10, 10, 5
3:  andc. 10, 10, 11
    bne 9f
# The page: in the guest's memory, or a device's.
    cmplwi 9, 0xfff
    bgt 9f
    rlwinm 9, 9, 20, 0, 11
    rlwimi 9, 11, 20, 12, 19
    lwz 10, {LIMIT}(12)
    cmplw 9, 10
    bge device
    lwz 10, {PHYSICAL}(12)
    add 9, 9, 10
# The rights, as MAS3 has them; none to write before the page was written.
    rlwinm 10, 11, 30, 26, 31
    andi. 11, 11, 0x1000
    bne 4f
    rlwinm 10, 10, 0, 30, 27
4:  bge 1, 5f
# Of a process: what its kernel may, it may.
    slwi 11, 10, 1
    andc 11, 11, 10
    andi. 11, 11, 0x2a
    bne 9f
    andi. 10, 10, 0x2a
6:  or 9, 9, 10
    mtspr 627, 9
    isync
    tlbwe
    lwz 9, 36(12)
    SHORT_EXIT
# Of the kernel, at its level alone, with its tag.
5:  andi. 11, 10, 0x2a
    lwz 11, {PID2}(12)
    bne 9f
    cmplwi 11, 0
    beq 9f
    slwi 10, 10, 1
    or 9, 9, 10
    mfspr 10, 625
    rlwimi 10, 11, 16, 8, 15
    mtspr 625, 10
    li 10, 0
    b 6b
2:  ori 10, 10, 0x81
    blt 1, 3b
    xori 10, 10, 0xc0
    b 3b
9:  lwz 9, 36(12)
    bt 8, 8f
    LONG_WAY 13
8:  LONG_WAY 14

# A device's page, in r9, by the entry of the page table in r11: a word of its registers, by the guest's kernel, and no fetch. Its
# lowest bit says from here on whether the page may be written, which an entry says twice.
    .globl device
device:
    bt 8, 9b
    blt 1, 9b
    lwz 10, {PID2}(12)
    cmplwi 10, 0
    beq 9b
    mfspr 10, 61
    rlwimi 9, 10, 0, 20, 31
    andi. 10, 9, 3
    bne 9b
    rlwinm 10, 11, 20, 31, 31
    rlwinm 11, 11, 28, 31, 31
    and 10, 10, 11
    or 9, 9, 10
    stw 9, {SCRATCH}(12)
    lwz 9, 36(12)
    RESTORE_SHORT
    stmw 0, 0(12)
    mfspr 11, 273
    stw 11, 48(12)
# All registers are saved. The instruction, from the image of memory: r8. The place of its first register: r7. The access: r4.
    mfspr 10, 26
    lwz 8, {LINEAR}(12)
    lwz 7, {LIMIT}(12)
    subf 8, 8, 10
    cmplw 8, 7
    bge 6f
    lwz 6, {WINDOW}(12)
    lwzx 8, 8, 6
    lwz 9, {SCRATCH}(12)
    lwz 11, {PAGE}(12)
    addi 10, 11, {FORESEEN} - {PLACE}
    rlwinm 7, 8, 13, 25, 29
    rlwinm 5, 8, 6, 26, 31
    rlwinm 4, 9, 0, 0, 29
    cmplwi 5, 36
    beq 1f
    cmplwi 5, 31
    bne 6f
    rlwinm 5, 8, 0, 21, 30
    cmplwi 5, 2 * 534
    beq 4f
    cmplwi 5, 2 * 662
    bne 6f
# `stwbrx` and `stw`: the store that is next, of the value in r3.
    lwbrx 3, 7, 12
    b 2f
1:  lwzx 3, 7, 12
2:  andi. 5, 9, 1
    beq 6f
    lwz 5, {EXTERNAL}(11)
    cmplwi 5, 0
    bne 6f
    ori 4, 4, {STORE}
    FIND_FORESEEN 3f
3:  lwz 5, 4(10)
    cmplw 5, 3
    bne 6f
    addi 8, 11, {FORESEEN}
    li 5, 0
.rept {PLACES}
    stw 5, 0(10)
    cmplw 10, 8
    beq 5f
    addi 10, 10, -{PLACE}
.endr
# `lwbrx`: what was foreseen for it.
4:  ori 4, 4, {LOAD}
    FIND_FORESEEN 7f
7:  li 5, 4
    lwbrx 3, 10, 5
    stwx 3, 7, 12
5:  mfspr 10, 26
    addi 10, 10, 4
    mtspr 26, 10
    lwz 6, {CR}(12)
    mtcrf 0xff, 6
    mr 1, 12
    lwz 0, 0(1)
    lmw 2, 8(1)
    lwz 1, 4(1)
    rfi
6:  lwz 11, {CR}(12)
    mtcrf 0xff, 11
    li 5, 13
    b enter
    .text
    "#,
    CR = const CR,
    PID2 = const PID2,
    PAGE = const short(core::mem::offset_of!(ShortWays, page)),
    RETURNS = const short(core::mem::offset_of!(ShortWays, returns)),
    LARGE = const short(core::mem::offset_of!(ShortWays, large)),
    KERNEL = const short(core::mem::offset_of!(ShortWays, kernel)),
    USER = const short(core::mem::offset_of!(ShortWays, user)),
    TABLE = const short(core::mem::offset_of!(ShortWays, table)),
    PROCESS_TABLE = const short(core::mem::offset_of!(ShortWays, process_table)),
    LINEAR = const short(core::mem::offset_of!(ShortWays, linear)),
    LINEAR_LESS_4 = const short(core::mem::offset_of!(ShortWays, linear_less_4)),
    LIMIT = const short(core::mem::offset_of!(ShortWays, limit)),
    WINDOW = const short(core::mem::offset_of!(ShortWays, window)),
    PHYSICAL = const short(core::mem::offset_of!(ShortWays, physical)),
    GUEST_MSR = const MSR,
    SRR0 = const register(spr::SRR0),
    SRR1 = const register(spr::SRR1),
    IVPR = const register(spr::IVPR),
    IVOR8 = const register(spr::IVOR0 + 8),
    SPRG3 = const register(275),
    ASKS = const cofferdam_abi::guest::ASKS,
    SCRATCH = const short(core::mem::offset_of!(ShortWays, scratch)),
    EXTERNAL = const cofferdam_abi::guest::EXTERNAL,
    FORESEEN = const cofferdam_abi::guest::FORESEEN,
    PLACE = const foreseen::BYTES,
    PLACES = const foreseen::PLACES,
    LOAD = const foreseen::LOAD,
    STORE = const foreseen::STORE,
    FLUSH_BRANCHES = const FLUSH_BRANCHES,
);

unsafe extern "C" {
    static vector_8_guest: u32;
    static vector_8_closed: u32;
    static vector_13_guest: u32;
    static vector_14_guest: u32;
    static vector_32_guest: u32;
}

fn offset(vector: *const u32) -> u32 {
    vector.addr() as u32 & 0xffff
}

/// Where the `sc` of a guest leads, from the vectors on.
pub(crate) fn syscall_offset(short: bool) -> u32 {
    if short {
        offset(&raw const vector_8_guest)
    } else {
        offset(&raw const vector_8_closed)
    }
}

/// Has misses and instructions of the SPE go the short ways, and misses prepare pages of 4 KiB in coherent memory.
pub(crate) fn install() {
    // SAFETY: these vectors do for everybody what those did that they take the place of; MAS4 is the kernel's alone.
    unsafe {
        mtspr!(413, offset(&raw const vector_13_guest));
        mtspr!(414, offset(&raw const vector_14_guest));
        mtspr!(528, offset(&raw const vector_32_guest));
        mtspr!(628, 1 << 8 | mas::MAS2_COHERENT);
    }
}

/// What a guest's processes have taught the branch unit is nothing that its kernel should follow: each entry of its kernel
/// from them begins with this, so a rewritten kernel need not do it.
pub(crate) fn flush_branches() {
    // SAFETY: a prediction changes no result.
    unsafe { mtspr!(1013, FLUSH_BRANCHES) }
}

/// Removes the page of an effective address from TLB0, whatever its tag (e500 core reference manual, section 12.4: `tlbivax`
/// compares neither tag nor address space).
pub(crate) fn forget_page(effective: u32) {
    // SAFETY: the kernel's own entries are protected, and in TLB1.
    unsafe {
        core::arch::asm!("tlbivax 0, {0}", "isync", in(reg) effective & 0xffff_f000, options(nostack, preserves_flags));
    }
}

/// Looks for a page of address space 1.
pub(crate) fn find_page(tag: u8, effective: u32) -> Option<Found> {
    const SEARCH_SPACE_1: u32 = 1;
    // SAFETY: a search changes the MAS registers alone, which nobody relies on.
    unsafe {
        mtspr!(630, u32::from(tag) << 16 | SEARCH_SPACE_1);
        core::arch::asm!("isync", "tlbsx 0, {0}", in(reg) effective, options(nostack, preserves_flags));
    }
    let (mas0, mas1) = (mfspr!(624), mfspr!(MAS1));
    let is_page = mas1 & mas::MAS1_VALID != 0 && mas0 & mas::MAS0_TLB1 == 0;
    is_page.then(|| Found {
        way: (mas0 >> 16 & 3) as u8,
        mas3: mfspr!(MAS3),
    })
}
