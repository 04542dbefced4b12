//! The protocol on simulated memory, where a test decides what happens between any two accesses.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::vec::Vec;

use proptest::prelude::*;

use crate::memory::{Memory, Word};
use crate::{Consumer, Geometry, Producer, RingError};

const MESSAGE_SIZE: u32 = 8;
const SLOT_COUNT: u32 = 4;

fn geometry() -> Geometry {
    Geometry::new(MESSAGE_SIZE, SLOT_COUNT).unwrap()
}

type Slots = HashMap<u32, (u32, [u8; MESSAGE_SIZE as usize])>;

/// What both ends see.
#[derive(Default)]
struct Region {
    header: RefCell<HashMap<usize, u32>>,
    slots: RefCell<Slots>,
}

/// Something that runs before the access with this number.
#[derive(Default)]
struct Interruption {
    accesses_left: Cell<usize>,
    action: RefCell<Option<Box<dyn FnOnce()>>>,
}

/// One end's view of the region.
#[derive(Clone, Default)]
struct Simulated {
    region: Rc<Region>,
    interruption: Rc<Interruption>,
}

impl Simulated {
    /// A view of the same region that is not interrupted.
    fn other_end(&self) -> Self {
        Self {
            region: self.region.clone(),
            interruption: Rc::default(),
        }
    }

    fn interrupt_at(&self, access: usize, action: impl FnOnce() + 'static) {
        self.interruption.accesses_left.set(access);
        *self.interruption.action.borrow_mut() = Some(Box::new(action));
    }

    /// Whether the action has run.
    fn interrupted(&self) -> bool {
        self.interruption.action.borrow().is_none()
    }

    fn access(&self) {
        let left = self.interruption.accesses_left.get();
        self.interruption.accesses_left.set(left.saturating_sub(1));
        if left == 0 {
            let action = self.interruption.action.borrow_mut().take();
            if let Some(action) = action {
                action();
            }
        }
    }

    fn with_slot<R>(&self, index: u32, f: impl FnOnce(&mut (u32, [u8; 8])) -> R) -> R {
        self.access();
        let mut slots = self.region.slots.borrow_mut();
        f(slots.entry(index % SLOT_COUNT).or_default())
    }
}

impl Memory for Simulated {
    fn geometry(&self) -> Geometry {
        geometry()
    }

    fn load(&self, word: Word) -> u32 {
        self.access();
        let header = self.region.header.borrow();
        header.get(&(word as usize)).copied().unwrap_or(0)
    }

    fn store(&self, word: Word, value: u32) {
        self.access();
        self.region.header.borrow_mut().insert(word as usize, value);
    }

    fn load_length(&self, index: u32) -> u32 {
        self.with_slot(index, |slot| slot.0)
    }

    fn store_length(&self, index: u32, length: u32) {
        self.with_slot(index, |slot| slot.0 = length);
    }

    fn copy_out(&self, index: u32, out: &mut [u8]) {
        for (i, byte) in out.iter_mut().enumerate() {
            *byte = self.with_slot(index, |slot| slot.1[i]);
        }
    }

    fn copy_in(&self, index: u32, message: &[u8]) {
        for (i, &byte) in message.iter().enumerate() {
            self.with_slot(index, |slot| slot.1[i] = byte);
        }
    }
}

/// A message whose bytes are all the same, so that a torn one shows.
fn push<M: Memory>(producer: &mut Producer<M>, tag: u8) -> Result<(), RingError> {
    producer.push(&[tag; MESSAGE_SIZE as usize])
}

fn pop<M: Memory>(consumer: &mut Consumer<M>) -> Result<Option<u8>, RingError> {
    let mut out = [0; MESSAGE_SIZE as usize];
    Ok(consumer.pop(&mut out)?.map(|length| {
        assert_eq!(length, out.len());
        assert!(out.iter().all(|&byte| byte == out[0]), "torn: {out:?}");
        out[0]
    }))
}

/// Everything there is, and how often a restart was reported.
fn drain<M: Memory>(consumer: &mut Consumer<M>) -> (Vec<u8>, usize) {
    let (mut tags, mut restarts) = (Vec::new(), 0);
    loop {
        match pop(consumer) {
            Ok(Some(tag)) => tags.push(tag),
            Ok(None) => return (tags, restarts),
            Err(RingError::PeerRestarted) => restarts += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// More than any operation has accesses.
const ACCESSES: usize = 64;

#[test]
fn a_push_inside_any_step_of_a_pop_never_gets_the_slot_being_read() {
    for access in 0..ACCESSES {
        let memory = Simulated::default();
        let mut producer = Producer::on(memory.other_end());
        let mut consumer = Consumer::on(memory.clone());
        (1..=SLOT_COUNT as u8).for_each(|tag| push(&mut producer, tag).unwrap());
        let pushed = Rc::new(Cell::new(false));
        let outcome = pushed.clone();
        memory.interrupt_at(access, move || outcome.set(push(&mut producer, 5).is_ok()));
        let mut tags = Vec::new();
        while !memory.interrupted() {
            tags.extend(pop(&mut consumer).unwrap());
        }
        tags.extend(drain(&mut consumer).0);
        let expected = if pushed.get() { 5 } else { 4 };
        assert!(
            tags.iter().copied().eq(1..=expected),
            "access {access}: {tags:?}"
        );
    }
}

#[test]
fn a_pop_inside_any_step_of_a_push_gets_the_whole_message_or_none() {
    for access in 0..ACCESSES {
        let memory = Simulated::default();
        let mut producer = Producer::on(memory.clone());
        let mut consumer = Consumer::on(memory.other_end());
        let taken = Rc::new(RefCell::new(Vec::new()));
        let seen = taken.clone();
        memory.interrupt_at(access, move || {
            seen.borrow_mut().extend(drain(&mut consumer).0);
        });
        let mut pushed = Vec::new();
        for tag in 1..=3 {
            if push(&mut producer, tag).is_ok() {
                pushed.push(tag);
            }
        }
        let taken = taken.borrow();
        assert!(
            pushed.starts_with(&taken),
            "access {access}: {taken:?} of {pushed:?}"
        );
    }
}

#[test]
fn a_producer_restart_inside_any_step_of_a_pop_is_reported_once_and_tears_nothing() {
    for access in 0..ACCESSES {
        let memory = Simulated::default();
        let mut producer = Producer::on(memory.other_end());
        let mut consumer = Consumer::on(memory.clone());
        (1..=SLOT_COUNT as u8).for_each(|tag| push(&mut producer, tag).unwrap());
        assert_eq!(pop(&mut consumer), Ok(Some(1)));
        let view = memory.other_end();
        memory.interrupt_at(access, move || {
            let mut successor = Producer::on(view);
            (11..=10 + SLOT_COUNT as u8).for_each(|tag| push(&mut successor, tag).unwrap());
        });
        let (mut tags, mut restarts) = (Vec::new(), 0);
        while !memory.interrupted() {
            let (more, reported) = drain(&mut consumer);
            tags.extend(more);
            restarts += reported;
        }
        let (more, reported) = drain(&mut consumer);
        tags.extend(more);
        assert_eq!(restarts + reported, 1, "access {access}");
        let (old, new): (Vec<u8>, Vec<u8>) = tags.iter().partition(|&&tag| tag < 10);
        assert!(tags.is_sorted(), "access {access}: {tags:?}");
        assert!(
            (2..).zip(old).all(|(expected, tag)| expected == tag),
            "access {access}: {tags:?}"
        );
        assert_eq!(new, [11, 12, 13, 14], "access {access}");
    }
}

#[test]
fn a_consumer_restart_inside_any_step_of_a_push_is_reported_once_and_breaks_nothing() {
    for access in 0..ACCESSES {
        let memory = Simulated::default();
        let mut producer = Producer::on(memory.clone());
        let mut consumer = Consumer::on(memory.other_end());
        push(&mut producer, 1).unwrap();
        assert_eq!(pop(&mut consumer), Ok(Some(1)));
        let view = memory.other_end();
        let successor = Rc::new(RefCell::new(None));
        let slot = successor.clone();
        memory.interrupt_at(access, move || {
            *slot.borrow_mut() = Some(Consumer::on(view));
        });
        let (mut tag, mut restarts) = (1, 0);
        while !memory.interrupted() || restarts == 0 {
            tag += 1;
            match push(&mut producer, tag) {
                Ok(()) => {}
                Err(RingError::PeerRestarted) => restarts += 1,
                // Nobody takes anything until the successor is there.
                Err(RingError::Full) => assert!(!memory.interrupted(), "access {access}"),
                Err(error) => panic!("access {access}: {error:?}"),
            }
        }
        let mut successor = successor.borrow_mut().take().unwrap();
        let (before, reported) = drain(&mut successor);
        assert_eq!(reported, 0, "access {access}");
        assert!(
            before.len() <= 1,
            "access {access}: only the push under way can survive: {before:?}"
        );
        assert_eq!(push(&mut producer, 100), Ok(()), "access {access}");
        assert_eq!(drain(&mut successor).0, [100], "access {access}");
    }
}

#[test]
fn a_pop_inside_any_step_of_attaching_never_mixes_two_epochs() {
    for access in 0..ACCESSES {
        let memory = Simulated::default();
        let mut predecessor = Producer::on(memory.other_end());
        let mut consumer = Consumer::on(memory.other_end());
        (1..=3).for_each(|tag| push(&mut predecessor, tag).unwrap());
        assert_eq!(pop(&mut consumer), Ok(Some(1)));
        let consumer = Rc::new(RefCell::new(consumer));
        let seen = Rc::new(RefCell::new((Vec::new(), 0)));
        let (inside, result) = (consumer.clone(), seen.clone());
        memory.interrupt_at(access, move || {
            *result.borrow_mut() = drain(&mut inside.borrow_mut());
        });
        let mut producer = Producer::on(memory.clone());
        push(&mut producer, 9).unwrap();
        let (mut tags, restarts) = seen.take();
        let (more_tags, more_restarts) = drain(&mut consumer.borrow_mut());
        tags.extend(more_tags);
        assert!(
            tags == [9] || tags == [2, 3, 9],
            "access {access}: {tags:?}"
        );
        assert_eq!(restarts + more_restarts, 1, "access {access}");
    }
}

#[test]
fn indices_wrap_without_a_gap() {
    let memory = Simulated::default();
    let index = |value| memory.store(Word::ProducerIndex, value);
    let _producer = Producer::on(memory.clone());
    let _predecessor = Consumer::on(memory.clone());
    let start = u32::MAX - 1;
    index(start);
    let mut consumer = Consumer::on(memory.clone());
    for step in 0..SLOT_COUNT {
        let at = start.wrapping_add(step);
        memory.store_length(at, MESSAGE_SIZE);
        memory.copy_in(at, &[step as u8; MESSAGE_SIZE as usize]);
    }
    index(start.wrapping_add(SLOT_COUNT));
    assert_eq!(drain(&mut consumer).0, [0, 1, 2, 3]);
    assert_eq!(memory.load(Word::ConsumerIndex), 2);
}

/// Memory in which every load gives whatever the peer likes just then, the same word twice included.
struct Hostile(RefCell<Vec<u32>>);

impl Hostile {
    fn next(&self) -> u32 {
        let mut values = self.0.borrow_mut();
        values.rotate_left(1);
        values[0]
    }
}

impl Memory for Hostile {
    fn geometry(&self) -> Geometry {
        geometry()
    }
    fn load(&self, _: Word) -> u32 {
        self.next()
    }
    fn store(&self, _: Word, _: u32) {}
    fn load_length(&self, _: u32) -> u32 {
        self.next()
    }
    fn store_length(&self, _: u32, length: u32) {
        assert!(length <= MESSAGE_SIZE);
    }
    fn copy_out(&self, _: u32, out: &mut [u8]) {
        assert!(out.len() <= MESSAGE_SIZE as usize);
        out.fill_with(|| self.next() as u8);
    }
    fn copy_in(&self, _: u32, message: &[u8]) {
        assert!(message.len() <= MESSAGE_SIZE as usize);
    }
}

/// Mostly values that come far: small ones, those of the header, those about to wrap.
fn hostile_values() -> impl Strategy<Value = Vec<u32>> {
    let value = prop_oneof![
        8 => 0..=SLOT_COUNT,
        2 => Just(crate::producer::MAGIC),
        2 => Just(MESSAGE_SIZE),
        1 => (u32::MAX - 4)..=u32::MAX,
        1 => any::<u32>(),
    ];
    prop::collection::vec(value, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_peer_that_changes_every_word_between_reads_gets_no_further_than_its_messages(
        values in hostile_values()
    ) {
        let mut producer = Producer::on(Hostile(RefCell::new(values.clone())));
        let mut consumer = Consumer::on(Hostile(RefCell::new(values)));
        for length in 0..40 {
            let mut message = [0; 10];
            let _ = producer.push(&message[..length % 10]);
            if let Ok(vacant) = producer.vacant() {
                prop_assert!(vacant <= SLOT_COUNT);
            }
            if let Ok(Some(taken)) = consumer.pop(&mut message[..length % 10]) {
                prop_assert!(taken <= MESSAGE_SIZE as usize);
            }
        }
    }
}
