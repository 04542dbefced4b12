//! Serves `asker` as it is asked.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall::*;
use cofferdam_native::{Lines, Restart, page, probe, restart_self, time, wait};
use evidence::seen;
use misuse::{message, order, sleep_us, status};

cofferdam_native::partition!("giver", main);

/// What a reply with bytes has.
const LENGTH: u32 = 40;

fn main() -> ! {
    seen!("giver.start", page::start_reason() as u32);
    loop {
        wait(ports::FIRST.line() | ports::SECOND.line());
        for slot in [ports::FIRST.slot(), ports::SECOND.slot()] {
            while let [0, _, order, microseconds, ..] = message(Receive, [slot]) {
                serve(slot, order, microseconds);
            }
        }
    }
}

fn serve(slot: u32, order: u32, microseconds: u32) {
    sleep_us(microseconds);
    match order {
        order::LATE => seen!("giver.late", status(Reply, [slot])),
        order::LATE_FUSED => seen!("giver.late_fused", status(ReplyReceive, [slot])),
        order::RESTART => restart_self(Restart::Cold),
        order::FUSE => serve_fused(slot),
        order::BACK => {
            status(Reply, [slot]);
            call_back();
        }
        _ => _ = status(Reply, [slot]),
    }
}

/// Replies and waits in one call, until it is asked to part or is refused.
fn serve_fused(slot: u32) {
    let mut length = 0;
    while let [0, _, order, microseconds, ..] = message(ReplyReceive, [slot, length]) {
        length = 0;
        sleep_us(microseconds);
        match order {
            order::PART => {
                status(Reply, [slot]);
                break;
            }
            order::BYTES | order::NONE => {
                status(WriteReply, [slot, probe::scratch(), LENGTH]);
                length = LENGTH;
            }
            order::TOO_LONG => seen!("giver.too_long", status(ReplyReceive, [slot, LENGTH + 1])),
            order::POKE => _ = ports::POKE.raise(),
            order::PENDING => {
                page::set_enabled(Lines::TIMER);
                time::set_timer(0);
                seen!("giver.pending", status(ReplyReceive, [slot]));
                page::set_enabled(Lines::NONE);
                page::clear(Lines::TIMER);
                break;
            }
            _ => {}
        }
    }
}

/// Asks who asked it: first so that the other can begin to wait for more, then with somebody in between, then without.
fn call_back() {
    let back = ports::BACK.slot();
    page::clear(ports::BACK.line());
    seen!("giver.back", status(CallSubmit, [back]));
    wait(ports::BACK.line());
    seen!("giver.back", status(CallCollect, [back]));
    let _ = ports::POKE.raise();
    for _ in 0..2 {
        seen!("giver.back", status(Call, [back]));
    }
}
