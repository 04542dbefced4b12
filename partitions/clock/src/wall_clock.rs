//! The DS1338: the time of day, and whether it can be believed.
//!
//! DS1338 data sheet, Maxim, 2015. It has the registers of the DS1307 and one bit more, which says that its oscillator stopped since the
//! bit was cleared. The crate `ds1307` knows the registers; that bit is read here.

use chrono::{DateTime, NaiveDateTime};
use clock_messages::{FIRST_SECOND, LAST_SECOND};
use ds1307::{DateTimeAccess, Ds1307, Error};
use embedded_hal::i2c::I2c;

/// The chip's address.
const ADDRESS: u8 = 0x68;
/// The register of the hours.
const HOURS: u8 = 2;
/// The control register.
const CONTROL: u8 = 7;
/// From the hours to the control register.
const STATE_BYTES: usize = (CONTROL - HOURS) as usize + 1;

/// Of the hours: they are 1 to 12. Whoever set the chip so was not this driver, and the crate takes 12 for noon and midnight alike.
const TWELVE_HOURS: u8 = 1 << 6;
/// Of the control register: the oscillator has stopped at some time.
const OSCILLATOR_STOPPED: u8 = 1 << 5;

/// How often a time is written before the chip counts as one that does not take it. QEMU 7.2 normalises the date behind each register
/// that is written (`ds1338_send`), so that the 29th of February does not stay before the year is there: the second time it is.
const ATTEMPTS: u32 = 3;
/// By so much the time that is read back may have gone on.
const READ_BACK_SECONDS: i64 = 2;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The chip cannot hold that time.
    OutOfRange,
    /// The chip does not answer, or does not take what it is told.
    Unavailable,
}

/// What the chip says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Seconds of UTC since 1970; 0 if its registers hold no time.
    pub utc_seconds: u64,
    /// Whether it has run without a break since it was set.
    pub valid: bool,
}

/// The chip, behind a bus.
#[derive(Debug)]
pub struct WallClock<B> {
    bus: B,
}

impl<B: I2c> WallClock<B> {
    /// The chip on this bus.
    pub const fn new(bus: B) -> Self {
        Self { bus }
    }

    /// Reads the time.
    ///
    /// # Errors
    /// [`Failure::Unavailable`].
    pub fn read(&mut self) -> Result<Reading, Failure> {
        let Some(time) = self.registers()? else {
            return Ok(Reading {
                utc_seconds: 0,
                valid: false,
            });
        };
        let running = self.chip().running().map_err(|_| Failure::Unavailable)?;
        let [hours, .., control] = self.state()?;
        Ok(Reading {
            // The chip's years begin with 2000.
            utc_seconds: u64::try_from(time.and_utc().timestamp()).unwrap_or(0),
            valid: running && hours & TWELVE_HOURS == 0 && control & OSCILLATOR_STOPPED == 0,
        })
    }

    /// Sets the time, has the chip run, and makes sure that it does.
    ///
    /// # Errors
    /// [`Failure::OutOfRange`], and nothing was changed; [`Failure::Unavailable`].
    pub fn set(&mut self, utc_seconds: u64) -> Result<(), Failure> {
        if !(FIRST_SECOND..=LAST_SECOND).contains(&utc_seconds) {
            return Err(Failure::OutOfRange);
        }
        let seconds = i64::try_from(utc_seconds).map_err(|_| Failure::OutOfRange)?;
        let time = DateTime::from_timestamp(seconds, 0).ok_or(Failure::OutOfRange)?;
        for _ in 0..ATTEMPTS {
            let mut chip = self.chip();
            chip.set_datetime(&time.naive_utc())
                .and_then(|()| chip.set_running())
                .map_err(|_| Failure::Unavailable)?;
            let back = self.registers()?;
            let passed = back.map(|back| back.and_utc().timestamp().saturating_sub(seconds));
            if passed.is_some_and(|passed| (0..=READ_BACK_SECONDS).contains(&passed)) {
                return self.vouch();
            }
        }
        Err(Failure::Unavailable)
    }

    fn chip(&mut self) -> Ds1307<&mut B> {
        Ds1307::new(&mut self.bus)
    }

    /// The time in the registers; `None` if what they hold is none.
    fn registers(&mut self) -> Result<Option<NaiveDateTime>, Failure> {
        match self.chip().datetime() {
            Ok(time) => Ok(Some(time)),
            Err(Error::InvalidInputData) => Ok(None),
            Err(Error::I2C(_)) => Err(Failure::Unavailable),
        }
    }

    /// The registers from the hours to the control register.
    fn state(&mut self) -> Result<[u8; STATE_BYTES], Failure> {
        let mut bytes = [0; STATE_BYTES];
        self.bus
            .write_read(ADDRESS, &[HOURS], &mut bytes)
            .map_err(|_| Failure::Unavailable)?;
        Ok(bytes)
    }

    /// Clears the bit that says that the oscillator stopped: from now on it tells of what comes.
    fn vouch(&mut self) -> Result<(), Failure> {
        let [.., control] = self.state()?;
        let cleared = control & !OSCILLATOR_STOPPED;
        self.bus
            .write(ADDRESS, &[CONTROL, cleared])
            .map_err(|_| Failure::Unavailable)
    }
}
