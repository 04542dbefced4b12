//! The program of an ARINC 653 partition whose application is in C.
//!
//! The application brings `main`, which initialises: it creates everything and sets the mode NORMAL. This crate brings the services by their
//! standard's names (`include/apex.h`), each a few lines from C's numbers and addresses to the services in Rust and back. It serves any
//! partition; the build compiles the files that `c` names in `system.toml` along with it.
//!
//! # Addresses
//!
//! Addresses of C are read and written here, with interrupts on, in the context of the caller: what lies behind one that is none is caught by the
//! processor as the caller's own MEMORY_VIOLATION, as if the application had gone there itself. Places of answers and of the return code are
//! written to before the service begins, with what stands there, so that a service that cannot answer does nothing. `address.rs` has all of it.
#![no_std]
#![no_main]

/// Declares services as C has them: arguments, then the answer if there is one, then the return code.
macro_rules! services {
    ($($service:ident($($argument:ident: $type:ty),*) $(-> $answer:ty)? = $call:expr;)+) => {$(
        services! { @ $service($($argument: $type),*) $(-> $answer)? = $call }
    )+};
    (@ $service:ident($($argument:ident: $type:ty),*) = $call:expr) => {
        #[doc = concat!("`", stringify!($service), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $service($($argument: $type,)* code: crate::address::Out<u32>) {
            code.probe();
            let done: Result<(), ReturnCode> = $call;
            code.set(done.map_or_else(ReturnCode::number, |()| NO_ERROR));
        }
    };
    (@ $service:ident($($argument:ident: $type:ty),*) -> $answer:ty = $call:expr) => {
        #[doc = concat!("`", stringify!($service), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $service(
            $($argument: $type,)*
            answer: crate::address::Out<$answer>,
            code: crate::address::Out<u32>,
        ) {
            answer.probe();
            code.probe();
            let done: Result<$answer, ReturnCode> = $call;
            match done {
                Ok(value) => {
                    answer.set(value);
                    code.set(NO_ERROR);
                }
                Err(refused) => code.set(refused.number()),
            }
        }
    };
}

mod address;
mod channels;
mod numeric;
mod objects;
mod processes;
mod status;

cofferdam_apex_native::partition!(initialise);

unsafe extern "C" {
    /// The application's.
    safe fn main() -> i32;
}

fn initialise() {
    main();
}

/// `cofferdam_life` of `cofferdam.h`.
#[unsafe(no_mangle)]
pub extern "C" fn cofferdam_life() -> u32 {
    cofferdam_native::page::epoch()
}

/// `cofferdam_mark` of `cofferdam.h`.
#[unsafe(no_mangle)]
pub extern "C" fn cofferdam_mark(identifier: u32, value: u32) {
    cofferdam_native::mark(identifier, value);
}
