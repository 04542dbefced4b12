//! What arithmetic of C comes to that has no result.
//!
//! This core divides by zero and wraps without an exception, and floating point is done by functions. So the compiler looks before the application
//! divides, and behind what may overflow (`-fsanitize` in `build.rs`), and calls one of these. Each ends as arithmetic of Rust does: by the trap of a
//! panic, which is the process' NUMERIC_ERROR. The compiler hands over a description of the place too, which is not wanted: the calls on the stack show it.

macro_rules! ends {
    ($($name:ident: $words:literal;)+) => {$(
        #[doc = concat!("What the compiler calls for an ", $words, ".")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> ! {
            panic!($words)
        }
    )+};
}

// `cofferdam_native` knows arithmetic by how these words begin.
ends! {
    __ubsan_handle_add_overflow_abort: "attempt to add with overflow";
    __ubsan_handle_sub_overflow_abort: "attempt to subtract with overflow";
    __ubsan_handle_mul_overflow_abort: "attempt to multiply with overflow";
    __ubsan_handle_negate_overflow_abort: "attempt to negate with overflow";
    __ubsan_handle_divrem_overflow_abort: "attempt to divide by zero or with overflow";
    __ubsan_handle_float_cast_overflow_abort: "attempt to convert to an integer with overflow";
}
