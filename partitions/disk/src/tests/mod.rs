//! The driver between a device of the host and clients that behave, and that do not.

mod bench;
mod failures;
mod hostile;
mod lives;
mod requests;
