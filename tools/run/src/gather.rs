//! Takes the events out of the trace's ring while a machine runs.
//!
//! The ring goes round in the time of some hundred hypercalls, and an idle machine under the instruction clock runs ahead of every
//! host. So a thread looks much more often than whoever follows the run. It reads no more than it has to, and what it came too late for is
//! counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use cofferdam_abi::limits;
use cofferdam_abi::record::{Header, MAGIC, TraceEvent, offset};
use cofferdam_abi::space;
use cofferdam_qemu::Memory;
use cofferdam_record::Snapshot;
use cofferdam_record::gathered::Gathered;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// How often the head is looked at.
const LOOK: Duration = Duration::from_micros(100);
/// The ring is read when so many events are new in it.
const WORTH_READING: u32 = limits::TRACE_EVENTS as u32 / 16;

/// A thread that gathers.
pub(crate) struct Gatherer {
    enough: Arc<AtomicBool>,
    thread: Option<JoinHandle<Gathered>>,
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
    }
}

impl Gatherer {
    /// Begins with a machine that is about to run, or runs.
    pub(crate) fn start(memory: &Memory) -> Result<Self> {
        let memory = memory.try_clone();
        let memory = memory.context("the machine's memory cannot be read twice")?;
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let thread = thread::spawn(move || {
            let mut gathered = Gathered::default();
            let mut seen = None;
            while !told.load(Ordering::Relaxed) {
                // What cannot be read now is there in the end.
                let _ = look(&memory, &mut gathered, &mut seen);
                thread::sleep(LOOK);
            }
            gathered
        });
        Ok(Self {
            enough,
            thread: Some(thread),
        })
    }

    /// Ends with a machine that has ended, whose record in the end was this.
    pub(crate) fn end(mut self, last: &Snapshot) -> Gathered {
        self.enough.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        let gathered = thread.and_then(|thread| thread.join().ok());
        let mut gathered = gathered.unwrap_or_default();
        if last.is_valid() {
            gathered.take_all(last, &last.header());
        }
        gathered
    }
}

/// One look. `seen`: the boots and the count of events that were taken last.
fn look(memory: &Memory, gathered: &mut Gathered, seen: &mut Option<(u32, u32)>) -> io::Result<()> {
    let before = header(memory)?;
    let (boots, written) = (before.boots.get(), before.trace.get());
    let new = match *seen {
        Some((same, last)) if same == boots => written.wrapping_sub(last),
        _ => u32::MAX,
    };
    if before.magic.get() != MAGIC || new < WORTH_READING {
        return Ok(());
    }
    let none = TraceEvent::new_zeroed();
    let mut ring = vec![none; limits::TRACE_EVENTS];
    let place = u64::from(space::kernel::RECORD) + offset::TRACE as u64;
    memory.read(place, ring.as_mut_bytes())?;
    let after = header(memory)?;
    gathered.take(&before, &after, |place| {
        ring.get(place).copied().unwrap_or(none)
    });
    *seen = Some((boots, written));
    Ok(())
}

fn header(memory: &Memory) -> io::Result<Header> {
    let mut bytes = [0; size_of::<Header>()];
    let place = u64::from(space::kernel::RECORD) + offset::HEADER as u64;
    memory.read(place, &mut bytes)?;
    Header::read_from_bytes(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}
