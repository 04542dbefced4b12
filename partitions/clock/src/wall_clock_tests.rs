//! The chip against the model: what it says, and whether it vouches for it.

use crate::model::{Fault, Model};
use crate::{Controller, Failure, Reading, WallClock};

/// 2026-11-26 12:34:56.
const NOW: u64 = 1_795_696_496;
/// 2028-02-29 23:59:58.
const LEAP: u64 = 1_835_481_598;

fn read(model: &mut Model) -> Result<Reading, Failure> {
    WallClock::new(Controller::new(model)).read()
}

fn set(model: &mut Model, utc_seconds: u64) -> Result<(), Failure> {
    WallClock::new(Controller::new(model)).set(utc_seconds)
}

fn reading(utc_seconds: u64, valid: bool) -> Result<Reading, Failure> {
    Ok(Reading { utc_seconds, valid })
}

#[test]
fn the_time_is_read() {
    assert_eq!(read(&mut Model::new()), reading(NOW, true));
}

#[test]
fn a_chip_that_stopped_does_not_vouch_for_its_time() {
    // The oscillator had stopped, it stands still, it counts to twelve.
    for (register, bit) in [(7, 0x20), (0, 0x80), (2, 0x40)] {
        let mut model = Model::new();
        model.chip[register] |= bit;
        assert!(!read(&mut model).unwrap().valid, "register {register}");
        set(&mut model, LEAP).unwrap();
        assert_eq!(read(&mut model), reading(LEAP, true));
    }
}

#[test]
fn registers_without_a_time_are_no_time() {
    for (register, value) in [
        (0, 0x7f),
        (1, 0xff),
        (2, 0x24),
        (4, 0),
        (4, 0x31),
        (5, 0x13),
    ] {
        let mut model = Model::new();
        model.chip[register] = value;
        assert_eq!(read(&mut model), reading(0, false), "register {register}");
        set(&mut model, NOW).unwrap();
        assert_eq!(read(&mut model), reading(NOW, true));
    }
}

/// Whatever the registers hold, there is an answer.
#[test]
fn any_registers_are_a_time_or_none() {
    for register in 0..8 {
        for value in 0..=255 {
            let mut model = Model::new();
            model.chip[register] = value;
            read(&mut model).unwrap();
        }
    }
}

#[test]
fn a_time_is_set_although_the_chip_normalises_on_the_way() {
    for normalises in [false, true] {
        let mut model = Model::with(|model| model.normalises = normalises);
        set(&mut model, LEAP).unwrap();
        assert_eq!(read(&mut model), reading(LEAP, true));
        // The control register's other bits, the chip's memory: not the driver's.
        assert_eq!(model.chip[7..], [0; 57]);
    }
}

#[test]
fn the_first_and_the_last_second_can_be_set_and_no_others() {
    use clock_messages::{FIRST_SECOND, LAST_SECOND};
    for second in [FIRST_SECOND, LAST_SECOND] {
        let mut model = Model::new();
        assert_eq!(set(&mut model, second), Ok(()));
        assert_eq!(read(&mut model), reading(second, true));
    }
    for second in [0, FIRST_SECOND - 1, LAST_SECOND + 1, u64::MAX] {
        let mut model = Model::new();
        assert_eq!(set(&mut model, second), Err(Failure::OutOfRange));
        assert_eq!(model.events, [], "nothing was said to the chip");
    }
}

#[test]
fn a_chip_that_does_not_take_a_time_is_no_clock() {
    let mut model = Model::with(|model| model.sealed = true);
    assert_eq!(set(&mut model, LEAP), Err(Failure::Unavailable));
}

/// Whenever the bus fails, reading and setting come back, and the next reading is good.
#[test]
fn a_bus_that_fails_is_an_answer() {
    for after in 0..60 {
        for fault in [
            Fault::Hangs(after),
            Fault::Loses(after),
            Fault::Refuses(after),
        ] {
            let mut model = Model::new();
            model.fault = fault;
            // Behind the last byte there is no fault.
            if read(&mut model).is_ok() {
                assert!(after >= 17, "{fault:?}");
            }
            model.fault = Fault::None;
            assert_eq!(read(&mut model), reading(NOW, true), "{fault:?}");
            model.fault = fault;
            let _ = set(&mut model, LEAP);
            model.fault = Fault::None;
            set(&mut model, LEAP).unwrap();
            assert_eq!(read(&mut model), reading(LEAP, true), "{fault:?}");
        }
    }
}
