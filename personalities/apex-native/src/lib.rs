//! ARINC 653 partitions in Rust: the services of `cofferdam-apex` on the target.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! #![forbid(unsafe_code)]
//!
//! use cofferdam_apex_native::apex::{OperatingMode, SystemTime};
//! use cofferdam_apex_native::ProcessAttributes;
//!
//! cofferdam_apex_native::partition!("flight", initialise);
//!
//! fn initialise() {
//!     let control = ProcessAttributes::periodic("control", 20, SystemTime(10_000_000), control);
//!     if let Ok(control) = APEX.create_process(&control) {
//!         let _ = APEX.start(control);
//!     }
//!     let _ = APEX.set_partition_mode(OperatingMode::Normal);
//! }
//!
//! extern "C" fn control() {
//!     loop {
//!         // ...
//!         if APEX.periodic_wait().is_err() {
//!             return;
//!         }
//!     }
//! }
//! ```
//!
//! What the partition has (stacks, ports, how many objects) stands in its table `[partition.flight.apex]` of `system.toml`; the build writes it
//! as constants, and `APEX` is a static of the partition.
//!
//! [`Apex`] has a method for each service, with the standard's name. `machine.rs` has the contexts of processes and all unsafe code;
//! `runtime.rs` says who has the processor, `caught.rs` what an exception means, `environment.rs` what the kernel does.
#![no_std]
#![cfg(target_os = "none")]

mod caught;
mod configuration;
mod environment;
mod machine;
mod runtime;
mod services;

pub use cofferdam_apex as apex;
pub use cofferdam_native as native;
pub use configuration::Configuration;
#[doc(hidden)]
pub use configuration::{longest, period, schedule, schedule_change, stack_bytes};
pub use environment::Kernel;
pub use machine::Stack;
pub use runtime::{Apex, Room};
pub use services::ProcessAttributes;
