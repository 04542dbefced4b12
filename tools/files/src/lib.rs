//! Files that are there as a whole or not at all, in folders that one process builds in at a time, and what their content is known by.
//!
//! Whatever stops a build, power failures and `kill -9` included: a later one, or a run meanwhile, never finds half of a file, and
//! never waits for a lock whose owner is gone.

#![forbid(unsafe_code)]

mod alone;
mod digest;
mod output;
mod store;

pub use alone::alone;
pub use digest::{hexadecimal, sha256};
pub use output::{for_file, for_folder};
pub use store::store;
