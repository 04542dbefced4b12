//! A driver of a network that does to its clients, and has its device do, what it likes.
//!
//! First it lies to its clients, over the memory that they share. Then its device: a descriptor of a virtio queue names any address on the bus, and nobody
//! checks it: what is sent comes from there and would leave on the wire, and what the host sends goes there. Last its clients are served, as if nothing
//! had been.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space;
use cofferdam_native::{Lines, log, time, wait};
use evidence::seen;
use hostile_driver::{BYTES, PEER, Word, foreign};
use hostile_network::{CLIENT, Card, DEPTH, OUTSIDE, Peer, answer, header, request_of};
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Request, Status};

cofferdam_native::partition!("hostile", main);

/// Where the rings of both clients are: in the order of the file.
const RINGS: [u32; 2] = [space::SHARED, space::SHARED + space::STRIDE];
/// So long whoever may run next has run: two major frames.
const A_WHILE_TICKS: u64 = ports::TIMEBASE_HZ as u64 / 50;
/// An honest frame, and one of the victim's.
const HONEST_BYTES: u32 = 60;
const VICTIMS_BYTES: u32 = 100;

/// Where in its own memory the pattern stands, and where a frame may go.
const OWN: u32 = 0x2000;
const PATTERN: u32 = 0xbad0_0000;

/// The other device's driver's queue, and its client's payload (`plan.json` says where they are).
const OTHERS_QUEUE: u64 = 0x8001_0000;
const OTHERS_PAYLOAD: u64 = 0x8000_0000;
/// The last descriptors of that queue, which are not in use as long as few requests are in flight: it has 256 of 16 bytes.
const UNUSED: u64 = 0xe00;
/// How large the arena is, and where behind the beginning of their memory a partition has some that it does not use.
const ARENA_BYTES: u64 = 0x2_0000;
const PARTITIONS_PAGE: u32 = 0x6_f000;

fn main() -> ! {
    let (Some((victims, _)), Some((clients, _))) = (ports::VICTIM.attach(), ports::CLIENT.attach())
    else {
        panic!("the rings were given away before");
    };
    let [first, second] = RINGS;
    let victim = Peer::new(victims, first, DEPTH, ports::VICTIM.payload());
    let client = Peer::new(clients, second, DEPTH, ports::CLIENT.payload());
    let (Some(mut victim), Some(mut client)) = (victim, client) else {
        panic!("the rings are not where they should be");
    };
    spoil(&mut victim);
    seen!("hostile.spoilt", 1);
    let room = lie(&mut client, &victim);
    seen!("hostile.lied", 1);
    attack_by_device();
    log!("nothing came of it but in the arena");
    // Who was lied to goes on.
    for _ in 0..2 {
        victim.turn();
        answer(&mut victim, 0, Status::Done, 0);
        victim.ring();
    }
    give_frame(&mut client, &room);
    seen!("hostile.done", 1);
    loop {
        wait(Lines::NONE);
    }
}

/// What the driver does when the client has asked something.
fn turn(peer: &mut Peer, act: impl FnOnce(&mut Peer)) {
    peer.turn();
    act(peer);
    peer.ring();
}

fn honest(peer: &mut Peer) {
    answer(peer, 0, Status::Done, 0);
}

/// Writes into both rings of a client with bare ends what cannot be. Each time the client asks one thing and looks for one answer.
fn spoil(victim: &mut Peer) {
    turn(victim, honest);
    // Indices that cannot be, forwards and backwards; and then nothing more than was there.
    turn(victim, |peer| peer.forge_index(DEPTH as i32 + 1));
    turn(victim, |peer| peer.forge_index(i32::MAX));
    turn(victim, |peer| peer.forge_index(-1));
    turn(victim, |peer| peer.forge_index(0));
    // Lengths that no message has, and bytes that are none.
    turn(victim, |peer| peer.push_bytes(&[0xff; 64], u32::MAX));
    turn(victim, |peer| peer.set_last_length(65));
    turn(victim, |peer| peer.set_last_length(10));
    turn(victim, |peer| peer.push_bytes(&[], 0));
    turn(victim, honest);
    // An epoch that is half begun, then whole.
    turn(victim, Peer::next_epoch);
    turn(victim, |peer| peer.complete_epoch());
    turn(victim, honest);
    // One with another layout.
    turn(victim, |peer| {
        peer.next_epoch();
        peer.invert_reply_word(Word::Magic);
        peer.complete_epoch();
    });
    turn(victim, |peer| {
        peer.invert_reply_word(Word::Magic);
        peer.invert_reply_word(Word::SlotCount);
    });
    turn(victim, |peer| peer.invert_reply_word(Word::SlotCount));
    turn(victim, honest);
    // More requests taken than there are, fewer than there were, and by another than before: the client's next request finds it.
    turn(victim, |peer| {
        honest(peer);
        peer.add_to_request_word(Word::ConsumerIndex, DEPTH as i32 + 1);
    });
    turn(victim, |peer| {
        honest(peer);
        peer.add_to_request_word(Word::ConsumerIndex, -(DEPTH as i32) - 3);
    });
    turn(victim, |peer| {
        honest(peer);
        peer.add_to_request_word(Word::ConsumerIndex, 2);
        peer.add_to_request_word(Word::ConsumerEpoch, 7);
    });
    turn(victim, honest);
}

/// Lies to a client with the library, and spoils its rings between. The room for a frame that it has given last.
fn lie(client: &mut Peer, victim: &Peer) -> Request {
    // The address: another question's answer, and a refusal.
    let question = request_of(client, Operation::Describe);
    answer(client, question.id.wrapping_add(1), Status::Done, 0);
    answer(client, question.id, Status::Malformed, 0);
    client.ring();
    let [one, other, sent] = life(client);
    // Lengths that no frame has.
    answer(client, one.id, Status::Done, FRAME_BYTES_MAX + 1);
    answer(client, other.id, Status::Done, u32::MAX);
    answer(client, sent.id, Status::Done, u32::MAX);
    client.ring();
    let (old, other) = (client.request(), client.request());
    answer(client, old.id, Status::Done, FRAME_BYTES_MIN - 1);
    answer(client, other.id, Status::Done, 0);
    client.ring();
    // The same is released twice, both ways, and so is what is not in flight any more, or never was.
    let (one, _) = (client.request(), client.request());
    give_frame(client, &one);
    answer(client, one.id, Status::Done, HONEST_BYTES);
    answer(client, sent.id, Status::Done, HONEST_BYTES);
    answer(client, old.id, Status::Done, HONEST_BYTES);
    answer(client, 0, Status::Done, HONEST_BYTES);
    answer(client, u32::MAX, Status::Done, HONEST_BYTES);
    client.ring();
    // Another client's frame.
    let one = client.request();
    (client.payload()).copy_from(one.offset, victim.payload(), 0, VICTIMS_BYTES);
    answer(client, one.id, Status::Done, VICTIMS_BYTES);
    client.ring();
    client.request();
    // A driver that seems to have begun anew, at first by half.
    client.next_epoch();
    ring_and_wait(client);
    client.complete_epoch();
    client.ring();
    let [one, ..] = life(client);
    // An index and a length that cannot be, and then can.
    client.forge_index(i32::MAX);
    ring_and_wait(client);
    client.forge_index(0);
    give_frame(client, &one);
    let one = client.request();
    client.push_bytes(&[0xff; 64], u32::MAX);
    ring_and_wait(client);
    client.set_last_length(10);
    give_frame(client, &one);
    client.request();
    // Another layout.
    client.next_epoch();
    client.invert_reply_word(Word::Magic);
    client.complete_epoch();
    ring_and_wait(client);
    client.invert_reply_word(Word::Magic);
    client.ring();
    let [one, ..] = life(client);
    // Of its requests: another takes them, and more were taken than there are.
    client.add_to_request_word(Word::ConsumerEpoch, 7);
    give_frame(client, &one);
    let [one, ..] = life(client);
    client.add_to_request_word(Word::ConsumerIndex, DEPTH as i32 + 1);
    give_frame(client, &one);
    time::sleep_until(time::now() + A_WHILE_TICKS);
    client.add_to_request_word(Word::ConsumerIndex, -(DEPTH as i32) - 1);
    client.ring();
    client.request()
}

/// The client asks for its address, and is told: two rooms that it gives then, and the frame that it sends.
fn life(client: &mut Peer) -> [Request; 3] {
    let question = request_of(client, Operation::Describe);
    answer(client, question.id, Status::Done, 0);
    client.ring();
    [client.request(), client.request(), client.request()]
}

fn give_frame(client: &mut Peer, room: &Request) {
    (client.payload()).copy_in(room.offset, &header(CLIENT, OUTSIDE));
    answer(client, room.id, Status::Done, HONEST_BYTES);
    client.ring();
}

fn ring_and_wait(client: &Peer) {
    client.ring();
    time::sleep_until(time::now() + A_WHILE_TICKS);
}

/// Has the device send from everywhere, and receive to everywhere; and send again what came of it.
fn attack_by_device() {
    let memory = ports::NETWORK0_MEMORY;
    let mut card = Card::new(ports::NETWORK0_REGISTERS, memory, &ports::NETWORK0);
    seen!("hostile.up", u32::from(card.is_up()));
    // A frame comes to its own memory as the host sends it, and leaves from there as it came.
    let own = memory.bus_address(OWN).into();
    card.receive_to(own);
    card.send_from(own);
    let words = (0..BYTES).step_by(4).zip(0..);
    let is_right =
        |&(offset, number): &(u32, u32)| memory.read_u32(OWN + offset) == PATTERN | number;
    seen!("hostile.own", words.filter(is_right).count() as u32);
    for (what, from, to) in foreign(ARENA_BYTES, PARTITIONS_PAGE) {
        log!("sending {what} at {from:#x} to the wire");
        seen!("hostile.sent", u32::from(card.send_from(from)));
        log!("receiving to {what} at {to:#x}");
        seen!("hostile.received", u32::from(card.receive_to(to)));
        seen!("hostile.sent_again", u32::from(card.send_from(to)));
    }
    // Who only talks to its own driver is a device on the bus all the same; and in the arena all reach each other.
    seen!("hostile.peer", u32::from(card.send_from(PEER)));
    for others in [OTHERS_QUEUE + UNUSED, OTHERS_PAYLOAD] {
        card.send_from(others);
        seen!("hostile.changed", u32::from(card.receive_to(others)));
        card.send_from(others);
    }
}
