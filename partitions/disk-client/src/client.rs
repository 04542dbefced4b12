//! What is in flight, and what comes of it.

use cofferdam_ring::RingError;
use disk_messages::{Operation, Reply, Request, Status};

use crate::{Channel, Command, Event, Failure, Shape};

/// So many answers, one to nothing after the other, are taken in one call.
const ANSWERS_OF_CALL: u32 = 256;
/// So often a request for the shape is pushed in one call: the ring tells of a restart once.
const DESCRIBE_TRIES: u32 = 2;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The driver has not said what there is, or it has just restarted: [`Event::Ready`] comes first.
    NotReady,
    /// The driver is stopped, and will not begin again by itself.
    Stopped,
    /// As many requests are in flight as can be, or as the ring has room for.
    Full,
    /// It moves nothing, or payload that is not there.
    Malformed,
    /// The disk has no such sectors.
    OutOfRange,
    /// The disk cannot be written.
    ReadOnly,
    /// A request in flight has the payload, or a part of it.
    Overlap,
    /// The driver destroyed the ring.
    Broken,
}

#[derive(Clone, Copy, Debug)]
struct Flight<T> {
    id: u32,
    command: Command,
    tag: T,
    /// A driver that is no more had it.
    lost: bool,
}

/// What the driver has said of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was asked, by the request with this id.
    Asked(u32),
    /// It has to be asked: there was no room in the ring.
    Due(u32),
    Known(Shape),
    Down,
    /// The driver has no life any more.
    Stopped,
}

/// A client of a disk with at most `N` requests in flight, each with a tag of the caller's.
///
/// `N` is at most the depth of the rings: so there is always room for an answer, and the driver never waits for it.
#[derive(Debug)]
pub struct Client<C, T, const N: usize> {
    channel: C,
    flights: [Option<Flight<T>>; N],
    state: State,
    life: u16,
    last_number: u16,
    unannounced: bool,
}

impl<C: Channel, T: Copy, const N: usize> Client<C, T, N> {
    /// A client that asks for the disk's shape first. `life` is another number in each life of the partition; its lower half
    /// counts.
    pub fn new(channel: C, life: u32) -> Self {
        let mut client = Self {
            channel,
            flights: [None; N],
            state: State::Down,
            life: life as u16,
            last_number: 0,
            unannounced: false,
        };
        client.begin();
        client.announce();
        client
    }

    /// What there is of the disk, while requests are taken.
    pub fn shape(&self) -> Option<Shape> {
        match self.state {
            State::Known(shape) => Some(shape),
            State::Asked(_) | State::Due(_) | State::Down | State::Stopped => None,
        }
    }

    /// Whether the driver is stopped: [`Event::Stopped`] came, and nothing of a new life since.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// How many requests did not end yet.
    pub fn in_flight(&self) -> usize {
        self.flights.iter().flatten().count()
    }

    /// The channel.
    pub fn channel(&self) -> &C {
        &self.channel
    }

    /// The same for somebody who asks for what [`Client::submit`] refuses, to see what the driver makes of it. Nothing may be in flight then.
    pub fn channel_mut(&mut self) -> &mut C {
        &mut self.channel
    }

    /// After [`Event::Down`]: asks again whether there is a disk.
    pub fn describe(&mut self) {
        if self.state == State::Down {
            self.begin();
        }
    }

    /// Asks for the shape. What is in flight is lost, and ends as such when the answer is there.
    fn begin(&mut self) {
        for flight in self.flights.iter_mut().flatten() {
            flight.lost = true;
        }
        let id = self.new_id();
        self.state = State::Due(id);
        self.push_describe();
    }

    fn push_describe(&mut self) {
        let State::Due(id) = self.state else {
            return;
        };
        let request = Request {
            id,
            operation: Operation::Describe,
            sector: 0,
            sectors: 0,
            offset: 0,
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

    /// Submits a request; the driver is told by [`Client::announce`], once for several.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn submit(&mut self, command: Command, tag: T) -> Result<(), Refused> {
        if self.is_stopped() {
            return Err(Refused::Stopped);
        }
        let shape = self.shape().ok_or(Refused::NotReady)?;
        self.judge(&command, &shape)?;
        let id = self.new_id();
        let place = self.flights.iter_mut().find(|flight| flight.is_none());
        let place = place.ok_or(Refused::Full)?;
        match self.channel.push(&command.request(id)) {
            Ok(()) => {}
            Err(RingError::PeerRestarted) => {
                self.begin();
                return Err(Refused::NotReady);
            }
            Err(RingError::Full) => return Err(Refused::Full),
            Err(_) => return Err(Refused::Broken),
        }
        *place = Some(Flight {
            id,
            command,
            tag,
            lost: false,
        });
        self.unannounced = true;
        Ok(())
    }

    fn judge(&self, command: &Command, shape: &Shape) -> Result<(), Refused> {
        let Some(transfer) = command.transfer() else {
            return Ok(());
        };
        let payload_bytes = self.channel.payload_bytes();
        let bytes = transfer.bytes(payload_bytes).ok_or(Refused::Malformed)?;
        if matches!(command, Command::Write(_)) && shape.read_only {
            return Err(Refused::ReadOnly);
        }
        transfer
            .sector
            .checked_add(transfer.sectors.into())
            .filter(|end| *end <= shape.sectors)
            .ok_or(Refused::OutOfRange)?;
        let in_flight = self.flights.iter().flatten();
        let mut theirs = in_flight
            .filter_map(|flight| flight.command.transfer())
            .filter_map(|transfer| transfer.bytes(payload_bytes));
        if theirs.any(|theirs| theirs.start < bytes.end && bytes.start < theirs.end) {
            return Err(Refused::Overlap);
        }
        Ok(())
    }

    /// Tells the driver of what was submitted since the last time.
    pub fn announce(&mut self) {
        if core::mem::take(&mut self.unannounced) {
            self.channel.ring_doorbell();
        }
    }

    /// What happened next; `None`: nothing.
    pub fn poll(&mut self) -> Option<Event<T>> {
        if self.is_stopped() && !self.channel.is_stopped() {
            // Somebody has started it again.
            self.begin();
        }
        self.push_describe();
        if !matches!(self.state, State::Asked(_) | State::Due(_))
            && let Some(event) = self.take_lost()
        {
            return Some(event);
        }
        if self.is_stopped() {
            return None;
        }
        for _ in 0..ANSWERS_OF_CALL {
            match self.channel.pop() {
                Ok(Some(reply)) => {
                    if let Some(event) = self.answered(&reply) {
                        return Some(event);
                    }
                }
                Err(RingError::PeerRestarted) => self.begin(),
                // It names no id.
                Err(RingError::Decode(_)) => {}
                Ok(None) if self.is_question_lost() => self.begin(),
                // Nothing there; or the driver destroyed the ring, and until it restarts there is nothing to be had.
                Ok(None) | Err(_) => return self.look_for_end(),
            }
        }
        None
    }

    /// What happens next. While there is nothing, `wait` waits: for the line of the channel, or for less.
    pub fn next_event(&mut self, mut wait: impl FnMut()) -> Event<T> {
        loop {
            let event = self.poll();
            self.announce();
            if let Some(event) = event {
                return event;
            }
            wait();
        }
    }

    /// Before the caller waits: a driver that is stopped does not answer what is in flight, nor anything later. All that it answered before was taken.
    fn look_for_end(&mut self) -> Option<Event<T>> {
        if !self.channel.is_stopped() {
            return None;
        }
        for flight in self.flights.iter_mut().flatten() {
            flight.lost = true;
        }
        self.state = State::Stopped;
        Some(Event::Stopped)
    }

    /// Whether the driver has restarted since it was asked for the shape. The way back does not tell of a driver that restarts before it answered
    /// anything: for whoever has not seen the first one, the second is the first.
    fn is_question_lost(&mut self) -> bool {
        matches!(self.state, State::Asked(_))
            && self.channel.room() == Err(RingError::PeerRestarted)
    }

    fn take_lost(&mut self) -> Option<Event<T>> {
        let failure = if self.is_stopped() {
            Failure::Stopped
        } else {
            Failure::Interrupted
        };
        let is_lost = |flight: &mut Flight<T>| flight.lost;
        let mut places = self.flights.iter_mut();
        let flight = places.find_map(|place| place.take_if(is_lost))?;
        Some(Event::Ended {
            command: flight.command,
            tag: flight.tag,
            result: Err(failure),
        })
    }

    fn answered(&mut self, reply: &Reply) -> Option<Event<T>> {
        if self.state == State::Asked(reply.id) {
            if reply.status != Status::Done {
                self.state = State::Down;
                return Some(Event::Down);
            }
            let shape = Shape {
                sectors: reply.sectors,
                read_only: reply.read_only,
            };
            self.state = State::Known(shape);
            return Some(Event::Ready(shape));
        }
        let named = |flight: &mut Flight<T>| flight.id == reply.id && !flight.lost;
        let mut places = self.flights.iter_mut();
        let flight = places.find_map(|place| place.take_if(named))?;
        let sectors = flight.command.transfer().map_or(0, |moved| moved.sectors);
        let result = match reply.status {
            Status::Done if reply.sectors == u64::from(sectors) => Ok(()),
            Status::Done | Status::Failed => Err(Failure::Failed),
            Status::ReadOnly => Err(Failure::ReadOnly),
            Status::OutOfRange => Err(Failure::OutOfRange),
            Status::Malformed => Err(Failure::Malformed),
        };
        Some(Event::Ended {
            command: flight.command,
            tag: flight.tag,
            result,
        })
    }

    /// An id that nothing in flight has: there are more numbers than flights.
    fn new_id(&mut self) -> u32 {
        const { assert!(N < u16::MAX as usize) };
        loop {
            self.last_number = self.last_number.wrapping_add(1);
            let id = u32::from(self.life) << 16 | u32::from(self.last_number);
            if self.flights.iter().flatten().all(|flight| flight.id != id) {
                return id;
            }
        }
    }
}
