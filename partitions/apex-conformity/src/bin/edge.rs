//! Calls each service where a stack ends.
//!
//! A service runs on the stack of its caller, and says beforehand that so and so much is left of it: if not, the caller has overflown its stack, and is
//! still whole. So what services take must never be more than that. A process that calls itself goes down its stack, and calls the service at
//! every depth: at the last one that is not yet an overflow there is just as much left as was said, to the size of a small frame. Should a
//! service take more, it is caught inside of the service, and that is an error of the partition: it restarts.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    BlackboardId, BufferId, Concurrency, Direction, Discipline, ErrorCode, EventId, MutexId, Name,
    OperatingMode, ProcessId, ProcessState, QueuingPortId, SamplingPortId, ScheduleId, SemaphoreId,
    SystemTime,
};
use cofferdam_native::{probe, time};
use evidence::seen;

cofferdam_apex_native::partition!("edge", initialise);

/// What [`call`] knows.
const SERVICES: u32 = 82;
const NOW: SystemTime = SystemTime(0);
/// Shorter than [`SPIN_TICKS`].
const SOON: SystemTime = SystemTime(20_000);
const SPIN_TICKS: u64 = 20_000;
/// Of the sampling ports.
const REFRESH: SystemTime = SystemTime(20_000_000);

// What was created first of its kind has the identifier 1.
const DIGGER: ProcessId = ProcessId(1);
const TICKER: ProcessId = ProcessId(3);
const BUFFER: BufferId = BufferId(1);
const BLACKBOARD: BlackboardId = BlackboardId(1);
const SEMAPHORE: SemaphoreId = SemaphoreId(1);
const EVENT: EventId = EventId(1);
const MUTEX: MutexId = MutexId(1);
const SAMPLING_OUT: SamplingPortId = SamplingPortId(1);
const SAMPLING_IN: SamplingPortId = SamplingPortId(2);
const QUEUING_OUT: QueuingPortId = QueuingPortId(1);
const QUEUING_IN: QueuingPortId = QueuingPortId(2);

/// Which service is called.
static SERVICE: AtomicU32 = AtomicU32::new(0);
/// How deep it went without an overflow.
static DEPTH: AtomicU32 = AtomicU32::new(0);
static OVERFLOWS: AtomicU32 = AtomicU32::new(0);
static OTHERS: AtomicU32 = AtomicU32::new(0);

fn initialise() {
    let buffer = APEX.create_buffer(Name::new("buffer"), 16, 1, Discipline::Priority);
    let blackboard = APEX.create_blackboard(Name::new("blackboard"), 16);
    let semaphore = APEX.create_semaphore(Name::new("semaphore"), 0, 1, Discipline::Priority);
    let event = APEX.create_event(Name::new("event"));
    let mutex = APEX.create_mutex(Name::new("mutex"), 30, Discipline::Priority);
    let created = buffer.is_ok() && blackboard.is_ok() && semaphore.is_ok();
    seen!(
        "created",
        u32::from(created && event.is_ok() && mutex.is_ok())
    );
    let ports = [
        sampling("s_out", Direction::Source),
        sampling("s_in", Direction::Destination),
        queuing("q_out", Direction::Source),
        queuing("q_in", Direction::Destination),
    ];
    seen!("ports", u32::from(ports.into_iter().all(|one| one)));
    for attributes in [
        ProcessAttributes::aperiodic("digger", 10, digger),
        ProcessAttributes::aperiodic("driver", 5, driver),
        ProcessAttributes::aperiodic("ticker", 20, ticker),
    ] {
        let _ = APEX.create_process(&attributes);
    }
    let _ = APEX.create_error_handler(errors, 1);
    let _ = APEX.start(ProcessId(2));
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

fn sampling(name: &str, direction: Direction) -> bool {
    let port = APEX.create_sampling_port(&Name::new(name), 8, direction, REFRESH);
    port.is_ok()
}

fn queuing(name: &str, direction: Direction) -> bool {
    let discipline = Discipline::Priority;
    let port = APEX.create_queuing_port(&Name::new(name), 8, 2, direction, discipline);
    port.is_ok()
}

/// Has the digger go down once for each service.
extern "C" fn driver() {
    for service in 0..SERVICES {
        SERVICE.store(service, Relaxed);
        DEPTH.store(0, Relaxed);
        let before = OVERFLOWS.load(Relaxed);
        let _ = APEX.start(DIGGER);
        // It is more urgent, but may wait at each depth.
        while APEX
            .get_process_status(DIGGER)
            .is_ok_and(|status| status.state != ProcessState::Dormant)
        {
            let _ = APEX.timed_wait(SOON);
        }
        if OVERFLOWS.load(Relaxed) != before + 1 || DEPTH.load(Relaxed) < 2 {
            seen!("not.deep", service);
        }
        let _ = APEX.stop(TICKER);
        let _ = APEX.reset_mutex(MUTEX, DIGGER);
    }
    seen!("overflows", OVERFLOWS.load(Relaxed));
    seen!("others", OTHERS.load(Relaxed));
    // What is caught is handled on a stack of its own, of which a cold start has cleared every word.
    let stack = ports::APEX_CONFIGURATION.exception_stack;
    let bottom = stack.top() - stack.bytes();
    let words = (bottom..stack.top()).step_by(4);
    let untouched = words.take_while(|address| probe::load(*address, 1) == 0);
    let left = 4 * untouched.count() as u32;
    seen!("exceptions.used", stack.bytes() - left);
    APEX.stop_self();
}

extern "C" fn digger() {
    black_box(dig(0));
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the end of the stack ends it")]
fn dig(depth: u32) -> u32 {
    call(SERVICE.load(Relaxed));
    DEPTH.store(depth, Relaxed);
    black_box(dig(black_box(depth) + 1)) + 1
}

/// Is there all the time, so that an interrupt comes at every depth.
extern "C" fn ticker() {
    while APEX.timed_wait(SOON).is_ok() {}
}

extern "C" fn errors() {
    while let Ok(error) = APEX.get_error_status() {
        let counter = match error.code {
            ErrorCode::StackOverflow => &OVERFLOWS,
            // They were raised by a call of the service for that, and not by what the call came upon: its caller goes on.
            ErrorCode::ApplicationError | ErrorCode::HardwareFault => continue,
            _ => &OTHERS,
        };
        counter.fetch_add(1, Relaxed);
        let _ = APEX.stop(error.process);
    }
}

/// Calls the service with this number. What they answer does not count here; what creates or initialises something is too late.
#[inline(never)]
fn call(service: u32) {
    let mut room = [0; 16];
    let message = [1; 16];
    let eight = &message[..8];
    match service {
        0 => drop(APEX.get_partition_status()),
        1 => drop(APEX.get_process_status(DIGGER)),
        2 => drop(APEX.get_process_id(&Name::new("ticker"))),
        3 => drop(APEX.set_priority(DIGGER, 10)),
        4 => drop(APEX.start(TICKER)),
        5 => drop(APEX.stop(TICKER)),
        6 => drop(APEX.delayed_start(TICKER, SOON)),
        7 => drop(APEX.suspend(TICKER)),
        8 => drop(APEX.resume(TICKER)),
        9 => drop(APEX.suspend_self(SOON)),
        10 => drop(APEX.lock_preemption()),
        11 => drop(APEX.unlock_preemption()),
        12 => drop(APEX.timed_wait(NOW)),
        13 => drop(APEX.timed_wait(SOON)),
        14 => drop(APEX.periodic_wait()),
        15 => drop(APEX.get_time()),
        16 => drop(APEX.replenish(SOON)),
        17 => drop(APEX.send_buffer(BUFFER, &message, NOW)),
        18 => drop(APEX.send_buffer(BUFFER, &message, SOON)),
        19 => drop(APEX.receive_buffer(BUFFER, NOW, &mut room)),
        20 => drop(APEX.receive_buffer(BUFFER, SOON, &mut room)),
        21 => drop(APEX.get_buffer_status(BUFFER)),
        22 => drop(APEX.display_blackboard(BLACKBOARD, &message)),
        23 => drop(APEX.read_blackboard(BLACKBOARD, SOON, &mut room)),
        24 => drop(APEX.clear_blackboard(BLACKBOARD)),
        25 => drop(APEX.wait_semaphore(SEMAPHORE, SOON)),
        26 => drop(APEX.signal_semaphore(SEMAPHORE)),
        27 => drop(APEX.get_semaphore_status(SEMAPHORE)),
        28 => drop(APEX.reset_event(EVENT)),
        29 => drop(APEX.wait_event(EVENT, SOON)),
        30 => drop(APEX.set_event(EVENT)),
        31 => drop(APEX.acquire_mutex(MUTEX, SOON)),
        32 => drop(APEX.get_mutex_status(MUTEX)),
        33 => drop(APEX.release_mutex(MUTEX)),
        34 => drop(APEX.report_application_message(&message)),
        35 => drop(APEX.get_error_status()),
        36 => drop(APEX.set_module_schedule(ScheduleId(9))),
        37 => drop(APEX.get_module_schedule_status()),
        38 => drop(APEX.get_memory_block_status(&Name::new("block"))),
        39 => drop(APEX.get_my_partition_id()),
        40 => drop(APEX.get_my_id()),
        41 => drop(APEX.get_my_index()),
        42 => drop(APEX.get_my_processor_core_id()),
        43 => drop(APEX.initialize_process_core_affinity(TICKER, 0)),
        44 => drop(APEX.set_partition_mode(OperatingMode::Normal)),
        45 => drop(APEX.create_process(&ProcessAttributes::aperiodic("late", 1, ticker))),
        46 => drop(APEX.create_error_handler(errors, 1)),
        47 => drop(APEX.configure_error_handler(Concurrency::ProcessesPause, 0)),
        48 => drop(APEX.raise_application_error(ErrorCode::ApplicationError, &message)),
        49 => drop(APEX.report_fault(ErrorCode::HardwareFault, 0)),
        50 => drop(APEX.get_module_schedule_id(&Name::new("landing"))),
        51 => drop(sampling("late", Direction::Source)),
        52 => drop(APEX.write_sampling_message(SAMPLING_OUT, eight)),
        53 => drop(APEX.read_sampling_message(SAMPLING_IN, &mut room)),
        54 => drop(APEX.get_sampling_port_id(&Name::new("s_in"))),
        55 => drop(APEX.get_sampling_port_status(SAMPLING_IN)),
        56 => drop(APEX.read_updated_sampling_message(SAMPLING_IN, &mut room)),
        57 => drop(APEX.get_sampling_port_current_status(SAMPLING_IN)),
        58 => drop(APEX.read_sampling_message_conditional(SAMPLING_IN, NOW, &mut room)),
        59 => drop(queuing("late", Direction::Source)),
        60 => drop(APEX.send_queuing_message(QUEUING_OUT, eight, NOW)),
        61 => drop(APEX.send_queuing_message(QUEUING_OUT, eight, SOON)),
        62 => drop(APEX.receive_queuing_message(QUEUING_IN, NOW, &mut room)),
        63 => drop(APEX.receive_queuing_message(QUEUING_IN, SOON, &mut room)),
        64 => drop(APEX.get_queuing_port_id(&Name::new("q_in"))),
        65 => drop(APEX.get_queuing_port_status(QUEUING_IN)),
        66 => drop(APEX.clear_queuing_port(QUEUING_IN)),
        67 => drop(APEX.create_buffer(Name::new("late"), 8, 1, Discipline::Fifo)),
        68 => drop(APEX.get_buffer_id(&Name::new("buffer"))),
        69 => drop(APEX.create_blackboard(Name::new("late"), 8)),
        70 => drop(APEX.get_blackboard_id(&Name::new("blackboard"))),
        71 => drop(APEX.get_blackboard_status(BLACKBOARD)),
        72 => drop(APEX.create_semaphore(Name::new("late"), 0, 1, Discipline::Fifo)),
        73 => drop(APEX.get_semaphore_id(&Name::new("semaphore"))),
        74 => drop(APEX.create_event(Name::new("late"))),
        75 => drop(APEX.get_event_id(&Name::new("event"))),
        76 => drop(APEX.get_event_status(EVENT)),
        77 => drop(APEX.create_mutex(Name::new("late"), 30, Discipline::Fifo)),
        78 => drop(APEX.reset_mutex(MUTEX, DIGGER)),
        79 => drop(APEX.get_mutex_id(&Name::new("mutex"))),
        80 => drop(APEX.get_process_mutex_state(DIGGER)),
        _ => {
            // No service: it is interrupted here, by one who waits again and again.
            let _ = APEX.start(TICKER);
            let until = time::now() + SPIN_TICKS;
            while time::now() < until {}
        }
    }
}
