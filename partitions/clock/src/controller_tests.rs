//! The controller against the model: what goes over the bus, and what becomes of faults.

use std::vec::Vec;

use embedded_hal::i2c::{Error, ErrorKind, I2c, NoAcknowledgeSource, Operation};

use crate::model::Event::{Off, Received, Sent, Start, Stop};
use crate::model::{Fault, Model};
use crate::{BusError, Controller};

const CHIP: u8 = 0x68;
const TO: u8 = CHIP << 1;
const FROM: u8 = TO | 1;

#[test]
fn what_is_written_goes_over_the_bus() {
    let mut model = Model::new();
    Controller::new(&mut model).write(CHIP, &[8, 1, 2]).unwrap();
    assert_eq!(model.chip[8..10], [1, 2]);
    assert_eq!(model.events, [Start(TO), Sent(8), Sent(1), Sent(2), Stop]);
}

#[test]
fn the_last_byte_of_all_is_not_acknowledged() {
    for bytes in 1..5 {
        let mut model = Model::new();
        let mut read = std::vec![0; bytes];
        let mut controller = Controller::new(&mut model);
        controller.write_read(CHIP, &[4], &mut read).unwrap();
        assert_eq!(read, model.chip[4..4 + bytes]);
        let mut expected = std::vec![Start(TO), Sent(4), Start(FROM)];
        let received = read.iter().enumerate();
        expected.extend(received.map(|(place, byte)| Received(*byte, place + 1 < bytes)));
        expected.push(Stop);
        assert_eq!(model.events, expected);
    }
}

#[test]
fn operations_of_one_kind_are_one_and_empty_reads_none() {
    let mut model = Model::new();
    let (mut one, mut none, mut two) = ([0; 1], [0; 0], [0; 2]);
    let mut operations = [
        Operation::Write(&[4]),
        Operation::Read(&mut one),
        Operation::Read(&mut none),
        Operation::Read(&mut two),
        Operation::Write(&[9, 7]),
        Operation::Read(&mut []),
    ];
    let mut controller = Controller::new(&mut model);
    controller.transaction(CHIP, &mut operations).unwrap();
    assert_eq!((one, two), ([0x26], [0x11, 0x26]));
    let expected = [
        Start(TO),
        Sent(4),
        Start(FROM),
        Received(0x26, true),
        Received(0x11, true),
        Received(0x26, false),
        Start(TO),
        Sent(9),
        Sent(7),
        Stop,
    ];
    assert_eq!(model.events, expected);
}

/// Fails with this fault, and works when it is gone. What went over the bus until then.
#[track_caller]
fn fails(
    model: &mut Model,
    address: u8,
    expected: BusError,
    kind: ErrorKind,
) -> Vec<crate::model::Event> {
    let mut read = [0; 3];
    let mut controller = Controller::new(&mut *model);
    let result = controller.write_read(address, &[4], &mut read);
    assert_eq!(result, Err(expected));
    assert_eq!(expected.kind(), kind);
    let events = core::mem::take(&mut model.events);
    // What hangs goes on hanging until the controller was switched off.
    if !matches!(model.fault, Fault::Hangs(_)) {
        model.fault = Fault::None;
    }
    let mut controller = Controller::new(&mut *model);
    assert_eq!(controller.write_read(CHIP, &[4], &mut read), Ok(()));
    assert_eq!(read, [0x26, 0x11, 0x26]);
    assert_eq!(model.divider(), 0x2a);
    events
}

/// On silicon a byte that nobody acknowledges is over like any other; in QEMU it never is.
#[test]
fn nobody_at_the_address_is_an_error() {
    for silent_refusal in [false, true] {
        let mut model = Model::with(|model| model.silent_refusal = silent_refusal);
        let source = NoAcknowledgeSource::Address;
        let error = BusError::NotAcknowledged(source);
        let events = fails(&mut model, 0x50, error, ErrorKind::NoAcknowledge(source));
        assert_eq!(events, [Start(0xa0), Stop]);
    }
}

#[test]
fn a_byte_that_is_refused_is_an_error() {
    for silent_refusal in [false, true] {
        let mut model = Model::with(|model| {
            model.fault = Fault::Refuses(1);
            model.silent_refusal = silent_refusal;
        });
        let source = NoAcknowledgeSource::Data;
        let error = BusError::NotAcknowledged(source);
        let events = fails(&mut model, CHIP, error, ErrorKind::NoAcknowledge(source));
        assert_eq!(events, [Start(TO), Sent(4), Stop]);
    }
}

/// Wherever it hangs: in the address, in a byte sent, in the repeated address, in a byte received.
#[test]
fn a_device_that_hangs_the_bus_is_an_error_and_cut_off() {
    for after in 0..6 {
        let mut model = Model::with(|model| model.fault = Fault::Hangs(after));
        let events = fails(&mut model, CHIP, BusError::Silent, ErrorKind::Bus);
        assert!(events.contains(&Off), "{events:?}");
    }
}

#[test]
fn a_lost_arbitration_is_an_error() {
    let mut model = Model::with(|model| model.fault = Fault::Loses(2));
    let lost = BusError::ArbitrationLost;
    let events = fails(&mut model, CHIP, lost, ErrorKind::ArbitrationLoss);
    assert_eq!(events[..3], [Start(TO), Sent(4), Start(FROM)]);
}

#[test]
fn a_bus_that_somebody_holds_is_an_error() {
    let mut model = Model::with(|model| model.fault = Fault::Held);
    let events = fails(&mut model, CHIP, BusError::Held, ErrorKind::Bus);
    assert!(!events.contains(&Start(TO)), "{events:?}");
}
