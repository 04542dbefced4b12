//! A driver's end of a client's rings that lies as long as it has lies left: about the disk, and then in each answer to a read, and in each to a write or a flush, in another way. Then it
//! serves, from a medium of its own memory. With each lie that cannot be taken for an answer the words that are in the payload are ones that must not come to anywhere else.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use cofferdam_native::{RingConsumer, SharedMemory, time};
use disk_messages::{Operation, Reply, Request, SECTOR_BYTES, Status};
use evidence::seen;
use hostile_driver::{Peer, Word};

/// How many places the client's rings have.
const DEPTH: u32 = 32;
/// The medium.
const SECTORS: u32 = 128;
const SECTOR_WORDS: u32 = SECTOR_BYTES / 4;
static MEDIUM: [AtomicU32; (SECTORS * SECTOR_WORDS) as usize] =
    [const { AtomicU32::new(0) }; (SECTORS * SECTOR_WORDS) as usize];
/// Words that nobody may take, and ones of which nobody can tell that they are not the medium's.
const POISON: u32 = 0xbad0_0000;
const WRONG: u32 = 0x11e5_0000;
/// So long whoever may run next has run: two major frames.
const A_WHILE_TICKS: u64 = 8_000_000;

/// How many lies there are about a request.
const LIES: u32 = 16;

/// The driver of one client.
pub struct Liar {
    client: Peer<Request, Reply>,
    /// How often it was asked for the disk's shape.
    described: u32,
    /// What it said of it last cannot be.
    boasts: bool,
    /// How many lies it has told about reads, and about writes and flushes.
    of_reads: u32,
    of_writes: u32,
}

impl Liar {
    /// The driver of the client whose rings begin at `base`. `None` if they have another form than this.
    pub fn new(requests: RingConsumer<Request>, base: u32, payload: SharedMemory) -> Option<Self> {
        Some(Self {
            client: Peer::new(requests, base, DEPTH, payload)?,
            described: 0,
            boasts: false,
            of_reads: 0,
            of_writes: 0,
        })
    }

    /// Whether it has a lie left.
    pub fn has_lies(&self) -> bool {
        self.of_reads < LIES || self.of_writes < LIES
    }

    /// Waits for a request and answers it.
    pub fn turn(&mut self) {
        let request = self.client.request();
        self.answer_to(&request);
    }

    fn answer_to(&mut self, request: &Request) {
        match request.operation {
            Operation::Describe => return self.describe(request),
            _ if self.boasts => {
                self.answer(request, Status::OutOfRange, 0);
                // One who asks for the shape when its driver begins anew, does.
                self.wait();
                self.begin_anew();
            }
            Operation::Read if self.of_reads < LIES => {
                self.lie(request, self.of_reads);
                self.of_reads += 1;
                seen!("liar.of_reads", self.of_reads);
            }
            Operation::Write | Operation::Flush if self.of_writes < LIES => {
                self.lie(request, self.of_writes);
                self.of_writes += 1;
                seen!("liar.of_writes", self.of_writes);
            }
            _ => self.serve(request),
        }
        self.client.ring();
    }

    /// Says first, besides what was not asked, that there is no disk; then that it is larger than any; and then how large it is.
    fn describe(&mut self, question: &Request) {
        self.described += 1;
        seen!("liar.described", self.described);
        self.boasts = self.described == 2;
        match self.described {
            1 => {
                self.reply(question.id ^ 1, Status::Done, 1);
                self.client.push_bytes(&[0xff; 64], 10);
                self.answer(question, Status::Failed, 1);
            }
            2 => self.answer(question, Status::Done, u64::MAX),
            _ => self.answer(question, Status::Done, SECTORS.into()),
        }
        self.client.ring();
    }

    fn lie(&mut self, request: &Request, lie: u32) {
        const MORE: i32 = DEPTH as i32;
        self.fill(request, POISON);
        let right = u64::from(request.sectors);
        match lie {
            // More answers than there are places, and fewer than there were.
            0 => {
                for more in [MORE + 1, i32::MAX, -1] {
                    self.client.forge_index(more);
                    self.wait();
                }
                self.client.forge_index(0);
            }
            // Lengths that no message has, and bytes that are none.
            1 => {
                self.client.push_bytes(&[0xff; 64], u32::MAX);
                self.wait();
                self.client.set_last_length(65);
                self.wait();
                self.client.set_last_length(10);
                self.client.push_bytes(&[], 0);
                self.wait();
            }
            // Answers to what was never asked.
            2 => {
                let id = request.id;
                for id in [id + 1, id.wrapping_sub(1), id + 32, !id, 0, u32::MAX] {
                    self.reply(id, Status::Done, right);
                }
                self.wait();
            }
            // It was done, but not so much.
            3 => return self.answer(request, Status::Done, right + 1),
            4 => return self.answer(request, Status::Done, u64::MAX),
            5 => return self.answer(request, Status::Done, right | 1 << 32),
            6 => return self.answer(request, Status::Malformed, right),
            7 => return self.answer(request, Status::OutOfRange, right),
            8 => return self.answer(request, Status::ReadOnly, right),
            // Two answers to one, and then one more of another kind.
            9 => {
                self.answer(request, Status::Failed, right);
                self.answer(request, Status::Done, right);
            }
            // Nobody can tell.
            10 => {
                self.fill(request, WRONG);
                return self.answer(request, Status::Done, right);
            }
            // A driver that seems to have begun anew, at first by half. What it answered before has been taken: else it is one that does not answer.
            11 => {
                self.wait();
                self.client.next_epoch();
                self.wait();
                self.client.complete_epoch();
                self.wait();
            }
            // With another layout.
            12 => {
                self.wait();
                self.client.next_epoch();
                self.client.invert_reply_word(Word::Magic);
                self.client.complete_epoch();
                self.wait();
                self.client.invert_reply_word(Word::Magic);
                self.client.invert_reply_word(Word::SlotCount);
                self.wait();
                self.client.invert_reply_word(Word::SlotCount);
                self.wait();
            }
            // Another takes the client's requests, and more were taken than there are, or fewer than there were.
            13 => self.client.add_to_request_word(Word::ConsumerEpoch, 7),
            14 => self.miscount(request, MORE + 1),
            _ => self.miscount(request, -MORE - 3),
        }
        self.answer(request, Status::Failed, right);
    }

    fn miscount(&mut self, request: &Request, more: i32) {
        self.client.add_to_request_word(Word::ConsumerIndex, more);
        self.answer(request, Status::Failed, 0);
        self.wait();
        self.client.add_to_request_word(Word::ConsumerIndex, -more);
    }

    /// Serves as a driver does.
    fn serve(&mut self, request: &Request) {
        let words = request.sectors.checked_mul(SECTOR_WORDS);
        let first = request.sector.checked_mul(SECTOR_WORDS.into());
        let places = first.and_then(|first| {
            let first = usize::try_from(first).ok()?;
            MEDIUM.get(first..first.checked_add(words? as usize)?)
        });
        let end = words.and_then(|words| request.offset.checked_add(4 * words));
        let payload = *self.client.payload();
        let (Some(places), true) = (places, end.is_some_and(|end| end <= payload.length())) else {
            return self.answer(request, Status::OutOfRange, 0);
        };
        for (place, at) in places.iter().zip((request.offset..).step_by(4)) {
            if request.operation == Operation::Read {
                payload.write_u32(at, place.load(Ordering::Relaxed));
            } else if request.operation == Operation::Write {
                place.store(payload.read_u32(at), Ordering::Relaxed);
            }
        }
        let moved = match request.operation {
            Operation::Flush | Operation::Describe => 0,
            Operation::Read | Operation::Write => request.sectors,
        };
        self.answer(request, Status::Done, moved.into());
    }

    /// Fills the payload that a request names.
    fn fill(&self, request: &Request, pattern: u32) {
        let payload = self.client.payload();
        let words = request.sectors.saturating_mul(SECTOR_WORDS);
        let there = payload.length().saturating_sub(request.offset) / 4;
        for place in 0..words.min(there) {
            let word = pattern | (place % SECTOR_WORDS);
            payload.write_u32(request.offset + 4 * place, word);
        }
    }

    fn begin_anew(&mut self) {
        self.client.next_epoch();
        self.client.complete_epoch();
    }

    fn answer(&mut self, request: &Request, status: Status, sectors: u64) {
        self.reply(request.id, status, sectors);
    }

    fn reply(&mut self, id: u32, status: Status, sectors: u64) {
        self.client.push(&Reply {
            id,
            status,
            sectors,
            read_only: false,
        });
    }

    /// The client is rung, and has time to look.
    fn wait(&self) {
        self.client.ring();
        time::sleep_until(time::now() + A_WHILE_TICKS);
    }
}
