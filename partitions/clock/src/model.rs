//! A model of the controller and of a DS1338 on its bus, as far as the driver can tell; with faults.

use std::vec::Vec;

use chrono::{Datelike, Days, NaiveDate};

use crate::Hardware;

const DIVIDER: u32 = 0x04;
const CONTROL: u32 = 0x08;
const STATUS: u32 = 0x0c;
const DATA: u32 = 0x10;

const ENABLE: u8 = 0x80;
const MASTER: u8 = 0x20;
const TRANSMIT: u8 = 0x10;
const NO_ACKNOWLEDGE: u8 = 0x08;
const REPEAT_START: u8 = 0x04;

const COMPLETE: u8 = 0x80;
const BUSY: u8 = 0x20;
const LOST: u8 = 0x10;
const DONE: u8 = 0x02;
const REFUSED: u8 = 0x01;

/// The chip's address.
const CHIP: u8 = 0x68;

/// What went over the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A START, or a repeated one, and the byte behind it.
    Start(u8),
    /// A byte to the chip.
    Sent(u8),
    /// A byte from the chip, and whether it was acknowledged.
    Received(u8, bool),
    /// A STOP.
    Stop,
    /// The controller was switched off.
    Off,
}

/// What does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Everything does.
    #[default]
    None,
    /// Somebody holds the bus.
    Held,
    /// Behind so many bytes none is over any more, until the controller was switched off.
    Hangs(u32),
    /// The bus was lost to another master behind so many bytes.
    Loses(u32),
    /// The chip acknowledges so many bytes and no more.
    Refuses(u32),
}

/// The controller with a DS1338 behind it.
#[derive(Debug, Default)]
pub struct Model {
    /// The chip's registers.
    pub chip: Vec<u8>,
    /// What went over the bus.
    pub events: Vec<Event>,
    /// What does not work.
    pub fault: Fault,
    /// A byte that was not acknowledged is not said to be over, as in QEMU 7.2.
    pub silent_refusal: bool,
    /// The chip normalises its date behind each register that is written, as QEMU 7.2's does.
    pub normalises: bool,
    /// What is written to the chip's time does not stay.
    pub sealed: bool,
    /// How often the driver waited.
    pub waits: u32,
    control: u8,
    status: u8,
    data: u8,
    divider: u8,
    bytes: u32,
    pointer: u8,
    addressed: bool,
    pointer_comes: bool,
}

impl Model {
    /// All well, at 2026-11-26 12:34:56, a Thursday.
    pub fn new() -> Self {
        let mut chip = std::vec![0; 64];
        chip[..7].copy_from_slice(&[0x56, 0x34, 0x12, 5, 0x26, 0x11, 0x26]);
        Self {
            chip,
            divider: 0x2a,
            ..Self::default()
        }
    }

    /// The same, with something changed.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut model = Self::new();
        change(&mut model);
        model
    }

    /// The frequency divider, which only the board's boot sets.
    pub fn divider(&self) -> u8 {
        self.divider
    }

    /// A byte is over.
    fn over(&mut self, acknowledged: bool) {
        self.bytes += 1;
        match self.fault {
            Fault::Hangs(after) if self.bytes > after => return,
            Fault::Loses(after) if self.bytes > after => self.status |= LOST,
            _ => {}
        }
        self.status &= !REFUSED;
        if !acknowledged {
            self.status |= REFUSED;
            if self.silent_refusal {
                return;
            }
        }
        self.status |= COMPLETE | DONE;
    }

    fn sent(&mut self, byte: u8) {
        let takes = !matches!(self.fault, Fault::Refuses(after) if self.bytes >= after);
        if !self.addressed {
            self.events.push(Event::Start(byte));
            self.addressed = byte >> 1 == CHIP && takes;
            self.pointer_comes = true;
            self.over(self.addressed);
            return;
        }
        self.events.push(Event::Sent(byte));
        if takes {
            self.chip_takes(byte);
        }
        self.over(takes);
    }

    fn chip_takes(&mut self, byte: u8) {
        if self.pointer_comes {
            self.pointer = byte % 64;
            self.pointer_comes = false;
            return;
        }
        let register = usize::from(self.pointer);
        match register {
            0..7 if self.sealed => {}
            // The flag can be cleared only.
            7 => self.chip[7] = byte & (self.chip[7] | !0x20) & 0xb3,
            _ => self.chip[register] = byte,
        }
        if self.normalises && (4..7).contains(&register) {
            self.normalise();
        }
        self.pointer = (self.pointer + 1) % 64;
    }

    fn normalise(&mut self) {
        let number = |bcd: u8| u32::from(bcd >> 4) * 10 + u32::from(bcd & 15);
        let bcd = |number: u32| (number / 10 << 4 | number % 10) as u8;
        let [day, month, year] = [4, 5, 6].map(|register| number(self.chip[register]));
        let first = NaiveDate::from_ymd_opt(2000 + year as i32, month, 1).unwrap();
        let date = first + Days::new(u64::from(day) - 1);
        self.chip[4] = bcd(date.day());
        self.chip[5] = bcd(date.month());
        self.chip[6] = bcd(date.year() as u32 - 2000);
    }

    fn received(&mut self) {
        if !self.addressed {
            self.data = 0xff;
            self.over(true);
            return;
        }
        self.data = self.chip[usize::from(self.pointer)];
        self.pointer = (self.pointer + 1) % 64;
        let acknowledged = self.control & NO_ACKNOWLEDGE == 0;
        self.events.push(Event::Received(self.data, acknowledged));
        self.over(true);
    }

    fn controlled(&mut self, value: u8) {
        let before = self.control;
        if before & ENABLE != 0 && value & ENABLE == 0 {
            self.events.push(Event::Off);
            (self.control, self.status, self.addressed) = (value, COMPLETE, false);
            self.divider = 0;
            if matches!(self.fault, Fault::Hangs(_) | Fault::Loses(_)) {
                self.fault = Fault::None;
            }
            return;
        }
        self.control = value;
        if value & MASTER != 0 {
            self.status |= BUSY;
        } else {
            self.status &= !BUSY;
            if before & MASTER != 0 && before & ENABLE != 0 {
                self.events.push(Event::Stop);
            }
            self.addressed = false;
        }
        if value & REPEAT_START != 0 {
            self.addressed = false;
        }
    }
}

impl Hardware for &mut Model {
    fn read(&mut self, register: u32) -> u8 {
        match register {
            DIVIDER => self.divider,
            CONTROL => self.control,
            STATUS if self.fault == Fault::Held => self.status | BUSY,
            STATUS => self.status,
            DATA => {
                let value = self.data;
                if self.control & (MASTER | TRANSMIT) == MASTER {
                    self.received();
                }
                value
            }
            _ => panic!("there is no register {register:#x}"),
        }
    }

    fn write(&mut self, register: u32, value: u8) {
        match register {
            DIVIDER => self.divider = value,
            CONTROL => self.controlled(value),
            STATUS => self.status &= !(DONE | LOST | REFUSED),
            DATA => {
                self.data = value;
                assert!(
                    self.control & MASTER != 0,
                    "nobody takes what is sent by no master"
                );
                self.sent(value);
            }
            _ => panic!("there is no register {register:#x}"),
        }
    }

    fn begin(&mut self) {
        self.waits = 0;
    }

    fn wait(&mut self) -> bool {
        self.waits += 1;
        assert!(self.waits < 100, "it is waited for without a bound");
        self.waits < 3
    }

    fn served(&mut self) {}

    fn pause(&mut self) {
        self.waits += 1;
        assert!(self.waits < 100, "it is waited for without a bound");
    }
}
