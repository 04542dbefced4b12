//! The monitor's partition: sets its guest going, and serves it.
//!
//! The guest's console is the partition's lines on the terminal, port `log`, and its keys, port `input`. Where the partition has a
//! period, a prompt is shown after two releases in which nothing else was written; without one, when the next key is
//! pressed.
//!
//! Its disk and its network are the ports `disk` and `network`, where the partition has them: rings to the partitions that drive the real ones.
//! They say what there is before the guest starts.
//!
//! A guest that ends itself, panics or hangs is an `application_error` of the partition, whose detail says which. If the health monitor
//! lets the partition go on then, what the system's file says for it follows.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt;

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::Status;
use cofferdam_native::abi::guest::number;
use cofferdam_native::abi::health::Action;
use cofferdam_native::{
    Error, Exit, Guest, Lines, Restart, application_error, log, mark, page, restart_self,
    stop_self, time,
};
use guest_monitor::devices::Ending;
use guest_monitor::output::LINE_BYTES;
use guest_monitor::virtio::channels::Channels;
use guest_monitor::watchdog::Watchdog;
use guest_monitor::{Monitor, start};

cofferdam_native::partition!(main);

fn main() -> ! {
    let mut guest = ports::GUEST;
    let mut monitor = Monitor::new();
    let mut watchdog = Watchdog::new(ports::GUEST_WATCHDOG_RELEASES);
    let memory_bytes = guest.memory_bytes();
    let mut channels = Channels::attach(ports::GUEST_DISK, ports::GUEST_NETWORK);
    if !channels.describe(&mut monitor, memory_bytes, ports::TIMEBASE_HZ) {
        log!("the driver of its disk or its network does not answer: the guest goes without");
    }
    let (entry, device_tree) = (ports::GUEST_ENTRY, ports::GUEST_DEVICE_TREE);
    start(&mut guest, memory_bytes, entry, device_tree);
    // Keys that came before the guest did.
    let mut keys_wait = true;
    let mut came = Lines::NONE;
    loop {
        if keys_wait && monitor.console.takes_keys() {
            keys_wait = take_keys(&mut monitor);
        }
        channels.serve(&mut monitor, &mut guest, came);
        came = Lines::NONE;
        monitor.settle(&mut guest);
        enable_lines(
            &monitor,
            watchdog.watches(&guest),
            channels.wanted(&monitor),
        );
        let exit = guest.run();
        monitor.resume(&mut guest);
        match exit {
            Ok(Exit::Lines(lines)) => {
                page::clear(lines);
                came = lines;
                keys_wait |= lines.has(ports::INPUT.line());
                if lines.has(Lines::RELEASE) {
                    if monitor.console.output.is_quiet() {
                        monitor.console.output.show_prompt(show);
                    }
                    if watchdog.look(&mut guest, time::now()) {
                        end(&mut monitor, Ending::Hang);
                    }
                }
                if lines.has(ports::LOG.line()) {
                    monitor.console.output.show_lines(show);
                }
            }
            Ok(Exit::Instruction(instruction)) => monitor.instruction(&mut guest, instruction),
            Ok(Exit::Access {
                instruction,
                address,
                value,
            }) => {
                if let Some(ending) = monitor.access(&mut guest, instruction, address, value) {
                    end(&mut monitor, ending);
                }
                if let Some((identifier, value)) = monitor.take_mark() {
                    mark(identifier, value);
                }
                // Most accesses write nothing on the console.
                if monitor.console.output.ends_a_line() {
                    show_lines(&mut monitor);
                }
            }
            Ok(Exit::Hypercall(token)) => {
                monitor.hypercall(&mut guest, token);
                show_lines(&mut monitor);
            }
            Ok(Exit::Fetch(address)) => fail(
                &guest,
                format_args!("no memory to fetch from at {address:#x}"),
            ),
            Err(error) => fail(&guest, format_args!("{error}")),
        }
    }
}

/// Gives the guest the keys that were pressed, as long as they have room. Whether more may wait.
fn take_keys(monitor: &mut Monitor) -> bool {
    while monitor.console.takes_keys() {
        let Ok(Some(keys)) = ports::INPUT.receive() else {
            return false;
        };
        // What it asked for is to be read before the answer.
        monitor.console.output.show_prompt(show);
        monitor.console.type_keys(&keys.message);
    }
    true
}

/// Shows what is complete, unless there was no room for it the last time.
fn show_lines(monitor: &mut Monitor) {
    if !monitor.console.output.is_blocked() {
        monitor.console.output.show_lines(show);
    }
}

/// Shows a line on the terminal. False if the queue is full; a line that cannot be shown at all is gone.
fn show(line: &[u8]) -> bool {
    let message = Bytes::<LINE_BYTES>::try_from(line).unwrap_or_default();
    ports::LOG.send(&message) != Err(Error::Refused(Status::Again))
}

/// The lines that interrupt the guest: each one only while something is to be done about it.
fn enable_lines(monitor: &Monitor, watched: bool, devices: Lines) {
    let mut lines = ports::INPUT.line() | devices;
    if monitor.console.output.is_blocked() {
        lines |= ports::LOG.line();
    }
    if watched || monitor.console.output.has_prompt() {
        lines |= Lines::RELEASE;
    }
    page::set_enabled(lines);
}

/// The guest has ended itself, or failed: a health event, and then what the system's file says. It goes on if that is nothing.
fn end(monitor: &mut Monitor, ending: Ending) {
    show_rest(monitor);
    let (what, action) = match ending {
        Ending::Reset => ("asks for a reset", ports::GUEST_ON_RESET),
        Ending::PowerOff => ("turned its power off", ports::GUEST_ON_POWER_OFF),
        Ending::Panic => ("panics", ports::GUEST_ON_PANIC),
        Ending::Hang => ("hangs", ports::GUEST_ON_HANG),
    };
    let strays = monitor.strays();
    log!(
        "the guest {what}; came to nothing: {} accesses, {} instructions, {} hypercalls",
        strays.accesses,
        strays.instructions,
        strays.hypercalls
    );
    application_error(ending.detail());
    match action {
        Action::RestartCold => restart_self(Restart::Cold),
        Action::Stop => stop_self(),
        // The file can say no other.
        _ => {}
    }
}

/// Shows what the guest wrote last, if there is room for it before long. It looks again and again: a partition with a guest has
/// no timer of its own to end a wait.
fn show_rest(monitor: &mut Monitor) {
    let until = time::now() + u64::from(ports::TIMEBASE_HZ);
    let output = &mut monitor.console.output;
    output.show_lines(show);
    while output.is_blocked() && time::now() < until {
        output.show_lines(show);
    }
    output.show_prompt(show);
}

/// The guest cannot go on.
fn fail(guest: &Guest, why: fmt::Arguments<'_>) -> ! {
    let pc = guest.register(number::PC);
    log!("the guest stopped at {pc:#010x}: {why}");
    application_error(pc);
    stop_self()
}
