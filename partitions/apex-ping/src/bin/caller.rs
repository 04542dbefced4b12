//! Calls every function of the traits of `a653rs`, and leaves what each returned as evidence: 0, or the number of the return code.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use a653rs::bindings::*;
use a653rs::prelude::{
    ApexBlackboardP1Ext, ApexBufferP1Ext, ApexQueuingPortP1Ext, ApexSamplingPortP1Ext, Error, Name,
    SystemTime,
};
use cofferdam_apex_a653rs::no_function;
use evidence::seen;

cofferdam_apex_a653rs::partition!("caller", Apex, initialise);

const MILLISECOND: ApexSystemTime = 1_000_000;
const BYTES: MessageSize = 4;
const MESSAGE: [u8; BYTES as usize] = *b"four";

// There are no atomics of 64 bits; no identifier has so many.
static OTHER: AtomicI32 = AtomicI32::new(0);
static SAMPLING: AtomicI32 = AtomicI32::new(0);
static QUEUING: AtomicI32 = AtomicI32::new(0);

fn code<T>(done: &Result<T, ErrorReturnCode>) -> u32 {
    match done {
        Ok(_) => 0,
        Err(code) => *code as u32,
    }
}

/// What came of a call, as a step of the function's name; gives the value.
macro_rules! call {
    ($function:ident($($argument:expr),*)) => {{
        let done = Apex::$function($($argument),*);
        seen!(stringify!($function), code(&done));
        done
    }};
}

fn name(text: &str) -> ApexName {
    let mut name = [0; MAX_NAME_LENGTH];
    for (into, byte) in name.iter_mut().zip(text.bytes()) {
        *into = byte;
    }
    name
}

fn process(text: &str, priority: Priority, entry_point: SystemAddress) -> ApexProcessAttribute {
    ApexProcessAttribute {
        period: INFINITE_TIME_VALUE,
        time_capacity: INFINITE_TIME_VALUE,
        entry_point,
        stack_size: 4096,
        base_priority: priority,
        deadline: Deadline::Soft,
        name: name(text),
    }
}

fn initialise() {
    let status = Apex::get_partition_status();
    seen!("get_partition_status", status.operating_mode as u32);
    let sampling = call!(create_sampling_port(
        name("out"),
        BYTES,
        PortDirection::Source,
        MILLISECOND
    ));
    SAMPLING.store(sampling.unwrap_or(0) as i32, Relaxed);
    let _ = call!(create_sampling_port(
        name("back"),
        BYTES,
        PortDirection::Destination,
        1_000 * MILLISECOND
    ));
    let queuing = call!(create_queuing_port(
        name("letters"),
        BYTES,
        2,
        PortDirection::Source,
        QueuingDiscipline::Fifo
    ));
    QUEUING.store(queuing.unwrap_or(0) as i32, Relaxed);
    let _ = call!(create_queuing_port(
        name("letters_back"),
        BYTES,
        2,
        PortDirection::Destination,
        QueuingDiscipline::Fifo
    ));
    let _ = call!(create_buffer(
        name("it"),
        BYTES,
        2,
        QueuingDiscipline::Priority
    ));
    let _ = call!(create_blackboard(name("it"), BYTES));
    let _ = call!(create_semaphore(name("it"), 1, 2, QueuingDiscipline::Fifo));
    let _ = call!(create_event(name("it")));
    let _ = call!(create_mutex(name("it"), 50, QueuingDiscipline::Fifo));
    let _ = call!(create_error_handler(handler, 4096));
    let _ = call!(configure_error_handler(
        ErrorHandlerConcurrencyControl::ProcessesPause,
        0
    ));
    let first = call!(create_process(&process("first", 20, first))).unwrap_or(0);
    let other = call!(create_process(&process("other", 10, other))).unwrap_or(0);
    OTHER.store(other as i32, Relaxed);
    // A period of zero is the partition's.
    let mut periodic = process("periodic", 30, periodic);
    periodic.period = 0;
    let periodic = call!(create_process(&periodic)).unwrap_or(0);
    let period = Apex::get_process_status(periodic).map_or(0, |status| status.attributes.period);
    seen!("period.ms", (period / MILLISECOND) as u32);
    let _ = call!(initialize_process_core_affinity(first, 0));
    let _ = call!(start(first));
    let _ = call!(start(periodic));
    let _ = call!(set_partition_mode(OperatingMode::Normal));
}

extern "C" fn periodic() {
    let _ = call!(periodic_wait());
}

/// Waits to be woken, whatever for.
extern "C" fn other() {
    loop {
        let _ = Apex::suspend_self(INFINITE_TIME_VALUE);
    }
}

extern "C" fn handler() {
    while let Ok((error, address)) = Apex::get_error_status_and_address() {
        seen!("get_error_status", error.error_code as u32);
        seen!("failed_address", address as u32);
        let is_none = core::ptr::fn_addr_eq(error.failed_address, no_function as SystemAddress);
        seen!("failed_address.function", u32::from(is_none));
        seen!("length", error.length as u32);
    }
    Apex::stop_self();
}

extern "C" fn first() {
    processes();
    times();
    ports_of_channels();
    objects();
    mutexes();
    let _ = call!(report_application_message(&MESSAGE));
    let _ = call!(raise_application_error(
        ErrorCode::ApplicationError,
        &MESSAGE
    ));
    // Of the error handler alone.
    let _ = call!(get_error_status());
    let _ = call!(get_module_schedule_status());
    let schedule = call!(get_module_schedule_id(name("normal")));
    // It has no authority to.
    let _ = call!(set_module_schedule(schedule.unwrap_or(0)));
    let block = call!(get_memory_block_status(name("kept")));
    seen!("block.bytes", block.map_or(0, |block| block.size as u32));
    seen!("stop_self", 0);
    Apex::stop_self();
}

fn processes() {
    let other = i64::from(OTHER.load(Relaxed));
    let _ = call!(get_my_id());
    let _ = call!(get_my_index());
    seen!(
        "get_my_processor_core_id",
        Apex::get_my_processor_core_id() as u32
    );
    let _ = call!(get_process_id(name("other")));
    let status = call!(get_process_status(other));
    let same = status.is_ok_and(|status| {
        core::ptr::fn_addr_eq(status.attributes.entry_point, self::other as SystemAddress)
            && status.attributes.name == name("other")
    });
    seen!("entry_point", u32::from(same));
    let _ = call!(delayed_start(other, MILLISECOND));
    let _ = call!(stop(other));
    let _ = call!(start(other));
    let _ = call!(set_priority(other, 21));
    let _ = call!(resume(other));
    let _ = call!(suspend(other));
    // No identifier has so many bits.
    let _ = call!(suspend((1 << 32) + other));
    seen!(
        "lock_preemption",
        Apex::lock_preemption().unwrap_or(99) as u32
    );
    seen!(
        "unlock_preemption",
        Apex::unlock_preemption().unwrap_or(99) as u32
    );
    let _ = call!(suspend_self(MILLISECOND));
}

fn times() {
    let before = Apex::get_time();
    let _ = call!(timed_wait(MILLISECOND));
    let waited = Apex::get_time() - before;
    seen!(
        "get_time",
        u32::from((MILLISECOND..2 * MILLISECOND).contains(&waited))
    );
    let _ = call!(replenish(MILLISECOND));
}

fn ports_of_channels() {
    let (sampling, queuing) = (
        i64::from(SAMPLING.load(Relaxed)),
        i64::from(QUEUING.load(Relaxed)),
    );
    let _ = call!(get_sampling_port_id(name("out")));
    let _ = call!(write_sampling_message(sampling, &MESSAGE));
    let _ = call!(get_sampling_port_status(sampling));
    let _ = call!(get_queuing_port_id(name("letters")));
    let _ = call!(send_queuing_message(queuing, &MESSAGE, 0));
    let status = call!(get_queuing_port_status(queuing));
    seen!(
        "max_nb_message",
        status.map_or(0, |status| status.max_nb_message)
    );
    // Of a destination alone.
    let _ = call!(clear_queuing_port(queuing));
}

/// How many bytes came.
fn length(received: Result<&[u8], Error>) -> u32 {
    received.map_or(0, |bytes| bytes.len() as u32)
}

/// What the traits have as unsafe, through what `a653rs` makes of it. Of a room that is too small it knows itself.
fn receptions() {
    let mut room = [0; BYTES as usize];
    let at_once = || SystemTime::new(0);
    if let Ok(port) = Apex::get_sampling_port_destination(Name::new(name("back"))) {
        let received = port.receive(&mut room);
        let valid = received
            .as_ref()
            .is_ok_and(|(validity, _)| *validity == Validity::Valid);
        seen!("read_sampling_message.valid", u32::from(valid));
        seen!(
            "read_sampling_message",
            length(received.map(|(_, bytes)| bytes))
        );
    }
    if let Ok(port) = Apex::get_queuing_port_receiver(Name::new(name("letters_back"))) {
        let received = port.receive(&mut room, at_once()).map(|(bytes, _)| bytes);
        seen!("receive_queuing_message", length(received));
    }
    if let Ok(buffer) = Apex::get_buffer(Name::new(name("it"))) {
        seen!(
            "receive_buffer",
            length(buffer.receive(&mut room, at_once()))
        );
    }
    if let Ok(board) = Apex::get_blackboard(Name::new(name("it"))) {
        seen!("read_blackboard", length(board.read(at_once(), &mut room)));
    }
}

fn objects() {
    let buffer = call!(get_buffer_id(name("it"))).unwrap_or(0);
    let _ = call!(send_buffer(buffer, &MESSAGE, 0));
    let status = call!(get_buffer_status(buffer));
    seen!("nb_message", status.map_or(0, |status| status.nb_message));
    let board = call!(get_blackboard_id(name("it"))).unwrap_or(0);
    let _ = call!(display_blackboard(board, &MESSAGE));
    let _ = call!(get_blackboard_status(board));
    receptions();
    let _ = call!(clear_blackboard(board));
    let semaphore = call!(get_semaphore_id(name("it"))).unwrap_or(0);
    let _ = call!(wait_semaphore(semaphore, 0));
    let _ = call!(wait_semaphore(semaphore, 0));
    let _ = call!(signal_semaphore(semaphore));
    let _ = call!(get_semaphore_status(semaphore));
    let event = call!(get_event_id(name("it"))).unwrap_or(0);
    let _ = call!(set_event(event));
    let _ = call!(wait_event(event, 0));
    let _ = call!(reset_event(event));
    let _ = call!(get_event_status(event));
}

fn mutexes() {
    let mutex = call!(get_mutex_id(name("it"))).unwrap_or(0);
    let _ = call!(acquire_mutex(mutex, 0));
    let me = Apex::get_my_id().unwrap_or(0);
    let held = call!(get_process_mutex_state(me));
    seen!("held", u32::from(held == Ok(mutex)));
    let _ = call!(get_mutex_status(mutex));
    let _ = call!(release_mutex(mutex));
    let held = Apex::get_process_mutex_state(me);
    seen!("held", u32::from(held == Ok(NO_MUTEX_OWNED)));
    // Nobody has it.
    let _ = call!(reset_mutex(mutex, me));
}
