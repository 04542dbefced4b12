//! Serves the page over the network that its port `network` leads to.
//!
//! It has no period and no deadline: it works when a frame comes, and waits otherwise.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::{HealthRecord, MODULE, PartitionState};
use cofferdam_native::{
    Lines, Sample, SamplingDestination, Schedule, ipc::Message, page, stop_self, time, wait,
};
use heapless::{Deque, String};
use network_client::{Client, RingChannel};
use status::{
    Buffers, CONNECTIONS, Event, Page, PartitionRow, RESPONSE_BYTES, Server, SocketStorage,
    WindowRow, Wire,
};

cofferdam_native::partition!("status", main);

/// Where QEMU's own network expects a machine, and the length of its prefix.
const ADDRESS: ([u8; 4], u8) = ([10, 0, 2, 15], 24);
const TICKS_PER_US: u64 = ports::TIMEBASE_HZ as u64 / 1_000_000;
const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1_000;
/// So many entries of the health log are shown.
const EVENTS: usize = 8;

/// What stands for a schedule that the file does not have.
const NO_SCHEDULE: Schedule = Schedule {
    name: "unknown",
    frame_ticks: 0,
    windows: &[],
};

/// What was read of the health log.
struct Log {
    last: Deque<HealthRecord, EVENTS>,
    count: u32,
}

fn main() -> ! {
    let ends = ports::NETWORK.attach();
    let client = ends.and_then(|ends| {
        let channel = RingChannel::new(ends, ports::NETWORK.payload());
        Client::new(channel, page::epoch())
    });
    // In each life the ends are there once, and the file gives payload enough.
    let Some(client) = client else { stop_self() };
    let mut wire = Wire::new(client);
    let station = loop {
        wire.client().poll();
        wire.client().announce();
        if let Some(station) = wire.client().address() {
            break station;
        }
        wait(ports::NETWORK.line());
    };
    let mut buffers = [const { Buffers::EMPTY }; CONNECTIONS];
    let mut storage = [const { SocketStorage::EMPTY }; CONNECTIONS];
    let memory = (&mut buffers, &mut storage);
    let mut server = Server::new(&mut wire, station, ADDRESS, time::now(), memory);
    let mut log = Log {
        last: Deque::new(),
        count: 0,
    };
    let mut shown = 0;
    loop {
        let now_ms = time::now() / TICKS_PER_MS;
        wire.client().poll();
        server.serve(&mut wire, now_ms, &mut |response| {
            log.read();
            write_page(response, &log, shown);
            shown += 1;
        });
        wire.client().poll();
        wire.client().announce();
        if wire.client().has_arrived() {
            continue;
        }
        match server.next_ms(now_ms) {
            Some(next) => time::set_timer(next.saturating_mul(TICKS_PER_MS)),
            None => time::cancel_timer(),
        }
        wait(ports::NETWORK.line() | Lines::TIMER);
    }
}

impl Log {
    /// Reads what is new.
    fn read(&mut self) {
        while let Ok(Some(record)) = ports::HEALTH_LOG.read() {
            if self.last.is_full() {
                self.last.pop_front();
            }
            // There is room.
            let _ = self.last.push_back(record);
            self.count += 1;
        }
    }
}

fn write_page(response: &mut String<RESPONSE_BYTES>, log: &Log, shown: u32) {
    let status = ports::SCHEDULE_STATUS.read();
    let number = status.map_or(0, |status| status.now as usize);
    let schedule = ports::SCHEDULES.get(number).unwrap_or(&NO_SCHEDULE);
    let us = |ticks: u32| u64::from(ticks) / TICKS_PER_US;
    let windows = schedule.windows.iter().map(|window| WindowRow {
        at_us: us(window.at_ticks),
        us: us(window.ticks),
        partitions: window.partitions,
    });
    let partitions = (ports::PARTITION_STATUSES.iter()).filter_map(|(name, status)| {
        let summary = status.read().ok()?;
        Some(PartitionRow {
            name,
            state: state_name(summary.state),
            processor_us: summary.processor_ticks / TICKS_PER_US,
            restarts: summary.restarts,
            events: summary.health_events,
        })
    });
    let events = log.last.iter().map(|record| Event {
        at_ms: record.tick.get() / TICKS_PER_MS,
        partition: who(record.partition.get()),
        error: Error::from_number(record.error).map_or("unknown", Error::name),
        action: Action::from_number(record.action).map_or("unknown", Action::name),
    });
    let network = ports::SWITCH.read().ok().flatten();
    let page = Page {
        uptime_ms: time::now() / TICKS_PER_MS,
        major_frames: status.map_or(0, |status| status.major_frames),
        schedule: (schedule.name, us(schedule.frame_ticks)),
        windows,
        attitude: fresh(&ports::ATTITUDE),
        elevator: fresh(&ports::ELEVATOR),
        partitions,
        network: network.as_ref().map(|sample| &sample.value),
        events,
        event_count: log.count,
        shown,
    };
    page.write(response);
}

/// The value of a channel, if it is not too old.
fn fresh<T: Message>(channel: &SamplingDestination<T>) -> Option<T> {
    match channel.read() {
        Ok(Some(Sample {
            value, valid: true, ..
        })) => Some(value),
        _ => None,
    }
}

fn who(partition: u16) -> &'static str {
    match partition {
        MODULE => "the module",
        partition => ports::PARTITION_NAMES
            .get(usize::from(partition))
            .unwrap_or(&"unknown"),
    }
}

const fn state_name(state: Option<PartitionState>) -> &'static str {
    match state {
        Some(PartitionState::Stopped) => "stopped",
        Some(PartitionState::Starting) => "starting",
        Some(PartitionState::Ready) => "ready",
        Some(PartitionState::Waiting) => "waiting",
        Some(PartitionState::Delayed) => "delayed",
        None => "unknown",
    }
}
