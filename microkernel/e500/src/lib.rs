//! The e500v2 under the kernel: everything that names a register, and the only assembly of the kernel.
//!
//! # The story of an exception
//!
//! A partition runs in user mode (MSR\[PR\]) in address space 1 (MSR\[IS\], MSR\[DS\]), tagged by PID0. Any exception clears
//! those bits and EE, so the core is in the kernel's address space 0 at IVPR + IVORn with interrupts off, without
//! a single TLB write (EREF, section 5.2). SPRG0 points to the [`Context`] of the vCPU that runs, SPRG2 to the state of the core; SPRG1 is a scratch. Nothing
//! of a partition can be in SPRG0 to SPRG2: SPRG3 to SPRG7 are readable by user mode, so the kernel does not
//! use them (e500 core reference manual, section 2.6).
//!
//! The entry code ([`vectors`]) stores all general registers by one `stmw`, then what else the exception destroys, and
//! calls a Rust function with the vector's number. That function returns the context to resume; the exit code
//! loads it and returns by `rfi`, with the machine state built from a constant, for SRR1 holds more than
//! the state after a program interrupt.
//!
//! `sc` is shorter: a hypercall keeps r1, r2 and r13 to r31 and loses the rest, and Rust itself keeps r13 to r31, so
//! what is only needed after a switch is neither stored nor loaded when there is none. A call or a reply that is a direct
//! switch between two partitions, both in a hypercall, stays on that short way.
//!
//! The kernel itself takes interrupts at one place, [`time::wait_for_interrupt`]. Everywhere else they are off, and an
//! exception of the kernel's own is the end of it: it leaves an epitaph ([`epitaph`]).
#![cfg_attr(target_arch = "powerpc", no_std)]
#![cfg(target_arch = "powerpc")]

#[cfg(feature = "bus")]
mod bus;
mod context;
pub mod epitaph;
#[cfg(feature = "guests")]
mod guest;
mod interrupts;
mod machine;
mod memory;
mod spr;
mod start;
pub mod time;
mod vectors;

pub use context::{Context, MSR_PARTITION};
pub use machine::Board;
pub use memory::map_devices;
pub use memory::map_ram;
pub use vectors::{abandon, exception_fault, load_user_registers, resume, set_state, switch_to};
