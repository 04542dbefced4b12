//! Shows what the applications log, and leaves it as evidence: of each line, how many of its kind there were.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::Lines;
use console::{Terminal, Uart};
use evidence::seen;

cofferdam_native::partition!("listener", main);

fn main() -> ! {
    let uart = Uart::new(ports::UART0_REGISTERS, ports::UART0);
    let mut terminal = Terminal::new(uart, &[], &[]);
    // For `caller` to have something to read and to receive.
    let _ = ports::BACK_OUT.write(&Bytes::try_from(&b"back"[..]).unwrap_or_default());
    let _ = ports::LETTERS.send(&Bytes::try_from(&b"back"[..]).unwrap_or_default());
    let mut heard = Heard::default();
    loop {
        for peer in ports::LOGS {
            while let Ok(Some(line)) = peer.port.receive() {
                heard.line(&line.message);
                terminal.line(peer.name, &line.message);
            }
        }
        terminal.show();
        let lines = ports::LOGS
            .iter()
            .fold(Lines::NONE, |lines, peer| lines | peer.port.line());
        terminal.wait(lines);
    }
}

/// How often each kind of line came.
#[derive(Default)]
struct Heard {
    started: u32,
    asked: u32,
    said: u32,
    answered: u32,
}

impl Heard {
    fn line(&mut self, line: &[u8]) {
        fn one_more(count: &mut u32) -> u32 {
            *count += 1;
            *count
        }
        if line.starts_with(b"INFO started ") {
            seen!("started", one_more(&mut self.started));
        } else if line == b"INFO sending a request" {
            seen!("asked", one_more(&mut self.asked));
        } else if line == b"INFO forwarding request as response" {
            seen!("said", one_more(&mut self.said));
        } else if line.starts_with(b"INFO received valid response:") {
            seen!("answered", one_more(&mut self.answered));
        } else {
            let first = line.first_chunk().copied().unwrap_or_default();
            seen!("other", u32::from_be_bytes(first));
        }
    }
}
