//! The console of a guest: a byte channel (ePAPR 1.1, section 7.5.3).
//!
//! The guest sends and receives up to 16 bytes by a hypercall; interrupts tell it that bytes wait, and that there is
//! room. Both are levels: they stay until it has taken the bytes, or filled the room, and the guest masks what it
//! does not want to hear.

use heapless::{Deque, Vec};

use crate::output::Output;

/// The most bytes of one transfer.
pub const TRANSFER_BYTES: usize = 16;
/// What the guest can write before anybody shows it.
const OUTPUT_BYTES: usize = 2048;
/// What can be typed before the guest reads it.
const INPUT_BYTES: usize = 64;

/// The byte channel.
#[derive(Debug, Default)]
pub struct Console {
    /// What the guest has written.
    pub output: Output<OUTPUT_BYTES>,
    input: Deque<u8, INPUT_BYTES>,
}

impl Console {
    /// Nothing written, nothing typed.
    pub const fn new() -> Self {
        Self {
            output: Output::new(),
            input: Deque::new(),
        }
    }

    /// Whether a message of keys has room.
    pub fn takes_keys(&self) -> bool {
        INPUT_BYTES - self.input.len() >= TRANSFER_BYTES
    }

    /// Keys for the guest. What has no room is lost.
    pub fn type_keys(&mut self, keys: &[u8]) {
        for key in keys {
            let _ = self.input.push_back(*key);
        }
    }

    /// The guest takes the next keys, so many at most.
    pub fn receive(&mut self, most: usize) -> Vec<u8, TRANSFER_BYTES> {
        let count = most.min(TRANSFER_BYTES).min(self.input.len());
        (0..count).filter_map(|_| self.input.pop_front()).collect()
    }

    /// How many keys wait.
    pub fn waiting(&self) -> usize {
        self.input.len()
    }

    /// Whether the guest is to hear that keys wait.
    pub fn asks_to_receive(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the guest is to hear that a transfer has room.
    pub fn asks_to_send(&self) -> bool {
        self.output.room() >= TRANSFER_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_and_at_most_so_many() {
        let mut console = Console::new();
        assert!(!console.asks_to_receive());
        console.type_keys(b"0123456789abcdefgh");
        assert!(console.asks_to_receive());
        assert_eq!(console.receive(2), b"01");
        assert_eq!(console.receive(100), b"23456789abcdefgh");
        assert_eq!(console.receive(100), b"");
        assert!(!console.asks_to_receive());
    }

    #[test]
    fn keys_are_taken_while_a_message_of_them_has_room() {
        let mut console = Console::new();
        let mut messages = 0;
        while console.takes_keys() {
            console.type_keys(&[b'x'; TRANSFER_BYTES]);
            messages += 1;
        }
        assert_eq!(messages, INPUT_BYTES / TRANSFER_BYTES);
        assert_eq!(console.waiting(), INPUT_BYTES);
        console.receive(TRANSFER_BYTES);
        assert!(console.takes_keys());
    }

    #[test]
    fn the_guest_hears_of_room_until_there_is_none() {
        let mut console = Console::new();
        assert!(console.asks_to_send());
        while console.output.write(b"0123456789abcde\n") > 0 {
            assert_eq!(console.asks_to_send(), console.output.room() > 0);
        }
        console.output.show_lines(|_| true);
        assert!(console.asks_to_send());
    }
}
