//! The driver of a network, between clients, a wire and a device that do anything.
//!
//! What has to hold: to the wire go only frames that the file lets their sender send, with its own payload behind a header that it cannot change
//! any more. A client is given a frame only into a buffer that it gave, once, and only one for it: from the wire, or from a client that it may talk
//! to, as that one sent it. Nothing else of any payload changes. An answer comes once, says what happened, and not while the device still has
//! the frame; what is for the wire alone is not answered as sent before the device says that it was; the driver comes to rest, or asks for its restart if the device
//! does not let itself be stopped. In the end everybody is answered, and frames get through; behind a restart of the driver, with a device that keeps
//! to its rules, to and from the wire as well.

use std::collections::BTreeMap;
use std::ops::Range;

use arbitrary::Unstructured;
use cofferdam_ring::RingError::PeerRestarted;
use network::FrameMemory as _;
use network::model::{
    BROADCAST, Bench, DRIVER_BYTES, OUTSIDE, PAYLOAD_BYTES, address, describe, receive, send,
};
use network::route::Header;
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request, Status};
use virtio::model::Faults;
use virtio::{Driver as _, Memory as _, Next};

use super::choice::{any_error, either, one_of};
use super::device::{Lies, View};
use super::noise;
use crate::Target;

mod rules;
mod watch;

use rules::{
    CLIENTS, ClientId, PLACE_BYTES, PLACES, PROTOCOL, RATE, all, header, header_of,
    is_for_the_wire_alone, is_malformed, length, may_get, offset, overlap, place,
};
use watch::{Chain, PREFIX_BYTES, RECEIVE, TRANSMIT, Watch};

/// See the module.
pub const TARGET: Target = Target {
    name: "network",
    seeds: || noise(64, 600),
    run,
};

/// The most turns of the driver until it waits.
const TURNS: usize = 300;

/// What a client sent, or somebody on the wire.
#[derive(Debug, Default)]
struct Frame {
    /// What it may have been when the driver looked at it.
    versions: Vec<Vec<u8>>,
    /// Its sender wrote there otherwise meanwhile, or let the driver write there: it may be anything.
    spoilt: bool,
    /// The clients that got it.
    got: u32,
    /// How it was answered.
    status: Option<Status>,
}

impl Frame {
    fn is(&self, bytes: &[u8]) -> bool {
        self.versions.iter().any(|version| version == bytes)
    }
}

struct World {
    bench: Bench,
    watch: Watch,
    lies: Lies,
    /// What was asked and not answered yet, by client and id: of this life of the client's.
    open: BTreeMap<(ClientId, u32), Request>,
    /// Those among it, buffers, whose content nobody can foresee: their client broke a rule.
    spoilt: Vec<u32>,
    next_id: u32,
    lives: [u32; CLIENTS],
    /// Buffers that a client gave in earlier lives: until it is answered, the driver need not know that they are not given any more.
    old: [Vec<Range<u32>>; CLIENTS],
    /// What clients sent, by id.
    sent: BTreeMap<(ClientId, u32), Frame>,
    /// What came from the wire.
    came: Vec<Frame>,
    /// Frames of the second client in this life of the driver: those that the device was given, and those that were answered as sent.
    rated: [u64; 2],
    /// When that life began.
    rated_since: u64,
}

impl World {
    fn new(lies: Lies) -> Self {
        let bench = Bench::with(&all());
        for (client, channel) in bench.clients.iter().enumerate() {
            let bytes = vec![0xa0 + client as u8; PAYLOAD_BYTES as usize];
            let at = channel.payload.bus_address(0);
            bench.arena.write(at.into(), &bytes);
        }
        let view = View {
            arena: bench.arena.clone(),
            device: bench.device.clone(),
        };
        let mut world = Self {
            watch: Watch::new(view, lies.rings),
            bench,
            lies,
            open: BTreeMap::new(),
            spoilt: Vec::new(),
            next_id: 1,
            lives: [0; CLIENTS],
            old: Default::default(),
            sent: BTreeMap::new(),
            came: Vec::new(),
            rated: [0; 2],
            rated_since: 0,
        };
        world.watch.behind(&world.lives);
        world
    }

    fn payload(&self, client: ClientId, range: Range<u32>) -> Vec<u8> {
        let at = self.bench.clients[client].payload.bus_address(range.start);
        self.bench.arena.read(at.into(), range.len())
    }

    /// A client writes into its payload, wherever.
    fn write(&mut self, client: ClientId, offset: u32, bytes: &[u8]) {
        let range = offset..offset + bytes.len() as u32;
        for ((of, id), request) in &self.open {
            let hit = *of == client && overlap(&place(request), &range);
            if hit && request.operation == Operation::Receive {
                self.spoilt.push(*id);
            }
        }
        self.bench.clients[client].payload.copy_in(offset, bytes);
    }

    /// Whoever asks for payload that another request has, or an earlier life of the driver's knowledge, cannot know what becomes of it.
    fn ask(&mut self, client: ClientId, request: Request) -> u32 {
        let id = self.next_id;
        let request = Request { id, ..request };
        self.next_id += 1;
        let own = place(&request);
        let mut spoilt = self.old[client].iter().any(|old| overlap(old, &own));
        for ((of, id), other) in &self.open {
            if *of == client && overlap(&place(other), &own) {
                spoilt = true;
                self.spoilt.push(*id);
                if let Some(frame) = self.sent.get_mut(&(client, *id)) {
                    frame.spoilt = true;
                }
            }
        }
        if spoilt {
            self.spoilt.push(id);
        }
        if request.operation == Operation::Send {
            let frame = Frame {
                spoilt,
                ..Frame::default()
            };
            self.sent.insert((client, id), frame);
        }
        self.open.insert((client, id), request);
        self.bench.ask(client, request);
        id
    }

    /// Puts a frame there, which no other is like, and asks for it to be sent.
    fn send(&mut self, client: ClientId, offset: u32, length: u32, header: &Header) -> u32 {
        let mut bytes = header.0.to_vec();
        bytes.extend(self.next_id.to_be_bytes());
        bytes.truncate(length as usize);
        if offset.saturating_add(18) <= PAYLOAD_BYTES {
            self.write(client, offset, &bytes);
        }
        self.ask(client, send(0, offset, length))
    }

    /// The same from the wire.
    fn comes(&mut self, length: u32, header: &Header) -> Vec<u8> {
        let mut bytes = header.0.to_vec();
        bytes.extend((self.came.len() as u32).to_be_bytes());
        bytes.resize(length as usize, 0x50);
        self.came.push(Frame {
            versions: vec![bytes.clone()],
            ..Frame::default()
        });
        bytes
    }

    /// The driver's turns until it waits.
    fn serve(&mut self) {
        for _ in 0..TURNS {
            self.watch.before(&self.lives);
            self.look();
            let before: [_; CLIENTS] =
                std::array::from_fn(|client| self.payload(client, 0..PAYLOAD_BYTES));
            let next = self.bench.server.serve(self.bench.now);
            for (client, before) in before.iter().enumerate() {
                self.only_buffers_changed(client, before);
            }
            for (client, offset, length) in self.watch.behind(&self.lives) {
                let is_it = |(of, request): (&(ClientId, u32), &Request)| {
                    let here = offset.is_none_or(|offset| offset == request.offset);
                    of.0 == client && here && request.length == length
                };
                assert!(self.open.iter().any(is_it), "nobody sends this");
                self.count(client, 0);
            }
            self.hear();
            if self.watch.view.must_restart(next) {
                return self.restart_driver();
            }
            if next == Next::Wait {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Clients are told by the rings that what was in flight is over, and that nothing is given any more.
    fn restart_driver(&mut self) {
        self.bench.restart_driver();
        self.open.clear();
        self.old = Default::default();
        self.sent.clear();
        self.watch.sent.clear();
        (self.rated, self.rated_since) = ([0; 2], self.bench.now);
        self.watch.behind(&self.lives);
    }

    /// What the driver will see of frames that it has not sent yet.
    fn look(&mut self) {
        for ((client, id), request) in &self.open {
            if request.operation != Operation::Send || is_malformed(request) {
                continue;
            }
            let bytes = self.payload(*client, place(request));
            let frame = self.sent.get_mut(&(*client, *id)).expect("it is sent");
            if !frame.is(&bytes) {
                frame.versions.push(bytes);
            }
        }
    }

    fn only_buffers_changed(&self, client: ClientId, before: &[u8]) {
        let mut after = self.payload(client, 0..PAYLOAD_BYTES);
        if after == before {
            return;
        }
        let requests = self.open.iter().filter(|((of, _), request)| {
            *of == client && request.operation == Operation::Receive && !is_malformed(request)
        });
        let given = requests.map(|(_, request)| place(request));
        for range in given.chain(self.old[client].iter().cloned()) {
            let range = range.start as usize..range.end as usize;
            after[range.clone()].copy_from_slice(&before[range]);
        }
        assert!(after == before, "client {client} gave no buffer there");
    }

    /// One more frame of a client's whose rate is limited.
    fn count(&mut self, client: ClientId, way: usize) {
        if client == 1 {
            self.rated[way] += 1;
            let ticks = self.bench.now - self.rated_since + RATE.1;
            let most = u64::from(RATE.0) * ticks / RATE.1;
            assert!(self.rated[way] <= most, "more frames than {most}");
        }
    }

    fn hear(&mut self) {
        // Buffers first: they tell of frames that are answered at the same time.
        let mut sends = Vec::new();
        for client in 0..CLIENTS {
            for reply in self.bench.answers(client) {
                let asked = self.open.remove(&(client, reply.id));
                let request = asked.expect("an answer that nobody waits for");
                self.old[client].clear();
                let malformed = reply.status == Status::Malformed;
                assert_eq!(malformed, is_malformed(&request), "{request:?}");
                let done = reply.status == Status::Done;
                assert!(done || reply.length == 0);
                match request.operation {
                    Operation::Describe => {
                        assert!(done && reply.address == address(client));
                    }
                    Operation::Receive => {
                        assert_ne!(reply.status, Status::Refused);
                        if done {
                            self.got(client, &request, reply.length);
                        }
                    }
                    Operation::Send => sends.push((client, request, reply)),
                }
            }
        }
        for (client, request, reply) in sends {
            self.was_sent(client, &request, &reply);
        }
        self.device_has_what_is_open();
    }

    /// A client was given a frame.
    fn got(&mut self, client: ClientId, buffer: &Request, length: u32) {
        assert!((FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&length));
        if self.spoilt.contains(&buffer.id) {
            return;
        }
        let bytes = self.payload(client, buffer.offset..buffer.offset + length);
        let header = Header(*bytes.first_chunk().expect("it is long enough"));
        let bit = 1 << client;
        let Some(sender) = may_get(client, &header) else {
            let mut came = self.came.iter_mut();
            match came.find(|frame| frame.got & bit == 0 && frame.is(&bytes)) {
                Some(frame) => frame.got |= bit,
                // What it makes of its own frames is not the driver's.
                None => assert!(self.lies.rings, "it did not come like that, or twice"),
            }
            return;
        };
        let mut sent = self.sent.iter_mut();
        let is_it = |((of, _), frame): &(&(ClientId, u32), &mut Frame)| {
            *of == sender && frame.got & bit == 0 && frame.is(&bytes)
        };
        if let Some((_, frame)) = sent.find(is_it) {
            frame.got |= bit;
            let answered = frame.status.unwrap_or(Status::Done);
            assert!(frame.spoilt || answered == Status::Done, "{answered:?}");
            return;
        }
        let spoilt = |((of, _), frame): (&(ClientId, u32), &Frame)| *of == sender && frame.spoilt;
        let maybe = self.sent.iter().any(spoilt);
        assert!(maybe, "it was not sent like that, or twice");
    }

    fn was_sent(&mut self, client: ClientId, request: &Request, reply: &Reply) {
        let frame = self.sent.get_mut(&(client, reply.id)).expect("it is sent");
        frame.status = Some(reply.status);
        if reply.status == Status::Done {
            assert_eq!(reply.length, request.length, "not all of it");
            if let [version] = frame.versions.as_slice()
                && !frame.spoilt
                && is_for_the_wire_alone(version)
            {
                let offset = (request.length > FRAME_BYTES_MIN).then_some(request.offset);
                let sent = self.watch.sent.get_mut(&(client, offset, request.length));
                let sent = sent.filter(|sent| **sent != 0);
                *sent.expect("the device has not said that it was sent") -= 1;
            }
            self.count(client, 1);
        } else {
            assert!(frame.spoilt || frame.got == 0, "somebody got it");
        }
    }

    /// No frame was answered that the device has.
    fn device_has_what_is_open(&self) {
        let mut waiting = BTreeMap::<_, usize>::new();
        for ((client, _), request) in &self.open {
            if request.operation == Operation::Send {
                let offset = (request.length > FRAME_BYTES_MIN).then_some(request.offset);
                *waiting
                    .entry((*client, offset, request.length))
                    .or_default() += 1;
            }
        }
        for (_, chain) in self.watch.at_device(TRANSMIT) {
            let Chain::Frame(frame, life) = chain else {
                continue;
            };
            if life == self.lives[frame.0] {
                let left = waiting.get_mut(&frame);
                let left = left.and_then(|left| Some((left.checked_sub(1)?, left)));
                let (less, left) = left.expect("it was answered, and the device has it");
                *left = less;
            }
        }
    }

    /// A device that does in its rings what it likes.
    fn lie(&mut self, u: &mut Unstructured<'_>) {
        match one_of(u, 10) {
            0 => self.bench.device.fail(),
            1 | 2 => {
                let queues = [RECEIVE, TRANSMIT];
                self.watch.view.scribble(u, &queues, DRIVER_BYTES, 140);
            }
            _ if self.bench.device.is_running() => {
                let queue = [RECEIVE, TRANSMIT][one_of(u, 2)];
                let chains: Vec<_> = self.watch.at_device(queue).collect();
                let Some((head, chain)) = chains.get(one_of(u, 40)) else {
                    return;
                };
                let mut written = 0;
                if let Chain::Room(at) = chain {
                    let (length, header) = (length(u), header(u));
                    let frame = self.comes(length, &header);
                    self.bench.arena.write(at + u64::from(PREFIX_BYTES), &frame);
                    written = PREFIX_BYTES + length;
                }
                if one_of(u, 8) == 0 {
                    written = [0, 1, 11, 25, 26, 1526, 1527, u32::MAX][one_of(u, 8)];
                }
                self.watch.view.hand_back(queue, *head, written);
            }
            _ => {}
        }
    }

    /// One that says of itself what it likes, and perhaps has its driver ask for it.
    fn lie_in_registers(&mut self, u: &mut Unstructured<'_>) {
        self.watch.view.lie_in_registers(u);
        if either(u) {
            self.bench.device.fail();
            self.bench.server.interrupted();
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) {
        let client = one_of(u, CLIENTS);
        match one_of(u, 34) {
            0..7 => {
                let (offset, length, header) = (offset(u, 0), length(u), header(u));
                self.send(client, offset, length, &header);
            }
            7..13 => {
                let request = receive(0, offset(u, PLACES / 2));
                let length = match one_of(u, 8) {
                    0 => u.arbitrary().unwrap_or_default(),
                    _ => FRAME_BYTES_MAX,
                };
                self.ask(client, Request { length, ..request });
            }
            13 => drop(self.ask(client, describe(0))),
            // Behind the driver's back.
            14 => {
                let at = one_of(u, PLACES) as u32 * PLACE_BYTES;
                self.write(client, at, &header(u).0);
            }
            15 => {
                let ring = &mut *self.bench.clients[client].ring.borrow_mut();
                let error = any_error(u);
                // What tells of a new life is not lost.
                for place in [&mut ring.pop_error, &mut ring.push_error] {
                    if *place != Some(PeerRestarted) && either(u) {
                        *place = error;
                    }
                }
            }
            16 => self.bench.clients[client].ring.borrow_mut().reply_room = one_of(u, 40),
            17 => self.restart(client),
            18..23 => {
                self.bench.now += one_of(u, 300) as u64;
                self.serve();
            }
            23 => self.bench.server.interrupted(),
            24 if either(u) => self.restart_driver(),
            25 if self.lies.registers => self.lie_in_registers(u),
            _ if self.lies.rings => self.lie(u),
            26..29 => {
                let frame = self.comes(length(u), &header(u));
                self.bench.comes(frame);
            }
            29..31 => drop(self.bench.device.take()),
            31 => drop(self.bench.device.finish_of(TRANSMIT)),
            32 => self.bench.work(),
            _ => {
                if self.bench.device.with(|wire| !wire.coming.is_empty()) {
                    self.bench.device.finish_of(RECEIVE);
                }
            }
        }
    }

    fn restart(&mut self, client: ClientId) {
        self.bench.restart(client);
        self.lives[client] += 1;
        let of_it = self.open.iter().filter(|((of, _), _)| *of == client);
        let buffers = of_it.filter(|(_, request)| {
            request.operation == Operation::Receive && !is_malformed(request)
        });
        let places: Vec<_> = buffers.map(|(_, request)| place(request)).collect();
        self.old[client].extend(places);
        self.open.retain(|(of, _), _| *of != client);
        self.watch.sent.retain(|(of, ..), _| *of != client);
    }

    fn run(&mut self) {
        for _ in 0..10 {
            self.serve();
            self.bench.work();
        }
        self.serve();
    }

    /// Whatever came before, from here on the device keeps to its rules: everybody is answered who behaves, and frames get through.
    fn settle(&mut self) {
        self.bench.device.set_faults(Faults::default());
        if self.lies.rings {
            // It knows nothing of what was before.
            self.bench.device.fail();
            self.bench.server.interrupted();
        }
        // Long enough for each rate.
        self.bench.now += 100_000;
        for client in 0..CLIENTS {
            self.restart(client);
            self.bench.clients[client].ring.borrow_mut().reply_room = usize::MAX;
        }
        self.bench.device.with(|wire| wire.coming.clear());
        self.run();
        let all = (0..CLIENTS).map(|client| (client, self.ask(client, describe(0))));
        let asked: Vec<_> = all.collect();
        self.run();
        for key in asked {
            assert!(!self.open.contains_key(&key), "no answer");
        }
        self.bench.sent();
        let mut asked = Vec::new();
        for client in 0..CLIENTS {
            asked.push((client, self.ask(client, receive(0, 4 * PLACE_BYTES))));
        }
        self.run();
        let header = header_of(BROADCAST, address(0), PROTOCOL);
        asked.push((0, self.send(0, 0, 60, &header)));
        self.run();
        asked.remove(0);
        for key in asked {
            assert!(!self.open.contains_key(&key), "it does not get through");
        }
        let sent = self.bench.sent().len();
        assert_eq!(sent, usize::from(self.bench.server.is_up()));
        if self.bench.server.is_up() {
            let header = header_of(BROADCAST, OUTSIDE, PROTOCOL);
            let frame = self.comes(60, &header);
            self.bench.comes(frame);
            self.run();
            let waits = self.open.keys().any(|(client, _)| *client == 0);
            assert!(!waits, "it does not come in");
        }
    }
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut world = World::new(Lies::any(&mut u));
    while !u.is_empty() {
        world.step(&mut u);
    }
    world.settle();
    world.restart_driver();
    assert!(world.bench.server.is_up(), "it keeps to its rules");
    world.settle();
}
