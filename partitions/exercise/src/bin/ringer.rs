//! Leads through rings: messages both ways, a full and an empty ring, the other end's restart and its own, and an end
//! that lies.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{
    Lines, Restart, RingConsumer, RingError, RingProducer, page, probe, restart_self, time, wait,
};
use evidence::{Outcome, of_ring, seen};
use exercise::{PeerOrder, begin, of, ticks_of};

cofferdam_native::partition!("ringer", main);

type Message = Bytes<16>;

/// So many lies does the peer know that its restart puts right.
const SABOTAGES: u8 = 11;
/// The messages of the long exchange.
const STREAM: u32 = 100;
/// How long to wait for an answer that may not come.
const PATIENCE_US: u32 = 100;

fn main() -> ! {
    let Some((to, from)) = ports::PIPE.attach() else {
        panic!("the ring was given away before");
    };
    let mut ring = Ring { to, from };
    seen!("ring.attached_again", ports::PIPE.attach().is_some().into());
    match page::epoch() {
        1 => first_life(&mut ring),
        2 => second_life(&mut ring),
        3 => third_life(&mut ring),
        _ => last_life(&mut ring),
    }
}

fn first_life(ring: &mut Ring) -> ! {
    begin();
    seen!("ring.exchange", ring.exchange(0x10));
    ring.fill_one();
    ring.fill_both();
    ring.stream();
    begin();
    seen!("ring.peer_epoch", peer_epoch());
    seen!("ring.restart", restart_peer());
    seen!("ring.peer_epoch", peer_epoch());
    seen!("ring.pop_restarted", ring.pop());
    seen!("ring.pop_restarted", ring.pop());
    seen!("ring.push_restarted", ring.push(0x20));
    seen!("ring.push_restarted", ring.push(0x20));
    ring.settle();
    for number in 0..SABOTAGES {
        ring.against(number);
    }
    begin();
    order(PeerOrder::Sabotage(SABOTAGES));
    ring.try_out();
    restart_self(Restart::Warm)
}

/// What the peer wrote over words of this end was put right by attaching anew.
fn second_life(ring: &mut Ring) -> ! {
    begin();
    seen!("ring.second_life", restart_peer());
    ring.settle();
    seen!("ring.second_life", ring.exchange(0x30));
    begin();
    order(PeerOrder::Scribble(100));
    page::clear(ports::PIPE.line());
    let mut operations = 0;
    while !page::pending().has(ports::PIPE.line()) {
        ring.pop();
        ring.push(0);
        operations += 1;
    }
    seen!("ring.scribbled", operations);
    restart_self(Restart::Warm)
}

/// The same after words without sense.
fn third_life(ring: &mut Ring) -> ! {
    begin();
    seen!("ring.third_life", restart_peer());
    ring.settle();
    seen!("ring.third_life", ring.exchange(0x40));
    restart_self(Restart::Warm)
}

/// The peer stays: it learns of this life by the ring.
fn last_life(ring: &mut Ring) -> ! {
    begin();
    seen!("ring.last_life", ring.exchange(0x48));
    loop {
        begin();
    }
}

fn order(order: PeerOrder) {
    // It is more urgent: when this returns, it has done so.
    let _ = ports::ORDER.send(&order);
}

fn restart_peer() -> u32 {
    of(&ports::PARTITION_RESTART_PEER.restart(Restart::Cold))
}

fn peer_epoch() -> u32 {
    probe::call(
        Hypercall::ChannelStatus.token(),
        [ports::PIPE.slot(), 0, 0, 0, 0, 0],
    )[1]
}

struct Ring {
    to: RingProducer<Message>,
    from: RingConsumer<Message>,
}

impl Ring {
    /// The first byte of the next message, or why there is none.
    fn pop(&mut self) -> u32 {
        match self.from.pop() {
            Ok(Some(message)) => message.first().copied().map_or(u32::MAX, u32::from),
            Ok(None) => Outcome::Nothing as u32,
            other => of_ring(&other),
        }
    }

    fn push(&mut self, number: u8) -> u32 {
        let message = Message::try_from(&[number; 16][..]).unwrap_or_default();
        of_ring(&self.to.push(&message))
    }

    /// Rings, and waits for an answer, if one comes.
    fn await_answer(&self) {
        page::clear(self.to.line());
        let _ = self.to.ring_doorbell();
        time::set_timer(time::now() + u64::from(ticks_of(PATIENCE_US)));
        wait(self.to.line() | Lines::TIMER);
        time::cancel_timer();
    }

    /// Sends a message: the first byte of the answer.
    fn exchange(&mut self, number: u8) -> u32 {
        self.push(number);
        self.await_answer();
        self.pop()
    }

    /// Goes on behind the other end's restart.
    fn settle(&mut self) {
        while matches!(self.from.pop(), Err(RingError::PeerRestarted)) {}
        self.push(0);
        self.await_answer();
        while let Ok(Some(_)) = self.from.pop() {}
    }

    /// Pushes until it is full, from this number on: how many fitted.
    fn fill_up(&mut self, from: u8) -> u8 {
        let mut pushed = 0;
        while self.push(from + pushed) == 0 {
            pushed += 1;
        }
        pushed
    }

    /// As many as there are places, while the other end takes none.
    fn fill_one(&mut self) {
        begin();
        order(PeerOrder::Hold);
        seen!("ring.pushed", self.fill_up(0x50).into());
        seen!("ring.full", self.push(0));
        order(PeerOrder::Go);
        for _ in 0..5 {
            seen!("ring.popped", self.pop());
        }
    }

    /// Nobody takes answers, so that in the end both directions are full, and one answer waits at the other end.
    fn fill_both(&mut self) {
        begin();
        let mut pushed = 0;
        loop {
            match self.fill_up(0x60 + pushed) {
                0 => break,
                more => pushed += more,
            }
            self.await_answer();
        }
        seen!("ring.in_flight", pushed.into());
        let mut in_order = 0u8;
        for _ in 0..=pushed {
            while self.pop() == u32::from(0x61 + in_order) {
                in_order += 1;
            }
            self.await_answer();
        }
        seen!("ring.in_order", in_order.into());
    }

    /// Many messages through few places.
    fn stream(&mut self) {
        begin();
        let (mut sent, mut received) = (0, 0);
        while received < STREAM {
            while sent < STREAM && self.push(sent as u8) == 0 {
                sent += 1;
            }
            self.await_answer();
            while self.pop() == received + 1 {
                received += 1;
            }
        }
        seen!("ring.stream", received);
    }

    /// Receives and sends, twice each.
    fn try_out(&mut self) {
        seen!("sabotage.pop", self.pop());
        seen!("sabotage.pop", self.pop());
        seen!("sabotage.push", self.push(0));
        seen!("sabotage.push", self.push(0));
    }

    /// The peer lies; after its restart all is well.
    fn against(&mut self, number: u8) {
        begin();
        order(PeerOrder::Sabotage(number));
        self.try_out();
        seen!("sabotage.restart", restart_peer());
        self.settle();
        seen!("sabotage.over", self.exchange(0x70 + number));
    }
}
