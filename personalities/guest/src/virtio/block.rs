//! A disk (virtio 1.2, section 5.2), behind which there is a range of a disk that a driver partition has (`disk_messages`).
//!
//! A request of the guest's is a chain: a header that says what and where, the data, and a byte for the result. Data moves through the
//! payload of the channel, which is divided into [`UNITS`] units; a **piece** of a request takes some of them in a row, as many as it needs
//! or there are, so that a long request is cut. Up to [`REQUESTS_MAX`] requests and [`PIECES_MAX`] pieces are in flight, the rest waits
//! in the guest's queue.
//!
//! Pieces that go on where another ends, on the disk and in the payload, are asked for in one message with it, and answered so. A guest that has
//! many requests ready thus costs the driver one.
//!
//! While pieces are in flight the guest need not notify: what it puts into the queue meanwhile is found when a reply comes, and goes to the driver in one
//! batch, with one doorbell.
//!
//! When the driver restarts, all pieces are sent again, with new ids: what was asked for again and what may still be answered from before are
//! told apart. Data to be written is copied from the guest once more, as the driver that died may have spoiled the payload. When the guest
//! resets the device, pieces that are in flight are **orphans**: they keep their payload until they are answered, no data of theirs
//! reaches the guest, and no new request starts before they are gone, since nobody knows what they still write.
//!
//! A driver that is stopped for good answers nothing: all requests end with VIRTIO_BLK_S_IOERR then, and those that come later, until somebody starts the
//! driver again. Pieces of payload are nobody's at once; a device that still writes into some meanwhile is shut out before a new life of the driver's begins.

use disk_messages::{Operation, Reply, Request as Message, SECTOR_BYTES, Status};

use super::describe::Description;
use super::mmio::{Kind, Registers};
use super::queue::{Broken, Chain, Cursor, Queue};
use super::sets::{first, first_of, members, run};
use super::{Link, Memory, REPLIES_MAX, Rounds, Unsent};

mod parts;

use parts::{NO_PIECE, NO_REQUEST, Piece, Request, kind};

/// The device's number.
const DEVICE: u32 = 2;

/// Features (section 5.2.3): segments have a most length, there is a most number of them, it is read-only, blocks have a size, flushes are understood.
const SIZE_MAX: u64 = 1 << 1;
const SEG_MAX: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 5;
const BLK_SIZE: u64 = 1 << 6;
const FLUSH: u64 = 1 << 9;

/// The most descriptors of the queue: 32 requests of four.
const QUEUE_SIZE: u16 = 128;
/// The most pieces of memory of one request, and the most bytes of each: what Linux makes of them stays below 2 MiB.
const SEGMENTS_MAX: u32 = 62;
const SEGMENT_BYTES_MAX: u32 = 32 << 10;

/// How many requests of the guest's are looked after at a time.
pub const REQUESTS_MAX: usize = 32;
/// How many questions to the driver are.
pub const PIECES_MAX: usize = 32;
/// Into how many units the payload is divided.
pub const UNITS: u32 = 32;

const HEADER_BYTES: u32 = 16;
const ID_BYTES: usize = 20;

/// Results.
const OK: u8 = 0;
const IO_ERROR: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// An id is the number of a piece, behind one that goes round.
const ID_PLACES: u32 = PIECES_MAX as u32;

/// A disk.
#[derive(Debug)]
pub struct Disk {
    /// What the guest sees.
    pub registers: Registers<1, 24>,
    description: Description,
    unit_bytes: u32,
    /// The units that there are.
    units: u32,
    requests: [Request; REQUESTS_MAX],
    pieces: [Piece; PIECES_MAX],
    /// Requests there are, and those of which something was not asked yet.
    taken: u32,
    unasked: u32,
    /// Pieces there are, those that the driver has to get, and those that nobody waits for.
    cut: u32,
    unsent: u32,
    orphans: u32,
    /// Pieces that the driver was asked for in the message of another.
    led: u32,
    /// Pieces whose payload a driver had that is gone.
    spoiled: u32,
    /// Units that no piece has.
    free: u32,
    rounds: Rounds,
}

impl Disk {
    /// A disk as the driver described it, for a guest with so much memory, over a payload of so many bytes.
    pub fn new(description: Description, memory_bytes: u32, payload_bytes: u32) -> Self {
        let read_only = if description.read_only { READ_ONLY } else { 0 };
        let mut configuration = [0; 24];
        for (offset, bytes) in [
            (0, &description.sectors.to_le_bytes()[..]),
            (8, &SEGMENT_BYTES_MAX.to_le_bytes()),
            (12, &SEGMENTS_MAX.to_le_bytes()),
            (20, &SECTOR_BYTES.to_le_bytes()),
        ] {
            configuration[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        let kind = Kind {
            device: DEVICE,
            features: SIZE_MAX | SEG_MAX | BLK_SIZE | FLUSH | read_only,
            queue_size: QUEUE_SIZE,
            configuration,
        };
        let unit_bytes = (payload_bytes / UNITS / SECTOR_BYTES).max(1) * SECTOR_BYTES;
        let units = first((payload_bytes / unit_bytes).min(UNITS));
        Self {
            registers: Registers::new(kind, memory_bytes),
            description,
            unit_bytes,
            units,
            requests: [NO_REQUEST; REQUESTS_MAX],
            pieces: [NO_PIECE; PIECES_MAX],
            taken: 0,
            unasked: 0,
            cut: 0,
            unsent: 0,
            orphans: 0,
            led: 0,
            spoiled: 0,
            free: units,
            rounds: Rounds::new(0),
        }
    }

    /// The same in this life of the monitor's: another number in each.
    pub fn in_life(mut self, life: u32) -> Self {
        self.rounds = Rounds::new(life);
        self
    }

    /// Does what there is to do: to be called when the [registers](Registers::is_due) say so, or the driver's doorbell has rung.
    pub fn serve<L, M>(&mut self, memory: &mut M, link: &mut L)
    where
        L: Link<Request = Message, Reply = Reply>,
        M: Memory<L::Payload>,
    {
        if self.registers.take_reset() {
            self.forget();
        }
        self.registers.take_notification();
        if self.cut != 0 && link.has_restarted() {
            self.restart();
        }
        let Some(mut queue) = self.registers.queue(0).copied() else {
            self.forget();
            self.take_replies(link);
            return;
        };
        match self.work(&mut queue, memory, link) {
            Ok(wanted) => {
                self.registers.keep(0, queue);
                if wanted {
                    self.registers.interrupt();
                }
            }
            Err(broken) => {
                self.registers.stop(broken);
                self.forget();
                // For what was sent before.
                link.ring_doorbell();
            }
        }
    }

    /// Orphans are answered, too.
    fn take_replies<L: Link<Request = Message, Reply = Reply>>(&mut self, link: &mut L) {
        for _ in 0..REPLIES_MAX {
            let Some(reply) = link.pop() else { break };
            self.release(&reply);
        }
    }

    /// Whether the guest is to be interrupted.
    fn work<L, M>(
        &mut self,
        queue: &mut Queue,
        memory: &mut M,
        link: &mut L,
    ) -> Result<bool, Broken>
    where
        L: Link<Request = Message, Reply = Reply>,
        M: Memory<L::Payload>,
    {
        for _ in 0..REPLIES_MAX {
            let Some(reply) = link.pop() else { break };
            self.answer(&reply, queue, memory, link.payload())?;
        }
        let mut sent = self.send_all(queue, memory, link)?;
        while self.orphans == 0 {
            self.cut_all(queue, memory, link.payload())?;
            let Some(place) = first_of(!self.taken).filter(|_| self.unasked == 0) else {
                break;
            };
            let Some(chain) = queue.take(memory)? else {
                break;
            };
            self.begin(place, chain, queue, memory)?;
        }
        // All at once, so that what belongs together goes together.
        sent |= self.send_all(queue, memory, link)?;
        if sent {
            link.ring_doorbell();
        }
        // Nothing else waits for the driver: what is in the queue has become pieces as far as they go.
        if self.cut != 0 && link.is_stopped() {
            self.give_up(queue, memory)?;
        }
        queue.set_quiet(self.cut != 0);
        queue.show(memory)
    }

    /// The driver has no further life: what was begun, and what waits in the queue, ends in an error.
    fn give_up<P, M: Memory<P>>(
        &mut self,
        queue: &mut Queue,
        memory: &mut M,
    ) -> Result<(), Broken> {
        (self.cut, self.unsent, self.orphans) = (0, 0, 0);
        (self.led, self.spoiled, self.free) = (0, 0, self.units);
        loop {
            for number in members(self.taken) {
                let request = &mut self.requests[number];
                (request.result, request.left, request.pieces) = (IO_ERROR, 0, 0);
                request.flush_follows = false;
                self.unasked &= !(1 << number);
                self.finish(number, queue, memory)?;
            }
            let Some(chain) = queue.take(memory)? else {
                return Ok(());
            };
            self.begin(0, chain, queue, memory)?;
        }
    }

    /// The guest is no longer interested in anything that was begun.
    fn forget(&mut self) {
        (self.taken, self.unasked) = (0, 0);
        for place in members(self.unsent) {
            self.free |= self.pieces[place].units;
        }
        self.cut &= !self.unsent;
        self.unsent = 0;
        self.orphans = self.cut;
        for place in members(self.cut) {
            self.pieces[place].request = None;
        }
    }

    /// The driver has restarted: what was in flight has to be sent again, but for what nobody waits for.
    fn restart(&mut self) {
        for place in members(self.orphans) {
            self.free |= self.pieces[place].units;
        }
        self.cut &= !self.orphans;
        (self.orphans, self.led) = (0, 0);
        (self.unsent, self.spoiled) = (self.cut, self.cut);
    }

    /// Takes back the units of the pieces that were answered, and says which these are: none, if none was asked for like that.
    fn release(&mut self, reply: &Reply) -> u32 {
        let place = reply.id % ID_PLACES;
        let piece = &self.pieces[place as usize];
        let bit = 1 << place;
        if self.cut & !self.unsent & !self.led & bit == 0 || piece.id != reply.id {
            return 0;
        }
        let answered = bit | piece.followers;
        self.cut &= !answered;
        self.orphans &= !answered;
        self.led &= !answered;
        for place in members(answered) {
            self.free |= self.pieces[place].units;
        }
        answered
    }

    fn answer<P, M: Memory<P>>(
        &mut self,
        reply: &Reply,
        queue: &mut Queue,
        memory: &mut M,
        payload: &P,
    ) -> Result<(), Broken> {
        let answered = self.release(reply);
        let bytes = members(answered).map(|place| self.pieces[place].bytes);
        let all = u64::from(bytes.sum::<u32>() / SECTOR_BYTES);
        for place in members(answered) {
            let piece = &self.pieces[place];
            let Some(number) = piece.request.map(usize::from) else {
                continue;
            };
            let moved = reply.status == Status::Done
                && (piece.operation == Operation::Flush || reply.sectors == all);
            if moved && piece.operation == Operation::Read {
                let begin = self.offset(piece);
                queue.walk(
                    memory,
                    piece.cursor,
                    piece.bytes,
                    true,
                    |memory, at, done, bytes| memory.copy_in(at, payload, begin + done, bytes),
                )?;
            }
            let request = &mut self.requests[number];
            request.pieces = request.pieces.saturating_sub(1);
            if !moved {
                // What was not asked for yet is of no use any more.
                (request.result, request.left, request.flush_follows) = (IO_ERROR, 0, false);
                self.unasked &= !(1 << number);
            }
            self.finish(number, queue, memory)?;
        }
        Ok(())
    }

    /// Gives a request back if nothing of it is left.
    fn finish<P>(
        &mut self,
        number: usize,
        queue: &mut Queue,
        memory: &mut impl Memory<P>,
    ) -> Result<(), Broken> {
        let bit = 1 << number;
        let request = &mut self.requests[number];
        if request.pieces > 0 || self.unasked & bit != 0 {
            return Ok(());
        }
        if core::mem::take(&mut request.flush_follows) {
            request.operation = Operation::Flush;
            self.unasked |= bit;
            return Ok(());
        }
        self.taken &= !bit;
        let written = if request.result == OK {
            request.written
        } else {
            1
        };
        memory
            .set_byte(request.result_at, request.result)
            .ok_or(Broken)?;
        queue.put(memory, request.head, written)
    }

    /// A request of the guest's begins, at a free place; or is over, if nobody has to be asked.
    fn begin<P, M: Memory<P>>(
        &mut self,
        place: usize,
        chain: Chain,
        queue: &mut Queue,
        memory: &mut M,
    ) -> Result<(), Broken> {
        // Without these nobody could say what is wrong.
        let (Some(data_out), Some(data_in)) = (
            chain.readable.checked_sub(HEADER_BYTES),
            chain.writable.checked_sub(1),
        ) else {
            return Err(Broken);
        };
        let mut header = [0; HEADER_BYTES as usize];
        let start = Cursor::start(chain.head);
        let behind = queue.walk(
            memory,
            start,
            HEADER_BYTES,
            false,
            |memory, at, done, bytes| {
                let (done, bytes) = (done as usize, bytes as usize);
                memory.read(at, header.get_mut(done..done + bytes)?)
            },
        )?;
        let [a, b, c, d, _, _, _, _, sector @ ..] = header;
        let sector = u64::from_le_bytes(sector);
        let mut request = Request {
            head: chain.head,
            result_at: chain.last,
            sector,
            written: 1,
            ..NO_REQUEST
        };
        let mut over = false;
        match u32::from_le_bytes([a, b, c, d]) {
            kind::IN => {
                request.operation = Operation::Read;
                (request.left, request.cursor) = (data_in, chain.first_writable);
                request.written = chain.writable;
            }
            kind::OUT => {
                request.operation = Operation::Write;
                (request.left, request.cursor) = (data_out, behind);
                request.flush_follows = !self.registers.has(FLUSH);
            }
            kind::FLUSH => {}
            kind::GET_ID => {
                let mut id = [0; ID_BYTES];
                id[..9].copy_from_slice(b"cofferdam");
                let bytes = data_in.min(ID_BYTES as u32);
                queue.walk(
                    memory,
                    chain.first_writable,
                    bytes,
                    true,
                    |memory, at, done, bytes| {
                        let (done, bytes) = (done as usize, bytes as usize);
                        memory.write(at, id.get(done..done + bytes)?)
                    },
                )?;
                (request.written, over) = (1 + bytes, true);
            }
            _ => (request.result, over) = (UNSUPPORTED, true),
        }
        if !over && !self.allows(&request) {
            (request.result, request.left, over) = (IO_ERROR, 0, true);
            request.flush_follows = false;
        }
        self.requests[place] = request;
        self.taken |= 1 << place;
        if over {
            return self.finish(place, queue, memory);
        }
        self.unasked |= 1 << place;
        Ok(())
    }

    /// Whether the disk has what a request is about.
    fn allows(&self, request: &Request) -> bool {
        if request.operation == Operation::Flush {
            return true;
        }
        let (sectors, rest) = (request.left / SECTOR_BYTES, request.left % SECTOR_BYTES);
        let end = request.sector.checked_add(sectors.into());
        let writes = request.operation == Operation::Write;
        self.units != 0
            && sectors > 0
            && rest == 0
            && end.is_some_and(|end| end <= self.description.sectors)
            && !(writes && self.description.read_only)
    }

    /// Makes pieces of what was not asked for yet, as many as there is room for.
    fn cut_all<P, M: Memory<P>>(
        &mut self,
        queue: &Queue,
        memory: &mut M,
        payload: &P,
    ) -> Result<(), Broken> {
        for number in members(self.unasked) {
            while self.unasked & 1 << number != 0 {
                let Some(place) = first_of(!self.cut) else {
                    return Ok(());
                };
                let request = &self.requests[number];
                let (mut units, mut bytes) = (0, 0);
                if request.operation != Operation::Flush {
                    let wanted = request.left.div_ceil(self.unit_bytes);
                    units = match run(self.free, wanted) {
                        Some(units) => units,
                        None => return Ok(()),
                    };
                    bytes = request.left.min(units.count_ones() * self.unit_bytes);
                }
                self.pieces[place] = Piece {
                    operation: request.operation,
                    request: Some(number as u8),
                    sector: request.sector,
                    bytes,
                    cursor: request.cursor,
                    units,
                    ..NO_PIECE
                };
                let piece = &self.pieces[place];
                self.fill(piece, queue, memory, payload)?;
                self.free &= !piece.units;
                let request = &mut self.requests[number];
                request.left -= piece.bytes;
                request.sector += u64::from(piece.bytes / SECTOR_BYTES);
                request.pieces += 1;
                if request.left == 0 {
                    self.unasked &= !(1 << number);
                } else {
                    let writable = piece.operation == Operation::Read;
                    request.cursor =
                        queue.walk(memory, piece.cursor, piece.bytes, writable, |_, _, _, _| {
                            Some(())
                        })?;
                }
                self.spoiled &= !(1 << place);
                self.cut |= 1 << place;
                self.unsent |= 1 << place;
            }
        }
        Ok(())
    }

    /// Where in the payload a piece begins.
    fn offset(&self, piece: &Piece) -> u32 {
        first_of(piece.units).unwrap_or(0) as u32 * self.unit_bytes
    }

    /// Copies what is to be written into the payload.
    fn fill<P, M: Memory<P>>(
        &self,
        piece: &Piece,
        queue: &Queue,
        memory: &mut M,
        payload: &P,
    ) -> Result<(), Broken> {
        if piece.operation != Operation::Write {
            return Ok(());
        }
        let begin = self.offset(piece);
        queue.walk(
            memory,
            piece.cursor,
            piece.bytes,
            false,
            |memory, at, done, bytes| memory.copy_out(at, payload, begin + done, bytes),
        )?;
        Ok(())
    }

    /// The pieces to be sent that go on where this one ends, one after the other, and how long all are together.
    fn followers(&self, place: usize) -> (u32, u32) {
        let piece = &self.pieces[place];
        let (mut followers, mut bytes) = (0, piece.bytes);
        if piece.operation == Operation::Flush {
            return (followers, bytes);
        }
        for next in members(self.unsent & !first(place as u32 + 1)) {
            let one = &self.pieces[next];
            let goes_on = one.operation == piece.operation
                && one.sector == piece.sector + u64::from(bytes / SECTOR_BYTES)
                && self.offset(one) == self.offset(piece) + bytes;
            if !goes_on {
                break;
            }
            followers |= 1 << next;
            bytes += one.bytes;
        }
        (followers, bytes)
    }

    /// Sends what the driver has to get, as far as the ring takes it. Whether anything was sent.
    fn send_all<L, M>(
        &mut self,
        queue: &Queue,
        memory: &mut M,
        link: &mut L,
    ) -> Result<bool, Broken>
    where
        L: Link<Request = Message, Reply = Reply>,
        M: Memory<L::Payload>,
    {
        let mut sent = false;
        let mut restarted = false;
        while let Some(place) = first_of(self.unsent) {
            let (followers, bytes) = self.followers(place);
            let together = followers | 1 << place;
            for place in members(together & self.spoiled) {
                self.fill(&self.pieces[place], queue, memory, link.payload())?;
            }
            self.spoiled &= !together;
            let piece = &self.pieces[place];
            let message = Message {
                id: self.rounds.next() * ID_PLACES + place as u32,
                operation: piece.operation,
                sector: piece.sector,
                sectors: bytes / SECTOR_BYTES,
                offset: self.offset(piece),
            };
            match link.push(&message) {
                Ok(()) => {
                    let piece = &mut self.pieces[place];
                    (piece.id, piece.followers) = (message.id, followers);
                    self.unsent &= !together;
                    self.led |= followers;
                    sent = true;
                }
                Err(Unsent::Restarted) if !restarted => {
                    restarted = true;
                    self.restart();
                }
                Err(_) => break,
            }
        }
        Ok(sent)
    }
}
