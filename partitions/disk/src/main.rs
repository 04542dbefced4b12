//! The driver of the disk `disk0`, for the clients that the system's file names.
//!
//! It has no period and no deadline: it works when a client rings or the device interrupts, and waits otherwise.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::Lines;
use disk::{CLIENTS_MAX, Disk, Range, Server};
use virtio::{RingChannel, run};

cofferdam_native::partition!(main);

/// So long the device may take for a request. QEMU's takes what the host takes, which may be busy; and where instructions are the clock, an idle
/// machine's time runs ahead of the host's.
const PATIENCE_TICKS: u64 = 60 * ports::TIMEBASE_HZ as u64;

const _: () = assert!(
    ports::DISK_RANGES.len() <= CLIENTS_MAX,
    "a disk has at most CLIENTS_MAX clients"
);

fn main() -> ! {
    let disk = Disk::new(ports::DISK0_REGISTERS, ports::DISK0_MEMORY);
    let mut server = Server::new(disk, PATIENCE_TICKS);
    let mut lines = Lines::NONE;
    for (client, range) in ports::CLIENTS.iter().zip(ports::DISK_RANGES) {
        // Each is attached once in a life: here.
        if let Some(ends) = client.port.attach() {
            let range = Range {
                first_sector: range.first_sector,
                sectors: range.sectors,
                read_only: range.read_only,
            };
            server.add_client(RingChannel::new(ends, client.port.payload()), range);
            lines |= client.port.line();
        }
    }
    run(server, &ports::DISK0, lines, |_| None)
}
