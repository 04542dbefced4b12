//! An ARINC 653 application on a network: a process asks by frames of all lengths, and compares the answers with what they have to be, through the driver
//! partition and by the same client as any other partition; a more urgent one goes on at its releases meanwhile. The driver is restarted on the way.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use apex_client::{Beats, start, wait_to_look};
use cofferdam_native::page;
use evidence::seen;
use network_check::{ANSWERER, ASKER, Lives, fill, length, number};
use network_client::{Client, RingChannel};
use network_messages::FRAME_BYTES_MAX;

cofferdam_apex_native::partition!("talker", initialise);

/// It asks so often at each look.
const AT_ONCE: u32 = 2;
/// Numbers that follow each other have all lengths, of which there are less.
const NUMBERS: usize = 1455;

type Network = Client<RingChannel, 16, 8>;

static BEATS: Beats = Beats::new();

/// What came.
struct Came {
    lives: Lives,
    /// Frames that are no answer.
    wrong: u32,
    /// Of which lengths there were answers, a bit each, and how many.
    lengths: [u32; FRAME_BYTES_MAX as usize / 32 + 1],
    different: usize,
}

fn initialise() {
    start(&APEX, beat, talk);
}

extern "C" fn beat() {
    BEATS.go_on(&APEX);
}

extern "C" fn talk() {
    let Some(ends) = ports::NETWORK.attach() else {
        seen!("given.away", 1);
        return;
    };
    let channel = RingChannel::new(ends, ports::NETWORK.payload());
    let Some(mut client) = Network::new(channel, page::epoch()) else {
        seen!("too.small", 1);
        return;
    };
    let mut frame = [0; FRAME_BYTES_MAX as usize];
    let mut came = Came {
        lives: Lives::default(),
        wrong: 0,
        lengths: [0; FRAME_BYTES_MAX as usize / 32 + 1],
        different: 0,
    };
    let mut next = 0;
    while !client.is_stopped() {
        client.poll();
        if came.lives.look(client.address()) {
            seen!("wrong", came.wrong);
        }
        while let Some(length) = client.receive(&mut frame) {
            came.take(frame.get(..length).unwrap_or_default());
        }
        for _ in 0..AT_ONCE {
            if !client.can_send() {
                break;
            }
            let length = fill(&mut frame, ANSWERER, ASKER, next);
            if client.send(frame.get(..length).unwrap_or_default()) {
                came.lives.ask();
            }
            next += 1;
        }
        client.announce();
        wait_to_look(&APEX);
    }
    seen!("driver.stopped", 1);
    // At its releases the other process was never kept waiting: there is a beat for each.
    seen!("beats", BEATS.count());
    APEX.stop_self();
}

impl Came {
    fn take(&mut self, frame: &[u8]) {
        let Some(number) = number(frame, ASKER, ANSWERER) else {
            self.wrong += 1;
            return;
        };
        self.lives.answer();
        let length = length(number);
        if let Some(word) = self.lengths.get_mut(length / 32) {
            let bit = 1 << (length % 32);
            self.different += usize::from(*word & bit == 0);
            *word |= bit;
            if self.different == NUMBERS {
                seen!("every.length", 1);
                // Once.
                self.different += 1;
            }
        }
    }
}
