//! Following a machine while it runs, to its end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cofferdam_abi::limits;
use cofferdam_abi::record::{HealthRecord, Mark, State};
use cofferdam_build::Kernel;
use cofferdam_qemu::{End, Memory, Running};
use cofferdam_record::{Snapshot, gathered};

use crate::gather::Gatherer;
use crate::{Deed, Marks, Options, request_stop, snapshot, ticks};

/// A machine whose kernel has not begun a window for so long hangs. For shorter times a busy host may leave an emulator without a processor.
pub(crate) const STANDSTILL: Duration = Duration::from_secs(120);
/// A run may take this much longer than the time it is about: the emulator is slower than a machine where it counts.
const SLOWNESS: u32 = 100;
/// And this much for the start.
const START: Duration = Duration::from_secs(60);

/// So many keys are typed at a time, and so much of the machine's time passes before there are more: who reads them may have room for few.
const KEYS_AT_A_TIME: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);
/// So much of the machine's time a run goes on behind its last marks: one that should not come has a chance, and each partition has been released.
const BEHIND_MARKS: Duration = Duration::from_millis(100);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The kernel said so in its record.
    State(State),
    /// The machine was switched off or reset, or the user quit QEMU.
    Off,
    /// QEMU ended with an error.
    QemuFailed(String),
    /// The kernel begins no window any more. With what the threads of QEMU do.
    Standstill(Vec<String>),
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
    /// What was read behind the run.
    pub(crate) probed: Vec<u32>,
    /// The same of the trace, if the kernel keeps one.
    pub(crate) events: Option<gathered::Gathered>,
}

#[derive(Default)]
struct Gathered {
    marks: BTreeMap<u32, Mark>,
    health: BTreeMap<u32, HealthRecord>,
}

impl Gathered {
    /// Whether all of these have come.
    fn have(&self, awaited: &[Marks]) -> bool {
        awaited.iter().all(|awaited| {
            let is_one = |mark: &&Mark| {
                (mark.partition.get(), mark.identifier.get())
                    == (awaited.partition, awaited.identifier)
            };
            self.marks.values().filter(is_one).count() >= awaited.count
        })
    }

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

/// Follows the machine until it ends or should have ended, and ends it. `length`: how many ticks it goes on behind the last moment.
pub(crate) fn follow(
    mut running: Running,
    options: &Options,
    length: Option<u64>,
    timebase_hz: u64,
) -> Result<Followed> {
    let limit = options.machine_time;
    let traced = options.kernel == Kernel::Trace;
    let gatherer = traced.then(|| Gatherer::start(running.memory()));
    let gatherer = gatherer.transpose()?;
    let mut follower = Follower {
        options,
        limit: limit.map(|time| time.saturating_mul(SLOWNESS).saturating_add(START)),
        gathered: Gathered::default(),
        progress: (0, Instant::now()),
        ended: None,
    };
    if !options.moments.is_empty() {
        let went_on = follower.moments(&mut running, ticks(PAUSE, timebase_hz))?;
        if let (true, Some(length)) = (went_on, length) {
            let now = snapshot(running.memory())?.header().now_tick.get();
            request_stop(running.memory(), now.saturating_add(length))?;
        }
    }
    if options.until.is_some() || !options.until_marks.is_empty() {
        let came = |running: &Running, follower: &Follower<'_>| {
            let said = |text: &String| said_behind(running, 0, text).is_some();
            let is_said = options.until.as_ref().is_none_or(said);
            (is_said && follower.gathered.have(&options.until_marks)).then_some(())
        };
        if follower.wait(&mut running, came)?.is_some() {
            let stop_at = if options.until_marks.is_empty() {
                0
            } else {
                let now = snapshot(running.memory())?.header().now_tick.get();
                now.saturating_add(ticks(BEHIND_MARKS, timebase_hz))
            };
            request_stop(running.memory(), stop_at)?;
        }
    }
    follower.wait(&mut running, |_, _| None::<()>)?;
    let mut probed = Vec::new();
    for (physical, word) in options.probe.iter().flat_map(|probe| &probe.behind) {
        match word {
            Some(word) => running.write_physical(*physical, *word)?,
            None => probed.push(running.read_physical(*physical)?),
        }
    }
    // What the machine said last may still be on its way through the pipe; `end` waits for it.
    let (memory, serial) = running.end()?;
    let last = snapshot(&memory)?;
    let header = last.header();
    let mut gathered = follower.gathered;
    gathered.take(&last, (header.marks.get(), header.health.get()));
    Ok(Followed {
        ended: follower.ended.context("the machine has not ended")?,
        memory,
        serial,
        marks: gathered.marks,
        health: gathered.health,
        probed,
        events: gatherer.map(|gatherer| gatherer.end(&last)),
    })
}

/// Where this text ends, if it has come behind so many bytes.
fn said_behind(running: &Running, place: usize, awaited: &str) -> Option<usize> {
    let (text, awaited) = (running.serial(), awaited.as_bytes());
    let mut parts = text.get(place..)?.windows(awaited.len());
    let before = parts.position(|part| part == awaited)?;
    Some(place + before + awaited.len())
}

/// Who follows a machine.
struct Follower<'o> {
    options: &'o Options,
    /// So long it waits for one thing, by the host's clock.
    limit: Option<Duration>,
    gathered: Gathered,
    /// The tick of the last window seen, and when it was new.
    progress: (u64, Instant),
    /// How the machine ended. From then on nothing is waited for.
    ended: Option<Ended>,
}

impl Follower<'_> {
    /// Waits for something. `None`: the machine has ended, or should have.
    fn wait<T>(
        &mut self,
        running: &mut Running,
        seen: impl Fn(&Running, &Self) -> Option<T>,
    ) -> Result<Option<T>> {
        if self.ended.is_some() {
            return Ok(None);
        }
        let end = running.wait(self.limit, |running| {
            let ended = self.look(running);
            seen(running, self).map(Ok).or(ended.map(Err))
        })?;
        self.ended = Some(match end {
            End::Seen(Ok(value)) => return Ok(Some(value)),
            End::Seen(Err(ended)) => ended,
            End::Off => Ended::Off,
            End::Failed(why) => Ended::QemuFailed(why),
            End::TimedOut => Ended::TimedOut,
            End::Interrupted => Ended::Interrupted,
        });
        Ok(None)
    }

    /// Does what is to be done, each when its text has come. Whether all of it was done. `pause`: in ticks, between keys.
    fn moments(&mut self, running: &mut Running, pause: u64) -> Result<bool> {
        let mut place = 0;
        for moment in &self.options.moments {
            let after = &moment.after;
            let came = self.wait(running, |running, _| said_behind(running, place, after))?;
            let Some(behind) = came else {
                return Ok(false);
            };
            place = behind;
            if let Some(line) = moment.deed.line() {
                let complaint = running.ask(&line)?;
                ensure!(complaint.is_empty(), "QEMU says to `{line}`: {complaint}");
            }
            let Deed::Keys(keys) = &moment.deed else {
                continue;
            };
            for keys in keys.chunks(KEYS_AT_A_TIME) {
                running.type_in(keys)?;
                // From now on, and not from when somebody looked last: the machine may have gone on for long since.
                let now = snapshot(running.memory())?.header().now_tick.get();
                let next = now.saturating_add(pause);
                let passed = |_: &Running, this: &Self| (this.progress.0 >= next).then_some(());
                if self.wait(running, passed)?.is_none() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// One look at the record: how the machine ended, if it has.
    fn look(&mut self, running: &Running) -> Option<Ended> {
        let options = self.options;
        if options.machine_time.is_none() && running.is_unread() {
            return Some(Ended::Interrupted);
        }
        let record = snapshot(running.memory()).ok()?;
        if !record.is_valid() {
            return self.stands_still(running);
        }
        let after = snapshot(running.memory()).ok()?.header();
        (self.gathered).take(&record, (after.marks.get(), after.health.get()));
        let header = record.header();
        let resets = header.boots.get().saturating_sub(1);
        if resets > options.resets {
            return Some(Ended::Off);
        }
        // Whoever stops already is not asked again.
        let enough = options.enough.as_ref();
        if header.stop_at.get() != 0 && enough.is_some_and(|enough| enough.load(Ordering::Relaxed))
        {
            request_stop(running.memory(), 0).ok()?;
        }
        match record.state()? {
            State::Booting | State::Running => {}
            // Before a reset that is to come.
            _ if resets < options.resets => {}
            state => return Some(Ended::State(state)),
        }
        let now = header.now_tick.get();
        if now != self.progress.0 {
            self.progress = (now, Instant::now());
        }
        self.stands_still(running)
    }

    fn stands_still(&self, running: &Running) -> Option<Ended> {
        let for_long = self.progress.1.elapsed() > STANDSTILL;
        for_long.then(|| Ended::Standstill(running.threads()))
    }
}
