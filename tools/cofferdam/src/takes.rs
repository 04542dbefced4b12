//! What `build` shows of a plan: what each partition takes, what each channel carries, and whose memory each device on the bus reaches.

use std::fmt::Write;

use cofferdam_build::{FunctionPlan, Plan, RegionPlan};
use serde_json::{Value, json};

/// Tables for people.
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
    let stacks = stacks(plan);
    if !stacks.is_empty() {
        line(format_args!(
            "\n{:<16}  {:<20}  {:>11}  {:>11}  {:>15}",
            "partition", "stack", "address", "bytes", "unmapped below"
        ));
    }
    for (partition, stack, guard_bytes) in stacks {
        line(format_args!(
            "{partition:<16}  {:<20}  {:>#11x}  {:>11}  {guard_bytes:>15}",
            stack.name, stack.effective, stack.bytes
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
    let functions = functions(plan);
    if !functions.is_empty() {
        line(format_args!(
            "\n{:<16}  {:<16}  {:<8}  {}",
            "device", "owner", "dma", "reaches memory of"
        ));
    }
    for function in functions {
        let reaches = match function.reaches.as_slice() {
            [] => "-".to_owned(),
            others => others.join(", "),
        };
        line(format_args!(
            "{:<16}  {:<16}  {:<8}  {reaches}",
            function.device,
            owner(plan, function),
            function.dma
        ));
    }
    text
}

/// The stacks of ARINC 653 processes, with whose they are and how much is unmapped below them.
fn stacks(plan: &Plan) -> Vec<(&str, &RegionPlan, u64)> {
    let all = plan.partitions.iter().flat_map(|partition| {
        let regions = partition.regions.iter();
        regions.map(|region| (partition.name.as_str(), region))
    });
    all.filter_map(|(partition, region)| Some((partition, region, region.guard_bytes?)))
        .collect()
}

/// The devices on the bus.
fn functions(plan: &Plan) -> &[FunctionPlan] {
    plan.bus.as_ref().map_or(&[], |bus| &bus.functions)
}

fn owner<'p>(plan: &'p Plan, function: &FunctionPlan) -> &'p str {
    let partition = plan.partitions.get(function.owner);
    partition.map_or("-", |partition| &partition.name)
}

/// The same for programs: members `partitions`, `stacks`, `channels` and `devices` of the result.
pub fn members(plan: &Plan) -> [(&'static str, Value); 4] {
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
    let stacks = stacks(plan).into_iter();
    let stacks = stacks.map(|(partition, stack, guard_bytes)| {
        json!({
            "partition": partition,
            "name": stack.name,
            "address": stack.effective,
            "bytes": stack.bytes,
            "unmapped_below_bytes": guard_bytes,
        })
    });
    let channels = plan.channels.iter().map(|channel| {
        json!({
            "name": channel.name,
            "fingerprint": channel.fingerprint,
            "reply_fingerprint": channel.reply_fingerprint,
        })
    });
    let devices = functions(plan).iter().map(|function| {
        json!({
            "name": function.device,
            "owner": owner(plan, function),
            "dma": function.dma,
            "reaches": function.reaches,
        })
    });
    [
        ("partitions", partitions.collect()),
        ("stacks", stacks.collect()),
        ("channels", channels.collect()),
        ("devices", devices.collect()),
    ]
}
