//! What the driver knows of a client.

use cofferdam_ring::RingError;
use heapless::Deque;
use network_messages::{ClientCounts, FRAME_BYTES_MAX, Reply, Request, Status};
use virtio::{Channel, End, Memory as _};

use crate::device::TRANSMIT_SLOTS;
use crate::route::{Address, Header};
use crate::{Bucket, FrameMemory};

/// So many buffers for receiving a client may have given at a time.
pub const RECEIVES_MAX: usize = 64;
/// Answers that wait for room: for all that can be at the device, for a frame that came, and for one request more.
const OUTBOX: usize = TRANSMIT_SLOTS + 2;

/// What the system's file says of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its hardware address. No other client has it.
    pub address: Address,
    /// It may send so many frames
    pub frames: u32,
    /// in so many ticks.
    pub per_ticks: u64,
    /// Whether it and the wire may talk.
    pub wire: bool,
    /// With which other clients it may talk: a bit for each, by their order.
    pub peers: u32,
    /// The types of frames that it may send, and gets. `None`: all.
    pub protocols: Option<&'static [u16]>,
}

impl Settings {
    /// Whether frames of this type are for it.
    pub fn lets(&self, protocol: u16) -> bool {
        (self.protocols).is_none_or(|protocols| protocols.contains(&protocol))
    }
}

/// A buffer that a client gave for a frame.
#[derive(Clone, Copy, Debug)]
struct Receive {
    id: u32,
    offset: u32,
}

#[derive(Debug)]
pub(crate) struct Client<C> {
    pub end: End<C, Request>,
    pub settings: Settings,
    pub bucket: Bucket,
    receives: Deque<Receive, RECEIVES_MAX>,
    outbox: Deque<Reply, OUTBOX>,
    /// Its slots at the device.
    pub at_device: u64,
    /// Slots at the device of an earlier life of it.
    pub dropped: u64,
    /// Answers were pushed since it was told last.
    untold: bool,
    /// It was found to have restarted.
    pub restarted: bool,
    pub counts: ClientCounts,
}

impl<C> Client<C>
where
    C: Channel<Request = Request, Reply = Reply, Memory: FrameMemory>,
{
    pub fn new(channel: C, settings: Settings, now: u64) -> Self {
        Self {
            end: End::new(channel),
            settings,
            bucket: Bucket::new(settings.frames, settings.per_ticks, now),
            receives: Deque::new(),
            outbox: Deque::new(),
            at_device: 0,
            dropped: 0,
            untold: true,
            restarted: false,
            counts: ClientCounts {
                address: settings.address,
                ..ClientCounts::default()
            },
        }
    }

    /// Whether its next request can be served: nothing of its last life is at the device, and there is room for the answer.
    pub fn can_ask(&self) -> bool {
        self.dropped == 0 && self.outbox.is_empty()
    }

    /// Takes a buffer for receiving.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn give(&mut self, request: &Request) -> Result<(), Status> {
        if request.length < FRAME_BYTES_MAX || !self.is_payload(request.offset, request.length) {
            return Err(Status::Malformed);
        }
        let receive = Receive {
            id: request.id,
            offset: request.offset,
        };
        self.receives
            .push_back(receive)
            .map_err(|_| Status::Dropped)
    }

    pub fn is_payload(&self, offset: u32, length: u32) -> bool {
        let end = offset.checked_add(length);
        end.is_some_and(|end| end <= self.end.channel.payload().length())
    }

    /// Gives it a frame, if it gave a buffer and takes its answers; else the frame is lost.
    ///
    /// All of it comes from `memory`, but for the header: it is the one that was judged.
    pub fn deliver(&mut self, header: &Header, memory: &C::Memory, offset: u32, length: u32) {
        self.flush();
        let receive = match self.outbox.is_empty() {
            true => self.receives.pop_front(),
            false => None,
        };
        let Some(receive) = receive else {
            self.counts.lost = self.counts.lost.wrapping_add(1);
            return;
        };
        self.counts.received = self.counts.received.wrapping_add(1);
        let payload = self.end.channel.payload();
        payload.copy_from(receive.offset, memory, offset, length);
        payload.copy_in(receive.offset, &header.0);
        self.answer(receive.id, Status::Done, length);
        self.flush();
    }

    pub fn answer(&mut self, id: u32, status: Status, length: u32) {
        self.answer_with(Reply {
            id,
            status,
            length,
            address: [0; 6],
        });
    }

    pub fn answer_with(&mut self, reply: Reply) {
        // There is room, see `OUTBOX`.
        let _ = self.outbox.push_back(reply);
    }

    /// Gives answers as far as there is room for them.
    pub fn flush(&mut self) {
        while let Some(reply) = self.outbox.front().copied() {
            let mut result = self.end.channel.push(&reply);
            if result == Err(RingError::PeerRestarted) {
                if self.end.has_restarted() {
                    return self.forget();
                }
                result = self.end.channel.push(&reply);
            }
            // No room: the client rings when there is. All else: it destroyed its ring.
            if result.is_err() {
                return;
            }
            self.outbox.pop_front();
            self.untold = true;
        }
    }

    /// The client has restarted: nobody waits for its answers any more, and its buffers are no longer given.
    pub fn forget(&mut self) {
        self.outbox.clear();
        self.receives.clear();
        self.end.forget();
        self.dropped |= core::mem::take(&mut self.at_device);
        self.restarted = true;
    }

    /// Tells it of answers, once for several.
    pub fn tell(&mut self) {
        if core::mem::take(&mut self.untold) {
            self.end.channel.ring_doorbell();
        }
    }

    /// Answers who it is.
    pub fn describe(&mut self, request: &Request) {
        self.answer_with(Reply {
            id: request.id,
            status: Status::Done,
            length: 0,
            address: self.settings.address,
        });
    }
}
