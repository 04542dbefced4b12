//! How a native partition is linked: one call for its build script.
//!
//! The `main` of a partition's `build.rs` consists of [`link`] alone.
//!
//! Linker arguments of a library do not reach the programs that use it, so that each partition has this
//! build script of its own.
#![forbid(unsafe_code)]
// It is cargo that reads what a build script prints.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::{env, fs};

/// The linker script, the same for every partition: where things lie is part of the interface.
const SCRIPT: &str = include_str!("../partition.ld");

/// Tells cargo how to link this package's programs. Does nothing in a build for the host.
///
/// # Panics
/// Outside a build script, or if the build directory cannot be written.
pub fn link() {
    println!("cargo:rerun-if-changed=build.rs");
    // The generated ports are read by `include!`, which names the directory by this variable.
    println!("cargo:rerun-if-env-changed=COFFERDAM_GENERATED");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let directory = env::var("OUT_DIR").expect("cargo sets OUT_DIR for a build script");
    let script = Path::new(&directory).join("partition.ld");
    fs::write(&script, SCRIPT).expect("cargo's build directory can be written");
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    // Pages of 4 KiB: without it the linker pads every segment to 64 KiB.
    println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    // The same bytes wherever the tree lies.
    println!("cargo:rustc-link-arg-bins=--build-id=none");
}
