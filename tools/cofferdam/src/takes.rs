//! What `build` shows of a plan: what each partition takes, and what each channel carries.

use std::fmt::Write;

use cofferdam_build::Plan;
use serde_json::{Value, json};

/// Two tables for people.
pub fn tables(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format_args!(
        "{:<16}  {:>12}  {:>11}  {:>11}  {:>10}",
        "partition", "TLB1 entries", "asked bytes", "taken bytes", "lost bytes"
    ));
    for partition in &plan.partitions {
        let memory = partition.memory;
        line(format_args!(
            "{:<16}  {:>12}  {:>11}  {:>11}  {:>10}",
            partition.name,
            memory.tlb1_entries,
            memory.asked_bytes,
            memory.taken_bytes,
            memory.lost_bytes
        ));
    }
    if !plan.channels.is_empty() {
        line(format_args!(
            "\n{:<16}  {:<16}  {:<16}",
            "channel", "fingerprint", "of the reply"
        ));
    }
    for channel in &plan.channels {
        let show = |fingerprint: &Option<String>| fingerprint.clone().unwrap_or("-".to_owned());
        line(format_args!(
            "{:<16}  {:<16}  {}",
            channel.name,
            show(&channel.fingerprint),
            show(&channel.reply_fingerprint)
        ));
    }
    text
}

/// The same for programs: members `partitions` and `channels` of the result.
pub fn members(plan: &Plan) -> [(&'static str, Value); 2] {
    let partitions = plan.partitions.iter().map(|partition| {
        let memory = partition.memory;
        json!({
            "name": partition.name,
            "tlb1_entries": memory.tlb1_entries,
            "asked_bytes": memory.asked_bytes,
            "taken_bytes": memory.taken_bytes,
            "lost_bytes": memory.lost_bytes,
        })
    });
    let channels = plan.channels.iter().map(|channel| {
        json!({
            "name": channel.name,
            "fingerprint": channel.fingerprint,
            "reply_fingerprint": channel.reply_fingerprint,
        })
    });
    [
        ("partitions", partitions.collect()),
        ("channels", channels.collect()),
    ]
}
