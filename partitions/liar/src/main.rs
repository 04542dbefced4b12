//! A driver of a disk that lies to its client, and leaves its device alone.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space;
use liar::Liar;

cofferdam_native::partition!(main);

fn main() -> ! {
    let Some((requests, _)) = ports::CLIENT.attach() else {
        panic!("the ring was given away before");
    };
    let Some(mut liar) = Liar::new(requests, space::SHARED, ports::CLIENT.payload()) else {
        panic!("the rings are not where they should be");
    };
    loop {
        liar.turn();
    }
}
