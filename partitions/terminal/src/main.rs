//! A terminal for any system: each channel to `terminal.logs[]` brings lines, and each one from `terminal.keys[]` takes keys, in the
//! order of the file. Ctrl-T gives the keys to the next partition.
//!
//! Nobody waits for it: a partition whose queue is full drops its own lines, or keeps them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write as _;

use cofferdam_native::Lines;
use console::{LINE_BYTES, Terminal, Uart};

cofferdam_native::partition!("terminal", main);

fn main() -> ! {
    let uart = Uart::new(ports::UART0_REGISTERS, ports::UART0);
    let mut terminal = Terminal::new(uart, ports::LOGS, ports::KEYS);
    say_focus(&mut terminal, 0);
    loop {
        terminal.show();
        while let Some(focus) = terminal.take_keys() {
            say_focus(&mut terminal, focus);
        }
        terminal.wait(Lines::NONE);
    }
}

/// Says who has the keys now.
fn say_focus(terminal: &mut Terminal, focus: usize) {
    let Some(name) = terminal.name(focus) else {
        return;
    };
    let mut line = heapless::String::<LINE_BYTES>::new();
    // What does not fit is left out.
    let _ = write!(
        line,
        "keys go to {name}; Ctrl-T gives them to the next partition"
    );
    terminal.line("terminal", line.as_bytes());
}
