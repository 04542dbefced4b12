//! Which buffer is whose.

use cofferdam_ring::RingError;
use heapless::Deque;
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request, Status};

use crate::Channel;

/// A hardware address.
pub type Address = [u8; 6];

/// What each buffer has of the payload: a frame, and up to a place where words are copied.
pub const BUFFER_BYTES: u32 = FRAME_BYTES_MAX.next_multiple_of(64);

/// So many answers are taken in one call.
const ANSWERS_OF_CALL: u32 = 256;
/// So often a request for the address is pushed in one call: the ring tells of a restart once.
const DESCRIBE_TRIES: u32 = 2;

/// What the driver has said of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was asked, by the request with this id.
    Asked(u32),
    /// It has to be asked: there was no room in the ring.
    Due(u32),
    Known(Address),
    /// The driver has no life any more.
    Stopped,
}

/// A buffer for receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Free,
    /// The driver has it, by the request with this id.
    Given(u32),
    /// A frame of this length came.
    Full(u32),
}

/// A client of a network with so many buffers for receiving, and for sending.
///
/// Together they are fewer than the places of the rings: so there is always room for an answer, and the driver never waits for it.
#[derive(Debug)]
pub struct Client<C, const RECEIVES: usize, const SENDS: usize> {
    channel: C,
    state: State,
    rooms: [Room; RECEIVES],
    /// The full ones, in the order in which they came.
    arrived: Deque<u8, RECEIVES>,
    /// By which request each buffer for sending is at the driver.
    sending: [Option<u32>; SENDS],
    life: u16,
    last_number: u16,
    unannounced: bool,
}

impl<C: Channel, const RECEIVES: usize, const SENDS: usize> Client<C, RECEIVES, SENDS> {
    /// A client that asks for its address first. `life` is another number in each life of the partition; its lower half counts.
    ///
    /// `None` if the payload has not [`BUFFER_BYTES`] for each buffer.
    pub fn new(channel: C, life: u32) -> Option<Self> {
        const { assert!(RECEIVES <= 64 && SENDS <= 64) };
        if channel.payload_bytes() < (RECEIVES + SENDS) as u32 * BUFFER_BYTES {
            return None;
        }
        let mut client = Self {
            channel,
            state: State::Due(0),
            rooms: [Room::Free; RECEIVES],
            arrived: Deque::new(),
            sending: [None; SENDS],
            life: life as u16,
            last_number: 0,
            unannounced: false,
        };
        client.begin();
        client.announce();
        Some(client)
    }

    /// Its hardware address, while there is a driver.
    pub fn address(&self) -> Option<Address> {
        match self.state {
            State::Known(address) => Some(address),
            State::Asked(_) | State::Due(_) | State::Stopped => None,
        }
    }

    /// Whether the driver is stopped, and will not begin again by itself: nothing is sent or received.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// The channel.
    pub fn channel(&self) -> &C {
        &self.channel
    }

    /// Whether a frame can be sent now.
    pub fn can_send(&self) -> bool {
        self.address().is_some() && self.sending.contains(&None)
    }

    /// Whether a frame came that was not taken yet.
    pub fn has_arrived(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Sends a frame; the driver is told by [`Client::announce`], once for several. Whether it was taken.
    pub fn send(&mut self, frame: &[u8]) -> bool {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        if !self.can_send() || !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&length) {
            return false;
        }
        let Some(buffer) = self.sending.iter().position(Option::is_none) else {
            return false;
        };
        let offset = (RECEIVES + buffer) as u32 * BUFFER_BYTES;
        self.channel.copy_in(offset, frame);
        let id = self.new_id();
        let pushed = self.push(&Request {
            id,
            operation: Operation::Send,
            offset,
            length,
        });
        if pushed && let Some(place) = self.sending.get_mut(buffer) {
            *place = Some(id);
        }
        pushed
    }

    /// Takes the oldest frame that came into the start of `frame`: its length, cut to the room there is.
    pub fn receive(&mut self, frame: &mut [u8]) -> Option<usize> {
        let buffer = self.arrived.pop_front()?;
        let room = self.rooms.get_mut(usize::from(buffer))?;
        let Room::Full(length) = core::mem::replace(room, Room::Free) else {
            return None;
        };
        let length = frame.len().min(length as usize);
        let offset = u32::from(buffer) * BUFFER_BYTES;
        let taken = frame.get_mut(..length).unwrap_or_default();
        self.channel.copy_out(offset, taken);
        Some(length)
    }

    /// Takes what the driver answers, and gives it the buffers that are free.
    pub fn poll(&mut self) {
        if self.is_stopped() && !self.channel.is_stopped() {
            // Somebody has started it again.
            self.begin();
        }
        self.push_describe();
        for _ in 0..ANSWERS_OF_CALL {
            match self.channel.pop() {
                Ok(Some(reply)) => self.answered(&reply),
                Err(RingError::PeerRestarted) => self.begin(),
                // It names no id.
                Err(RingError::Decode(_)) => {}
                Ok(None) if self.is_question_lost() => self.begin(),
                // Nothing there; or the driver destroyed the ring, and until it restarts there is nothing to be had.
                Ok(None) | Err(_) => {
                    self.look_for_end();
                    break;
                }
            }
        }
        self.give();
    }

    /// Before the caller waits: a driver that is stopped sends nothing of what it has, and receives nothing. What came before can be taken.
    fn look_for_end(&mut self) {
        if self.channel.is_stopped() {
            self.state = State::Stopped;
            self.take_back();
        }
    }

    /// The driver has no buffer any more.
    fn take_back(&mut self) {
        self.sending = [None; SENDS];
        for room in &mut self.rooms {
            if matches!(room, Room::Given(_)) {
                *room = Room::Free;
            }
        }
    }

    /// Tells the driver of what it was asked since the last time.
    pub fn announce(&mut self) {
        if core::mem::take(&mut self.unannounced) {
            self.channel.ring_doorbell();
        }
    }

    /// Asks for the address. The driver's buffers are its own until the answer is there.
    fn begin(&mut self) {
        self.state = State::Due(self.new_id());
        self.push_describe();
    }

    fn push_describe(&mut self) {
        let State::Due(id) = self.state else {
            return;
        };
        let request = Request {
            id,
            operation: Operation::Describe,
            offset: 0,
            length: 0,
        };
        for _ in 0..DESCRIBE_TRIES {
            match self.channel.push(&request) {
                Ok(()) => {
                    self.state = State::Asked(id);
                    self.unannounced = true;
                    return;
                }
                Err(RingError::PeerRestarted) => {}
                Err(_) => return,
            }
        }
    }

    /// Whether the driver has restarted since it was asked. The way back does not tell of a driver that restarts before it answered
    /// anything: for whoever has not seen the first one, the second is the first.
    fn is_question_lost(&mut self) -> bool {
        matches!(self.state, State::Asked(_))
            && self.channel.room() == Err(RingError::PeerRestarted)
    }

    fn push(&mut self, request: &Request) -> bool {
        match self.channel.push(request) {
            Ok(()) => {
                self.unannounced = true;
                true
            }
            Err(RingError::PeerRestarted) => {
                self.begin();
                false
            }
            Err(_) => false,
        }
    }

    fn give(&mut self) {
        for buffer in 0..RECEIVES {
            if self.address().is_none() || self.rooms.get(buffer) != Some(&Room::Free) {
                continue;
            }
            let id = self.new_id();
            let pushed = self.push(&Request {
                id,
                operation: Operation::Receive,
                offset: buffer as u32 * BUFFER_BYTES,
                length: BUFFER_BYTES,
            });
            if !pushed {
                return;
            }
            if let Some(room) = self.rooms.get_mut(buffer) {
                *room = Room::Given(id);
            }
        }
    }

    fn answered(&mut self, reply: &Reply) {
        match self.state {
            State::Asked(id) if id == reply.id => {
                if reply.status != Status::Done {
                    return self.begin();
                }
                self.state = State::Known(reply.address);
                self.take_back();
            }
            // Answers of a driver that is no more.
            State::Asked(_) | State::Due(_) | State::Stopped => {}
            State::Known(_) => self.ended(reply),
        }
    }

    fn ended(&mut self, reply: &Reply) {
        if let Some(place) = (self.sending.iter_mut()).find(|place| **place == Some(reply.id)) {
            *place = None;
            return;
        }
        let given = Room::Given(reply.id);
        let Some(buffer) = self.rooms.iter().position(|room| *room == given) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(buffer) else {
            return;
        };
        *room = Room::Free;
        let frames = FRAME_BYTES_MIN..=FRAME_BYTES_MAX;
        if reply.status == Status::Done
            && frames.contains(&reply.length)
            && self.arrived.push_back(buffer as u8).is_ok()
        {
            *room = Room::Full(reply.length);
        }
    }

    /// An id that nothing in flight has: there are more numbers than buffers.
    fn new_id(&mut self) -> u32 {
        loop {
            self.last_number = self.last_number.wrapping_add(1);
            let id = u32::from(self.life) << 16 | u32::from(self.last_number);
            let of_room = self.rooms.contains(&Room::Given(id));
            if !of_room && !self.sending.contains(&Some(id)) {
                return id;
            }
        }
    }
}
