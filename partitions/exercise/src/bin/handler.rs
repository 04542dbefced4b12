//! Leads through the virtual machine: the timer, waiting, virtual interrupts, and exceptions, first handled here, then
//! by the health monitor.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall};
use cofferdam_native::abi::space;
use cofferdam_native::interrupts::{self, Frame};
use cofferdam_native::{Lines, application_error, page, probe, time, wait};
use evidence::seen;
use exercise::{begin, microseconds_since, ticks_of};

cofferdam_native::partition!("handler", main);

/// Nothing is mapped there.
const NOWHERE: u32 = 0x7000_0000;
/// What a register holds before an instruction that must not change it.
const PRESET: u32 = 0x5eed_0001;

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    timer();
    idle();
    virtual_interrupts();
    handled();
    nested();
    unhandled();
    loop {
        begin();
    }
}

fn timer() {
    begin();
    let start = time::now();
    time::sleep_until(start + u64::from(ticks_of(100)));
    seen!("timer.after_us", microseconds_since(start));
    let start = time::now();
    time::sleep_until(start - 1);
    seen!("timer.past_after_us", microseconds_since(start));
    // A later one replaces it, and none is one too.
    time::set_timer(time::now() + u64::from(ticks_of(10)));
    time::set_timer(time::now() + u64::from(ticks_of(50)));
    let start = time::now();
    wait(Lines::TIMER);
    seen!("timer.replaced_after_us", microseconds_since(start));
    time::set_timer(time::now() + u64::from(ticks_of(10)));
    time::set_timer(u64::MAX);
    let start = time::now();
    while microseconds_since(start) < 20 {}
    seen!("timer.cancelled", page::pending().has(Lines::TIMER).into());
    // The next window of this partition is the next time that it can be noticed.
    let release = begin();
    time::sleep_until(release.tick + u64::from(ticks_of(5000)));
    seen!("timer.outside_after_us", microseconds_since(release.tick));
}

/// ePAPR's own call for it: the lines that ended the wait.
fn idle() {
    begin();
    page::set_enabled(Lines::TIMER);
    let start = time::now();
    time::set_timer(start + u64::from(ticks_of(100)));
    let [status, lines, ..] = probe::call(EPAPR_IDLE_TOKEN, [0; 6]);
    seen!("idle.after_us", microseconds_since(start));
    seen!("idle", status);
    seen!("idle", lines);
    // A pending line ends it at once.
    let [status, lines, ..] = probe::call(EPAPR_IDLE_TOKEN, [0; 6]);
    seen!("idle", status);
    seen!("idle", lines);
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    let unknown = probe::call(Hypercall::Wait.token() + 0x1_0000, [0; 6]);
    seen!("idle.unknown", unknown[0]);
    // No line of a device is in this slot.
    let no_device = probe::call(Hypercall::Wait.token(), [1, 0, 0, 0, 0, 0]);
    seen!("idle.no_device", no_device[0]);
}

fn on_interrupt(_: &mut Frame) {
    page::clear(Lines::TIMER);
    INTERRUPTS.fetch_add(1, Relaxed);
}

fn interrupts_so_far() -> u32 {
    INTERRUPTS.load(Relaxed)
}

fn virtual_interrupts() {
    begin();
    interrupts::set_handler(Exception::ExternalInput, on_interrupt);
    interrupts::enable_lines(Lines::TIMER);
    interrupts::enable();
    // In the middle of whatever it does.
    time::set_timer(time::now() + u64::from(ticks_of(20)));
    let start = time::now();
    while interrupts_so_far() == 0 {
        spin_loop();
    }
    seen!("interrupt.after_us", microseconds_since(start));
    // Held off, then delivered.
    interrupts::disable();
    time::set_timer(0);
    seen!("interrupt.held_off", interrupts_so_far());
    seen!(
        "interrupt.held_off",
        page::pending().has(Lines::TIMER).into()
    );
    interrupts::enable();
    seen!("interrupt.delivered", interrupts_so_far());
    // A wait that a line ends comes back behind the handler.
    time::set_timer(time::now() + u64::from(ticks_of(20)));
    let _ = probe::call(Hypercall::Wait.token(), [0; 6]);
    seen!("interrupt.waited", interrupts_so_far());
    // A line that is not enabled interrupts nobody.
    page::set_enabled(Lines::NONE);
    time::set_timer(0);
    seen!("interrupt.not_enabled", interrupts_so_far());
    page::clear(Lines::TIMER);
    interrupts::disable();
    interrupts::clear_handler(Exception::ExternalInput);
}

fn on_data(frame: &mut Frame) {
    seen!("handled.address", frame.data_address);
    seen!("handled.syndrome", frame.syndrome);
    frame.pc += 4;
}

fn on_instruction(frame: &mut Frame) {
    seen!("handled.syndrome", frame.syndrome);
    frame.pc += 4;
}

fn on_plain(frame: &mut Frame) {
    frame.pc += 4;
    seen!("handled.plain", 1);
}

/// Executes an instruction of the table, and says whether the register is as it was.
fn execute(name: &str) -> u32 {
    let instruction = probe::table().iter().find(|one| one.name == name);
    instruction.map_or(u32::MAX, |one| u32::from(one.execute(PRESET) == PRESET))
}

/// Each exception that can be had here without a fetch. None is a health event.
fn handled() {
    begin();
    interrupts::set_handler(Exception::Program, on_instruction);
    seen!("handled.unchanged", execute("an empty word"));
    seen!("handled.unchanged", execute("mfmsr"));
    seen!("handled.unchanged", execute("fadd"));
    probe::trap();
    interrupts::set_handler(Exception::SpeUnavailable, on_plain);
    seen!("handled.unchanged", execute("evxor"));
    interrupts::set_handler(Exception::Alignment, on_plain);
    seen!("handled.misaligned", probe::load_reserve_misaligned(PRESET));
    interrupts::set_handler(Exception::DataTlbError, on_data);
    seen!("handled.load", probe::load(NOWHERE, PRESET));
    interrupts::set_handler(Exception::DataStorage, on_data);
    probe::store(space::CONSTANTS, PRESET);
    for exception in [
        Exception::Program,
        Exception::SpeUnavailable,
        Exception::Alignment,
        Exception::DataTlbError,
        Exception::DataStorage,
    ] {
        interrupts::clear_handler(exception);
    }
}

/// An exception in the handler of an interrupt comes back into it, and that into what it interrupted.
fn nested() {
    begin();
    interrupts::set_handler(Exception::Program, on_instruction);
    interrupts::set_handler(Exception::ExternalInput, |frame| {
        seen!("nested.unchanged", execute("an empty word"));
        on_interrupt(frame);
    });
    interrupts::enable_lines(Lines::TIMER);
    interrupts::enable();
    let before = interrupts_so_far();
    time::set_timer(time::now() + u64::from(ticks_of(20)));
    while interrupts_so_far() == before {
        spin_loop();
    }
    interrupts::disable();
    page::set_enabled(Lines::NONE);
    interrupts::clear_handler(Exception::Program);
    interrupts::clear_handler(Exception::ExternalInput);
    seen!("nested.over", interrupts_so_far() - before);
}

/// The same without handlers: health events, after which it goes on.
fn unhandled() {
    begin();
    seen!("unhandled.unchanged", execute("an empty word"));
    seen!("unhandled.unchanged", execute("mfmsr"));
    seen!("unhandled.unchanged", execute("fadd"));
    probe::trap();
    seen!("unhandled.unchanged", execute("evxor"));
    seen!(
        "unhandled.misaligned",
        probe::load_reserve_misaligned(PRESET)
    );
    seen!("unhandled.load", probe::load(NOWHERE, PRESET));
    probe::store(space::CONSTANTS, PRESET);
    seen!("unhandled.jump", probe::jump(NOWHERE, PRESET));
    seen!("unhandled.jump", probe::jump(probe::scratch(), PRESET));
    seen!(
        "unhandled.stack",
        probe::load(probe::data().start - 8, PRESET)
    );
    application_error(PRESET);
}
