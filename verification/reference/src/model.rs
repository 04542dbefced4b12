//! The model itself.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::PartitionState;
use cofferdam_abi::{Status, limits, page};
use cofferdam_machine::{Simulation, Write, WriteKind};
use cofferdam_tables::{Channel, ChannelKind, End, RegionKind};

use crate::made::{Called, Made};
use crate::messages::Messages;
use crate::rules;

/// A life of a partition as it was before an operation.
#[derive(Clone, Copy, PartialEq)]
struct Life {
    epoch: u32,
    state: PartitionState,
}

impl Life {
    fn of(simulation: &mut Simulation, partition: u8) -> Self {
        Self {
            epoch: simulation.account(partition).epoch.get(),
            state: simulation.state(partition),
        }
    }

    fn is_up(self) -> bool {
        matches!(self.state, PartitionState::Ready | PartitionState::Waiting)
    }
}

/// A call that its client waits for.
#[derive(Clone, Copy)]
struct Blocked {
    deadline: u64,
    /// Where the reply's bytes may go: a physical address and its room.
    reply: Option<(u32, u32)>,
}

/// A window that began.
#[derive(Clone, Copy)]
struct Opened {
    start: u64,
    end: u64,
    eligible: u32,
}

/// What the kernel has to do, as far as it can be said without the kernel.
pub struct Model {
    schedule: u8,
    next_schedule: u8,
    window: usize,
    opened: Vec<Opened>,
    waits_seen: usize,
    lives: Vec<Life>,
    blocked: Vec<Option<Blocked>>,
    messages: Messages,
    /// The record's and the machine's count of ticks when the model began.
    began: u64,
}

impl Model {
    /// A model of a system whose first window has just begun.
    pub fn new(simulation: &mut Simulation) -> Self {
        let partitions = simulation.system.partitions.len();
        let mut model = Self {
            schedule: simulation.system.module.initial_schedule,
            next_schedule: simulation.system.module.initial_schedule,
            window: 0,
            opened: Vec::new(),
            waits_seen: 1,
            lives: Vec::new(),
            blocked: vec![None; partitions],
            messages: Messages::new(&simulation.system),
            began: simulation.now(),
        };
        model.open(simulation, simulation.start_tick());
        model
    }

    fn open(&mut self, simulation: &Simulation, start: u64) {
        let windows = &simulation.system.schedules[usize::from(self.schedule)].windows;
        let window = &windows[self.window].0;
        self.opened.push(Opened {
            start,
            end: start + u64::from(window.length_ticks),
            eligible: window.eligible,
        });
    }

    fn now_open(&self) -> Opened {
        *self.opened.last().expect("a window is open")
    }

    /// Notes how things are.
    pub fn before(&mut self, simulation: &mut Simulation) {
        self.lives.clear();
        for partition in 0..simulation.system.partitions.len() as u8 {
            self.lives.push(Life::of(simulation, partition));
        }
        simulation.kernel.machine.writes.clear();
    }

    /// Judges what was done.
    pub fn after(&mut self, simulation: &mut Simulation, made: &Made) {
        self.judge_writes(simulation, made);
        if let (Some(actor), Some(call)) = (made.actor, &made.call) {
            rules::judge_status(simulation, actor, call);
            self.messages.judge(simulation, actor, call);
            self.note_call(simulation, actor, call);
        }
        self.judge_windows(simulation);
        self.judge_processor(simulation);
        self.judge_waits(simulation);
        for (partition, before) in self.lives.clone().into_iter().enumerate() {
            let after = Life::of(simulation, partition as u8);
            let ended = before.is_up() && !after.is_up();
            if ended || before.epoch != after.epoch {
                self.messages.life_ended(partition as u8);
                self.blocked[partition] = None;
            }
        }
    }

    /// What a call means for later.
    fn note_call(&mut self, simulation: &Simulation, actor: u8, call: &Called) {
        let [slot, b, .., e, f] = call.arguments;
        let name = call.name();
        match (name, call.outcome.status) {
            (Some(Hypercall::ScheduleSet), Some(Status::Ok)) => self.next_schedule = b as u8,
            (Some(Hypercall::HealthRaise), Some(Status::Ok)) => {
                let own = &simulation.system.partitions[usize::from(actor)].own;
                let error = cofferdam_abi::health::Error::ApplicationError as usize;
                if own.actions[error] == cofferdam_abi::health::Action::SwitchSchedule as u8 {
                    self.next_schedule = own.switch_schedule;
                }
            }
            (Some(Hypercall::Call | Hypercall::CallMessage), None) => {
                let channel = rules::channel(&simulation.system, actor, slot).expect("a channel");
                let allowed = channel.0.deadline_ticks;
                let time_out = if b == 0 { allowed } else { b.min(allowed) };
                let message = name == Some(Hypercall::CallMessage);
                self.blocked[usize::from(actor)] = Some(Blocked {
                    // The operation may have taken the clock over a boundary: never earlier than the truth.
                    deadline: simulation.now() + u64::from(time_out),
                    reply: message.then(|| (simulation.physical(actor, e), f)),
                });
            }
            _ => {}
        }
    }

    /// Windows begin on their ticks, in the order of the schedule.
    fn judge_windows(&mut self, simulation: &Simulation) {
        let waits = &simulation.kernel.machine.waits;
        for (at, now) in &waits[self.waits_seen..] {
            let before = self.now_open();
            assert_eq!(*at, before.end, "a window begins where the last one ends");
            assert_eq!(*now, *at, "a window begins on its tick");
            self.window += 1;
            let schedule = &simulation.system.schedules[usize::from(self.schedule)];
            if self.window == schedule.windows.len() {
                self.window = 0;
                self.schedule = self.next_schedule;
            }
            self.open(simulation, *at);
        }
        self.waits_seen = waits.len();
        let guard = u64::from(simulation.system.module.guard_ticks);
        assert!(
            simulation.now() < self.now_open().end - guard,
            "the processor is taken back a guard before the boundary"
        );
    }

    /// The most urgent partition runs that may.
    fn judge_processor(&mut self, simulation: &mut Simulation) {
        let eligible = self.now_open().eligible;
        let ranks = simulation.system.ranks.clone();
        let mut expected = None;
        for (index, rank) in ranks.iter().enumerate() {
            if eligible & (0x8000_0000 >> index) == 0 {
                continue;
            }
            let used = self.used_in_window(simulation, rank.partition);
            if rank.budget_ticks != 0 && used >= u64::from(rank.budget_ticks) {
                continue;
            }
            let state = simulation.state(rank.partition);
            assert_ne!(state, PartitionState::Starting, "it was eligible");
            if state == PartitionState::Ready {
                expected = Some(rank.partition);
                break;
            }
        }
        assert_eq!(simulation.running(), expected, "who runs");
    }

    /// What a partition had of the window that is open.
    fn used_in_window(&self, simulation: &Simulation, partition: u8) -> u64 {
        let start = self.now_open().start;
        let slices = simulation.slices.iter().rev();
        slices
            .take_while(|(_, from, _)| *from >= start)
            .filter(|(who, ..)| *who == partition)
            .map(|(_, from, to)| to - from)
            .sum()
    }

    /// No call outlives its deadline where its client may run, but for a tick for each other thing that may be due then.
    fn judge_waits(&mut self, simulation: &mut Simulation) {
        for partition in 0..self.blocked.len() as u8 {
            let Some(blocked) = self.blocked[usize::from(partition)] else {
                continue;
            };
            if !simulation.registers(partition).unanswered {
                self.blocked[usize::from(partition)] = None;
                continue;
            }
            let window = self.now_open();
            let ranks = simulation.system.partitions[usize::from(partition)]
                .own
                .ranks;
            let eligible = ranks & window.eligible != 0;
            let due = 2 * simulation.system.partitions.len() + simulation.system.channels.len();
            let noticed = blocked.deadline.max(window.start) + due as u64;
            assert!(
                !eligible || simulation.now() <= noticed,
                "a call waits past its deadline"
            );
        }
    }

    /// Everybody ran in windows of theirs alone, and was charged for exactly that.
    pub fn judge_time(&mut self, simulation: &mut Simulation) {
        self.judge_windows(simulation);
        let guard = u64::from(simulation.system.module.guard_ticks);
        let mut windows = self.opened.iter();
        let mut window = windows.next().expect("a window");
        let mut total = [0u64; limits::PARTITIONS];
        for (partition, from, to) in simulation.slices.clone() {
            if from < self.began {
                continue;
            }
            while from >= window.end {
                window = windows.next().expect("a window");
            }
            let ranks = simulation.system.partitions[usize::from(partition)]
                .own
                .ranks;
            assert!(from >= window.start && to <= window.end - guard);
            assert_ne!(ranks & window.eligible, 0, "it has no part in the window");
            total[usize::from(partition)] += to - from;
        }
        for partition in 0..self.blocked.len() as u8 {
            let charged = simulation.account(partition).cpu_ticks.get();
            assert_eq!(charged, total[usize::from(partition)], "{partition}");
        }
    }

    /// The kernel wrote only where somebody's authority reaches.
    fn judge_writes(&mut self, simulation: &mut Simulation, made: &Made) {
        let writes = std::mem::take(&mut simulation.kernel.machine.writes);
        for write in &writes {
            let allowed = match write.kind {
                WriteKind::Clear => self.may_clear(simulation, write),
                WriteKind::Word => {
                    self.may_set_page(simulation, write)
                        || may_keep_length(simulation, made, write)
                        || may_read_health(simulation, made, write)
                }
                WriteKind::Copy => self.may_copy(simulation, made, write),
            };
            assert!(allowed, "{write:x?} by {:?} {:x?}", made.actor, made.call);
        }
    }

    /// Whether a partition has begun another life.
    fn is_being_started(&self, simulation: &mut Simulation, partition: u8) -> bool {
        let before = self.lives[usize::from(partition)];
        before.state == PartitionState::Starting
            || before.epoch != simulation.account(partition).epoch.get()
    }

    fn may_clear(&self, simulation: &mut Simulation, write: &Write) -> bool {
        (0..self.blocked.len() as u8).any(|partition| {
            let regions = &simulation.system.partitions[usize::from(partition)].regions;
            let inside = regions.iter().any(|region| {
                region.kind == RegionKind::Private
                    && inside(write, region.physical as u32, region.length)
            });
            inside && self.is_being_started(simulation, partition)
        })
    }

    /// The words of a register page that are the kernel's to write.
    fn may_set_page(&self, simulation: &mut Simulation, write: &Write) -> bool {
        (0..self.blocked.len() as u8).any(|partition| {
            let start = simulation.physical(partition, page::ADDRESS);
            if !inside(write, start, page::SIZE) {
                return false;
            }
            match write.physical - start {
                page::MSR | page::PENDING => true,
                page::SRR0 | page::SRR1 | page::DEAR | page::ESR => true,
                page::RELEASE..=page::RELEASES => true,
                page::ENABLED | page::VECTORS..page::RELEASE => {
                    self.is_being_started(simulation, partition)
                }
                _ => false,
            }
        })
    }

    fn may_copy(&self, simulation: &Simulation, made: &Made, write: &Write) -> bool {
        let (Some(actor), Some(call)) = (made.actor, &made.call) else {
            return false;
        };
        let from = write.from.expect("a copy comes from somewhere");
        let source = Write {
            physical: from,
            ..*write
        };
        let [slot, b, c, d, ..] = call.arguments;
        let Some((channel, ends)) = rules::channel(&simulation.system, actor, slot) else {
            return false;
        };
        let into = |address, room| {
            rules::writable(&simulation.system, actor, address, write.length)
                && write.physical == simulation.physical(actor, address)
                && write.length <= room
        };
        let out_of = |address, length| {
            rules::readable(&simulation.system, actor, address, length)
                && from == simulation.physical(actor, address)
                && write.length == length
        };
        match call.name() {
            Some(Hypercall::SamplingWrite | Hypercall::QueuingSend | Hypercall::WriteReply) => {
                in_store(channel, write) && out_of(b, c)
            }
            Some(
                Hypercall::SamplingRead
                | Hypercall::QueuingReceive
                | Hypercall::ReadRequest
                | Hypercall::CallCollect,
            ) => in_store(channel, &source) && into(b, c),
            Some(Hypercall::CallMessage) => in_store(channel, write) && out_of(c, d),
            Some(Hypercall::Reply | Hypercall::ReplyReceive) => {
                // To the client, where it waits for just this.
                let client = usize::from(ends[0].partition);
                let reply = self.blocked[client].and_then(|blocked| blocked.reply);
                let fits = |(place, room)| write.physical == place && write.length <= room;
                in_store(channel, &source) && reply.is_some_and(fits)
            }
            _ => false,
        }
    }
}

fn inside(write: &Write, start: u32, length: u32) -> bool {
    write.physical >= start && write.physical + write.length <= start + length
}

/// Whether it lies in the memory that the kernel keeps a channel's messages in.
fn in_store(channel: &Channel, write: &Write) -> bool {
    let place = channel.message_bytes.next_multiple_of(4) + 4;
    inside(
        write,
        channel.store,
        place * channel.depth + channel.reply_bytes,
    )
}

/// A queue keeps the length of each message beside it.
fn may_keep_length(simulation: &Simulation, made: &Made, write: &Write) -> bool {
    let (Some(actor), Some(call)) = (made.actor, &made.call) else {
        return false;
    };
    let channel: Option<(&Channel, &[End])> =
        rules::channel(&simulation.system, actor, call.arguments[0]);
    call.name() == Some(Hypercall::QueuingSend)
        && channel.is_some_and(|(channel, _)| {
            channel.kind == ChannelKind::Queuing && in_store(channel, write)
        })
}

/// An entry of the health log goes where the caller wants it.
fn may_read_health(simulation: &Simulation, made: &Made, write: &Write) -> bool {
    let (Some(actor), Some(call)) = (made.actor, &made.call) else {
        return false;
    };
    call.name() == Some(Hypercall::HealthRead)
        && rules::writable(&simulation.system, actor, call.arguments[1], 64)
        && inside(write, simulation.physical(actor, call.arguments[1]), 64)
}
