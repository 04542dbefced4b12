//! Whether the parts of a module fit each other: what has to be said of the XML before it can be written as TOML.

use cofferdam_model::{Diagnostic, Severity, Span, Spanned, suggestion};

use crate::module::*;
use crate::numbers::seconds;
use crate::rules::{XML_CHANNEL, XML_COUNTERPART, XML_EXTENSION, XML_REFERENCE, XML_TIME};

/// Reports what does not fit, but for what follows from a mistake that was found in reading.
pub fn judge(module: &Module, found: &mut Vec<Diagnostic>) {
    let read: Vec<_> = found
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .filter_map(|one| one.primary.as_ref())
        .map(|label| label.span)
        .collect();
    let is_broken = |span: Span| {
        let apart = |other: &Span| span.end <= other.start || other.end <= span.start;
        !read.iter().all(apart)
    };
    let mut judged = Vec::new();
    names(module, &mut judged);
    if !module
        .partitions
        .iter()
        .any(|one| is_broken(one.identifier.span))
    {
        references(module, &mut judged);
        channels(module, &mut judged);
        for schedule in &module.schedules {
            time(module, schedule, &mut judged);
        }
    }
    let places = |one: &Diagnostic| {
        let labels = one.primary.iter().chain(&one.secondary);
        labels.map(|label| label.span).collect::<Vec<_>>()
    };
    judged.retain(|one| !places(one).into_iter().any(is_broken));
    found.extend(judged);
}

impl Module {
    /// The place of the partition that is meant.
    pub fn find(&self, reference: &Reference) -> Option<usize> {
        let mut partitions = self.partitions.iter();
        partitions.position(|one| *one.identifier == *reference.identifier)
    }

    /// What a partition does when schedules come into force, by the schedules' names. To ignore it is to do nothing.
    pub fn changes(&self, index: usize) -> impl Iterator<Item = (&str, &Spanned<String>)> {
        let all = self.schedules.iter().flat_map(|schedule| {
            let name = schedule.name.value.as_str();
            schedule.partitions.iter().map(move |one| (name, one))
        });
        let own = all.filter(move |(_, one)| self.find(&one.partition) == Some(index));
        let changes = own.filter_map(|(name, one)| Some((name, one.change.as_ref()?)));
        changes.filter(|(_, change)| change.value != "IGNORE")
    }

    /// The port at an end of a channel.
    fn port(&self, end: &End) -> Option<&Port> {
        let partition = &self.partitions[self.find(&end.partition)?];
        let mut ports = partition.ports.iter();
        ports.find(|port| port.name.value == end.port.value)
    }
}

fn twice(found: &mut Vec<Diagnostic>, message: String, again: Span, first: Span, hint: &str) {
    let violation = Diagnostic::error(&XML_REFERENCE, again, message);
    found.push(violation.also(first, "first here").hint(hint));
}

/// The first of what comes before that is the same.
fn earlier<'t, T: PartialEq>(all: &'t [&Spanned<T>], place: usize) -> Option<&'t Spanned<T>> {
    let mut before = all[..place].iter();
    before.find(|one| one.value == all[place].value).copied()
}

fn names(module: &Module, found: &mut Vec<Diagnostic>) {
    let identifiers: Vec<_> = module
        .partitions
        .iter()
        .map(|one| &one.identifier)
        .collect();
    for (place, again) in identifiers.iter().enumerate() {
        if let Some(first) = earlier(&identifiers, place) {
            let message = format!("two partitions have the identifier {}", again.value);
            let hint = "give one of them another `PartitionIdentifier`";
            twice(found, message, again.span, first.span, hint);
        }
    }
    let partitions = module.partitions.iter().map(|one| &one.name);
    let schedules = module.schedules.iter().map(|one| &one.name);
    let channels = module.channels.iter().map(|one| &one.name);
    distinct(found, "partitions", partitions.collect());
    distinct(found, "schedules", schedules.collect());
    distinct(found, "channels", channels.collect());
    for partition in &module.partitions {
        let ports = partition.ports.iter().map(|port| &port.name).collect();
        distinct(found, &format!("ports of `{}`", partition.name), ports);
        for key in &partition.keys {
            if let "period" | "memory" | "errors" | "apex.stacks" | "apex.identifier" =
                key.name.as_str()
                && has_word(module, partition, &key.name)
            {
                let message = format!("`{}` of `{}` is said twice", key.name, partition.name);
                let hint =
                    "leave the extension out: the dialect has a word for it, which is there too";
                found.push(Diagnostic::error(&XML_EXTENSION, key.name.span, message).hint(hint));
            }
        }
    }
}

/// Whether the dialect's own words say what a key says.
fn has_word(module: &Module, partition: &Partition, key: &str) -> bool {
    let is_it = |reference: &Reference| *reference.identifier == *partition.identifier;
    match key {
        "memory" => (module.memory.iter())
            .any(|one| is_it(&one.partition) && one.requirements.iter().any(|one| one.write)),
        "errors" => module.tables.iter().any(|one| is_it(&one.partition)),
        "apex.stacks" => !partition.stacks.is_empty(),
        "apex.identifier" => true,
        _ => (module.schedules.iter().flat_map(|one| &one.partitions))
            .any(|one| is_it(&one.partition) && one.windows.iter().any(|one| one.releases)),
    }
}

fn distinct(found: &mut Vec<Diagnostic>, what: &str, all: Vec<&Spanned<String>>) {
    for (place, again) in all.iter().enumerate() {
        if let Some(first) = earlier(&all, place) {
            let message = format!("two {what} are called `{again}`");
            twice(
                found,
                message,
                again.span,
                first.span,
                "give one another name",
            );
        }
    }
}

fn references(module: &Module, found: &mut Vec<Diagnostic>) {
    let memory = module.memory.iter().map(|one| &one.partition);
    let tables = module.tables.iter().map(|one| &one.partition);
    let schedules = module.schedules.iter().flat_map(|one| &one.partitions);
    let schedules = schedules.map(|one| &one.partition);
    let ends = module.channels.iter().filter_map(|one| one.ends.as_ref());
    let ends: Vec<_> = ends
        .flat_map(|(source, destinations)| std::iter::once(source).chain(destinations))
        .collect();
    let of_ends = ends.iter().map(|end| &end.partition);
    for reference in memory.chain(tables).chain(schedules).chain(of_ends) {
        match (module.find(reference), &reference.name) {
            (None, _) => {
                let known: Vec<_> = (module.partitions.iter())
                    .map(|one| format!("{} (`{}`)", *one.identifier, one.name))
                    .collect();
                let message = format!("no partition has the identifier {}", *reference.identifier);
                let hint = format!("there are {}", known.join(", "));
                let violation =
                    Diagnostic::error(&XML_REFERENCE, reference.identifier.span, message);
                found.push(violation.hint(hint));
            }
            (Some(index), Some(name)) if module.partitions[index].name.value != name.value => {
                let partition = &module.partitions[index];
                let message = format!(
                    "partition {} is called `{}`, not `{name}`",
                    *partition.identifier, partition.name
                );
                let violation = Diagnostic::error(&XML_REFERENCE, name.span, message);
                let violation = violation.also(partition.name.span, "its name");
                found.push(violation.hint("write its name, or leave `PartitionName` out here"));
            }
            _ => {}
        }
    }
    for end in ends {
        let Some(index) = module.find(&end.partition) else {
            continue;
        };
        let partition = &module.partitions[index];
        if module.port(end).is_none() {
            let known: Vec<_> = partition
                .ports
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            let message = format!("`{}` has no port `{}`", partition.name, end.port);
            let violation = Diagnostic::error(&XML_REFERENCE, end.port.span, message);
            let hint = match known.as_slice() {
                [] => "it has no ports at all".to_string(),
                known => suggestion(&end.port, known),
            };
            found.push(violation.hint(hint));
        }
    }
}

fn channels(module: &Module, found: &mut Vec<Diagnostic>) {
    let mut used: Vec<(usize, &Spanned<String>)> = Vec::new();
    for channel in &module.channels {
        let Some((source, destinations)) = &channel.ends else {
            continue;
        };
        for end in std::iter::once(source).chain(destinations) {
            let Some(partition) = module.find(&end.partition) else {
                continue;
            };
            let mut before = used.iter();
            let same = |one: &&(usize, &Spanned<String>)| {
                one.0 == partition && one.1.value == end.port.value
            };
            if let Some((_, first)) = before.find(same) {
                let message = format!("the port `{}` is an end of two channels", end.port);
                let violation = Diagnostic::error(&XML_CHANNEL, end.port.span, message);
                let violation = violation.also(first.span, "first here");
                found.push(violation.hint("give one of the channels another port"));
            }
            used.push((partition, &end.port));
        }
        let ports: Vec<_> = std::iter::once(source)
            .chain(destinations)
            .filter_map(|end| Some((end, module.port(end)?)))
            .collect();
        agree(channel, &ports, found);
    }
    for (index, partition) in module.partitions.iter().enumerate() {
        for port in &partition.ports {
            let is_used = used
                .iter()
                .any(|(of, name)| *of == index && name.value == port.name.value);
            if !is_used {
                let message = format!("the port `{}` is an end of no channel", port.name);
                let violation = Diagnostic::error(&XML_COUNTERPART, port.name.span, message);
                let hint = "it is left out: creating it will be INVALID_CONFIG";
                found.push(violation.warning().hint(hint));
            }
        }
    }
}

/// Whether the ports of a channel, the source first, fit each other.
fn agree(channel: &Channel, ports: &[(&End, &Port)], found: &mut Vec<Diagnostic>) {
    let mut differ = |one: Span, other: Span, message: String, hint: &str| {
        let violation = Diagnostic::error(&XML_CHANNEL, one, message);
        found.push(violation.also(other, "the other end").hint(hint));
    };
    let name = &channel.name;
    for (place, (end, port)) in ports.iter().enumerate() {
        let is_source = place == 0
            && channel
                .ends
                .as_ref()
                .is_some_and(|(one, _)| one.port.span == end.port.span);
        if *port.source != is_source {
            let (has, is) = if *port.source {
                ("SOURCE", "a destination")
            } else {
                ("DESTINATION", "the source")
            };
            let message = format!("the port `{}` is a {has}, and {is} of `{name}`", port.name);
            differ(
                port.source.span,
                end.port.span,
                message,
                "turn the channel or the port round",
            );
        }
    }
    let Some((_, first)) = ports.first() else {
        return;
    };
    for (_, port) in &ports[1..] {
        if *port.message_bytes != *first.message_bytes {
            let message = format!(
                "the ends of `{name}` have messages of {} and of {} bytes",
                *first.message_bytes, *port.message_bytes
            );
            let hint = "let both have the same `MaxMessageSize`";
            differ(
                port.message_bytes.span,
                first.message_bytes.span,
                message,
                hint,
            );
        }
        match (&first.kind, &port.kind) {
            (PortKind::Queuing(one), PortKind::Queuing(other)) if **one != **other => {
                let message = format!(
                    "the ends of `{name}` hold {} and {} messages",
                    **one, **other
                );
                let hint = "there is one queue: let both have the same `MaxNbMessages`";
                differ(other.span, one.span, message, hint);
            }
            (PortKind::Sampling(_), PortKind::Queuing(_))
            | (PortKind::Queuing(_), PortKind::Sampling(_)) => {
                let message = format!("one end of `{name}` is a sampling port, one a queuing port");
                differ(
                    port.name.span,
                    first.name.span,
                    message,
                    "let both be of one kind",
                );
            }
            _ => {}
        }
    }
    let destinations: Vec<_> = ports[1..].iter().map(|(_, port)| *port).collect();
    if let (PortKind::Queuing(_), [one, other, ..]) = (&first.kind, destinations.as_slice()) {
        let message = format!("the queuing channel `{name}` has two destinations");
        differ(
            other.name.span,
            one.name.span,
            message,
            "write a channel for each",
        );
    }
    if let [one, rest @ ..] = destinations.as_slice()
        && let PortKind::Sampling(refresh) = &one.kind
    {
        for other in rest {
            if let PortKind::Sampling(own) = &other.kind
                && own.as_ref().map(|own| **own) != refresh.as_ref().map(|one| **one)
            {
                let message = format!("the destinations of `{name}` have two refresh periods");
                let of = |port: &Port, refresh: &Option<Spanned<u64>>| {
                    refresh.as_ref().map_or(port.name.span, |one| one.span)
                };
                let hint =
                    "let all have the same `RefreshRateSeconds`, or write a channel for each";
                differ(of(other, own), of(one, refresh), message, hint);
            }
        }
    }
}

fn time(module: &Module, schedule: &Schedule, found: &mut Vec<Diagnostic>) {
    let mut windows: Vec<_> = schedule
        .partitions
        .iter()
        .flat_map(|one| one.windows.iter())
        .collect();
    windows.sort_by_key(|window| *window.start_ns);
    let end = |window: &Window| u128::from(*window.start_ns) + u128::from(*window.length_ns);
    let frame = u128::from(*schedule.frame_ns);
    for window in &windows {
        if end(window) > frame {
            let message = format!(
                "this window ends at {} s, and the major frame has {} s",
                seconds(end(window)),
                seconds(frame)
            );
            let violation = Diagnostic::error(&XML_TIME, window.length_ns.span, message);
            let violation = violation.also(schedule.frame_ns.span, "the major frame");
            found.push(violation.hint("let it end with the frame at the latest"));
        }
        if *window.length_ns == 0 {
            let message = "this window has no length".to_string();
            let violation = Diagnostic::error(&XML_TIME, window.length_ns.span, message);
            found.push(violation.hint("leave it out"));
        }
    }
    for pair in windows.windows(2) {
        if let [one, next] = pair
            && end(one) > u128::from(*next.start_ns)
        {
            let message = format!(
                "this window begins at {} s, and the one before ends at {} s",
                seconds(u128::from(*next.start_ns)),
                seconds(end(one))
            );
            let violation = Diagnostic::error(&XML_TIME, next.start_ns.span, message);
            let violation = violation.also(one.start_ns.span, "the one before");
            found.push(violation.hint("only one partition has the processor at a time"));
        }
    }
    let mut seen: Vec<(usize, Span)> = Vec::new();
    for planned in &schedule.partitions {
        let Some(index) = module.find(&planned.partition) else {
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(one, _)| *one == index) {
            let message = format!(
                "`{}` is in the schedule `{}` twice",
                module.partitions[index].name, schedule.name
            );
            let hint = "put all its windows into one `Partition_Schedule`";
            twice(found, message, planned.span, *first, hint);
        }
        seen.push((index, planned.span));
        duration(module, index, schedule, planned, found);
    }
}

/// Whether the windows give a partition its duration in each period.
fn duration(
    module: &Module,
    index: usize,
    schedule: &Schedule,
    planned: &PartitionSchedule,
    found: &mut Vec<Diagnostic>,
) {
    let (period, duration) = (
        u128::from(*planned.period_ns),
        u128::from(*planned.duration_ns),
    );
    let frame = u128::from(*schedule.frame_ns);
    let name = &module.partitions[index].name;
    let of_frame = |span| (span, schedule.frame_ns.span, "the major frame");
    if planned.windows.iter().any(|one| *one.length_ns == 0) {
        return;
    }
    let in_frame: u128 = planned
        .windows
        .iter()
        .map(|one| u128::from(*one.length_ns))
        .sum();
    let (message, (span, other, label), hint) = if period == 0 || frame % period != 0 {
        let message = format!(
            "the period of `{name}` does not divide the major frame of {} s",
            seconds(frame)
        );
        (
            message,
            of_frame(planned.period_ns.span),
            "let the frame be a whole number of periods",
        )
    } else if in_frame < duration * (frame / period) {
        let message = format!(
            "the windows of `{name}` have {} s in a frame, {} s in a period of {} s were to be",
            seconds(in_frame),
            seconds(duration),
            seconds(period)
        );
        let place = (
            planned.duration_ns.span,
            planned.period_ns.span,
            "the period",
        );
        (
            message,
            place,
            "give it longer windows or more of them, or a shorter duration",
        )
    } else {
        return;
    };
    let violation = Diagnostic::error(&XML_TIME, span, message);
    found.push(violation.also(other, label).hint(hint));
}
