//! A peer that follows a script, for tests: it writes where and when it likes, also in the middle of an operation.

use core::cell::{Cell, RefCell};
use core::ptr::write_volatile;

use crate::memory::{Memory, SharedMemory, Word};
use crate::producer::MAGIC;
use crate::{Consumer, Geometry, Producer, RingError};

const MESSAGE_SIZE: usize = 10;
const SLOT_COUNT: u32 = 4;
const GEOMETRY: Geometry = match Geometry::new(MESSAGE_SIZE as u32, SLOT_COUNT) {
    Some(geometry) => geometry,
    None => panic!("a geometry"),
};
const WORDS: usize = GEOMETRY.region_size() / 4;
/// No operation touches the region more often than this, whatever it reads there.
const MOST_ACCESSES: u32 = 40;

#[repr(align(32))]
struct Region([u32; WORDS]);

/// The peer.
struct Peer<'a> {
    base: *mut u32,
    script: RefCell<&'a [u8]>,
    accesses: Cell<u32>,
}

impl<'a> Peer<'a> {
    /// The next byte of the script; zeros follow its end.
    fn next(&self) -> u8 {
        let mut script = self.script.borrow_mut();
        let (first, rest) = script.split_first().unwrap_or((&0, &[]));
        *script = rest;
        *first
    }

    fn is_done(&self) -> bool {
        self.script.borrow().is_empty()
    }

    /// Comes between two accesses of the other end, and perhaps writes a word.
    fn meddle(&self) {
        self.accesses.set(self.accesses.get() + 1);
        let what = self.next();
        if what & 3 != 3 {
            return;
        }
        let word = usize::from(self.next()) % WORDS;
        let value = match what >> 2 & 7 {
            0..3 => u32::from(self.next() % 8),
            3 => MAGIC,
            4 => u32::MAX - u32::from(self.next() % 8),
            5 => MESSAGE_SIZE as u32 + u32::from(self.next() % 4),
            _ => u32::from_be_bytes([(); 4].map(|()| self.next())),
        };
        // SAFETY: `base` is the start of a `Region`, of `WORDS` words, which outlives the peer; nobody holds a reference
        // to it, and the ends, in the same thread, are between two accesses.
        unsafe { write_volatile(self.base.add(word), value) }
    }

    /// An end of the ring, whose every access the peer gets before.
    fn memory<'p>(&'p self) -> Meddled<'p, 'a> {
        let length = GEOMETRY.region_size();
        // SAFETY: the region is readable and writable for as long as the peer is there, which the result borrows; it is used
        // through raw pointers alone, by the two ends as `attach` asks, and by the peer, who may do anything.
        let shared = unsafe { SharedMemory::new(self.base.cast(), length, GEOMETRY) };
        match shared {
            Ok(shared) => Meddled { shared, peer: self },
            Err(error) => panic!("{error}"),
        }
    }

    /// An operation ends after a bounded number of accesses.
    fn bounded<T>(&self, operation: impl FnOnce() -> T) -> T {
        self.accesses.set(0);
        let result = operation();
        let accesses = self.accesses.get();
        assert!(accesses <= MOST_ACCESSES, "{accesses} accesses");
        result
    }
}

struct Meddled<'p, 'a> {
    shared: SharedMemory,
    peer: &'p Peer<'a>,
}

impl Memory for Meddled<'_, '_> {
    fn geometry(&self) -> Geometry {
        self.shared.geometry()
    }
    fn load(&self, word: Word) -> u32 {
        self.peer.meddle();
        self.shared.load(word)
    }
    fn store(&self, word: Word, value: u32) {
        self.peer.meddle();
        self.shared.store(word, value);
    }
    fn load_length(&self, index: u32) -> u32 {
        self.peer.meddle();
        self.shared.load_length(index)
    }
    fn store_length(&self, index: u32, length: u32) {
        self.peer.meddle();
        self.shared.store_length(index, length);
    }
    fn copy_out(&self, index: u32, out: &mut [u8]) {
        self.peer.meddle();
        self.shared.copy_out(index, out);
    }
    fn copy_in(&self, index: u32, message: &[u8]) {
        self.peer.meddle();
        self.shared.copy_in(index, message);
    }
}

/// Lets both ends of a ring work while a peer does what the script says, and then has the peer restart.
///
/// # Panics
/// If an operation gives a message longer than there can be, more room than there is, or does not end in time; or if
/// the ring does not work when the peer has come to its senses.
pub fn peer(script: &[u8]) {
    let mut region = Region([0; WORDS]);
    let peer = Peer {
        base: (&raw mut region.0).cast(),
        script: RefCell::new(script),
        accesses: Cell::new(0),
    };
    let mut producer = Producer::on(peer.memory());
    let mut consumer = Consumer::on(peer.memory());
    while !peer.is_done() {
        let what = peer.next();
        let length = usize::from(what >> 3) % (MESSAGE_SIZE + 3);
        let mut message = [what; MESSAGE_SIZE + 2];
        let message = &mut message[..length.min(MESSAGE_SIZE + 2)];
        match what & 7 {
            0..3 => {
                let pushed = peer.bounded(|| producer.push(message));
                let fits = message.len() <= MESSAGE_SIZE;
                assert!(fits || pushed == Err(RingError::TooLong));
            }
            3..6 => {
                if let Ok(Some(taken)) = peer.bounded(|| consumer.pop(message)) {
                    assert!(taken <= message.len().min(MESSAGE_SIZE), "{taken} bytes");
                }
            }
            6 => {
                if let Ok(vacant) = peer.bounded(|| producer.vacant()) {
                    assert!(vacant <= SLOT_COUNT, "{vacant} vacant");
                }
            }
            _ if length.is_multiple_of(2) => {
                producer = peer.bounded(|| Producer::on(peer.memory()))
            }
            _ => consumer = peer.bounded(|| Consumer::on(peer.memory())),
        }
    }
    let mut consumer = Consumer::on(peer.memory());
    let mut producer = Producer::on(peer.memory());
    let mut out = [0; MESSAGE_SIZE];
    // Each end is told once that the other has restarted.
    let _ = consumer.pop(&mut out);
    assert_eq!(producer.push(b"well"), Ok(()));
    assert_eq!(consumer.pop(&mut out), Ok(Some(4)));
    assert_eq!(&out[..4], b"well");
}
