//! Has its guest do one thing after the other, and leaves what came of each as evidence.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::guest::{number, spr};
use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::abi::page as abi_page;
use cofferdam_native::interrupts::{self, Frame};
use cofferdam_native::{Device, Error, Exit, Guest, Lines, page, probe, time, wait};
use evidence::seen;
use overseer::{DEVICE, TURNS, UNKNOWN, stub, task};

cofferdam_native::partition!("overseer", main);

/// What registers are set to. Of XER these bits are there.
const VALUE: u32 = 0xa000_0021;
/// `trap` (EREF, section 4.6.2).
const TRAP: u32 = 0x7fe0_0008;
/// TSR: the decrementer has fired. TCR: it may interrupt.
const FIRED: u32 = 0x0800_0000;
const MAY_INTERRUPT: u32 = 0x0400_0000;

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    let mut guest = ports::GUEST;
    seen!("start", page::start_reason() as u32);
    storm(&mut guest);
    seen!("prepare", told(&mut guest, task::PREPARE));
    registers(&mut guest);
    seen!("completed.wrong", completions(&mut guest));
    interrupted(&mut guest);
    idles(&mut guest);
    for what in task::TAGS {
        seen!("tags", told(&mut guest, what));
        seen!("tags.wrong", guest.register(3));
    }
    stubs(&mut guest);
    fetches(&mut guest);
    lost(&mut guest);
    delivered();
    loop {
        wait(Lines::RELEASE);
    }
}

/// Why it stopped: the number of the exit.
fn number_of(exit: &Result<Exit, Error>) -> u32 {
    match exit {
        Ok(Exit::Lines(_)) => 0,
        Ok(Exit::Instruction(_)) => 1,
        Ok(Exit::Access { .. }) => 2,
        Ok(Exit::Hypercall(_)) => 3,
        Ok(Exit::Fetch(_)) => 4,
        Err(_) => u32::MAX,
    }
}

fn place_of(what: u32) -> u32 {
    ports::GUEST_ENTRY + 4 * what
}

/// Has it do this until there is something for its monitor: why it stopped.
fn told(guest: &mut Guest, what: u32) -> u32 {
    guest.set_register(number::PC, place_of(what));
    number_of(&guest.run())
}

/// The same, and its partition's next release is something.
fn told_until_release(guest: &mut Guest, what: u32) -> u32 {
    page::clear(Lines::RELEASE);
    page::set_enabled(Lines::RELEASE);
    let exit = told(guest, what);
    page::set_enabled(Lines::NONE);
    exit
}

fn microseconds_since(start: u64) -> u32 {
    (time::now() - start) as u32 / (page::timebase_hz() / 1_000_000)
}

/// Two interrupts in a millisecond are too many. The first one finds the monitor waiting, the second one its guest, which goes on: its monitor
/// has not enabled that line.
fn storm(guest: &mut Guest) {
    const DATA: u32 = 0;
    const INTERRUPT_ENABLE: u32 = 1;
    const FIFO_CONTROL: u32 = 2;
    const LINE_CONTROL: u32 = 3;
    const MODEM_CONTROL: u32 = 4;
    let uart: Device = ports::UART0_REGISTERS;
    // A divisor of 1, eight bits; FIFOs on and cleared, trigger at 14 bytes, and what is sent is received: one byte asks
    // for an interrupt a few characters later.
    uart.write_u8(LINE_CONTROL, 0x83);
    uart.write_u8(DATA, 1);
    uart.write_u8(INTERRUPT_ENABLE, 0);
    uart.write_u8(LINE_CONTROL, 3);
    uart.write_u8(FIFO_CONTROL, 0xc7);
    uart.write_u8(MODEM_CONTROL, 1 << 4);
    uart.write_u8(INTERRUPT_ENABLE, 1);
    uart.write_u8(DATA, 0x55);
    ports::UART0.acknowledge_and_wait(ports::UART0.line());
    uart.read_u8(DATA);
    uart.write_u8(DATA, 0x55);
    // The only refusal would be that it is not ours.
    let _ = ports::UART0.acknowledge();
    guest.set_word(TURNS, 0);
    seen!("storm", told_until_release(guest, task::SPIN));
    seen!("storm.turns", guest.word(TURNS).unwrap_or_default());
    seen!(
        "storm.pending",
        page::pending().has(ports::UART0.line()).into()
    );
    uart.write_u8(INTERRUPT_ENABLE, 0);
}

/// What each of them is to hold.
fn pattern(register: u32) -> u32 {
    match register {
        number::PC => place_of(task::CALL),
        number::XER => VALUE,
        _ => 0x0101_0101 * (register + 1),
    }
}

/// Which of them holds something else: how many.
fn differing(guest: &Guest) -> u32 {
    let differs = |register: &u32| guest.register(*register) != pattern(*register);
    (0..number::COUNT).filter(differs).count() as u32
}

/// Each register is what it was set to, for the monitor and for the guest.
fn registers(guest: &mut Guest) {
    for register in 0..number::COUNT {
        guest.set_register(register, pattern(register));
    }
    seen!("registers.differ", differing(guest));
    let exit = guest.run();
    seen!("registers.exit", number_of(&exit));
    seen!(
        "registers.token",
        (exit == Ok(Exit::Hypercall(pattern(11)))).into()
    );
    // It stands behind its call.
    seen!("registers.differ", differing(guest));
    seen!("registers.exit", number_of(&guest.run()));
    let moved = [number::CR, number::XER, number::CTR, number::LR];
    let wrong = (3..)
        .zip(moved)
        .filter(|(general, register)| guest.register(*general) != pattern(*register));
    seen!("registers.moved_wrong", wrong.count() as u32);
    for register in [number::COUNT, u32::MAX] {
        let get = probe::call(Hypercall::GuestGet.token(), [register, 0, 0, 0, 0, 0]);
        seen!("registers.none", get[0]);
        let set = probe::call(Hypercall::GuestSet.token(), [register, 1, 0, 0, 0, 0]);
        seen!("registers.none", set[0]);
    }
}

/// Has it access the device: where it stands.
fn accesses(guest: &mut Guest) -> Option<u32> {
    for register in 0..number::COUNT {
        guest.set_register(register, 0);
    }
    guest.set_register(4, DEVICE);
    guest.set_register(number::PC, place_of(task::ACCESS));
    match guest.run() {
        Ok(Exit::Access { address, .. }) if address == DEVICE.into() => {
            Some(guest.register(number::PC))
        }
        _ => None,
    }
}

/// The access is carried out, and sets each register in turn; then one that does not exist. How often something else came of it.
fn completions(guest: &mut Guest) -> u32 {
    let is_right = |guest: &mut Guest, register| {
        let at = accesses(guest)?;
        // That of where it goes on leads to the second call.
        let value = if register == number::PC {
            at + 8
        } else {
            VALUE
        };
        guest.complete(Some((register, value)));
        let called = matches!(guest.run(), Ok(Exit::Hypercall(_)));
        let expected = |one| match one {
            number::PC if register == number::PC => at + 12,
            number::PC => at + 8,
            _ if one == register => value,
            4 => DEVICE,
            _ => 0,
        };
        let all = (0..number::COUNT).all(|one| guest.register(one) == expected(one));
        Some(called && all)
    };
    let wrong = |register: &u32| is_right(guest, *register) != Some(true);
    (0..=number::COUNT).filter(wrong).count() as u32
}

/// A line is pending when the monitor has carried the access out: the guest does not run, and has its register nevertheless, once.
fn interrupted(guest: &mut Guest) {
    let at = accesses(guest).unwrap_or_default();
    guest.complete(Some((5, VALUE)));
    page::set_enabled(Lines::RELEASE);
    raise_release();
    seen!("interrupted", number_of(&guest.run()));
    seen!("interrupted.went_on", guest.register(number::PC) - at);
    seen!("interrupted.register", guest.register(5));
    page::set_enabled(Lines::NONE);
    seen!("interrupted", number_of(&guest.run()));
    seen!("interrupted.went_on", guest.register(number::PC) - at);
    seen!("interrupted.register", guest.register(5));
}

/// How the guest is to idle: its decrementer fires so much later, and has not fired before.
fn idle_for(guest: &mut Guest, control: u32, microseconds: u32) {
    let ticks = microseconds * (page::timebase_hz() / 1_000_000);
    for (register, value) in [(3, control), (4, ticks), (5, FIRED)] {
        guest.set_register(register, value);
    }
}

/// The same, and its decrementer does not fire again.
fn idle_since_fired(guest: &mut Guest, control: u32) {
    for (register, value) in [(3, control), (4, 0), (5, 0)] {
        guest.set_register(register, value);
    }
}

fn idles(guest: &mut Guest) {
    // It has not said that the decrementer may interrupt: that fires, and wakes nobody; nor does that it has fired.
    idle_for(guest, 0, 100);
    seen!("idle.deaf", told_until_release(guest, task::IDLE));
    seen!("idle.deaf_fired", guest.special(spr::TSR) & FIRED);
    idle_since_fired(guest, 0);
    seen!("idle.deaf", told_until_release(guest, task::IDLE));
    // It has fired, and may interrupt.
    let start = time::now();
    idle_since_fired(guest, MAY_INTERRUPT);
    seen!("idle.pending", told(guest, task::IDLE));
    seen!("idle.pending_us", microseconds_since(start));
    // In its own time.
    idle_for(guest, MAY_INTERRUPT, 100);
    let start = time::now();
    seen!("idle.own", told(guest, task::IDLE));
    seen!("idle.own_us", microseconds_since(start));
    // When nobody has the processor: it is woken as its partition's next window begins.
    page::clear(Lines::RELEASE);
    wait(Lines::RELEASE);
    let start = page::release_tick();
    idle_for(guest, MAY_INTERRUPT, 7000);
    seen!("idle.outside", told(guest, task::IDLE));
    seen!("idle.outside_us", microseconds_since(start));
    // Another interrupt is pending, though the guest has interrupts off.
    guest.set_external(true);
    idle_for(guest, 0, 0);
    let start = time::now();
    seen!("idle.pending", told(guest, task::IDLE));
    seen!("idle.pending_us", microseconds_since(start));
    guest.set_external(false);
}

/// Where this trap came from, if the guest was told of it as of its own.
fn trapped(guest: &mut Guest, at: u32) -> u32 {
    guest.set_word(at & stub::MASK, TRAP);
    guest.set_register(number::PC, at);
    guest.set_special(spr::SRR0, 0);
    seen!("stub", number_of(&guest.run()));
    guest.special(spr::SRR0)
}

/// A kernel that says of places without memory that its stubs are there: a trap is a trap then.
fn stubs(guest: &mut Guest) {
    for at in [stub::BEFORE, stub::BEHIND]
        .into_iter()
        .chain(stub::AT_THE_END)
    {
        seen!("stub.trapped_at", trapped(guest, at));
    }
    // The end of an enabling stub cannot be done: it stands there, until there is something for its monitor.
    for at in stub::ENABLING {
        page::clear(Lines::RELEASE);
        page::set_enabled(Lines::RELEASE);
        seen!("stub.trapped_at", trapped(guest, at));
        seen!("stub.stands_at", guest.register(number::PC));
        page::set_enabled(Lines::NONE);
    }
    // Nor does an interrupt take it out of there.
    guest.set_external(true);
    guest.set_special(spr::ESR, 0);
    guest.set_state(abi_page::MSR_EE);
    seen!("stub.trapped_at", trapped(guest, stub::LAST));
    seen!("stub.syndrome", guest.special(spr::ESR));
    guest.set_external(false);
}

/// There is nothing to execute.
fn fetches(guest: &mut Guest) {
    guest.set_register(number::PC, DEVICE);
    let exit = guest.run();
    seen!("fetch", (exit == Ok(Exit::Fetch(DEVICE.into()))).into());
}

/// Without any large translation it is told of an access as its own affair.
fn lost(guest: &mut Guest) {
    guest.set_register(4, UNKNOWN);
    guest.set_special(spr::DEAR, 0);
    seen!("lost", told(guest, task::LOSE));
    seen!("lost.at", guest.special(spr::DEAR));
}

/// The pending lines are a word of its own page.
fn raise_release() {
    probe::write_page(abi_page::PENDING, 1 << abi_page::LINE_RELEASE);
}

/// What a monitor that takes virtual interrupts is told of a pending line: by the return that allows them, by the call, and without a handler.
fn delivered() {
    let deliver = || probe::call(Hypercall::Deliver.token(), [0; 6])[0];
    interrupts::set_handler(Exception::ExternalInput, |_: &mut Frame| {
        page::clear(Lines::RELEASE);
        INTERRUPTS.fetch_add(1, Relaxed);
    });
    page::clear(Lines::RELEASE);
    page::set_enabled(Lines::RELEASE);
    raise_release();
    seen!("deliver.return", probe::return_with_state(abi_page::MSR_EE));
    seen!("deliver.return", INTERRUPTS.load(Relaxed));
    // Nothing is pending; then they are off.
    seen!("deliver.nothing", deliver());
    interrupts::disable();
    raise_release();
    seen!("deliver.off", deliver());
    seen!("deliver.off", INTERRUPTS.load(Relaxed));
    // Without a handler a line is pending, and that is all.
    interrupts::clear_handler(Exception::ExternalInput);
    seen!(
        "deliver.no_handler",
        probe::return_with_state(abi_page::MSR_EE)
    );
    seen!("deliver.no_handler", deliver());
    page::clear(Lines::RELEASE);
    while !page::pending().has(Lines::RELEASE) {}
    seen!("deliver.no_handler", INTERRUPTS.load(Relaxed));
    interrupts::disable();
    page::set_enabled(Lines::NONE);
}
