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

use console::{LINE_BYTES, Terminal, Uart};
use flight_messages::{Degrees, Question};

cofferdam_native::partition!("console", main);

/// A line of the console's own.
type Line = heapless::String<LINE_BYTES>;
/// `health` has so long to answer, in ticks: it runs before the console in the same window.
const ANSWER_TICKS: u32 = ports::TIMEBASE_HZ / 1000;

fn main() -> ! {
    let uart = Uart::new(ports::UART0_REGISTERS, ports::UART0);
    let mut terminal = Terminal::new(uart, ports::LOGS, ports::KEYS);
    let mut greeting = Line::new();
    // What does not fit is left out, here and below.
    let _ = greeting.push_str("Ctrl-T gives the keys to the next partition");
    if let Some(name) = terminal.name(0) {
        let _ = write!(greeting, "; {name} has them now");
    }
    terminal.line("console", greeting.as_bytes());
    loop {
        discard_noise();
        terminal.show();
        while let Some(focus) = terminal.take_keys() {
            say_focus(&mut terminal, focus);
        }
        terminal.wait(ports::NOISE.line());
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

/// Says who has the keys now, and how things are.
fn say_focus(terminal: &mut Terminal, focus: usize) {
    let Some(name) = terminal.name(focus) else {
        return;
    };
    let mut line = Line::new();
    let _ = write!(line, "keys go to {name}");
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
    terminal.line("console", line.as_bytes());
}
