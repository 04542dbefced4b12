//! The first instructions of a partition.
//!
//! The kernel starts a partition at `_start` with r1 at the top of the stack and everything else zero, its memory
//! cleared and its data filled in. Nothing is left to prepare but the end of the chain of stack frames,
//! where a backtrace stops (Power Architecture 32-bit ABI supplement, "Process Initialization").

use core::arch::global_asm;

global_asm!(
    ".section .text.entry, \"ax\", @progbits",
    ".global _start",
    ".type _start, @function",
    "_start:",
    "    li      0, 0",
    "    stwu    0, -16(1)",
    "    b       cofferdam_main",
    ".size _start, . - _start",
    ".previous",
);
