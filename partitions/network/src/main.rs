//! The driver of the network `network0`, and the switch between the wire and the clients that the system's file names.
//!
//! It has no period and no deadline: it works when a client rings or the device interrupts, and waits otherwise.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, time};
use network::{CLIENTS_MAX, Net, Server, Settings};
use network_messages::Counts;
use virtio::{RingChannel, run};

cofferdam_native::partition!(main);

/// So long the device may take for a frame. QEMU's takes what the host takes, which may be busy; and where instructions are the clock, an idle
/// machine's time runs ahead of the host's.
const PATIENCE_TICKS: u64 = 60 * ports::TIMEBASE_HZ as u64;

/// What became of frames is said at most so often.
const REPORT_TICKS: u64 = ports::TIMEBASE_HZ as u64 / 10;

const _: () = assert!(
    ports::NETWORK_CLIENTS.len() <= CLIENTS_MAX,
    "a network has at most CLIENTS_MAX clients"
);

fn main() -> ! {
    let net = Net::new(ports::NETWORK0_REGISTERS, ports::NETWORK0_MEMORY);
    let mut server = Server::new(net, PATIENCE_TICKS);
    let mut lines = Lines::NONE;
    for (client, file) in ports::CLIENTS.iter().zip(ports::NETWORK_CLIENTS) {
        // Each is attached once in a life: here.
        if let Some(ends) = client.port.attach() {
            let settings = Settings {
                address: file.address,
                frames: file.frames,
                per_ticks: file.per_ticks,
                wire: file.wire,
                peers: file.peers,
                protocols: file.protocols,
            };
            let channel = RingChannel::new(ends, client.port.payload());
            server.add_client(channel, settings, time::now());
            lines |= client.port.line();
        }
    }
    let mut said = (Counts::default(), 0);
    run(server, &ports::NETWORK0, lines, |server| {
        report(&mut said, || server.counts())
    })
}

/// Says what became of frames, if that is new and somebody listens. When to say it, if it was said just now: `said` has what, and until when
/// that will do.
fn report(said: &mut (Counts, u64), counts: impl FnOnce() -> Counts) -> Option<u64> {
    let port = ports::NETWORK_COUNTS?;
    let (last, until) = said;
    let counts = counts();
    if counts == *last {
        return None;
    }
    let now = time::now();
    if now < *until {
        return Some(*until);
    }
    // Its only refusals concern the configuration, which is fixed.
    let _ = port.write(&counts);
    *said = (counts, now.saturating_add(REPORT_TICKS));
    None
}
