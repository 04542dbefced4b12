//! What a guest writes on its console, as lines: the terminal shows whole lines, each in the name of the partition that wrote it.
//!
//! A line goes out when it is complete, in pieces if it is longer than a message. A guest that waits for an answer has written
//! a prompt and no end of line, so that text is shown too once nothing more comes; it stays here, and is shown again with
//! what was added to it when its line is complete.

use heapless::{Deque, Vec};

/// The longest line that is shown in one piece.
pub const LINE_BYTES: usize = 96;

const BACKSPACE: u8 = 8;

/// What a guest has written and nobody has seen yet, at most `N` bytes.
#[derive(Debug, Default)]
pub struct Output<const N: usize> {
    bytes: Deque<u8, N>,
    /// So much of the first line was shown as it was. `Some(0)`: pieces of it that are gone.
    shown: Option<usize>,
    /// Bytes have come since the last look.
    fresh: bool,
    /// Nobody took the last line.
    blocked: bool,
}

impl<const N: usize> Output<N> {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            bytes: Deque::new(),
            shown: None,
            fresh: false,
            blocked: false,
        }
    }

    /// So many bytes have room.
    pub fn room(&self) -> usize {
        N - self.bytes.len()
    }

    /// Takes what has room of these bytes; says how many.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.fresh |= !bytes.is_empty();
        let fits = bytes.len().min(self.room());
        for byte in bytes.iter().take(fits) {
            match *byte {
                // Every line ends with the other one.
                b'\r' => {}
                BACKSPACE => self.erase(),
                // There is room.
                byte => _ = self.bytes.push_back(byte),
            }
        }
        fits
    }

    /// Takes back the last byte of the line.
    fn erase(&mut self) {
        if self.bytes.back().is_none_or(|last| *last == b'\n') {
            return;
        }
        self.bytes.pop_back();
        // What was shown is no longer what the line begins with.
        if self.shown > Some(self.bytes.len()) {
            self.shown = None;
        }
    }

    /// Whether a line waits that nobody took.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether there is text without an end that was not shown.
    pub fn has_prompt(&self) -> bool {
        self.bytes.back().is_some_and(|last| *last != b'\n') && self.shown.unwrap_or(0) == 0
    }

    /// Whether nothing has come since this was asked last.
    pub fn is_quiet(&mut self) -> bool {
        !core::mem::take(&mut self.fresh)
    }

    /// Whether what was written last completes a line, or fills a message.
    pub fn ends_a_line(&self) -> bool {
        self.bytes.len() >= LINE_BYTES || self.bytes.back() == Some(&b'\n')
    }

    /// Shows the complete lines: `show` takes one, or says that it cannot now.
    pub fn show_lines(&mut self, mut show: impl FnMut(&[u8]) -> bool) {
        while let Some((line, length)) = self.first() {
            let complete = line.len() < length;
            let seen = complete && self.shown == Some(line.len());
            self.blocked = !seen && !show(or_space(&line));
            if self.blocked {
                return;
            }
            for _ in 0..length {
                self.bytes.pop_front();
            }
            self.shown = (!complete).then_some(0);
        }
        self.blocked = false;
    }

    /// Shows what there is of a line without an end, if it is the first and was not shown. It stays.
    pub fn show_prompt(&mut self, mut show: impl FnMut(&[u8]) -> bool) {
        if !self.has_prompt() || self.first().is_some() {
            return;
        }
        let prompt = self.text();
        if show(&prompt) {
            self.shown = Some(prompt.len());
        }
    }

    /// The first line, or what fits a message of it, and how many bytes it takes with its end; `None` if it may still grow.
    fn first(&self) -> Option<(Vec<u8, LINE_BYTES>, usize)> {
        let text = self.text();
        match self.bytes.iter().nth(text.len()) {
            Some(b'\n') => {
                let length = text.len() + 1;
                Some((text, length))
            }
            _ if text.len() == LINE_BYTES => Some((text, LINE_BYTES)),
            _ => None,
        }
    }

    /// The bytes up to the first end of line, at most a message.
    fn text(&self) -> Vec<u8, LINE_BYTES> {
        let bytes = self.bytes.iter().take_while(|byte| **byte != b'\n');
        bytes.take(LINE_BYTES).copied().collect()
    }
}

/// A message has at least one byte.
fn or_space(line: &[u8]) -> &[u8] {
    if line.is_empty() { b" " } else { line }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_ends_with_its_end_or_with_its_message() {
        let mut output = Output::<256>::new();
        assert!(!output.ends_a_line());
        output.write(b"=> ");
        assert!(!output.ends_a_line());
        output.write(b"version\n");
        assert!(output.ends_a_line());
        output.show_lines(|_| true);
        assert!(!output.ends_a_line());
        output.write(&[b'x'; LINE_BYTES]);
        assert!(output.ends_a_line());
    }

    extern crate std;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    type Shown = Vec<String>;

    fn push(shown: &mut Shown, line: &[u8]) -> bool {
        shown.push(String::from_utf8(line.to_vec()).unwrap());
        true
    }

    fn lines<const N: usize>(output: &mut Output<N>) -> Shown {
        let mut shown = Shown::new();
        output.show_lines(|line| push(&mut shown, line));
        shown
    }

    fn prompt<const N: usize>(output: &mut Output<N>) -> Shown {
        let mut shown = Shown::new();
        output.show_prompt(|line| push(&mut shown, line));
        shown
    }

    #[test]
    fn lines_come_whole_without_their_ends() {
        let mut output = Output::<64>::new();
        output.write(b"one\r\ntw");
        assert_eq!(lines(&mut output), ["one"]);
        output.write(b"o\n\nthree");
        assert_eq!(lines(&mut output), ["two", " "]);
        output.write(b"\r\n");
        assert_eq!(lines(&mut output), ["three"]);
        assert_eq!(output.room(), 64);
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_its_end_is_no_line() {
        for rest in [0, 1, LINE_BYTES] {
            let mut output = Output::<256>::new();
            output.write(&[b'x'; LINE_BYTES]);
            output.write(&[b'y'; LINE_BYTES][..rest]);
            output.write(b"\nz\n");
            let mut expected = Shown::from(["x".repeat(LINE_BYTES)]);
            if rest > 0 {
                expected.push("y".repeat(rest));
            }
            expected.push("z".into());
            assert_eq!(lines(&mut output), expected, "{rest}");
        }
    }

    #[test]
    fn a_prompt_is_shown_once_and_again_when_its_line_is_complete() {
        let mut output = Output::<64>::new();
        output.write(b"/ # ");
        assert!(output.has_prompt());
        assert_eq!(lines(&mut output), [""; 0]);
        assert_eq!(prompt(&mut output), ["/ # "]);
        assert!(!output.has_prompt());
        output.write(b"l");
        assert_eq!(prompt(&mut output), [""; 0]);
        output.write(b"s\r\nbin\r\n");
        assert_eq!(lines(&mut output), ["/ # ls", "bin"]);
    }

    #[test]
    fn a_line_that_was_shown_before_its_end_came_is_not_shown_twice() {
        let mut output = Output::<64>::new();
        output.write(b"hello");
        assert_eq!(prompt(&mut output), ["hello"]);
        output.write(b"\r\nthere\n");
        assert_eq!(lines(&mut output), ["there"]);
    }

    #[test]
    fn what_was_erased_is_not_shown() {
        let mut output = Output::<64>::new();
        output.write(b"a\n\x08\x08lx\x08 \x08s\n");
        assert_eq!(lines(&mut output), ["a", "ls"]);
        output.write(b"no");
        assert_eq!(prompt(&mut output), ["no"]);
        output.write(b"\x08\x08up\n");
        assert_eq!(lines(&mut output), ["up"]);
    }

    #[test]
    fn what_has_no_room_is_not_taken() {
        let mut output = Output::<8>::new();
        assert_eq!(output.write(b"123456"), 6);
        assert_eq!(output.write(b"7\n9"), 2);
        assert_eq!(output.write(b"9"), 0);
        assert_eq!(lines(&mut output), ["1234567"]);
        assert_eq!(output.write(b"9"), 1);
    }

    #[test]
    fn a_line_that_nobody_takes_waits() {
        let mut output = Output::<64>::new();
        output.write(b"one\ntwo\n");
        let mut taken = 0;
        output.show_lines(|_| {
            taken += 1;
            taken == 1
        });
        assert!(output.is_blocked());
        assert_eq!(lines(&mut output), ["two"]);
        assert!(!output.is_blocked());
        output.write(b"three");
        output.show_prompt(|_| false);
        assert!(output.has_prompt());
    }

    #[test]
    fn a_prompt_behind_complete_lines_waits_for_them() {
        let mut output = Output::<64>::new();
        output.write(b"one\n/ # ");
        assert_eq!(prompt(&mut output), [""; 0]);
        assert_eq!(lines(&mut output), ["one"]);
        assert_eq!(prompt(&mut output), ["/ # "]);
    }

    #[test]
    fn it_is_quiet_when_nothing_has_come_since_the_last_look() {
        let mut output = Output::<64>::new();
        assert!(output.is_quiet());
        output.write(b"x");
        assert!(!output.is_quiet());
        assert!(output.is_quiet());
    }
}
