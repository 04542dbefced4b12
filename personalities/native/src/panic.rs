//! A panic becomes a crash record.
//!
//! The handler says on the log what happened, and then executes a trap whose registers hold the place and the message.
//! The kernel writes them down with the crash; the host, which has the partition's ELF, reads file name and
//! message in its constants. So nothing has to survive in the memory that a cold restart clears.

use core::arch::global_asm;
use core::panic::PanicInfo;

global_asm!(
    ".section .text.panic, \"ax\", @progbits",
    ".global __cofferdam_panic",
    ".type __cofferdam_panic, @function",
    "__cofferdam_panic:",
    "    trap",
    // Where the health table says `trap = \"log\"` or "ignore": there is no way to go on from here.
    "    b       __cofferdam_panic",
    ".size __cofferdam_panic, . - __cofferdam_panic",
    ".previous",
);

unsafe extern "C" {
    /// Traps with its arguments in r3 to r9: text as address and length, address 0 for none.
    safe fn __cofferdam_panic(
        file: *const u8,
        file_length: usize,
        line: u32,
        column: u32,
        message: *const u8,
        message_length: usize,
        arithmetic: bool,
    ) -> !;
}

/// How the messages begin of what arithmetic panics with (`core::panicking::panic_const`).
const ARITHMETIC: &str = "attempt to ";

/// Where a panic traps. r9 says there whether it was one of arithmetic.
pub fn panicked_at() -> u32 {
    __cofferdam_panic as *const () as u32
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::log::panicked(info);
    // Always there in today's core.
    let (file, line, column) = info
        .location()
        .map_or(("", 0, 0), |at| (at.file(), at.line(), at.column()));
    // A message with arguments exists only in pieces; the log has it.
    let message = info.message().as_str();
    __cofferdam_panic(
        file.as_ptr(),
        file.len(),
        line,
        column,
        message.map_or(core::ptr::null(), str::as_ptr),
        message.map_or(0, str::len),
        message.is_some_and(|message| message.starts_with(ARITHMETIC)),
    )
}
