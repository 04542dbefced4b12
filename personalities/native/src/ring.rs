//! The ends of ring channels: shared memory, and a doorbell each way.
//!
//! A handle says where the memory lies; attaching to it, once in a life, gives the ends that push and pop. How a ring
//! defends itself against the other partition stands in `cofferdam_ring`.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_ipc::Message;
use cofferdam_ring::{Consumer, Geometry, Producer, RingError};

use crate::channel::summary;
use crate::hypercall::call_plain;
use crate::{Error, Lines, SharedMemory, page};

/// What all handles of rings have in common.
#[derive(Debug)]
struct Place {
    slot: u32,
    line: u8,
    address: u32,
    depth: u32,
    payload: SharedMemory,
    /// The life in which the ends were given away last, for a warm restart keeps this; 0: never.
    attached_in: AtomicU32,
}

impl Place {
    const fn new(slot: u32, line: u8, ring: (u32, u32), payload: SharedMemory) -> Self {
        let (address, depth) = ring;
        Self {
            slot,
            line,
            address,
            depth,
            payload,
            attached_in: AtomicU32::new(0),
        }
    }

    /// True once in a life.
    fn attach(&self) -> bool {
        let life = page::epoch();
        self.attached_in.swap(life, Ordering::AcqRel) != life
    }

    const fn doorbell(&self) -> Doorbell {
        Doorbell {
            slot: self.slot,
            line: self.line,
        }
    }

    fn geometry<T: Message>(&self) -> Option<Geometry> {
        Geometry::new(u32::try_from(T::MAX_SIZE).ok()?, self.depth)
    }

    fn producer<T: Message>(&self, offset: usize) -> Option<RingProducer<T>> {
        let geometry = self.geometry::<T>()?;
        let base = (self.address as usize + offset) as *mut u8;
        // SAFETY: the build maps a region of the geometry's size there, of this partition and one other, by the promise
        // made to `at`; `attach` was true once in this life, so that this is the only end of this ring here.
        let ring = unsafe { Producer::attach(base, geometry.region_size(), geometry) }.ok()?;
        Some(RingProducer {
            ring,
            doorbell: self.doorbell(),
            message: PhantomData,
        })
    }

    fn consumer<T: Message>(&self, offset: usize) -> Option<RingConsumer<T>> {
        let geometry = self.geometry::<T>()?;
        let base = (self.address as usize + offset) as *mut u8;
        // SAFETY: as for the producer.
        let ring = unsafe { Consumer::attach(base, geometry.region_size(), geometry) }.ok()?;
        Some(RingConsumer {
            ring,
            doorbell: self.doorbell(),
            message: PhantomData,
        })
    }
}

/// The doorbell of a ring.
#[derive(Clone, Copy, Debug)]
struct Doorbell {
    slot: u32,
    line: u8,
}

impl Doorbell {
    fn raise(self) -> Result<(), Error> {
        call_plain(Hypercall::Signal, [self.slot, 0, 0, 0, 0, 0]).map(drop)
    }

    /// Epoch 0: the peer has no life, and none is on its way. The kernel refuses nothing here: the slot is the channel's.
    fn is_peer_stopped(self) -> bool {
        summary(self.slot).is_ok_and(|channel| channel.peer_epoch == 0)
    }
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident<$($parameter:ident),+>;)*) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<$($parameter),+> {
            place: Place,
            types: PhantomData<fn($($parameter),+)>,
        }

        impl<$($parameter),+> $name<$($parameter),+> {
            /// The end whose memory lies there: the address of the rings and how many places each has, address and length of the payload.
            ///
            /// # Safety
            /// The build maps the channel's memory there, and nothing else of the partition lies there.
            #[doc(hidden)]
            pub const unsafe fn at(slot: u32, line: u8, ring: (u32, u32), payload: (u32, u32)) -> Self {
                // SAFETY: by the contract.
                let payload = unsafe { SharedMemory::at(payload.0, payload.1) };
                Self { place: Place::new(slot, line, ring, payload), types: PhantomData }
            }

            /// The memory that both ends have besides; of no length, if the file gives none.
            pub const fn payload(&self) -> SharedMemory {
                self.place.payload
            }

            /// Its capability slot.
            pub const fn slot(&self) -> u32 {
                self.place.slot
            }

            /// The line that the other end's doorbell raises.
            pub const fn line(&self) -> Lines {
                Lines::of(self.place.line)
            }
        }
    )* };
}

handles! {
    /// Where a ring is filled.
    RingSource<T>;
    /// Where a ring is emptied.
    RingDestination<T>;
    /// The end of a two-way ring that the file names first: sends `T`, receives `R`.
    RingInitiator<T, R>;
    /// The other end of a two-way ring: receives `T`, sends `R`.
    RingResponder<T, R>;
}

impl<T: Message> RingSource<T> {
    /// The end that pushes. `None` if it was given away before in this life.
    pub fn attach(&self) -> Option<RingProducer<T>> {
        self.place.attach().then(|| self.place.producer(0))?
    }
}

impl<T: Message> RingDestination<T> {
    /// The end that pops. `None` if it was given away before in this life.
    pub fn attach(&self) -> Option<RingConsumer<T>> {
        self.place.attach().then(|| self.place.consumer(0))?
    }
}

impl<T: Message, R: Message> RingInitiator<T, R> {
    /// Both ends here. `None` if they were given away before in this life.
    pub fn attach(&self) -> Option<(RingProducer<T>, RingConsumer<R>)> {
        if !self.place.attach() {
            return None;
        }
        let behind = self.place.geometry::<T>()?.region_size();
        Some((self.place.producer(0)?, self.place.consumer(behind)?))
    }
}

impl<T: Message, R: Message> RingResponder<T, R> {
    /// Both ends here. `None` if they were given away before in this life.
    pub fn attach(&self) -> Option<(RingConsumer<T>, RingProducer<R>)> {
        if !self.place.attach() {
            return None;
        }
        let behind = self.place.geometry::<T>()?.region_size();
        Some((self.place.consumer(0)?, self.place.producer(behind)?))
    }
}

/// The end of a ring that pushes.
#[derive(Debug)]
pub struct RingProducer<T> {
    ring: Producer,
    doorbell: Doorbell,
    message: PhantomData<fn(T)>,
}

impl<T: Message> RingProducer<T> {
    /// Appends a message; the doorbell is rung apart, once for several.
    ///
    /// # Errors
    /// See [`RingError`]: nothing was appended.
    pub fn push(&mut self, message: &T) -> Result<(), RingError> {
        self.ring.push_message(message)
    }

    /// How many messages can be pushed now.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn vacant(&mut self) -> Result<u32, RingError> {
        self.ring.vacant()
    }

    /// Whether the other end's partition is stopped, and will not begin another life by itself. Its doorbell rings when that comes to be.
    pub fn is_peer_stopped(&self) -> bool {
        self.doorbell.is_peer_stopped()
    }

    /// Rings the other end's doorbell.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn ring_doorbell(&self) -> Result<(), Error> {
        self.doorbell.raise()
    }

    /// The line that the other end's doorbell raises.
    pub const fn line(&self) -> Lines {
        Lines::of(self.doorbell.line)
    }
}

/// The end of a ring that pops.
#[derive(Debug)]
pub struct RingConsumer<T> {
    ring: Consumer,
    doorbell: Doorbell,
    message: PhantomData<fn(T)>,
}

impl<T: Message> RingConsumer<T> {
    /// Takes the oldest message; `None` if there is none.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn pop(&mut self) -> Result<Option<T>, RingError> {
        self.ring.pop_message()
    }

    /// Rings the other end's doorbell: there is room again.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn ring_doorbell(&self) -> Result<(), Error> {
        self.doorbell.raise()
    }

    /// The line that the other end's doorbell raises.
    pub const fn line(&self) -> Lines {
        Lines::of(self.doorbell.line)
    }
}
