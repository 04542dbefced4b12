//! Why a partition ran when it did: what was due, who had the processor until it was done, and why it was not the partition.
//!
//! All of it is read from the events and the plan. The kernel gives the processor to the most urgent partition that wants it and may have it: so whoever
//! is more urgent than who has it does not want it, and that is the one conclusion that is drawn. What the events do not have is
//! said to be missing.

use anyhow::{Result, ensure};
use cofferdam_abi::record::TraceKind;
use cofferdam_record::trace::{Event, What as Happened};
use serde::Serialize;

use crate::pieces::{Piece, What, pieces};
use crate::{Run, microseconds, windows};

/// The explanation.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The system.
    pub system: String,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// The partition.
    pub partition: String,
    /// When somebody asked.
    pub at_ticks: i64,
    /// What was due, if the partition has a period and its release is among the events.
    pub due: Option<Due>,
    /// What is explained: from then on.
    pub from_ticks: i64,
    /// Until then.
    pub to_ticks: i64,
    /// The pieces of that, one behind the other.
    pub pieces: Vec<Explained>,
    /// The health events and starts of the partition in that time, and the interrupts that came.
    pub events: Vec<Event>,
    /// What could be done.
    pub advice: Vec<String>,
    /// What is missing of the events.
    pub missing: Option<String>,
}

/// What was due.
#[derive(Clone, Debug, Serialize)]
pub struct Due {
    /// The number of the release.
    pub release: u32,
    /// When it was.
    pub release_ticks: i64,
    /// The window that began with it.
    pub window: Option<String>,
    /// By when the work had to be complete.
    pub deadline_ticks: Option<i64>,
    /// When it was complete. None: not before the next release, or the end of the events.
    pub complete_ticks: Option<i64>,
}

/// A piece, and why it was not the partition's.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The piece.
    #[serde(flatten)]
    pub piece: Piece,
    /// Its window's name.
    pub window: Option<String>,
    /// What the partition itself did: its hypercalls, by name and count.
    pub hypercalls: Vec<(String, usize)>,
    /// The partition waited.
    pub waits: Option<Wait>,
}

/// A hypercall that made the partition wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// Since when.
    pub since_ticks: i64,
    /// By which hypercall.
    pub hypercall: String,
    /// The channel of a call, and the partition at its other end.
    pub channel: Option<(String, String)>,
    /// The first event behind that which could end it, and when.
    pub ended_by: Option<Event>,
}

/// Explains what this partition did around a tick.
///
/// # Errors
/// If there is no such partition, or the tick lies where nothing is known.
pub fn explain(run: &Run, partition: &str, at: i64) -> Result<Explanation> {
    let index = run.system.partition(partition)?;
    let (first, last) = run.span();
    let hz = run.system.timebase_hz;
    ensure!(
        (first..=last).contains(&at),
        "nothing is known of {}: choose a time among the events, which are those from {} to {} behind the start of the module, or run it longer{}",
        crate::text(at, hz),
        crate::text(first, hz),
        crate::text(last, hz),
        run.missing()
            .map_or_else(String::new, |missing| format!("; {missing}"))
    );
    let asker = Asker { run, index, at };
    let due = asker.due();
    let (from, to) = match &due {
        Some(due) => {
            let behind = asker.next_release().unwrap_or(last);
            (due.release_ticks, due.complete_ticks.unwrap_or(behind))
        }
        None => asker.without(first, last),
    };
    let pieces = pieces(run, index, from, to);
    let pieces = pieces.into_iter().map(|piece| asker.explained(piece));
    let mut explanation = Explanation {
        system: run.system.system.clone(),
        timebase_hz: hz,
        partition: partition.to_owned(),
        at_ticks: at,
        due,
        from_ticks: from,
        to_ticks: to,
        pieces: pieces.collect(),
        events: asker.events(from, to),
        advice: Vec::new(),
        missing: None,
    };
    let lost = explanation
        .pieces
        .iter()
        .any(|one| one.piece.what == What::Missing);
    let unknown = explanation.due.is_none() && run.system.partitions[index].period_ticks.is_some();
    if lost || unknown {
        explanation.missing =
            Some(run.missing().unwrap_or_else(|| {
                format!("events are known from {} us on", microseconds(first, hz))
            }));
    }
    explanation.advice = asker.advice(&explanation);
    Ok(explanation)
}

struct Asker<'a> {
    run: &'a Run,
    index: usize,
    at: i64,
}

impl Asker<'_> {
    /// The partition's own events, each with its tick.
    fn own(&self) -> impl DoubleEndedIterator<Item = &Event> {
        let events = self.run.events.iter().zip(&self.run.trace.events);
        let own = events.filter(|(_, timed)| usize::from(timed.event.partition) == self.index);
        own.map(|(event, _)| event)
    }

    fn due(&self) -> Option<Due> {
        let release = |event: &&Event| matches!(event.what, Happened::Release { .. });
        let event = self
            .own()
            .rev()
            .filter(release)
            .find(|event| event.ticks <= self.at)?;
        let Happened::Release { number, .. } = event.what else {
            return None;
        };
        let gaps = self.run.gaps();
        if gaps
            .iter()
            .any(|(before, behind, _)| *before > event.ticks && *behind <= self.at)
        {
            // There may have been another one, which is missing.
            return None;
        }
        let next = self.next_release().unwrap_or(i64::MAX);
        let complete = |event: &&Event| {
            let done = |call: &Option<&str>, status: &Option<String>| {
                *call == Some("complete") && status.as_deref() == Some("Ok")
            };
            matches!(&event.what, Happened::Hypercall { hypercall, status, .. } if done(hypercall, status))
        };
        let complete = self.own().filter(complete).map(|event| event.ticks);
        let mut complete = complete.filter(|tick| (event.ticks..next).contains(tick));
        let deadline = self.run.system.partitions[self.index].deadline_ticks;
        let window = self.run.timeline.at(event.ticks);
        Some(Due {
            release: number,
            release_ticks: event.ticks,
            window: window.map(|window| self.run.system.window_name(window.index)),
            deadline_ticks: deadline.map(|ticks| event.ticks + ticks as i64),
            complete_ticks: complete.next(),
        })
    }

    fn next_release(&self) -> Option<i64> {
        let release = |event: &&Event| matches!(event.what, Happened::Release { .. });
        let mut next = self
            .own()
            .filter(release)
            .filter(|event| event.ticks > self.at);
        next.next().map(|event| event.ticks)
    }

    /// What is explained where no release says it: from the last time that the partition had the processor to the next.
    fn without(&self, first: i64, last: i64) -> (i64, i64) {
        let windows = self.run.timeline.windows.iter();
        let slices = windows.flat_map(|window| &window.slices);
        let own = slices.filter(|slice| usize::from(slice.partition) == self.index);
        let (mut from, mut to) = (first, last);
        for slice in own {
            if slice.start > self.at {
                to = slice.start;
                break;
            }
            // While it runs, that is what there is to say.
            from = if slice.end > self.at {
                slice.start
            } else {
                slice.end
            };
            to = if slice.end > self.at { slice.end } else { last };
            if slice.end > self.at {
                break;
            }
        }
        (from, to)
    }

    fn explained(&self, piece: Piece) -> Explained {
        let mut hypercalls: Vec<(String, usize)> = Vec::new();
        let mut waits = None;
        match piece.what {
            What::Runs { .. } => {
                let within = |event: &&Event| {
                    (piece.start_ticks + 1..=piece.end_ticks).contains(&event.ticks)
                };
                for event in self.own().filter(within) {
                    let Happened::Hypercall { hypercall, .. } = &event.what else {
                        continue;
                    };
                    let name = hypercall.unwrap_or("no hypercall");
                    match hypercalls.iter_mut().find(|one| one.0 == name) {
                        Some(one) => one.1 += 1,
                        None => hypercalls.push((name.to_owned(), 1)),
                    }
                }
            }
            What::Other { .. } | What::Idle { .. } | What::AnothersWindow { .. } => {
                waits = self.waits(&piece);
            }
            What::Missing | What::Guard => {}
        }
        let window = piece
            .window
            .map(|window| self.run.system.window_name(window));
        Explained {
            piece,
            window,
            hypercalls,
            waits,
        }
    }

    /// The hypercall in which the partition waited when this piece began.
    fn waits(&self, piece: &Piece) -> Option<Wait> {
        let events = self.run.events.iter().zip(&self.run.trace.events);
        let own = |index: u8| usize::from(index) == self.index;
        let before = events
            .clone()
            .take_while(|(event, _)| event.ticks <= piece.start_ticks);
        let last = before.filter(|(event, timed)| {
            let counts = matches!(
                event.what,
                Happened::Hypercall { .. } | Happened::Switch { .. } | Happened::Start { .. }
            );
            counts && own(timed.event.partition)
        });
        let (event, timed) = last.last()?;
        let Happened::Hypercall {
            hypercall,
            status: None,
            argument,
            ..
        } = &event.what
        else {
            return None;
        };
        let name = hypercall.unwrap_or("no hypercall");
        let system = &self.run.system;
        let port = (system.partitions[self.index].ports.iter())
            .find(|port| name.starts_with("call") && port.slot == *argument as usize);
        let channel = port.and_then(|port| system.channels.get(port.channel?));
        let channel = channel.map(|channel| {
            let mut others = channel.ends.iter().filter(|end| end.0 != self.index);
            let other = others
                .next()
                .map_or_else(String::new, |end| system.partition_name(end.0));
            (channel.name.clone(), other)
        });
        let since = timed.ticks;
        let mut behind = events.skip_while(|(event, _)| event.ticks <= since);
        let ended_by = behind.find(|(event, timed)| {
            let of_own = own(timed.event.partition);
            match TraceKind::from_number(timed.event.kind) {
                Some(TraceKind::Interrupt | TraceKind::Release | TraceKind::Start) => of_own,
                Some(TraceKind::MessageOut) => {
                    let channel = system.channels.get(usize::from(timed.event.what.get()));
                    let mut ends = channel.into_iter().flat_map(|channel| &channel.ends);
                    !of_own && ends.any(|end| end.0 == self.index)
                }
                // It goes on, so that whatever ended it has come, and left no event.
                Some(TraceKind::Switch) => of_own || event.ticks >= piece.end_ticks,
                _ => false,
            }
        });
        let ended_by = ended_by.filter(|(event, timed)| {
            timed.event.kind != TraceKind::Switch as u8 && event.ticks <= piece.end_ticks
        });
        Some(Wait {
            since_ticks: since,
            hypercall: name.to_owned(),
            channel,
            ended_by: ended_by.map(|(event, _)| event.clone()),
        })
    }

    /// What else happened in this time: to the partition, and interrupts.
    fn events(&self, from: i64, to: i64) -> Vec<Event> {
        let events = self.run.events.iter().zip(&self.run.trace.events);
        let within = events.filter(|(event, _)| (from..to).contains(&event.ticks));
        let counts = within.filter(|(event, timed)| match event.what {
            Happened::Health { .. } | Happened::Start { .. } => {
                usize::from(timed.event.partition) == self.index
            }
            Happened::Interrupt { .. } => true,
            _ => false,
        });
        counts.map(|(event, _)| event.clone()).collect()
    }

    /// What could be done about each kind of piece, the longest first.
    fn advice(&self, explanation: &Explanation) -> Vec<String> {
        let mut advice: Vec<(String, i64)> = Vec::new();
        for one in &explanation.pieces {
            let Some(words) = self.advise(one, explanation) else {
                continue;
            };
            match advice.iter_mut().find(|known| known.0 == words) {
                Some(known) => known.1 += one.piece.length(),
                None => advice.push((words, one.piece.length())),
            }
        }
        advice.sort_by_key(|one| std::cmp::Reverse(one.1));
        advice.into_iter().map(|one| one.0).collect()
    }

    fn advise(&self, one: &Explained, explanation: &Explanation) -> Option<String> {
        let name = &explanation.partition;
        let window = one.window.as_deref().unwrap_or("a window");
        let schedule = window.split_once('.').map_or(window, |parts| parts.0);
        let waits = one.waits.as_ref();
        // Whoever waits, and was given no reason to go on, wanted nothing.
        let wanted = waits.is_none_or(|wait| wait.ended_by.is_some());
        Some(match &one.piece.what {
            What::AnothersWindow { .. } if wanted => format!(
                "windows of others lie between: in [schedule.{schedule}] give {name} one there, or a longer one before them"
            ),
            What::Other {
                budget_used_up: true,
                ..
            }
            | What::Idle {
                budget_used_up: true,
            } => {
                format!("{name} had used up its budget in {window}: give it a larger one")
            }
            What::Other {
                partition,
                more_urgent: true,
                ..
            } if waits.is_none() => {
                let other = self.run.system.partition(partition).ok();
                let budgeted = windows::budgets(&self.run.system).any(|one| Some(one.1) == other);
                let budget = if budgeted {
                    "a smaller budget"
                } else {
                    "a budget"
                };
                format!(
                    "{partition} is more urgent than {name} in {window}: put {name} before it, or give {partition} {budget}"
                )
            }
            What::Other { .. } | What::Idle { .. } => {
                let (channel, server) = waits?.channel.as_ref()?;
                format!(
                    "{name} waits for {server} on the channel {channel}: {server} answers in its own windows, and at once if it is more urgent in the same one"
                )
            }
            What::Runs { .. } => {
                let due = explanation.due.as_ref()?;
                let deadline = due.deadline_ticks?;
                let late = due.complete_ticks.is_none_or(|tick| tick > deadline);
                if !late {
                    return None;
                }
                format!(
                    "what {name} does itself between release and completion can be made shorter, or its deadline later"
                )
            }
            What::AnothersWindow { .. } | What::Guard | What::Missing => return None,
        })
    }
}
