//! The trace of a run as events: who had the processor, which hypercalls there were, what went over the channels.
//!
//! An event is what the kernel wrote down, with names in place of numbers where there is one. Its text is one line, its JSON one
//! object; both leave out nothing of it.

use std::fmt::{self, Display};

use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page::StartReason;
use cofferdam_abi::record::{TraceEvent, TraceKind};
use serde::Serialize;

use crate::Snapshot;
use crate::gathered::{Gathered, full_ticks, near_to};

/// What the parts of a system are called, by their indices in the tables. What has no name here is called by its number.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Channels.
    pub channels: Vec<String>,
    /// Device interrupts.
    pub interrupts: Vec<String>,
    /// Windows, over all schedules.
    pub windows: Vec<String>,
}

impl Names {
    /// A window by its schedule and its place in that.
    pub fn window(schedule: &str, place: usize) -> String {
        format!("{schedule}.{place}")
    }
}

/// One event of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When: timebase ticks behind the start of the module. Negative: before a reset.
    pub ticks: i64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A window began.
    Window {
        /// Which.
        window: String,
        /// How far behind its boundary the one before it had begun, in ticks.
        previous_late_ticks: u32,
    },
    /// A partition got the processor.
    Switch {
        /// Nobody: the processor is idle.
        partition: Option<String>,
        /// By which of its ranks.
        rank: u16,
    },
    /// A hypercall came to its end, or began to wait.
    Hypercall {
        /// The caller.
        partition: String,
        /// Which; none: the token was no hypercall's.
        hypercall: Option<&'static str>,
        /// Its status; none: the caller waits.
        status: Option<String>,
        /// Its first argument.
        argument: u32,
    },
    /// A device interrupt came.
    Interrupt {
        /// Whose it is.
        partition: String,
        /// Which.
        interrupt: String,
    },
    /// A message went out.
    MessageOut(Message),
    /// A message was taken.
    MessageIn(Message),
    /// Something failed.
    Health {
        /// Who; none: the module.
        partition: Option<String>,
        /// How.
        error: String,
        /// What was done about it.
        action: String,
        /// The instruction.
        pc: u32,
    },
    /// A partition was started.
    Start {
        /// Which.
        partition: String,
        /// Why.
        reason: String,
    },
    /// A period of a partition began.
    Release {
        /// Whose.
        partition: String,
        /// Its number in this life.
        number: u32,
    },
    /// The kernel wrote a kind of event that this program does not know.
    Unknown {
        /// Its number.
        kind: u8,
    },
}

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Whoever sent or took it.
    pub partition: String,
    /// Where it went.
    pub channel: String,
    /// Its length in memory; 0 if it went in registers.
    pub bytes: u32,
    /// Its number on the channel; 0 if it is a call's.
    pub number: u32,
}

/// The events of a record's trace, the oldest first.
pub fn events(snapshot: &Snapshot, names: &Names) -> Vec<Event> {
    Trace::of_ring(snapshot).events(snapshot, names)
}

/// An event as the kernel wrote it, with its whole time.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// As in [`Event`].
    pub ticks: i64,
    /// The rest of it.
    pub event: TraceEvent,
}

/// Events that nobody has any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// They came before the event with this place in the list.
    pub before: usize,
    /// How many they are.
    pub lost: u64,
}

/// What there is of the events of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The oldest first.
    pub events: Vec<Timed>,
    /// Where some are missing, in the order of their places.
    pub gaps: Vec<Gap>,
}

impl Trace {
    /// Those that are in the ring of a record.
    pub fn of_ring(snapshot: &Snapshot) -> Self {
        let header = snapshot.header();
        let (now, start) = (header.now_tick.get(), header.start_tick.get());
        let ring = snapshot.trace();
        let ticks = full_ticks(now, &ring);
        let timed = ticks.into_iter().zip(ring).map(|(tick, event)| Timed {
            ticks: tick.wrapping_sub(start) as i64,
            event,
        });
        let events: Vec<_> = timed.collect();
        let lost = u64::from(header.trace.get()) - events.len() as u64;
        let first = Gap { before: 0, lost };
        Self {
            events,
            gaps: if lost == 0 { Vec::new() } else { vec![first] },
        }
    }

    /// Those that were gathered while a run went on, whose record in the end was this.
    pub fn of_run(gathered: &Gathered, snapshot: &Snapshot) -> Self {
        let start = snapshot.header().start_tick.get();
        let mut this = Self::default();
        let mut end = 0;
        for stretch in gathered.stretches() {
            if stretch.first > end {
                this.gaps.push(Gap {
                    before: this.events.len(),
                    lost: stretch.first - end,
                });
            }
            end = stretch.end();
            let mut near = stretch.near_tick;
            for event in &stretch.events {
                near = near_to(near, event.tick.get());
                this.events.push(Timed {
                    ticks: near.wrapping_sub(start) as i64,
                    event: *event,
                });
            }
        }
        this
    }

    /// The events with names.
    pub fn events(&self, snapshot: &Snapshot, names: &Names) -> Vec<Event> {
        let decoder = Decoder { snapshot, names };
        let decode = |timed: &Timed| Event {
            ticks: timed.ticks,
            what: decoder.decode(&timed.event),
        };
        self.events.iter().map(decode).collect()
    }

    /// How many are missing.
    pub fn lost(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.lost).sum()
    }
}

/// Stands for nobody.
const NOBODY: u8 = 0xff;
/// Stands for a status that is yet to come.
const WAITS: u32 = u32::MAX;

struct Decoder<'a> {
    snapshot: &'a Snapshot,
    names: &'a Names,
}

impl Decoder<'_> {
    fn decode(&self, event: &TraceEvent) -> What {
        let (what, value, extra) = (event.what.get(), event.value.get(), event.extra.get());
        let index = usize::from(what);
        let partition = self.partition(event.partition);
        let somebody = (event.partition != NOBODY).then(|| partition.clone());
        let Some(kind) = TraceKind::from_number(event.kind) else {
            return What::Unknown { kind: event.kind };
        };
        match kind {
            TraceKind::Window => What::Window {
                window: named(&self.names.windows, index, "window"),
                previous_late_ticks: value,
            },
            TraceKind::Switch => What::Switch {
                partition: somebody,
                rank: what,
            },
            TraceKind::Hypercall => What::Hypercall {
                partition,
                hypercall: Hypercall::ALL.get(index).map(|call| call.name()),
                status: (value != WAITS).then(|| status(value)),
                argument: extra,
            },
            TraceKind::Interrupt => What::Interrupt {
                partition,
                interrupt: named(&self.names.interrupts, index, "interrupt"),
            },
            TraceKind::MessageOut => What::MessageOut(self.message(event)),
            TraceKind::MessageIn => What::MessageIn(self.message(event)),
            TraceKind::Health => What::Health {
                partition: somebody,
                error: of_number(u32::from(what), "error", Error::from_number, Error::name),
                action: of_number(value, "action", Action::from_number, Action::name),
                pc: extra,
            },
            TraceKind::Start => What::Start {
                partition,
                reason: reason(value),
            },
            TraceKind::Release => What::Release {
                partition,
                number: value,
            },
        }
    }

    fn message(&self, event: &TraceEvent) -> Message {
        Message {
            partition: self.partition(event.partition),
            channel: named(
                &self.names.channels,
                usize::from(event.what.get()),
                "channel",
            ),
            bytes: event.value.get(),
            number: event.extra.get(),
        }
    }

    fn partition(&self, index: u8) -> String {
        let index = usize::from(index);
        let known = index < self.snapshot.partition_count();
        let name = known.then(|| self.snapshot.partition_name(index));
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("partition {index}"))
    }
}

fn named(names: &[String], index: usize, what: &str) -> String {
    let name = names.get(index).cloned();
    name.unwrap_or_else(|| format!("{what} {index}"))
}

fn of_number<T>(
    number: u32,
    what: &str,
    from_number: fn(u8) -> Option<T>,
    name: fn(T) -> &'static str,
) -> String {
    let known = u8::try_from(number).ok().and_then(from_number);
    known.map_or_else(|| format!("{what} {number}"), |one| name(one).to_owned())
}

fn status(number: u32) -> String {
    let known = Status::from_number(number);
    known.map_or_else(
        || format!("status {number}"),
        |status| format!("{status:?}"),
    )
}

fn reason(number: u32) -> String {
    let known = StartReason::from_number(number);
    known.map_or_else(
        || format!("reason {number}"),
        |reason| format!("{reason:?}"),
    )
}

impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12}  {}", self.ticks, self.what)
    }
}

impl Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window {
                window,
                previous_late_ticks: late,
            } => {
                write!(f, "window {window} begins")?;
                match late {
                    0 => Ok(()),
                    late => write!(f, "; the one before was {late} ticks late"),
                }
            }
            Self::Switch {
                partition: Some(partition),
                rank,
            } => write!(f, "{partition} has the processor, by rank {rank}"),
            Self::Switch {
                partition: None, ..
            } => f.write_str("nobody has the processor"),
            Self::Hypercall {
                partition,
                hypercall,
                status,
                argument,
            } => {
                let call = hypercall.unwrap_or("no hypercall");
                let status = status.as_deref().unwrap_or("waits");
                write!(f, "{partition}: {call}({argument:#x}): {status}")
            }
            Self::Interrupt {
                partition,
                interrupt,
            } => write!(f, "interrupt {interrupt} comes, for {partition}"),
            Self::MessageOut(message) => write!(f, "{} sends {message}", message.partition),
            Self::MessageIn(message) => write!(f, "{} takes {message}", message.partition),
            Self::Health {
                partition,
                error,
                action,
                pc,
            } => {
                let partition = partition.as_deref().unwrap_or("the module");
                write!(f, "{partition}: {error} at {pc:#010x}: {action}")
            }
            Self::Start { partition, reason } => write!(f, "{partition} is started: {reason}"),
            Self::Release { partition, number } => write!(f, "{partition}: release {number}"),
            Self::Unknown { kind } => write!(f, "an event of the unknown kind {kind}"),
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes on {}", self.bytes, self.channel)?;
        match self.number {
            0 => Ok(()),
            number => write!(f, ", message {number}"),
        }
    }
}
