//! The console: one UART, one terminal, every partition's lines with its name before them. Ctrl-T gives the keys to
//! the next partition.
//!
//! Who is at the terminal stands in the system's file: each channel to `console.logs[]` brings lines, and each one from
//! `console.keys[]` takes keys, in the order of the file. Nobody waits for the console: a partition whose queue is full drops
//! its own lines.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write as _;

use cofferdam_ipc::Bytes;
use cofferdam_native::{Lines, Peer, QueuingDestination, QueuingSource, wait};
use console::{Input, Keys, Output, Uart};
use embedded_io::{Read, ReadReady, Write, WriteReady};
use flight_messages::{Degrees, Question};

cofferdam_native::partition!("console", main);

/// The longest line of a partition.
const LINE_BYTES: usize = 96;
/// A line of the console's own.
type Line = heapless::String<LINE_BYTES>;
/// The most keys in one message.
const KEY_BYTES: usize = 16;
/// What waits for the UART at most.
const OUTPUT_BYTES: usize = 4096;
/// `health` has so long to answer, in ticks: it runs before the console in the same window.
const ANSWER_TICKS: u32 = ports::TIMEBASE_HZ / 1000;

/// Whose lines are shown.
static LOGS: &[Peer<QueuingDestination<Bytes<LINE_BYTES>>>] = ports::LOGS;
/// Who can have the keys.
static KEYS: &[Peer<QueuingSource<Bytes<KEY_BYTES>>>] = ports::KEYS;

fn main() -> ! {
    let mut uart = Uart::new(ports::UART0_REGISTERS, ports::UART0);
    let mut output = Output::<OUTPUT_BYTES>::new();
    let mut keys = Keys::new(KEYS.len());
    let interrupt = uart.interrupt().line();
    let lines = LOGS
        .iter()
        .fold(interrupt | ports::NOISE.line(), |lines, peer| {
            lines | peer.port.line()
        });
    let mut greeting = Line::new();
    // What does not fit is left out, here and below.
    let _ = greeting.push_str("Ctrl-T gives the keys to the next partition");
    if let Some(peer) = KEYS.first() {
        let _ = write!(greeting, "; {} has them now", peer.name);
    }
    output.line("console", greeting.as_bytes());
    let mut came = Lines::NONE;
    loop {
        collect(&mut output);
        discard_noise();
        transmit(&mut uart, &mut output);
        receive(&mut uart, &mut output, &mut keys);
        uart.ask_to_send(!output.is_empty());
        came = if came.has(interrupt) {
            uart.interrupt().acknowledge_and_wait(lines)
        } else {
            wait(lines)
        };
    }
}

/// Takes the partitions' lines as long as there is room: what has none stays in its queue.
fn collect(output: &mut Output<OUTPUT_BYTES>) {
    for peer in LOGS {
        while output.has_room(LINE_BYTES)
            && let Ok(Some(line)) = peer.port.receive()
        {
            output.line(peer.name, &line.message);
        }
    }
}

/// Takes what the rogue sends, and forgets it: at most a queue full, so that the rogue cannot keep it here.
fn discard_noise() {
    const MOST: usize = 4;
    for _ in 0..MOST {
        if !matches!(ports::NOISE.receive(), Ok(Some(_))) {
            return;
        }
    }
}

fn transmit(uart: &mut Uart, output: &mut Output<OUTPUT_BYTES>) {
    while !output.is_empty() && uart.write_ready() == Ok(true) {
        let mut burst = [0; 16];
        let count = output.take(&mut burst);
        // A ready transmitter takes a burst of this size whole.
        let _ = uart.write_all(burst.get(..count).unwrap_or_default());
    }
}

fn receive(uart: &mut Uart, output: &mut Output<OUTPUT_BYTES>, keys: &mut Keys) {
    while uart.read_ready() == Ok(true) {
        let mut key = [0];
        let Ok(_) = uart.read(&mut key);
        match keys.pressed(key[0]) {
            Input::For(focus) => {
                if let (Some(peer), Ok(message)) = (KEYS.get(focus), Bytes::try_from(&key[..])) {
                    // A partition that does not read its keys loses them.
                    let _ = peer.port.send(&message);
                }
            }
            Input::Switched(focus) => say_focus(output, focus),
        }
    }
}

/// Says who has the keys now, and how things are.
fn say_focus(output: &mut Output<OUTPUT_BYTES>, focus: usize) {
    let Some(peer) = KEYS.get(focus) else {
        return;
    };
    let mut line = Line::new();
    let _ = write!(line, "keys go to {}", peer.name);
    if let Ok(Some(attitude)) = ports::ATTITUDE.read() {
        let _ = write!(
            line,
            "; pitch {} deg",
            Degrees(attitude.value.pitch_microradians)
        );
    }
    let asked = [Question::Events, Question::RestartsOrdered]
        .map(|question| ports::QUESTION.call(&question, ANSWER_TICKS));
    if let [Ok(events), Ok(restarts)] = asked {
        let _ = write!(
            line,
            "; health log {} entries, {} restarts ordered",
            events.count, restarts.count
        );
    }
    output.line("console", line.as_bytes());
}
