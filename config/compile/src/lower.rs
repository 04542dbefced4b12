//! The plan as the records that the kernel reads.

use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_abi::limits::NAME_BYTES;
use cofferdam_check::Checked;
use cofferdam_check::wiring::Grant;
use cofferdam_model::{ChannelKind, ErrorAction, PartitionRight, System};
use cofferdam_tables as tables;
use cofferdam_tables::{CapabilityKind, Record};
use zerocopy::IntoBytes;

use crate::plan::{PartitionPlan, Plan, PortPlan, RegionKind, RegionPlan};
use crate::tlb::size_code;

/// How far below a stack an access counts as its overflow: further than one frame reaches, by compilers' habits.
const STACK_GUARD_BYTES: u32 = 0x1_0000;

/// The bytes of the compiled tables.
pub fn tables(checked: &Checked, plan: &Plan) -> Vec<u8> {
    let records = records(checked, plan);
    let count = records.len() as u32;
    let mut bytes = Vec::new();
    for record in &records {
        let encoded = postcard::to_stdvec(record);
        // The only errors are a buffer that is too small and shapes that no record has.
        bytes.extend(encoded.expect("a record can be encoded into memory that grows"));
    }
    let header = tables::seal(&bytes, count);
    [header.as_bytes(), &bytes].concat()
}

/// The records, in the order in which the kernel wants them.
pub fn records(checked: &Checked, plan: &Plan) -> Vec<Record> {
    let mut records = vec![board(checked), module(&checked.system)];
    for block in &plan.ram_blocks {
        records.push(Record::RamBlock(tables::RamBlock {
            physical: block.physical as u32,
            size_code: size_code(block.bytes) as u8,
        }));
    }
    records.extend(bus(checked, plan));
    for index in 0..plan.partitions.len() {
        partition(checked, plan, index, &mut records);
    }
    for index in 0..plan.channels.len() {
        channel(checked, plan, index, &mut records);
    }
    for index in 0..plan.interrupts.len() {
        interrupt(checked, plan, index, &mut records);
    }
    for rank in &plan.ranks {
        records.push(Record::Rank(tables::Rank {
            partition: rank.partition as u8,
            budget_ticks: rank.budget_ticks as u32,
        }));
    }
    for schedule in &plan.schedules {
        records.push(Record::Schedule(tables::Schedule {
            name: name(&schedule.name),
            major_frame_ticks: schedule.major_frame_ticks as u32,
        }));
        let writes = |writes: &[tables::TlbWrite]| {
            writes
                .iter()
                .copied()
                .map(Record::TlbWrite)
                .collect::<Vec<_>>()
        };
        records.extend(writes(&schedule.tlb_writes));
        for window in &schedule.windows {
            records.push(Record::Window(tables::Window {
                start_ticks: window.start_ticks as u32,
                length_ticks: window.length_ticks as u32,
                eligible: window.eligible,
                releases: window.releases,
                interrupts: window.interrupts,
            }));
            records.extend(writes(&window.tlb_writes));
        }
    }
    records
}

/// What a partition may do with a region.
pub fn rights(region: &RegionPlan) -> tables::Rights {
    match region.rights {
        "rx" => tables::Rights::READ_EXECUTE,
        "r" => tables::Rights::READ,
        _ => tables::Rights::READ_WRITE,
    }
}

fn name(text: &str) -> [u8; NAME_BYTES] {
    let mut padded = [0; NAME_BYTES];
    for (to, from) in padded.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    padded
}

fn board(checked: &Checked) -> Record {
    let board = &checked.board;
    Record::Board(tables::Board {
        devices_physical: board.devices_physical,
        interrupt_controller_offset: board.interrupt_controller_offset as u32,
        uart_offset: board.uart_offset as u32,
        reset_offset: board.reset_offset as u32,
        reset_value: board.reset_value as u32,
        timebase_hz: board.timebase_hz as u32,
    })
}

fn bus(checked: &Checked, plan: &Plan) -> Option<Record> {
    let (board, plan) = (checked.board.bus.as_ref()?, plan.bus.as_ref()?);
    let log2 = |bytes: u64| bytes.checked_ilog2().unwrap_or(0) as u8;
    Some(Record::Bus(tables::Bus {
        registers_offset: board.registers_offset as u32,
        memory_physical: board.memory_physical,
        memory_address: board.memory_address as u32,
        memory_log2: log2(board.memory_bytes),
        arena: plan.arena_physical as u32,
        arena_log2: log2(plan.arena_bytes),
    }))
}

fn functions(checked: &Checked, plan: &Plan, index: usize, records: &mut Vec<Record>) {
    let all = plan.bus.iter().flat_map(|bus| &bus.functions);
    for function in all.filter(|function| function.owner == index) {
        let on_board = checked.board.device(&function.device);
        let Some(facts) = on_board.and_then(|device| device.function) else {
            continue;
        };
        records.push(Record::Function(tables::Function {
            number: 8 * facts.slot as u8,
        }));
        records.extend(
            crate::bus::steps(&facts, function)
                .into_iter()
                .map(Record::Step),
        );
    }
}

fn module(system: &System) -> Record {
    let mut actions = [Action::Halt as u8; Error::ALL.len() - PARTITION_ERRORS];
    let mut switch_schedule = 0;
    for one in &system.module_errors {
        actions[*one.error as usize - PARTITION_ERRORS] = *one.action as u8;
        switch_schedule = target(system, one).unwrap_or(switch_schedule);
    }
    let mut schedules = system.schedules.iter();
    let is_initial =
        |one: &cofferdam_model::Schedule| one.initial.as_ref().is_some_and(|initial| **initial);
    Record::Module(tables::Module {
        guard_ticks: *system.guard_ticks as u32,
        initial_schedule: schedules.position(is_initial).unwrap_or(0) as u8,
        actions,
        switch_schedule,
    })
}

fn target(system: &System, action: &ErrorAction) -> Option<u8> {
    let schedule = system.schedule_index(action.schedule.as_ref()?)?;
    Some(schedule as u8)
}

fn partition(checked: &Checked, plan: &Plan, index: usize, records: &mut Vec<Record>) {
    let system = &checked.system;
    let (described, planned) = (&system.partitions[index], &plan.partitions[index]);
    // An error that cannot happen in this partition needs no action; should it happen all the same, it stops.
    let mut actions = [Action::Stop as u8; PARTITION_ERRORS];
    let mut switch_schedule = 0;
    let limit = described.restart.iter().flat_map(|restart| &restart.then);
    for one in system
        .default_errors
        .iter()
        .chain(&described.errors)
        .chain(limit)
    {
        actions[*one.error as usize] = *one.action as u8;
    }
    for one in system.actions_of(index) {
        switch_schedule = target(system, one).unwrap_or(switch_schedule);
    }
    let ranks = plan.ranks.iter().map(|rank| rank.partition == index);
    let page = planned
        .regions
        .iter()
        .find(|region| region.kind == RegionKind::Page);
    let restart = described.restart.as_ref();
    let ticks = |ticks: Option<u64>| ticks.unwrap_or(0) as u32;
    records.push(Record::Partition(tables::Partition {
        name: name(&described.name),
        pid: planned.pid,
        entry: planned.entry,
        stack_top: planned.stack_top,
        stack_bottom: planned.stack_bottom,
        stack_guard: STACK_GUARD_BYTES,
        page_physical: page.map_or(0, |region| region.physical as u32),
        ranks: crate::ranks::set(ranks),
        period_ticks: ticks(planned.period_ticks),
        deadline_ticks: ticks(planned.deadline_ticks),
        autostart: described.autostart,
        actions,
        switch_schedule,
        restart_max: restart.map_or(0, |restart| *restart.max as u16),
        restart_per_ticks: restart.map_or(0, |restart| *restart.per_ticks),
        back_off_ticks: restart.map_or(0, |restart| restart.back_off_ticks as u32),
    }));
    if let Some(guest) = &planned.guest {
        records.push(Record::Guest(tables::Guest {
            memory: guest.memory_physical as u32,
            memory_bytes: guest.memory_bytes as u32,
            page: guest.page_physical as u32,
            translations: guest.translations_physical as u32,
            tag_first: guest.tags.0,
            tag_count: guest.tags.1,
            tlb1_first: guest.places.0,
            tlb1_count: guest.places.1,
            paravirtual: guest.paravirtual,
        }));
    }
    records.extend(planned.regions.iter().map(region));
    for copy in &planned.copies {
        records.push(Record::Copy(tables::Copy {
            from: copy.from_physical as u32,
            to: copy.to_physical as u32,
            length: copy.bytes as u32,
        }));
    }
    records.extend(
        capabilities(checked, plan, index)
            .into_iter()
            .map(Record::Capability),
    );
    functions(checked, plan, index, records);
}

fn region(region: &RegionPlan) -> Record {
    let kind = match region.kind {
        RegionKind::Text | RegionKind::Constants => tables::RegionKind::Image,
        RegionKind::Data
        | RegionKind::Page
        | RegionKind::Guest
        | RegionKind::GuestPage
        | RegionKind::Stack
        | RegionKind::MemoryBlock => tables::RegionKind::Private,
        RegionKind::Ring | RegionKind::Arena => tables::RegionKind::Shared,
        RegionKind::Device => tables::RegionKind::Device,
    };
    Record::Region(tables::Region {
        effective: region.effective,
        physical: region.physical,
        length: region.bytes as u32,
        rights: rights(region),
        kind,
    })
}

fn capabilities(checked: &Checked, plan: &Plan, index: usize) -> Vec<tables::Capability> {
    let planned: &PartitionPlan = &plan.partitions[index];
    let empty = tables::Capability {
        kind: CapabilityKind::Empty,
        object: 0,
        rights: 0,
    };
    let slots = planned.ports.iter().map(|port| port.slot);
    let slots = slots.chain(planned.capabilities.iter().map(|one| one.slot));
    let mut all = vec![empty; slots.map(|slot| slot + 1).max().unwrap_or(0)];
    for port in &planned.ports {
        all[port.slot] = port_capability(checked, port);
    }
    // Slots may have moved with a delivered program's notes, what they hold is the same.
    let grants = checked.wiring[index].capabilities.iter();
    for (capability, planned) in grants.zip(&planned.capabilities) {
        let (kind, object, rights) = match capability.grant {
            Grant::HealthLog => (CapabilityKind::HealthLog, 0, 0),
            Grant::Schedule { set } => (CapabilityKind::Schedule, 0, u8::from(set)),
            Grant::Partition { right, partition } => {
                let rights = match right {
                    PartitionRight::Status => 0,
                    PartitionRight::Stop => 1,
                    PartitionRight::Restart => 2,
                    PartitionRight::Control => 3,
                };
                (CapabilityKind::Partition, partition, rights)
            }
        };
        all[planned.slot] = tables::Capability {
            kind,
            object: object as u8,
            rights,
        };
    }
    all
}

fn port_capability(checked: &Checked, port: &PortPlan) -> tables::Capability {
    let channels = &checked.system.channels;
    let channel_kind = port
        .channel
        .and_then(|channel| channels[channel].kind.as_ref());
    let kind = match (channel_kind.map(|kind| kind.value), port.end) {
        (None, _) => CapabilityKind::Interrupt,
        (Some(ChannelKind::Sampling), Some(0)) => CapabilityKind::SamplingSource,
        (Some(ChannelKind::Sampling), _) => CapabilityKind::SamplingDestination,
        (Some(ChannelKind::Queuing), Some(0)) => CapabilityKind::QueuingSource,
        (Some(ChannelKind::Queuing), _) => CapabilityKind::QueuingDestination,
        (Some(ChannelKind::Call), Some(0)) => CapabilityKind::CallClient,
        (Some(ChannelKind::Call), _) => CapabilityKind::CallServer,
        // The end that hears a signal may ring back, but its peer has no line: it is there for `channel_status`.
        (Some(ChannelKind::Ring | ChannelKind::Signal), _) => CapabilityKind::Signal,
    };
    let object = port.channel.or(port.interrupt).unwrap_or_default();
    tables::Capability {
        kind,
        object: object as u8,
        rights: 0,
    }
}

fn channel(checked: &Checked, plan: &Plan, index: usize, records: &mut Vec<Record>) {
    let (described, planned) = (&checked.system.channels[index], &plan.channels[index]);
    let kind = match described.kind.as_ref().map(|kind| kind.value) {
        Some(ChannelKind::Queuing) => tables::ChannelKind::Queuing,
        Some(ChannelKind::Call) => tables::ChannelKind::Call,
        Some(ChannelKind::Ring) => tables::ChannelKind::Ring,
        Some(ChannelKind::Signal) => tables::ChannelKind::Signal,
        Some(ChannelKind::Sampling) | None => tables::ChannelKind::Sampling,
    };
    records.push(Record::Channel(tables::Channel {
        name: name(&described.name),
        kind,
        message_bytes: planned.message_bytes as u32,
        reply_bytes: planned.reply_bytes as u32,
        depth: planned.depth as u32,
        store: planned.store_physical as u32,
        refresh_ticks: described.refresh_ticks.as_ref().map_or(0, |ticks| **ticks),
        deadline_ticks: described.deadline_ticks.as_ref().map_or(0, |ticks| **ticks) as u32,
    }));
    for (end, (partition, _)) in planned.ends.iter().enumerate() {
        let mut ports = plan.partitions[*partition].ports.iter();
        let port = ports.find(|port| port.channel == Some(index) && port.end == Some(end));
        records.push(Record::End(tables::End {
            partition: *partition as u8,
            line: port.and_then(|port| port.line).unwrap_or(tables::NO_LINE),
        }));
    }
}

fn interrupt(checked: &Checked, plan: &Plan, index: usize, records: &mut Vec<Record>) {
    let planned = &plan.interrupts[index];
    let on_board = checked.board.device(&planned.device);
    let facts = on_board.and_then(|device| device.interrupt);
    let mut devices = checked.system.devices.iter();
    let storm = devices
        .find(|device| *device.name == planned.device)
        .and_then(|device| device.storm.as_ref())
        .map_or((0, 0), |storm| storm.value);
    let mut ports = plan.partitions[planned.owner].ports.iter();
    let port = ports.find(|port| port.interrupt == Some(index));
    records.push(Record::Interrupt(tables::Interrupt {
        source: planned.source as u16,
        level: facts.is_some_and(|facts| facts.level),
        high: facts.is_some_and(|facts| facts.high),
        owner: planned.owner as u8,
        line: port.and_then(|port| port.line).unwrap_or(tables::NO_LINE),
        storm_max: storm.0 as u16,
        storm_ticks: storm.1 as u32,
    }));
}
