//! A small run from a file, as a record and the events beside it. The tests of `cargo cofferdam` use it too.
#![allow(dead_code)]

use cofferdam_abi::limits;
use cofferdam_abi::record::{Header, MAGIC, PartitionRecord, State, TraceEvent, TraceKind, offset};
use cofferdam_record::Snapshot;
use cofferdam_record::gathered::Gathered;
use zerocopy::{FromZeros, IntoBytes};

/// What was planned.
pub const PLAN: &str = include_str!("plan.json");
const EVENTS: &str = include_str!("events.txt");
/// When the first window began. The lower half of the timebase wraps within the run.
pub const START: u64 = (5 << 32) - 1000;

/// The events, as the kernel writes them.
pub fn events() -> Vec<TraceEvent> {
    let lines = EVENTS.lines().filter(|line| !line.starts_with('#'));
    lines.map(event).collect()
}

fn event(line: &str) -> TraceEvent {
    let words: Vec<_> = line.split_whitespace().collect();
    let [tick, kind, partition, what, value, extra] = words[..] else {
        panic!("{line}");
    };
    let number = |word: &str| word.parse::<i64>().expect(line);
    let kinds = [
        "window",
        "switch",
        "hypercall",
        "interrupt",
        "out",
        "in",
        "health",
        "start",
        "release",
    ];
    let place = kinds.iter().position(|one| *one == kind).expect(line);
    let value = if value == "wait" {
        i64::from(u32::MAX)
    } else {
        number(value)
    };
    TraceEvent {
        tick: (START.wrapping_add_signed(number(tick)) as u32).into(),
        kind: TraceKind::ALL[place] as u8,
        partition: if partition == "-" {
            0xff
        } else {
            number(partition) as u8
        },
        what: (number(what) as u16).into(),
        value: (value as u32).into(),
        extra: (number(extra) as u32).into(),
    }
}

/// The record that a run with these events leaves: its ring has the last of them.
pub fn record(events: &[TraceEvent], trace_kernel: bool) -> Vec<u8> {
    let mut bytes = vec![0; offset::END];
    let mut header = Header::new_zeroed();
    header.magic = MAGIC.into();
    header.boots = 1.into();
    header.state = (State::Stopped as u16).into();
    header.trace_kernel = u32::from(trace_kernel).into();
    header.partitions = 3.into();
    header.start_tick = START.into();
    header.now_tick = (START + 3000).into();
    header.major_frames = 3.into();
    header.trace = (events.len() as u32).into();
    bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    for (index, name) in ["control", "load", "driver"].iter().enumerate() {
        let mut account = PartitionRecord::new_zeroed();
        account.name[..name.len()].copy_from_slice(name.as_bytes());
        account.state = 2.into();
        account.epoch = 1.into();
        let ticks = [460, 1180, 228][index];
        account.cpu_ticks = (ticks as u64).into();
        account.worst_window_used_ticks = 300.into();
        account.hypercalls = (4 * index as u32 + 3).into();
        if index == 0 {
            (account.releases, account.completions) = (4.into(), 2.into());
            account.deadlines_missed = 1.into();
            account.errors[6] = 1.into();
            account.errors[7] = 1.into();
            account.health_events = 2.into();
            account.response_max_ticks = 200.into();
        }
        let place = offset::PARTITIONS + index * size_of::<PartitionRecord>();
        bytes[place..place + size_of::<PartitionRecord>()].copy_from_slice(account.as_bytes());
    }
    for (number, event) in events.iter().enumerate() {
        let place = offset::TRACE + number % limits::TRACE_EVENTS * size_of::<TraceEvent>();
        bytes[place..place + size_of::<TraceEvent>()].copy_from_slice(event.as_bytes());
    }
    bytes
}

/// The file beside it, with the events of the whole run.
pub fn gathered(record: &[u8]) -> Vec<u8> {
    let snapshot = Snapshot::from_bytes(record.to_vec()).expect("a record");
    let mut gathered = Gathered::default();
    gathered.take_all(&snapshot, &snapshot.header());
    gathered.to_bytes(&snapshot.header())
}
