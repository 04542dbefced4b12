//! Asks by frames of all lengths, and compares the answers with what they have to be. The driver is restarted on the way: each of its lives is
//! noticed, in each there are answers, and when it is over this one says how many did not come.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, page, time, wait};
use evidence::seen;
use network_check::{ANSWERER, ASKER, HOSTILE, Lives, fill, is_from, number};
use network_client::{Client, RingChannel};
use network_messages::FRAME_BYTES_MAX;

cofferdam_native::partition!("asker", main);

const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;

/// What came.
#[derive(Default)]
struct Came {
    lives: Lives,
    /// Frames that nobody may have sent.
    wrong: u32,
    /// Frames of the hostile client: it may send some.
    of_hostile: u32,
}

fn main() -> ! {
    let Some(ends) = ports::NETWORK.attach() else {
        panic!("the ring was given away before");
    };
    let channel = RingChannel::new(ends, ports::NETWORK.payload());
    let Some(mut client) = Client::<_, 16, 8>::new(channel, page::epoch()) else {
        panic!("the payload is too small");
    };
    let mut frame = [0; FRAME_BYTES_MAX as usize];
    let mut came = Came::default();
    let (mut next, mut next_at) = (0, 0);
    loop {
        client.poll();
        came.lives.look(client.address());
        if client.is_stopped() {
            seen!("driver.stopped", 1);
            wait(Lines::NONE);
        }
        while let Some(length) = client.receive(&mut frame) {
            came.take(frame.get(..length).unwrap_or_default());
        }
        // One in a millisecond, so that others have time too.
        if client.can_send() && time::now() >= next_at {
            next_at = time::now() + TICKS_PER_MS;
            let length = fill(&mut frame, ANSWERER, ASKER, next);
            client.send(frame.get(..length).unwrap_or_default());
            next += 1;
            came.lives.ask();
        }
        client.announce();
        time::set_timer(next_at.max(time::now() + TICKS_PER_MS / 10));
        wait(ports::NETWORK.line() | Lines::TIMER);
    }
}

impl Came {
    fn take(&mut self, frame: &[u8]) {
        if number(frame, ASKER, ANSWERER).is_some() {
            if self.lives.answer() {
                seen!("unanswered.so_far", self.lives.unanswered());
                seen!("wrong", self.wrong);
            }
        } else if is_from(frame, HOSTILE) {
            self.of_hostile += 1;
            // More than its own cases: it floods.
            if self.of_hostile == 100 {
                seen!("flooded", 1);
            }
        } else {
            self.wrong += 1;
        }
    }
}
