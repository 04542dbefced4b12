//! The console of a guest that knows no byte channel: a 16550 UART, at the place where a `ppce500` board has its first.
//!
//! Registers are bytes (National Semiconductor, PC16550D data sheet, section 8). What is sent goes to the console's output at once, and the
//! transmitter is empty while that has room; what is received are the console's keys, a queue that is longer than the chip's.
//! There is no line, so that speed, parity and breaks change nothing. In loopback the modem's signals come back, as drivers try
//! when they look for the chip; what is sent then goes nowhere.
//!
//! Each access costs the guest an exit. A guest that can use the byte channel should.

use crate::board;
use crate::console::{Console, TRANSFER_BYTES};

/// Registers by offset.
mod at {
    /// Receiver buffer, transmitter holding; with [`super::DIVISOR_ACCESS`] the divisor's low byte.
    pub const DATA: u32 = 0;
    /// Interrupt enable; the divisor's high byte.
    pub const ENABLE: u32 = 1;
    /// Interrupt identification when it is read, FIFO control when it is written.
    pub const IDENTIFICATION: u32 = 2;
    pub const LINE_CONTROL: u32 = 3;
    pub const MODEM_CONTROL: u32 = 4;
    pub const LINE_STATUS: u32 = 5;
    pub const MODEM_STATUS: u32 = 6;
    pub const SCRATCH: u32 = 7;
}

/// LCR: the first two registers are the divisor's.
const DIVISOR_ACCESS: u8 = 0x80;

/// IER: keys wait; the transmitter is empty.
const ENABLE_RECEIVED: u8 = 0x01;
const ENABLE_SENT: u8 = 0x02;
const ENABLE_KEPT: u8 = 0x0f;

/// IIR: nothing, or which of the two; and that the FIFOs are on.
const NO_INTERRUPT: u8 = 0x01;
const SENT: u8 = 0x02;
const RECEIVED: u8 = 0x04;
const FIFOS: u8 = 0xc0;

/// FCR.
const FIFO_ENABLE: u8 = 0x01;
const FIFO_FORGET_RECEIVED: u8 = 0x02;

/// LSR: keys wait; the holding register, and the transmitter altogether, are empty.
const DATA_READY: u8 = 0x01;
const TRANSMITTER_EMPTY: u8 = 0x60;

/// MCR: its lower bits are signals, and loopback returns them.
const LOOPBACK: u8 = 0x10;
const MODEM_KEPT: u8 = 0x1f;
/// MSR: carrier, ready, clear to send: somebody is always there.
const CONNECTED: u8 = 0xb0;

/// The UART.
#[derive(Debug, Default)]
pub struct Uart {
    divisor: [u8; 2],
    enabled: u8,
    fifos: bool,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    /// It was sent, or might be for the first time, and the guest has not been told.
    sent: bool,
}

/// The offset of the register at a guest-physical address, if a byte there is one.
pub fn place(address: u64, bytes: u32) -> Option<u32> {
    let offset = address.checked_sub(u64::from(board::CCSR + board::UART))?;
    (bytes == 1 && offset < u64::from(board::UART_BYTES)).then_some(offset as u32)
}

impl Uart {
    /// As after a reset.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it interrupts.
    pub fn interrupts(&self, console: &Console) -> bool {
        self.reason(console) != NO_INTERRUPT
    }

    fn reason(&self, console: &Console) -> u8 {
        if self.enabled & ENABLE_RECEIVED != 0 && console.waiting() > 0 {
            RECEIVED
        } else if self.enabled & ENABLE_SENT != 0 && self.sent && console.output.room() > 0 {
            SENT
        } else {
            NO_INTERRUPT
        }
    }

    fn shows_divisor(&self) -> bool {
        self.line_control & DIVISOR_ACCESS != 0
    }

    /// A load from a register.
    pub fn load(&mut self, offset: u32, console: &mut Console) -> u8 {
        match offset {
            at::DATA | at::ENABLE if self.shows_divisor() => self.divisor[offset as usize],
            at::DATA => console.receive(1).first().copied().unwrap_or(0),
            at::ENABLE => self.enabled,
            at::IDENTIFICATION => {
                let reason = self.reason(console);
                if reason == SENT {
                    self.sent = false;
                }
                reason | if self.fifos { FIFOS } else { 0 }
            }
            at::LINE_CONTROL => self.line_control,
            at::MODEM_CONTROL => self.modem_control,
            at::LINE_STATUS => {
                let ready = if console.waiting() > 0 { DATA_READY } else { 0 };
                let empty = console.output.room() > 0;
                ready | if empty { TRANSMITTER_EMPTY } else { 0 }
            }
            at::MODEM_STATUS => self.modem_status(),
            _ => self.scratch,
        }
    }

    /// In loopback, clear to send and ready are each other's, and the two outputs are ring and carrier.
    fn modem_status(&self) -> u8 {
        let signals = self.modem_control;
        if signals & LOOPBACK == 0 {
            return CONNECTED;
        }
        (signals & 0x0c) << 4 | (signals & 0x02) << 3 | (signals & 0x01) << 5
    }

    /// A store to a register.
    pub fn store(&mut self, offset: u32, value: u8, console: &mut Console) {
        match offset {
            at::DATA | at::ENABLE if self.shows_divisor() => self.divisor[offset as usize] = value,
            at::DATA => {
                self.sent = true;
                if self.modem_control & LOOPBACK == 0 {
                    // Who does not look whether there is room loses it.
                    console.output.write(&[value]);
                }
            }
            at::ENABLE => {
                // A transmitter that is empty says so when it is first allowed to.
                self.sent |= value & !self.enabled & ENABLE_SENT != 0;
                self.enabled = value & ENABLE_KEPT;
            }
            at::IDENTIFICATION => {
                self.fifos = value & FIFO_ENABLE != 0;
                if value & FIFO_FORGET_RECEIVED != 0 {
                    while !console.receive(TRANSFER_BYTES).is_empty() {}
                }
            }
            at::LINE_CONTROL => self.line_control = value,
            at::MODEM_CONTROL => self.modem_control = value & MODEM_KEPT,
            at::SCRATCH => self.scratch = value,
            // Status is read-only.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// A UART, and the console behind it.
    #[derive(Default)]
    struct Both {
        uart: Uart,
        console: Console,
    }

    impl Both {
        fn load(&mut self, offset: u32) -> u8 {
            self.uart.load(offset, &mut self.console)
        }

        fn store(&mut self, offset: u32, value: u8) {
            self.uart.store(offset, value, &mut self.console);
        }

        fn interrupts(&self) -> bool {
            self.uart.interrupts(&self.console)
        }
    }

    #[test]
    fn bytes_alone_are_registers() {
        assert_eq!(place(0xe000_4500, 1), Some(0));
        assert_eq!(place(0xe000_4507, 1), Some(7));
        for (address, bytes) in [
            (0xe000_44ff, 1),
            (0xe000_4508, 1),
            (0xe000_4500, 2),
            (0xe000_4500, 4),
            (0x1_e000_4500, 1),
            (0x4500, 1),
        ] {
            assert_eq!(place(address, bytes), None, "{address:#x} {bytes}");
        }
    }

    #[test]
    fn what_is_sent_is_the_consoles_output() {
        let mut both = Both::default();
        for byte in b"=> \n" {
            assert_eq!(both.load(at::LINE_STATUS), 0x60);
            both.store(at::DATA, *byte);
        }
        let mut shown = Vec::new();
        both.console.output.show_lines(|line| {
            shown.extend_from_slice(line);
            true
        });
        assert_eq!(shown, b"=> ");
    }

    #[test]
    fn the_transmitter_is_not_empty_while_nobody_takes_what_it_sent() {
        let mut both = Both::default();
        while both.load(at::LINE_STATUS) & TRANSMITTER_EMPTY != 0 {
            both.store(at::DATA, b'\n');
        }
        assert_eq!(both.console.output.room(), 0);
        both.store(at::ENABLE, ENABLE_SENT);
        assert!(!both.interrupts());
        both.console.output.show_lines(|_| true);
        assert_eq!(both.load(at::LINE_STATUS), 0x60);
        assert!(both.interrupts());
    }

    #[test]
    fn keys_are_received_in_their_order() {
        let mut both = Both::default();
        both.console.type_keys(b"ab");
        assert_eq!(both.load(at::LINE_STATUS), 0x61);
        assert_eq!([both.load(at::DATA), both.load(at::DATA)], *b"ab");
        assert_eq!(both.load(at::LINE_STATUS), 0x60);
        assert_eq!(both.load(at::DATA), 0);
    }

    #[test]
    fn interrupts_say_why_and_keys_come_first() {
        let mut both = Both::default();
        both.console.type_keys(b"x");
        assert!(!both.interrupts(), "none is enabled");
        assert_eq!(both.load(at::IDENTIFICATION), NO_INTERRUPT);
        both.store(at::ENABLE, ENABLE_RECEIVED | ENABLE_SENT);
        assert!(both.interrupts());
        assert_eq!(both.load(at::IDENTIFICATION), RECEIVED);
        both.load(at::DATA);
        assert_eq!(both.load(at::IDENTIFICATION), SENT);
        assert!(!both.interrupts(), "the guest has been told");
        both.store(at::DATA, b'y');
        assert!(both.interrupts());
        both.store(at::ENABLE, 0);
        assert!(!both.interrupts());
    }

    #[test]
    fn the_fifos_show_that_they_are_on_and_forget_what_came() {
        let mut both = Both::default();
        both.console.type_keys(&[b'x'; 20]);
        both.store(at::IDENTIFICATION, FIFO_ENABLE);
        assert_eq!(both.load(at::IDENTIFICATION), 0xc1);
        assert_eq!(both.console.waiting(), 20);
        both.store(at::IDENTIFICATION, FIFO_ENABLE | FIFO_FORGET_RECEIVED);
        assert_eq!(both.console.waiting(), 0);
        both.store(at::IDENTIFICATION, 0);
        assert_eq!(both.load(at::IDENTIFICATION), 1);
    }

    #[test]
    fn the_divisor_stands_where_line_control_says() {
        let mut both = Both::default();
        both.console.type_keys(b"x");
        both.store(at::LINE_CONTROL, 0x83);
        both.store(at::DATA, 0x12);
        both.store(at::ENABLE, 0x34);
        assert_eq!([both.load(at::DATA), both.load(at::ENABLE)], [0x12, 0x34]);
        both.store(at::LINE_CONTROL, 0x03);
        assert_eq!(both.load(at::LINE_CONTROL), 0x03);
        assert_eq!([both.load(at::ENABLE), both.load(at::DATA)], [0, b'x']);
        assert!(!both.console.output.has_prompt(), "nothing was sent");
    }

    #[test]
    fn a_driver_that_looks_for_the_chip_finds_it() {
        let mut both = Both::default();
        for value in [0x55, 0xaa] {
            both.store(at::SCRATCH, value);
            assert_eq!(both.load(at::SCRATCH), value);
        }
        both.store(at::ENABLE, 0xff);
        assert_eq!(both.load(at::ENABLE), 0x0f);
        assert_eq!(both.load(at::MODEM_STATUS), 0xb0);
        for (signals, back) in [(0x1a, 0x90), (0x11, 0x20), (0x14, 0x40)] {
            both.store(at::MODEM_CONTROL, signals);
            assert_eq!(both.load(at::MODEM_CONTROL), signals);
            assert_eq!(both.load(at::MODEM_STATUS), back, "{signals:#x}");
        }
        both.store(at::DATA, b'x');
        both.store(at::LINE_STATUS, 0);
        assert!(!both.console.output.has_prompt(), "loopback sends nothing");
    }
}
