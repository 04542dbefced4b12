//! Registers by themselves: the handshake, and what breaks it.

use super::super::mmio::{Kind, Registers};
use super::super::model::{DriverQueue, start};

const MEMORY: u32 = 0x1_0000;
const FEATURE: u64 = 1 << 5;

const STATUS: u32 = 0x70;
const NEEDS_RESET: u32 = 0x40;
const ALIVE: u32 = 0xf;

fn made() -> Registers<1, 6> {
    let kind = Kind {
        device: 7,
        features: FEATURE,
        queue_size: 16,
        configuration: [1, 2, 3, 4, 5, 6],
    };
    Registers::new(kind, MEMORY)
}

fn word(registers: &Registers<1, 6>, offset: u32) -> u32 {
    registers.load(offset, 4).expect("a register")
}

fn set(registers: &mut Registers<1, 6>, offset: u32, value: u32) {
    registers.store(offset, 4, value).expect("a register");
}

#[test]
fn it_says_what_it_is() {
    let registers = made();
    assert_eq!(word(&registers, 0), 0x7472_6976);
    assert_eq!(word(&registers, 4), 2);
    assert_eq!(word(&registers, 8), 7);
    assert_eq!(word(&registers, 0x34), 16);
    assert_eq!(word(&registers, STATUS), 0);
    // No shared memory.
    assert_eq!(word(&registers, 0xb0), u32::MAX);
    assert_eq!(registers.load(0x100, 1), Some(1));
    assert_eq!(registers.load(0x101, 2), Some(0x0302));
    assert_eq!(registers.load(0x102, 4), Some(0x0605_0403));
    for (offset, bytes) in [(0x103, 4), (0x106, 1), (0xc, 2), (0x0c0, 4), (1, 4)] {
        assert_eq!(registers.load(offset, bytes), None, "{offset:#x}");
    }
}

#[test]
fn a_driver_starts_it_as_linux_does() {
    let mut registers = made();
    let queue = DriverQueue::new(0, 16, 0);
    assert!(registers.queue(0).is_none());
    start(&mut registers, u64::MAX, &[&queue]);
    assert_eq!(word(&registers, STATUS), ALIVE);
    assert_eq!(word(&registers, 0x44), 1);
    assert!(registers.is_live() && registers.has(FEATURE));
    assert!(registers.take_reset() && !registers.take_reset());
    assert!(registers.is_due(), "queues may hold something already");
    registers.take_notification();
    assert!(!registers.is_due());
    set(&mut registers, 0x50, 1);
    assert!(!registers.is_due(), "no such queue");
    set(&mut registers, 0x50, 0);
    assert!(registers.is_due());
    registers.interrupt();
    assert_ne!(registers.reasons(), 0);
    assert_eq!(word(&registers, 0x60), 1);
    set(&mut registers, 0x64, 1);
    assert_eq!(registers.reasons(), 0);
    set(&mut registers, STATUS, 0);
    assert!(registers.take_reset() && !registers.is_live());
    assert_eq!(word(&registers, 0x44), 0);
}

#[test]
fn features_that_are_not_offered_are_not_agreed_on() {
    for (select, accepted, agreed) in [
        (0, FEATURE as u32, true),
        (0, 0, true),
        (0, 2, false),
        (1, 1, true),
        (1, 0, false),
        (1, 3, false),
        // ACCESS_PLATFORM and RING_PACKED are not needed, and not there.
        (1, 1 | 2 | 4, false),
        (2, 1, true),
    ] {
        let mut registers = made();
        set(&mut registers, 0x24, 1);
        set(&mut registers, 0x20, 1);
        set(&mut registers, 0x24, select);
        set(&mut registers, 0x20, accepted);
        set(&mut registers, STATUS, 0xb);
        let status = if agreed { 0xb } else { 3 };
        assert_eq!(word(&registers, STATUS), status, "{select} {accepted}");
        // Without that it does not start.
        set(&mut registers, STATUS, ALIVE);
        assert_eq!(registers.is_live(), agreed);
    }
}

#[test]
fn what_was_agreed_on_stands() {
    let mut registers = made();
    start(&mut registers, FEATURE | 1 << 32, &[]);
    set(&mut registers, 0x24, 0);
    set(&mut registers, 0x20, 0);
    assert!(registers.has(FEATURE));
    // Bits are not taken back.
    set(&mut registers, STATUS, 1);
    assert_eq!(word(&registers, STATUS), ALIVE);
}

#[test]
fn a_queue_that_cannot_be_stops_the_device() {
    for (offset, value) in [(0x38, 0), (0x38, 32), (0x80, 8), (0x84, 1), (0xa0, MEMORY)] {
        let mut registers = made();
        let queue = DriverQueue::new(0, 16, 0);
        queue.set_up(&mut registers);
        set(&mut registers, 0x44, 0);
        assert_eq!(word(&registers, 0x44), 0);
        set(&mut registers, offset, value);
        set(&mut registers, 0x44, 1);
        assert_eq!(word(&registers, 0x44), 0, "{offset:#x} {value:#x}");
        assert_eq!(word(&registers, STATUS), NEEDS_RESET);
        start(&mut registers, u64::MAX, &[&queue]);
        assert!(registers.is_live(), "a reset mends it");
    }
}

#[test]
fn a_queue_that_is_ready_stays_where_it_is() {
    let mut registers = made();
    let queue = DriverQueue::new(0, 16, 0);
    start(&mut registers, u64::MAX, &[&queue]);
    for offset in [0x38, 0x80, 0x84, 0x90, 0xa0] {
        set(&mut registers, offset, u32::MAX);
    }
    set(&mut registers, 0x44, 1);
    assert!(registers.is_live());
    // There is one queue, and others cannot be made.
    set(&mut registers, 0x30, 1);
    assert_eq!(word(&registers, 0x34), 0);
    set(&mut registers, 0x44, 1);
    assert_eq!(word(&registers, 0x44), 0);
}

#[test]
fn a_device_that_was_stopped_says_so_by_an_interrupt() {
    use super::super::queue::Broken;
    let mut registers = made();
    let queue = DriverQueue::new(0, 16, 0);
    start(&mut registers, u64::MAX, &[&queue]);
    registers.stop(Broken);
    assert_eq!(word(&registers, STATUS), ALIVE | NEEDS_RESET);
    assert_eq!(word(&registers, 0x60), 2);
    assert!(registers.queue(0).is_none());
    registers.take_notification();
    set(&mut registers, 0x50, 0);
    assert!(!registers.take_reset() || !registers.is_due());
    set(&mut registers, STATUS, ALIVE);
    assert_eq!(word(&registers, STATUS), ALIVE | NEEDS_RESET);
}
