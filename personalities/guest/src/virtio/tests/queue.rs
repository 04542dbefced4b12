//! Queues by themselves.

extern crate std;

use super::super::model::{DriverQueue, Ram};
use super::super::queue::{Broken, Cursor, Layout, Queue};

const MEMORY: u32 = 0x1_0000;

fn made(size: u16) -> (Ram, DriverQueue, Queue) {
    let driver = DriverQueue::new(0, size, 0);
    let parts = driver.parts().map(u64::from);
    let layout = Layout::new(size.into(), 128, parts, MEMORY).expect("a layout");
    (Ram::new(MEMORY as usize), driver, Queue::new(layout))
}

#[test]
fn a_layout_is_aligned_and_in_memory_or_there_is_none() {
    let end = u64::from(MEMORY);
    let good = [0x4000, 0x5000, 0x6000];
    assert!(Layout::new(128, 128, good, MEMORY).is_some());
    let last = [end - 16, end - 6, end - 12];
    for (part, address) in last.into_iter().enumerate() {
        let mut parts = good;
        parts[part] = address & !15;
        assert!(Layout::new(1, 128, parts, MEMORY).is_some(), "{part}");
    }
    for (size, parts) in [
        (0, good),
        (3, good),
        (256, good),
        (1 << 16, good),
        (0x1_0001, good),
        (16, [0x4008, 0x5000, 0x6000]),
        (16, [0x4000, 0x5001, 0x6000]),
        (16, [0x4000, 0x5000, 0x6002]),
        (16, [end - 128, 0x5000, 0x6000]),
        (16, [0x4000, end - 34, 0x6000]),
        (16, [0x4000, 0x5000, end - 128]),
        (16, [0xffff_fff0, 0x5000, 0x6000]),
        (16, [0x1_0000_4000, 0x5000, 0x6000]),
    ] {
        assert!(
            Layout::new(size, 128, parts, MEMORY).is_none(),
            "{size} {parts:x?}"
        );
    }
}

#[test]
fn a_chain_is_looked_through_and_walked() {
    let (mut ram, mut driver, mut queue) = made(8);
    let parts = [
        (0x4002, 10, false),
        (0x5000, 6, false),
        (0x6001, 7, true),
        (0x7000, 1, true),
    ];
    let head = driver.add(&mut ram, &parts).expect("room");
    let chain = queue.take(&ram).expect("a queue").expect("a chain");
    assert_eq!(
        (chain.head, chain.readable, chain.writable, chain.last),
        (head, 16, 8, 0x7000)
    );
    assert_eq!(queue.take(&ram), Ok(None));

    let mut pieces = std::vec::Vec::new();
    let start = Cursor::start(head);
    let mut note = |_: &mut Ram, address, done, bytes| {
        pieces.push((address, done, bytes));
        Some(())
    };
    let middle = queue.walk(&mut ram, start, 3, false, &mut note);
    let behind = queue.walk(&mut ram, middle.expect("a place"), 9, false, &mut note);
    let end = queue.walk(&mut ram, behind.expect("a place"), 4, false, &mut note);
    assert_eq!(end, Ok(chain.first_writable));
    let end = queue.walk(&mut ram, chain.first_writable, 8, true, &mut note);
    assert_eq!(end, Ok(Cursor::default()));
    assert_eq!(
        pieces,
        [
            (0x4002, 0, 3),
            (0x4005, 0, 7),
            (0x5000, 7, 2),
            (0x5002, 0, 4),
            (0x6001, 0, 7),
            (0x7000, 7, 1)
        ]
    );
    // More than there is, or of the other kind.
    for (bytes, writable) in [(17, false), (1, true)] {
        let wrong = queue.walk(&mut ram, start, bytes, writable, |_, _, _, _| Some(()));
        assert_eq!(wrong, Err(Broken), "{bytes} {writable}");
    }
}

#[test]
fn an_impossible_chain_breaks_the_queue() {
    const NEXT: u16 = 1;
    const WRITE: u16 = 2;
    const INDIRECT: u16 = 4;
    // The first descriptor leads to the second; the second is the one at fault.
    for (address, length, rest) in [
        (0x4000, 0, [0, 0]),
        (0x4000, 16, [INDIRECT, 0]),
        (0x4000, 16, [NEXT, 8]),
        (0x4000, 16, [NEXT, u16::MAX]),
        (0x4000, 16, [NEXT, 0]),
        (0x4000, 16, [NEXT, 1]),
        (MEMORY.into(), 1, [WRITE, 0]),
        (0xffff, 2, [WRITE, 0]),
        (0xffff_ffff, 1, [0, 0]),
        (0xffff_fff0, 0x20, [WRITE, 0]),
        (0x4000, u32::MAX, [WRITE, 0]),
        (0x1_0000_4000, 16, [0, 0]),
    ] {
        let (mut ram, mut driver, mut queue) = made(8);
        driver.describe(&mut ram, 0, 0x4000, 16, [NEXT, 1]);
        driver.describe(&mut ram, 1, address, length, rest);
        driver.offer(&mut ram, 0);
        assert_eq!(
            queue.take(&ram),
            Err(Broken),
            "{address:#x} {length} {rest:?}"
        );
        assert_eq!(ram.outside.get(), 0);
    }
    // What the device reads comes before what it writes.
    let (mut ram, mut driver, mut queue) = made(8);
    driver.describe(&mut ram, 0, 0x4000, 16, [NEXT | WRITE, 1]);
    driver.describe(&mut ram, 1, 0x5000, 16, [0, 0]);
    driver.offer(&mut ram, 0);
    assert_eq!(queue.take(&ram), Err(Broken));
    // All descriptors are a chain; one more would be a loop.
    let (mut ram, mut driver, mut queue) = made(8);
    let parts = [(0x4000, 16, false); 8];
    driver.add(&mut ram, &parts).expect("room");
    let chain = queue.take(&ram).expect("a queue").expect("a chain");
    assert_eq!(chain.readable, 128);
}

#[test]
fn an_impossible_available_ring_breaks_the_queue() {
    let (mut ram, mut driver, mut queue) = made(8);
    driver.offer(&mut ram, 8);
    assert_eq!(queue.take(&ram), Err(Broken), "no such descriptor");
    let (mut ram, mut driver, queue) = made(8);
    driver.available = 8;
    driver.offer(&mut ram, 0);
    assert_eq!(queue.waiting(&ram), Err(Broken), "more than there are");
}

#[test]
fn what_is_given_back_is_seen_at_once_and_asks_for_one_interrupt() {
    let (mut ram, mut driver, mut queue) = made(4);
    for round in 0..10_u32 {
        let heads = [(); 2].map(|()| driver.add(&mut ram, &[(0x4000, 4, true)]).expect("room"));
        driver.set_interrupts(&mut ram, round % 2 == 0);
        for head in heads {
            queue.take(&ram).expect("a queue").expect("a chain");
            queue.put(&mut ram, head, round).expect("a queue");
            assert_eq!(driver.take(&ram), None);
        }
        queue.set_quiet(round % 3 == 0);
        assert_eq!(queue.show(&mut ram), Ok(round % 2 == 0));
        assert_eq!(queue.show(&mut ram), Ok(false), "nothing more");
        assert_eq!(driver.notifies(&ram), round % 3 != 0);
        for head in heads {
            assert_eq!(driver.take(&ram), Some((head, round)));
        }
    }
}
