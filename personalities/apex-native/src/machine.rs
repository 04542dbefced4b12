//! Contexts of processes, and all unsafe code and assembly of this crate.
//!
//! A context that does not run is **parked**: its stack pointer leads to a [`Switched`] frame with the registers that a function keeps
//! for its caller (PowerPC EABI: r13 to r31, CR, LR). Going on with it is loading these and returning. There are three ways to get there, and
//! one way on:
//!
//! * A service or the interrupt handler calls [`switch`]: it comes back when the context goes on.
//! * The context is new: [`Stack::fresh`] writes a frame that "returns" into the process' beginning.
//! * The processor caught it at something: [`Caught::park`] writes a frame that "returns" into the tail of the interrupt stub, with
//!   all registers as they were.
//!
//! So no switch is a hypercall. Only what was interrupted goes on by `rfi`, which the kernel carries out.
//!
//! # Stacks
//!
//! ```text
//!   top ─► ┌────────────────────────────┐
//!          │ Frame       96 bytes       │ where a process that was caught is parked (`Aside`), and a new one before
//!          │ Switched    96 bytes       │ it begins: nothing else is ever here
//!          ├────────────────────────────┤
//!          │ the process' own frames    │
//!          │            ...             │
//!          │ RESERVE_BYTES              │ for a service or an interrupt, whenever it comes
//! bottom ─►└────────────────────────────┘ nothing is mapped below
//! ```
//!
//! Services and the interrupt handler run on the stack of whoever called or was interrupted. Before they change anything they **probe**: a
//! store [`RESERVE_BYTES`] below the stack pointer. If that is not there the store is caught, as the overflow of a process that is still
//! whole. What the processor catches is handled on a stack of its own, since r1 may lead nowhere then.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

use cofferdam_abi::health::Exception;
use cofferdam_abi::page;
pub(crate) use cofferdam_native::interrupts::Frame;
use cofferdam_native::interrupts::displacement;
use cofferdam_native::{interrupts, page as register_page};

/// What services and interrupts need of a stack, at most.
pub(crate) const RESERVE_BYTES: u32 = 1536;

/// The registers that a function keeps, as a parked context has them. The return address stands where the PowerPC EABI wants it, in the second word
/// of the frame above.
#[derive(Clone, Debug, Default)]
#[repr(C)]
struct Switched {
    back_chain: u32,
    link_save: u32,
    r13_to_r31: [u32; 19],
    cr: u32,
    room: [u32; 2],
}

/// What the processor caught somebody at, with all registers.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Caught {
    pub(crate) frame: Frame,
    r13_to_r31: [u32; 19],
}

/// A parked context at the top of a stack.
#[repr(C)]
struct Aside {
    switched: Switched,
    frame: Frame,
}

const FRAME_BYTES: usize = 96;
const _: () = assert!(size_of::<Frame>() == FRAME_BYTES && size_of::<Switched>() == FRAME_BYTES);
const _: () = assert!(core::mem::offset_of!(Switched, r13_to_r31) == 8);
const _: () = assert!(core::mem::offset_of!(Switched, cr) == 84);
const _: () = assert!(core::mem::offset_of!(Caught, r13_to_r31) == FRAME_BYTES);

/// What stands at the beginning of the value that the stubs find by a word of the register page.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Entries<A: 'static> {
    /// A line came that may interrupt.
    pub interrupt: extern "C" fn(&'static A),
    /// The processor caught whoever runs, at the exception of this number. Gives the stack pointer of the parked context to go on with.
    pub caught: extern "C" fn(&'static A, u32, &mut Caught) -> u32,
}

/// A stack of a process, of the error handler, or for exceptions.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    top: u32,
    bytes: u32,
}

unsafe extern "C" {
    fn __cofferdam_apex_switch(save: *mut u32, to: u32);
    static __cofferdam_apex_interrupt: u8;
    static __cofferdam_apex_vectors: [u8; VECTOR_BYTES * page::VECTOR_COUNT];
    static __cofferdam_apex_return: u8;
    static __cofferdam_apex_begin: u8;
}

const VECTOR_BYTES: usize = 16;

impl Stack {
    /// The stack that ends at `top`.
    ///
    /// # Safety
    /// The build maps `bytes` bytes below `top` to the partition for reading and writing, and nothing below them; no Rust object lies
    /// there, and no other stack is made of them.
    #[doc(hidden)]
    pub const unsafe fn at(top: u32, bytes: u32) -> Self {
        Self { top, bytes }
    }

    /// The address behind it.
    pub const fn top(&self) -> u32 {
        self.top
    }

    /// Its size.
    pub const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Where a context is parked that was caught, or has not begun.
    fn aside(&self) -> u32 {
        self.top - size_of::<Aside>() as u32
    }

    /// Writes the place for parked contexts, and gives the stack pointer of what is parked there.
    fn park(&self, aside: Aside) -> u32 {
        let address = self.aside();
        // SAFETY: the stack is mapped by the promise made to `at`, is large enough (the build has no smaller one than a page) and aligned
        // to pages, and nothing but this function uses these bytes: frames of code begin below them.
        unsafe { (address as *mut Aside).write(aside) };
        address
    }

    /// A new context: it begins with `begin(apex, entry)`. What was on the stack before does not go on any more.
    pub(crate) fn fresh<A: 'static>(
        &self,
        begin: extern "C" fn(&'static A, usize) -> !,
        apex: &'static A,
        entry: usize,
    ) -> u32 {
        let mut switched = Switched {
            back_chain: self.aside() + FRAME_BYTES as u32,
            ..Switched::default()
        };
        let [_, r14, r15, r16, ..] = &mut switched.r13_to_r31;
        (*r14, *r15, *r16) = (
            begin as usize as u32,
            core::ptr::from_ref(apex) as u32,
            entry as u32,
        );
        let frame = Frame {
            link_save: (&raw const __cofferdam_apex_begin) as u32,
            ..Frame::default()
        };
        self.park(Aside { switched, frame })
    }
}

impl Caught {
    /// Whether it was code of a process, and not a service or the handler of interrupts: there interrupts are off.
    pub(crate) fn is_of_process(&self) -> bool {
        self.frame.msr & page::MSR_EE != 0
            || self.frame.pc == (&raw const __cofferdam_apex_interrupt) as u32
    }

    /// Parks who was caught at the top of its stack. It goes on with the registers that it had, and as its frame says.
    pub(crate) fn park(&self, stack: &Stack) -> u32 {
        let frame = Frame {
            link_save: (&raw const __cofferdam_apex_return) as u32,
            ..self.frame.clone()
        };
        let switched = Switched {
            back_chain: stack.aside() + FRAME_BYTES as u32,
            r13_to_r31: self.r13_to_r31,
            ..Switched::default()
        };
        stack.park(Aside { switched, frame })
    }
}

/// Parks whoever calls, its stack pointer in `save`, and goes on with the context whose stack pointer is `to`. Comes back when this one goes on.
///
/// Virtual interrupts are off, before and after.
#[inline(always)]
pub(crate) fn switch(save: *mut u32, to: u32) {
    // SAFETY: for the compiler this is a function like any other: it keeps what functions keep, and may change any memory that is not
    // borrowed exclusively; nothing is, since `Apex::settle` calls it outside of `Exclusive::with`. `save` is a word of the state, which lives for
    // ever. `to` is a parked context: stack pointers of contexts come from here, from `Stack::park`, and from nowhere else, and the
    // context that has the processor is not gone on with (`State::next`).
    unsafe { __cofferdam_apex_switch(save, to) }
}

/// Sees that there are [`RESERVE_BYTES`] left on the stack. If not, it is as if the caller had overflown it here.
#[inline(always)]
pub(crate) fn probe() {
    // SAFETY: stores below the stack pointer, where nothing is (the PowerPC EABI has no red zone), or is caught.
    unsafe {
        asm!(
            "stw 1, -{reserve}(1)",
            reserve = const RESERVE_BYTES,
            options(nostack, preserves_flags),
        );
    }
}

/// The exceptions that are handled here.
pub(crate) const CAUGHT: [Exception; 8] = [
    Exception::DataStorage,
    Exception::InstructionStorage,
    Exception::Alignment,
    Exception::Program,
    Exception::FloatingPointUnavailable,
    Exception::DataTlbError,
    Exception::InstructionTlbError,
    Exception::SpeUnavailable,
];

/// Gives an exception back to the kernel.
pub(crate) fn give_back(number: u32) {
    for exception in CAUGHT {
        if exception as u32 == number {
            interrupts::clear_handler(exception);
        }
    }
}

/// From now on interrupts and exceptions come to `apex`, which begins with its entries.
pub(crate) fn install<A: 'static>(apex: &'static A, entries: &Entries<A>, exceptions: &Stack) {
    assert!(core::ptr::from_ref(entries).cast() == core::ptr::from_ref(apex));
    register_page::set_software_word(2, core::ptr::from_ref(apex) as u32);
    // Below the place in which what goes on at once is parked.
    let caught = (exceptions.aside() - size_of::<Caught>() as u32) & !15;
    register_page::set_software_word(3, caught);
    catch();
    // SAFETY: the stub below keeps to the rules of handlers, and finds what it needs in the words that were set.
    unsafe {
        let interrupt = (&raw const __cofferdam_apex_interrupt) as usize;
        interrupts::set_entry(Exception::ExternalInput, interrupt);
    }
}

/// Has exceptions come here again that were given back to the kernel. [`install`] comes first.
pub(crate) fn catch() {
    let vectors = (&raw const __cofferdam_apex_vectors) as usize;
    for exception in CAUGHT {
        let stub = vectors + VECTOR_BYTES * exception as usize;
        // SAFETY: the stubs below keep to the rules of handlers, and find what they need in the words that `install` sets.
        unsafe { interrupts::set_entry(exception, stub) };
    }
}

/// What a process begins with, of its attributes.
pub(crate) fn entry_point(entry: usize) -> extern "C" fn() {
    // SAFETY: an entry point is an `extern "C" fn()` (`ProcessAttributes`), or somebody promised it (`Apex::create_process_at`).
    unsafe { core::mem::transmute::<usize, extern "C" fn()>(entry) }
}

/// A value that is made once in a life of the partition, and that one at a time works on.
pub(crate) struct Exclusive<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

const EMPTY: u8 = 0;
const FREE: u8 = 1;
const TAKEN: u8 = 2;

// SAFETY: the value is reached in `with` alone, by one at a time: a partition has one processor, and the word says whether somebody
// is there.
unsafe impl<T> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub const fn empty() -> Self {
        Self {
            state: AtomicU8::new(EMPTY),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Makes the value, in place of one that a warm start kept. Virtual interrupts are off.
    pub fn set(&self, value: T) {
        self.state.store(TAKEN, Ordering::Relaxed);
        // SAFETY: nobody else is there: this is the beginning of the partition's life.
        unsafe { (*self.value.get()).write(value) };
        self.state.store(FREE, Ordering::Relaxed);
    }

    /// Works on the value. Virtual interrupts are off.
    ///
    /// # Panics
    /// If it was not made, or somebody works on it.
    #[inline(always)]
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        assert!(self.state.load(Ordering::Relaxed) == FREE);
        self.state.store(TAKEN, Ordering::Relaxed);
        // SAFETY: it was made, and the word keeps everybody else out until it is free again.
        let result = work(unsafe { (*self.value.get()).assume_init_mut() });
        self.state.store(FREE, Ordering::Relaxed);
        result
    }
}

impl<T> core::fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

global_asm!(
    ".section .text.apex, \"ax\", @progbits",
    // (r3 where the stack pointer is kept, r4 the stack pointer to go on with)
    ".global __cofferdam_apex_switch",
    ".type __cofferdam_apex_switch, @function",
    "__cofferdam_apex_switch:",
    "    stwu    1, -96(1)",
    "    mflr    0",
    "    mfcr    12",
    "    stmw    13, 8(1)",
    "    stw     12, 84(1)",
    "    stw     0, 100(1)",
    "    stw     1, 0(3)",
    "__cofferdam_apex_resume:",
    "    mr      1, 4",
    "    lwz     0, 100(1)",
    "    lwz     12, 84(1)",
    "    mtlr    0",
    "    lmw     13, 8(1)",
    "    mtcr    12",
    "    addi    1, 1, 96",
    "    blr",
    ".size __cofferdam_apex_switch, . - __cofferdam_apex_switch",
    // What a fresh context returns to, with r1 at the frame above: its own frames begin below both.
    ".global __cofferdam_apex_begin",
    "__cofferdam_apex_begin:",
    "    addi    1, 1, -112",
    "    li      0, 0",
    "    stw     0, 0(1)",
    "    mtlr    0",
    "    mr      3, 15",
    "    mr      4, 16",
    "    mtctr   14",
    "    bctr",
    // Of an interrupt. The first instruction changes nothing that counts: see the module.
    ".global __cofferdam_apex_interrupt",
    "__cofferdam_apex_interrupt:",
    "    stw     0, -{reserve}(1)",
    "    stwu    1, -96(1)",
    "    stw     0, 8(1)",
    "    stw     3, 12(1)",
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
    "    lwz     7, {srr0}(0)",
    "    lwz     8, {srr1}(0)",
    "    stw     0, 52(1)",
    "    stw     4, 56(1)",
    "    stw     5, 60(1)",
    "    stw     6, 64(1)",
    "    stw     7, 68(1)",
    "    stw     8, 72(1)",
    "    lwz     3, {sprg2}(0)",
    "    lwz     12, 0(3)",
    "    mtctr   12",
    "    bctrl",
    // Goes on with what was interrupted, or parked by `Caught::park`. r1 is at its frame.
    ".global __cofferdam_apex_return",
    "__cofferdam_apex_return:",
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
    "    lwz     1, 0(1)",
    "    rfi",
    // Of what the processor caught: a stub for each number, on a stack of their own.
    ".balign 16",
    ".global __cofferdam_apex_vectors",
    "__cofferdam_apex_vectors:",
    ".set apex_number, 0",
    ".rept {count}",
    "    stw     1, {sprg0}(0)",
    "    stw     3, {sprg1}(0)",
    "    li      3, apex_number",
    "    b       1f",
    ".set apex_number, apex_number + 1",
    ".endr",
    "1:  lwz     1, {sprg3}(0)",
    "    stw     0, 8(1)",
    "    lwz     0, {sprg0}(0)",
    "    stw     0, 0(1)",
    "    lwz     0, {sprg1}(0)",
    "    stw     0, 12(1)",
    "    stw     4, 16(1)",
    "    stw     5, 20(1)",
    "    stw     6, 24(1)",
    "    stw     7, 28(1)",
    "    stw     8, 32(1)",
    "    stw     9, 36(1)",
    "    stw     10, 40(1)",
    "    stw     11, 44(1)",
    "    stw     12, 48(1)",
    "    stmw    13, 96(1)",
    "    mr      4, 3",
    "    mfcr    0",
    "    mflr    5",
    "    mfctr   6",
    "    mfxer   7",
    "    stw     0, 52(1)",
    "    stw     5, 56(1)",
    "    stw     6, 60(1)",
    "    stw     7, 64(1)",
    "    lwz     0, {srr0}(0)",
    "    lwz     5, {srr1}(0)",
    "    lwz     6, {dear}(0)",
    "    lwz     7, {esr}(0)",
    "    stw     0, 68(1)",
    "    stw     5, 72(1)",
    "    stw     6, 76(1)",
    "    stw     7, 80(1)",
    "    mr      5, 1",
    "    lwz     3, {sprg2}(0)",
    "    lwz     12, 4(3)",
    "    mtctr   12",
    "    bctrl",
    "    mr      4, 3",
    "    b       __cofferdam_apex_resume",
    ".previous",
    reserve = const RESERVE_BYTES,
    count = const page::VECTOR_COUNT,
    srr0 = const displacement(page::SRR0),
    srr1 = const displacement(page::SRR1),
    dear = const displacement(page::DEAR),
    esr = const displacement(page::ESR),
    sprg0 = const displacement(page::SPRG0),
    sprg1 = const displacement(page::SPRG0 + 4),
    sprg2 = const displacement(page::SPRG0 + 8),
    sprg3 = const displacement(page::SPRG0 + 12),
);
