//! Following a machine while it runs, to its end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use cofferdam_abi::limits;
use cofferdam_abi::record::{HealthRecord, Mark, State};
use cofferdam_qemu::{End, Memory, Running};
use cofferdam_record::Snapshot;

use crate::{Options, request_stop, snapshot, ticks};

/// A machine whose kernel has not begun a window for so long hangs.
const STANDSTILL: Duration = Duration::from_secs(30);
/// A run may take this much longer than the time it is about: the emulator is slower than a machine where it counts.
const SLOWNESS: u32 = 100;
/// And this much for the start.
const START: Duration = Duration::from_secs(60);

/// So many keys are typed at a time, and so much of the machine's time passes before there are more: who reads them may have room for few.
const KEYS_AT_A_TIME: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The kernel said so in its record.
    State(State),
    /// The machine was switched off or reset, or the user quit QEMU.
    Off,
    /// QEMU ended with an error.
    QemuFailed(String),
    /// The kernel begins no window any more.
    Standstill,
    /// The machine is much too slow.
    TimedOut,
    /// The user typed Ctrl-C, or left a run without an end.
    Interrupted,
}

/// What was gathered on the way.
pub(crate) struct Followed {
    pub(crate) ended: Ended,
    pub(crate) memory: Memory,
    pub(crate) serial: Vec<u8>,
    /// The marks of the whole run, as far as they were seen before the ring overwrote them, by sequence.
    pub(crate) marks: BTreeMap<u32, Mark>,
    /// The same of the health log.
    pub(crate) health: BTreeMap<u32, HealthRecord>,
}

#[derive(Default)]
struct Gathered {
    marks: BTreeMap<u32, Mark>,
    health: BTreeMap<u32, HealthRecord>,
}

impl Gathered {
    /// Takes what is complete: numbers which the ring cannot have begun to overwrite by the time that it had been read.
    fn take(&mut self, snapshot: &Snapshot, written_after: (u32, u32)) {
        let (marks, health) = written_after;
        for mark in snapshot.marks() {
            let sequence = mark.sequence.get();
            if marks.wrapping_sub(sequence) < limits::MARKS as u32 {
                self.marks.insert(sequence, mark);
            }
        }
        for entry in snapshot.health() {
            let sequence = entry.sequence.get();
            if health.wrapping_sub(sequence) < limits::HEALTH_RECORDS as u32 {
                self.health.insert(sequence, entry);
            }
        }
    }
}

/// Follows the machine until it ends or should have ended, and ends it. `length`: how many ticks it goes on when keys were typed.
pub(crate) fn follow(
    mut running: Running,
    options: &Options,
    length: Option<u64>,
    timebase_hz: u64,
) -> Result<Followed> {
    let pause = ticks(PAUSE, timebase_hz);
    let limit = options.machine_time;
    let limit = limit.map(|time| time.saturating_mul(SLOWNESS).saturating_add(START));
    let mut gathered = Gathered::default();
    let mut progress = (0, Instant::now());
    let mut end = None;
    if let Some(typed) = &options.typed {
        let seen = running.wait(limit, |running| {
            let ended = look(running, options, &mut gathered, &mut progress);
            (has_come(running, &typed.after) || ended.is_some()).then_some(ended)
        })?;
        let mut goes_on = seen == End::Seen(None);
        if let End::Seen(Some(ended)) = seen {
            end = Some(End::Seen(ended));
        }
        for keys in typed.keys.chunks(KEYS_AT_A_TIME) {
            if !goes_on {
                break;
            }
            running.type_in(keys)?;
            let next = progress.0.saturating_add(pause);
            let seen = running.wait(limit, |running| {
                let ended = look(running, options, &mut gathered, &mut progress);
                (progress.0 >= next || ended.is_some()).then_some(ended)
            })?;
            goes_on = seen == End::Seen(None);
            if let End::Seen(Some(ended)) = seen {
                end = Some(End::Seen(ended));
            }
        }
        if let (true, Some(length)) = (goes_on, length) {
            let now = snapshot(running.memory())?.header().now_tick.get();
            request_stop(running.memory(), now.saturating_add(length))?;
        }
    }
    if let (None, Some(until)) = (&end, &options.until) {
        let seen = running.wait(limit, |running| {
            let ended = look(running, options, &mut gathered, &mut progress);
            (has_come(running, until) || ended.is_some()).then_some(ended)
        })?;
        match seen {
            End::Seen(None) => request_stop(running.memory(), 0)?,
            End::Seen(Some(ended)) => end = Some(End::Seen(ended)),
            _ => {}
        }
    }
    let end = match end {
        Some(end) => end,
        None => running.wait(limit, |running| {
            look(running, options, &mut gathered, &mut progress)
        })?,
    };
    let ended = match end {
        End::Seen(ended) => ended,
        End::Off => Ended::Off,
        End::Failed(why) => Ended::QemuFailed(why),
        End::TimedOut => Ended::TimedOut,
        End::Interrupted => Ended::Interrupted,
    };
    // What the machine said last may still be on its way through the pipe; `end` waits for it.
    let (memory, serial) = running.end()?;
    let last = snapshot(&memory)?;
    let header = last.header();
    gathered.take(&last, (header.marks.get(), header.health.get()));
    Ok(Followed {
        ended,
        memory,
        serial,
        marks: gathered.marks,
        health: gathered.health,
    })
}

/// Whether this text has come.
fn has_come(running: &Running, awaited: &str) -> bool {
    let (text, awaited) = (running.serial(), awaited.as_bytes());
    text.windows(awaited.len()).any(|part| part == awaited)
}

/// One look at the record. `progress`: the tick of the last window seen, and when it was new.
fn look(
    running: &Running,
    options: &Options,
    gathered: &mut Gathered,
    progress: &mut (u64, Instant),
) -> Option<Ended> {
    if options.machine_time.is_none() && running.is_unread() {
        return Some(Ended::Interrupted);
    }
    let record = snapshot(running.memory()).ok()?;
    if !record.is_valid() {
        return (progress.1.elapsed() > STANDSTILL).then_some(Ended::Standstill);
    }
    let after = snapshot(running.memory()).ok()?.header();
    gathered.take(&record, (after.marks.get(), after.health.get()));
    let header = record.header();
    let resets = header.boots.get().saturating_sub(1);
    if resets > options.resets {
        return Some(Ended::Off);
    }
    // Whoever stops already is not asked again.
    let enough = options.enough.as_ref();
    if header.stop_at.get() != 0 && enough.is_some_and(|enough| enough.load(Ordering::Relaxed)) {
        request_stop(running.memory(), 0).ok()?;
    }
    match record.state()? {
        State::Booting | State::Running => {}
        // Before a reset that is to come.
        _ if resets < options.resets => {}
        state => return Some(Ended::State(state)),
    }
    let now = header.now_tick.get();
    if now != progress.0 {
        *progress = (now, Instant::now());
    }
    (progress.1.elapsed() > STANDSTILL).then_some(Ended::Standstill)
}
