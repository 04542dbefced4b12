//! What is to be sent: whole lines, each with the name of the partition that wrote it.

use heapless::Deque;

/// The names of partitions are set in a column of this width.
const TAG_WIDTH: usize = 7;

/// Bytes that wait for the UART, at most `N`.
#[derive(Debug, Default)]
pub struct Output<const N: usize> {
    bytes: Deque<u8, N>,
}

impl<const N: usize> Output<N> {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            bytes: Deque::new(),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a line with so many bytes of text has room.
    pub fn has_room(&self, text: usize) -> bool {
        self.bytes.len() + text + TAG_WIDTH + b"[] \r\n".len() <= N
    }

    /// Appends a line. The text is somebody's: what is not printable is shown as `.`, so that nobody can
    /// end a line and begin another in a foreign name, or steer the terminal. What has no room is dropped.
    pub fn line(&mut self, name: &str, text: &[u8]) {
        if !self.has_room(text.len()) {
            return;
        }
        let padding = core::iter::repeat_n(b' ', TAG_WIDTH.saturating_sub(name.len()));
        let tag = name.bytes().take(TAG_WIDTH).chain(padding);
        let text = text.iter().map(|byte| match byte {
            b' '..=b'~' => *byte,
            _ => b'.',
        });
        let line = [b'['].into_iter().chain(tag).chain(*b"] ");
        for byte in line.chain(text).chain(*b"\r\n") {
            // There is room: it was asked for.
            let _ = self.bytes.push_back(byte);
        }
    }

    /// Takes the bytes to send next into `room`; says how many there were.
    pub fn take(&mut self, room: &mut [u8]) -> usize {
        let mut taken = 0;
        for place in room {
            let Some(byte) = self.bytes.pop_front() else {
                break;
            };
            *place = byte;
            taken += 1;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    fn all<const N: usize>(output: &mut Output<N>) -> Vec<u8> {
        let mut bytes = std::vec![0; N];
        let taken = output.take(&mut bytes);
        bytes.truncate(taken);
        bytes
    }

    #[test]
    fn a_line_has_its_tag() {
        let mut output = Output::<64>::new();
        output.line("plant", b"hello");
        assert_eq!(all(&mut output), b"[plant  ] hello\r\n");
        assert!(output.is_empty());
    }

    #[test]
    fn nobody_can_write_in_another_name() {
        let mut output = Output::<64>::new();
        output.line("rogue", b"x\r\n[flight ] \x1b[2J");
        assert_eq!(all(&mut output), b"[rogue  ] x..[flight ] .[2J\r\n");
    }

    #[test]
    fn a_line_goes_in_whole_or_not_at_all() {
        let mut output = Output::<32>::new();
        output.line("flight", b"0123456789012345678");
        assert!(!output.has_room(0));
        output.line("plant", b"");
        assert_eq!(all(&mut output).len(), 31);
    }
}
