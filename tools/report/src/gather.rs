//! From a built system to the report's data.

mod caveats;
mod flows;
mod memory;
mod shared;

use anyhow::Result;
use cofferdam_build::{Built, Kernel, Plan};
use cofferdam_check::{latency, residency};
use cofferdam_files::sha256;
use cofferdam_model::{Channel as Described, MessageType, WhenNotRunning};

use crate::data::*;

/// The report of a system.
///
/// # Errors
/// The image is none.
pub fn gather(built: &Built) -> Result<Report> {
    let (system, plan) = (&built.checked.system, &built.plan);
    Ok(Report {
        format: FORMAT.to_owned(),
        system: plan.system.clone(),
        board: plan.board.clone(),
        ram_bytes: plan.ram_bytes,
        tlb1_entries: residency::budget(system),
        timebase_hz: plan.timebase_hz,
        guard_ticks: *system.guard_ticks,
        inputs: inputs(built),
        proved: plan.proved.clone(),
        schedules: schedules(plan),
        memory: memory::pieces(plan, built.image(Kernel::Release))?,
        partitions: partitions(built),
        channels: channels(built),
        capabilities: capabilities(plan),
        flows: flows::flows(&built.checked),
        shared: shared::shared(built),
        interrupts: interrupts(built),
        masters: masters(plan),
        latencies: latencies(built),
        authorities: flows::authorities(&built.checked),
        rewritten: rewritten(built),
        caveats: caveats::of(built),
        proof: None,
        run: None,
    })
}

fn inputs(built: &Built) -> Vec<Input> {
    let warnings = &built.checked.warnings;
    let input = |name: String, content: &[u8]| Input {
        name,
        bytes: content.len() as u64,
        sha256: sha256(content),
    };
    let sources = &warnings.sources;
    // The first file is the system's.
    let text = sources.text(cofferdam_model::FileId(0));
    let images = Kernel::ALL.map(|kernel| {
        let name = format!("image with the kernel `{}`", kernel.name());
        input(name, built.image(kernel))
    });
    [input("system.toml".to_owned(), text.as_bytes())]
        .into_iter()
        .chain(images)
        .collect()
}

/// A set as the tables have it: number 0 is the highest bit.
fn has(set: u32, number: usize) -> bool {
    number < 32 && set & (0x8000_0000 >> number) != 0
}

pub(crate) fn name(plan: &Plan, partition: usize) -> String {
    let found = plan.partitions.get(partition);
    found.map_or_else(String::new, |one| one.name.clone())
}

fn schedules(plan: &Plan) -> Vec<Schedule> {
    let window = |window: &cofferdam_compile::plan::WindowPlan| {
        let eligible = plan.ranks.iter().enumerate();
        let eligible = eligible.filter(|(rank, _)| has(window.eligible, *rank));
        let interrupts = plan.interrupts.iter().enumerate();
        let interrupts = interrupts.filter(|(number, _)| has(window.interrupts, *number));
        let released = (0..plan.partitions.len()).filter(|one| has(window.releases, *one));
        Window {
            start_ticks: window.start_ticks,
            length_ticks: window.length_ticks,
            group: window.group.iter().map(|one| name(plan, *one)).collect(),
            releases: released.map(|one| name(plan, one)).collect(),
            eligible: eligible
                .map(|(_, rank)| Rank {
                    partition: name(plan, rank.partition),
                    budget_ticks: Some(rank.budget_ticks).filter(|budget| *budget > 0),
                })
                .collect(),
            interrupts: interrupts.map(|(_, one)| one.device.clone()).collect(),
            tlb1_entries: window.tlb_entries,
            tlb1_writes: window.tlb_reloads,
        }
    };
    let schedules = plan.schedules.iter();
    schedules
        .map(|schedule| {
            let nobodys = schedule.windows.iter().filter(|one| one.group.is_empty());
            Schedule {
                name: schedule.name.clone(),
                initial: schedule.initial,
                major_frame_ticks: schedule.major_frame_ticks,
                windows: schedule.windows.iter().map(window).collect(),
                slack_ticks: nobodys.map(|one| one.length_ticks).sum(),
            }
        })
        .collect()
}

fn partitions(built: &Built) -> Vec<Partition> {
    let described = &built.checked.system.partitions;
    let plans = built.plan.partitions.iter().zip(described).enumerate();
    plans
        .map(|(index, (plan, described))| {
            let mut regions: Vec<_> = plan.regions.iter().map(memory::region).collect();
            regions.sort_by_key(|region| region.effective);
            let personality = match (&described.guest, &described.apex) {
                (Some(_), _) => "guest",
                (None, Some(_)) => "apex",
                (None, None) => "native",
            };
            // The most particular of several that name an error counts, and it comes last.
            let mut actions: Vec<Action> = Vec::new();
            for one in built.checked.system.actions_of(index) {
                let error = one.error.name().to_owned();
                let action = match &one.schedule {
                    Some(schedule) => format!("{} {}", one.action.name(), schedule.value),
                    None => one.action.name().to_owned(),
                };
                actions.retain(|other| other.error != error);
                actions.push(Action { error, action });
            }
            Partition {
                name: plan.name.clone(),
                personality: personality.to_owned(),
                pid: plan.pid,
                tlb: plan.tlb.to_owned(),
                tlb1_entries: plan.memory.tlb1_entries,
                entry: plan.entry,
                stack_bytes: u64::from(plan.stack_top - plan.stack_bottom),
                asked_bytes: plan.memory.asked_bytes,
                taken_bytes: plan.memory.taken_bytes,
                period_ticks: plan.period_ticks,
                deadline_ticks: plan.deadline_ticks,
                devices: (described.devices.iter())
                    .map(|device| device.value.clone())
                    .collect(),
                regions,
                restart: described.restart.as_ref().map(|restart| Restart {
                    max: *restart.max,
                    per_ticks: *restart.per_ticks,
                }),
                actions,
            }
        })
        .collect()
}

fn channels(built: &Built) -> Vec<Channel> {
    let message = |message: &MessageType| match message {
        MessageType::Bytes(count) => format!("bytes({count})"),
        MessageType::Path(path) => path.clone(),
    };
    let plans = &built.plan.channels;
    let described = built.checked.system.channels.iter();
    plans
        .iter()
        .zip(described)
        .filter_map(|(plan, described): (_, &Described)| {
            let mut ends = plan.ends.iter().map(|(partition, port)| End {
                partition: name(&built.plan, *partition),
                port: port.clone(),
            });
            Some(Channel {
                name: plan.name.clone(),
                kind: plan.kind.to_owned(),
                message: (described.message.as_ref())
                    .map_or_else(String::new, |it| message(&it.value)),
                message_bytes: plan.message_bytes,
                reply: described.reply.as_ref().map(|it| message(&it.value)),
                // Of a ring the kernel has a signal alone, and both ends its places.
                depth: (described.depth.as_ref()).map_or(plan.depth, |depth| **depth),
                payload_bytes: described.payload_bytes.as_ref().map(|bytes| **bytes),
                fingerprint: plan.fingerprint.clone(),
                // A channel has a source; the rules say so.
                from: ends.next()?,
                to: ends.collect(),
            })
        })
        .collect()
}

fn capabilities(plan: &Plan) -> Vec<Capability> {
    let all = plan.partitions.iter().flat_map(|partition| {
        let capabilities = partition.capabilities.iter();
        capabilities.map(|one| Capability {
            partition: partition.name.clone(),
            what: one.text.clone(),
        })
    });
    all.collect()
}

fn interrupts(built: &Built) -> Vec<Interrupt> {
    let devices = &built.checked.system.devices;
    let plans = built.plan.interrupts.iter();
    plans
        .map(|plan| {
            let described = devices.iter().find(|one| *one.name == plan.device);
            let storm = described.and_then(|one| one.storm.as_ref());
            let preempts =
                described.is_some_and(|one| *one.when_not_running == WhenNotRunning::Preempt);
            Interrupt {
                device: plan.device.clone(),
                source: plan.source,
                partition: name(&built.plan, plan.owner),
                when_not_running: if preempts { "preempt" } else { "pend" }.to_owned(),
                storm_count: storm.map(|storm| storm.0),
                storm_ticks: storm.map(|storm| storm.1),
            }
        })
        .collect()
}

fn masters(plan: &Plan) -> Vec<Master> {
    let functions = plan.bus.iter().flat_map(|bus| &bus.functions);
    functions
        .map(|function| Master {
            device: function.device.clone(),
            partition: name(plan, function.owner),
            dma: function.dma.to_owned(),
            reaches: function.reaches.clone(),
        })
        .collect()
}

fn latencies(built: &Built) -> Vec<Latency> {
    let (system, board) = (&built.checked.system, &built.checked.board);
    let interrupts = built.plan.interrupts.iter();
    interrupts
        .filter_map(|interrupt| {
            let mut devices = system.devices.iter();
            let device = devices.position(|one| *one.name == interrupt.device)?;
            let required = system
                .latency
                .iter()
                .filter(|one| *one.device.value == interrupt.device);
            Some(Latency {
                device: interrupt.device.clone(),
                partition: name(&built.plan, interrupt.owner),
                worst_ticks: latency::worst(system, board, device, interrupt.owner),
                required_ticks: required.map(|one| one.bound_ticks).min(),
                interrupts_off_ticks: system.interrupts_off_max_ticks(board),
            })
        })
        .collect()
}

fn rewritten(built: &Built) -> Vec<Rewritten> {
    let all = built.rewritten.iter();
    all.map(|(partition, rewritten)| Rewritten {
        partition: partition.clone(),
        sites: rewritten.sites.len(),
        counts: rewritten
            .counts
            .iter()
            .map(|(what, count)| (what.to_string(), *count))
            .collect(),
    })
    .collect()
}
