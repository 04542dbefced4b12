//! Sends back what comes from the one that asks, to the byte; others it counts.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, page, wait};
use evidence::seen;
use network_check::{ANSWERER, ASKER, fill, number};
use network_client::{Client, RingChannel};
use network_messages::FRAME_BYTES_MAX;

cofferdam_native::partition!("answerer", main);

fn main() -> ! {
    let Some(ends) = ports::NETWORK.attach() else {
        panic!("the ring was given away before");
    };
    let channel = RingChannel::new(ends, ports::NETWORK.payload());
    let Some(mut client) = Client::<_, 16, 8>::new(channel, page::epoch()) else {
        panic!("the payload is too small");
    };
    let mut frame = [0; FRAME_BYTES_MAX as usize];
    loop {
        client.poll();
        if client.is_stopped() {
            seen!("driver.stopped", 1);
            wait(Lines::NONE);
        }
        while client.can_send()
            && let Some(length) = client.receive(&mut frame)
        {
            let came = frame.get(..length).unwrap_or_default();
            // The hostile client may not talk with this one, and no one else is here.
            let Some(number) = number(came, ANSWERER, ASKER) else {
                seen!("wrong", 1);
                continue;
            };
            let length = fill(&mut frame, ASKER, ANSWERER, number);
            client.send(frame.get(..length).unwrap_or_default());
        }
        client.announce();
        wait(ports::NETWORK.line());
    }
}
