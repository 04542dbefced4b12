//! What the partition whose processes are real and the one at the other end of its ports tell each other.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;

/// The longest order.
pub const ORDER_BYTES: usize = 16;

/// An order to the other end.
pub type Order = Bytes<ORDER_BYTES>;

/// What an order begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Does {
    /// Ends this life of the partition when the tick has come that follows.
    Ends,
    /// Sends the message that follows; before it, whether there is room for it.
    Sends,
    /// Takes a message: whether there is one, and its first byte, follow.
    Receives,
    /// Writes the message that follows.
    Writes,
}

impl Does {
    /// An order of this kind.
    pub fn order(self, bytes: &[u8]) -> Order {
        let mut order = [self as u8; ORDER_BYTES];
        for (place, byte) in order.iter_mut().skip(1).zip(bytes) {
            *place = *byte;
        }
        let length = 1 + bytes.len().min(ORDER_BYTES - 1);
        Order::try_from(order.get(..length).unwrap_or_default()).unwrap_or_default()
    }

    /// The kind of an order, and what follows.
    pub fn of(order: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = order.split_first()?;
        let all = [Self::Ends, Self::Sends, Self::Receives, Self::Writes];
        let does = all.into_iter().find(|does| *does as u8 == *first)?;
        Some((does, rest))
    }
}
