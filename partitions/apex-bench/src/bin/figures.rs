//! Calls each service so that it succeeds, and leaves how many ticks that took: `cargo xtask bench apex` makes instructions of it.
//!
//! The clock is read before and behind the call, and what that takes itself is a figure too. Of several of one name the least
//! counts: something may come in between. What ends in another process is counted until that goes on. Ways that begin and end with a function
//! of their own are counted from outside, instruction by instruction.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    BlackboardId, BufferId, Concurrency, Direction, Discipline, ErrorCode, EventId, MutexId, Name,
    OperatingMode, ProcessId, QueuingPortId, SamplingPortId, ScheduleId, SemaphoreId, SystemTime,
};
use cofferdam_native::{mark, page, time};
use evidence::identifier;

cofferdam_apex_native::partition!("figures", initialise);

const MESSAGE_BYTES: i32 = 40;
const DEPTH: i32 = 4;
const PERIOD: SystemTime = SystemTime(10_000_000);
const REFRESH: SystemTime = SystemTime(50_000_000);
const FOR_EVER: SystemTime = SystemTime::INFINITE;
/// So far behind the beginning of its window a process is released that preempts another.
const DELAY: SystemTime = SystemTime(1_000_000);
const DELAY_TICKS: u64 = 400_000;
/// So often is each service called.
const TIMES: u32 = 3;
/// So many periods are looked at in each phase.
const PERIODS: u32 = 20;
/// So many are not, before: the phase before is over by then.
const PERIODS_BETWEEN: u32 = 2;
/// So many periods the last phase has.
const PERIODS_AT_THE_END: u32 = 4;

const COUNTING: ProcessId = ProcessId(1);
const URGENT: ProcessId = ProcessId(2);
const EQUAL: ProcessId = ProcessId(3);
const BEAT: ProcessId = ProcessId(4);
const PROMPT: ProcessId = ProcessId(5);
const ORDERS: QueuingPortId = QueuingPortId(3);
const OUT_SAMPLE: SamplingPortId = SamplingPortId(1);
const IN_SAMPLE: SamplingPortId = SamplingPortId(2);
const OUT_QUEUE: QueuingPortId = QueuingPortId(1);
const IN_QUEUE: QueuingPortId = QueuingPortId(2);
const BUFFER: BufferId = BufferId(1);
const BLACKBOARD: BlackboardId = BlackboardId(1);
const FREE: SemaphoreId = SemaphoreId(1);
const GO: SemaphoreId = SemaphoreId(2);
const EVENT: EventId = EventId(1);
const MUTEX: MutexId = MutexId(1);

/// When it began, of what ends in another process.
static BEGUN: AtomicU32 = AtomicU32::new(0);

#[inline(always)]
fn tick() -> u32 {
    time::now() as u32
}

macro_rules! figure {
    ($name:literal, $call:expr) => {{
        let before = tick();
        let result = black_box($call);
        let ticks = tick().wrapping_sub(before);
        mark(const { identifier($name) }, ticks);
        result
    }};
}

/// The same, from [`BEGUN`] until now.
macro_rules! ends {
    ($name:literal) => {
        let ticks = tick().wrapping_sub(BEGUN.load(Relaxed));
        mark(const { identifier($name) }, ticks);
    };
}

fn begins() {
    BEGUN.store(tick(), Relaxed);
}

/// What a way that is counted from outside ends with: in another process, in the same one, or in another life.
#[inline(never)]
fn goes_on() {
    black_box(1);
}

#[inline(never)]
fn comes_back() {
    black_box(2);
}

#[inline(never)]
fn lives_again() {
    black_box(3);
}

/// Ways that are counted from outside, each with a service at its end.
macro_rules! ways {
    ($($name:ident: $service:ident($($argument:expr)?);)*) => {
        $(#[inline(never)]
        fn $name() {
            let _ = APEX.$service($($argument)?);
        })*
    };
}

ways! {
    sets_normal: set_partition_mode(OperatingMode::Normal);
    restarts_warm: set_partition_mode(OperatingMode::WarmStart);
    restarts_cold: set_partition_mode(OperatingMode::ColdStart);
    becomes_idle: set_partition_mode(OperatingMode::Idle);
    waits_for_its_period: periodic_wait();
    gives_way: timed_wait(SystemTime::ZERO);
}

#[inline(never)]
fn writes_message(message: &[u8]) {
    let _ = APEX.write_sampling_message(OUT_SAMPLE, message);
}

#[inline(never)]
fn reads_message(room: &mut [u8]) {
    let _ = APEX.read_sampling_message(IN_SAMPLE, room);
}

/// A life for the figures, one that a warm start begins, and one that a cold start begins, which becomes IDLE. `beside` ends that.
fn initialise() {
    match page::epoch() {
        1 => first_life(),
        2 => {
            lives_again();
            restarts_cold();
        }
        3 => {
            lives_again();
            becomes_idle();
        }
        _ => {}
    }
}

fn first_life() {
    for _ in 0..TIMES {
        figure!("clock", ());
    }
    let (fifo, name) = (Discipline::Fifo, Name::new);
    let source = Direction::Source;
    let destination = Direction::Destination;
    // Two of each, if that may be: the first call takes the refills of the TLB for its code, and the least counts.
    for attributes in [
        ProcessAttributes::aperiodic("counting", 50, counting),
        ProcessAttributes::aperiodic("urgent", 60, urgent),
        ProcessAttributes::aperiodic("equal", 50, equal),
        ProcessAttributes::periodic("beat", 70, PERIOD, beat),
        ProcessAttributes::periodic("prompt", 71, PERIOD, prompt),
    ] {
        let _ = figure!("CREATE_PROCESS", APEX.create_process(&attributes));
    }
    for (port, direction) in [("out_sample", source), ("in_sample", destination)] {
        let _ = figure!(
            "CREATE_SAMPLING_PORT",
            APEX.create_sampling_port(&name(port), MESSAGE_BYTES, direction, REFRESH)
        );
    }
    for (port, bytes, direction) in [
        ("out_queue", MESSAGE_BYTES, source),
        ("in_queue", MESSAGE_BYTES, destination),
        ("orders", 4, source),
    ] {
        let _ = figure!(
            "CREATE_QUEUING_PORT",
            APEX.create_queuing_port(&name(port), bytes, DEPTH, direction, fifo)
        );
    }
    for (semaphore, value, maximum) in [("free", 100, 200), ("go", 0, 1)] {
        let _ = figure!(
            "CREATE_SEMAPHORE",
            APEX.create_semaphore(name(semaphore), value, maximum, fifo)
        );
    }
    for object in ["object", "other"] {
        let object = name(object);
        let _ = figure!(
            "CREATE_BUFFER",
            APEX.create_buffer(object, MESSAGE_BYTES, DEPTH, fifo)
        );
        let _ = figure!(
            "CREATE_BLACKBOARD",
            APEX.create_blackboard(object, MESSAGE_BYTES)
        );
        let _ = figure!("CREATE_EVENT", APEX.create_event(object));
        let _ = figure!("CREATE_MUTEX", APEX.create_mutex(object, 55, fifo));
    }
    let _ = figure!(
        "CREATE_ERROR_HANDLER",
        APEX.create_error_handler(errors, 4096)
    );
    let _ = figure!(
        "CONFIGURE_ERROR_HANDLER",
        APEX.configure_error_handler(Concurrency::ProcessesPause, 0)
    );
    let _ = figure!(
        "INITIALIZE_PROCESS_CORE_AFFINITY",
        APEX.initialize_process_core_affinity(COUNTING, 0)
    );
    let _ = APEX.start(COUNTING);
    while page::releases() == 0 {}
    sets_normal();
}

/// Goes through the services.
extern "C" fn counting() {
    goes_on();
    // What the other end of the ports has to do first, and the windows of others. From the next frame on all of them are loads.
    let _ = APEX.timed_wait(SystemTime(15_000_000));
    let _ = APEX.set_module_schedule(ScheduleId(1));
    let _ = APEX.timed_wait(SystemTime(10_000_000));
    for _ in 0..TIMES {
        looks();
        of_processes();
        messages();
        objects();
        others();
    }
    switches();
    let _ = APEX.delayed_start(BEAT, DELAY);
    let _ = APEX.start(PROMPT);
    preempted();
    held_up();
    enter(Phase::Alone);
}

/// What changes nothing.
fn looks() {
    figure!("GET_PARTITION_STATUS", APEX.get_partition_status());
    figure!("GET_MY_PARTITION_ID", APEX.get_my_partition_id());
    let _ = figure!("GET_MY_ID", APEX.get_my_id());
    let _ = figure!("GET_MY_INDEX", APEX.get_my_index());
    let _ = figure!("GET_PROCESS_ID", APEX.get_process_id(&Name::new("equal")));
    let _ = figure!("GET_PROCESS_STATUS", APEX.get_process_status(EQUAL));
    figure!("GET_MY_PROCESSOR_CORE_ID", APEX.get_my_processor_core_id());
    figure!("GET_TIME", APEX.get_time());
    let name = Name::new;
    let _ = figure!(
        "GET_SAMPLING_PORT_ID",
        APEX.get_sampling_port_id(&name("in_sample"))
    );
    let _ = figure!(
        "GET_SAMPLING_PORT_STATUS",
        APEX.get_sampling_port_status(IN_SAMPLE)
    );
    let _ = figure!(
        "GET_QUEUING_PORT_ID",
        APEX.get_queuing_port_id(&name("in_queue"))
    );
    let _ = figure!(
        "GET_QUEUING_PORT_STATUS",
        APEX.get_queuing_port_status(IN_QUEUE)
    );
    let _ = figure!("GET_BUFFER_ID", APEX.get_buffer_id(&name("object")));
    let _ = figure!("GET_BUFFER_STATUS", APEX.get_buffer_status(BUFFER));
    let _ = figure!("GET_BLACKBOARD_ID", APEX.get_blackboard_id(&name("object")));
    let _ = figure!(
        "GET_BLACKBOARD_STATUS",
        APEX.get_blackboard_status(BLACKBOARD)
    );
    let _ = figure!("GET_SEMAPHORE_ID", APEX.get_semaphore_id(&name("go")));
    let _ = figure!("GET_SEMAPHORE_STATUS", APEX.get_semaphore_status(FREE));
    let _ = figure!("GET_EVENT_ID", APEX.get_event_id(&name("object")));
    let _ = figure!("GET_EVENT_STATUS", APEX.get_event_status(EVENT));
    let _ = figure!("GET_MUTEX_ID", APEX.get_mutex_id(&name("object")));
    let _ = figure!("GET_MUTEX_STATUS", APEX.get_mutex_status(MUTEX));
    let _ = figure!(
        "GET_PROCESS_MUTEX_STATE",
        APEX.get_process_mutex_state(EQUAL)
    );
    let _ = figure!(
        "GET_MODULE_SCHEDULE_ID",
        APEX.get_module_schedule_id(&name("other"))
    );
    figure!(
        "GET_MODULE_SCHEDULE_STATUS",
        APEX.get_module_schedule_status()
    );
    let _ = figure!(
        "GET_MEMORY_BLOCK_STATUS",
        APEX.get_memory_block_status(&name("block"))
    );
}

fn of_processes() {
    let _ = figure!("START", APEX.start(EQUAL));
    let _ = figure!("SET_PRIORITY", APEX.set_priority(EQUAL, 41));
    let _ = figure!("SUSPEND", APEX.suspend(EQUAL));
    let _ = figure!("RESUME", APEX.resume(EQUAL));
    let _ = figure!("STOP", APEX.stop(EQUAL));
    let _ = figure!("DELAYED_START", APEX.delayed_start(EQUAL, PERIOD));
    let _ = APEX.stop(EQUAL);
    let _ = figure!("LOCK_PREEMPTION", APEX.lock_preemption());
    let _ = figure!("UNLOCK_PREEMPTION", APEX.unlock_preemption());
    let _ = figure!("TIMED_WAIT of 0", APEX.timed_wait(SystemTime::ZERO));
    let _ = figure!("REPLENISH", APEX.replenish(PERIOD));
}

/// Bytes that begin at a word.
#[repr(C, align(4))]
struct Words<const N: usize>([u8; N]);

/// Of 40 bytes each.
fn messages() {
    let Words(message) = &black_box(Words([0x5a; MESSAGE_BYTES as usize]));
    let Words(room) = &mut Words([0; MESSAGE_BYTES as usize]);
    // Once, and the other end takes it when it runs.
    let _ = APEX.timed_wait(SystemTime(20_000_000));
    for _ in 0..TIMES {
        writes_message(message);
        comes_back();
        reads_message(room);
        comes_back();
    }
    let _ = figure!(
        "READ_UPDATED_SAMPLING_MESSAGE",
        APEX.read_updated_sampling_message(IN_SAMPLE, room)
    );
    let _ = figure!(
        "GET_SAMPLING_PORT_CURRENT_STATUS",
        APEX.get_sampling_port_current_status(IN_SAMPLE)
    );
    let _ = figure!(
        "READ_SAMPLING_MESSAGE_CONDITIONAL",
        APEX.read_sampling_message_conditional(IN_SAMPLE, SystemTime::ZERO, room)
    );
    let Words(odd) = &mut Words([0; MESSAGE_BYTES as usize + 1]);
    let _ = figure!(
        "WRITE_SAMPLING_MESSAGE, not from a word on",
        APEX.write_sampling_message(OUT_SAMPLE, &odd[1..])
    );
    let _ = figure!(
        "READ_SAMPLING_MESSAGE, not from a word on",
        APEX.read_sampling_message(IN_SAMPLE, &mut odd[1..])
    );
    let _ = figure!(
        "SEND_QUEUING_MESSAGE",
        APEX.send_queuing_message(OUT_QUEUE, message, FOR_EVER)
    );
    let _ = figure!(
        "RECEIVE_QUEUING_MESSAGE",
        APEX.receive_queuing_message(IN_QUEUE, FOR_EVER, room)
    );
    let _ = figure!("CLEAR_QUEUING_PORT", APEX.clear_queuing_port(IN_QUEUE));
    let _ = figure!("SEND_BUFFER", APEX.send_buffer(BUFFER, message, FOR_EVER));
    let _ = figure!(
        "RECEIVE_BUFFER",
        APEX.receive_buffer(BUFFER, FOR_EVER, room)
    );
    let _ = figure!(
        "DISPLAY_BLACKBOARD",
        APEX.display_blackboard(BLACKBOARD, message)
    );
    let _ = figure!(
        "READ_BLACKBOARD",
        APEX.read_blackboard(BLACKBOARD, FOR_EVER, room)
    );
    let _ = figure!("CLEAR_BLACKBOARD", APEX.clear_blackboard(BLACKBOARD));
}

fn objects() {
    let _ = figure!("WAIT_SEMAPHORE", APEX.wait_semaphore(FREE, FOR_EVER));
    let _ = figure!("SIGNAL_SEMAPHORE", APEX.signal_semaphore(FREE));
    let _ = figure!("SET_EVENT", APEX.set_event(EVENT));
    let _ = figure!("WAIT_EVENT", APEX.wait_event(EVENT, FOR_EVER));
    let _ = figure!("RESET_EVENT", APEX.reset_event(EVENT));
    let _ = figure!("ACQUIRE_MUTEX", APEX.acquire_mutex(MUTEX, FOR_EVER));
    let _ = figure!("RELEASE_MUTEX", APEX.release_mutex(MUTEX));
    let _ = APEX.acquire_mutex(MUTEX, FOR_EVER);
    let _ = figure!("RESET_MUTEX", APEX.reset_mutex(MUTEX, COUNTING));
}

fn others() {
    let _ = figure!(
        "REPORT_APPLICATION_MESSAGE",
        APEX.report_application_message(b"as long as a line of text is now")
    );
    // Two changes in one frame are none.
    let _ = figure!(
        "SET_MODULE_SCHEDULE",
        APEX.set_module_schedule(ScheduleId(2))
    );
    let _ = APEX.set_module_schedule(ScheduleId(1));
    begins();
    let _ = APEX.raise_application_error(ErrorCode::ApplicationError, b"as I said");
}

extern "C" fn errors() {
    ends!("RAISE_APPLICATION_ERROR, to the error handler");
    let _ = figure!("GET_ERROR_STATUS", APEX.get_error_status());
}

/// From one process to another.
fn switches() {
    let _ = APEX.start(EQUAL);
    for _ in 0..TIMES {
        // The other one of the same priority does the same.
        gives_way();
        goes_on();
    }
    let _ = APEX.stop(EQUAL);
    // It waits at once.
    let _ = APEX.start(URGENT);
    for _ in 0..TIMES {
        begins();
        let _ = APEX.signal_semaphore(GO);
        ends!("WAIT_SEMAPHORE, to another process");
        begins();
        let _ = APEX.signal_semaphore(GO);
        ends!("SUSPEND_SELF, to another process");
        begins();
        let _ = APEX.resume(URGENT);
        ends!("TIMED_WAIT, to another process");
        // Until its time has come.
        let until = time::now() + 100_000;
        while time::now() < until {}
        begins();
        let _ = APEX.signal_semaphore(GO);
        ends!("STOP_SELF, to another process");
        begins();
        let _ = APEX.start(URGENT);
    }
    let _ = APEX.stop(URGENT);
}

extern "C" fn equal() {
    loop {
        gives_way();
        goes_on();
    }
}

extern "C" fn urgent() {
    ends!("START, of a more urgent process");
    let _ = APEX.wait_semaphore(GO, FOR_EVER);
    ends!("SIGNAL_SEMAPHORE, to another process");
    begins();
    let _ = APEX.wait_semaphore(GO, FOR_EVER);
    ends!("SIGNAL_SEMAPHORE, to another process");
    begins();
    let _ = APEX.suspend_self(FOR_EVER);
    ends!("RESUME, to another process");
    begins();
    let _ = APEX.timed_wait(SystemTime(50_000));
    let _ = APEX.wait_semaphore(GO, FOR_EVER);
    ends!("SIGNAL_SEMAPHORE, to another process");
    begins();
    APEX.stop_self();
}

/// As long as nothing comes in between, two looks at the clock are not so far from each other.
const FAR_TICKS: u64 = 200;

/// Is preempted by periodic processes, and notes for how long.
fn preempted() {
    let mut last = time::now();
    while is_in(Phase::Computing) {
        let now = time::now();
        // Longer ones are the windows of others.
        if (FAR_TICKS..100_000).contains(&(now - last)) {
            mark(
                const { identifier("a release and PERIODIC_WAIT, of a process in between") },
                (now - last) as u32,
            );
            last = time::now();
        } else {
            last = now;
        }
    }
}

/// Holds the periodic processes up by the preemption lock, so that their PERIODIC_WAIT ends in a service of this one.
fn held_up() {
    for _ in 0..TIMES {
        let _ = APEX.lock_preemption();
        let release = page::releases();
        while page::releases() == release {}
        let until = page::release_tick() + 2 * DELAY_TICKS;
        while time::now() < until {}
        let _ = APEX.unlock_preemption();
        goes_on();
    }
}

/// What is around the periodic processes: a process computes that they preempt, or holds them up; nobody wants the processor; a less
/// urgent partition of the same window has the kernel busy, or computes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Phase {
    Computing,
    HoldingUp,
    Alone,
    Beside,
    Ending,
}

static PHASE: AtomicU32 = AtomicU32::new(Phase::Computing as u32);

fn is_in(phase: Phase) -> bool {
    PHASE.load(Relaxed) == phase as u32
}

fn enter(phase: Phase) {
    PHASE.store(phase as u32, Relaxed);
}

extern "C" fn prompt() {
    let names = [
        const { identifier("late.with.computing") },
        const { identifier("late.with.alone") },
        const { identifier("late.with.beside") },
    ];
    periodically(0, names, || {});
}

extern "C" fn beat() {
    let names = [
        const { identifier("late.behind.computing") },
        const { identifier("late.behind.alone") },
        const { identifier("late.behind.beside") },
    ];
    periodically(DELAY_TICKS, names, || {
        if is_in(Phase::Computing) {
            enter(Phase::HoldingUp);
        } else if is_in(Phase::Alone) {
            enter(Phase::Beside);
            tell_beside();
        } else if is_in(Phase::Beside) {
            enter(Phase::Ending);
            tell_beside();
        }
    });
}

/// Notes in each phase how late it is released, counted from so many ticks behind the partition's release; does `over` when that is enough.
fn periodically(delay_ticks: u64, names: [u32; 3], over: fn()) {
    let (mut phase, mut periods) = (0, 0);
    loop {
        let late = time::now() - page::release_tick() - delay_ticks;
        let now = PHASE.load(Relaxed);
        if now != phase {
            (phase, periods) = (now, 0);
        }
        periods += 1;
        let name = if is_in(Phase::Computing) {
            Some(names[0])
        } else if is_in(Phase::Alone) {
            Some(names[1])
        } else if is_in(Phase::Beside) {
            Some(names[2])
        } else {
            None
        };
        if let Some(name) = name
            && (PERIODS_BETWEEN..PERIODS_BETWEEN + PERIODS).contains(&periods)
        {
            mark(name, late as u32);
        }
        if periods == PERIODS_BETWEEN + PERIODS {
            over();
        }
        if is_in(Phase::Ending) && periods == PERIODS_AT_THE_END {
            restarts_warm();
        }
        waits_for_its_period();
    }
}

fn tell_beside() {
    let _ = APEX.send_queuing_message(ORDERS, &[0; 4], SystemTime::ZERO);
}
