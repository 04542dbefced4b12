//! The system under test on the host, and its configuration, which every other system under test has as well.

use core::fmt::Write;

use cofferdam_apex::{
    Direction, Environment, ErrorCode, ErrorLevel, Facts, Failed, HealthAction, MemoryBlock,
    MemoryBlockMode, Name, OperatingMode, Partition, PartitionError, PartitionPeriod, QueuingFacts,
    Runs, Sample, SamplingFacts, ScheduleState, Sent, Start, StartCondition, SystemTime,
};
use heapless::{Deque, Vec};

use crate::call::{Answer, Call, MESSAGE_BYTES};
use crate::dispatch::{collect, dispatch};
use crate::system::System;

cofferdam_apex::limits! {
    /// The sizes of the partition under test: small, so that each can be filled.
    pub struct Small {
        processes: 6,
        message_bytes: MESSAGE_BYTES,
        storage_bytes: 200,
        buffers: 2,
        blackboards: 2,
        semaphores: 2,
        events: 2,
        mutexes: 2,
        sampling_ports: 2,
        queuing_ports: 2,
        errors: 3,
    }
}

/// The partition's period: 10 ms.
pub const PERIOD_NS: u64 = 10_000_000;
/// The refresh period of the sampling ports: 20 ms.
pub const REFRESH_NS: u64 = 20_000_000;
/// Ticks per second, as on `ppce500`: a tick is 2.5 ns.
pub const TIMEBASE_HZ: u32 = 400_000_000;
/// How far the next window of a partition is away, in ticks: 1 ms.
pub const NEXT_WINDOW_TICKS: u64 = 400_000;
/// How many messages the queuing ports hold.
pub const DEPTH: usize = 2;

const fn sampling(name: &str, direction: Direction) -> SamplingFacts {
    SamplingFacts {
        name: Name::new(name),
        direction,
        message_bytes: 8,
        refresh: SystemTime(REFRESH_NS as i64),
    }
}

const fn queuing(name: &str, direction: Direction) -> QueuingFacts {
    QueuingFacts {
        name: Name::new(name),
        direction,
        message_bytes: 8,
        depth: DEPTH as u32,
    }
}

/// The configuration. More ports than fit, so that too many can be created.
pub static FACTS: Facts = Facts {
    identifier: 3,
    period: Some(PartitionPeriod {
        nanoseconds: PERIOD_NS as i64,
        ticks: PERIOD_NS * TIMEBASE_HZ as u64 / 1_000_000_000,
    }),
    duration: SystemTime(4_000_000),
    timebase_hz: TIMEBASE_HZ,
    // As many as processes, large ones behind small ones.
    stacks: &[4_096, 4_096, 8_192, 4_096, 8_192, 4_096],
    error_handler_stack_bytes: 8_192,
    // Failures of the hardware and of the power are for the partition's level.
    error_levels: [
        ErrorLevel::Process,
        ErrorLevel::Process,
        ErrorLevel::Process,
        ErrorLevel::Process,
        ErrorLevel::Process,
        ErrorLevel::Process,
        ErrorLevel::Partition,
        ErrorLevel::Partition,
    ],
    sampling_ports: &[
        sampling("s_out", Direction::Source),
        sampling("s_in", Direction::Destination),
        sampling("s_more", Direction::Destination),
    ],
    queuing_ports: &[
        queuing("q_out", Direction::Source),
        queuing("q_in", Direction::Destination),
        queuing("q_more", Direction::Destination),
    ],
    memory_blocks: &[MemoryBlock {
        name: Name::new("block"),
        address: 0x10_0000,
        bytes: 4096,
        mode: MemoryBlockMode::ReadWrite,
    }],
    schedules: &[Name::new("cruise"), Name::new("landing")],
    may_set_schedule: true,
    schedule_changes: &[],
};

/// The same for a partition that has no period, and may not switch schedules.
pub static RESTRICTED: Facts = Facts {
    may_set_schedule: false,
    period: None,
    ..FACTS
};

type Bytes = Vec<u8, MESSAGE_BYTES>;

/// The world outside of the partition.
#[derive(Clone, Debug)]
pub struct World {
    now: u64,
    sampling: [Option<(Bytes, u64)>; 3],
    queues: [Deque<Bytes, DEPTH>; 3],
    lost: [bool; 3],
    /// Errors at the level of the partition.
    pub errors: usize,
    restarts: bool,
    mode: Option<OperatingMode>,
    reported: usize,
    schedule: ScheduleState,
    /// What a peer writes into a port behind the next look at it or read of it: a window may end between two calls of the kernel.
    pub written_next: Option<(usize, &'static [u8])>,
}

impl World {
    /// At this tick, with nothing sent, written or asked for.
    pub const fn new(now: u64) -> Self {
        Self {
            now,
            sampling: [const { None }; 3],
            queues: [const { Deque::new() }; 3],
            lost: [false; 3],
            errors: 0,
            restarts: false,
            mode: None,
            reported: 0,
            schedule: ScheduleState {
                current: 0,
                next: 0,
                switched: 0,
            },
            written_next: None,
        }
    }
}

fn bytes(message: &[u8]) -> Bytes {
    Bytes::from_slice(message).unwrap_or_default()
}

impl Environment for World {
    fn sampling_write(&mut self, port: usize, message: &[u8]) {
        self.sampling[port] = Some((bytes(message), self.now));
    }

    fn sampling_read(&mut self, port: usize, room: &mut [u8]) -> Option<Sample> {
        let (message, _) = self.sampling[port].as_ref()?;
        room[..message.len()].copy_from_slice(message);
        self.sampling_peek(port)
    }

    fn sampling_peek(&mut self, port: usize) -> Option<Sample> {
        let sample = self.sampling[port]
            .as_ref()
            .map(|(message, written)| Sample {
                length: message.len(),
                written: *written,
            });
        if let Some((port, message)) = self.written_next.take() {
            self.now += NEXT_WINDOW_TICKS;
            self.sampling_write(port, message);
        }
        sample
    }

    fn queuing_send(&mut self, port: usize, message: &[u8]) -> Sent {
        match self.queues[port].push_back(bytes(message)) {
            Ok(()) => Sent::Queued,
            Err(_) => Sent::Full,
        }
    }

    fn queuing_receive(&mut self, port: usize, room: &mut [u8]) -> Option<(usize, bool)> {
        let message = self.queues[port].pop_front()?;
        room[..message.len()].copy_from_slice(&message);
        Some((message.len(), core::mem::take(&mut self.lost[port])))
    }

    fn queuing_held(&mut self, port: usize) -> u32 {
        self.queues[port].len() as u32
    }

    fn queuing_clear(&mut self, port: usize) {
        self.queues[port].clear();
    }

    fn mode_changed(&mut self, mode: OperatingMode) {
        self.mode = Some(mode);
    }

    fn partition_error(&mut self, _: &PartitionError) -> HealthAction {
        self.errors += 1;
        if self.restarts {
            HealthAction::End(OperatingMode::ColdStart)
        } else {
            HealthAction::Continue
        }
    }

    fn application_message(&mut self, _: &[u8]) {
        self.reported += 1;
    }

    fn set_schedule(&mut self, schedule: usize) {
        self.schedule.next = schedule;
    }

    fn schedule_state(&mut self) -> ScheduleState {
        self.schedule
    }
}

/// What is written to it, as one number.
struct Digest(u64);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        Ok(())
    }
}

/// The partition under test, on plain data.
#[derive(Clone, Debug)]
pub struct Host {
    facts: &'static Facts,
    /// The partition, for what only the host can look at.
    pub partition: Partition<World, Small>,
}

impl Host {
    /// In a cold start, 1 ms behind a release of the partition.
    pub fn new(facts: &'static Facts) -> Self {
        let world = World::new(400_000);
        Self {
            facts,
            partition: Partition::new(
                world,
                facts,
                Self::start(false, StartCondition::NormalStart, 400_000),
            ),
        }
    }

    const fn start(warm: bool, condition: StartCondition, now: u64) -> Start {
        Start {
            warm,
            condition,
            now,
            release: 0,
        }
    }

    fn now(&self) -> u64 {
        self.time() * u64::from(TIMEBASE_HZ) / 1_000_000_000
    }
}

impl System for Host {
    fn call(&mut self, call: Call) -> Answer {
        dispatch(&mut self.partition, call)
    }

    fn collect(&mut self) -> Answer {
        collect(&mut self.partition)
    }

    fn running(&self) -> Runs {
        self.partition.running()
    }

    fn pass(&mut self, nanoseconds: u64) {
        let ticks = (nanoseconds * u64::from(TIMEBASE_HZ)).div_ceil(1_000_000_000);
        let world = self.partition.environment();
        world.now += ticks;
        let now = world.now;
        self.partition.advance(now);
    }

    fn time(&self) -> u64 {
        self.partition.get_time().0 as u64
    }

    fn fault(&mut self, code: ErrorCode) {
        self.partition.fault(Failed {
            code,
            address: 0x1234,
        });
    }

    fn peer_sends(&mut self, port: usize, message: &'static [u8]) -> bool {
        let world = self.partition.environment();
        let queued = world.queuing_send(port, message) == Sent::Queued;
        world.lost[port] |= !queued;
        self.partition.queuing_port_changed(port);
        queued
    }

    fn peer_receives(&mut self, port: usize) -> Option<u8> {
        let message = self.partition.environment().queues[port].pop_front();
        self.partition.queuing_port_changed(port);
        message?.first().copied()
    }

    fn peer_writes(&mut self, port: usize, message: &'static [u8]) {
        self.partition.environment().sampling_write(port, message);
    }

    fn partition_errors(&self) -> usize {
        self.partition.clone().environment().errors
    }

    fn restart_at_errors(&mut self) {
        self.partition.environment().restarts = true;
    }

    fn mode_asked(&self) -> Option<u32> {
        self.partition
            .clone()
            .environment()
            .mode
            .map(|mode| mode as u32)
    }

    fn messages_reported(&self) -> usize {
        self.partition.clone().environment().reported
    }

    fn major_frame_ends(&mut self) {
        let now = self.now();
        let schedule = &mut self.partition.environment().schedule;
        if schedule.next != schedule.current {
            schedule.current = schedule.next;
            schedule.switched = now;
        }
    }

    fn restart(&mut self, warm: bool) {
        let world = World::new(self.now());
        let start = Self::start(warm, StartCondition::HmPartitionRestart, world.now);
        self.partition = Partition::new(world, self.facts, start);
    }

    fn restrict(&mut self) {
        *self = Self::new(&RESTRICTED);
    }

    fn state(&self) -> u64 {
        // FNV-1a, 64 bits.
        let mut digest = Digest(0xcbf2_9ce4_8422_2325);
        match write!(digest, "{:?}", self.partition) {
            Ok(()) => digest.0,
            Err(_) => 0,
        }
    }

    fn is_consistent(&self) -> bool {
        self.partition.is_consistent()
    }
}
