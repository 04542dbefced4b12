//! What the processor caught, in the standard's words.

use cofferdam_abi::health::Exception;
use cofferdam_abi::space;
use cofferdam_apex::{ErrorCode, Failed};
use cofferdam_native::panicked_at;

use crate::machine::{Caught, Frame};

/// An attempt at a privileged instruction, and a trap instruction (EREF, section 2.6.5: ESR\[PPR\], \[PTR\]).
const TRAP: u32 = 0x0200_0000;

/// Whether an exception is about a fetch.
fn is_fetch(number: u32) -> bool {
    number == Exception::InstructionStorage as u32
        || number == Exception::InstructionTlbError as u32
}

/// What the exception of this number means, and where it was.
///
/// A data access below a stack, near to the stack pointer, is an overflow of it. One that is far from there has gone astray. A trap is what a compiler puts where a program must not
/// come; in Rust it is a panic, and one of arithmetic is a numeric error, since division by zero is nothing that this core notices. So are
/// instructions of floating point, which it lacks.
pub(crate) fn classify(number: u32, frame: &Frame) -> Failed {
    const DATA_STORAGE: u32 = Exception::DataStorage as u32;
    const DATA_TLB_ERROR: u32 = Exception::DataTlbError as u32;
    const ALIGNMENT: u32 = Exception::Alignment as u32;
    const PROGRAM: u32 = Exception::Program as u32;
    const FLOATING_POINT: u32 = Exception::FloatingPointUnavailable as u32;
    const SPE: u32 = Exception::SpeUnavailable as u32;
    let (code, address) = match number {
        DATA_STORAGE | DATA_TLB_ERROR if is_of_stack(frame) => {
            (ErrorCode::StackOverflow, frame.data_address)
        }
        DATA_STORAGE | DATA_TLB_ERROR | ALIGNMENT => {
            (ErrorCode::MemoryViolation, frame.data_address)
        }
        PROGRAM if frame.syndrome & TRAP != 0 && is_arithmetic(frame) => {
            (ErrorCode::NumericError, frame.pc)
        }
        PROGRAM => (ErrorCode::IllegalRequest, frame.pc),
        FLOATING_POINT | SPE => (ErrorCode::NumericError, frame.pc),
        _ => (ErrorCode::MemoryViolation, frame.pc),
    };
    Failed {
        code,
        address: address as usize,
    }
}

/// Whether a data access was meant for a stack: it is among them, and as far below the stack pointer as the displacement of an instruction reaches. A
/// function begins with a store at its frame's lower end, and has the stack pointer there from then on; so does the probe of a service.
fn is_of_stack(frame: &Frame) -> bool {
    const REACH_BYTES: u32 = 0x8000;
    let stacks = space::STACKS..space::STACKS_END;
    let stack_pointer = frame.back_chain;
    let below = stack_pointer.checked_sub(frame.data_address);
    stacks.contains(&frame.data_address) && below.is_some_and(|bytes| bytes <= REACH_BYTES)
}

/// Whether it is the trap of a panic about arithmetic.
fn is_arithmetic(frame: &Frame) -> bool {
    frame.pc == panicked_at() && seventh_argument(frame) != 0
}

/// The seventh argument of a function that was caught at its beginning.
const fn seventh_argument(frame: &Frame) -> u32 {
    let [_, _, _, _, _, _, r9, ..] = frame.r3_to_r12;
    r9
}

impl Caught {
    /// Goes on behind the instruction; a fetch goes back to where it was called from.
    pub(crate) fn skip(&mut self, number: u32) {
        self.frame.pc = if is_fetch(number) {
            self.frame.lr
        } else {
            self.frame.pc.wrapping_add(4)
        };
    }
}
