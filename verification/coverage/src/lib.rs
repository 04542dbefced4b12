//! Which instructions of the kernel's binary the tests executed, which ways its conditional branches went, and what is argued of
//! the rest.
//!
//! The binary is what flies, unmodified, and what was executed comes from the emulator (`tools/icount`), so that nothing stands between a
//! statement here and an instruction. [`executed`] reads what the runs left; [`kernel`] holds it against the words of the text; [`united`] lets
//! kernels that have a function in common, instruction for instruction, share what was seen of it; [`gaps`] says of each instruction that was not executed, and
//! of each way that no branch went, to which line of the source it belongs; [`arguments`] are the reasons that somebody gave for those; and
//! [`page`] shows all of it.

#![forbid(unsafe_code)]

pub mod arguments;
pub mod executed;
pub mod gaps;
pub mod kernel;
pub mod page;
pub mod united;

mod analysis;

pub use analysis::{Analysis, Sources, Sum, analyse};
