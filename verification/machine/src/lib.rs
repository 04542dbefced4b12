//! A machine of plain vectors, to test the kernel's decisions on.
//!
//! [`FakeMachine`] is hardware as `cofferdam-core` knows it: RAM is a vector, the timebase a number that the test
//! advances, and everything that the kernel does to hardware is written down. [`SystemBuilder`] makes the compiled
//! tables of small systems, byte for byte as the build would, and hands them out as records first, so that a test can
//! damage them. [`Simulation`] plays the architecture's part: it enters the kernel and does what the kernel decides.
//!
//! Kernel code takes no time here, unless a test gives it some: a figure that a test expects follows
//! from the schedule alone.
#![forbid(unsafe_code)]

mod builder;
mod machine;
mod simulation;

pub use builder::{
    CONSTANTS, DATA, DATA_BYTES, PartitionRecords, Ports, ScheduleRecords, SystemBuilder, TEXT,
};
pub use machine::{FakeMachine, FakeRegisters, Write, WriteKind};
pub use simulation::{Outcome, Processor, Simulation};
