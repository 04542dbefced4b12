//! The page: one file that needs no other.

use std::borrow::Borrow;

use anyhow::{Context, Result};
use askama::Template;
use cofferdam_model::{show_bytes, show_ticks};

use crate::data::*;
use crate::drawing;

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
}

impl Page<'_> {
    fn time(&self, ticks: impl Borrow<u64>) -> String {
        show_ticks(*ticks.borrow(), self.report.timebase_hz)
    }

    fn short_time(&self, ticks: impl Borrow<u32>) -> String {
        self.time(u64::from(*ticks.borrow()))
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
        own.next()
            .map_or_else(|| "–".to_owned(), |wait| self.time(wait.longest_ticks))
    }

    /// Used of granted, in percent.
    fn percent(&self, used: impl Borrow<u32>, granted: impl Borrow<u64>) -> String {
        let (used, granted) = (u64::from(*used.borrow()), *granted.borrow());
        match used * 100 / granted.max(1) {
            0 if used > 0 => "< 1 %".to_owned(),
            percent => format!("{percent} %"),
        }
    }

    fn stack_of(&self, partition: &str) -> u64 {
        let mut all = self.report.partitions.iter();
        let found = all.find(|one| one.name == partition);
        found.map_or(0, |one| one.stack_bytes)
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
