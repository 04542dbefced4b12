//! Reads what `writer` writes, in the same window.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{page, probe, wait};
use evidence::{Outcome, seen};
use exercise::{Order, number_of, of, ticks_of};

cofferdam_native::partition!("near", main);

fn main() -> ! {
    seen!("near.start", page::start_reason() as u32);
    loop {
        wait(ports::ORDER.line());
        while let Ok(Some(order)) = ports::ORDER.receive() {
            match order.message {
                Order::Read => read(),
                Order::Take(times) => (0..times).for_each(|_| take()),
                Order::TakeIntoLittle => take_into_little(),
                Order::Listen => listen(),
                Order::Epoch => epoch(),
            }
        }
    }
}

fn read() {
    seen!(
        "near.value_line",
        page::pending().has(ports::VALUE.line()).into()
    );
    page::clear(ports::VALUE.line());
    match ports::VALUE.read() {
        Ok(Some(sample)) => {
            seen!("near.value", number_of(&sample.value));
            seen!("near.valid", sample.valid.into());
            seen!("near.age_us", sample.age_ticks as u32 / ticks_of(1));
        }
        Ok(None) => seen!("near.value", Outcome::Nothing as u32),
        other => seen!("near.value", of(&other)),
    }
}

/// Notes the number, how many wait behind it, and whether one was refused before.
fn take() {
    match ports::QUEUE.receive() {
        Ok(Some(received)) => {
            let number = received
                .message
                .first()
                .copied()
                .map_or(u32::MAX, u32::from);
            seen!("near.taken", number);
            seen!("near.left", received.left);
            seen!("near.lost", received.lost.into());
        }
        Ok(None) => seen!("near.taken", Outcome::Nothing as u32),
        other => seen!("near.taken", of(&other)),
    }
}

fn take_into_little() {
    let arguments = [ports::QUEUE.slot(), probe::scratch(), 15, 0, 0, 0];
    seen!(
        "near.into_little",
        probe::call(Hypercall::QueuingReceive.token(), arguments)[0]
    );
    let arguments = [ports::VALUE.slot(), probe::scratch(), 1, 0, 0, 0];
    seen!(
        "near.into_little",
        probe::call(Hypercall::SamplingRead.token(), arguments)[0]
    );
}

fn listen() {
    seen!("near.bell", page::pending().has(ports::BELL.line()).into());
    page::clear(ports::BELL.line());
    // Ringing back does nothing: there is no line at the other end.
    let arguments = [ports::BELL.slot(), 0, 0, 0, 0, 0];
    seen!(
        "near.ring_back",
        probe::call(Hypercall::Signal.token(), arguments)[0]
    );
}

fn epoch() {
    let epoch = ports::VALUE
        .summary()
        .map_or(u32::MAX, |summary| summary.peer_epoch);
    seen!("near.peer_epoch", epoch);
}
