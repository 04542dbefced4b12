//! From a module to `system.toml`.

mod actions;
mod partition;

use cofferdam_check::check_text;
use cofferdam_model::{Diagnostic, Diagnostics, Severity, Sources, Span};

use crate::Made;
use crate::extension;
use crate::judge::judge;
use crate::module::*;
use crate::numbers::time;
use crate::read::read;
use crate::rules::{XML_COUNTERPART, XML_DEFAULT};
use crate::text::{Toml, list, quote};

/// Makes a `system.toml` of the XML in `text`, which `name` is called by.
///
/// # Errors
/// Everything that is wrong with it, by the rules of XML and by those of `system.toml`.
pub fn import(name: &str, text: &str) -> Result<Made, Diagnostics> {
    let mut found = Vec::new();
    let sources = || {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    };
    let is_wrong = |found: &[Diagnostic]| found.iter().any(|one| one.severity == Severity::Error);
    let Some(module) = read(text, &mut found) else {
        return Err(Diagnostics::new(sources(), found));
    };
    judge(&module, &mut found);
    let wrong = |mut found: Vec<Diagnostic>| {
        // What is left out of nothing, or added to it, is of no interest.
        found.retain(|one| one.severity == Severity::Error);
        Diagnostics::new(sources(), found)
    };
    if is_wrong(&found) {
        return Err(wrong(found));
    }
    let mut writer = Writer {
        module: &module,
        toml: Toml::default(),
        found: &mut found,
    };
    writer.system();
    let toml = writer.toml;
    if is_wrong(&found) {
        return Err(wrong(found));
    }
    match check_text("system.toml", &toml.text) {
        Ok(_) => Ok(Made {
            text: toml.text,
            report: Diagnostics::new(sources(), found),
        }),
        Err(mut wrong) => {
            wrong.list.retain(|one| one.severity == Severity::Error);
            Err(toml.translate(wrong, (name, text)))
        }
    }
}

struct Writer<'m> {
    module: &'m Module,
    toml: Toml,
    found: &'m mut Vec<Diagnostic>,
}

impl Writer<'_> {
    fn added(&mut self, span: Span, message: String, hint: &str) {
        let violation = Diagnostic::error(&XML_DEFAULT, span, message).warning();
        self.found.push(violation.hint(hint));
    }

    fn left_out(&mut self, span: Span, message: String, hint: &str) {
        let violation = Diagnostic::error(&XML_COUNTERPART, span, message).warning();
        self.found.push(violation.hint(hint));
    }

    fn key(&self, path: &str) -> Option<&Key> {
        let mut keys = self.module.keys.iter();
        keys.find(|key| key.name.value == path)
    }

    /// A key of the extension as a line, or what stands for it.
    fn key_or(&mut self, table: &str, name: &str, default: &str) {
        match self.key(&format!("{table}.{name}")).cloned() {
            Some(key) => self.toml.entry(name, &key.value, key.value.span),
            None => {
                let span = self.module.span;
                self.toml.entry(name, default, span);
                let message = format!("nothing says `{name}` of `[{table}]`: it is {default}");
                self.added(span, message, "look whether that is meant");
            }
        }
    }

    fn system(&mut self) {
        let module = self.module;
        let span = module.name.as_ref().map_or(module.span, |name| name.span);
        let name = module.name.as_ref().map_or("module", |name| name.as_str());
        self.toml.line_of("[system]", module.span);
        self.toml.entry("name", &quote(name), span);
        self.toml
            .entry("schema", "\"cofferdam-system/1\"", module.span);
        self.key_or("system", "board", "\"ppce500\"");
        self.key_or("system", "ram", "\"128M\"");
        self.kernel();
        let shared = self.errors();
        for index in 0..module.partitions.len() {
            self.partition(index, &shared);
        }
        self.tables("device");
        for channel in &module.channels {
            self.channel(channel);
        }
        self.capabilities();
        for schedule in &module.schedules {
            self.schedule(schedule);
        }
        self.tables("require");
        self.strange_keys();
    }

    /// The tables of the extension in a table of the file.
    fn tables(&mut self, table: &str) {
        let prefix = format!("{table}.");
        let own: Vec<_> = self
            .module
            .keys
            .iter()
            .filter(|key| key.name.starts_with(&prefix))
            .collect();
        if table == "require" && !own.is_empty() {
            self.toml.table(&[table], own[0].name.span);
        }
        for key in own {
            let name = key.name.value.trim_start_matches(&prefix).to_string();
            let entries = extension::entries(&key.value).filter(|_| table != "require");
            match entries {
                Some(entries) => {
                    self.toml.table(&[table, &name], key.name.span);
                    for (name, value) in entries {
                        self.toml.entry(&name, &value, key.value.span);
                    }
                }
                None => self.toml.entry(&name, &key.value, key.value.span),
            }
        }
    }

    fn channel(&mut self, channel: &Channel) {
        self.toml
            .table(&["channel", &channel.name], channel.name.span);
        let has = |name: &str| channel.keys.iter().any(|key| key.name.value == name);
        if let Some((source, destinations)) = &channel.ends {
            let port = |end: &End| {
                let partition = &self.module.partitions[self.module.find(&end.partition)?];
                let found = partition
                    .ports
                    .iter()
                    .find(|one| one.name.value == end.port.value)?;
                Some((
                    format!("{}.{}", partition.name, end.port),
                    found,
                    end.port.span,
                ))
            };
            let (Some(from), to) = (port(source), destinations.iter().filter_map(port)) else {
                return;
            };
            let to: Vec<_> = to.collect();
            let (kind, depth) = match &from.1.kind {
                PortKind::Sampling(_) => ("sampling", None),
                PortKind::Queuing(depth) => ("queuing", Some(depth)),
            };
            self.toml.entry("kind", &quote(kind), from.1.name.span);
            if !has("type") {
                let bytes = &from.1.message_bytes;
                let message = quote(&format!("bytes({})", **bytes));
                self.toml.entry("type", &message, bytes.span);
            }
            if !has("from") {
                self.toml.entry("from", &quote(&from.0), from.2);
            }
            if !has("to") {
                let value = match to.as_slice() {
                    [one] => quote(&one.0),
                    several => list(several.iter().map(|one| one.0.as_str())),
                };
                let span = to.first().map_or(channel.span, |one| one.2);
                self.toml.entry("to", &value, span);
            }
            if let Some(depth) = depth {
                self.toml.entry("depth", &depth.to_string(), depth.span);
            }
            if let Some((
                _,
                Port {
                    kind: PortKind::Sampling(Some(refresh)),
                    ..
                },
                _,
            )) = to.first()
            {
                let text = quote(&time(**refresh));
                self.toml.entry("refresh", &text, refresh.span);
            }
        }
        for key in &channel.keys {
            self.toml.entry(&key.name, &key.value, key.value.span);
        }
    }

    fn capabilities(&mut self) {
        let module = self.module;
        let mut lines: Vec<(String, String, Span)> = Vec::new();
        for key in &module.keys {
            if let Some(partition) = key.name.strip_prefix("capability.") {
                lines.push((
                    partition.to_string(),
                    key.value.value.clone(),
                    key.value.span,
                ));
            }
        }
        for planned in module.schedules.iter().flat_map(|one| &one.partitions) {
            let Some(sets) = planned.sets.as_ref().filter(|sets| sets.value) else {
                continue;
            };
            let Some(index) = module.find(&planned.partition) else {
                continue;
            };
            let name = &module.partitions[index].name.value;
            if !lines.iter().any(|(known, ..)| known == name) {
                lines.push((name.clone(), list(["schedule.set"]), sets.span));
            }
        }
        for (index, partition) in module.partitions.iter().enumerate() {
            let name = &partition.name.value;
            let first = module.changes(index).next();
            if let Some((_, change)) = first.filter(|_| !lines.iter().any(|(one, ..)| one == name))
            {
                // It has to look which schedule is in force.
                lines.push((name.clone(), list(["schedule.status"]), change.span));
            }
        }
        if let Some(first) = lines.first() {
            self.toml.table(&["capability"], first.2);
        }
        for (partition, value, span) in lines {
            self.toml.entry(&partition, &value, span);
        }
    }

    fn schedule(&mut self, schedule: &Schedule) {
        let module = self.module;
        self.toml
            .table(&["schedule", &schedule.name], schedule.name.span);
        let only = (module.schedules.len() == 1).then_some(true);
        let given = schedule.initial.as_ref().map(|initial| **initial);
        if given.or(only) == Some(true) {
            let span = schedule
                .initial
                .as_ref()
                .map_or(schedule.span, |one| one.span);
            self.toml.entry("initial", "true", span);
        }
        let frame = quote(&time(*schedule.frame_ns));
        self.toml
            .entry("major_frame", &frame, schedule.frame_ns.span);
        self.toml.line_of("windows = [", schedule.span);
        let mut windows: Vec<_> = schedule
            .partitions
            .iter()
            .flat_map(|one| one.windows.iter().map(move |window| (one, window)))
            .collect();
        windows.sort_by_key(|(_, window)| *window.start_ns);
        let mut at = 0;
        for (planned, window) in windows {
            self.gap(at, *window.start_ns, window.span);
            at = *window.start_ns + *window.length_ns;
            self.window(planned, window);
        }
        self.gap(at, *schedule.frame_ns, schedule.frame_ns.span);
        self.toml.line("]");
    }

    /// What belongs to no partition is the background's.
    fn gap(&mut self, from: u64, to: u64, span: Span) {
        if from < to {
            let (at, length) = (quote(&time(from)), quote(&time(to - from)));
            let line = format!("  {{ at = {at}, length = {length}, group = [] }},");
            self.toml.line_of(&line, span);
        }
    }

    fn window(&mut self, planned: &PartitionSchedule, window: &Window) {
        let Some(index) = self.module.find(&planned.partition) else {
            return;
        };
        let name = self.module.partitions[index].name.as_str();
        let key = |name: &str| window.keys.iter().find(|key| key.name.value == name);
        let group = key("group").map_or(list([name]), |key| key.value.value.clone());
        let own = window.releases.then(|| list([name]));
        let release = key("release").map(|key| key.value.value.clone()).or(own);
        let release = release.map_or(String::new(), |release| format!(", release = {release}"));
        let others = window.keys.iter();
        let others = others.filter(|key| !matches!(key.name.as_str(), "group" | "release"));
        let others: String = others
            .map(|key| format!(", {} = {}", crate::text::key(&key.name), key.value))
            .collect();
        let (at, length) = (
            quote(&time(*window.start_ns)),
            quote(&time(*window.length_ns)),
        );
        let line =
            format!("  {{ at = {at}, length = {length}, group = {group}{release}{others} }},");
        self.toml.line_of(&line, window.span);
    }

    /// Keys of the module that belong to none of its tables.
    fn strange_keys(&mut self) {
        const KNOWN: [&str; 6] = [
            "system.board",
            "system.ram",
            "kernel.guard",
            "device.",
            "capability.",
            "require.",
        ];
        let is_strange = |key: &&Key| !KNOWN.iter().any(|known| key.name.starts_with(known));
        for key in self.module.keys.iter().filter(is_strange) {
            let message = format!("`{}` is no key that the module has", key.name);
            let violation = Diagnostic::error(&crate::rules::XML_EXTENSION, key.name.span, message);
            let hint = "a module has system.board, system.ram, kernel.guard, and those of device, capability and require";
            self.found.push(violation.hint(hint));
        }
    }
}
