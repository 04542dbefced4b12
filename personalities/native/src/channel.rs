//! The ends of sampling and queuing channels, and of doorbells.

use core::marker::PhantomData;

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_ipc::Message;

use crate::hypercall::{Aligned, Results, call, call_plain};
use crate::{Error, Lines};

/// The last value of a sampling channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<T> {
    /// It.
    pub value: T,
    /// Whether it is younger than the channel's refresh period.
    pub valid: bool,
    /// Its age in timebase ticks.
    pub age_ticks: u64,
}

/// A message of a queuing channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<T> {
    /// It.
    pub message: T,
    /// How many wait behind it.
    pub left: u32,
    /// Whether messages were lost since the last one received, because the queue was full.
    pub lost: bool,
}

/// The state of a channel as an end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSummary {
    /// The number of the peer's life. A change says that it was restarted, and 0 that it is stopped.
    pub peer_epoch: u32,
    /// Messages held.
    pub held: u32,
    /// Messages that fit.
    pub depth: u32,
    /// The largest message in bytes.
    pub message_bytes: u32,
}

macro_rules! end {
    ($(#[$doc:meta])* $name:ident $(<$($parameter:ident),+>)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name $(<$($parameter),+>)? {
            slot: u32,
            line: u8,
            $(types: PhantomData<fn($($parameter),+)>,)?
        }

        impl $(<$($parameter),+>)? $name $(<$($parameter),+>)? {
            /// The end in this capability slot. Generated code calls it; a wrong slot is refused by the kernel.
            #[doc(hidden)]
            pub const fn at(slot: u32, line: u8) -> Self {
                Self { slot, line, $(types: PhantomData::<fn($($parameter),+)>)? }
            }

            /// Its capability slot.
            pub const fn slot(&self) -> u32 {
                self.slot
            }

            /// The line that is raised when the other end does something; none if the file says so.
            pub const fn line(&self) -> Lines {
                Lines::of(self.line)
            }

            /// The state of the channel.
            ///
            /// # Errors
            /// As the kernel answers.
            pub fn summary(&self) -> Result<$crate::ChannelSummary, $crate::Error> {
                $crate::channel::summary(self.slot)
            }
        }
    };
}
pub(crate) use end;

pub(crate) fn summary(slot: u32) -> Result<ChannelSummary, Error> {
    let [peer_epoch, held, depth, message_bytes, ..] =
        call_plain(Hypercall::ChannelStatus, [slot, 0, 0, 0, 0, 0])?;
    Ok(ChannelSummary {
        peer_epoch,
        held,
        depth,
        message_bytes,
    })
}

end! {
    /// Where a sampling channel is written.
    SamplingSource<T>
}
end! {
    /// Where a sampling channel is read.
    SamplingDestination<T>
}
end! {
    /// Where a queuing channel is filled.
    QueuingSource<T>
}
end! {
    /// Where a queuing channel is emptied.
    QueuingDestination<T>
}
end! {
    /// Where a doorbell is rung.
    SignalSource
}
end! {
    /// Where a doorbell is heard.
    SignalDestination
}

/// Gives the kernel a message to read. Returns its length.
pub(crate) fn send<T: Message>(hypercall: Hypercall, slot: u32, message: &T) -> Result<u32, Error> {
    let mut wire = Aligned(T::EMPTY_BUFFER);
    let length = cofferdam_ipc::encode(message, wire.0.as_mut()).map_err(Error::Unencodable)?;
    let address = wire.0.as_ref().as_ptr() as u32;
    // SAFETY: the kernel reads `length` bytes of `wire`, which lives until the call is over.
    unsafe { call(hypercall, [slot, address, length as u32, 0, 0, 0]) }?;
    Ok(length as u32)
}

/// Gives the kernel room for a message, and decodes what it wrote.
pub(crate) fn receive<T: Message>(hypercall: Hypercall, slot: u32) -> Result<(T, Results), Error> {
    let mut wire = Aligned(T::EMPTY_BUFFER);
    let room = wire.0.as_mut();
    let (address, capacity) = (room.as_mut_ptr() as u32, room.len() as u32);
    // SAFETY: the kernel writes at most `capacity` bytes to `wire`, which lives until the call is over.
    let results = unsafe { call(hypercall, [slot, address, capacity, 0, 0, 0]) }?;
    let bytes = wire
        .0
        .as_ref()
        .get(..results[0] as usize)
        .unwrap_or_default();
    let message = cofferdam_ipc::decode(bytes).map_err(Error::Malformed)?;
    Ok((message, results))
}

impl<T: Message> SamplingSource<T> {
    /// Replaces the value.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn write(&self, value: &T) -> Result<(), Error> {
        send(Hypercall::SamplingWrite, self.slot, value).map(drop)
    }
}

impl<T: Message> SamplingDestination<T> {
    /// The last value; `None` if nobody has written any.
    ///
    /// # Errors
    /// As the kernel answers; [`Error::Malformed`].
    pub fn read(&self) -> Result<Option<Sample<T>>, Error> {
        let sample = receive(Hypercall::SamplingRead, self.slot).map(|(value, results)| Sample {
            value,
            valid: results[1] != 0,
            age_ticks: u64::from(results[2]) << 32 | u64::from(results[3]),
        });
        Error::or_none(sample)
    }
}

impl<T: Message> QueuingSource<T> {
    /// Appends a message.
    ///
    /// # Errors
    /// As the kernel answers; `Again` if the queue is full.
    pub fn send(&self, message: &T) -> Result<(), Error> {
        send(Hypercall::QueuingSend, self.slot, message).map(drop)
    }
}

impl<T: Message> QueuingDestination<T> {
    /// Takes the first message; `None` if there is none.
    ///
    /// # Errors
    /// As the kernel answers; [`Error::Malformed`], and the message is gone then.
    pub fn receive(&self) -> Result<Option<Received<T>>, Error> {
        let received =
            receive(Hypercall::QueuingReceive, self.slot).map(|(message, results)| Received {
                message,
                left: results[1],
                lost: results[2] != 0,
            });
        Error::or_none(received)
    }
}

impl SignalSource {
    /// Raises the line of the other end.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn raise(&self) -> Result<(), Error> {
        call_plain(Hypercall::Signal, [self.slot, 0, 0, 0, 0, 0]).map(drop)
    }
}
