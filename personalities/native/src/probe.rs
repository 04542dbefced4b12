//! What an attacker may try: the instruments of the attack partitions, behind the feature `probe`.
//!
//! An attack is an access that the language forbids, so that it cannot be written in safe code. It is here, in
//! the crate that may have unsafe code, behind functions that are safe for the attacker itself: a probe never touches
//! memory that Rust knows of in this partition. What it touches besides is somebody else's, or nobody's, or
//! protected by the very mechanism that is being tested; should that fail, the report of it is all that counts.
//!
//! The attacker's health table says `log` for what it provokes, so that it goes on behind the instruction: a
//! register that was to be loaded keeps its preset value, and a jump comes back as if the target had returned.

mod instructions;

use core::arch::asm;
use core::cell::UnsafeCell;

use cofferdam_abi::{page, space};

pub use instructions::{Instruction, Sort, table};

use crate::hypercall;

/// Room for what a hypercall may read and write.
#[repr(align(64))]
struct Scratch(UnsafeCell<[u32; SCRATCH_WORDS]>);

// SAFETY: no reference to the words is ever formed: the kernel reaches them, and `fill` by volatile stores.
unsafe impl Sync for Scratch {}

const SCRATCH_WORDS: usize = 768;
/// A hypercall may be given an address so far into the scratch memory: what lies behind is room for the longest
/// message.
const SCRATCH_START_BYTES: u32 = SCRATCH_WORDS as u32 * 4 - cofferdam_abi::limits::MESSAGE_BYTES;

static SCRATCH: Scratch = Scratch(UnsafeCell::new([0; SCRATCH_WORDS]));

unsafe extern "C" {
    safe static __stack_bottom: u8;
    safe static __data_end: u8;
    safe static __text_end: u8;
}

fn address_of(symbol: &u8) -> u32 {
    core::ptr::from_ref(symbol) as u32
}

/// The partition's own text that is in use.
pub fn text() -> core::ops::Range<u32> {
    space::TEXT..address_of(&__text_end)
}

/// The partition's own data that are in use, the stack included.
pub fn data() -> core::ops::Range<u32> {
    address_of(&__stack_bottom)..address_of(&__data_end)
}

/// The address of the scratch memory.
pub fn scratch() -> u32 {
    SCRATCH.0.get() as u32
}

/// Puts these words at the start of the scratch memory.
pub fn fill(words: &[u32]) {
    for (index, word) in words.iter().enumerate().take(SCRATCH_WORDS) {
        // SAFETY: `index` is in the array, and nobody holds a reference to it.
        unsafe {
            SCRATCH
                .0
                .get()
                .cast::<u32>()
                .add(index)
                .write_volatile(*word)
        }
    }
}

/// Whether an access of one word there would touch memory that Rust knows of.
fn is_live(address: u32) -> bool {
    let data = data();
    address.wrapping_add(3) >= data.start && address < data.end
}

/// Loads the word at `address` into a register that held `preset`; gives what the register holds then.
pub fn load(address: u32, preset: u32) -> u32 {
    let mut value = preset;
    // SAFETY: a load changes nothing, and no reference comes of it. One that is denied leaves the register.
    unsafe {
        asm!(
            "lwz {value}, 0({address})",
            value = inlateout(reg) value,
            address = in(reg_nonzero) address,
            options(nostack, preserves_flags),
        );
    }
    value
}

/// Stores a word at `address`.
///
/// # Panics
/// If the partition itself has something there.
pub fn store(address: u32, value: u32) {
    assert!(!is_live(address) && address < page::ADDRESS);
    // SAFETY: it is not memory that Rust may write in this partition, see the head of the module.
    unsafe {
        asm!(
            "stw {value}, 0({address})",
            value = in(reg) value,
            address = in(reg_nonzero) address,
            options(nostack, preserves_flags),
        );
    }
}

/// Jumps to `address` as to a function that returns a word. One that is denied returns `preset`.
///
/// # Panics
/// If it is the partition's own text.
pub fn jump(address: u32, preset: u32) -> u32 {
    assert!(!text().contains(&address));
    let mut value = preset;
    // SAFETY: no page there is executable for this partition, so that the kernel comes back here at once; if one
    // is after all, isolation is broken and nothing that follows can be trusted anyway.
    unsafe {
        asm!(
            "mtctr  12",
            "bctrl",
            inlateout("r3") value,
            inlateout("r12") address => _,
            lateout("r0") _, lateout("r4") _, lateout("r5") _, lateout("r6") _, lateout("r7") _,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
            lateout("cr0") _, lateout("cr1") _, lateout("cr2") _, lateout("cr3") _, lateout("cr4") _, lateout("cr5") _, lateout("cr6") _, lateout("cr7") _, lateout("xer") _, lateout("ctr") _, lateout("lr") _,
        );
    }
    value
}

/// Loads with reservation from an address that is not aligned.
pub fn load_reserve_misaligned(preset: u32) -> u32 {
    let mut value = preset;
    // SAFETY: reads scratch memory, if it does anything; an open reservation harms nobody.
    unsafe {
        asm!(
            "lwarx {value}, 0, {address}",
            value = inlateout(reg) value,
            address = in(reg) scratch() + 2,
            options(nostack, preserves_flags),
        );
    }
    value
}

/// Executes a trap instruction.
pub fn trap() {
    // SAFETY: changes nothing if the kernel goes on behind it, and does not return otherwise.
    unsafe { asm!("trap", options(nostack, preserves_flags)) }
}

/// Executes a trap instruction with another stack pointer.
pub fn trap_with_stack(stack: u32) {
    // SAFETY: as `trap`; the stack is back before anything could use it.
    unsafe {
        asm!(
            "mr     {own}, 1",
            "mr     1, {stack}",
            "trap",
            "mr     1, {own}",
            own = out(reg) _,
            stack = in(reg) stack,
            options(nostack, preserves_flags),
        );
    }
}

/// Goes through `rfi` with this virtual machine state, and gives the state that was then in force.
pub fn return_with_state(state: u32) -> u32 {
    // SAFETY: SRR0 is the instruction behind, so that control goes on there, with the words of the page that belong to
    // this partition changed: none that Rust knows of.
    unsafe {
        asm!(
            "bl     1f",
            "1:     mflr {place}",
            "addi   {place}, {place}, 2f - 1b",
            "stw    {place}, {srr0}(0)",
            "stw    {state}, {srr1}(0)",
            "rfi",
            "2:",
            place = out(reg_nonzero) _,
            state = in(reg) state,
            srr0 = const (page::ADDRESS + page::SRR0) as i32,
            srr1 = const (page::ADDRESS + page::SRR1) as i32,
            out("lr") _,
            options(nostack),
        );
    }
    crate::page::word(page::MSR).load(core::sync::atomic::Ordering::Relaxed)
}

/// Writes a word of the register page: any but the vectors, which are the addresses of code.
///
/// # Panics
/// If it is a vector, or not in the page.
pub fn write_page(offset: u32, value: u32) {
    let vectors = page::VECTORS..page::VECTORS + 4 * page::VECTOR_COUNT as u32;
    assert!(offset < page::SIZE && offset.is_multiple_of(4) && !vectors.contains(&offset));
    crate::page::word(offset).store(value, core::sync::atomic::Ordering::Relaxed);
}

/// Has a vector point at code that this partition must not execute.
///
/// # Panics
/// If it points at the partition's own text.
pub fn set_vector(exception: cofferdam_abi::health::Exception, address: u32) {
    assert!(!text().contains(&address));
    crate::page::word(page::VECTORS + 4 * exception as u32)
        .store(address, core::sync::atomic::Ordering::Relaxed);
}

/// Provokes the alignment exception whose vector [`set_vector`] has set. What is denied there comes back here.
pub fn enter_vector() {
    // SAFETY: the link register is the instruction behind `bl`, and a fetch that is denied comes back to it; the load
    // itself is as in `load_reserve_misaligned`.
    unsafe {
        asm!(
            "bl     1f",
            "b      2f",
            "1:     lwarx {value}, 0, {address}",
            "2:",
            value = out(reg) _,
            address = in(reg) scratch() + 2,
            out("lr") _,
            options(nostack, preserves_flags),
        );
    }
}

/// The registers of user level that have no owner in hardware but are the partition's own all the same.
pub fn user_registers() -> [u32; 2] {
    let (general, status): (u32, u32);
    // SAFETY: reads USPRG0 (256) and SPEFSCR (512), which user level may.
    unsafe {
        asm!(
            "mfspr {general}, 256",
            "mfspr {status}, 512",
            general = out(reg) general,
            status = out(reg) status,
            options(nostack, preserves_flags),
        );
    }
    [general, status]
}

/// Writes what [`user_registers`] reads.
pub fn set_user_registers(values: [u32; 2]) {
    // SAFETY: compiled code uses neither register.
    unsafe {
        asm!(
            "mtspr 256, {general}",
            "mtspr 512, {status}",
            general = in(reg) values[0],
            status = in(reg) values[1],
            options(nostack, preserves_flags),
        );
    }
}

/// Calls the kernel with anything. Gives r3 to r9, which held the arguments and then 0.
///
/// # Panics
/// If an argument is an address of memory that Rust knows of; the scratch memory is there for that.
pub fn call(token: u32, arguments: [u32; hypercall::ARGUMENTS]) -> [u32; 1 + hypercall::RESULTS] {
    let scratch = scratch();
    for argument in arguments {
        let in_scratch = argument.wrapping_sub(scratch) <= SCRATCH_START_BYTES;
        assert!(in_scratch || !is_live(argument));
    }
    // SAFETY: no argument is an address of memory that Rust knows of, and behind one in the scratch memory is room for
    // the longest message.
    unsafe { hypercall::raw(token, arguments) }
}
