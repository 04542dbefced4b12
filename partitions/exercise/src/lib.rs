//! Partitions that go through what the kernel offers, one thing after the other, and leave what came of each as evidence.
//!
//! Each subject has one partition that leads and others that do as they are told: `caller` and `server` calls, `ringer` and
//! `peer` rings, `writer`, `near` and `far` the other channels, `manager`, `victim`, `outsider` and `failing` lives, authority and
//! schedules, `handler` the virtual machine, `late` deadlines, `watcher` the health log. Whoever leads takes one release for each step, so that
//! no step depends on how long the one before took. What has to come of each stands in
//! `systems/exercise/expected.toml`.
#![no_std]
#![forbid(unsafe_code)]

mod orders;
#[cfg(target_os = "none")]
mod outcome;
#[cfg(target_os = "none")]
mod steps;
mod value;

pub use orders::{Answer, Order, PeerOrder, Request};
#[cfg(target_os = "none")]
pub use outcome::of;
#[cfg(target_os = "none")]
pub use steps::{begin, microseconds_since, sleep_us, ticks_of};
pub use value::{number_of, value_of};
