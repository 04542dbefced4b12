//! The decoders and the kernel under input that somebody else made.
//!
//! Whatever reads bytes from outside (tables, messages, rings, files of a system, programs, images, records and the events beside them, the arguments of hypercalls, queues of guests and of devices, frames, what clients and drivers tell each other, file systems, requests) is a
//! [`Target`]: a function that takes any bytes and must return. It panics if what was tested did, or if the answer breaks what the
//! documents promise. Each is run in two ways, with the same body:
//!
//! * by a [`mod@campaign`] on the stable compiler: from seeds that make sense, changed at random, the same every time. A short
//!   slice is a test, a long one part of `cargo xtask soak`.
//! * by libFuzzer, guided by coverage and with AddressSanitizer, where there is a nightly compiler with cargo-fuzz
//!   (`verification/fuzz/libfuzzer`).

#![forbid(unsafe_code)]

pub mod campaign;
mod mutation;
pub mod targets;

/// Something that takes bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, on the command line and as libFuzzer's target.
    pub name: &'static str,
    /// Inputs that get far, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Takes any bytes. Panics if something is wrong.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    targets::tables::TARGET,
    targets::hypercalls::TARGET,
    targets::messages::TARGET,
    targets::ring::TARGET,
    targets::system::TARGET,
    targets::programs::TARGET,
    targets::record::TARGET,
    targets::events::TARGET,
    targets::virtio::TARGET,
    targets::network::TARGET,
    targets::network_client::TARGET,
    targets::disk::TARGET,
    targets::disk_client::TARGET,
    targets::queue::TARGET,
    targets::log::TARGET,
    targets::frames::TARGET,
    targets::http::TARGET,
    targets::prove::TARGET,
];
