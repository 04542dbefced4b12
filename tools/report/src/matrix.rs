//! Who may do what with what: objects as rows, partitions as columns, a letter for each right.

use crate::data::{Channel, Report};

/// The letters, and what they stand for.
pub(crate) const LETTERS: [(char, &str); 9] = [
    ('S', "sends"),
    ('R', "receives"),
    ('C', "calls"),
    ('A', "answers"),
    ('O', "owns"),
    ('L', "looks at its state"),
    ('E', "ends it"),
    ('B', "begins it anew"),
    ('T', "sets it"),
];

/// A row: an object, and each partition's letters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What kind of object.
    pub kind: String,
    /// Its name.
    pub object: String,
    /// In the order of the partitions; empty: it can do nothing with it.
    pub letters: Vec<String>,
}

/// All objects with which somebody can do something.
pub(crate) fn matrix(report: &Report) -> Vec<Row> {
    let names = || report.partitions.iter().map(|one| one.name.as_str());
    let row = |kind: &str, object: &str, letters: &dyn Fn(&str) -> String| Row {
        kind: kind.to_owned(),
        object: object.to_owned(),
        letters: names().map(letters).collect(),
    };
    let mut rows = Vec::new();
    for one in &report.channels {
        rows.push(row(&one.kind, &one.name, &|name| ends(one, name)));
    }
    for owner in &report.partitions {
        for device in &owner.devices {
            rows.push(row("device", device, &|name| match name == owner.name {
                true => "O".to_owned(),
                false => String::new(),
            }));
        }
    }
    for object in names() {
        rows.push(row("partition", object, &|name| {
            rights(report, name, |what| over(what, object, name))
        }));
    }
    rows.push(row("module", "schedule", &|name| {
        rights(report, name, |what| match what {
            "schedule.status" => "L",
            "schedule.set" => "LT",
            _ => "",
        })
    }));
    rows.push(row("module", "health log", &|name| {
        rights(report, name, |what| match what {
            "health.log" => "L",
            _ => "",
        })
    }));
    rows.retain(|row| row.letters.iter().any(|one| !one.is_empty()));
    rows
}

/// What a partition does at a channel.
fn ends(channel: &Channel, name: &str) -> String {
    let (from, to) = match channel.kind.as_str() {
        "call" => ("C", "A"),
        // Both ends of a ring do both.
        "ring" => ("SR", "SR"),
        _ => ("S", "R"),
    };
    let receives = channel.to.iter().any(|end| end.partition == name);
    match channel.from.partition == name {
        true => from.to_owned(),
        false if receives => to.to_owned(),
        false => String::new(),
    }
}

/// What one right lets its holder do with a partition.
fn over(what: &str, object: &str, holder: &str) -> &'static str {
    let Some((right, whom)) = what.split_once(':') else {
        return "";
    };
    if whom != object && (whom != "*" || object == holder) {
        return "";
    }
    match right {
        "partition.status" => "L",
        "partition.stop" => "LE",
        "partition.restart" => "LB",
        "partition.control" => "LEB",
        _ => "",
    }
}

/// The letters of all rights of a partition, in the order of the legend.
fn rights(report: &Report, name: &str, letters: impl Fn(&str) -> &'static str) -> String {
    let own = report
        .capabilities
        .iter()
        .filter(|one| one.partition == name);
    let held: Vec<_> = own.map(|one| letters(&one.what)).collect();
    let all = LETTERS.iter().map(|(letter, _)| *letter);
    all.filter(|letter| held.iter().any(|one| one.contains(*letter)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_over_whom_it_names() {
        assert_eq!(over("partition.stop:plant", "plant", "flight"), "LE");
        assert_eq!(over("partition.stop:plant", "rogue", "flight"), "");
        assert_eq!(over("partition.control:*", "rogue", "flight"), "LEB");
        assert_eq!(over("partition.control:*", "flight", "flight"), "");
        assert_eq!(over("health.log", "plant", "flight"), "");
    }
}
