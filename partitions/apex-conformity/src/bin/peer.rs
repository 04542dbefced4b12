//! The other end of the ports of `processes`: does at once what it is told, and ends each of its lives. To `edge` it sends as much as there is room for.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use apex_conformity::Does;
use cofferdam_ipc::Bytes;
use cofferdam_native::{Lines, Restart, time, wait};
use evidence::seen;

cofferdam_native::partition!("peer", main);

fn main() -> ! {
    let words = Bytes::try_from(&b"12345678"[..]).unwrap_or_default();
    let _ = ports::EDGE_S_IN.write(&words);
    loop {
        while ports::EDGE_Q_IN.send(&words).is_ok() {}
        let lines = wait(Lines::TIMER | ports::ORDERS.line() | ports::EDGE_Q_IN.line());
        if lines.has(Lines::TIMER) {
            time::cancel_timer();
            // What was sent and not taken is no part of the next life.
            while let Ok(Some(_)) = ports::Q_OUT.receive() {}
            let _ = ports::PARTITION_RESTART_PROCESSES.restart(Restart::Cold);
        }
        while let Ok(Some(order)) = ports::ORDERS.receive() {
            obey(&order.message);
        }
    }
}

fn obey(order: &[u8]) {
    match Does::of(order) {
        Some((Does::Ends, tick)) => {
            let tick = tick.try_into().map_or(0, u64::from_be_bytes);
            time::set_timer(tick.max(time::now()));
        }
        Some((Does::Sends, [room, message @ ..])) => {
            let message = Bytes::try_from(message).unwrap_or_default();
            let sent = ports::Q_IN.send(&message).is_ok();
            if u8::from(sent) != *room {
                seen!("sent", u32::from(sent));
            }
        }
        Some((Does::Receives, [is_there, first])) => {
            let message = ports::Q_OUT.receive().ok().flatten();
            let taken = message.map(|one| one.message.first().copied().unwrap_or(0));
            let expected = (*is_there == 1).then_some(*first);
            if taken != expected {
                seen!("received", taken.map_or(0x100, u32::from));
            }
        }
        Some((Does::Writes, message)) => {
            let _ = ports::S_IN.write(&Bytes::try_from(message).unwrap_or_default());
        }
        _ => seen!("nonsense", 1),
    }
}
