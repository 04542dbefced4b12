//! A small report, which tests change.
#![allow(dead_code)]

use cofferdam_report::*;

/// Ticks of the timebase per second.
pub const HZ: u64 = 400_000_000;

/// A window of 1 ms.
pub fn window(start_ticks: u64, group: &[&str]) -> Window {
    Window {
        start_ticks,
        length_ticks: 400_000,
        group: group.iter().map(|one| (*one).to_owned()).collect(),
        releases: Vec::new(),
        eligible: group.iter().map(|one| rank(one, None)).collect(),
        interrupts: Vec::new(),
        tlb1_entries: 4,
        tlb1_writes: 2,
    }
}

/// A place among those that may run.
pub fn rank(partition: &str, budget_ticks: Option<u64>) -> Rank {
    Rank {
        partition: partition.to_owned(),
        budget_ticks,
    }
}

fn partition(name: &str, pid: u8) -> Partition {
    Partition {
        name: name.to_owned(),
        personality: "native".to_owned(),
        pid,
        tlb: "pinned".to_owned(),
        tlb1_entries: 2,
        entry: 0x0100_0000,
        stack_bytes: 4096,
        asked_bytes: 0x4000,
        taken_bytes: 0x4000,
        period_ticks: Some(2 * HZ / 1000),
        deadline_ticks: Some(HZ / 1000),
        devices: Vec::new(),
        regions: Vec::new(),
        restart: None,
        actions: Vec::new(),
    }
}

/// A direct flow.
pub fn flow(from: &str, to: &str, by: &str) -> Flow {
    Flow {
        from: from.to_owned(),
        to: to.to_owned(),
        direct: vec![by.to_owned()],
        through: Vec::new(),
    }
}

/// A system of two partitions.
pub fn report() -> Report {
    Report {
        format: FORMAT.to_owned(),
        system: "small".to_owned(),
        board: "ppce500".to_owned(),
        ram_bytes: 128 << 20,
        tlb1_entries: 9,
        timebase_hz: HZ,
        guard_ticks: 4000,
        inputs: vec![Input {
            name: "image with the kernel `trace`".to_owned(),
            bytes: 4096,
            sha256: "abc".to_owned(),
        }],
        proved: vec!["one -/-> two".to_owned()],
        schedules: vec![Schedule {
            name: "normal".to_owned(),
            initial: true,
            major_frame_ticks: 800_000,
            windows: vec![window(0, &["one"]), window(400_000, &["two"])],
            slack_ticks: 0,
        }],
        memory: vec![Piece {
            physical: 0x0400_0000,
            bytes: 0x4000,
            holders: vec!["one".to_owned()],
            what: "text".to_owned(),
            rights: "rx".to_owned(),
        }],
        partitions: vec![partition("one", 1), partition("two", 2)],
        channels: Vec::new(),
        capabilities: Vec::new(),
        flows: vec![flow("one", "two", "by the channel `it`")],
        shared: vec![Shared {
            what: "caches".to_owned(),
            between: vec!["one".to_owned(), "two".to_owned()],
            kept_apart: "nothing".to_owned(),
            noticed: "time".to_owned(),
        }],
        interrupts: Vec::new(),
        masters: Vec::new(),
        latencies: vec![Latency {
            device: "uart0".to_owned(),
            partition: "one".to_owned(),
            worst_ticks: Some(HZ / 100),
            required_ticks: None,
            interrupts_off_ticks: 800,
        }],
        authorities: Vec::new(),
        rewritten: Vec::new(),
        caveats: Vec::new(),
        proof: None,
        run: None,
    }
}
