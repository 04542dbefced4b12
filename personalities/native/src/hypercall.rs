//! The instruction that calls the kernel.
//!
//! ePAPR 1.1, section 7.2: token in r11, arguments from r3 on, status in r3, results from r4 on; r0, r3 to r12,
//! XER, CTR and LR are lost. CR is kept here, which ePAPR would have lost.

use core::arch::asm;

use cofferdam_abi::hypercall::Hypercall;

use crate::Error;

/// The most arguments that a call has.
pub(crate) const ARGUMENTS: usize = 6;
/// The results behind the status: r4 to r9.
pub(crate) const RESULTS: usize = 6;

/// What a call gave back: r4 on.
pub(crate) type Results = [u32; RESULTS];

/// Calls the kernel.
///
/// # Safety
/// An address among the arguments must be that of memory which the kernel may read, or write, as the call says, for as
/// long as it takes.
#[inline(always)]
pub(crate) unsafe fn call(call: Hypercall, arguments: [u32; ARGUMENTS]) -> Result<Results, Error> {
    // SAFETY: the caller's promise.
    let [status, results @ ..] = unsafe { raw(call.token(), arguments) };
    Error::check(status)?;
    Ok(results)
}

/// Calls the kernel where no argument is an address.
#[inline(always)]
pub(crate) fn call_plain(
    hypercall: Hypercall,
    arguments: [u32; ARGUMENTS],
) -> Result<Results, Error> {
    debug_assert!(!takes_address(hypercall));
    // SAFETY: none of the arguments of these calls is an address, so that the kernel touches no memory of ours but
    // the register page, which no Rust reference ever points to.
    unsafe { call(hypercall, arguments) }
}

/// Whether a call reads or writes memory that an argument names. `CallCollect` has an address too, and is made with the capacity 0, by
/// which it writes nothing.
const fn takes_address(call: Hypercall) -> bool {
    matches!(
        call,
        Hypercall::SamplingWrite
            | Hypercall::SamplingRead
            | Hypercall::QueuingSend
            | Hypercall::QueuingReceive
            | Hypercall::CallMessage
            | Hypercall::ReadRequest
            | Hypercall::WriteReply
            | Hypercall::HealthRead
    )
}

/// Calls whatever the token names. Returns r3 to r9; r9 held 0 before.
///
/// # Safety
/// As for [`call`].
#[inline(always)]
pub(crate) unsafe fn raw(token: u32, arguments: [u32; ARGUMENTS]) -> [u32; 1 + RESULTS] {
    let mut r = [0; 1 + RESULTS];
    // SAFETY: every register that the kernel may change is named below, and CR is none of them; that memory changes only as the
    // caller knows is the caller's promise, and without `nomem` the compiler expects it.
    unsafe {
        asm!(
            "sc",
            inlateout("r3") arguments[0] => r[0],
            inlateout("r4") arguments[1] => r[1],
            inlateout("r5") arguments[2] => r[2],
            inlateout("r6") arguments[3] => r[3],
            inlateout("r7") arguments[4] => r[4],
            inlateout("r8") arguments[5] => r[5],
            inlateout("r9") 0 => r[6],
            inlateout("r11") token => _,
            lateout("r0") _, lateout("r10") _, lateout("r12") _,
            lateout("xer") _, lateout("ctr") _, lateout("lr") _,
            options(nostack),
        );
    }
    r
}

/// Memory that the kernel reads or writes: it wants whole words.
#[repr(align(4))]
pub(crate) struct Aligned<B>(pub(crate) B);
