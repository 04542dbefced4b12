//! The compiled configuration: what the host decided, in the form in which the kernel reads it once at boot.
//!
//! A fixed [`Header`] (magic, versions, sizes, CRC), then `postcard` [`Record`]s one behind the other. A record that
//! belongs to another stands behind it: the regions of a partition behind the partition, the ends of a
//! channel behind the channel, the windows of a schedule behind the schedule. So the kernel needs no
//! second pass and no sorting, and an index in a record can only be wrong by its value, which is
//! checked against the number of things read.
//!
//! Only `config/compile` writes these, and only the kernel's `core` reads them.
#![no_std]
#![forbid(unsafe_code)]

mod bytes;
mod header;
pub mod mas;
mod number;
mod record;

pub use header::{Header, HeaderError, MAGIC, VERSION, crc32, open, seal};
pub use record::*;

/// The records of tables whose header was checked, one at a time.
pub struct Records<'a> {
    rest: &'a [u8],
    left: u32,
}

/// A record that cannot be decoded, or bytes behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], count: u32) -> Self {
        Self {
            rest: bytes,
            left: count,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let behind = !self.rest.is_empty();
            self.rest = &[];
            return behind.then_some(Err(Malformed));
        }
        self.left -= 1;
        match postcard::take_from_bytes(self.rest) {
            Ok((record, rest)) => {
                self.rest = rest;
                Some(Ok(record))
            }
            Err(_) => {
                self.left = 0;
                self.rest = &[];
                Some(Err(Malformed))
            }
        }
    }
}
