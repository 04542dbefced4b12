//! The record region, read.

use std::io;

use cofferdam_abi::record::{
    CRASH_MAGIC, CrashRecord, Header, HealthRecord, MAGIC, Mark, PartitionRecord, State,
    TraceEvent, offset,
};
use cofferdam_abi::{limits, space};
use zerocopy::{FromBytes, FromZeros, Immutable, KnownLayout};

/// The record region at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    bytes: Vec<u8>,
}

impl Snapshot {
    /// From the machine's memory, of which `read` gives what stands at a physical address.
    ///
    /// # Errors
    /// What `read` says.
    pub fn read(read: impl FnOnce(u64, &mut [u8]) -> io::Result<()>) -> io::Result<Self> {
        let mut bytes = vec![0; offset::END];
        read(u64::from(space::kernel::RECORD), &mut bytes)?;
        Ok(Self { bytes })
    }

    /// From a file that was kept. `None` if it is none.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == offset::END).then_some(Self { bytes })
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The head.
    pub fn header(&self) -> Header {
        self.item(offset::HEADER, 0)
    }

    /// Whether a kernel has begun at all.
    pub fn is_valid(&self) -> bool {
        self.header().magic == MAGIC
    }

    /// What the machine does. `None` if a kernel never began.
    pub fn state(&self) -> Option<State> {
        if !self.is_valid() {
            return None;
        }
        state(self.header().state.get())
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> usize {
        (self.header().partitions.get() as usize).min(limits::PARTITIONS)
    }

    /// The account of a partition.
    pub fn partition(&self, index: usize) -> PartitionRecord {
        self.item(offset::PARTITIONS, index)
    }

    /// The name of a partition.
    pub fn partition_name(&self, index: usize) -> String {
        let name = self.partition(index).name;
        let end = name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(name.len());
        String::from_utf8_lossy(&name[..end]).into_owned()
    }

    /// The last failure of a partition, if it failed.
    pub fn crash(&self, index: usize) -> Option<CrashRecord> {
        let crash: CrashRecord = self.item(offset::CRASHES, index);
        (crash.magic == CRASH_MAGIC).then_some(crash)
    }

    /// The kernel's own last words, if it died.
    pub fn epitaph(&self) -> Option<CrashRecord> {
        self.crash(limits::PARTITIONS)
    }

    /// The marks that are still there, the oldest first.
    pub fn marks(&self) -> Vec<Mark> {
        self.ring(offset::MARKS, limits::MARKS, self.header().marks.get())
    }

    /// The entries of the health log that are still there, the oldest first.
    pub fn health(&self) -> Vec<HealthRecord> {
        self.ring(
            offset::HEALTH,
            limits::HEALTH_RECORDS,
            self.header().health.get(),
        )
    }

    /// The events of the trace that are still there, the oldest first.
    pub fn trace(&self) -> Vec<TraceEvent> {
        self.ring(
            offset::TRACE,
            limits::TRACE_EVENTS,
            self.header().trace.get(),
        )
    }

    /// What stands at a place of the ring of the trace.
    pub(crate) fn trace_at(&self, place: usize) -> TraceEvent {
        self.item(offset::TRACE, place)
    }

    fn ring<T: FromBytes + FromZeros + Immutable + KnownLayout>(
        &self,
        from: usize,
        room: usize,
        written: u32,
    ) -> Vec<T> {
        let count = (written as usize).min(room);
        (0..count)
            .map(|index| {
                let sequence = written.wrapping_sub((count - index) as u32);
                self.item(from, sequence as usize % room)
            })
            .collect()
    }

    fn item<T: FromBytes + FromZeros + Immutable + KnownLayout>(
        &self,
        from: usize,
        index: usize,
    ) -> T {
        let start = from + index * size_of::<T>();
        self.bytes
            .get(start..)
            .and_then(|rest| T::read_from_prefix(rest).ok())
            .map_or_else(T::new_zeroed, |(item, _)| item)
    }
}

fn state(number: u16) -> Option<State> {
    [
        State::Booting,
        State::Running,
        State::Stopped,
        State::Halted,
        State::BootFailed,
        State::Dead,
    ]
    .into_iter()
    .find(|state| *state as u16 == number)
}
