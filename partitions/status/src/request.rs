//! What somebody asks for (RFC 9112).

use heapless::Vec;

/// The longest request, with all its fields: what a browser sends is a few hundred bytes.
const REQUEST_BYTES: usize = 2048;

/// What is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is not whole yet.
    More,
    /// The page.
    Page,
    /// There is no such page.
    NotFound,
    /// It is none that is understood, or too long.
    Bad,
}

/// A request as far as it has come.
#[derive(Debug, Default)]
pub struct Request {
    bytes: Vec<u8, REQUEST_BYTES>,
}

impl Request {
    /// One of which nothing has come.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Takes more of it. How many bytes were taken: all, if there is room.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(REQUEST_BYTES - self.bytes.len());
        // It fits.
        let _ = (self.bytes).extend_from_slice(bytes.get(..count).unwrap_or_default());
        count
    }

    /// What is to be answered to what has come.
    pub fn verdict(&self) -> Verdict {
        let is_whole = self.bytes.windows(4).any(|end| end == b"\r\n\r\n");
        if !is_whole {
            return if self.bytes.is_full() {
                Verdict::Bad
            } else {
                Verdict::More
            };
        }
        let line = self.bytes.split(|byte| *byte == b'\r').next();
        let mut words = line.unwrap_or_default().split(|byte| *byte == b' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(b"GET"), Some(path), Some(version), None) if version.starts_with(b"HTTP/1.") => {
                // What is behind a question mark is for whoever understands it.
                match path.split(|byte| *byte == b'?').next() {
                    Some(b"/") => Verdict::Page,
                    _ => Verdict::NotFound,
                }
            }
            _ => Verdict::Bad,
        }
    }
}
