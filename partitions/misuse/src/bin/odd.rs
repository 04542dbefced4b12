//! Names odd buffers, odd slots and odd numbers, one hypercall after the other.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::Status;
use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::hypercall::EPAPR_IDLE_TOKEN;
use cofferdam_native::abi::hypercall::Hypercall::{self, *};
use cofferdam_native::abi::page::ADDRESS as PAGE;
use cofferdam_native::abi::space;
use cofferdam_native::interrupts::{self, Frame};
use cofferdam_native::{Lines, Restart, application_error, page, probe, restart_self, time, wait};
use evidence::seen;
use misuse::{message, sleep_us, status};

cofferdam_native::partition!("odd", main);

/// What every channel's messages are long, in bytes.
const LENGTH: u32 = 40;
/// Nothing is mapped there.
const NOWHERE: u32 = 0x1000;
/// It has not as many slots.
const BEYOND: u32 = 32;

fn main() -> ! {
    if page::epoch() > 1 {
        loop {
            wait(ports::WAKE.line());
        }
    }
    while_its_peer_waits();
    let peer = ports::ASK.slot();
    seen!("odd.reply", status(Reply, [ports::SERVE.slot(), 8]));
    sleep_us(100);
    with_a_reply_to_come(peer);
    seen!(
        "odd.start_another",
        status(PartitionControl, [ports::PARTITION_CONTROL_STRAY.slot(), 1])
    );
    slots();
    idle_and_stray();
    numbers();
    channels();
    handlers();
    // Meanwhile its peer has begun anew, and waits for an answer that does not come.
    sleep_us(100);
    restart_self(Restart::Cold)
}

/// One address of each kind. None of the first ones is anybody's, so that the kernel remembers no region when the next comes.
fn odd_addresses() -> [u32; 12] {
    [
        NOWHERE,
        NOWHERE + 4,
        probe::scratch() + 1,
        probe::scratch() + 2,
        // It may read both of these, and write neither.
        space::TEXT,
        space::CONSTANTS,
        space::CONSTANTS + 4,
        space::DEVICES,
        NOWHERE,
        // The last word of its memory, and of the address space.
        space::DATA + ports::MEMORY_BYTES - 4,
        PAGE + 0xffc,
        probe::scratch(),
    ]
}

/// The last address is as it should be: whatever was to be had is had then, and not before.
fn while_its_peer_waits() {
    for address in odd_addresses() {
        let value = ports::VALUE.slot();
        seen!(
            "odd.sampling_write",
            status(SamplingWrite, [value, address, LENGTH])
        );
    }
    for length in [0, LENGTH + 1, u32::MAX] {
        let (value, scratch) = (ports::VALUE.slot(), probe::scratch());
        seen!(
            "odd.sampling_write_length",
            status(SamplingWrite, [value, scratch, length])
        );
    }
    for address in odd_addresses() {
        let told = ports::TOLD.slot();
        seen!(
            "odd.sampling_read",
            status(SamplingRead, [told, address, LENGTH])
        );
    }
    for capacity in [0, LENGTH - 1] {
        let (told, scratch) = (ports::TOLD.slot(), probe::scratch());
        seen!(
            "odd.sampling_read_length",
            status(SamplingRead, [told, scratch, capacity])
        );
    }
    for address in odd_addresses() {
        let queue = ports::QUEUE.slot();
        seen!(
            "odd.queuing_send",
            status(QueuingSend, [queue, address, LENGTH])
        );
    }
    for length in [0, LENGTH + 1, u32::MAX, LENGTH] {
        let (queue, scratch) = (ports::QUEUE.slot(), probe::scratch());
        seen!(
            "odd.queuing_send_length",
            status(QueuingSend, [queue, scratch, length])
        );
    }
    for address in odd_addresses() {
        let mail = ports::MAIL.slot();
        seen!(
            "odd.queuing_receive",
            status(QueuingReceive, [mail, address, LENGTH])
        );
    }
    for capacity in [LENGTH - 1, LENGTH, LENGTH] {
        let (mail, scratch) = (ports::MAIL.slot(), probe::scratch());
        seen!(
            "odd.queuing_receive_length",
            status(QueuingReceive, [mail, scratch, capacity])
        );
    }
    let serve = ports::SERVE.slot();
    seen!("odd.receive", message(Receive, [serve])[1]);
    for address in odd_addresses() {
        seen!(
            "odd.read_request",
            status(ReadRequest, [serve, address, LENGTH])
        );
    }
    for address in odd_addresses() {
        seen!(
            "odd.write_reply",
            status(WriteReply, [serve, address, LENGTH])
        );
    }
    for length in [LENGTH + 1, u32::MAX, 0] {
        seen!(
            "odd.write_reply_length",
            status(WriteReply, [serve, probe::scratch(), length])
        );
    }
    application_error(0);
    for address in odd_addresses() {
        seen!(
            "odd.health_read",
            status(HealthRead, [ports::HEALTH_LOG.slot(), address])
        );
    }
    seen!(
        "odd.health_read",
        status(HealthRead, [ports::HEALTH_LOG.slot(), probe::scratch()])
    );
}

/// Its peer serves now, with a reply of bytes.
fn with_a_reply_to_come(ask: u32) {
    for address in odd_addresses() {
        seen!(
            "odd.request",
            status(
                CallMessage,
                [ask, 0, address, LENGTH, probe::scratch(), LENGTH]
            )
        );
    }
    for address in odd_addresses() {
        seen!(
            "odd.room",
            status(
                CallMessage,
                [ask, 0, probe::scratch(), LENGTH, address, LENGTH]
            )
        );
    }
    for length in [LENGTH + 1, u32::MAX] {
        seen!(
            "odd.request_length",
            status(
                CallMessage,
                [ask, 0, probe::scratch(), length, probe::scratch(), LENGTH]
            )
        );
    }
    page::clear(ports::ASK.line());
    seen!("odd.submit", status(CallSubmit, [ask, 0]));
    wait(ports::ASK.line());
    for address in odd_addresses() {
        seen!(
            "odd.call_collect",
            status(CallCollect, [ask, address, LENGTH])
        );
    }
    seen!(
        "odd.call_collect",
        status(CallCollect, [ask, probe::scratch(), LENGTH])
    );
}

/// The slots of all ends of channels.
fn ends() -> [u32; 9] {
    [
        ports::VALUE.slot(),
        ports::TOLD.slot(),
        ports::QUEUE.slot(),
        ports::MAIL.slot(),
        ports::ASK.slot(),
        ports::SERVE.slot(),
        ports::BELL.slot(),
        ports::WAKE.slot(),
        ports::PIPE.slot(),
    ]
}

/// Whether a hypercall is for what is in this slot; nothing if it takes no slot.
fn is_for(call: Hypercall, slot: u32) -> Option<bool> {
    let is = |own: &[u32]| Some(own.contains(&slot));
    match call {
        Signal => is(&[ports::BELL.slot(), ports::WAKE.slot(), ports::PIPE.slot()]),
        SamplingWrite => is(&[ports::VALUE.slot()]),
        SamplingRead => is(&[ports::TOLD.slot()]),
        QueuingSend => is(&[ports::QUEUE.slot()]),
        QueuingReceive => is(&[ports::MAIL.slot()]),
        ChannelStatus => is(&ends()),
        Call | CallSubmit | CallCollect | CallMessage => is(&[ports::ASK.slot()]),
        Receive | Reply | ReplyReceive | ReadRequest | WriteReply => is(&[ports::SERVE.slot()]),
        InterruptAcknowledge => is(&[ports::I2C.slot()]),
        ScheduleSet | ScheduleStatus => is(&[ports::SCHEDULE_SET.slot()]),
        PartitionControl | PartitionStatus => is(&[
            ports::PARTITION_CONTROL_MATE.slot(),
            ports::PARTITION_CONTROL_STRAY.slot(),
        ]),
        HealthRead => is(&[ports::HEALTH_LOG.slot()]),
        _ => None,
    }
}

/// Every hypercall that takes a slot, with every slot that it is not for.
fn slots() {
    let (mut tried, mut refused) = (0, 0);
    for call in Hypercall::ALL.iter().copied() {
        for slot in (0..=BEYOND).chain([0x8000_0000, u32::MAX]) {
            if is_for(call, slot) == Some(false) {
                let answer = status(call, [slot, 0, probe::scratch(), 4, probe::scratch(), 4]);
                tried += 1;
                refused += u32::from(answer == Status::NoCapability as u32);
            }
        }
    }
    seen!("odd.slots_tried", tried);
    seen!("odd.slots_refused", refused);
    for slot in [ports::BELL.slot(), BEYOND, u32::MAX - 1] {
        seen!("odd.wait", status(Wait, [slot + 1]));
    }
    seen!(
        "odd.acknowledge",
        status(InterruptAcknowledge, [ports::I2C.slot()])
    );
}

/// What is no hypercall of the kernel's own, and what is no place to go to.
fn idle_and_stray() {
    // ePAPR's idle call has no result, and is over at once if a line is pending.
    page::set_enabled(Lines::TIMER);
    time::set_timer(0);
    seen!("odd.idle", probe::call(EPAPR_IDLE_TOKEN, [0x13; 6])[0]);
    page::clear(Lines::TIMER);
    time::set_timer(time::now() + 4000);
    seen!("odd.idle", probe::call(EPAPR_IDLE_TOKEN, [0x13; 6])[0]);
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    // The last word of its memory, where nobody has been yet: the translation is not there, and does not come.
    let nowhere = space::DATA + ports::MEMORY_BYTES - 4;
    seen!("odd.jump", probe::jump(nowhere, 7));
}

/// Numbers of what there is not.
fn numbers() {
    for schedule in [1, 2, u32::MAX] {
        seen!(
            "odd.schedule_set",
            status(ScheduleSet, [ports::SCHEDULE_SET.slot(), schedule])
        );
    }
    for action in [3, u32::MAX] {
        let mate = ports::PARTITION_CONTROL_MATE.slot();
        seen!(
            "odd.partition_control",
            status(PartitionControl, [mate, action])
        );
        seen!("odd.self_control", status(SelfControl, [action]));
    }
    for kind in [9, 0x100, u32::MAX] {
        seen!("odd.health_raise", status(HealthRaise, [0, kind]));
    }
    seen!("odd.health_raise", status(HealthRaise, [0, 8]));
    seen!("odd.complete", status(Complete, []));
    for call in [GuestRun, GuestGet, GuestSet] {
        seen!("odd.no_guest", status(call, [0]));
    }
}

/// What each channel says of itself while its other end lives, and when it is stopped: epoch, messages held, depth and length, a byte each.
fn channels() {
    let of_all = || {
        for slot in ends() {
            let [answer, numbers @ .., _, _] = message(ChannelStatus, [slot]);
            seen!("odd.channel", answer);
            seen!(
                "odd.channel",
                u32::from_be_bytes(numbers.map(|one| one as u8))
            );
        }
    };
    let control = |action| {
        status(
            PartitionControl,
            [ports::PARTITION_CONTROL_MATE.slot(), action],
        )
    };
    of_all();
    seen!("odd.stop", control(0));
    of_all();
    seen!("odd.ask_nobody", status(Call, [ports::ASK.slot()]));
    seen!("odd.restart", control(1));
}

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// Interrupts, the first of which leaves its line asking.
fn on_interrupt(_: &mut Frame) {
    page::clear(Lines::TIMER);
    if INTERRUPTS.fetch_add(1, Relaxed) == 0 {
        time::set_timer(0);
    }
}

/// A line that asks where no handler is stays pending, and one that asks when its handler ends comes again.
fn handlers() {
    interrupts::enable_lines(Lines::TIMER);
    interrupts::enable();
    seen!("odd.deliver", status(Deliver, []));
    time::set_timer(0);
    seen!("odd.deliver", status(Deliver, []));
    seen!("odd.undelivered", page::pending().has(Lines::TIMER).into());
    interrupts::set_handler(Exception::ExternalInput, on_interrupt);
    seen!("odd.deliver", status(Deliver, []));
    seen!("odd.delivered", INTERRUPTS.load(Relaxed));
    interrupts::disable();
    interrupts::clear_handler(Exception::ExternalInput);
    page::set_enabled(Lines::NONE);
}
