//! The events of a whole run, gathered from the ring while it went round.
//!
//! The ring of the record holds the last events alone. Whoever follows the run takes them out of it before they are overwritten, and keeps
//! them in a file beside the record. What was overwritten before anybody saw it is a gap, and the gap says how many
//! events it is.
//!
//! The file has a head, by which it belongs to one record, and behind it stretches of events that came one behind the other. All of it is
//! big-endian, as the record is.

use std::fmt;

use cofferdam_abi::limits;
use cofferdam_abi::record::{Header, TraceEvent};
use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Snapshot;

/// "CFDMTRC0".
const MAGIC: u64 = 0x4346_444d_5452_4330;
/// The most events that are kept: 64 MiB of them. The oldest go first.
pub const MOST: usize = 1 << 22;

/// The head of the file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
struct Head {
    magic: U64,
    /// Those of the record that it belongs to.
    start_tick: U64,
    now_tick: U64,
    tables_crc: U32,
    written: U32,
    boots: U32,
    stretches: U32,
}

impl Head {
    fn of(header: &Header, stretches: usize) -> Self {
        Self {
            magic: MAGIC.into(),
            start_tick: header.start_tick,
            now_tick: header.now_tick,
            tables_crc: header.tables_crc,
            written: header.trace,
            boots: header.boots,
            stretches: u32::try_from(stretches).unwrap_or(u32::MAX).into(),
        }
    }
}

/// What stands before the events of a stretch.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct StretchHead {
    first: U64,
    near_tick: U64,
    events: U32,
}

/// Events that came one behind the other.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The number of the first, from 0 on since the machine was switched on or reset.
    pub first: u64,
    /// The timebase close to the first: of that an event has the lower half.
    pub near_tick: u64,
    /// The oldest first.
    pub events: Vec<TraceEvent>,
}

impl Stretch {
    /// The number behind the last.
    pub fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// Why a file is not the events of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no such file.
    Foreign,
    /// It ends too early, or has something behind its end.
    Damaged,
    /// It is of another run than the record.
    OfAnotherRun,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "holds no events of a run",
            Self::Damaged => "is damaged: its length is not what its head says",
            Self::OfAnotherRun => "is of another run than the record",
        })
    }
}

/// Events as they are gathered.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    stretches: Vec<Stretch>,
    /// How often the machine had begun when the events were taken.
    boots: u32,
    /// How many the ring had had.
    written: u64,
    kept: usize,
}

impl Gathered {
    /// Takes what the ring has of new events. `before` and `after` are the head as it was before the ring was read, and behind that; `event` gives
    /// what was in the ring at a place.
    ///
    /// Taken is what the ring cannot have begun to overwrite meanwhile.
    pub fn take(&mut self, before: &Header, after: &Header, event: impl Fn(usize) -> TraceEvent) {
        if before.boots != after.boots {
            return;
        }
        if before.boots.get() != self.boots {
            // Behind a reset time begins anew, and what was before has no place in it.
            *self = Self {
                boots: before.boots.get(),
                ..Self::default()
            };
        }
        let room = limits::TRACE_EVENTS as u64;
        let full = |low: u32, since: u64| since + u64::from(low.wrapping_sub(since as u32));
        let written = full(before.trace.get(), self.written);
        let overwritten = full(after.trace.get(), written).saturating_sub(room - 1);
        let from = self
            .written
            .max(overwritten)
            .max(written.saturating_sub(room));
        self.written = written;
        if from >= written {
            return;
        }
        let joins = self.stretches.last().is_some_and(|last| last.end() == from);
        let new = (from..written).map(|number| event((number % room) as usize));
        if joins && let Some(last) = self.stretches.last_mut() {
            last.events.extend(new);
        } else {
            let events: Vec<_> = new.collect();
            let ticks = full_ticks(before.now_tick.get(), &events);
            self.stretches.push(Stretch {
                first: from,
                near_tick: ticks.first().copied().unwrap_or_default(),
                events,
            });
        }
        self.kept += (written - from) as usize;
        self.forget();
    }

    /// Keeps to [`MOST`]. It forgets a quarter at a time, so that it seldom has to.
    fn forget(&mut self) {
        if self.kept <= MOST {
            return;
        }
        let mut surplus = self.kept - MOST + MOST / 4;
        self.kept -= surplus;
        while let Some(first) = self.stretches.first_mut()
            && surplus > 0
        {
            if first.events.len() <= surplus {
                surplus -= first.events.len();
                self.stretches.remove(0);
                continue;
            }
            let mut near = first.near_tick;
            for event in first.events.drain(..surplus) {
                near = near_to(near, event.tick.get());
            }
            first.first += surplus as u64;
            first.near_tick = near;
            surplus = 0;
        }
    }

    /// Takes what the ring of a whole record has.
    pub fn take_all(&mut self, snapshot: &Snapshot, after: &Header) {
        self.take(&snapshot.header(), after, |place| snapshot.trace_at(place));
    }

    /// The stretches, the oldest first.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The file for them, beside the record with this head.
    pub fn to_bytes(&self, header: &Header) -> Vec<u8> {
        let mut bytes = Head::of(header, self.stretches.len()).as_bytes().to_vec();
        for stretch in &self.stretches {
            let head = StretchHead {
                first: stretch.first.into(),
                near_tick: stretch.near_tick.into(),
                events: u32::try_from(stretch.events.len())
                    .unwrap_or(u32::MAX)
                    .into(),
            };
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(stretch.events.as_bytes());
        }
        bytes
    }

    /// What a file has, if it belongs to the record with this head.
    ///
    /// # Errors
    /// If it does not.
    pub fn from_bytes(bytes: &[u8], header: &Header) -> Result<Self, Refused> {
        let (head, mut rest) = Head::read_from_prefix(bytes).map_err(|_| Refused::Foreign)?;
        if head.magic.get() != MAGIC {
            return Err(Refused::Foreign);
        }
        if head != Head::of(header, head.stretches.get() as usize) {
            return Err(Refused::OfAnotherRun);
        }
        let mut this = Self {
            boots: header.boots.get(),
            ..Self::default()
        };
        for _ in 0..head.stretches.get() {
            let (of, behind) = StretchHead::read_from_prefix(rest).map_err(|_| Refused::Damaged)?;
            let count = of.events.get() as usize;
            let length = count.checked_mul(size_of::<TraceEvent>());
            let (events, behind) = length
                .and_then(|length| behind.split_at_checked(length))
                .ok_or(Refused::Damaged)?;
            let events = <[TraceEvent]>::ref_from_bytes(events).map_err(|_| Refused::Damaged)?;
            let first = of.first.get();
            let end = first.checked_add(count as u64).ok_or(Refused::Damaged)?;
            if first < this.written {
                return Err(Refused::Damaged);
            }
            this.stretches.push(Stretch {
                first,
                near_tick: of.near_tick.get(),
                events: events.to_vec(),
            });
            (this.written, this.kept) = (end, this.kept.saturating_add(count));
            rest = behind;
        }
        if rest.is_empty() {
            Ok(this)
        } else {
            Err(Refused::Damaged)
        }
    }
}

/// The whole timebase of each event, of which the last came close to `now`. No window is longer than a quarter of what the lower half can tell, and each
/// leaves an event, so that neighbours are close.
pub(crate) fn full_ticks(now: u64, events: &[TraceEvent]) -> Vec<u64> {
    let mut near = now;
    let mut ticks: Vec<_> = (events.iter().rev())
        .map(|event| {
            near = near_to(near, event.tick.get());
            near
        })
        .collect();
    ticks.reverse();
    ticks
}

/// The timebase value closest to `near` of which this is the lower half.
pub(crate) fn near_to(near: u64, lower: u32) -> u64 {
    let behind = lower.wrapping_sub(near as u32) as i32;
    near.wrapping_add_signed(i64::from(behind))
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;

    fn header(boots: u32, trace: u32) -> Header {
        let mut header = Header::new_zeroed();
        (header.boots, header.trace) = (boots.into(), trace.into());
        header.now_tick = u64::from(trace).into();
        header
    }

    fn event(tick: u32) -> TraceEvent {
        let mut event = TraceEvent::new_zeroed();
        event.tick = tick.into();
        event
    }

    /// A ring in which each event's tick is its number.
    fn ring(written: u32) -> impl Fn(usize) -> TraceEvent {
        move |place| {
            let behind = (written as usize - 1 - place) % limits::TRACE_EVENTS;
            event(written - 1 - behind as u32)
        }
    }

    fn numbers(gathered: &Gathered) -> Vec<(u64, u64)> {
        for stretch in gathered.stretches() {
            let ticks = stretch
                .events
                .iter()
                .map(|event| u64::from(event.tick.get()));
            assert!(ticks.eq(stretch.first..stretch.end()));
        }
        let stretches = gathered.stretches().iter();
        stretches.map(|one| (one.first, one.end())).collect()
    }

    #[test]
    fn what_was_overwritten_before_it_was_seen_is_a_gap() {
        let mut gathered = Gathered::default();
        gathered.take(&header(1, 3000), &header(1, 3000), ring(3000));
        gathered.take(&header(1, 6000), &header(1, 6000), ring(6000));
        assert_eq!(numbers(&gathered), [(0, 6000)]);
        // 4,096 are held, and of the oldest nobody knows whether it is being overwritten.
        gathered.take(&header(1, 20_000), &header(1, 20_000), ring(20_000));
        assert_eq!(numbers(&gathered), [(0, 6000), (15_905, 20_000)]);
        // And these went while they were read.
        gathered.take(&header(1, 23_000), &header(1, 25_000), ring(23_000));
        assert_eq!(
            numbers(&gathered),
            [(0, 6000), (15_905, 20_000), (20_905, 23_000)]
        );
    }

    #[test]
    fn events_that_are_rare_have_their_whole_time() {
        let ticks: Vec<u64> = (0..40).map(|number| number << 30).collect();
        let events: Vec<_> = ticks.iter().map(|tick| event(*tick as u32)).collect();
        assert_eq!(full_ticks((39 << 30) + 5, &events), ticks);
        let mut gathered = Gathered::default();
        let mut now = header(1, 40);
        now.now_tick = ((39 << 30) + 5).into();
        gathered.take(&now, &now, |place| events[place]);
        assert_eq!(gathered.stretches()[0].near_tick, 0);
    }

    #[test]
    fn behind_a_reset_it_begins_anew() {
        let mut gathered = Gathered::default();
        gathered.take(&header(1, 10), &header(1, 10), ring(10));
        gathered.take(&header(1, 12), &header(2, 12), ring(12));
        assert_eq!(numbers(&gathered), [(0, 10)], "nobody knows what was read");
        gathered.take(&header(2, 13), &header(2, 13), ring(13));
        assert_eq!(numbers(&gathered), [(0, 13)]);
    }

    #[test]
    fn it_keeps_the_last_ones_of_a_long_run() {
        let mut gathered = Gathered::default();
        let step = 4000;
        for count in 1..=(MOST as u32 / step) + 1 {
            let written = header(1, count * step);
            gathered.take(&written, &written, ring(count * step));
        }
        let [(first, end)] = numbers(&gathered)[..] else {
            panic!("one stretch");
        };
        assert!(first > 0 && end - first <= MOST as u64);
        assert_eq!(gathered.stretches()[0].near_tick, first - 1);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_nothing_else_is() {
        let mut gathered = Gathered::default();
        gathered.take(&header(1, 30), &header(1, 30), ring(30));
        let last = header(1, 9000);
        gathered.take(&last, &last, ring(9000));
        let bytes = gathered.to_bytes(&last);
        let read = Gathered::from_bytes(&bytes, &last).unwrap();
        assert_eq!(numbers(&read), numbers(&gathered));
        let refused = |bytes: &[u8], header: &Header| Gathered::from_bytes(bytes, header).err();
        for length in 0..size_of::<Head>() {
            assert_eq!(refused(&bytes[..length], &last), Some(Refused::Foreign));
        }
        for length in [size_of::<Head>(), 60, 100, bytes.len() - 1] {
            assert_eq!(refused(&bytes[..length], &last), Some(Refused::Damaged));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(refused(&longer, &last), Some(Refused::Damaged));
        assert_eq!(
            refused(&bytes, &header(1, 9001)),
            Some(Refused::OfAnotherRun)
        );
        assert_eq!(refused(&[0x55; 4000], &last), Some(Refused::Foreign));
    }
}
