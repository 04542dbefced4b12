//! Entry and exit: the vectors, and the way back.
//!
//! What is called from here is defined by the kernel's binary: `hypercall_handlers`, the table of the handlers by number;
//! `kernel_hypercall(state)` for what is not done with that; `kernel_exception(state, context, vector) -> context`,
//! `kernel_interrupt(state) -> context` and `kernel_timer(state) -> context`, which say who goes on, as
//! `kernel_decide(state) -> context` does; `kernel_died(context, vector) -> !`.
//!
//! The kernel runs with interrupts off, but where it waits. While it waits, the vectors of the external interrupt and of the
//! decrementer are not those that save a partition's registers ([`crate::time`]); the wait is over then, and forgotten
//! together with the kernel's stack. So an exception in kernel mode that does come here is the kernel's own failure.

use cofferdam_abi::health::{Error, Exception};
use cofferdam_abi::hypercall::{Hypercall, VENDOR};
use cofferdam_core::{Ending, Fault};

use crate::context::{CR, CTR, Context, LR, MSR, PC, PID, RESERVATION, XER};
use crate::spr::{DEAR, ESR, SPRG0, mfspr, mtspr};

core::arch::global_asm!(
    r#"
    .section .vectors, "ax"

# All registers into the context; r12 through SPRG1.
.macro SAVE
    mtspr 273, 12
    mfspr 12, 272
    stmw 0, 0(12)
    mfspr 11, 273
    stw 11, 48(12)
.endm

# Those that C code may lose.
.macro SAVE_REST
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
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    mfspr 3, 274
.endm

.macro VECTOR number
    .balign 16
    .globl vector_\number
vector_\number:
    SAVE
    li 5, \number
    b enter
.endm

    .balign 16
    .globl vector_4
vector_4:
    SAVE
    b enter_interrupt

    .balign 16
    .globl vector_10
vector_10:
    SAVE
    b enter_timer

    VECTOR 0
    VECTOR 2
    VECTOR 3
    VECTOR 5
    VECTOR 6
    VECTOR 7
    VECTOR 9
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
    SAVE
    mfspr 11, 570
    stw 11, {PC}(12)
    li 5, 1
    b died
    .balign 16
    .globl vector_15
vector_15:
    SAVE
    mfspr 11, 58
    stw 11, {PC}(12)
    li 5, 15
    b died

# While the kernel waits, these stand in for the vectors above. An exception has left EE and WE clear.
    .balign 16
    .globl vector_4_waiting
vector_4_waiting:
    b woken_by_device
    .balign 16
    .globl vector_10_waiting
vector_10_waiting:
    b woken_by_timer
    .balign 16
    .globl vector_10_window
vector_10_window:
    mtspr 336, 8
    mfspr 5, 268
    li 6, vector_10@l
    mtspr 410, 6
    subf 3, 3, 5
    blr

woken_by_device:
    bl end_of_wait
    bl kernel_interrupt
    b resume_context
woken_by_timer:
    bl end_of_wait
    bl kernel_timer
    b resume_context
end_of_wait:
    li 5, vector_4@l
    mtspr 404, 5
    li 5, vector_10@l
    mtspr 410, 5
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    mfspr 3, 274
    blr

enter_timer:
    SAVE_REST
    bl kernel_timer
    b resume_context

enter_interrupt:
    SAVE_REST
    bl kernel_interrupt
    b resume_context

    .globl enter
enter:
    SAVE_REST
    mfspr 11, 27
    andi. 11, 11, 0x4000
    beq died
    mr 4, 12
    bl kernel_exception
# r3: the context to resume, all of it. No reservation outlives the interrupt: what the kernel stored meanwhile may be in the
# same word (EREF, section 3.3.1.7). The ways out of `sc` leave that out: nobody calls between `lwarx` and `stwcx.`. So do the short ways of
# guests: what they store is in the guest's own register page.
    .globl resume_context
resume_context:
    mtspr 272, 3
    mr 1, 3
    addi 4, 3, {RESERVATION}
    stwcx. 4, 0, 4
    lwz 4, {PC}(1)
    mtspr 26, 4
    lwz 5, {MSR}(1)
    mtspr 27, 5
    lwz 6, {CR}(1)
    mtcrf 0xff, 6
    lwz 7, {XER}(1)
    mtxer 7
    lwz 8, {CTR}(1)
    mtctr 8
    lwz 9, {LR}(1)
    mtlr 9
    lwz 0, 0(1)
    lmw 2, 8(1)
    lwz 1, 4(1)
    rfi

# `sc`: a hypercall. r12, XER, CTR and LR are lost: cleared, so that no value of the kernel's is left. CR is kept, for
# compilers know of no way to say that all of it is lost. The handler says, in r3, whether the caller is simply resumed.
    .balign 16
    .globl vector_8
vector_8:
    mfspr 12, 272
    stmw 0, 0(12)
    li 10, 0
    stw 10, 48(12)
    mfspr 10, 26
    stw 10, {PC}(12)
    mfcr 10
    stw 10, {CR}(12)
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    mfspr 3, 274
    addis 11, 11, -{VENDOR}
    cmplwi 11, {CALLS}
    bge 2f
    slwi 11, 11, 2
    addis 11, 11, hypercall_handlers@ha
    lwz 11, hypercall_handlers@l(11)
    mtctr 11
    bctrl
1:  cmplwi 3, {DECIDE}
    mfspr 1, 272
    bge 3f
    lwz 4, {CR}(1)
    mtcrf 0xff, 4
    li 0, 0
    mtlr 0
    mtctr 0
    mtxer 0
    lmw 3, 12(1)
    lwz 1, 4(1)
    rfi
2:  mfspr 3, 274
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    bl kernel_hypercall
    b 1b
# To another partition that is in a hypercall too: r3 is its context.
3:  beq 4f
    cmplwi 3, {AT_LENGTH}
    beq 2b
    lwz 6, {PID}(3)
    li 0, 0
    mtspr 256, 0
    mtspr 512, 0
    mtspr 48, 6
    mtspr 272, 3
    lwz 4, {PC}(3)
    mtspr 26, 4
    lwz 5, {CR}(3)
    mtcrf 0xff, 5
    mtlr 0
    mtctr 0
    mtxer 0
    mr 1, 3
    lmw 2, 8(1)
    lwz 1, 4(1)
    rfi
# Somebody has to decide.
4:  mfspr 3, 274
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    bl kernel_decide
    b resume_context

died:
    mr 3, 12
    mr 4, 5
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    bl kernel_died

    .section .bss
    .balign 16
nobodys_context:
    .space {NOBODYS_BYTES}
    .text
    "#,
    PC = const PC,
    CR = const CR,
    XER = const XER,
    CTR = const CTR,
    LR = const LR,
    MSR = const MSR,
    VENDOR = const VENDOR,
    CALLS = const Hypercall::ALL.len(),
    DECIDE = const Ending::DECIDE.number(),
    AT_LENGTH = const Ending::AT_LENGTH.number(),
    PID = const PID,
    RESERVATION = const RESERVATION,
    NOBODYS_BYTES = const NOBODYS_BYTES,
);

/// The room of `nobodys_context`.
const NOBODYS_BYTES: usize = 256;
const _: () = assert!(size_of::<Context>() <= NOBODYS_BYTES);

unsafe extern "C" {
    fn resume_context(context: *mut Context) -> !;
}

/// Resumes a vCPU from the kernel's start.
///
/// # Safety
/// `context` is that of a partition, stays valid, and is not touched by anybody else while the partition runs.
#[inline(always)]
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
        // Of a guest alone: elsewhere it is a hypercall.
        8 => (Exception::SystemCall, Error::IllegalInstruction, context.pc),
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

/// The context whose partition runs, as the entry code knows it.
fn running_context() -> *mut Context {
    mfspr!(SPRG0) as *mut Context
}

#[cfg(feature = "guests")]
const PID1: u32 = 633;
#[cfg(feature = "guests")]
const PID2: u32 = 634;
#[cfg(feature = "guests")]
const IVOR8: u32 = 408;

unsafe extern "C" {
    static vector_8: u32;
}

/// Where the `sc` of whoever has no guest leads, from the vectors on.
pub(crate) fn hypercall_offset() -> u32 {
    (&raw const vector_8).addr() as u32 & 0xffff
}

/// Puts the tags of a guest's context into the core, if its registers are there.
///
/// # Safety
/// The context is a partition's.
#[cfg(feature = "guests")]
pub(crate) unsafe fn reload_tags(context: &Context) {
    if core::ptr::eq(running_context(), context) {
        // SAFETY: tags of address space 1, where the kernel never is.
        unsafe {
            mtspr!(crate::spr::PID0, context.pid);
            mtspr!(PID1, context.pid1());
            mtspr!(PID2, context.pid2);
            mtspr!(IVOR8, context.syscall);
        }
    }
}

unsafe extern "C" {
    /// Where registers go that are no vCPU's: never read as a context.
    static mut nobodys_context: Context;
}

/// Tells the entry code where the state of the core is.
///
/// # Safety
/// `state` is what the handlers of hypercalls take, at a place where it stays. Called once, before any partition runs.
pub unsafe fn set_state(state: *mut ()) {
    // SAFETY: the kernel alone uses this register, and user mode cannot see it.
    unsafe { mtspr!(274, state.addr()) }
}

/// No vCPU's registers are in the core any more.
///
/// # Safety
/// The context resumed next is loaded whole: [`switch_to`] comes first.
pub unsafe fn abandon() {
    let nobody = &raw mut nobodys_context;
    // SAFETY: by the contract. The entry code may use this context at any time.
    unsafe {
        load_user_registers(nobody);
        mtspr!(SPRG0, nobody.addr());
    }
}

/// Makes `to` the vCPU whose user-mode registers and translations are in the core.
///
/// # Safety
/// `to` is the context of a partition, and is resumed next.
#[inline(always)]
pub unsafe fn switch_to(to: *mut Context) {
    if running_context() != to {
        // SAFETY: by the contract.
        unsafe { load_user_registers(to) }
    }
}

/// As [`switch_to`], and always as many instructions.
///
/// # Safety
/// As [`switch_to`].
#[inline(always)]
pub unsafe fn load_user_registers(to: *mut Context) {
    let from = running_context();
    let (usprg0, spefscr) = (mfspr!(256), mfspr!(512));
    // SAFETY: both are contexts, and no reference into either is live: the caller holds only `to` as a pointer. The
    // registers belong to user mode and to address space 1, and the kernel does not use them.
    unsafe {
        (*from).usprg0 = usprg0;
        (*from).spefscr = spefscr;
        mtspr!(256, (*to).usprg0);
        mtspr!(512, (*to).spefscr);
        mtspr!(crate::spr::PID0, (*to).pid);
        #[cfg(feature = "guests")]
        {
            mtspr!(PID1, (*to).pid1());
            mtspr!(PID2, (*to).pid2);
            mtspr!(IVOR8, (*to).syscall);
        }
    }
}
