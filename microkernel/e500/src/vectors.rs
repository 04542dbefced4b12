//! Entry and exit: the vectors, and the way back.
//!
//! What is called from here is defined by the kernel's binary: `hypercall_handlers`, the table of the handlers by number;
//! `kernel_hypercall(state)` for a token that is not in it; `kernel_exception(context, vector)`;
//! `kernel_decide(state) -> context`, which says who goes on; `kernel_died(context, vector) -> !`.

use cofferdam_abi::health::{Error, Exception};
use cofferdam_abi::hypercall::{Hypercall, VENDOR};
use cofferdam_core::{Attention, Fault};

use crate::context::{CR, CTR, Context, LR, MSR_PARTITION, PC, PID, SPEFSCR, USPRG0, XER};
use crate::spr::{DEAR, ESR, SPRG0, mfspr, mtspr};

core::arch::global_asm!(
    r#"
    .section .vectors, "ax"

# Every vector but that of `sc`: all registers into the context. r12 through SPRG1.
.macro VECTOR number
    .balign 16
    .globl vector_\number
vector_\number:
    mtspr 273, 12
    mfspr 12, 272
    stmw 0, 0(12)
    mfspr 11, 273
    stw 11, 48(12)
    li 4, \number
    b enter
.endm

    VECTOR 0
    VECTOR 2
    VECTOR 3
    VECTOR 4
    VECTOR 5
    VECTOR 6
    VECTOR 7
    VECTOR 9
    VECTOR 10
    VECTOR 11
    VECTOR 12
    VECTOR 13
    VECTOR 14
    VECTOR 32
    VECTOR 33
    VECTOR 34
    VECTOR 35

# A machine check and a debug exception leave their return address in other registers (EREF, 5.7). The kernel enables
# neither for partitions that it could return to, so both are the end.
    .balign 16
    .globl vector_1
vector_1:
    mtspr 273, 12
    mfspr 12, 272
    stmw 0, 0(12)
    mfspr 11, 570
    stw 11, {PC}(12)
    li 4, 1
    b died
    .balign 16
    .globl vector_15
vector_15:
    mtspr 273, 12
    mfspr 12, 272
    stmw 0, 0(12)
    mfspr 11, 58
    stw 11, {PC}(12)
    li 4, 15
    b died

enter:
    mfcr 11
    stw 11, {CR}(12)
    mfxer 11
    stw 11, {XER}(12)
    mfctr 11
    stw 11, {CTR}(12)
    mflr 11
    stw 11, {LR}(12)
    mfspr 11, 26
    stw 11, {PC}(12)
    mfspr 11, 27
    andi. 11, 11, 0x4000
    beq from_kernel
    mr 3, 12
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    bl kernel_exception
    mfspr 3, 274
    bl kernel_decide
# r3: the context to resume, all of it.
    .globl resume_context
resume_context:
    mtspr 272, 3
    lwz 4, {PC}(3)
    mtspr 26, 4
    lis 4, {MSR}@h
    ori 4, 4, {MSR}@l
    mtspr 27, 4
    lwz 5, {CR}(3)
    mtcrf 0xff, 5
    lwz 6, {XER}(3)
    mtxer 6
    lwz 7, {CTR}(3)
    mtctr 7
    lwz 8, {LR}(3)
    mtlr 8
    lwz 0, 0(3)
    lwz 1, 4(3)
    lwz 2, 8(3)
    lmw 4, 16(3)
    lwz 3, 12(3)
    rfi

# `sc`: a hypercall. SPRG2 is the state of the core, whose first word says, not 0, that the caller is not simply resumed.
# Then nothing but the caller's general registers has to come back: what a hypercall loses may have any value
# but one of the kernel's.
    .balign 16
    .globl vector_8
vector_8:
    mtspr 273, 12
    mfspr 12, 272
    stmw 0, 0(12)
    mfspr 10, 273
    stw 10, 48(12)
    mfspr 10, 26
    stw 10, {PC}(12)
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    mfspr 3, 274
    addis 11, 11, -{VENDOR}
    cmplwi 11, {CALLS}
    bge 1f
    slwi 11, 11, 2
    addis 11, 11, hypercall_handlers@ha
    lwz 11, hypercall_handlers@l(11)
    mtctr 11
    bctrl
2:  mfspr 3, 274
    mfspr 1, 272
    lwz 3, 0(3)
    cmpwi 3, 0
    bne 3f
    li 0, 0
    mtlr 0
    mtctr 0
    lmw 3, 12(1)
    lwz 1, 4(1)
    rfi
1:  bl kernel_hypercall
    b 2b
# The caller is not simply resumed: the processor went to another partition that is in a hypercall too, or somebody has
# to decide. r1: the caller's context.
3:  cmpwi 3, {SWITCHED}
    mfspr 4, 274
    bne 4f
    lwz 3, 4(4)
    lwz 6, {PID}(3)
    li 0, 0
    stw 0, 0(4)
    mfspr 7, 256
    stw 7, {USPRG0}(1)
    mfspr 8, 512
    stw 8, {SPEFSCR}(1)
    lwz 7, {USPRG0}(3)
    mtspr 256, 7
    lwz 8, {SPEFSCR}(3)
    mtspr 512, 8
    mtspr 48, 6
    mtspr 272, 3
    lwz 4, {PC}(3)
    mtspr 26, 4
    mtlr 0
    mtctr 0
    lwz 2, 8(3)
    mr 1, 3
    lmw 3, 12(1)
    lwz 1, 4(1)
    rfi
4:  lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    mr 3, 4
    bl kernel_decide
    b resume_context

# An interrupt in kernel mode is only expected while it waits: the context is then the one set aside for that. Going on
# is a return from the function that waits, its result the vector: an exception has left EE and WE clear.
from_kernel:
    lis 3, waiting_context@ha
    addi 3, 3, waiting_context@l
    cmplw 3, 12
    bne died
    cmplwi 4, 10
    beq 1f
    cmplwi 4, 4
    bne died
1:  mr 3, 4
    lwz 4, 16(12)
    mtspr 272, 4
    lwz 5, {LR}(12)
    mtlr 5
    blr

died:
    mr 3, 12
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    bl kernel_died

# r3: 0 to let an interrupt in that is there, 1 to sleep until there is one, 2 to stay awake until there is one. Gives
# the vector, or zero.
    .globl wait_for_interrupt
wait_for_interrupt:
    mfspr 4, 272
    lis 5, waiting_context@ha
    addi 5, 5, waiting_context@l
    mtspr 272, 5
    mflr 6
    cmplwi 3, 0
    mfmsr 7
    ori 7, 7, 0x8000
    beq 2f
    cmplwi 3, 2
    beq 3f
    oris 7, 7, 0x0004
    msync
3:  mtmsr 7
    isync
1:  b 1b
2:  mtmsr 7
    isync
    wrteei 0
    mtspr 272, 4
    li 3, 0
    blr

    .section .bss
    .balign 16
waiting_context:
    .space 256
    .text
    "#,
    PC = const PC,
    CR = const CR,
    XER = const XER,
    CTR = const CTR,
    LR = const LR,
    MSR = const MSR_PARTITION,
    VENDOR = const VENDOR,
    CALLS = const Hypercall::ALL.len(),
    SWITCHED = const Attention::Switched as u32,
    USPRG0 = const USPRG0,
    SPEFSCR = const SPEFSCR,
    PID = const PID,
);

unsafe extern "C" {
    fn resume_context(context: *mut Context) -> !;
}

/// Resumes a vCPU from the kernel's start.
///
/// # Safety
/// `context` is that of a partition, stays valid, and is not touched by anybody else while the partition runs.
pub unsafe fn resume(context: *mut Context) -> ! {
    // SAFETY: by this function's own contract; the kernel's stack is abandoned, and nothing on it is used again.
    unsafe { resume_context(context) }
}

/// What an exception vector means for the partition that ran.
pub fn exception_fault(vector: u32, context: &Context) -> Fault {
    let syndrome = mfspr!(ESR);
    let data = mfspr!(DEAR);
    let (exception, error, address) = match vector {
        2 => (Exception::DataStorage, Error::MemoryViolation, data),
        3 => (
            Exception::InstructionStorage,
            Error::MemoryViolation,
            context.pc,
        ),
        5 => (Exception::Alignment, Error::Alignment, data),
        6 => (Exception::Program, program_error(syndrome), context.pc),
        7 => (
            Exception::FloatingPointUnavailable,
            Error::IllegalInstruction,
            context.pc,
        ),
        13 => (Exception::DataTlbError, Error::MemoryViolation, data),
        14 => (
            Exception::InstructionTlbError,
            Error::MemoryViolation,
            context.pc,
        ),
        _ => (
            Exception::SpeUnavailable,
            Error::IllegalInstruction,
            context.pc,
        ),
    };
    // ESR is not written by an alignment or unavailable exception (EREF, table 5-2): what is there is old.
    let syndrome = if matches!(vector, 2 | 3 | 6 | 13 | 14) {
        syndrome
    } else {
        0
    };
    Fault {
        exception,
        error,
        address,
        syndrome,
    }
}

/// The syndrome of a program interrupt (EREF, section 2.6.5: ESR\[PIL\], \[PPR\], \[PTR\]).
fn program_error(syndrome: u32) -> Error {
    const PRIVILEGED: u32 = 0x0400_0000;
    const TRAP: u32 = 0x0200_0000;
    if syndrome & PRIVILEGED != 0 {
        Error::PrivilegedInstruction
    } else if syndrome & TRAP != 0 {
        Error::Trap
    } else {
        Error::IllegalInstruction
    }
}

/// Makes the registers that user mode can write, and that no entry saves, those of another vCPU.
///
/// # Safety
/// Both are contexts of partitions; `to` is resumed next.
#[inline]
unsafe fn switch_user_registers(from: Option<&mut Context>, to: &Context) {
    if let Some(from) = from {
        from.usprg0 = mfspr!(256);
        from.spefscr = mfspr!(512);
    }
    // SAFETY: these registers belong to user mode, and the kernel does not use them.
    unsafe {
        mtspr!(256, to.usprg0);
        mtspr!(512, to.spefscr);
    }
}

/// The context whose partition runs, as the entry code knows it.
fn running_context() -> *mut Context {
    mfspr!(SPRG0) as *mut Context
}

unsafe extern "C" {
    /// Set aside for exceptions in kernel mode; never read as a context.
    static mut waiting_context: Context;
}

/// Tells the entry code where the state of the core is.
///
/// # Safety
/// `state` is what the handlers of hypercalls take, at a place where it stays; its first two words are its
/// `attention` and `switched_to`. Called once, before any partition runs.
pub unsafe fn set_state(state: *mut ()) {
    // SAFETY: the kernel alone uses this register, and user mode cannot see it.
    unsafe { mtspr!(274, state.addr()) }
}

/// No vCPU's registers are in the core any more.
///
/// # Safety
/// The context resumed next is loaded whole: [`switch_to`] comes first.
pub unsafe fn abandon() {
    // SAFETY: the entry code may use this context at any time.
    unsafe { mtspr!(SPRG0, (&raw mut waiting_context).addr()) }
}

/// Makes `to` the vCPU whose user-mode registers and translations are in the core.
///
/// # Safety
/// `to` is the context of a partition, and is resumed next.
#[inline]
pub unsafe fn switch_to(to: *mut Context) {
    let from = running_context();
    if from == to {
        return;
    }
    let waiting = core::ptr::eq(from, &raw const waiting_context);
    // SAFETY: both are contexts, and no reference into either is live: the caller holds only `to` as a pointer.
    unsafe {
        switch_user_registers((!waiting).then(|| &mut *from), &*to);
        mtspr!(crate::spr::PID0, (*to).pid);
    }
}
