//! A terminal for any system: each channel to `terminal.logs[]` brings lines, and each one from `terminal.keys[]` takes keys, in the
//! order of the file. Ctrl-T gives the keys to the next partition.
//!
//! Nobody waits for it: a partition whose queue is full drops its own lines, or keeps them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write as _;

use cofferdam_ipc::Bytes;
use cofferdam_native::{Lines, wait};
use console::{Input, Keys, Output, Uart};
use embedded_io::{Read, ReadReady, Write, WriteReady};

cofferdam_native::partition!("terminal", main);

/// The longest line of a partition.
const LINE_BYTES: usize = 96;
/// What waits for the UART at most.
const OUTPUT_BYTES: usize = 4096;

fn main() -> ! {
    let mut uart = Uart::new(ports::UART0_REGISTERS, ports::UART0);
    let mut output = Output::<OUTPUT_BYTES>::new();
    let mut keys = Keys::new(ports::KEYS.len());
    let interrupt = uart.interrupt().line();
    let lines = (ports::LOGS.iter()).fold(interrupt, |lines, peer| lines | peer.port.line());
    say_focus(&mut output, 0);
    let mut came = Lines::NONE;
    loop {
        for peer in ports::LOGS {
            while output.has_room(LINE_BYTES)
                && let Ok(Some(line)) = peer.port.receive()
            {
                output.line(peer.name, &line.message);
            }
        }
        while !output.is_empty() && uart.write_ready() == Ok(true) {
            let mut burst = [0; 16];
            let count = output.take(&mut burst);
            // A ready transmitter takes a burst of this size whole.
            let _ = uart.write_all(burst.get(..count).unwrap_or_default());
        }
        while uart.read_ready() == Ok(true) {
            let mut key = [0];
            let Ok(_) = uart.read(&mut key);
            match keys.pressed(key[0]) {
                Input::For(focus) => {
                    if let (Some(peer), Ok(message)) =
                        (ports::KEYS.get(focus), Bytes::try_from(&key[..]))
                    {
                        // A partition that does not read its keys loses them.
                        let _ = peer.port.send(&message);
                    }
                }
                Input::Switched(focus) => say_focus(&mut output, focus),
            }
        }
        uart.ask_to_send(!output.is_empty());
        came = if came.has(interrupt) {
            uart.interrupt().acknowledge_and_wait(lines)
        } else {
            wait(lines)
        };
    }
}

/// Says who has the keys now.
fn say_focus(output: &mut Output<OUTPUT_BYTES>, focus: usize) {
    let Some(peer) = ports::KEYS.get(focus) else {
        return;
    };
    let mut line = heapless::String::<LINE_BYTES>::new();
    // What does not fit is left out.
    let _ = write!(
        line,
        "keys go to {}; Ctrl-T gives them to the next partition",
        peer.name
    );
    output.line("terminal", line.as_bytes());
}
