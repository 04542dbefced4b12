//! Leads through sampling, queuing and signal channels. Its readers are less urgent: they do what they are told when it
//! waits.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{Restart, page, probe, restart_self, wait};
use evidence::seen;
use exercise::{Order, begin, of, sleep_us, value_of};

cofferdam_native::partition!("writer", main);

/// In its second life, its memory kept, it goes on behind the restart.
static LIVES: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    if LIVES.fetch_add(1, Relaxed) == 0 {
        nothing_written();
        value();
        last_value_counts();
        queue();
        queue_with_bad_arguments();
        bell();
        reader_restarts();
        begin();
        write(0x103);
        restart_self(Restart::Warm);
    }
    own_restart();
    loop {
        begin();
    }
}

/// Tells both readers, and gives `near` time.
fn tell(order: Order) {
    let _ = ports::FAR_ORDER.send(&order);
    tell_near(order);
}

fn tell_near(order: Order) {
    let _ = ports::NEAR_ORDER.send(&order);
    sleep_us(50);
}

fn write(number: u16) {
    let value = Bytes::try_from(&value_of(number)[..]).unwrap_or_default();
    seen!("value.write", of(&ports::VALUE.write(&value)));
}

fn send(number: u8) -> u32 {
    of(&ports::QUEUE.send(&Bytes::try_from(&[number; 16][..]).unwrap_or_default()))
}

fn nothing_written() {
    begin();
    tell(Order::Read);
}

fn value() {
    begin();
    write(0x100);
    tell(Order::Read);
}

fn last_value_counts() {
    begin();
    write(0x101);
    write(0x102);
    tell(Order::Read);
}

fn queue() {
    begin();
    tell_near(Order::Take(1));
    for number in 1..=5 {
        seen!("queue.send", send(number));
    }
    page::clear(ports::QUEUE.line());
    let _ = ports::NEAR_ORDER.send(&Order::Take(1));
    wait(ports::QUEUE.line());
    seen!("queue.room", send(6));
    tell_near(Order::Take(5));
    seen!("queue.send", send(7));
    tell_near(Order::TakeIntoLittle);
    tell_near(Order::Take(1));
}

fn queue_with_bad_arguments() {
    begin();
    let (slot, scratch) = (ports::QUEUE.slot(), probe::scratch());
    let status = |call: Hypercall, address, length| {
        probe::call(call.token(), [slot, address, length, 0, 0, 0])[0]
    };
    seen!("queue.bad", status(Hypercall::QueuingSend, scratch, 0));
    seen!("queue.bad", status(Hypercall::QueuingSend, scratch, 17));
    seen!("queue.bad", status(Hypercall::QueuingSend, scratch + 2, 16));
    seen!("queue.bad", status(Hypercall::QueuingSend, 0x1000, 16));
    // The source cannot receive, and a queue is no sampling channel.
    seen!("queue.bad", status(Hypercall::QueuingReceive, scratch, 16));
    seen!("queue.bad", status(Hypercall::SamplingWrite, scratch, 16));
}

/// Rung often, heard once.
fn bell() {
    begin();
    tell_near(Order::Listen);
    for _ in 0..3 {
        seen!("bell.ring", of(&ports::BELL.raise()));
    }
    tell_near(Order::Listen);
    tell_near(Order::Listen);
}

/// What was queued for it is dropped, and who found the queue full is told; the value stays.
fn reader_restarts() {
    begin();
    for number in 1..=5 {
        seen!("queue.refill", send(number));
    }
    page::clear(ports::QUEUE.line());
    let restarted = ports::PARTITION_RESTART_NEAR.restart(Restart::Cold);
    seen!("reader.restart", of(&restarted));
    let told = page::pending().has(ports::QUEUE.line());
    seen!("reader.told", told.into());
    let held = ports::QUEUE
        .summary()
        .map_or(u32::MAX, |summary| summary.held);
    seen!("reader.held", held);
    // It is up again, and tells.
    page::clear(ports::QUEUE.line());
    wait(ports::QUEUE.line());
    let epoch = ports::QUEUE
        .summary()
        .map_or(u32::MAX, |summary| summary.peer_epoch);
    seen!("reader.epoch", epoch);
    tell_near(Order::Take(1));
    tell_near(Order::Read);
}

/// What it wrote and sent before its restart stays.
fn own_restart() {
    begin();
    seen!("writer.epoch", page::epoch());
    tell(Order::Read);
    tell_near(Order::Epoch);
}
