//! Lines of text for people, over the partition's port `log`.
//!
//! A line is one message, so that lines of several partitions never mix. One that is too long ends in `~`. The
//! log never makes a partition wait: if the queue is full the line is dropped, and the next one that fits says how
//! many were.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use cofferdam_ipc::Bytes;

use crate::QueuingSource;

/// Writes a line to the port `log`, which must be a queuing source of `bytes(N)`.
#[macro_export]
macro_rules! log {
    ($($argument:tt)*) => {
        $crate::log::line(&ports::LOG, ::core::format_args!($($argument)*))
    };
}

/// The mark of a line that was cut.
const CUT: u8 = b'~';

/// Text of at most `N` bytes; what is more is cut, and marked.
struct Line<const N: usize> {
    text: heapless::Vec<u8, N>,
    cut: bool,
}

impl<const N: usize> Write for Line<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = N - self.text.len();
        let fits = text.as_bytes().get(..room.min(text.len()));
        self.cut |= text.len() > room;
        // It fits: `room` is what is left.
        let _ = self.text.extend_from_slice(fits.unwrap_or_default());
        Ok(())
    }
}

impl<const N: usize> Line<N> {
    fn of(text: fmt::Arguments<'_>) -> Bytes<N> {
        let mut line = Self {
            text: heapless::Vec::new(),
            cut: false,
        };
        // Only an argument's own `Display` can fail; what it has written so far stands.
        let _ = line.write_fmt(text);
        if line.text.is_empty() {
            // A message has at least one byte.
            let _ = line.text.push(b' ');
        }
        if line.cut
            && let Some(last) = line.text.last_mut()
        {
            *last = CUT;
        }
        Bytes::try_from(line.text.as_slice()).unwrap_or_default()
    }
}

static DROPPED: AtomicU32 = AtomicU32::new(0);

/// Where the last line went, for a panic, which happens where nothing can name the port: slot + 1, and capacity.
static SLOT_AND_ONE: AtomicU32 = AtomicU32::new(0);
static CAPACITY: AtomicUsize = AtomicUsize::new(0);

/// What [`log!`] calls.
pub fn line<const N: usize>(port: &QueuingSource<Bytes<N>>, text: fmt::Arguments<'_>) {
    SLOT_AND_ONE.store(port.slot() + 1, Ordering::Relaxed);
    CAPACITY.store(N, Ordering::Relaxed);
    let dropped = DROPPED.load(Ordering::Relaxed);
    if dropped > 0 {
        let notice = Line::<N>::of(format_args!("({dropped} lines dropped: the log was full)"));
        if port.send(&notice).is_err() {
            DROPPED.store(dropped.saturating_add(1), Ordering::Relaxed);
            return;
        }
        DROPPED.store(0, Ordering::Relaxed);
    }
    if port.send(&Line::of(text)).is_err() {
        DROPPED.store(1, Ordering::Relaxed);
    }
}

/// The longest line that a panic writes.
const PANIC_LINE_BYTES: usize = 160;

/// Says a panic on the log, if the partition ever wrote to it. The crash record is there in any case.
pub(crate) fn panicked(info: &PanicInfo<'_>) {
    let Some(slot) = SLOT_AND_ONE.load(Ordering::Relaxed).checked_sub(1) else {
        return;
    };
    let text: Bytes<PANIC_LINE_BYTES> = Line::of(format_args!("{info}"));
    let capacity = CAPACITY.load(Ordering::Relaxed);
    // A location and its message are two lines of one `PanicInfo`: each is a line here too.
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line = line.get(..capacity.min(line.len())).unwrap_or_default();
        if let Ok(line) = Bytes::<PANIC_LINE_BYTES>::try_from(line) {
            // A full log drops it.
            let _ = QueuingSource::<Bytes<PANIC_LINE_BYTES>>::at(slot, u8::MAX).send(&line);
        }
    }
}
