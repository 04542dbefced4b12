//! The page: one file that needs no other.

use std::borrow::Borrow;

use anyhow::{Context, Result};
use askama::Template;
use cofferdam_model::{show_bytes, show_ticks};

use crate::data::*;
use crate::drawing;
use crate::matrix::{LETTERS, Row, matrix};

/// A report as HTML.
///
/// # Errors
/// None that a report can cause.
pub fn page(report: &Report) -> Result<String> {
    let page = Page {
        report,
        schedules: (report.schedules.iter())
            .map(|schedule| (schedule, drawing::schedule(report, schedule)))
            .collect(),
        memory: drawing::memory(report),
        ladder: drawing::ladder(report),
        matrix: matrix(report),
    };
    page.render().context("the page cannot be made")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'r> {
    report: &'r Report,
    schedules: Vec<(&'r Schedule, String)>,
    memory: String,
    ladder: String,
    matrix: Vec<Row>,
}

impl Page<'_> {
    fn time(&self, ticks: impl Borrow<u64>) -> String {
        show_ticks(*ticks.borrow(), self.report.timebase_hz)
    }

    /// A time that was measured: in microseconds with one decimal, so that all of them compare.
    fn measured_time(&self, ticks: impl Borrow<u64>) -> String {
        let tenths = u128::from(*ticks.borrow()) * 10_000_000;
        let hz = u128::from(self.report.timebase_hz.max(1));
        let tenths = (tenths + hz / 2) / hz;
        format!("{}.{} us", tenths / 10, tenths % 10)
    }

    fn short_measured(&self, ticks: impl Borrow<u32>) -> String {
        self.measured_time(u64::from(*ticks.borrow()))
    }

    fn measured_or(&self, ticks: impl Borrow<Option<u64>>) -> String {
        let ticks = ticks.borrow();
        ticks.map_or_else(|| "–".to_owned(), |ticks| self.measured_time(ticks))
    }

    fn time_or(&self, ticks: &Option<u64>, otherwise: &str) -> String {
        ticks
            .as_ref()
            .map_or_else(|| otherwise.to_owned(), |ticks| self.time(ticks))
    }

    fn size(&self, bytes: impl Borrow<u64>) -> String {
        show_bytes(*bytes.borrow())
    }

    fn address(&self, address: impl Borrow<u64>) -> String {
        format!("{:#010x}", address.borrow())
    }

    fn effective(&self, address: impl Borrow<u32>) -> String {
        self.address(u64::from(*address.borrow()))
    }

    fn list(&self, words: &[String]) -> String {
        match words {
            [] => "–".to_owned(),
            words => words.join(", "),
        }
    }

    /// Who may run in a window besides its group.
    fn background(&self, window: &Window) -> String {
        let others = window
            .eligible
            .iter()
            .filter(|one| !window.group.contains(&one.partition));
        let others: Vec<_> = others
            .map(|one| match &one.budget_ticks {
                Some(budget) => format!("{} (at most {})", one.partition, self.time(budget)),
                None => format!("{} (what is left)", one.partition),
            })
            .collect();
        self.list(&others)
    }

    fn end(&self, end: &End) -> String {
        format!("{}.{}", end.partition, end.port)
    }

    fn ends(&self, ends: &[End]) -> String {
        self.list(&ends.iter().map(|end| self.end(end)).collect::<Vec<_>>())
    }

    /// The errors for which the file says an action, in the order in which it does.
    fn errors(&self) -> Vec<&str> {
        let mut errors = Vec::new();
        for action in self.report.partitions.iter().flat_map(|one| &one.actions) {
            if !errors.contains(&action.error.as_str()) {
                errors.push(action.error.as_str());
            }
        }
        errors
    }

    fn action<'p>(&self, partition: &'p Partition, error: &str) -> &'p str {
        let mut actions = partition.actions.iter();
        let found = actions.find(|one| one.error == error);
        found.map_or("–", |one| one.action.as_str())
    }

    /// Whether some entries of TLB1 are a guest's for good.
    fn has_guests(&self) -> bool {
        let mut partitions = self.report.partitions.iter();
        partitions.any(|one| one.personality == "guest")
    }

    /// The rights of one partition over everything, as the file says them.
    fn rights(&self, partition: &str) -> Vec<&str> {
        let all = self
            .report
            .capabilities
            .iter()
            .filter(|one| one.partition == partition);
        all.map(|one| one.what.as_str()).collect()
    }

    fn flow(&self, from: &str, to: &str) -> Option<&Flow> {
        let mut flows = self.report.flows.iter();
        flows.find(|flow| flow.from == from && flow.to == to)
    }

    /// What a cell of the table of flows shows: a sign, and why.
    fn flow_cell(&self, from: &str, to: &str) -> (&'static str, String) {
        match self.flow(from, to) {
            _ if from == to => ("", String::new()),
            None => ("·", format!("{from} does not reach {to}")),
            Some(flow) if !flow.direct.is_empty() => ("●", flow.direct.join("; ")),
            Some(flow) => ("○", flow.through.join(" → ")),
        }
    }

    /// What is between a bound and what was asked for.
    fn margin(&self, latency: &Latency) -> String {
        match (latency.worst_ticks, latency.required_ticks) {
            (Some(worst), Some(required)) => self.time(required.saturating_sub(worst)),
            _ => "–".to_owned(),
        }
    }

    /// The longest that the last run saw, from where the kernel took the interrupt on.
    fn measured(&self, latency: &Latency) -> String {
        let waits = self.report.run.iter().flat_map(|run| &run.waits);
        let mut own = waits.filter(|wait| wait.device == latency.device && wait.times > 0);
        own.next().map_or_else(
            || "–".to_owned(),
            |wait| self.measured_time(wait.longest_ticks),
        )
    }

    /// Used of granted, in percent, as a cell. What was used up is marked.
    fn share(&self, used: impl Borrow<u64>, granted: impl Borrow<u64>) -> String {
        let (used, granted) = (*used.borrow(), *granted.borrow());
        let percent = match used.saturating_mul(100) / granted.max(1) {
            0 if used > 0 => "&lt; 1 %".to_owned(),
            percent => format!("{percent} %"),
        };
        match used >= granted {
            true => format!(r#"<td class="n loud">{percent} ▲</td>"#),
            false => format!(r#"<td class="n">{percent}</td>"#),
        }
    }

    fn short_share(&self, used: impl Borrow<u32>, granted: impl Borrow<Option<u64>>) -> String {
        match granted.borrow() {
            Some(granted) => self.share(u64::from(*used.borrow()), granted),
            None => r#"<td class="n">–</td>"#.to_owned(),
        }
    }

    /// How a run ended, and whether that is as it should be: a class, and words.
    fn ending(&self, run: &Run) -> (&'static str, String) {
        let after = self.seconds(run.machine_time_ns);
        let asked = match run.asked_for_ns {
            Some(asked) => format!("it was to last {}", self.seconds(asked)),
            None => "it was to last until somebody ends it".to_owned(),
        };
        if run.reasons.iter().any(|one| one == "interrupted") {
            return (
                "loud",
                format!("This run was ended by hand after {after}; {asked}."),
            );
        }
        match (run.ok, run.asked_for_ns, &run.powered_off_by) {
            (false, ..) => {
                let why = run.reasons.join("; ");
                ("loud", format!("This run failed after {after}: {why}."))
            }
            (true, _, Some(by)) => (
                "good",
                format!(
                    "Nothing unexpected happened in {after}, until {by} switched the machine off."
                ),
            ),
            (true, None, None) => (
                "good",
                format!(
                    "Nothing unexpected happened in {after}, until this run was ended by hand."
                ),
            ),
            (true, Some(_), None) => ("good", format!("Nothing unexpected happened in {after}.")),
        }
    }

    /// The windows of a run with their places in their schedules.
    fn windows_used<'r>(&self, run: &'r Run) -> Vec<(usize, &'r WindowUse)> {
        let mut all: Vec<(usize, &WindowUse)> = Vec::new();
        for window in &run.windows {
            let before = all
                .last()
                .filter(|(_, one)| one.schedule == window.schedule);
            all.push((before.map_or(0, |(place, _)| place + 1), window));
        }
        all
    }

    /// How many statements hold of those that the prover looked at.
    fn holding(&self, proof: &Proof) -> usize {
        let statements = proof.statements.iter();
        statements.filter(|one| one.failures.is_empty()).count()
    }

    fn letters(&self) -> String {
        let all = LETTERS
            .iter()
            .map(|(letter, words)| format!("{letter} {words}"));
        all.collect::<Vec<_>>().join(", ")
    }

    fn was_traced(&self) -> bool {
        self.report
            .run
            .as_ref()
            .is_some_and(|run| run.kernel == "trace")
    }

    fn of(&self, partition: &str) -> Option<&Partition> {
        let mut all = self.report.partitions.iter();
        all.find(|one| one.name == partition)
    }

    fn stack_of(&self, partition: &str) -> Option<u64> {
        self.of(partition).map(|one| one.stack_bytes)
    }

    fn deadline_of(&self, partition: &str) -> Option<u64> {
        self.of(partition)?.deadline_ticks
    }

    fn seconds(&self, nanoseconds: impl Borrow<u64>) -> String {
        let nanoseconds = nanoseconds.borrow();
        format!(
            "{}.{:03} s",
            nanoseconds / 1_000_000_000,
            nanoseconds / 1_000_000 % 1000
        )
    }
}
