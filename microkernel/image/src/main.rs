//! The kernel's binary: the decisions of `core` on the hardware of `e500`.
//!
//! What is here is the shell: a start, the functions that the vectors call, and the state of the core. Everything
//! that could be right or wrong by reasoning alone is in `cofferdam-core`.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod core_0;
#[cfg(target_os = "none")]
mod start;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is the kernel; it is built for the target, by `cargo cofferdam build`.");
    std::process::exit(2);
}

/// The kernel has no panic: a path to this function does not link, for the symbol is defined nowhere.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_is_reachable_in_the_kernel() -> !;
    }
    // SAFETY: never linked, so never called.
    unsafe { a_panic_is_reachable_in_the_kernel() }
}
