//! Applications that were written for the crate `a653rs`, as partitions.
//!
//! `a653rs` is what Rust applications for ARINC 653 are written against; who has the services implements its traits for a type. Here that
//! is [`Cofferdam`], and all 68 functions of Part 1 are there, with those of Part 2 that the crate has: module schedules and memory blocks.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! cofferdam_apex_a653rs::partition!("hello", Hypervisor, main);
//!
//! fn main() {
//!     hello::Partition.run()
//! }
//!
//! #[a653rs::partition(crate::Hypervisor)]
//! mod hello { /* ... */ }
//! ```
//!
//! Each function is a few lines from the types of `a653rs` to [`Apex`] and back (`services.rs`, `objects.rs`, `ports.rs`). Where the two do
//! not fit:
//!
//! * **Addresses are functions there.** `ErrorStatus::failed_address` is an `extern "C" fn()`, and the address at which a process failed is
//!   seldom one. It is [`no_function`] always; [`Cofferdam::get_error_status_and_address`] has the number.
//! * **A period of zero** is what applications for `a653rs-linux` give to a process that runs once in each period of the partition. The
//!   standard has no such period, and [`Apex`] refuses it with INVALID_PARAM. So [`Cofferdam`] takes the partition's period then; in a partition without one
//!   it is refused.
//! * **Identifiers** have 64 bits there and 32 here. A number that does not fit names nothing.
//! * **`read_sampling_message` and three others are `unsafe` there**: the room has to be as large as the longest message. Here each of them looks, and
//!   one with too little room is refused with INVALID_PARAM. So they are safe whatever the caller gives.
//! * **`APERIODIC_WAIT_EVENT` and the sampling extensions of Part 2** have no function there.
#![no_std]
#![cfg(target_os = "none")]

mod convert;
mod logger;
mod objects;
mod ports;
mod services;

use core::fmt;
use core::marker::PhantomData;

use cofferdam_apex_native::Apex;
use cofferdam_apex_native::apex::Limits;

pub use a653rs;
pub use cofferdam_apex_native as apex_native;
pub use logger::Logger;
pub use services::no_function;

/// A partition that has the services.
pub trait Services<const PROCESSES: usize>: 'static {
    /// How much fits into it.
    type Limits: Limits + 'static;

    /// Its services.
    fn apex() -> &'static Apex<Self::Limits, PROCESSES>;
}

/// What an application for `a653rs` names as its hypervisor: the services of the partition `S`.
pub struct Cofferdam<S, const PROCESSES: usize>(PhantomData<S>);

// `a653rs` derives `Debug` for what it makes of it, and nobody has a value of it.
impl<S, const PROCESSES: usize> fmt::Debug for Cofferdam<S, PROCESSES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cofferdam")
    }
}

/// Declares the partition of this name, whose application is written for `a653rs`: the type that it names as its hypervisor, and its `main`, which
/// calls `run` of the application's partition.
#[macro_export]
macro_rules! partition {
    ($name:literal, $hypervisor:ident, $main:path) => {
        $crate::apex_native::partition!($name, $main);

        /// Has the services.
        #[derive(Debug)]
        pub struct Here;

        impl $crate::Services<{ ports::APEX_STACKS.len() }> for Here {
            type Limits = ports::ApexLimits;

            fn apex()
            -> &'static $crate::apex_native::Apex<ports::ApexLimits, { ports::APEX_STACKS.len() }>
            {
                &APEX
            }
        }

        /// The hypervisor, as the application names it.
        pub type $hypervisor = $crate::Cofferdam<Here, { ports::APEX_STACKS.len() }>;
    };
}
