//! Virtual exceptions and interrupts, for a partition that wants handlers.
//!
//! The kernel enters a handler as the processor would: SRR0 and SRR1 (here words of the register page) keep where it
//! came from, the virtual interrupts are off, and all registers still hold what the interrupted code left in
//! them. The stub below saves those that a Rust function may change, calls the handler, and returns by `rfi`, which
//! the kernel carries out.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicUsize, Ordering};

use cofferdam_abi::health::Exception;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;

use crate::page::word;
use crate::{Lines, hypercall};

/// What a handler sees of the interrupted code, and may change: the registers that a function would not keep.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Frame {
    /// r1 before, and with it the back chain.
    pub back_chain: u32,
    /// Where a function that is called keeps its return address.
    pub link_save: u32,
    /// r0.
    pub r0: u32,
    /// r3 to r12.
    pub r3_to_r12: [u32; 10],
    /// The condition register.
    pub cr: u32,
    /// The link register.
    pub lr: u32,
    /// The count register.
    pub ctr: u32,
    /// The fixed-point exception register.
    pub xer: u32,
    /// The instruction to go on with.
    pub pc: u32,
    /// The virtual machine state to go on with.
    pub msr: u32,
    /// The data address, of an exception that has one.
    pub data_address: u32,
    /// The exception's syndrome.
    pub syndrome: u32,
    /// A stack's frames are whole sixteens of bytes.
    pub room: [u32; 3],
}

const _: () = assert!(size_of::<Frame>() == 96);

/// A handler.
pub type Handler = fn(&mut Frame);

static HANDLERS: [AtomicUsize; page::VECTOR_COUNT] =
    [const { AtomicUsize::new(0) }; page::VECTOR_COUNT];

unsafe extern "C" {
    /// The stubs, [`STUB_BYTES`] apart, in the order of the exceptions' numbers.
    static __cofferdam_vectors: [u8; STUB_BYTES * page::VECTOR_COUNT];
}

const STUB_BYTES: usize = 16;

/// Has this exception handled here, in place of a health event or, for an interrupt, of waiting to be looked at.
pub fn set_handler(exception: Exception, handler: Handler) {
    let number = exception as usize;
    HANDLERS[number].store(handler as usize, Ordering::Relaxed);
    let stub = (&raw const __cofferdam_vectors) as u32 + (number * STUB_BYTES) as u32;
    word(page::VECTORS + 4 * number as u32).store(stub, Ordering::Release);
}

/// Has this exception enter code of the caller's own, with all registers as the interrupted code left them.
///
/// # Safety
/// At `address` is code that keeps to the rules of a handler (docs/abi.md, "Virtual exceptions").
pub unsafe fn set_entry(exception: Exception, address: usize) {
    word(page::VECTORS + 4 * exception as u32).store(address as u32, Ordering::Release);
}

/// Gives the exception back to the kernel.
pub fn clear_handler(exception: Exception) {
    word(page::VECTORS + 4 * exception as u32).store(0, Ordering::Release);
}

/// Lets virtual interrupts come: those of the lines that [`crate::page::set_enabled`] names.
pub fn enable() {
    word(page::MSR).fetch_or(page::MSR_EE, Ordering::AcqRel);
    let waiting = crate::page::pending() & crate::page::enabled();
    if !waiting.is_empty() {
        // What came while they were off comes now. The call cannot fail.
        let _ = hypercall::call_plain(Hypercall::Deliver, [0; 6]);
    }
}

/// Holds virtual interrupts off. Says whether they were on.
///
/// Nobody else is held off: other partitions, the kernel and the end of the window take no notice.
pub fn disable() -> bool {
    word(page::MSR).fetch_and(!page::MSR_EE, Ordering::AcqRel) & page::MSR_EE != 0
}

/// Stores the virtual machine state. What the compiler has before it in memory stays before it, and the same behind it: a fence of the compiler's
/// would be an instruction.
#[inline(always)]
fn set_state(state: u32) {
    // SAFETY: a word of the register page, which is mapped for as long as the partition lives and to which no reference leads but those of
    // atomics.
    unsafe {
        asm!(
            "stw {state}, {msr}(0)",
            state = in(reg) state,
            msr = const displacement(page::MSR),
            options(nostack, preserves_flags),
        );
    }
}

/// As [`disable`], for a caller that knows that they are on.
#[inline(always)]
pub fn mask() {
    set_state(0);
}

/// As [`enable`], for a caller that knows that they are off.
#[inline(always)]
pub fn unmask() {
    // Whoever interrupts this code leaves the word as it was: no more than a store is needed.
    set_state(page::MSR_EE);
    if crate::page::pending().has(crate::page::enabled()) {
        // The call cannot fail.
        let _ = hypercall::call_plain(Hypercall::Deliver, [0; 6]);
    }
}

/// Runs `section` with virtual interrupts off.
pub fn without<R>(section: impl FnOnce() -> R) -> R {
    let were_on = disable();
    let result = section();
    if were_on {
        enable();
    }
    result
}

/// Lets these lines interrupt.
pub fn enable_lines(lines: Lines) {
    crate::page::set_enabled(crate::page::enabled() | lines);
}

/// Called by the stubs.
#[unsafe(no_mangle)]
extern "C" fn __cofferdam_exception(number: usize, frame: &mut Frame) {
    let address = HANDLERS
        .get(number)
        .map_or(0, |handler| handler.load(Ordering::Relaxed));
    if address != 0 {
        // SAFETY: a word that is not zero was stored by `set_handler`, from a `Handler`.
        let handler = unsafe { core::mem::transmute::<usize, Handler>(address) };
        handler(frame);
    }
}

global_asm!(
    ".section .text.vectors, \"ax\", @progbits",
    ".balign 16",
    ".global __cofferdam_vectors",
    "__cofferdam_vectors:",
    ".set number, 0",
    ".rept {count}",
    "    stwu    1, -96(1)",
    "    stw     3, 12(1)",
    "    li      3, number",
    "    b       1f",
    ".set number, number + 1",
    ".endr",
    "1:  stw     0, 8(1)",
    "    stw     4, 16(1)",
    "    stw     5, 20(1)",
    "    stw     6, 24(1)",
    "    stw     7, 28(1)",
    "    stw     8, 32(1)",
    "    stw     9, 36(1)",
    "    stw     10, 40(1)",
    "    stw     11, 44(1)",
    "    stw     12, 48(1)",
    "    mfcr    0",
    "    mflr    4",
    "    mfctr   5",
    "    mfxer   6",
    "    stw     0, 52(1)",
    "    stw     4, 56(1)",
    "    stw     5, 60(1)",
    "    stw     6, 64(1)",
    // An exception inside the handler overwrites these words of the page.
    "    lwz     0, {srr0}(0)",
    "    lwz     4, {srr1}(0)",
    "    lwz     5, {dear}(0)",
    "    lwz     6, {esr}(0)",
    "    stw     0, 68(1)",
    "    stw     4, 72(1)",
    "    stw     5, 76(1)",
    "    stw     6, 80(1)",
    "    mr      4, 1",
    "    bl      __cofferdam_exception",
    "    lwz     0, 68(1)",
    "    lwz     4, 72(1)",
    "    stw     0, {srr0}(0)",
    "    stw     4, {srr1}(0)",
    "    lwz     0, 52(1)",
    "    lwz     4, 56(1)",
    "    lwz     5, 60(1)",
    "    lwz     6, 64(1)",
    "    mtcr    0",
    "    mtlr    4",
    "    mtctr   5",
    "    mtxer   6",
    "    lwz     0, 8(1)",
    "    lwz     3, 12(1)",
    "    lwz     4, 16(1)",
    "    lwz     5, 20(1)",
    "    lwz     6, 24(1)",
    "    lwz     7, 28(1)",
    "    lwz     8, 32(1)",
    "    lwz     9, 36(1)",
    "    lwz     10, 40(1)",
    "    lwz     11, 44(1)",
    "    lwz     12, 48(1)",
    "    addi    1, 1, 96",
    "    rfi",
    ".previous",
    count = const page::VECTOR_COUNT,
    srr0 = const displacement(page::SRR0),
    srr1 = const displacement(page::SRR1),
    dear = const displacement(page::DEAR),
    esr = const displacement(page::ESR),
);

/// The displacement from address zero at which a load or store reaches a word of the page: that is why the page is
/// the last one.
pub const fn displacement(offset: u32) -> i32 {
    (page::ADDRESS + offset) as i32
}
