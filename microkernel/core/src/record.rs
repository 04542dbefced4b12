//! The record as the kernel writes it: one structure that lies over the fixed region of RAM.

use cofferdam_abi::limits;
use cofferdam_abi::record::{
    CrashRecord, Header, HealthRecord, Mark, PartitionRecord, TraceEvent, TraceKind, offset,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The whole record region.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Record {
    /// The head.
    pub header: Header,
    gap: [u8; offset::PARTITIONS - size_of::<Header>()],
    /// One account for each partition.
    pub partitions: [PartitionRecord; limits::PARTITIONS],
    /// The last failure of each partition.
    pub crashes: [CrashRecord; limits::PARTITIONS],
    /// The kernel's own.
    pub epitaph: CrashRecord,
    marks: [Mark; limits::MARKS],
    health: [HealthRecord; limits::HEALTH_RECORDS],
    trace: [TraceEvent; limits::TRACE_EVENTS],
}

const _: () = assert!(size_of::<Record>() == offset::END);
const _: () = assert!(limits::MARKS.is_power_of_two());
const _: () = assert!(limits::HEALTH_RECORDS.is_power_of_two());
const _: () = assert!(limits::TRACE_EVENTS.is_power_of_two());
const _: () = assert!(limits::PARTITIONS.is_power_of_two());

impl Record {
    /// The account of a partition.
    #[inline(always)]
    pub(crate) fn partition(&mut self, partition: u8) -> &mut PartitionRecord {
        &mut self.partitions[usize::from(partition) & (limits::PARTITIONS - 1)]
    }

    /// Where the last failure of a partition is kept.
    pub(crate) fn crash(&mut self, partition: u8) -> &mut CrashRecord {
        &mut self.crashes[usize::from(partition) & (limits::PARTITIONS - 1)]
    }

    /// Adds a mark.
    pub(crate) fn mark(&mut self, tick: u64, partition: u8, identifier: u32, value: u32) {
        let sequence = self.header.marks.get();
        self.marks[sequence as usize & (limits::MARKS - 1)] = Mark {
            tick: tick.into(),
            sequence: sequence.into(),
            partition: u32::from(partition).into(),
            identifier: identifier.into(),
            value: value.into(),
        };
        self.header.marks = sequence.wrapping_add(1).into();
    }

    /// Adds an entry to the health log, under the next number: `fill` writes all of it but that. The host, which may look
    /// at any time, sees it when it is whole.
    #[inline(always)]
    pub(crate) fn log_health(&mut self, fill: impl FnOnce(&mut HealthRecord)) {
        let sequence = self.header.health.get();
        let entry = &mut self.health[sequence as usize & (limits::HEALTH_RECORDS - 1)];
        fill(entry);
        entry.sequence = sequence.into();
        self.header.health = sequence.wrapping_add(1).into();
    }

    /// The entry of the health log with this number, or the oldest one still there if that is younger.
    pub(crate) fn health(&self, sequence: u32) -> Option<&HealthRecord> {
        let written = self.header.health.get();
        let behind = written.wrapping_sub(sequence);
        if behind == 0 {
            return None;
        }
        let behind = behind.min(limits::HEALTH_RECORDS as u32);
        let sequence = written.wrapping_sub(behind);
        Some(&self.health[sequence as usize & (limits::HEALTH_RECORDS - 1)])
    }

    /// Adds an event to the trace, in the kernel that keeps one.
    #[inline(always)]
    pub(crate) fn trace(
        &mut self,
        tick: u64,
        kind: TraceKind,
        partition: u8,
        what: u16,
        value: u32,
        extra: u32,
    ) {
        if cfg!(feature = "trace") {
            let sequence = self.header.trace.get();
            self.trace[sequence as usize & (limits::TRACE_EVENTS - 1)] = TraceEvent {
                tick: (tick as u32).into(),
                kind: kind as u8,
                partition,
                what: what.into(),
                value: value.into(),
                extra: extra.into(),
            };
            self.header.trace = sequence.wrapping_add(1).into();
        }
    }
}
