//! The record of a run, of which a dead machine or a damaged file may have left anything: the host shows what there is.

use cofferdam_abi::limits;
use cofferdam_abi::record::{CRASH_MAGIC, CrashRecord, Header, MAGIC, State, TraceEvent, offset};
use cofferdam_record::trace::{self, Names};
use cofferdam_record::{Snapshot, Symbols, failures};
use zerocopy::{FromZeros, IntoBytes};

use super::noise;
use crate::Target;

/// See the module. Each eight bytes are a place in a sound record, and a word to stand there.
pub const TARGET: Target = Target {
    name: "record",
    seeds: || noise(32, 160),
    run,
};

/// So many events are in the trace of a sound record.
const TRACED: u32 = 10;

fn sound() -> Vec<u8> {
    let mut bytes = vec![0; offset::END];
    let mut header = Header::new_zeroed();
    header.magic = MAGIC.into();
    header.state = (State::Running as u16).into();
    header.partitions = 3.into();
    header.marks = 2000.into();
    header.health = 300.into();
    header.trace = TRACED.into();
    let mut put =
        |place: usize, what: &[u8]| bytes[place..place + what.len()].copy_from_slice(what);
    put(offset::HEADER, header.as_bytes());
    let mut crash = CrashRecord::new_zeroed();
    crash.magic = CRASH_MAGIC.into();
    for index in 0..=limits::PARTITIONS {
        let place = offset::CRASHES + index * size_of::<CrashRecord>();
        put(place, crash.as_bytes());
    }
    bytes
}

/// Symbols that say something of every address, now and then that a panic ended there.
struct Anything;

impl Symbols for Anything {
    fn name(&self, address: u32) -> Option<&str> {
        (!address.is_multiple_of(3)).then_some("__cofferdam_panic")
    }
    fn describe(&self, address: u32) -> Vec<String> {
        vec![format!("{address:x}"); (address % 3) as usize]
    }
    fn text(&self, address: u32, length: u32) -> Option<String> {
        address
            .is_multiple_of(2)
            .then(|| "text".repeat(length as usize % 5))
    }
}

fn run(bytes: &[u8]) {
    assert!(bytes.len() == offset::END || Snapshot::from_bytes(bytes.to_vec()).is_none());
    let mut record = sound();
    for (place, word) in bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|patch| patch.split_at(4))
    {
        // Most words that matter stand in the head, with the failures, or in the trace.
        let place = place
            .iter()
            .fold(0, |place, byte| place << 8 | usize::from(*byte));
        let place = match place % 4 {
            0 => offset::HEADER + place / 4 % size_of::<Header>(),
            1 => offset::CRASHES + place / 4 % (4 * size_of::<CrashRecord>()),
            2 => offset::TRACE + place / 4 % (TRACED as usize * size_of::<TraceEvent>()),
            _ => place % offset::END,
        };
        let end = (place + 4).min(offset::END);
        record[place..end].copy_from_slice(&word[..end - place]);
    }
    let Some(snapshot) = Snapshot::from_bytes(record) else {
        panic!("a record of the right length");
    };
    assert!(snapshot.partition_count() <= limits::PARTITIONS);
    let _ = (snapshot.is_valid(), snapshot.state());
    for index in 0..snapshot.partition_count() {
        let _ = (snapshot.partition(index), snapshot.partition_name(index));
    }
    assert!(snapshot.marks().len() <= limits::MARKS);
    assert!(snapshot.health().len() <= limits::HEALTH_RECORDS);
    let events = trace::events(&snapshot, &Names::default());
    assert!(events.len() == snapshot.trace().len() && events.len() <= limits::TRACE_EVENTS);
    assert!((events.iter()).all(|event| event.to_string().lines().count() == 1));
    let _ = failures(&snapshot, &|_| Box::new(Anything));
}
