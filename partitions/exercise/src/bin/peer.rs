//! The other end of `ringer`'s ring: answers each message with the number after it, or turns against it.
//!
//! It writes the words of the ring by the layout that stands at the head of `cofferdam_ring`: what the handles of
//! the native personality would never do.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::space;
use cofferdam_native::{RingConsumer, RingError, RingProducer, probe, wait};
use cofferdam_ring::Geometry;
use evidence::{of_ring, seen};
use exercise::{PeerOrder, sleep_us};

cofferdam_native::partition!("peer", main);

type Message = Bytes<16>;

/// Of both directions alike.
const GEOMETRY: Geometry = match Geometry::new(16, 4) {
    Some(geometry) => geometry,
    None => panic!("the ring's depth is a power of two"),
};
/// The ring that comes here.
const TO_HERE: u32 = space::SHARED;
/// The ring that goes back, behind it.
const BACK: u32 = TO_HERE + GEOMETRY.region_size() as u32;

const SLOT_COUNT: u32 = 12;
const PRODUCER_EPOCH: u32 = 16;
const PRODUCER_INDEX: u32 = 32;
const PRODUCER_INDEX_EPOCH: u32 = 36;
const CONSUMER_INDEX: u32 = 64;
const CONSUMER_INDEX_EPOCH: u32 = 68;
const CONSUMER_EPOCH: u32 = 72;
const SLOTS: u32 = 96;
const SLOT_BYTES: u32 = 4 + 16;

fn main() -> ! {
    let Some((mut from, mut to)) = ports::PIPE.attach() else {
        panic!("the ring was given away before");
    };
    let mut holding = false;
    let mut waiting = None;
    loop {
        wait(ports::ORDER.line() | ports::PIPE.line());
        while let Ok(Some(order)) = ports::ORDER.receive() {
            match order.message {
                PeerOrder::Hold => holding = true,
                PeerOrder::Go => holding = false,
                PeerOrder::Sabotage(number) => {
                    holding = true;
                    sabotage(number);
                }
                PeerOrder::Scribble(times) => {
                    holding = true;
                    scribble(times);
                    let _ = from.ring_doorbell();
                }
            }
        }
        if !holding {
            answer_all(&mut from, &mut to, &mut waiting);
        }
    }
}

/// Answers what is there, as far as there is room for answers. One that found none waits.
fn answer_all(
    from: &mut RingConsumer<Message>,
    to: &mut RingProducer<Message>,
    waiting: &mut Option<Message>,
) {
    let mut moved = false;
    loop {
        if waiting.is_none() {
            *waiting = match from.pop() {
                Ok(Some(message)) => Some(after(&message)),
                Ok(None) => break,
                Err(RingError::PeerRestarted) => {
                    seen!("peer.pop", of_ring(&Err::<(), _>(RingError::PeerRestarted)));
                    continue;
                }
                Err(error) => {
                    seen!("peer.pop", of_ring(&Err::<(), _>(error)));
                    break;
                }
            };
            moved = true;
        }
        let Some(answer) = waiting.take() else { break };
        match to.push(&answer) {
            Ok(()) => moved = true,
            Err(RingError::PeerRestarted) => {
                seen!(
                    "peer.push",
                    of_ring(&Err::<(), _>(RingError::PeerRestarted))
                );
                *waiting = Some(answer);
            }
            Err(_) => {
                *waiting = Some(answer);
                break;
            }
        }
    }
    if moved {
        let _ = to.ring_doorbell();
    }
}

/// The message with each byte one more.
fn after(message: &Message) -> Message {
    let mut bytes = [0; 16];
    for (byte, before) in bytes.iter_mut().zip(message.iter()) {
        *byte = before.wrapping_add(1);
    }
    Message::try_from(bytes.get(..message.len()).unwrap_or_default()).unwrap_or_default()
}

fn add(address: u32, number: u32) {
    probe::store(address, probe::load(address, 0).wrapping_add(number));
}

/// One lie each. The first seven are told to the end that receives, the others to the end that sends.
fn sabotage(number: u8) {
    match number {
        // More messages than there are places.
        0 => add(BACK + PRODUCER_INDEX, 5),
        // Fewer than before.
        1 => add(BACK + PRODUCER_INDEX, u32::MAX),
        // A message longer than a place.
        2 => {
            let index = probe::load(BACK + PRODUCER_INDEX, 0);
            let slot = index % GEOMETRY.slot_count() * SLOT_BYTES;
            probe::store(BACK + SLOTS + slot, 17);
            add(BACK + PRODUCER_INDEX, 1);
        }
        // A new life that never begins.
        3 => add(BACK + PRODUCER_EPOCH, 1),
        // A new life with more messages than there are places.
        4 => {
            add(BACK + PRODUCER_EPOCH, 1);
            probe::store(BACK + PRODUCER_INDEX, 9);
            add(BACK + PRODUCER_INDEX_EPOCH, 1);
        }
        // A new life with another layout.
        5 => {
            add(BACK + PRODUCER_EPOCH, 1);
            probe::store(BACK + SLOT_COUNT, 3);
            add(BACK + PRODUCER_INDEX_EPOCH, 1);
        }
        // Nobody was ever there.
        6 => fill(BACK, || 0),
        // Messages taken that were never sent.
        7 => add(TO_HERE + CONSUMER_INDEX, 1),
        // Messages given back: more than the other end can have missed.
        8 => add(TO_HERE + CONSUMER_INDEX, u32::MAX - 2),
        // An index of another life.
        9 => add(TO_HERE + CONSUMER_INDEX_EPOCH, 1),
        // A new life.
        10 => add(TO_HERE + CONSUMER_EPOCH, 1),
        _ => {
            fill(BACK, || u32::MAX);
            fill(TO_HERE, || u32::MAX);
        }
    }
}

fn fill(ring: u32, mut word: impl FnMut() -> u32) {
    for offset in (0..GEOMETRY.region_size() as u32).step_by(4) {
        probe::store(ring + offset, word());
    }
}

/// Again and again numbers without sense, small ones among them, wherever the other end is at that moment: the timer
/// interrupts it, for this partition is more urgent.
fn scribble(times: u16) {
    let mut state = 0x2545_f491_u32;
    let mut number = || {
        // Xorshift (Marsaglia, 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        if state & 0x100 == 0 { state } else { state % 8 }
    };
    for _ in 0..times {
        fill(TO_HERE, &mut number);
        fill(BACK, &mut number);
        sleep_us(1 + number() % 8);
    }
}
