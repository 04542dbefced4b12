//! Blocks that go to a disk or come from there, with as many in flight as there are pieces of payload.

use disk_client::{Channel, Client, Command, Event, Failure, Refused, Transfer};

/// What a flush has for a tag: no block has it.
const FLUSH: u32 = u32::MAX;

/// A piece of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Free,
    /// This block is in flight with it.
    InFlight(u32),
    /// This block was in flight when the driver restarted.
    Again(u32),
}

/// What became of the blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// So many were written or read.
    pub done: u32,
    /// So often one is asked for again, for the driver has restarted.
    pub interrupted: u32,
    /// So many failed, for the driver is stopped.
    pub stopped: u32,
    /// So many failed otherwise, or were refused.
    pub otherwise: u32,
}

impl Ended {
    /// How many failed.
    pub const fn failed(&self) -> u32 {
        self.stopped + self.otherwise
    }
}

/// Each of so many blocks written or read once, their numbers being the tags.
#[derive(Debug)]
pub struct Pass<const PIECES: usize> {
    blocks: u32,
    next: u32,
    pieces: [Piece; PIECES],
    ended: Ended,
}

impl<const PIECES: usize> Pass<PIECES> {
    /// Before the first block.
    pub fn new(blocks: u32) -> Self {
        Self {
            blocks,
            next: 0,
            pieces: [Piece::Free; PIECES],
            ended: Ended::default(),
        }
    }

    /// What became of the blocks, when no block is left.
    pub const fn over(&self) -> Option<Ended> {
        let over = self.ended.done + self.ended.failed() >= self.blocks;
        if over { Some(self.ended) } else { None }
    }

    /// Submits as many blocks as there are pieces for, and announces them. `command` says, by the numbers of a piece and of a block, what to ask for.
    pub fn submit<C: Channel>(
        &mut self,
        disk: &mut Client<C, u32, PIECES>,
        mut command: impl FnMut(u32, u32) -> Command,
    ) {
        for (number, piece) in (0..).zip(&mut self.pieces) {
            let block = match *piece {
                Piece::Free if self.next < self.blocks => self.next,
                Piece::Again(block) => block,
                Piece::Free | Piece::InFlight(_) => continue,
            };
            let after = match disk.submit(command(number, block), block) {
                Ok(()) => Piece::InFlight(block),
                Err(Refused::NotReady) => continue,
                Err(Refused::Stopped) => {
                    self.ended.stopped += 1;
                    Piece::Free
                }
                Err(_) => {
                    self.ended.otherwise += 1;
                    Piece::Free
                }
            };
            self.next += u32::from(*piece == Piece::Free);
            *piece = after;
        }
        disk.announce();
    }

    /// Takes what has happened. If a block was done: which one, and what it moved.
    pub fn take(&mut self, event: &Event<u32>) -> Option<(u32, Transfer)> {
        let Event::Ended {
            command,
            tag: block,
            result,
        } = *event
        else {
            return None;
        };
        let mut pieces = self.pieces.iter_mut();
        let piece = pieces.find(|piece| **piece == Piece::InFlight(block))?;
        *piece = Piece::Free;
        match result {
            Ok(()) => self.ended.done += 1,
            Err(Failure::Interrupted) => {
                self.ended.interrupted += 1;
                *piece = Piece::Again(block);
            }
            Err(Failure::Stopped) => self.ended.stopped += 1,
            Err(_) => self.ended.otherwise += 1,
        }
        let transfer = command.transfer().filter(|_| result.is_ok())?;
        Some((block, *transfer))
    }
}

/// Makes what was written durable. Whether it is; `next` is the next thing that happens.
pub fn flush<C: Channel, const N: usize>(
    disk: &mut Client<C, u32, N>,
    mut next: impl FnMut(&mut Client<C, u32, N>) -> Event<u32>,
) -> bool {
    loop {
        if disk.in_flight() == 0 {
            match disk.submit(Command::Flush, FLUSH) {
                Ok(()) | Err(Refused::NotReady) => {}
                Err(_) => return false,
            }
        }
        if let Event::Ended { result, .. } = next(disk)
            && result != Err(Failure::Interrupted)
        {
            return result.is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use disk_messages::{Operation, Reply, Request, Status};

    use super::*;

    type Disk = Client<driver_client::model::ModelChannel<Request, Reply>, u32, 2>;

    fn disk() -> Disk {
        Client::new(driver_client::model::ModelChannel::new(4096, 8), 1)
    }

    /// Carries out what was asked for: which sectors.
    fn answer(disk: &Disk, status: Status) -> Vec<u64> {
        let wire = &mut *disk.channel().0.borrow_mut();
        let requests = wire.requests.drain(..).map(|request| {
            let sectors = match request.operation {
                Operation::Describe => 64,
                _ => request.sectors.into(),
            };
            wire.replies.push_back(Reply {
                id: request.id,
                status,
                sectors,
                read_only: false,
            });
            request.sector
        });
        requests.collect()
    }

    fn read(piece: u32, block: u32) -> Command {
        Command::Read(Transfer {
            sector: block.into(),
            sectors: 1,
            offset: piece * 512,
        })
    }

    /// Takes all that has happened: which blocks were done.
    fn take(disk: &mut Disk, pass: &mut Pass<2>) -> Vec<u32> {
        let events = core::iter::from_fn(|| disk.poll());
        let done = events.filter_map(|event| pass.take(&event));
        done.map(|(block, _)| block).collect()
    }

    #[test]
    fn each_block_goes_once_and_what_a_restart_interrupts_again() {
        let (mut disk, mut pass) = (disk(), Pass::new(3));
        pass.submit(&mut disk, read);
        assert_eq!(disk.in_flight(), 0, "the driver has said nothing");
        answer(&disk, Status::Done);
        assert_eq!(take(&mut disk, &mut pass), []);
        pass.submit(&mut disk, read);
        assert_eq!(answer(&disk, Status::Done), [0, 1]);
        assert_eq!(take(&mut disk, &mut pass), [0, 1]);
        pass.submit(&mut disk, read);
        disk.channel().restart_driver();
        assert_eq!(take(&mut disk, &mut pass), []);
        answer(&disk, Status::Done);
        assert_eq!(take(&mut disk, &mut pass), []);
        assert_eq!(pass.over(), None);
        pass.submit(&mut disk, read);
        assert_eq!(answer(&disk, Status::Done), [2]);
        assert_eq!(take(&mut disk, &mut pass), [2]);
        let ended = Ended {
            done: 3,
            interrupted: 1,
            ..Ended::default()
        };
        assert_eq!(pass.over(), Some(ended));
    }

    #[test]
    fn each_block_that_fails_is_counted_once() {
        let (mut disk, mut pass) = (disk(), Pass::new(4));
        answer(&disk, Status::Done);
        assert_eq!(take(&mut disk, &mut pass), []);
        pass.submit(&mut disk, read);
        answer(&disk, Status::Failed);
        assert_eq!(take(&mut disk, &mut pass), []);
        pass.submit(&mut disk, read);
        disk.channel().0.borrow_mut().stopped = true;
        assert_eq!(take(&mut disk, &mut pass), []);
        let ended = Ended {
            stopped: 2,
            otherwise: 2,
            ..Ended::default()
        };
        assert_eq!(pass.over(), Some(ended));
        let (mut later, next) = (Pass::new(1), |disk: &mut Disk| disk.next_event(|| ()));
        later.submit(&mut disk, read);
        assert_eq!(later.over().map(|ended| ended.failed()), Some(1));
        assert!(!flush(&mut disk, next), "nothing is durable any more");
    }
}
