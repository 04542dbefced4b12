//! From a checked system to XML.
//!
//! What the dialect has words for is said by them; what is left of each table goes into the extension, key by key, as the file has it. So
//! what comes out is read by other tools as far as they go, and by [`crate::import`] as a whole.

mod actions;
mod schedule;

use cofferdam_check::Checked;
use cofferdam_check::rules::apex_identifier;
use cofferdam_model::{
    Channel, ChannelKind, Diagnostic, Diagnostics, MessageType, Partition, PortReference, Span,
    Spanned, Window,
};
use quick_xml::Writer as XmlWriter;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use toml::de::{DeTable, DeValue};

use crate::extension::entries_of;
use crate::numbers::{of_ticks, seconds};
use crate::rules::{XML_COUNTERPART, XML_VALUE};
use crate::{Made, NAMESPACE, dialect};

/// The longest messages of channels whose types only the compiler knows, by the channels' places.
pub type Sizes<'s> = &'s dyn Fn(usize) -> Option<u64>;

/// Makes XML of a checked system. `text` is that of its file, `sizes` tells the longest message of a channel whose type is one of Rust.
///
/// # Errors
/// What the XML cannot say at all, at its line of the file.
pub fn export(checked: &Checked, text: &str, sizes: Sizes<'_>) -> Result<Made, Diagnostics> {
    let sources = checked.warnings.sources.clone();
    let file = DeTable::parse(text);
    let mut exporter = Exporter {
        checked,
        sizes,
        found: Vec::new(),
        wrong: false,
        xml: XmlWriter::new_with_indent(Vec::new(), b' ', 2),
        identifiers: identifiers(checked),
    };
    let tables = file
        .as_ref()
        .map_or(Vec::new(), |file| tables(file.get_ref(), text));
    exporter.module(&tables);
    let report = Diagnostics::new(sources, exporter.found);
    if exporter.wrong {
        return Err(report);
    }
    let mut text = String::from_utf8_lossy(&exporter.xml.into_inner()).into_owned();
    text.push('\n');
    Ok(Made { text, report })
}

/// A table of the file: its path, and its keys with their values as texts.
struct Entries {
    path: String,
    entries: Vec<(String, String)>,
}

/// The tables whose keys are carried one by one, and below `partition` and `channel` those of each name.
fn tables(file: &DeTable<'_>, text: &str) -> Vec<Entries> {
    let mut all = Vec::new();
    let mut put = |path: String, table: &DeTable<'_>| {
        let entries = entries_of(table, text);
        all.push(Entries { path, entries });
    };
    for (name, value) in file.iter() {
        let DeValue::Table(table) = value.get_ref() else {
            continue;
        };
        let name: &str = name.get_ref();
        put(name.to_string(), table);
        if !matches!(name, "partition" | "channel") {
            continue;
        }
        for (own, inner) in table.iter() {
            if let DeValue::Table(inner) = inner.get_ref() {
                put(format!("{name}.{}", own.get_ref()), inner);
                if let Some(DeValue::Table(apex)) = inner.get("apex").map(|one| one.get_ref()) {
                    put(format!("{name}.{}.apex", own.get_ref()), apex);
                }
            }
        }
    }
    all
}

fn entries<'e>(tables: &'e [Entries], path: &str) -> &'e [(String, String)] {
    let found = tables.iter().find(|one| one.path == path);
    found.map_or(&[], |one| &one.entries)
}

/// Each partition's number: its own where it has the services, else one that nobody has.
fn identifiers(checked: &Checked) -> Vec<u64> {
    let partitions = &checked.system.partitions;
    let own = |(index, one): (usize, &Partition)| {
        one.apex.as_ref().map(|apex| apex_identifier(apex, index))
    };
    let given: Vec<_> = partitions.iter().enumerate().map(own).collect();
    let mut free = (1..).filter(|number| !given.contains(&Some(*number)));
    let mut numbers = Vec::new();
    for own in &given {
        numbers.extend(own.or_else(|| free.next()));
    }
    numbers
}

struct Exporter<'c> {
    checked: &'c Checked,
    sizes: Sizes<'c>,
    found: Vec<Diagnostic>,
    /// Whether something cannot be said.
    wrong: bool,
    xml: XmlWriter<Vec<u8>>,
    identifiers: Vec<u64>,
}

type Attributes<'a> = &'a [(&'a str, String)];

impl Exporter<'_> {
    fn event(&mut self, event: Event<'_>) {
        // Writing into memory cannot fail.
        let _ = self.xml.write_event(event);
    }

    fn start(name: &'static str, attributes: Attributes<'_>) -> BytesStart<'static> {
        let mut start = BytesStart::new(name);
        for (name, value) in attributes {
            start.push_attribute((*name, value.as_str()));
        }
        start
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.event(Event::Start(Self::start(name, attributes)));
    }

    fn close(&mut self, name: &'static str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.event(Event::Empty(Self::start(name, attributes)));
    }

    /// A key of the extension.
    fn key(&mut self, name: &str, value: &str) {
        let name = [("name", name.to_string())];
        self.open(KEY_ELEMENT, &name);
        self.event(Event::Text(BytesText::new(value)));
        self.close(KEY_ELEMENT);
    }

    fn keeps(&mut self, span: Span, what: &str) {
        let message = format!("{what} has no counterpart in the XML");
        let diagnostic = Diagnostic::error(&XML_COUNTERPART, span, message).warning();
        let hint = "it is kept in the extension, which other tools do not read";
        let diagnostic = diagnostic.hint(hint);
        // What partitions share is said once.
        let same = |one: &Diagnostic| {
            one.message == diagnostic.message && one.primary == diagnostic.primary
        };
        if !self.found.iter().any(same) {
            self.found.push(diagnostic);
        }
    }

    fn keeps_keys(&mut self, name: &Spanned<String>, kept: &[String]) {
        let (keys, of) = (kept.join(", "), format!("of `{name}`"));
        match kept {
            [] => {}
            [one] => self.keeps(name.span, &format!("{one} {of}")),
            _ => self.keeps(name.span, &format!("each of {keys} {of}")),
        }
    }

    /// The keys of a table that the dialect has no words for.
    fn rest(&mut self, entries: &[(String, String)], said: &[&str], prefix: &str) -> Vec<String> {
        let mut kept = Vec::new();
        for (name, value) in entries {
            if !said.contains(&name.as_str()) {
                self.key(&format!("{prefix}{name}"), value);
                kept.push(format!("`{name}`"));
            }
        }
        kept
    }

    fn module(&mut self, tables: &[Entries]) {
        let system = &self.checked.system;
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        self.event(Event::Decl(declaration));
        let attributes = [
            ("xmlns:cofferdam", NAMESPACE.to_string()),
            ("ModuleName", system.name.value.clone()),
        ];
        self.open(dialect::ROOT, &attributes);
        for (table, said) in [("system", ["name", "schema"]), ("kernel", ["errors", ""])] {
            self.rest(entries(tables, table), &said, &format!("{table}."));
        }
        self.keeps(system.guard_ticks.span, "`guard` of `[kernel]`");
        self.levels();
        self.module_actions();
        for index in 0..system.partitions.len() {
            self.partition(index, tables);
        }
        for index in 0..system.partitions.len() {
            self.memory(index);
        }
        for (index, schedule) in system.schedules.iter().enumerate() {
            self.schedule(index, schedule);
        }
        for index in 0..system.partitions.len() {
            self.partition_actions(index);
        }
        self.connections(tables);
        for table in ["device", "capability", "require"] {
            self.rest(entries(tables, table), &[], &format!("{table}."));
        }
        for device in &system.devices {
            self.keeps(device.name.span, &format!("the device `{}`", device.name));
        }
        for (holder, _) in &system.capabilities {
            self.keeps(holder.span, &format!("what `{holder}` may do"));
        }
        let flow = system.flow.iter().map(|one| one.span);
        let latency = system.latency.iter().map(|one| one.span);
        let memory = system.memory.iter().map(|one| one.span);
        for span in flow.chain(latency).chain(memory).collect::<Vec<_>>() {
            self.keeps(span, "a statement to be proved");
        }
        self.close(dialect::ROOT);
    }

    fn reference(&self, index: usize) -> Vec<(&'static str, String)> {
        let name = &self.checked.system.partitions[index].name;
        vec![
            ("PartitionIdentifier", self.identifiers[index].to_string()),
            ("PartitionName", name.value.clone()),
        ]
    }

    fn partition(&mut self, index: usize, tables: &[Entries]) {
        let system = &self.checked.system;
        let partition = &system.partitions[index];
        let name = &partition.name;
        let mut attributes = self.reference(index);
        attributes.push((SERVICES_ATTRIBUTE, partition.apex.is_some().to_string()));
        self.open("Partition", &attributes);
        for (number, channel) in system.channels.iter().enumerate() {
            for (end, reference) in channel.numbered_ends() {
                if *reference.partition == **name {
                    self.port(number, channel, end, reference);
                }
            }
        }
        for (place, stack) in partition
            .apex
            .iter()
            .flat_map(|one| one.stacks.iter().enumerate())
        {
            let attributes = [
                ("Name", format!("process_{place}")),
                ("StackSize", stack.to_string()),
            ];
            self.empty("Process", &attributes);
        }
        let mut said = vec!["memory", "errors", "apex"];
        if self.is_released(name) {
            said.push("period");
        }
        let path = format!("partition.{name}");
        let mut kept = self.rest(entries(tables, &path), &said, "");
        let mut said = vec!["stacks", "identifier"];
        if self.says_changes(partition) {
            said.push("schedule_changes");
        }
        let of_services = entries(tables, &format!("{path}.apex"));
        kept.extend(self.rest(of_services, &said, "apex."));
        self.keeps_keys(name, &kept);
        self.close("Partition");
    }

    /// Whether the period of a partition begins in a window that is its own in the XML.
    fn is_released(&self, partition: &str) -> bool {
        let windows = self
            .checked
            .system
            .schedules
            .iter()
            .flat_map(|one| &one.windows);
        let mut own = windows.filter(|window| first(window) == Some(partition));
        own.any(|window| releases(window, partition))
    }

    fn port(&mut self, number: usize, channel: &Channel, end: usize, reference: &PortReference) {
        let kind = channel.kind.as_ref().map(|kind| kind.value);
        if !matches!(kind, Some(ChannelKind::Sampling | ChannelKind::Queuing)) {
            return;
        }
        let bytes = match channel.message.as_ref().map(|message| &message.value) {
            Some(MessageType::Bytes(bytes)) => Some(*bytes),
            _ => (self.sizes)(number),
        };
        if bytes.is_none() && end == 0 {
            let span = channel
                .message
                .as_ref()
                .map_or(channel.name.span, |one| one.span);
            let message = format!(
                "the messages of `{}` have a size that is not known",
                channel.name
            );
            let hint = "build the system: its plan has the sizes";
            self.found
                .push(Diagnostic::error(&XML_VALUE, span, message).hint(hint));
            self.wrong = true;
        }
        let direction = if end == 0 { "SOURCE" } else { "DESTINATION" };
        let mut attributes = vec![
            ("Name", reference.port.value.clone()),
            ("MaxMessageSize", bytes.unwrap_or(0).to_string()),
            ("Direction", direction.to_string()),
        ];
        if kind == Some(ChannelKind::Queuing) {
            let depth = channel.depth.as_ref().map_or(1, |depth| **depth);
            attributes.push(("MaxNbMessages", depth.to_string()));
            self.empty("Queuing_Port", &attributes);
        } else {
            let refresh = channel.refresh_ticks.as_ref();
            let refresh = refresh.map_or("INF".to_string(), |ticks| self.seconds(**ticks));
            attributes.push(("RefreshRateSeconds", refresh));
            self.empty("Sampling_Port", &attributes);
        }
    }

    /// Times of the file are whole nanoseconds: nothing else can be written there.
    fn seconds(&self, ticks: u64) -> String {
        let nanoseconds = of_ticks(ticks, self.checked.board.timebase_hz);
        seconds(nanoseconds.unwrap_or_default())
    }

    fn memory(&mut self, index: usize) {
        let partition = &self.checked.system.partitions[index];
        let reference = self.reference(index);
        self.open("Partition_Memory", &reference);
        let attributes = [
            ("RegionName", "memory".to_string()),
            ("Type", "RAM".to_string()),
            ("SizeBytes", partition.memory_bytes.to_string()),
            ("Access", "READ_WRITE".to_string()),
        ];
        self.empty("Memory_Requirements", &attributes);
        self.close("Partition_Memory");
    }

    fn keeps_nothing(&mut self, span: Span, what: &str) {
        let message = format!("{what} has no counterpart in the XML");
        let diagnostic = Diagnostic::error(&XML_COUNTERPART, span, message).warning();
        self.found.push(diagnostic.hint("it is left out"));
    }

    fn connections(&mut self, tables: &[Entries]) {
        let system = &self.checked.system;
        self.open("Connection_Table", &[]);
        for (number, channel) in system.channels.iter().enumerate() {
            let name = &channel.name;
            let keys = entries(tables, &format!("channel.{name}"));
            let kind = channel.kind.as_ref().map(|kind| kind.value);
            let is_known = matches!(kind, Some(ChannelKind::Sampling | ChannelKind::Queuing));
            if !is_known {
                let attributes = [("ChannelName", name.value.clone())];
                self.open(CHANNEL_ELEMENT, &attributes);
                self.rest(keys, &[], "");
                self.close(CHANNEL_ELEMENT);
                let kind = kind.map_or("", ChannelKind::name);
                self.keeps(name.span, &format!("the channel `{name}`, a `{kind}`,"));
                continue;
            }
            let attributes = [
                ("ChannelIdentifier", (number + 1).to_string()),
                ("ChannelName", name.value.clone()),
            ];
            self.open("Channel", &attributes);
            for (end, reference) in channel.numbered_ends() {
                let side = if end == 0 { "Source" } else { "Destination" };
                let Some(index) = system.partition_index(&reference.partition) else {
                    continue;
                };
                let mut attributes = self.reference(index);
                attributes.push(("PortName", reference.port.value.clone()));
                self.open(side, &[]);
                self.empty("Standard_Partition", &attributes);
                self.close(side);
            }
            let mut said = vec!["kind", "depth", "refresh"];
            let is_bytes = |message: &MessageType| matches!(message, MessageType::Bytes(_));
            if channel
                .message
                .as_ref()
                .is_some_and(|one| is_bytes(&one.value))
            {
                said.push("type");
            }
            if channel.from.as_ref().is_some_and(|end| end.array.is_none()) {
                said.push("from");
            }
            if channel.to.iter().all(|end| end.array.is_none()) {
                said.push("to");
            }
            let kept = self.rest(keys, &said, "");
            self.keeps_keys(name, &kept);
            self.close("Channel");
        }
        self.close("Connection_Table");
    }
}

const KEY_ELEMENT: &str = "cofferdam:key";
const CHANNEL_ELEMENT: &str = "cofferdam:Channel";
const SERVICES_ATTRIBUTE: &str = "cofferdam:apex";
const ACTION_ATTRIBUTE: &str = "cofferdam:action";

/// Whose a window is in the XML.
fn first(window: &Window) -> Option<&str> {
    window.group.first().map(|one| one.value.as_str())
}

fn releases(window: &Window, partition: &str) -> bool {
    window.release.iter().any(|one| **one == *partition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{ACTION, KEY, SERVICES};

    #[test]
    fn the_names_of_the_extension_are_those_that_are_read() {
        for (whole, own) in [
            (KEY_ELEMENT, KEY),
            (CHANNEL_ELEMENT, "Channel"),
            (SERVICES_ATTRIBUTE, SERVICES),
            (ACTION_ATTRIBUTE, ACTION),
        ] {
            assert_eq!(whole, format!("cofferdam:{own}"));
        }
    }
}
