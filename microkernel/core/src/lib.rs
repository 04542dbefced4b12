//! What the kernel decides, on plain data.
//!
//! Everything here is safe Rust over [`Kernel`], a structure of fixed size, and [`Machine`], the little that a
//! decision needs to know or to do about hardware. So the same code runs on the e500v2 and, over a machine of
//! plain vectors, on the host under tests, a reference model and fuzzers.
//!
//! The story of a kernel entry:
//!
//! 1. the architecture saves the registers of the partition that ran, and calls one of
//!    [`Kernel::hypercall`], [`Kernel::exception`], [`Kernel::interrupt`], [`Kernel::timer`];
//! 2. that changes the state of partitions, channels and windows: at most one message is copied, and every
//!    loop is over a table of fixed size;
//! 3. [`Kernel::decide`] says who goes on, and the architecture resumes it.
//!
//! What is deliberately absent: there are no threads, only one vCPU a partition; nothing is created or
//! destroyed after [`Configuration::load`]; no effective address of a partition is ever used, only the physical
//! one that its region table gives for it; and no architecture is named.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod boot_failure;
mod bus;
mod call;
mod channel;
mod configuration;
mod control;
mod guest;
mod health;
mod hypercall;
mod interrupt;
mod kernel;
mod lines;
mod machine;
mod memory;
mod partition;
mod record;
mod table;
mod time;

pub use boot_failure::BootFailure;
pub use configuration::Configuration;
pub use health::Fault;
pub use hypercall::Handler;
pub use kernel::{AfterTimer, Ending, Kernel, Next, Opening};
pub use machine::{Found, Levels, Machine, Registers};
pub use record::Record;
