//! The driver between a device of the host and clients that behave, and that do not.

mod failures;
mod lives;
mod requests;
