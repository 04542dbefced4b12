//! From XML to a [`Module`], reporting every mistake at its line.
//!
//! First the whole tree is held against the dialect, then its values are taken. What is missing has been reported by then, and is empty.

use cofferdam_model::{Diagnostic, FileId, Span, Spanned, suggestion};
use roxmltree::{Document, Node};

use crate::NAMESPACE;
use crate::dialect::{self, Shape, Use};
use crate::extension;
use crate::health;
use crate::module::*;
use crate::numbers::{self, TimeError};
use crate::rules::{
    XML_COUNTERPART, XML_DIALECT, XML_EXTENSION, XML_MISSING, XML_SYNTAX, XML_VALUE,
};

/// The attribute by which a partition says whether it has the services.
pub const SERVICES: &str = "apex";
/// The attribute by which an action is one of `system.toml`.
pub const ACTION: &str = "action";
/// The element of a key.
pub const KEY: &str = "key";

/// The only file there is.
const FILE: FileId = FileId(0);

fn span(range: std::ops::Range<usize>) -> Span {
    Span {
        file: FILE,
        start: range.start,
        end: range.end,
    }
}

/// Where an element begins: its name.
fn at(node: Node<'_, '_>) -> Span {
    let start = node.range().start;
    let name = node.tag_name().name().len();
    let text = &node.document().input_text()[start..];
    // Behind the `<` there may be a prefix.
    let end = text
        .find(|letter: char| letter.is_whitespace() || "/>".contains(letter))
        .filter(|end| *end > 1)
        .unwrap_or(name + 1);
    span(start..start + end)
}

/// Reads a module. `None` if it is no XML.
pub fn read(text: &str, found: &mut Vec<Diagnostic>) -> Option<Module> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let position = error.pos();
            let place = place_of(text, position.row, position.col);
            let message = error.to_string();
            let hint = match text.trim_start().starts_with('<') {
                true => {
                    "look here and just above: a quote, a `>` or an end tag may be missing or wrong"
                }
                false => {
                    "a module's XML begins with `<`: if this is a system.toml, `export-arinc653` makes XML of it"
                }
            };
            found.push(Diagnostic::error(&XML_SYNTAX, place, message).hint(hint));
            return None;
        }
    };
    let root = document.root_element();
    let mut reader = Reader { found };
    let name = root.tag_name();
    if name.namespace().is_some() || name.name() != dialect::ROOT {
        let message = format!("`{}` is no module of ARINC 653", name.name());
        let hint = format!("the root is `{}`, without a namespace", dialect::ROOT);
        reader.error(&XML_DIALECT, at(root), message, hint);
        return None;
    }
    if let Some(shape) = dialect::find(dialect::ROOT) {
        reader.hold_against(root, shape);
    }
    Some(reader.module(root))
}

fn place_of(text: &str, row: u32, column: u32) -> Span {
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .take(row.saturating_sub(1) as usize)
        .map(str::len)
        .sum();
    let line = text[before..].split('\n').next().unwrap_or_default();
    let letters = line.char_indices().nth(column.saturating_sub(1) as usize);
    let start = before + letters.map_or(line.len(), |(index, _)| index);
    span(start..(start + 1).min(text.len().max(start)))
}

struct Reader<'f> {
    found: &'f mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(
        &mut self,
        rule: &'static cofferdam_model::RuleText,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found
            .push(Diagnostic::error(rule, span, message).hint(hint));
    }

    fn left_out(&mut self, span: Span, what: &str, hint: &str) {
        let message = format!("{what} has no counterpart in system.toml");
        let diagnostic = Diagnostic::error(&XML_COUNTERPART, span, message).warning();
        self.found.push(diagnostic.hint(hint));
    }

    /// Reports what the dialect does not have, and what is missing.
    fn hold_against(&mut self, node: Node<'_, '_>, shape: &Shape) {
        for attribute in node.attributes() {
            if attribute.namespace().is_some() {
                // `xsi:schemaLocation` and the like say nothing about the module.
                continue;
            }
            let (name, place) = (attribute.name(), span(attribute.range_qname()));
            match shape.attributes.iter().find(|(known, _)| *known == name) {
                Some((_, Use::Unread)) => {
                    let hint = "it is left out";
                    self.left_out(span(attribute.range()), &format!("`{name}`"), hint);
                }
                Some(_) => {}
                None => {
                    let known: Vec<_> = shape.attributes.iter().map(|(name, _)| *name).collect();
                    let message = format!("`{}` has no attribute `{name}`", shape.name);
                    self.error(&XML_DIALECT, place, message, suggestion(name, &known));
                }
            }
        }
        for (name, _) in shape.attributes.iter().filter(|one| one.1 == Use::Required) {
            if node.attribute(*name).is_none() {
                let message = format!("`{}` has no `{name}`", shape.name);
                self.error(&XML_MISSING, at(node), message, format!("add `{name}`"));
            }
        }
        for child in node.children() {
            if child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()) {
                let message = format!("`{}` has no text", shape.name);
                self.error(&XML_DIALECT, span(child.range()), message, "remove it");
            }
            if child.is_element() {
                self.hold_child_against(child, shape);
            }
        }
    }

    fn hold_child_against(&mut self, child: Node<'_, '_>, shape: &Shape) {
        let name = child.tag_name().name();
        match child.tag_name().namespace() {
            Some(NAMESPACE) if shape.extended => {}
            Some(NAMESPACE) => {
                let message = format!("`{}` takes no extension", shape.name);
                let hint = "extensions stand in modules, partitions, windows, and tables of connections and their channels";
                self.error(&XML_EXTENSION, at(child), message, hint);
            }
            Some(_) => {
                let hint = "it is another tool's extension, and left out";
                self.left_out(at(child), &format!("`{name}`"), hint);
            }
            None if !shape.children.contains(&name) => {
                let message = format!("`{}` has no element `{name}`", shape.name);
                let hint = match shape.children {
                    [] => "it has no elements at all".to_string(),
                    known => suggestion(name, known),
                };
                self.error(&XML_DIALECT, at(child), message, hint);
            }
            None => {
                if let Some(shape) = dialect::find(name) {
                    self.hold_against(child, shape);
                }
            }
        }
    }

    fn text(&self, node: Node<'_, '_>, name: &str) -> Option<Spanned<String>> {
        let attribute = node.attribute_node(name)?;
        let value = attribute.value().to_string();
        Some(Spanned::new(value, span(attribute.range_value())))
    }

    /// A value that must be there; empty where it is missing.
    fn needed(&self, node: Node<'_, '_>, name: &str) -> Spanned<String> {
        let missing = Spanned::new(String::new(), at(node));
        self.text(node, name).unwrap_or(missing)
    }

    fn value<T: Default>(
        &mut self,
        node: Node<'_, '_>,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Spanned<T>> {
        let text = self.text(node, name)?;
        match read(text.value.trim()) {
            Ok(value) => Some(Spanned::new(value, text.span)),
            Err(hint) => {
                let message = format!("`{name}` cannot be `{}`", text.value);
                self.error(&XML_VALUE, text.span, message, hint);
                Some(Spanned::new(T::default(), text.span))
            }
        }
    }

    fn number(&mut self, node: Node<'_, '_>, name: &str) -> Spanned<u64> {
        let read = |text: &str| {
            let hint = "write a decimal number from 0 on, or a hexadecimal one behind `0x`";
            numbers::number(text).ok_or(hint.to_string())
        };
        let missing = Spanned::new(0, at(node));
        self.value(node, name, read).unwrap_or(missing)
    }

    fn nanoseconds(&mut self, node: Node<'_, '_>, name: &str) -> Option<Spanned<u64>> {
        self.value(node, name, |text| {
            numbers::nanoseconds(text).map_err(|error| {
                match error {
                    TimeError::Form => "write decimal seconds, such as `0.01`",
                    TimeError::Fraction => "write a whole number of nanoseconds, in seconds",
                    TimeError::TooLarge => "write less than 584 years",
                }
                .to_string()
            })
        })
    }

    fn time(&mut self, node: Node<'_, '_>, name: &str) -> Spanned<u64> {
        let missing = Spanned::new(0, at(node));
        self.nanoseconds(node, name).unwrap_or(missing)
    }

    fn boolean(&mut self, node: Node<'_, '_>, name: &str) -> Option<Spanned<bool>> {
        self.value(node, name, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("write `true` or `false`".to_string()),
        })
    }

    fn choice(
        &mut self,
        node: Node<'_, '_>,
        name: &str,
        known: &[&str],
    ) -> Option<Spanned<String>> {
        self.value(node, name, |text| {
            let is_known = known.contains(&text);
            is_known
                .then(|| text.to_string())
                .ok_or_else(|| suggestion(text, known))
        })
    }

    fn module(&mut self, root: Node<'_, '_>) -> Module {
        let mut module = Module {
            span: at(root),
            name: self.text(root, "ModuleName"),
            keys: self.keys(root),
            ..Module::default()
        };
        for node in elements(root) {
            match node.tag_name().name() {
                "System_HM_Table" => module.levels.extend(self.levels(node)),
                "Module_HM_Table" => module.actions.extend(self.entries(node, MODULE_ACTIONS)),
                "Partition" => module.partitions.push(self.partition(node)),
                "Partition_Memory" => module.memory.push(self.memory(node)),
                "Module_Schedule" => {
                    let place = module.schedules.len();
                    module.schedules.push(self.schedule(node, place));
                }
                "Partition_HM_Table" => {
                    let partition = self.reference(node);
                    let entries = self.entries(node, PARTITION_ACTIONS);
                    module.tables.push(Table { partition, entries });
                }
                "Connection_Table" => self.connections(node, &mut module),
                _ => {}
            }
        }
        module
    }

    fn levels(&mut self, table: Node<'_, '_>) -> Vec<Level> {
        let mut levels = Vec::new();
        for node in descendants(table, "Error_ID_Level") {
            let level = self.choice(node, "ErrorLevel", &["MODULE", "PARTITION", "PROCESS"]);
            levels.push(Level {
                identifier: self.number(node, "ErrorIdentifier"),
                level: level.unwrap_or_default(),
                code: self.choice(
                    node,
                    "ErrorCode",
                    &crate::health::CODES.map(|(code, _)| code),
                ),
            });
        }
        levels
    }

    fn entries(&mut self, table: Node<'_, '_>, actions: &[&str]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for node in descendants(table, "Error_ID_Action") {
            let action = self.choice(node, "Action", actions);
            let exact = node.attribute_node((NAMESPACE, ACTION));
            entries.push(Entry {
                identifier: self.number(node, "ErrorIdentifier"),
                description: self.text(node, "Description"),
                action: action.unwrap_or_default(),
                exact: exact
                    .map(|one| Spanned::new(one.value().to_string(), span(one.range_value()))),
            });
        }
        entries
    }

    fn reference(&mut self, node: Node<'_, '_>) -> Reference {
        Reference {
            identifier: self.number(node, "PartitionIdentifier"),
            name: self.text(node, "PartitionName"),
        }
    }

    fn partition(&mut self, node: Node<'_, '_>) -> Partition {
        let services = node.attribute_node((NAMESPACE, SERVICES));
        let services = services.and_then(|one| match one.value() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let message = format!("`{SERVICES}` cannot be `{other}`");
                let hint = "write `true` or `false`";
                self.error(&XML_VALUE, span(one.range_value()), message, hint);
                None
            }
        });
        let mut partition = Partition {
            identifier: self.number(node, "PartitionIdentifier"),
            name: self.needed(node, "PartitionName"),
            services,
            ports: Vec::new(),
            stacks: Vec::new(),
            keys: self.keys(node),
        };
        for child in elements(node) {
            match child.tag_name().name() {
                "Sampling_Port" => {
                    let refresh = match child.attribute("RefreshRateSeconds").map(str::trim) {
                        // The infinity of XML's numbers.
                        Some("INF") => None,
                        _ => self.nanoseconds(child, "RefreshRateSeconds"),
                    };
                    let port = self.port(child, PortKind::Sampling(refresh));
                    partition.ports.push(port);
                }
                "Queuing_Port" => {
                    let depth = self.number(child, "MaxNbMessages");
                    let port = self.port(child, PortKind::Queuing(depth));
                    partition.ports.push(port);
                }
                "Process" => partition.stacks.push(self.number(child, "StackSize")),
                _ => {}
            }
        }
        partition
    }

    fn port(&mut self, node: Node<'_, '_>, kind: PortKind) -> Port {
        let direction = self.choice(node, "Direction", &["SOURCE", "DESTINATION"]);
        let direction = direction.unwrap_or(Spanned::new(String::new(), at(node)));
        Port {
            name: self.needed(node, "Name"),
            source: direction.map(|text| text == "SOURCE"),
            message_bytes: self.number(node, "MaxMessageSize"),
            kind,
        }
    }

    fn memory(&mut self, node: Node<'_, '_>) -> Memory {
        let partition = self.reference(node);
        let mut requirements = Vec::new();
        for child in descendants(node, "Memory_Requirements") {
            let access = self.choice(child, "Access", ACCESS);
            requirements.push(Requirement {
                span: at(child),
                name: self.text(child, "RegionName"),
                bytes: self.number(child, "SizeBytes"),
                write: access.is_some_and(|access| access.contains("WRITE")),
            });
        }
        Memory {
            partition,
            requirements,
        }
    }

    fn schedule(&mut self, node: Node<'_, '_>, place: usize) -> Schedule {
        let number = self.text(node, "ScheduleIdentifier");
        let number = number.map_or(place.to_string(), |number| number.value);
        let unnamed = Spanned::new(format!("schedule_{number}"), at(node));
        let mut schedule = Schedule {
            span: at(node),
            name: self.text(node, "ScheduleName").unwrap_or(unnamed),
            initial: self.boolean(node, "InitialModuleSchedule"),
            frame_ns: self.time(node, "MajorFrameSeconds"),
            partitions: Vec::new(),
        };
        for child in descendants(node, "Partition_Schedule") {
            let windows = descendants(child, "Window_Schedule").into_iter();
            let windows = windows.map(|window| Window {
                span: at(window),
                start_ns: self.time(window, "WindowStartSeconds"),
                length_ns: self.time(window, "WindowDurationSeconds"),
                releases: (self.boolean(window, "PartitionPeriodStart")).is_some_and(|one| *one),
                keys: self.keys(window),
            });
            let windows = windows.collect();
            schedule.partitions.push(PartitionSchedule {
                span: at(child),
                partition: self.reference(child),
                period_ns: self.time(child, "PeriodSeconds"),
                duration_ns: self.time(child, "PeriodDurationSeconds"),
                sets: self.boolean(child, "SetModuleSchedule"),
                change: self.choice(
                    child,
                    "ScheduleChangeAction",
                    &health::CHANGES.map(|(standard, _)| standard),
                ),
                windows,
            });
        }
        schedule
    }

    fn connections(&mut self, table: Node<'_, '_>, module: &mut Module) {
        for node in table.children().filter(Node::is_element) {
            let name = node.tag_name();
            match (name.namespace(), name.name()) {
                (None, "Channel") => module.channels.extend(self.channel(node)),
                (Some(NAMESPACE), "Channel") => {
                    let keys = self.keys(node);
                    if node.attribute("ChannelName").is_none() {
                        let message = "`Channel` has no `ChannelName`";
                        self.error(&XML_MISSING, at(node), message, "add `ChannelName`");
                    }
                    module.channels.push(Channel {
                        span: at(node),
                        name: self.needed(node, "ChannelName"),
                        ends: None,
                        keys,
                    });
                }
                (Some(NAMESPACE), other) => {
                    let message = format!("the extension has no `{other}` here");
                    let hint = "it has channels of other kinds, as `Channel`";
                    self.error(&XML_EXTENSION, at(node), message, hint);
                }
                _ => {}
            }
        }
    }

    fn channel(&mut self, node: Node<'_, '_>) -> Option<Channel> {
        let number = self.text(node, "ChannelIdentifier").unwrap_or_default();
        let unnamed = Spanned::new(format!("channel_{}", *number), at(node));
        let name = self.text(node, "ChannelName").unwrap_or(unnamed);
        if let Some(outside) = (node.descendants()).find(|one| one.has_tag_name("Pseudo_Partition"))
        {
            let what = format!("the channel `{name}` to the outside of the module");
            let hint = "it is left out: write a driver's partition, and a channel to that";
            self.left_out(at(outside), &what, hint);
            return None;
        }
        let mut sources = self.ends(node, "Source");
        let destinations = self.ends(node, "Destination");
        if sources.len() != 1 || destinations.is_empty() {
            let (from, to) = (sources.len(), destinations.len());
            let message = format!("the channel `{name}` has {from} sources and {to} destinations");
            let hint = "it has one source, and one destination or, with sampling ports, several";
            self.error(&crate::rules::XML_CHANNEL, at(node), message, hint);
        }
        let keys = self.keys(node);
        Some(Channel {
            span: at(node),
            name,
            ends: sources.pop().map(|source| (source, destinations)),
            keys,
        })
    }

    fn ends(&mut self, channel: Node<'_, '_>, name: &str) -> Vec<End> {
        let ends = elements(channel).filter(|node| node.has_tag_name(name));
        let ends: Vec<_> = ends
            .flat_map(|end| descendants(end, "Standard_Partition"))
            .collect();
        let end = |node| End {
            partition: self.reference(node),
            port: self.needed(node, "PortName"),
        };
        ends.into_iter().map(end).collect()
    }

    /// The keys of the extension in an element.
    fn keys(&mut self, node: Node<'_, '_>) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let own = |child: &Node<'_, '_>| child.tag_name().namespace() == Some(NAMESPACE);
        for child in node.children().filter(Node::is_element).filter(own) {
            let name = self.text(child, "name");
            if child.tag_name().name() != KEY {
                // Where something else may stand, it is read there.
                if !node.has_tag_name("Connection_Table") {
                    let message = format!("the extension has no `{}`", child.tag_name().name());
                    let hint = format!("it has `{KEY}`, with a `name` and a value in TOML");
                    self.error(&XML_EXTENSION, at(child), message, hint);
                }
                continue;
            }
            let Some(name) = name else {
                let message = format!("`{KEY}` has no `name`");
                self.error(&XML_MISSING, at(child), message, "add `name`");
                continue;
            };
            let text = child.children().find(Node::is_text);
            let place = text.map_or(at(child), |text| span(text.range()));
            let text = child.text().unwrap_or_default().trim().to_string();
            if !extension::is_value(&text) {
                let message = format!("`{name}` has no value in TOML");
                let hint = "write one value as system.toml has it: text in quotes, a number, a list, or an inline table";
                self.error(&XML_EXTENSION, place, message, hint);
                continue;
            }
            if let Some(first) = keys.iter().find(|key| key.name.value == name.value) {
                let message = format!("`{name}` stands here twice");
                let violation = Diagnostic::error(&XML_EXTENSION, name.span, message);
                let violation = violation.also(first.name.span, "first here");
                self.found.push(violation.hint("remove one of them"));
                continue;
            }
            let value = Spanned::new(text, place);
            keys.push(Key { name, value });
        }
        keys
    }
}

/// What `Access` can be: the words of public examples.
const ACCESS: &[&str] = &[
    "READ_WRITE",
    "READ_ONLY",
    "WRITE",
    "READ",
    "EXECUTE",
    "READ_EXECUTE",
];
const MODULE_ACTIONS: &[&str] = &["IGNORE", "SHUTDOWN", "RESET"];
const PARTITION_ACTIONS: &[&str] = &["IGNORE", "IDLE", "WARM_START", "COLD_START"];

/// The elements without a namespace.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    let children = node.children().filter(Node::is_element);
    children.filter(|child| child.tag_name().namespace().is_none())
}

/// The elements of this name in an element, or in an element of it.
fn descendants<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    let all = elements(node).flat_map(|child| {
        let inner = child.has_tag_name("System_State_Entry");
        let inner = inner.then(|| elements(child)).into_iter().flatten();
        std::iter::once(child).chain(inner)
    });
    all.filter(|one| one.has_tag_name(name)).collect()
}
