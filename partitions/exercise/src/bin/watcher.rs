//! Reads the health log, and notes each entry.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::record::HealthRecord;
use evidence::seen;
use exercise::begin;

cofferdam_native::partition!("watcher", main);

fn main() -> ! {
    loop {
        begin();
        while let Ok(Some(entry)) = ports::HEALTH_LOG.read() {
            seen!("log.entry", digest(&entry));
        }
    }
}

/// A byte each of its number, the partition, the error and the action.
fn digest(entry: &HealthRecord) -> u32 {
    u32::from_be_bytes([
        entry.sequence.get() as u8,
        entry.partition.get() as u8,
        entry.error,
        entry.action,
    ])
}
