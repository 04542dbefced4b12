//! What is different between two reports, in words: what is new, what is gone, and what changed from what to what.
//!
//! The comparison is over the JSON form, so that nothing that a report says can be forgotten here. What stands in a list is found again by what
//! names it ([`NAMES`]), not by its place.

use std::collections::BTreeMap;
use std::fmt;

use cofferdam_model::{show_bytes, show_ticks};
use serde_json::{Map, Value};

use crate::data::Report;

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The part of the report.
    pub part: String,
    /// What it is about; empty: the part itself.
    pub what: String,
    /// How it was. None: it is new.
    pub before: Option<String>,
    /// How it is. None: it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, what, .. } = self;
        write!(f, "{part}: ")?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if what.is_empty() => write!(f, "{before} -> {after}"),
            (None, after) => write!(f, "+ {what}{}", Shown(after.as_deref())),
            (before, None) => write!(f, "- {what}{}", Shown(before.as_deref())),
            (Some(before), Some(after)) => write!(f, "{what}: {before} -> {after}"),
        }
    }
}

struct Shown<'a>(Option<&'a str>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) if !text.is_empty() => write!(f, " ({text})"),
            _ => Ok(()),
        }
    }
}

/// The members that name something in a list, the first that are there.
const NAMES: [&[&str]; 13] = [
    &["name"],
    &["from", "to"],
    &["holders", "what"],
    &["partition", "what"],
    &["partition", "by"],
    &["device"],
    &["schedule", "start_ticks"],
    &["start_ticks"],
    &["error"],
    &["channel"],
    &["partition"],
    &["text"],
    &["what"],
];

/// All differences from one report to another, by parts.
pub fn diff(before: &Report, after: &Report) -> Vec<Change> {
    let value = |report: &Report| match serde_json::to_value(report) {
        Ok(Value::Object(members)) => members,
        // A report is an object of numbers, texts and lists.
        _ => Map::new(),
    };
    let hz = after.timebase_hz;
    let (before, after) = (value(before), value(after));
    let mut changes = Vec::new();
    for (part, after) in &after {
        let before = before.get(part).unwrap_or(&Value::Null);
        let mut found = Comparison {
            hz,
            part: part.replace('_', " "),
            changes: Vec::new(),
        };
        found.compare(&[], part, before, after);
        changes.append(&mut found.changes);
    }
    changes
}

struct Comparison {
    hz: u64,
    part: String,
    changes: Vec<Change>,
}

impl Comparison {
    fn compare(&mut self, path: &[String], member: &str, before: &Value, after: &Value) {
        match (before, after) {
            (before, after) if before == after => {}
            (Value::Null, Value::Object(_)) if path.is_empty() => self.is_there(false),
            (Value::Object(_), Value::Null) if path.is_empty() => self.is_there(true),
            // Over how many things a statement was checked changes with each of them, and says nothing by itself.
            _ if member == "checked" => {}
            (Value::Object(before), Value::Object(after)) => {
                let none = Value::Null;
                for key in before
                    .keys()
                    .chain(after.keys().filter(|key| !before.contains_key(*key)))
                {
                    let path: Vec<_> = path.iter().cloned().chain([words(key)]).collect();
                    let [before, after] = [before, after].map(|one| one.get(key).unwrap_or(&none));
                    self.compare(&path, key, before, after);
                }
            }
            (Value::Array(before), Value::Array(after))
                if is_named(before, after, path, member) =>
            {
                self.lists(path, member, before, after);
            }
            (before, after) => {
                let show = |value: &Value| self.show(member, value);
                let (before, after) = (show(before), show(after));
                self.add(path, Some(before), Some(after));
            }
        }
    }

    /// A part that one of the two reports has: what all of it says is no difference.
    fn is_there(&mut self, before: bool) {
        let say = |is| if is { "there" } else { "not there" };
        let [before, after] = [before, !before].map(|is| Some(say(is).to_owned()));
        self.add(&[], before, after);
    }

    fn lists(&mut self, path: &[String], member: &str, before: &[Value], after: &[Value]) {
        let (old, new) = (by_name(before, self.hz), by_name(after, self.hz));
        for (name, value) in &old {
            let path: Vec<_> = path.iter().cloned().chain([name.clone()]).collect();
            match new.get(name) {
                Some(after) => self.compare(&path, member, value, after),
                None => self.add(&path, Some(self.brief(value)), None),
            }
        }
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let path: Vec<_> = path.iter().cloned().chain([name.clone()]).collect();
            self.add(&path, None, Some(self.brief(value)));
        }
    }

    fn add(&mut self, path: &[String], before: Option<String>, after: Option<String>) {
        self.changes.push(Change {
            part: self.part.clone(),
            what: path.join(", "),
            before,
            after,
        });
    }

    /// What is to be said of something that is new or gone, besides its name.
    fn brief(&self, value: &Value) -> String {
        let Value::Object(members) = value else {
            return String::new();
        };
        let names = names(members);
        let rest = members.iter().filter(|(key, value)| {
            let empty = match value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                _ => false,
            };
            !names.contains(&key.as_str()) && !empty
        });
        let rest: Vec<_> = rest
            .map(|(key, value)| format!("{} {}", words(key), self.show(key, value)))
            .collect();
        rest.join(", ")
    }

    fn show(&self, member: &str, value: &Value) -> String {
        match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            Value::Number(number) => match number.as_u64() {
                Some(ticks) if member.ends_with("_ticks") => show_ticks(ticks, self.hz),
                Some(bytes) if member.ends_with("bytes") => show_bytes(bytes),
                Some(address) if matches!(member, "physical" | "effective" | "entry") => {
                    format!("{address:#x}")
                }
                _ => number.to_string(),
            },
            Value::Array(list) if list.is_empty() => "nothing".to_owned(),
            Value::Array(list) => {
                let list: Vec<_> = list.iter().map(|one| self.show(member, one)).collect();
                list.join("; ")
            }
            Value::Object(members) => {
                let named = names(members).iter();
                let named: Vec<_> = named.map(|key| self.show(key, &members[*key])).collect();
                match (named.join(" > "), self.brief(value)) {
                    (name, rest) if rest.is_empty() => name,
                    (name, rest) if name.is_empty() => rest,
                    (name, rest) => format!("{name} ({rest})"),
                }
            }
            Value::Bool(value) => if *value { "yes" } else { "no" }.to_owned(),
        }
    }
}

/// A member's name without its unit, which its value shows.
fn words(member: &str) -> String {
    let without = ["_ticks", "_bytes"]
        .iter()
        .find_map(|unit| member.strip_suffix(unit));
    without.unwrap_or(member).replace('_', " ")
}

/// Lists of texts whose order says nothing: of a long one, what is new and what is gone is to be seen.
const SETS: [&str; 3] = ["direct", "reaches", "devices"];

/// Whether these are lists of things that have names: objects, or, where they are a part of the report by themselves or have no order, texts. Other
/// texts, such as those of a window's group, have an order that counts.
fn is_named(before: &[Value], after: &[Value], path: &[String], member: &str) -> bool {
    let mut all = before.iter().chain(after);
    all.all(|one| match one {
        Value::String(_) => path.is_empty() || SETS.contains(&member),
        Value::Object(members) => !names(members).is_empty(),
        _ => false,
    })
}

fn names(members: &Map<String, Value>) -> &'static [&'static str] {
    let names = NAMES.iter();
    let found = names
        .copied()
        .find(|names| names.iter().all(|name| members.contains_key(*name)));
    found.unwrap_or(&[])
}

/// Things by their names; of several with the same, the later ones have a number.
fn by_name(list: &[Value], hz: u64) -> BTreeMap<String, &Value> {
    let mut all = BTreeMap::new();
    for value in list {
        let name = match value {
            Value::String(text) => text.clone(),
            Value::Object(members) => {
                let names = names(members).iter();
                let parts = names.map(|name| match &members[*name] {
                    Value::String(text) => text.clone(),
                    Value::Number(number) if name.ends_with("_ticks") => {
                        format!("at {}", show_ticks(number.as_u64().unwrap_or(0), hz))
                    }
                    // Ends of channels, and lists of holders.
                    Value::Array(list) => list.iter().map(short).collect::<Vec<_>>().join("+"),
                    other => short(other),
                });
                parts.collect::<Vec<_>>().join(" > ")
            }
            other => other.to_string(),
        };
        let mut number = 1;
        let mut unique = name.clone();
        while all.contains_key(&unique) {
            number += 1;
            unique = format!("{name} ({number})");
        }
        all.insert(unique, value);
    }
    all
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let part = |name: &str| members.get(name).and_then(Value::as_str);
            match (part("partition"), part("port")) {
                (Some(partition), Some(port)) => format!("{partition}.{port}"),
                _ => value.to_string(),
            }
        }
        _ => value.to_string(),
    }
}
