//! An explanation in words.

use std::fmt::{self, Display, Formatter};

use crate::explain::{Due, Explained, Explanation, Wait};
use crate::pieces::What;
use crate::text;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let time = |ticks: i64| text(ticks, self.timebase_hz);
        let name = &self.partition;
        writeln!(f, "{name} at {}, of {}", time(self.at_ticks), self.system)?;
        match &self.due {
            Some(due) => self.due(f, due)?,
            None => writeln!(
                f,
                "no release says what was due then; shown is the time around it in which {name} had the processor or waited for it"
            )?,
        }
        writeln!(
            f,
            "from {} on, {} in all:",
            time(self.from_ticks),
            time(self.to_ticks - self.from_ticks)
        )?;
        for one in &self.pieces {
            let into = format!("+ {}", time(one.piece.start_ticks - self.from_ticks));
            write!(f, "  {into:<16} {:>14}  ", time(one.piece.length()))?;
            self.piece(f, one)?;
            writeln!(f)?;
        }
        for event in &self.events {
            let into = format!("+ {}", time(event.ticks - self.from_ticks));
            writeln!(f, "  {into:<16} {:>14}  {}", "event", event.what)?;
        }
        if let Some(missing) = &self.missing {
            writeln!(f, "not known: {missing}")?;
        }
        match self.advice.as_slice() {
            [] => writeln!(f, "there is nothing in it that system.toml could change"),
            advice => {
                writeln!(f, "what could be done, the longest first:")?;
                advice
                    .iter()
                    .try_for_each(|words| writeln!(f, "  * {words}"))
            }
        }
    }
}

impl Explanation {
    fn due(&self, f: &mut Formatter<'_>, due: &Due) -> fmt::Result {
        let time = |ticks: i64| text(ticks, self.timebase_hz);
        write!(
            f,
            "due: release {}, at {}",
            due.release,
            time(due.release_ticks)
        )?;
        if let Some(window) = &due.window {
            write!(f, " with window {window}")?;
        }
        match due.deadline_ticks {
            Some(deadline) => writeln!(f, ", to be complete by {}", time(deadline))?,
            None => writeln!(f, ", without a deadline")?,
        }
        let Some(complete) = due.complete_ticks else {
            let whether = match due.deadline_ticks {
                Some(deadline) if deadline < self.to_ticks => "late: not complete",
                Some(_) => "not complete as far as is known, and not yet late",
                None => "not complete",
            };
            return writeln!(f, "done: {whether} by {}", time(self.to_ticks));
        };
        let took = time(complete - due.release_ticks);
        write!(f, "done: at {}, {took} behind the release", time(complete))?;
        match due.deadline_ticks {
            Some(deadline) if complete > deadline => {
                writeln!(f, ": {} late", time(complete - deadline))
            }
            Some(deadline) => writeln!(f, ": {} before its deadline", time(deadline - complete)),
            None => writeln!(f),
        }
    }

    fn piece(&self, f: &mut Formatter<'_>, one: &Explained) -> fmt::Result {
        let name = &self.partition;
        let window = one.window.as_deref().unwrap_or("a window");
        match &one.piece.what {
            What::Missing => f.write_str("nothing is known: the events of this time are missing"),
            What::AnothersWindow { had_by } => {
                write!(f, "{window} is no window of {name}: ")?;
                match had_by.as_slice() {
                    [] => f.write_str("nobody had the processor"),
                    had_by => {
                        let each = had_by.iter().map(|(who, ticks)| {
                            format!("{who} {}", text(*ticks, self.timebase_hz))
                        });
                        let each: Vec<_> = each.collect();
                        write!(f, "the processor had {}", each.join(", "))
                    }
                }?;
                one.waits.iter().try_for_each(|wait| self.wait(f, wait))
            }
            What::Runs { rank } => {
                write!(f, "{name} has the processor, by rank {rank}")?;
                for (place, (call, count)) in one.hypercalls.iter().enumerate() {
                    let before = if place == 0 {
                        "; hypercalls that end: "
                    } else {
                        ", "
                    };
                    write!(f, "{before}{count} {call}")?;
                }
                Ok(())
            }
            What::Other {
                partition,
                more_urgent,
                budget_used_up,
            } => {
                let urgency = if *more_urgent {
                    "more urgent in"
                } else {
                    "less urgent in"
                };
                write!(f, "{partition} has the processor, {urgency} {window}")?;
                self.why(f, one, *more_urgent, *budget_used_up)
            }
            What::Idle { budget_used_up } => {
                write!(f, "nobody has the processor in {window}")?;
                self.why(f, one, false, *budget_used_up)
            }
            What::Guard => write!(
                f,
                "the guard at the end of {window}: the kernel prepares the next one"
            ),
        }
    }

    /// Why it was not this partition, in a window of its own.
    fn why(
        &self,
        f: &mut Formatter<'_>,
        one: &Explained,
        more_urgent: bool,
        budget_used_up: bool,
    ) -> fmt::Result {
        let name = &self.partition;
        match (&one.waits, more_urgent, budget_used_up) {
            (Some(wait), ..) => self.wait(f, wait),
            (None, _, true) => write!(f, "; {name} had used up its budget"),
            (None, true, _) => write!(
                f,
                "; {name} did not wait by a hypercall: it was preempted, or came second"
            ),
            (None, false, _) => write!(
                f,
                "; {name} did not want it, and no hypercall in the events says why: it had stopped, or its wait began before them"
            ),
        }
    }

    fn wait(&self, f: &mut Formatter<'_>, wait: &Wait) -> fmt::Result {
        let time = |ticks: i64| text(ticks, self.timebase_hz);
        let into = wait.since_ticks - self.from_ticks;
        write!(f, "; {} waits by {} since ", self.partition, wait.hypercall)?;
        match into {
            0.. => write!(f, "+ {}", time(into))?,
            _ => write!(f, "{} before", time(-into))?,
        }
        if let Some((channel, other)) = &wait.channel {
            write!(f, ", for {other} on {channel}")?;
        }
        if let Some(event) = &wait.ended_by {
            let into = time(event.ticks - self.from_ticks);
            write!(f, "; at + {into} came what could end that: {}", event.what)?;
        }
        Ok(())
    }
}
