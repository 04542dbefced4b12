//! Who talks to whom: a line for each partition from top to bottom, a rung for each channel.
//!
//! The kind of a channel shows in its rung: dots, a line, dashes, a thick line, dashes and dots; a legend below has those that there are.
//!
//! No two rungs cross, however many there are, so that it stays readable where a drawing of nodes and arrows does not.

use cofferdam_model::show_bytes;
use svg::node::element::Path;

use super::{WIDTH, document, finished, line, text, with_tip};
use crate::data::{Channel, Report};

const RUNG: f64 = 34.0;
const TOP: f64 = 40.0;
/// The place for what a channel is, on the right.
const RIGHT: f64 = 330.0;
/// The kinds in the order of the legend; the page's style has a rung for each.
const KINDS: [&str; 5] = ["sampling", "queuing", "call", "ring", "signal"];
/// The place of a kind in the legend.
const KIND: f64 = 130.0;

/// Draws it.
pub(crate) fn ladder(report: &Report) -> String {
    let partitions = &report.partitions;
    let bottom = TOP + RUNG * report.channels.len() as f64 + 10.0;
    let height = bottom + 34.0;
    let mut drawing = document(height, "Partitions and the channels between them");
    let step = (WIDTH - RIGHT - 60.0) / partitions.len().max(2).saturating_sub(1) as f64;
    let x = |number: usize| 50.0 + step * number as f64;
    for (number, partition) in partitions.iter().enumerate() {
        let place = if number % 2 == 0 { 14.0 } else { 28.0 };
        drawing = drawing
            .add(text(x(number), place, "middle", "name", &partition.name))
            .add(line(x(number), place + 4.0, x(number), bottom, "life").set(
                "style",
                format!("stroke:var(--c{})", number % super::COLOURS),
            ));
    }
    let place = |name: &str| partitions.iter().position(|one| one.name == name);
    for (number, channel) in report.channels.iter().enumerate() {
        let y = TOP + RUNG * number as f64 + 18.0;
        let Some(from) = place(&channel.from.partition) else {
            continue;
        };
        let from = x(from);
        for end in &channel.to {
            let Some(to) = place(&end.partition).map(x) else {
                continue;
            };
            let tip = format!(
                "{}: {}.{} to {}.{}",
                channel.name, channel.from.partition, channel.from.port, end.partition, end.port
            );
            let class = format!("rung {}", channel.kind);
            drawing = drawing.add(with_tip(line(from, y, to, y, &class), &tip));
            drawing = drawing.add(arrow(to, y, to < from));
            // Who gets an answer has an arrow as well.
            if matches!(channel.kind.as_str(), "call" | "ring") {
                drawing = drawing.add(arrow(from, y, from < to));
            }
        }
        drawing = drawing.add(
            svg::node::element::Circle::new()
                .set("cx", format!("{from:.1}"))
                .set("cy", format!("{y:.1}"))
                .set("r", 4)
                .set("class", "source"),
        );
        let beside = WIDTH - RIGHT + 10.0;
        drawing = drawing
            .add(text(beside, y - 3.0, "start", "name", &channel.name))
            .add(text(beside, y + 11.0, "start", "time", &described(channel)));
    }
    let used = |kind: &&&str| report.channels.iter().any(|one| one.kind == **kind);
    let mut at = 50.0;
    for kind in KINDS.iter().filter(used) {
        let y = bottom + 20.0;
        drawing = drawing
            .add(line(at, y, at + 44.0, y, &format!("rung {kind}")))
            .add(text(at + 52.0, y + 4.0, "start", "name", kind));
        at += KIND;
    }
    finished(&drawing)
}

/// A channel in a line.
fn described(channel: &Channel) -> String {
    let mut words = channel.kind.clone();
    if !channel.message.is_empty() {
        words += &format!(", {}", channel.message);
    }
    if channel.depth > 1 {
        words += &format!(" x {}", channel.depth);
    }
    if let Some(bytes) = channel.payload_bytes {
        words += &format!(", {} shared", show_bytes(bytes));
    }
    words
}

fn arrow(x: f64, y: f64, to_the_left: bool) -> Path {
    let back = if to_the_left { 9.0 } else { -9.0 };
    Path::new()
        .set("d", format!("M{x:.1} {y:.1} l{back} -4 v8 z"))
        .set("class", "head")
}
