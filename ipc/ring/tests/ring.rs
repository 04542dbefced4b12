//! The ring on real memory, from outside: against a queue, and against a peer that writes garbage.

use std::collections::VecDeque;

use cofferdam_ipc::{Bytes, DecodeError, Message};
use cofferdam_ring::{AttachError, Consumer, Geometry, Producer, RingError};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const MESSAGE_SIZE: usize = 10;
const SLOT_COUNT: usize = 4;
/// Words that a peer can write in the header; the slots follow.
const HEADER_WORDS: usize = 24;

/// Miri interprets some hundred times slower than the processor.
const CASES: u32 = if cfg!(miri) { 8 } else { 512 };

fn geometry() -> Geometry {
    Geometry::new(MESSAGE_SIZE as u32, SLOT_COUNT as u32).unwrap()
}

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Line([u8; 32]);

/// Memory as the kernel would map it for both ends, cleared.
struct Region {
    base: *mut u8,
    lines: usize,
}

impl Region {
    fn new() -> Self {
        let lines = vec![Line([0; 32]); geometry().region_size() / 32].into_boxed_slice();
        let lines = Box::leak(lines);
        Self {
            base: lines.as_mut_ptr().cast(),
            lines: lines.len(),
        }
    }

    fn len(&self) -> usize {
        self.lines * 32
    }

    fn producer(&self) -> Producer {
        // SAFETY: `base` has `len` bytes until the region is dropped, at the end of each test, after
        // its ends; a test does not use a producer after it has made the next.
        unsafe { Producer::attach(self.base, self.len(), geometry()) }.unwrap()
    }

    fn consumer(&self) -> Consumer {
        // SAFETY: as for the producer.
        unsafe { Consumer::attach(self.base, self.len(), geometry()) }.unwrap()
    }

    /// What the peer can do.
    fn write(&self, word: usize, value: u32) {
        assert!(word < self.len() / 4);
        // SAFETY: inside the region, aligned as it is to 32 bytes; one thread, so no other access now.
        unsafe { self.base.cast::<u32>().add(word).write_volatile(value) }
    }

    fn read(&self, word: usize) -> u32 {
        assert!(word < self.len() / 4);
        // SAFETY: as in `write`.
        unsafe { self.base.cast::<u32>().add(word).read_volatile() }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let lines = core::ptr::slice_from_raw_parts_mut(self.base.cast::<Line>(), self.lines);
        // SAFETY: the pointer and length that `Box::leak` gave in `new`, once.
        drop(unsafe { Box::from_raw(lines) });
    }
}

fn pop(consumer: &mut Consumer) -> Result<Option<Vec<u8>>, RingError> {
    let mut out = [0; MESSAGE_SIZE];
    Ok(consumer.pop(&mut out)?.map(|length| out[..length].to_vec()))
}

#[derive(Clone, Debug)]
enum Operation {
    Push(Vec<u8>),
    Pop,
    RestartProducer,
    RestartConsumer,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        10 => prop::collection::vec(any::<u8>(), 0..=MESSAGE_SIZE + 1).prop_map(Operation::Push),
        10 => Just(Operation::Pop),
        1 => Just(Operation::RestartProducer),
        1 => Just(Operation::RestartConsumer),
    ];
    prop::collection::vec(operation, 0..100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_is_a_bounded_queue(operations in operations()) {
        let region = Region::new();
        let mut producer = region.producer();
        let mut consumer = region.consumer();
        let mut queue = VecDeque::new();
        // The consumer has not looked yet, so it takes the first producer for the first there is.
        let (mut consumer_told, mut producer_told, mut consumer_looked) = (true, true, false);
        for operation in operations {
            match operation {
                Operation::Push(message) => {
                    let expected = if message.len() > MESSAGE_SIZE {
                        Err(RingError::TooLong)
                    } else if !producer_told {
                        producer_told = true;
                        Err(RingError::PeerRestarted)
                    } else if queue.len() == SLOT_COUNT {
                        Err(RingError::Full)
                    } else {
                        queue.push_back(message.clone());
                        Ok(())
                    };
                    prop_assert_eq!(producer.push(&message), expected);
                }
                Operation::Pop => {
                    let expected = if consumer_told {
                        Ok(queue.pop_front())
                    } else {
                        consumer_told = true;
                        Err(RingError::PeerRestarted)
                    };
                    consumer_looked = true;
                    prop_assert_eq!(pop(&mut consumer), expected);
                }
                Operation::RestartProducer => {
                    producer = region.producer();
                    queue.clear();
                    producer_told = true;
                    consumer_told = !consumer_looked;
                }
                Operation::RestartConsumer => {
                    consumer = region.consumer();
                    queue.clear();
                    producer_told = false;
                    // One that attaches again finds the producer while it attaches.
                    consumer_looked = true;
                    consumer_told = true;
                }
            }
        }
    }

    #[test]
    fn garbage_anywhere_in_the_region_is_an_error_or_a_message(
        writes in prop::collection::vec(
            (0..HEADER_WORDS + 4 * SLOT_COUNT, prop_oneof![0..=5_u32, any::<u32>()]), 0..60
        )
    ) {
        let region = Region::new();
        let mut producer = region.producer();
        let mut consumer = region.consumer();
        for (step, (word, value)) in writes.into_iter().enumerate() {
            region.write(word, value);
            let _ = producer.push(&[step as u8; 3]);
            if let Ok(Some(message)) = pop(&mut consumer) {
                prop_assert!(message.len() <= MESSAGE_SIZE);
            }
            let _ = consumer.pop_message::<Command>();
            match step % 16 {
                7 => producer = region.producer(),
                15 => consumer = region.consumer(),
                _ => {}
            }
        }
        // A peer that comes to its senses and restarts finds a ring that works, within the restarts
        // that each end is told of.
        let mut consumer = region.consumer();
        let mut producer = region.producer();
        let _ = pop(&mut consumer);
        prop_assert_eq!(producer.push(b"well"), Ok(()));
        prop_assert_eq!(pop(&mut consumer), Ok(Some(b"well".to_vec())));
    }
}

#[test]
fn every_impossible_value_of_the_producers_index_is_corrupt() {
    for index in [SLOT_COUNT as u32 + 1, 1, 0, 1 << 31, u32::MAX] {
        let region = Region::new();
        let mut producer = region.producer();
        let mut consumer = region.consumer();
        producer.push(b"a").unwrap();
        producer.push(b"b").unwrap();
        assert_eq!(pop(&mut consumer), Ok(Some(b"a".to_vec())));
        region.write(8, index + u32::from(index == SLOT_COUNT as u32 + 1));
        assert_eq!(pop(&mut consumer), Err(RingError::Corrupt), "{index}");
        // Nothing was taken: the right value makes it work again.
        region.write(8, 2);
        assert_eq!(pop(&mut consumer), Ok(Some(b"b".to_vec())));
    }
}

#[test]
fn every_impossible_value_of_the_consumers_index_is_corrupt() {
    for index in [0, 3, 1 << 31, u32::MAX] {
        let region = Region::new();
        let mut producer = region.producer();
        let mut consumer = region.consumer();
        producer.push(b"a").unwrap();
        assert_eq!(pop(&mut consumer), Ok(Some(b"a".to_vec())));
        producer.push(b"b").unwrap();
        region.write(16, index);
        assert_eq!(producer.push(b"c"), Err(RingError::Corrupt), "{index}");
        region.write(16, 1);
        assert_eq!(producer.push(b"c"), Ok(()));
    }
}

#[test]
fn an_impossible_length_is_corrupt() {
    for length in [MESSAGE_SIZE as u32 + 1, u32::MAX] {
        let region = Region::new();
        let mut producer = region.producer();
        let mut consumer = region.consumer();
        producer.push(b"a").unwrap();
        region.write(HEADER_WORDS, length);
        assert_eq!(pop(&mut consumer), Err(RingError::Corrupt));
    }
}

#[test]
fn another_layout_or_geometry_is_a_mismatch() {
    for word in 0..4 {
        let region = Region::new();
        let _producer = region.producer();
        let mut consumer = region.consumer();
        region.write(word, region.read(word) + 1);
        assert_eq!(pop(&mut consumer), Err(RingError::Mismatch), "word {word}");
    }
}

#[test]
fn words_stand_where_the_table_says() {
    let region = Region::new();
    region.producer();
    let mut producer = region.producer();
    producer.push(b"abcde").unwrap();
    producer.push(b"").unwrap();
    let mut consumer = region.consumer();
    pop(&mut consumer).unwrap();
    let producer_words: Vec<u32> = (0..10).map(|word| region.read(word)).collect();
    let magic = u32::from_be_bytes(*b"CFRG");
    assert_eq!(producer_words, [magic, 1, 10, 4, 2, 0, 0, 0, 2, 2]);
    let consumer_words: Vec<u32> = (16..19).map(|word| region.read(word)).collect();
    assert_eq!(consumer_words, [1, 2, 1]);
    assert_eq!(region.read(24), 5);
    assert_eq!(region.read(25).to_ne_bytes(), *b"abcd");
    assert_eq!(geometry().region_size(), 160);
}

#[test]
fn the_first_consumer_gets_what_was_pushed_before_it_came() {
    let region = Region::new();
    let mut producer = region.producer();
    producer.push(b"early").unwrap();
    assert_eq!(pop(&mut region.consumer()), Ok(Some(b"early".to_vec())));
}

#[test]
fn a_second_consumer_does_not_get_its_predecessors_messages() {
    let region = Region::new();
    let mut producer = region.producer();
    region.consumer();
    producer.push(b"answer").unwrap();
    let mut successor = region.consumer();
    assert_eq!(pop(&mut successor), Ok(None));
    assert_eq!(producer.push(b"next"), Err(RingError::PeerRestarted));
    assert_eq!(producer.vacant(), Ok(SLOT_COUNT as u32));
    producer.push(b"next").unwrap();
    assert_eq!(pop(&mut successor), Ok(Some(b"next".to_vec())));
}

#[test]
fn without_a_producer_there_is_nothing() {
    let region = Region::new();
    let mut consumer = region.consumer();
    assert_eq!(pop(&mut consumer), Ok(None));
    let mut producer = region.producer();
    producer.push(b"a").unwrap();
    assert_eq!(pop(&mut consumer), Ok(Some(b"a".to_vec())));
}

#[test]
fn a_message_stays_until_the_buffer_is_large_enough() {
    let region = Region::new();
    let mut producer = region.producer();
    let mut consumer = region.consumer();
    producer.push(b"abcde").unwrap();
    let needed = RingError::BufferTooSmall { needed: 5 };
    assert_eq!(consumer.pop(&mut [0; 4]), Err(needed));
    assert_eq!(pop(&mut consumer), Ok(Some(b"abcde".to_vec())));
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
enum Command {
    Stop,
    Go { speed: i32 },
}

#[test]
fn typed_messages_arrive_as_they_were_sent() {
    let region = Region::new();
    let mut producer = region.producer();
    let mut consumer = region.consumer();
    producer.push_message(&Command::Go { speed: -7 }).unwrap();
    producer
        .push_message(&Bytes::<4>::try_from(&[9, 8][..]).unwrap())
        .unwrap();
    producer.push_message(&Command::Stop).unwrap();
    assert_eq!(consumer.pop_message(), Ok(Some(Command::Go { speed: -7 })));
    let malformed = RingError::Decode(DecodeError::Malformed);
    assert_eq!(consumer.pop_message::<Command>(), Err(malformed));
    assert_eq!(consumer.pop_message(), Ok(Some(Command::Stop)));
    assert_eq!(consumer.pop_message::<Command>(), Ok(None));
}

#[test]
fn regions_that_cannot_be_a_ring_are_refused() {
    let region = Region::new();
    let len = region.len();
    // SAFETY: shorter than the region.
    let short = unsafe { Producer::attach(region.base, len - 1, geometry()) };
    assert_eq!(short.err(), Some(AttachError::TooSmall));
    let small = Geometry::new(1, 1).unwrap();
    // SAFETY: inside the region.
    let odd = unsafe { Consumer::attach(region.base.add(4), len - 4, small) };
    assert_eq!(odd.err(), Some(AttachError::Misaligned));
}

#[test]
fn geometries_that_do_not_work_are_refused() {
    assert!(Geometry::new(0, 1).is_some());
    assert!(Geometry::new(8, 0).is_none());
    assert!(Geometry::new(8, 3).is_none());
    assert!(Geometry::new(u32::MAX, 1).is_none());
    assert!(Geometry::new(1 << 20, 1 << 11).is_none());
}
