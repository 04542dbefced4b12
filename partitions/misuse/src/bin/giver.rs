//! Serves `asker` as it is asked.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall::*;
use cofferdam_native::{Lines, Restart, page, probe, restart_self, time, wait};
use evidence::seen;
use misuse::{message, order, sleep_us, status, ticks_of};

cofferdam_native::partition!("giver", main);

/// How long it is busy.
const BUSY_US: u32 = 300;
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
        order::BUSY => {
            let end = time::now() + u64::from(ticks_of(BUSY_US));
            while time::now() < end {}
            seen!("giver.late", status(Reply, [slot]));
        }
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
        // Not to sleep at all is less than to sleep for no time: the kernel is not asked.
        if microseconds != 0 {
            sleep_us(microseconds);
        }
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
            order::BACK => seen!(
                "giver.back",
                status(Call, [ports::BACK.slot(), ticks_of(50)])
            ),
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

/// Asks who asked it: first so that the other can begin to wait for more, then with somebody in between, then in every other way.
fn call_back() {
    let back = ports::BACK.slot();
    let collect = || {
        wait(ports::BACK.line());
        page::clear(ports::BACK.line());
        seen!(
            "giver.back",
            status(CallCollect, [back, probe::scratch(), LENGTH])
        );
    };
    page::clear(ports::BACK.line());
    seen!("giver.back", status(CallSubmit, [back]));
    collect();
    let _ = ports::POKE.raise();
    for _ in 0..2 {
        seen!("giver.back", status(Call, [back]));
    }
    seen!("giver.back", status(CallSubmit, [back]));
    collect();
    page::set_enabled(Lines::TIMER);
    time::set_timer(0);
    seen!("giver.back", status(Call, [back]));
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    collect();
    // The reply has bytes, and there is no room for them.
    seen!("giver.back", status(Call, [back]));
    seen!(
        "giver.back",
        status(CallCollect, [back, probe::scratch(), LENGTH])
    );
}
