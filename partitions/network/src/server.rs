//! Whose request is next, and who gets which frame.
//!
//! A frame that goes to the wire has a **slot** from when it was taken from a client's ring until the device has read it: then the
//! client is answered, and its payload is its own again. Sets of slots are bit masks.
//!
//! # Fair
//!
//! Each client may have as many slots as there are for each, and a rate; who has used up its slots is not asked, who has used up its rate is
//! answered so. Those that may ask are served in turn, one request each. A turn has a fixed number of requests and of frames from the wire,
//! so that neither a client nor the wire keeps the other waiting. A frame for a client that has no room is lost at once, and keeps nobody up.
//!
//! # All or nobody
//!
//! A frame that is answered as dropped went to no client: so whoever sends it again gives nobody the same frame twice. One for several and the wire gets its slot first,
//! and without one nobody gets it. While there is no wire, it goes to the clients, and is done; and it is done too if the device fails that has it.
//!
//! # A client restarts
//!
//! Either direction of its ring says so. Its answers and its buffers are dropped, and as long as the device has a frame of its last life, nothing
//! is taken from its ring: so when it gets an answer, its payload is its own.
//!
//! # The device fails
//!
//! If it writes what cannot be, says that it needs a reset, or has a frame for too long, it is reset: what it had is answered as dropped, and
//! it begins anew. After some failures without a frame sent in between, it stays down; the clients still have each other. If it does not even
//! come out of its reset, only a restart of the partition ends its use of memory.

use heapless::Vec;
use network_messages::{
    CLIENTS_MAX, Counts, FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request, Status,
};
use virtio::slots::{bit, of_mask};
use virtio::{Channel, Driver, InitError, Next, PATIENCE_CHECKS, Registers};

use cofferdam_ring::RingError;

use crate::FrameMemory;
use crate::client::{Client, Settings};
use crate::device::{Arrived, Net, TRANSMIT_SLOTS};
use crate::route::{self, HEADER_BYTES, Header};

/// So many requests are taken in a turn.
const REQUESTS_OF_TURN: u32 = 32;
/// So many frames from the wire are taken in a turn.
const FRAMES_OF_TURN: u32 = 16;
/// After so many failures of the device with no frame sent in between, it stays down.
const FAILURES_MAX: u32 = 3;
/// A frame at the device.
#[derive(Clone, Copy, Debug)]
struct Slot {
    id: u32,
    length: u32,
    /// When it went there, in ticks.
    since: u64,
    /// Other clients were given it as well.
    shared: bool,
}

const NO_SLOT: Slot = Slot {
    id: 0,
    length: 0,
    since: 0,
    shared: false,
};

/// A network and its clients.
#[derive(Debug)]
pub struct Server<R, M, C> {
    net: Net<R, M>,
    clients: Vec<Client<C>, CLIENTS_MAX>,
    slots: [Slot; TRANSMIT_SLOTS],
    free: u64,
    /// The most slots of one client.
    share: u32,
    /// Who is asked first.
    turn: usize,
    failures: u32,
    failed: bool,
    patience_ticks: u64,
    next_check: u64,
    /// Frames from the wire for nobody.
    unwanted: u32,
}

impl<R, M, C> Server<R, M, C>
where
    R: Registers + Clone,
    M: FrameMemory,
    C: Channel<Request = Request, Reply = Reply, Memory = M>,
{
    /// Brings the network up, and serves nobody yet. A device that has a frame for longer than `patience_ticks` counts as failed.
    pub fn new(net: Net<R, M>, patience_ticks: u64) -> Self {
        let mut server = Self {
            net,
            clients: Vec::new(),
            slots: [NO_SLOT; TRANSMIT_SLOTS],
            free: u64::MAX,
            share: TRANSMIT_SLOTS as u32,
            turn: 0,
            failures: 0,
            failed: false,
            patience_ticks,
            next_check: 0,
            unwanted: 0,
        };
        // What came of it is asked when it matters; until then the clients have each other.
        let _ = server.start();
        server
    }

    /// One more client. Whether there was room for it. Its doorbell will be rung: it may wait for an answer of this driver's last life.
    pub fn add_client(&mut self, channel: C, settings: Settings, now: u64) -> bool {
        let client = Client::new(channel, settings, now);
        let added = self.clients.push(client).is_ok();
        self.share = TRANSMIT_SLOTS as u32 / (self.clients.len() as u32).max(1);
        added
    }

    /// Brings the device up again after it was stopped.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn start(&mut self) -> Result<(), InitError> {
        self.net.start()
    }

    /// What became of all frames.
    pub fn counts(&self) -> Counts {
        Counts {
            // There is room for all of them.
            clients: self.clients.iter().map(|client| client.counts).collect(),
            unwanted: self.unwanted,
        }
    }

    fn at_device(&self) -> u64 {
        let clients = self.clients.iter();
        clients.fold(0, |all, client| all | client.at_device | client.dropped)
    }

    fn flush(&mut self) {
        for client in &mut self.clients {
            client.flush();
        }
    }

    /// What the device has sent.
    fn collect(&mut self) {
        // A device that hands back more than it has is corrupt: this ends.
        loop {
            match self.net.take_sent() {
                Ok(Some(slot)) => {
                    self.failures = 0;
                    self.end(slot, Status::Done);
                }
                Ok(None) => return,
                Err(_) => {
                    self.failed = true;
                    return;
                }
            }
        }
    }

    /// The device is done with a slot.
    fn end(&mut self, slot: u8, status: Status) {
        let bit = bit(slot);
        let Some(slot) = self.slots.get(usize::from(slot)).copied() else {
            return;
        };
        let Slot {
            id, length, shared, ..
        } = slot;
        let status = if shared { Status::Done } else { status };
        self.free |= bit;
        for client in &mut self.clients {
            client.dropped &= !bit;
            if client.at_device & bit != 0 {
                client.at_device &= !bit;
                let sent = if status == Status::Done { length } else { 0 };
                client.answer(id, status, sent);
            }
        }
    }

    fn check_patience(&mut self, now: u64) {
        if now < self.next_check {
            return;
        }
        self.next_check = now.saturating_add(self.patience_ticks / PATIENCE_CHECKS);
        let late = |slot: &Slot| now.saturating_sub(slot.since) > self.patience_ticks;
        if of_mask(self.at_device()).any(|slot| self.slots.get(usize::from(slot)).is_some_and(late))
        {
            self.failed = true;
        }
    }

    /// What the device has is dropped, and the device begins anew.
    fn recover(&mut self) -> Next {
        if self.net.stop().is_err() {
            return Next::Restart;
        }
        for slot in of_mask(self.at_device()) {
            self.end(slot, Status::Dropped);
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures <= FAILURES_MAX {
            // If it does not come up, there is no wire.
            let _ = self.start();
        }
        Next::Wait
    }

    /// Takes frames from the wire. Whether there may be more.
    fn take_arrived(&mut self) -> bool {
        for _ in 0..FRAMES_OF_TURN {
            match self.net.take_arrived() {
                Ok(Some(arrived)) => {
                    self.deliver_arrived(arrived);
                    self.net.give_back(arrived);
                }
                Ok(None) => return false,
                Err(_) => {
                    self.failed = true;
                    return false;
                }
            }
        }
        true
    }

    fn deliver_arrived(&mut self, arrived: Arrived) {
        // Whoever is on the wire may put there what is none.
        if arrived.length < FRAME_BYTES_MIN {
            self.unwanted = self.unwanted.wrapping_add(1);
            return;
        }
        let memory = self.net.memory();
        let header = header(memory, arrived.offset);
        let settings = self.clients.iter().map(|client| &client.settings);
        let route = route::from_wire(settings, &header);
        if route.clients == 0 {
            self.unwanted = self.unwanted.wrapping_add(1);
        }
        for client in chosen(&mut self.clients, route.clients) {
            client.deliver(&header, memory, arrived.offset, arrived.length);
        }
    }

    /// Takes requests in turn. Whether there were any.
    fn take_requests(&mut self, now: u64) -> bool {
        let count = self.clients.len();
        let mut left = REQUESTS_OF_TURN;
        loop {
            let mut taken = false;
            for _ in 0..count {
                let number = self.turn % count;
                if left == 0 {
                    return true;
                }
                self.turn = number + 1;
                if self.take_request(number, now) {
                    taken = true;
                    left -= 1;
                }
            }
            if !taken {
                return left != REQUESTS_OF_TURN;
            }
        }
    }

    /// Takes a client's next request. Whether there was something.
    fn take_request(&mut self, number: usize, now: u64) -> bool {
        let Some(client) = self.clients.get_mut(number) else {
            return false;
        };
        client.flush();
        if !client.can_ask() || client.at_device.count_ones() >= self.share {
            return false;
        }
        match client.end.pop() {
            Ok(Some(request)) => self.begin(number, &request, now),
            Ok(None) => return false,
            Err(RingError::PeerRestarted) => client.forget(),
            // It names no id that could be answered.
            Err(RingError::Decode(_)) => {}
            // The client destroyed its ring. Until it restarts there is nothing to be had.
            Err(_) => return false,
        }
        true
    }

    /// Does what is asked, or answers why not.
    fn begin(&mut self, number: usize, request: &Request, now: u64) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let result = match request.operation {
            Operation::Describe => return client.describe(request),
            // It is answered when a frame comes.
            Operation::Receive => match client.give(request) {
                Ok(()) => return,
                Err(status) => Err(status),
            },
            Operation::Send => {
                let sent = self.send(number, request, now);
                self.count(number, &sent);
                match sent {
                    // It is answered when the device has read it.
                    Ok(Sent::Begun) => return,
                    Ok(Sent::Over) => Ok(request.length),
                    Err(unsent) => Err(unsent.status()),
                }
            }
        };
        let (status, length) = match result {
            Ok(length) => (Status::Done, length),
            Err(status) => (status, 0),
        };
        if let Some(client) = self.clients.get_mut(number) {
            client.answer(request.id, status, length);
        }
    }

    fn count(&mut self, number: usize, sent: &Result<Sent, Unsent>) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let counts = &mut client.counts;
        let count = match sent {
            Ok(_) => &mut counts.sent,
            Err(Unsent::Malformed | Unsent::Refused) => &mut counts.refused,
            Err(Unsent::OverRate) => &mut counts.over_rate,
            Err(Unsent::NoRoom) => &mut counts.lost,
        };
        *count = count.wrapping_add(1);
    }

    fn send(&mut self, number: usize, request: &Request, now: u64) -> Result<Sent, Unsent> {
        let client = self.clients.get_mut(number).ok_or(Unsent::Malformed)?;
        let Request { offset, length, .. } = *request;
        let frames = FRAME_BYTES_MIN..=FRAME_BYTES_MAX;
        if !frames.contains(&length) || !client.is_payload(offset, length) {
            return Err(Unsent::Malformed);
        }
        if !client.bucket.take(now) {
            return Err(Unsent::OverRate);
        }
        let payload = client.end.channel.payload().clone();
        let header = header(&payload, offset);
        let settings = self.clients.iter().map(|client| &client.settings);
        let route = route::from_client(settings, number, &header).ok_or(Unsent::Refused)?;
        let shared = route.clients != 0;
        let has_wire = route.wire && (self.net.is_up() || !shared);
        if has_wire {
            let slot = of_mask(self.free).next().ok_or(Unsent::NoRoom)?;
            let body = payload.bus_address(offset).wrapping_add(HEADER_BYTES);
            if !self.net.send(slot, &header, body, length - HEADER_BYTES) {
                return Err(Unsent::NoRoom);
            }
            self.free &= !bit(slot);
            if let Some(place) = self.slots.get_mut(usize::from(slot)) {
                *place = Slot {
                    id: request.id,
                    length,
                    since: now,
                    shared,
                };
            }
            if let Some(client) = self.clients.get_mut(number) {
                client.at_device |= bit(slot);
            }
        }
        for other in chosen(&mut self.clients, route.clients) {
            other.deliver(&header, &payload, offset, length);
        }
        Ok(if has_wire { Sent::Begun } else { Sent::Over })
    }
}

impl<R, M, C> Driver for Server<R, M, C>
where
    R: Registers + Clone,
    M: FrameMemory,
    C: Channel<Request = Request, Reply = Reply, Memory = M>,
{
    fn is_up(&self) -> bool {
        self.net.is_up()
    }

    fn next_check(&self) -> Option<u64> {
        (self.at_device() != 0).then_some(self.next_check)
    }

    fn interrupted(&mut self) {
        if self.net.acknowledge_interrupt() {
            self.failed = true;
        }
    }

    fn serve(&mut self, now: u64) -> Next {
        self.collect();
        self.check_patience(now);
        let came = self.take_arrived();
        if core::mem::take(&mut self.failed) && self.recover() == Next::Restart {
            // Stays so, whoever asks again.
            self.failed = true;
            return Next::Restart;
        }
        // First the answers: they make room for requests.
        self.flush();
        let asked = self.take_requests(now);
        self.net.announce();
        self.flush();
        let mut restarted = false;
        for client in &mut self.clients {
            client.tell();
            restarted |= core::mem::take(&mut client.restarted);
        }
        if came || asked || restarted {
            Next::Again
        } else {
            Next::Wait
        }
    }
}

/// What became of a frame that may be sent.
enum Sent {
    /// The device has it.
    Begun,
    /// It is where it should be.
    Over,
}

/// Why a frame was not sent.
enum Unsent {
    Malformed,
    Refused,
    OverRate,
    NoRoom,
}

impl Unsent {
    const fn status(&self) -> Status {
        match self {
            Self::Malformed => Status::Malformed,
            Self::Refused => Status::Refused,
            Self::OverRate | Self::NoRoom => Status::Dropped,
        }
    }
}

fn header(memory: &impl FrameMemory, offset: u32) -> Header {
    let mut header = Header([0; HEADER_BYTES as usize]);
    memory.copy_out(offset, &mut header.0);
    header
}

/// The clients in a set.
fn chosen<C>(clients: &mut [Client<C>], set: u32) -> impl Iterator<Item = &mut Client<C>> {
    let numbered = clients.iter_mut().enumerate();
    let chosen = numbered.filter(move |(number, _)| set & 1 << number != 0);
    chosen.map(|(_, client)| client)
}
