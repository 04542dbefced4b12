//! The model itself.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::PartitionState;
use cofferdam_abi::{Status, limits, page};
use cofferdam_machine::{Simulation, Write, WriteKind};
use cofferdam_tables::{Channel, ChannelKind, End, RegionKind};

use crate::answers::{Answers, Schedules};
use crate::before::{Before, Life};
use crate::calls::Calls;
use crate::lines::Raised;
use crate::made::{Called, Made};
use crate::messages::Messages;
use crate::rules;

/// A window that began.
#[derive(Clone, Copy)]
struct Opened {
    start: u64,
    end: u64,
    eligible: u32,
    interrupts: u32,
    releases: u32,
}

/// What the kernel has to do, as far as it can be said without the kernel.
pub struct Model {
    schedules: Schedules,
    window: usize,
    opened: Vec<Opened>,
    waits_seen: usize,
    before: Before,
    /// The virtual timers that may still fire.
    timers: [Option<u64>; limits::PARTITIONS],
    calls: Calls,
    messages: Messages,
    answers: Answers,
    /// The record's and the machine's count of ticks when the model began.
    began: u64,
}

impl Model {
    /// A model of a system whose first window has just begun.
    pub fn new(simulation: &mut Simulation) -> Self {
        let initial = simulation.system.module.initial_schedule;
        let mut model = Self {
            schedules: Schedules {
                now: initial,
                next: initial,
                frames: 0,
                switched: 0,
            },
            window: 0,
            opened: Vec::new(),
            waits_seen: 1,
            before: Before::default(),
            timers: [None; limits::PARTITIONS],
            calls: Calls::new(&simulation.system),
            messages: Messages::new(&simulation.system),
            answers: Answers::default(),
            began: simulation.now(),
        };
        model.open(simulation, simulation.start_tick());
        model
    }

    fn open(&mut self, simulation: &Simulation, start: u64) {
        let windows = &simulation.system.schedules[usize::from(self.schedules.now)].windows;
        let window = &windows[self.window].0;
        self.opened.push(Opened {
            start,
            end: start + u64::from(window.length_ticks),
            eligible: window.eligible,
            interrupts: window.interrupts,
            releases: window.releases,
        });
    }

    fn now_open(&self) -> Opened {
        *self.opened.last().expect("a window is open")
    }

    /// Notes how things are.
    pub fn before(&mut self, simulation: &mut Simulation) {
        self.before = Before::of(simulation, self.began);
        simulation.kernel.machine.writes.clear();
    }

    /// Judges what was done.
    pub fn after(&mut self, simulation: &mut Simulation, made: &Made) {
        let mut raised = Raised::default();
        let windows_before = self.opened.len();
        let copies = self.judge_copies(simulation, made);
        if let (Some(actor), Some(call)) = (made.actor, &made.call) {
            raised.by_call(&simulation.system, &self.messages, &self.calls, actor, call);
            self.judge_call(simulation, actor, call);
        }
        raised.by_lives(simulation, &self.before, &self.messages, &self.calls);
        self.judge_windows(simulation);
        self.raised_by_time(simulation, windows_before, &mut raised);
        self.judge_words(simulation, made, &copies, &raised);
        self.judge_processor(simulation);
        self.judge_sources(simulation);
        for partition in 0..self.before.lives.len() as u8 {
            if self.before.has_ended(simulation, partition) {
                self.messages.life_ended(partition);
                self.calls.life_ended(simulation, partition);
                self.timers[usize::from(partition)] = None;
            }
        }
        self.judge_waits(simulation);
        let window = self.now_open();
        self.calls
            .time_passed(simulation, |simulation, client, at| {
                must_have_noticed(simulation, window, client, at)
            });
    }

    /// The hypercall has a result that fits, and the model follows it.
    fn judge_call(&mut self, simulation: &mut Simulation, actor: u8, call: &Called) {
        rules::judge_status(simulation, actor, call);
        self.messages.judge(simulation, actor, call);
        let schedules = &self.schedules;
        self.answers
            .judge(simulation, &self.before, schedules, actor, call);
        let ranks = self.ranks_left(simulation);
        let own: Vec<_> = simulation
            .system
            .partitions
            .iter()
            .map(|one| one.own)
            .collect();
        let eligible = |partition| own[usize::from(partition)].ranks & ranks != 0;
        self.calls
            .judge(simulation, &self.before, eligible, actor, call);
        let [upper, lower, ..] = call.arguments;
        match (call.name(), call.outcome.status) {
            (Some(Hypercall::ScheduleSet), Some(Status::Ok)) => self.schedules.next = lower as u8,
            (Some(Hypercall::HealthRaise), Some(Status::Ok)) => {
                let own = &own[usize::from(actor)];
                let application = cofferdam_abi::health::Error::ApplicationError as usize;
                let error = (lower as usize).checked_sub(1).unwrap_or(application);
                if own.actions[error] == cofferdam_abi::health::Action::SwitchSchedule as u8 {
                    self.schedules.next = own.switch_schedule;
                }
            }
            (Some(Hypercall::SetTimer), _) => {
                let at = (u64::from(upper) << 32) | u64::from(lower);
                self.timers[usize::from(actor)] = (at != u64::MAX).then_some(at);
            }
            _ => {}
        }
    }

    /// What time, devices and windows raise; those that were open already count from `windows_before` on.
    fn raised_by_time(&self, simulation: &Simulation, windows_before: usize, raised: &mut Raised) {
        let now = simulation.now();
        let system = &simulation.system;
        raised.by_time(system, &self.calls, now);
        for partition in 0..self.before.lives.len() as u8 {
            let mut may = |line| {
                raised.may(End {
                    partition,
                    line: line as u8,
                });
            };
            if self.timers[usize::from(partition)].is_some_and(|at| at <= now) {
                may(page::LINE_TIMER);
            }
            let released = |window: &Opened| window.releases & (0x8000_0000 >> partition) != 0;
            if self.opened[windows_before..].iter().any(released) {
                may(page::LINE_RELEASE);
            }
        }
        for index in &simulation.kernel.machine.asking {
            let open = |window: &Opened| window.interrupts & (0x8000_0000 >> index) != 0;
            if self.opened[windows_before - 1..].iter().any(open)
                && let Some(interrupt) = system.interrupts.get(usize::from(*index))
            {
                raised.may(End {
                    partition: interrupt.owner,
                    line: interrupt.line,
                });
            }
        }
    }

    /// A device may interrupt in the windows that are open to it, and while its owner is up.
    fn judge_sources(&self, simulation: &mut Simulation) {
        for index in simulation.kernel.machine.enabled.clone() {
            let open = self.now_open().interrupts & (0x8000_0000 >> index) != 0;
            assert!(open, "interrupt {index} is let through outside its windows");
            let owner = simulation.system.interrupts[usize::from(index)].owner;
            let up = Life::of(simulation, owner).is_up();
            assert!(up, "interrupt {index} has nobody to serve it");
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
            let schedule = &simulation.system.schedules[usize::from(self.schedules.now)];
            if self.window == schedule.windows.len() {
                self.window = 0;
                if self.schedules.now != self.schedules.next {
                    self.schedules.switched = *at;
                }
                self.schedules.now = self.schedules.next;
                self.schedules.frames += 1;
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

    /// The ranks that may run now: a set, without those whose budget is used up.
    fn ranks_left(&self, simulation: &Simulation) -> u32 {
        let ranks = simulation.system.ranks.iter().enumerate();
        let spent = ranks.filter(|(_, rank)| {
            let used = self.used_in_window(simulation, rank.partition);
            rank.budget_ticks != 0 && used >= u64::from(rank.budget_ticks)
        });
        spent.fold(self.now_open().eligible, |left, (index, _)| {
            left & !(0x8000_0000 >> index)
        })
    }

    /// The most urgent partition runs that may.
    fn judge_processor(&mut self, simulation: &mut Simulation) {
        let left = self.ranks_left(simulation);
        let ranks = simulation.system.ranks.clone();
        let mut expected = None;
        for (index, rank) in ranks.iter().enumerate() {
            if left & (0x8000_0000 >> index) == 0 {
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

    /// No call outlives its deadline where its client may run.
    fn judge_waits(&mut self, simulation: &mut Simulation) {
        for (_, channel) in self.calls.all() {
            let Some(waits) = channel.waits else {
                continue;
            };
            if simulation.registers(channel.client).unanswered {
                let window = self.now_open();
                let late = must_have_noticed(simulation, window, channel.client, waits.deadline);
                assert!(!late, "a call waits past its deadline");
            }
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
        for partition in 0..self.before.lives.len() as u8 {
            let charged = simulation.account(partition).cpu_ticks.get();
            assert_eq!(charged, total[usize::from(partition)], "{partition}");
        }
    }

    /// The kernel copied and cleared only where somebody's authority reaches. Gives the words that it wrote.
    fn judge_copies(&mut self, simulation: &mut Simulation, made: &Made) -> Vec<Write> {
        let writes = std::mem::take(&mut simulation.kernel.machine.writes);
        for write in &writes {
            let allowed = match write.kind {
                WriteKind::Clear => self.may_clear(simulation, write),
                WriteKind::Copy => self.may_copy(simulation, made, write),
                WriteKind::Word => continue,
            };
            assert!(allowed, "{write:x?} by {:?} {:x?}", made.actor, made.call);
        }
        writes
    }

    /// The same of single words; and the lines that became pending are those that may.
    fn judge_words(
        &mut self,
        simulation: &mut Simulation,
        made: &Made,
        writes: &[Write],
        raised: &Raised,
    ) {
        let words = writes.iter().filter(|write| write.kind == WriteKind::Word);
        let mut written = Vec::new();
        for write in words {
            if may_keep_length(simulation, made, write) || may_read_health(simulation, made, write)
            {
                continue;
            }
            let page = (0..self.before.lives.len() as u8).find(|partition| {
                let start = simulation.physical(*partition, page::ADDRESS);
                inside(write, start, page::SIZE)
            });
            let allowed = page.is_some_and(|partition| {
                self.may_set_page(simulation, made, write, partition, raised)
            });
            assert!(allowed, "{write:x?} by {:?} {:x?}", made.actor, made.call);
            written.extend(page.filter(|partition| {
                write.physical == simulation.physical(*partition, page::ADDRESS + page::PENDING)
            }));
        }
        let risen = raised.judge(simulation, &self.before, &written);
        for (timer, risen) in self.timers.iter_mut().zip(risen) {
            if risen & (1 << page::LINE_TIMER) != 0 {
                *timer = None;
            }
        }
    }

    fn may_clear(&self, simulation: &mut Simulation, write: &Write) -> bool {
        (0..self.before.lives.len() as u8).any(|partition| {
            let regions = &simulation.system.partitions[usize::from(partition)].regions;
            let inside = regions.iter().any(|region| {
                region.kind == RegionKind::Private
                    && inside(write, region.physical as u32, region.length)
            });
            inside && self.before.is_being_started(simulation, partition)
        })
    }

    /// The words of a register page that are the kernel's to write: where a line is raised, a handler is entered, or a life
    /// begins.
    fn may_set_page(
        &self,
        simulation: &mut Simulation,
        made: &Made,
        write: &Write,
        partition: u8,
        raised: &Raised,
    ) -> bool {
        let start = simulation.physical(partition, page::ADDRESS);
        let started = self.before.is_being_started(simulation, partition);
        let acts = made.actor == Some(partition);
        match write.physical - start {
            page::PENDING => started || raised.reaches(partition),
            page::MSR | page::SRR0 | page::SRR1 => started || acts || raised.reaches(partition),
            page::DEAR | page::ESR => acts,
            page::RELEASE..page::RELEASES => raised.reaches(partition),
            page::RELEASES => started || raised.reaches(partition),
            page::ENABLED | page::VECTORS..page::RELEASE => started,
            _ => false,
        }
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
                let client = ends[0].partition;
                let index = usize::from(
                    rules::capability(&simulation.system, actor, slot)
                        .expect("a slot")
                        .object,
                );
                let waits = self.calls.get(index).and_then(|channel| channel.waits);
                let reply = waits.and_then(|waits| waits.reply);
                let fits = |(address, room)| {
                    let place = simulation.physical(client, address);
                    write.physical == place && write.length <= room
                };
                in_store(channel, &source) && reply.is_some_and(fits)
            }
            _ => false,
        }
    }
}

/// Whether the kernel must have noticed, in the window that is open, what was due of a partition at `at`: it does one thing a
/// tick, and others may be due then.
fn must_have_noticed(simulation: &Simulation, window: Opened, partition: u8, at: u64) -> bool {
    let system = &simulation.system;
    let ranks = system.partitions[usize::from(partition)].own.ranks;
    let due = 2 * system.partitions.len() + system.channels.len();
    ranks & window.eligible != 0 && simulation.now() > at.max(window.start) + due as u64
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
