//! A client as they are written, with the library: it says when it knows its address and when it has lost its driver, and of each frame that it is given how long it is.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use evidence::seen;
use hostile_network::{CLIENT, OUTSIDE, header};
use network_client::{Client, RingChannel};
use network_messages::FRAME_BYTES_MAX;

cofferdam_native::partition!("client", main);

const FRAME_BYTES: usize = 60;

fn main() -> ! {
    let Some(ends) = ports::NETWORK.attach() else {
        panic!("the ring was given away before");
    };
    let channel = RingChannel::new(ends, ports::NETWORK.payload());
    let Some(mut client) = Client::<_, 2, 1>::new(channel, page::epoch()) else {
        panic!("the payload is too small");
    };
    let mut own = [0; FRAME_BYTES];
    own.iter_mut()
        .zip(header(OUTSIDE, CLIENT))
        .for_each(|(to, from)| *to = from);
    let mut frame = [0; FRAME_BYTES_MAX as usize];
    let (mut lives, mut known) = (0, false);
    loop {
        client.poll();
        match (known, client.address()) {
            (false, Some(_)) => {
                known = true;
                lives += 1;
                seen!("client.known", lives);
                client.send(&own);
            }
            (true, None) => {
                known = false;
                seen!("client.lost", lives);
            }
            _ => {}
        }
        let mut came = false;
        while let Some(length) = client.receive(&mut frame) {
            came = true;
            seen!("client.frame", length as u32);
            seen!(
                "client.frame_is_its_own",
                u32::from(frame.starts_with(&CLIENT))
            );
        }
        client.announce();
        // Else the buffer is given back at once.
        if !came {
            wait(ports::NETWORK.line());
        }
    }
}
