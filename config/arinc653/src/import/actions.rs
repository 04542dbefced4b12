//! Actions of the health monitor.

use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_model::Span;

use super::Writer;
use crate::health;
use crate::module::*;
use crate::text::quote;

/// Errors that a module has.
fn module_errors() -> &'static [Error] {
    &Error::ALL[PARTITION_ERRORS..]
}

impl Writer<'_> {
    pub(super) fn kernel(&mut self) {
        let module = self.module;
        self.toml.table(&["kernel"], module.span);
        self.key_or("kernel", "guard", "\"10us\"");
        let mut actions: Vec<(Error, String)> = Vec::new();
        let mut unknown = Vec::new();
        for entry in &module.actions {
            let named = entry
                .description
                .as_ref()
                .and_then(|name| Error::from_name(name));
            let own = named.filter(|error| module_errors().contains(error));
            match (own, action_text(entry)) {
                (Some(error), Some(action)) => actions.push((error, action)),
                _ => unknown.push(entry.identifier.span),
            }
        }
        if let Some(first) = unknown.first() {
            let count = unknown.len();
            let message = format!(
                "{count} of {} actions of the module have no counterpart in system.toml",
                module.actions.len()
            );
            let hint = "an entry is understood if its `Description` is kernel_exception, machine_check, window_late or configuration";
            self.left_out(*first, message, hint);
        }
        let mut missing = Vec::new();
        for error in module_errors() {
            if !actions.iter().any(|(known, _)| known == error) {
                missing.push(error.name());
                actions.push((*error, health::default(*error).name().to_string()));
            }
        }
        if !missing.is_empty() {
            let message = format!(
                "nothing says what the module does on {}",
                missing.join(", ")
            );
            self.added(module.span, message, "look at `errors` of `[kernel]`");
        }
        actions.sort_by_key(|(error, _)| *error as usize);
        let all: Vec<_> = actions
            .iter()
            .map(|(error, action)| format!("{} = {}", error.name(), quote(action)))
            .collect();
        let value = format!("{{ {} }}", all.join(", "));
        self.toml.entry("errors", &value, module.span);
    }

    /// The errors that an entry is about.
    fn errors_of(&self, entry: &Entry) -> Vec<Error> {
        let named = entry
            .description
            .as_ref()
            .and_then(|name| Error::from_name(name));
        if let Some(error) = named.filter(|error| (*error as usize) < PARTITION_ERRORS) {
            return vec![error];
        }
        let levels = self.module.levels.iter();
        let same = levels.filter(|level| *level.identifier == *entry.identifier);
        let codes = same.filter_map(|level| level.code.as_ref());
        codes
            .flat_map(|code| health::errors_of(code))
            .copied()
            .collect()
    }

    /// Writes the actions that all partitions have, and gives each partition's.
    pub(super) fn errors(&mut self) -> Vec<Vec<(Error, String, Span)>> {
        let module = self.module;
        let mut all: Vec<Vec<(Error, String, Span)>> = Vec::new();
        for partition in &module.partitions {
            let is_own = |table: &&Table| *table.partition.identifier == *partition.identifier;
            let tables: Vec<_> = module.tables.iter().filter(is_own).collect();
            let mut actions: Vec<(Error, String, Span)> = Vec::new();
            for entry in tables.iter().flat_map(|table| &table.entries) {
                let errors = self.errors_of(entry);
                let Some(action) = action_text(entry) else {
                    continue;
                };
                if errors.is_empty() {
                    let message = format!(
                        "what `{}` does on error {} has no counterpart in system.toml",
                        partition.name, *entry.identifier
                    );
                    let hint = "an entry is understood by the `ErrorCode` of its identifier, or if its `Description` is an error of system.toml";
                    self.left_out(entry.identifier.span, message, hint);
                }
                for error in errors {
                    let span = entry.action.span;
                    match actions.iter_mut().find(|(known, ..)| *known == error) {
                        Some(known) if is_stronger(&action, &known.1) => {
                            *known = (error, action.clone(), span);
                        }
                        Some(_) => {}
                        None => actions.push((error, action.clone(), span)),
                    }
                }
            }
            actions.sort_by_key(|(error, ..)| *error as usize);
            all.push(actions);
        }
        let mut shared = Vec::new();
        let mut missing = Vec::new();
        for error in &Error::ALL[..PARTITION_ERRORS] {
            let of = |actions: &Vec<(Error, String, Span)>| {
                let mut actions = actions.iter();
                actions
                    .find(|(one, ..)| one == error)
                    .map(|one| (one.1.clone(), one.2))
            };
            let given: Vec<_> = all.iter().filter_map(of).collect();
            if given.is_empty() && self.can_happen(*error) {
                missing.push(error.name());
                let action = health::default(*error).name().to_string();
                shared.push((*error, action, module.span));
            } else if given.len() == all.len() {
                let count = |action: &str| given.iter().filter(|one| one.0 == action).count();
                // The one that most have; of several the last.
                let most = given.iter().max_by_key(|(action, _)| count(action));
                if let Some((action, span)) = most {
                    shared.push((*error, action.clone(), *span));
                }
            }
        }
        if !missing.is_empty() {
            let message = format!("nothing says what is done on {}", missing.join(", "));
            self.added(module.span, message, "look at `[errors]`");
        }
        self.toml.table(&["errors"], module.span);
        for (error, action, span) in &shared {
            self.toml.entry(error.name(), &quote(action), *span);
        }
        for actions in &mut all {
            actions.retain(|(error, action, _)| {
                !shared.iter().any(|one| one.0 == *error && one.1 == *action)
            });
        }
        all
    }

    /// Whether an error can happen in a partition of which the XML does not say what is done about it. What belongs to devices and to restart
    /// policies is said by whoever adds them.
    fn can_happen(&self, error: Error) -> bool {
        let mut partitions = self.module.partitions.iter();
        match error {
            Error::InterruptStorm | Error::RestartLimit | Error::DeviceUnfit => false,
            Error::DeadlineMissed => {
                partitions.any(|one| one.services != Some(false) || one.key("deadline").is_some())
            }
            _ => true,
        }
    }
}

/// What an entry does, in the words of `system.toml`.
fn action_text(entry: &Entry) -> Option<String> {
    let standard = health::action(&entry.action).map(|action| action.name().to_string());
    let exact = entry.exact.as_ref().map(|exact| exact.value.clone());
    exact.or(standard)
}

fn is_stronger(one: &str, other: &str) -> bool {
    let strength = |text: &str| {
        let name = text.split(':').next().unwrap_or_default();
        Action::from_name(name).map(health::strength)
    };
    strength(one) > strength(other)
}
