//! The maxima of the kernel's static tables.

use cofferdam_abi::{limits, page, space};
use cofferdam_model::{Board, Span, System, show_ticks};

use super::{Findings, Rule, rule};
use crate::wiring::Wiring;

pub(super) static RULES: &[&Rule] = &[
    &LIMIT_PARTITIONS,
    &LIMIT_CHANNELS,
    &LIMIT_ENDS,
    &LIMIT_CAPABILITIES,
    &LIMIT_LINES,
    &LIMIT_SCHEDULES,
    &LIMIT_WINDOWS,
    &LIMIT_INTERRUPTS,
    &LIMIT_PLACES,
    &LIMIT_TIME,
];

fn limit(
    rule: &Rule,
    place: Span,
    what: &str,
    count: usize,
    limit: usize,
    findings: &mut Findings,
) {
    if count > limit {
        let message = format!("{count} {what}, and the kernel has room for {limit}");
        let hint = "the limit is in `microkernel/abi`, with what raising it costs";
        findings.push(rule.violation(place, message).hint(hint));
    }
}

rule! {
    /// There are at most 16 partitions.
    LIMIT_PARTITIONS = "LIMIT-PARTITIONS", partitions;
}

fn partitions(system: &System, _: &Board, findings: &mut Findings) {
    let place = system
        .partitions
        .last()
        .map_or(system.name.span, |one| one.name.span);
    let count = system.partitions.len();
    limit(
        &LIMIT_PARTITIONS,
        place,
        "partitions",
        count,
        limits::PARTITIONS,
        findings,
    );
}

rule! {
    /// There are at most 64 channels.
    LIMIT_CHANNELS = "LIMIT-CHANNELS", channels;
}

fn channels(system: &System, _: &Board, findings: &mut Findings) {
    let place = system
        .channels
        .last()
        .map_or(system.name.span, |one| one.name.span);
    let count = system.channels.len();
    limit(
        &LIMIT_CHANNELS,
        place,
        "channels",
        count,
        limits::CHANNELS,
        findings,
    );
}

rule! {
    /// The channels together have at most 192 ends.
    LIMIT_ENDS = "LIMIT-ENDS", ends;
}

fn ends(system: &System, _: &Board, findings: &mut Findings) {
    let place = system
        .channels
        .last()
        .map_or(system.name.span, |one| one.name.span);
    let count = system.channels.iter().map(|one| one.ends().count()).sum();
    limit(
        &LIMIT_ENDS,
        place,
        "ends of channels",
        count,
        limits::CHANNEL_ENDS,
        findings,
    );
}

rule! {
    /// The partitions together have at most 256 ports and capabilities.
    LIMIT_CAPABILITIES = "LIMIT-CAPABILITIES", capabilities;
}

fn capabilities(system: &System, board: &Board, findings: &mut Findings) {
    let count = (0..system.partitions.len())
        .map(|index| Wiring::of(system, board, index, &|_| None).slots())
        .sum();
    limit(
        &LIMIT_CAPABILITIES,
        system.name.span,
        "ports and capabilities",
        count,
        limits::CAPABILITIES,
        findings,
    );
}

rule! {
    /// Each partition has at most 30 ports with a line.
    ///
    /// A partition has 32 virtual interrupt lines; the first two are the timer's and the release's.
    LIMIT_LINES = "LIMIT-LINES", lines;
}

fn lines(system: &System, board: &Board, findings: &mut Findings) {
    for (index, partition) in system.partitions.iter().enumerate() {
        let wiring = Wiring::of(system, board, index, &|_| None);
        let count = wiring
            .ports
            .iter()
            .filter(|port| port.line.is_some())
            .count();
        let room = limits::LINES - page::LINE_FIRST_FREE as usize;
        limit(
            &LIMIT_LINES,
            partition.name.span,
            "ports with a line",
            count,
            room,
            findings,
        );
    }
}

rule! {
    /// There are at most 8 schedules.
    LIMIT_SCHEDULES = "LIMIT-SCHEDULES", schedules;
}

fn schedules(system: &System, _: &Board, findings: &mut Findings) {
    let place = system
        .schedules
        .last()
        .map_or(system.name.span, |one| one.name.span);
    let count = system.schedules.len();
    limit(
        &LIMIT_SCHEDULES,
        place,
        "schedules",
        count,
        limits::SCHEDULES,
        findings,
    );
}

rule! {
    /// The schedules together have at most 128 windows.
    LIMIT_WINDOWS = "LIMIT-WINDOWS", windows;
}

fn windows(system: &System, _: &Board, findings: &mut Findings) {
    let place = system
        .schedules
        .last()
        .map_or(system.name.span, |one| one.name.span);
    let count = system.schedules.iter().map(|one| one.windows.len()).sum();
    limit(
        &LIMIT_WINDOWS,
        place,
        "windows",
        count,
        limits::WINDOWS,
        findings,
    );
}

rule! {
    /// There are at most 32 devices with an interrupt.
    LIMIT_INTERRUPTS = "LIMIT-INTERRUPTS", interrupts;
}

fn interrupts(system: &System, board: &Board, findings: &mut Findings) {
    let interrupts = |name: &str| {
        board
            .device(name)
            .is_some_and(|one| one.interrupt.is_some())
    };
    let count = system
        .devices
        .iter()
        .filter(|one| interrupts(&one.name))
        .count();
    limit(
        &LIMIT_INTERRUPTS,
        system.name.span,
        "devices with an interrupt",
        count,
        limits::INTERRUPTS,
        findings,
    );
}

rule! {
    /// Each partition has at most 64 rings and 64 devices.
    ///
    /// That is how many places of 16M there are for either in its address space.
    LIMIT_PLACES = "LIMIT-PLACES", places;
}

fn places(system: &System, _: &Board, findings: &mut Findings) {
    let room = ((space::DEVICES - space::SHARED) / space::STRIDE) as usize;
    for (index, partition) in system.partitions.iter().enumerate() {
        let place = partition.name.span;
        let rings = crate::programs::rings(system, index).count();
        limit(&LIMIT_PLACES, place, "rings", rings, room, findings);
        let devices = partition.devices.len();
        limit(&LIMIT_PLACES, place, "devices", devices, room, findings);
    }
}

rule! {
    /// A window, and the deadline of a call, are at most 2^30 timebase ticks long.
    ///
    /// Within a window the kernel compares times by the lower half of the timebase alone.
    LIMIT_TIME = "LIMIT-TIME", time;
}

fn time(system: &System, board: &Board, findings: &mut Findings) {
    let windows = system.schedules.iter().flat_map(|one| &one.windows);
    let lengths = windows.map(|window| (&window.length_ticks, "a window"));
    let deadlines = system
        .channels
        .iter()
        .filter_map(|one| one.deadline_ticks.as_ref());
    let deadlines = deadlines.map(|deadline| (deadline, "the deadline of a call"));
    for (ticks, what) in lengths.chain(deadlines) {
        if **ticks > u64::from(limits::TICKS) {
            let show = |ticks: u64| show_ticks(ticks, board.timebase_hz);
            let message = format!("{} is too long for {what}", show(**ticks));
            let hint = format!("at most {}", show(u64::from(limits::TICKS)));
            findings.push(LIMIT_TIME.violation(ticks.span, message).hint(hint));
        }
    }
}
