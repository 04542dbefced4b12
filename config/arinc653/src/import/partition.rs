//! Partitions: their memory, stacks and periods.

use cofferdam_abi::health::Error;
use cofferdam_model::{Diagnostic, PROCESS_ERRORS, Span};

use super::Writer;
use crate::health;
use crate::module::*;
use crate::numbers::{size, time};
use crate::text::{list, quote};

/// What a partition has whose XML does not say it.
const STACK: &str = "\"8K\"";
const MEMORY: &str = "\"64K\"";
/// The stacks of processes of an application that does not list its processes.
const STACKS: [&str; 4] = ["8K"; 4];

/// The pages that stacks and memory are made of.
const PAGE: u64 = 0x1000;

impl Writer<'_> {
    pub(super) fn partition(&mut self, index: usize, errors: &[Vec<(Error, String, Span)>]) {
        let module = self.module;
        let partition = &module.partitions[index];
        let (name, span) = (partition.name.as_str(), partition.name.span);
        self.toml.table(&["partition", name], span);
        let has_program = ["crate", "c", "image"].map(|key| partition.key(key).is_some());
        if !has_program.contains(&true) {
            let folder = format!("partitions/{name}");
            self.toml.entry("crate", &quote(&folder), span);
            let message = format!("nothing says where the program of `{name}` is: it is {folder}");
            let hint = "`cargo cofferdam new NAME` makes a partition's crate there";
            self.added(span, message, hint);
        }
        if partition.key("stack").is_none() {
            self.toml.entry("stack", STACK, span);
            let message = format!("nothing says `stack` of `{name}`: it is {STACK}");
            self.added(
                span,
                message,
                "it is that of the code which initialises the partition",
            );
        }
        self.memory(index);
        let of_partition = |one: &&PartitionSchedule| module.find(&one.partition) == Some(index);
        let schedules = module.schedules.iter().flat_map(|one| &one.partitions);
        let released = |one: &&PartitionSchedule| one.windows.iter().any(|one| one.releases);
        let mut released = schedules.filter(of_partition).filter(released);
        if let Some(planned) = released.next() {
            let period = quote(&time(*planned.period_ns));
            self.toml.entry("period", &period, planned.period_ns.span);
            for other in released.filter(|one| *one.period_ns != *planned.period_ns) {
                let message = format!("`{name}` has another period in this schedule");
                let violation =
                    Diagnostic::error(&crate::rules::XML_TIME, other.period_ns.span, message);
                let violation = violation.also(planned.period_ns.span, "the first one");
                self.found
                    .push(violation.hint("let it have the same period in all schedules"));
            }
        }
        let own = &errors[index];
        if !own.is_empty() {
            let all: Vec<_> = own
                .iter()
                .map(|(error, action, _)| format!("{} = {}", error.name(), quote(action)))
                .collect();
            let value = format!("{{ {} }}", all.join(", "));
            self.toml.entry("errors", &value, own[0].2);
        }
        let services = |key: &&Key| key.name.starts_with("apex.");
        for key in partition.keys.iter().filter(|key| !services(key)) {
            self.toml.entry(&key.name, &key.value, key.value.span);
        }
        if partition.services == Some(false) {
            return;
        }
        self.toml.table(&["partition", name, "apex"], span);
        let identifier = &partition.identifier;
        self.toml
            .entry("identifier", &identifier.to_string(), identifier.span);
        self.stacks(partition);
        for key in partition.keys.iter().filter(services) {
            let own = key.name.value.trim_start_matches("apex.").to_string();
            self.toml.entry(&own, &key.value, key.value.span);
        }
        self.partition_errors(partition);
        self.schedule_changes(index);
    }

    /// What it does when schedules come into force.
    fn schedule_changes(&mut self, index: usize) {
        let module = self.module;
        let mut changes = module.changes(index).peekable();
        let Some((_, first)) = changes.peek().copied() else {
            return;
        };
        if module.partitions[index]
            .key("apex.schedule_changes")
            .is_some()
        {
            return;
        }
        let entries = changes.filter_map(|(schedule, change)| {
            let known = health::CHANGES.iter();
            let (_, action) = known.copied().find(|(standard, _)| *standard == **change)?;
            let (schedule, action) = (quote(schedule), quote(action));
            Some(format!("{{ schedule = {schedule}, action = {action} }}"))
        });
        let value = format!("[{}]", entries.collect::<Vec<_>>().join(", "));
        self.toml.entry("schedule_changes", &value, first.span);
    }

    fn memory(&mut self, index: usize) {
        let module = self.module;
        let partition = &module.partitions[index];
        if partition.key("memory").is_some() {
            return;
        }
        let name = &partition.name;
        let of_partition = |one: &&Memory| module.find(&one.partition) == Some(index);
        let all = module.memory.iter().filter(of_partition);
        let all: Vec<_> = all.flat_map(|one| &one.requirements).collect();
        for read_only in all.iter().filter(|one| !one.write) {
            let region = read_only
                .name
                .as_ref()
                .map_or("memory", |name| name.as_str());
            let message = format!("`{region}` of `{name}` has no counterpart in system.toml");
            let hint = "it is left out: what is not written is as large as the program has it";
            self.left_out(read_only.span, message, hint);
        }
        let written: Vec<_> = all.iter().filter(|one| one.write).collect();
        let Some(first) = written.first() else {
            self.toml.entry("memory", MEMORY, name.span);
            let message = format!("nothing says `memory` of `{name}`: it is {MEMORY}");
            self.added(name.span, message, "say it by `Partition_Memory`");
            return;
        };
        let sum = (written.iter()).fold(0u64, |sum, one| sum.saturating_add(*one.bytes));
        if written.len() > 1 {
            let message = format!("the memory of `{name}` is one piece in system.toml");
            self.left_out(first.span, message, "it has the size of all its pieces");
        }
        let pages = sum.checked_next_multiple_of(PAGE).unwrap_or(sum);
        if pages != sum {
            let message = format!("{sum} bytes of `{name}` are no whole number of pages");
            self.added(
                first.bytes.span,
                message,
                "it gets the pages that they are in",
            );
        }
        self.toml
            .entry("memory", &quote(&size(pages)), first.bytes.span);
    }

    fn stacks(&mut self, partition: &Partition) {
        let (name, span) = (&partition.name, partition.name.span);
        if partition.key("apex.stacks").is_some() {
            return;
        }
        let Some(first) = partition.stacks.first() else {
            self.toml.entry("stacks", &list(STACKS), span);
            let message = format!(
                "nothing says which processes `{name}` has: it has stacks for {}",
                STACKS.len()
            );
            let hint = "write a `Process` with its `StackSize` for each, or change `stacks`";
            self.added(span, message, hint);
            if partition.services.is_none() && partition.key("apex.error_handler_stack").is_none() {
                self.toml.entry("error_handler_stack", STACK, span);
            }
            return;
        };
        let mut sizes = Vec::new();
        for stack in &partition.stacks {
            let pages = stack
                .checked_next_multiple_of(PAGE)
                .unwrap_or(**stack)
                .max(PAGE);
            if pages != **stack {
                let message = format!("a stack of {} bytes is no whole number of pages", **stack);
                self.added(stack.span, message, "it gets the pages that it is in");
            }
            sizes.push(size(pages));
        }
        let sizes = list(sizes.iter().map(String::as_str));
        self.toml.entry("stacks", &sizes, first.span);
        if partition.services.is_none() && partition.key("apex.error_handler_stack").is_none() {
            self.toml.entry("error_handler_stack", STACK, span);
            let message =
                format!("nothing says the stack of the error handler of `{name}`: it is {STACK}");
            self.added(span, message, "look whether it has one");
        }
    }

    /// The kinds of errors that are at the level of processes nowhere.
    fn partition_errors(&mut self, partition: &Partition) {
        let levels = &self.module.levels;
        if levels.is_empty() || partition.key("apex.partition_errors").is_some() {
            return;
        }
        let of_process = |code: &str| {
            let is_it = |one: &&Level| one.code.as_ref().is_some_and(|own| **own == *code);
            let mut own = levels.iter().filter(is_it);
            own.any(|one| *one.level == "PROCESS")
        };
        // The kinds are in the same order there.
        let kinds = health::CODES.iter().zip(PROCESS_ERRORS);
        let kinds = kinds.filter(|((code, _), _)| !of_process(code));
        let kinds: Vec<_> = kinds.map(|(_, kind)| *kind).collect();
        if !kinds.is_empty() {
            let span = levels[0].level.span;
            self.toml.entry("partition_errors", &list(kinds), span);
        }
    }
}
