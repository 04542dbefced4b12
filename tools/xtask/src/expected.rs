//! What a run of a system has to leave in the record: the files in the folder `expected` beside the system, and their
//! comparison with it.
//!
//! A file says how the module ends and, for each partition, how its life stands then, which health events it had, and what
//! came of each step that it went through. A partition leaves its steps as marks (`partitions/evidence`); everything
//! else the kernel wrote by itself. What the file does not name must not be there.

mod files;
mod machine;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_abi::limits;
use cofferdam_abi::page::StartReason;
use cofferdam_abi::record::{HealthRecord, MODULE, Mark, PartitionState, State};
use cofferdam_build::{Built, Kernel};
use cofferdam_record::Snapshot;
use cofferdam_record::trace;
use cofferdam_run::command::duration;
use cofferdam_run::{Marks, Report};
use serde::Deserialize;

use crate::images::Disk;
use crate::parts::Tally;
use crate::sequence::Sequence;
use crate::timeline::{self, Timeline};
use crate::variant::Variant;

pub use files::of_system;
pub use machine::{Inside, pages_with};
pub use wire::Wire;

/// A run of a system, and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// In one sentence.
    pub title: String,
    /// How much of the machine's time it takes.
    run_for: String,
    /// It ends as soon as all steps have come that are expected; `run_for` is then how long it takes if they do not. For whoever waits for something of
    /// the host's, such as a disk, in no time of the machine's own.
    #[serde(default)]
    ends_with_steps: bool,
    /// Why the run's own judge finds fault with it.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// What is other than in the system's own image.
    #[serde(default)]
    pub variant: Variant,
    /// What is behind its disks, where it is not an empty one as large as the system's file says.
    #[serde(default)]
    pub disk: BTreeMap<String, Disk>,
    /// What its devices on the bus may do to memory, where that is looked at: of those that may do anything the report says it.
    bus: Option<BTreeMap<String, String>>,
    /// What the machine has inside besides the record: registers, and memory.
    #[serde(default)]
    pub machine: Inside,
    /// Who is outside on the network, if somebody is, and what the machine sends there.
    pub wire: Option<Wire>,
    /// What the build warns of, beside others.
    #[serde(default)]
    warns: Vec<String>,
    /// What the run's report says.
    #[serde(default)]
    says: Vec<String>,
    /// The step in which somebody notes each entry of the health log: number, partition, error and action, a byte each.
    log_read_as: Option<String>,
    #[serde(default)]
    module: Module,
    /// Every partition.
    partition: BTreeMap<String, Life>,
    /// The failures that `cargo cofferdam crash` has to show.
    #[serde(default)]
    pub crash: Vec<Crash>,
    /// What the trace has to show, by device, where there is one.
    #[serde(default)]
    interrupt: BTreeMap<String, InterruptTrace>,
    /// And sequences of its events.
    #[serde(default)]
    trace: Vec<Sequence>,
}

/// A failure, and the line of the source at which it happened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// How its paragraph begins.
    pub of: String,
    /// The file, from the root of the tree.
    pub file: String,
    /// What stands in the line.
    pub line: String,
    /// Other words of the paragraph.
    #[serde(default)]
    pub says: Vec<String>,
}

/// How the module ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Module {
    /// Its state in the end.
    state: String,
    /// The error that halted it.
    halted_by: Option<String>,
    /// How often it reset the machine.
    resets: u32,
    /// The schedule in the end.
    schedule: u32,
    /// Its entries in the health log, as `error action`.
    log: Vec<String>,
    /// The exception that the kernel died of, last.
    epitaph: Option<u32>,
}

impl Default for Module {
    fn default() -> Self {
        Self {
            state: "Stopped".to_owned(),
            halted_by: None,
            resets: 0,
            schedule: 0,
            log: Vec::new(),
            epitaph: None,
        }
    }
}

/// What is expected of a partition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Life {
    /// Its state in the end.
    state: Value,
    /// Starts after the first.
    restarts: u32,
    /// Its entries in the health log, as `error action`.
    log: Vec<String>,
    /// How often errors came that are not logged.
    ignored: BTreeMap<String, u16>,
    /// The most that it used of one window, in ticks.
    worst_window_used_ticks: Option<Value>,
    /// What came of each step, in its order.
    steps: BTreeMap<String, OneOrMore>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            state: Value::Text("Ready".to_owned()),
            restarts: 0,
            log: Vec::new(),
            ignored: BTreeMap::new(),
            worst_window_used_ticks: None,
            steps: BTreeMap::new(),
        }
    }
}

/// What the trace has to show of a device's interrupt: each as in `InterruptFacts`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InterruptTrace {
    in_own_windows: Option<Value>,
    in_others_windows: Option<Value>,
    taken_after_ticks: Option<Value>,
    had_waited: Option<Value>,
    budget_used_up: Option<Value>,
    went_on_behind: Option<Value>,
}

/// A list, or its only element.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Value),
    More(Vec<Value>),
}

impl OneOrMore {
    fn all(&self) -> &[Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::More(values) => values,
        }
    }
}

/// A number; or the name of one, or a range `lowest..highest`, both included, of which either may be missing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u32),
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number:#x}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The names that numbers have in the files: those of the types themselves.
fn named() -> Vec<(String, u32)> {
    fn names<T: Debug + Copy>(all: &[T], number: fn(T) -> u32) -> Vec<(String, u32)> {
        let named = all.iter().map(|one| (format!("{one:?}"), number(*one)));
        named.collect()
    }
    let mut all = names(&Status::ALL, |one| one as u32);
    all.extend(names(evidence::Outcome::ALL, |one| one as u32));
    use PartitionState::{Delayed, Ready, Starting, Waiting};
    let states = [Starting, Ready, Waiting, Delayed, PartitionState::Stopped];
    all.extend(names(&states, |one| one as u32));
    all.extend(names(&StartReason::ALL, |one| one as u32));
    all
}

impl Value {
    /// The lowest and the highest number that it stands for.
    fn range(&self) -> Result<(u32, u32)> {
        let text = match self {
            Self::Number(number) => return Ok((*number, *number)),
            Self::Text(text) => text,
        };
        if let Some((lowest, highest)) = text.split_once("..") {
            let bound = |text: &str, open: u32| -> Result<u32> {
                match text {
                    "" => Ok(open),
                    digits => digits
                        .parse()
                        .ok()
                        .with_context(|| format!("`{digits}` is no number")),
                }
            };
            return Ok((bound(lowest, 0)?, bound(highest, u32::MAX)?));
        }
        let named = named().into_iter().find(|(name, _)| name == text);
        let (_, number) = named.with_context(|| format!("nothing is called `{text}`"))?;
        Ok((number, number))
    }

    fn is(&self, number: u32) -> Result<bool> {
        let (lowest, highest) = self.range()?;
        Ok((lowest..=highest).contains(&number))
    }

    fn expect(&self, what: &str, number: u32) -> Result<()> {
        ensure!(
            self.is(number)?,
            "{what} is {number:#x} ({number}), expected {self}"
        );
        Ok(())
    }
}

impl Expected {
    /// How much of the machine's time it takes.
    pub fn run_for(&self) -> Result<Duration> {
        duration(&self.run_for)
    }

    /// How often the machine is to be reset.
    pub fn resets(&self) -> u32 {
        self.module.resets
    }

    /// The marks that end the run, if any do.
    pub fn last_marks(&self, built: &Built) -> Vec<Marks> {
        let mut all = Vec::new();
        for (index, partition) in (0..).zip(&built.checked.system.partitions) {
            let life = self.partition.get(&partition.name.value);
            let steps = life.into_iter().flat_map(|life| &life.steps);
            all.extend(steps.map(|(step, values)| Marks {
                partition: index,
                identifier: evidence::identifier(step),
                count: values.all().len(),
            }));
        }
        all.retain(|_| self.ends_with_steps);
        all
    }

    /// The steps of all partitions: partition and step.
    pub fn steps(&self) -> Vec<(String, String)> {
        let partitions = self.partition.iter();
        let steps = partitions.flat_map(|(partition, life)| {
            let steps = life.steps.keys();
            steps.map(move |step| (partition.clone(), step.clone()))
        });
        steps.collect()
    }

    /// What was said of the system before the run, and of the run behind it.
    pub fn judge_words(&self, built: &Built, report: &Report) -> Result<()> {
        let warnings = &built.checked.warnings.list;
        for words in &self.warns {
            let is_there = warnings.iter().any(|one| one.message == *words);
            ensure!(is_there, "the build does not warn: {words}");
        }
        let text = report.to_string();
        for words in &self.says {
            ensure!(text.contains(words), "the report does not say `{words}`");
        }
        let Some(expected) = &self.bus else {
            return Ok(());
        };
        let functions = built.plan.bus.iter().flat_map(|bus| &bus.functions);
        let planned: BTreeMap<_, _> =
            (functions.map(|one| (one.device.clone(), one.dma.to_owned()))).collect();
        ensure!(planned == *expected, "the plan says {planned:?}");
        let masters = expected.iter().filter(|(_, dma)| *dma != "none");
        let reported = report.dma.iter().map(|one| (&*one.device, one.dma));
        let reported: BTreeMap<_, _> = reported.collect();
        ensure!(
            masters
                .map(|(device, dma)| (&**device, &**dma))
                .eq(reported.clone()),
            "the report says {reported:?}"
        );
        Ok(())
    }

    /// Compares; one case for the module, one for the life of each partition, one for each step.
    pub fn judge(&self, built: &Built, kernel: Kernel, snapshot: &Snapshot) -> Tally {
        let mut tally = Tally::default();
        tally.count("the module", self.module.judge(snapshot));
        let count = snapshot.partition_count();
        let names: Vec<_> = (0..count).map(|one| snapshot.partition_name(one)).collect();
        tally.count("every partition is expected", self.all_are_named(&names));
        let marks = snapshot.marks();
        let log_read = self.log_read_as.as_deref().map(evidence::identifier);
        tally.count("no mark was overwritten", complete(snapshot));
        for (index, name) in names.iter().enumerate() {
            if let Some(life) = self.partition.get(name) {
                let entries = entries(snapshot, index as u16);
                tally.count(name, life.judge(snapshot, index, &entries));
                let own = marks.iter().filter(|mark| {
                    mark.partition.get() == index as u32 && log_read != Some(mark.identifier.get())
                });
                life.judge_steps(name, own, &mut tally);
            }
        }
        if let Some(step) = log_read {
            tally.count("the log as it was read", log_as_read(step, snapshot));
        }
        // Behind a reset time begins anew; a module without partitions never began; and where windows are late the plan is not kept.
        let on_time = self.module.resets == 0 && !self.variant.is_late();
        if kernel == Kernel::Trace && on_time && !self.partition.is_empty() {
            let timeline = timeline::of(snapshot);
            tally.count(
                "the trace follows the plan",
                timeline::judge(&timeline, built),
            );
            for (device, expected) in &self.interrupt {
                tally.count(device, expected.judge(device, built, &timeline));
            }
            for sequence in &self.trace {
                let judged = timeline::system(built)
                    .and_then(|system| sequence.judge(&trace::events(snapshot, &system.names())));
                tally.count("the events of the trace", judged);
            }
        }
        tally
    }

    fn all_are_named(&self, names: &[String]) -> Result<()> {
        let there: BTreeSet<_> = names.iter().collect();
        let expected: BTreeSet<_> = self.partition.keys().collect();
        ensure!(
            there == expected,
            "there are {there:?}, expected {expected:?}"
        );
        Ok(())
    }
}

/// The ring of marks has not gone round: every step is there.
fn complete(snapshot: &Snapshot) -> Result<()> {
    let written = snapshot.header().marks.get();
    ensure!(written <= limits::MARKS as u32, "{written} were written");
    Ok(())
}

/// The health log's entries of a partition, or of the module.
fn entries(snapshot: &Snapshot, partition: u16) -> Vec<HealthRecord> {
    let all = snapshot.health().into_iter();
    all.filter(|entry| entry.partition == partition).collect()
}

fn words(entry: &HealthRecord) -> String {
    let error = Error::from_number(entry.error).map_or("?", Error::name);
    let action = Action::from_number(entry.action).map_or("?", Action::name);
    format!("{error} {action}")
}

fn same_log(entries: &[HealthRecord], expected: &[String]) -> Result<()> {
    let log: Vec<_> = entries.iter().map(words).collect();
    ensure!(log == expected, "its log is {log:?}, expected {expected:?}");
    Ok(())
}

impl Module {
    fn judge(&self, snapshot: &Snapshot) -> Result<()> {
        let header = snapshot.header();
        let state = snapshot.state().map(|state| format!("{state:?}"));
        ensure!(
            state.as_ref() == Some(&self.state),
            "its state is {state:?}, expected {}",
            self.state
        );
        if snapshot.state() == Some(State::Halted) {
            let error = u8::try_from(header.reason.get())
                .ok()
                .and_then(Error::from_number);
            let error = error.map(Error::name);
            ensure!(
                error == self.halted_by.as_deref(),
                "it was halted by {error:?}"
            );
        }
        let resets = header.boots.get().saturating_sub(1);
        ensure!(
            resets == self.resets,
            "it was reset {resets} times, expected {}",
            self.resets
        );
        ensure!(
            header.schedule == self.schedule,
            "its schedule is {}, expected {}",
            header.schedule,
            self.schedule
        );
        let action = if self.resets == 0 {
            Action::Halt
        } else {
            Action::Reset
        };
        let expected = self.epitaph.map(|exception| (exception, action as u8));
        let epitaph = snapshot.epitaph();
        let epitaph = epitaph.map(|epitaph| (epitaph.exception.get(), epitaph.action));
        ensure!(
            epitaph == expected,
            "exception and action of its epitaph are {epitaph:?}, expected {expected:?}"
        );
        same_log(&entries(snapshot, MODULE), &self.log)
    }
}

impl Life {
    fn judge(&self, snapshot: &Snapshot, index: usize, entries: &[HealthRecord]) -> Result<()> {
        let account = snapshot.partition(index);
        self.state.expect("its state", account.state.get())?;
        Value::Number(self.restarts)
            .expect("the number of its restarts", account.restarts.get())?;
        same_log(entries, &self.log)?;
        for error in &Error::ALL[..PARTITION_ERRORS] {
            let logged = entries
                .iter()
                .filter(|entry| entry.error == *error as u8)
                .count();
            let ignored = self.ignored.get(error.name()).copied().unwrap_or(0);
            let counted = account.errors[*error as usize].get();
            ensure!(
                usize::from(counted) == logged + usize::from(ignored),
                "{} was counted {counted} times, logged {logged} times, and expected {ignored} times besides",
                error.name()
            );
        }
        match &self.worst_window_used_ticks {
            Some(most) => most.expect(
                "the most that it used of a window",
                account.worst_window_used_ticks.get(),
            ),
            None => Ok(()),
        }
    }

    fn judge_steps<'a>(
        &self,
        name: &str,
        marks: impl Iterator<Item = &'a Mark>,
        tally: &mut Tally,
    ) {
        let mut seen = BTreeMap::<u32, Vec<u32>>::new();
        // The control loop notes when it begins, in every system.
        let steps = marks.filter(|mark| mark.identifier != evidence::identifier("flight.release"));
        for mark in steps {
            let values = seen.entry(mark.identifier.get()).or_default();
            values.push(mark.value.get());
        }
        for (step, expected) in &self.steps {
            let values = seen.remove(&evidence::identifier(step)).unwrap_or_default();
            tally.count(
                &format!("{name}, {step}"),
                same_values(&values, expected.all()),
            );
        }
        let rest = match seen.len() {
            0 => Ok(()),
            count => Err(anyhow::anyhow!(
                "{count} steps that nobody expects: {seen:x?}"
            )),
        };
        tally.count(&format!("{name}, nothing else"), rest);
    }
}

fn same_values(values: &[u32], expected: &[Value]) -> Result<()> {
    let mut same = values.len() == expected.len();
    for (value, expected) in values.iter().zip(expected) {
        same &= expected.is(*value)?;
    }
    let list = |texts: Vec<String>| texts.join(", ");
    ensure!(
        same,
        "{} came, expected {}",
        list(values.iter().map(|value| format!("{value:#x}")).collect()),
        list(expected.iter().map(Value::to_string).collect())
    );
    Ok(())
}

/// What the holder of the log read is what the kernel wrote.
fn log_as_read(step: u32, snapshot: &Snapshot) -> Result<()> {
    let marks = snapshot.marks();
    let read = marks.iter().filter(|mark| mark.identifier == step);
    let read: Vec<u32> = read.map(|mark| mark.value.get()).collect();
    let written = snapshot.health();
    let digest = |entry: &HealthRecord| {
        let (number, partition) = (entry.sequence.get() as u8, entry.partition.get() as u8);
        u32::from_be_bytes([number, partition, entry.error, entry.action])
    };
    let written: Vec<u32> = written.iter().map(digest).collect();
    ensure!(!written.is_empty(), "nothing was written");
    ensure!(read == written, "read were {read:x?}, written {written:x?}");
    Ok(())
}

impl InterruptTrace {
    fn judge(&self, device: &str, built: &Built, timeline: &Timeline) -> Result<()> {
        let facts = timeline.interrupt(&timeline::system(built)?, device)?;
        let expectations = [
            ("in_own_windows", &self.in_own_windows, facts.in_own_windows),
            (
                "in_others_windows",
                &self.in_others_windows,
                facts.in_others_windows,
            ),
            ("had_waited", &self.had_waited, facts.had_waited),
            ("budget_used_up", &self.budget_used_up, facts.budget_used_up),
            ("went_on_behind", &self.went_on_behind, facts.went_on_behind),
        ];
        let taken = facts.taken_after_ticks.into_iter();
        let taken = taken.map(|ticks| ("taken_after_ticks", &self.taken_after_ticks, ticks));
        for (what, expected, number) in expectations.into_iter().chain(taken) {
            if let Some(expected) = expected {
                expected.expect(what, number)?;
            }
        }
        Ok(())
    }
}
