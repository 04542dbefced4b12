//! Whose request is next, and who gets which answer.
//!
//! A request that was taken from a client's ring has a **slot** until its answer is in the ring back. A slot is at the
//! device, or it is answered and waits for room in the ring; or it was dropped: it is still at the device, but the client that asked
//! has restarted, and nobody waits for it. Sets of slots are bit masks.
//!
//! # Fair
//!
//! Each client may have as many slots as there are for each, so that one that asks and asks cannot keep another from being served. Those that may
//! ask are served in turn, one request each.
//!
//! # A client restarts
//!
//! Either direction of its ring says so. Its answers are dropped, and as long as the device has one of its requests, nothing is taken from its
//! ring: the device still writes into its payload. So the first answer that a client gets says that its payload is its own.
//!
//! # The device fails
//!
//! It is reset, what it had fails, and it is brought up again; after some failures in a row it stays down, and everything that is asked for fails. If not
//! even its reset ends, nobody can say whether it still writes into payloads. Then nothing more is answered, and the partition has to restart: the
//! kernel takes the bus from the device.

use cofferdam_ring::RingError;
use disk_messages::{Operation, Reply, Request, Status};
use heapless::Vec;
use virtio::slots::{bit, of_mask};
use virtio::{Channel, Driver, End, InitError, Memory, Next, PATIENCE_CHECKS, Registers};

use crate::{Command, Disk, Range, SLOTS, Shape, Share, Work, judge};

/// So many clients a driver has at most: each has one of the 32 lines of a partition, and others are left for the driver.
pub const CLIENTS_MAX: usize = 24;
/// So many requests are looked at before the device and the answers have their turn.
const REQUESTS_OF_TURN: u32 = 2 * SLOTS as u32;
/// After so many failures of the device, none of its requests done in between, it stays down.
const FAILURES_MAX: u32 = 3;
/// A request that was taken.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The answer; while it is at the device, as it will be when it was done.
    reply: Reply,
    /// When it went to the device, in ticks.
    since: u64,
}

const NO_SLOT: Slot = Slot {
    reply: Reply {
        id: 0,
        status: Status::Failed,
        sectors: 0,
        read_only: false,
    },
    since: 0,
};

#[derive(Debug)]
struct Client<C> {
    end: End<C, Request>,
    range: Range,
    at_device: u64,
    answered: u64,
    dropped: u64,
}

/// A disk and its clients.
#[derive(Debug)]
pub struct Server<R, M, C> {
    disk: Disk<R, M>,
    clients: Vec<Client<C>, CLIENTS_MAX>,
    slots: [Slot; SLOTS],
    free: u64,
    /// The most slots of one client.
    share: u32,
    /// Who is asked first.
    turn: usize,
    failures: u32,
    failed: bool,
    patience_ticks: u64,
    next_check: u64,
}

impl<R, M, C> Server<R, M, C>
where
    R: Registers + Clone,
    M: Memory + Clone,
    C: Channel<Request = Request, Reply = Reply>,
{
    /// Brings the disk up, and serves nobody yet. What a device that does not answer is given, in ticks, before it counts as
    /// failed, is `patience_ticks`.
    pub fn new(disk: Disk<R, M>, patience_ticks: u64) -> Self {
        let mut server = Self {
            disk,
            clients: Vec::new(),
            slots: [NO_SLOT; SLOTS],
            free: u64::MAX,
            share: 0,
            turn: 0,
            failures: 0,
            failed: false,
            patience_ticks,
            next_check: 0,
        };
        // What came of it is asked when it matters; until then everything fails.
        let _ = server.start();
        server
    }

    /// One more client, with its range of the disk. Whether there was room for it. Its doorbell is rung: it may wait for an answer of
    /// this driver's last life.
    pub fn add_client(&mut self, mut channel: C, range: Range) -> bool {
        channel.ring_doorbell();
        let client = Client {
            end: End::new(channel),
            range,
            at_device: 0,
            answered: 0,
            dropped: 0,
        };
        let added = self.clients.push(client).is_ok();
        self.divide();
        added
    }

    /// Brings the device up again after it was stopped.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn start(&mut self) -> Result<(), InitError> {
        let started = self.disk.start();
        self.divide();
        started
    }

    fn divide(&mut self) {
        let slots = self.usable().count_ones();
        let clients = (self.clients.len() as u32).max(1);
        self.share = (slots / clients).max(1);
    }

    /// The slots that can be used. Without a device each of them is good for an answer.
    fn usable(&self) -> u64 {
        match u32::from(self.disk.slots()) {
            slots @ 1..u64::BITS => (1 << slots) - 1,
            _ => u64::MAX,
        }
    }

    fn collect(&mut self) {
        // A device that hands back more than it has is corrupt: this ends.
        loop {
            match self.disk.take_ended() {
                Ok(Some(ended)) => self.end(ended.slot, ended.done),
                Ok(None) => return,
                Err(_) => {
                    self.failed = true;
                    return;
                }
            }
        }
    }

    /// The device is done with a slot.
    fn end(&mut self, slot: u8, done: bool) {
        let bit = bit(slot);
        if done {
            self.failures = 0;
        }
        for client in &mut self.clients {
            if client.dropped & bit != 0 {
                client.dropped &= !bit;
                self.free |= bit;
            } else if client.at_device & bit != 0 {
                client.at_device &= !bit;
                client.answered |= bit;
                if !done && let Some(slot) = self.slots.get_mut(usize::from(slot)) {
                    slot.reply = failed(&slot.reply);
                }
            }
        }
    }

    fn check_patience(&mut self, now: u64) {
        if now < self.next_check {
            return;
        }
        self.next_check = now.saturating_add(self.patience_ticks / PATIENCE_CHECKS);
        let clients = self.clients.iter();
        let at_device = clients.fold(0, |all, client| all | client.at_device | client.dropped);
        let late = |slot: &Slot| now.saturating_sub(slot.since) > self.patience_ticks;
        if of_mask(at_device).any(|slot| self.slots.get(usize::from(slot)).is_some_and(late)) {
            self.failed = true;
        }
    }

    /// What the device has fails, and the device begins anew.
    fn recover(&mut self) -> Next {
        if self.disk.stop().is_err() {
            return Next::Restart;
        }
        let clients = self.clients.iter();
        let at_device = clients.fold(0, |all, client| all | client.at_device | client.dropped);
        for slot in of_mask(at_device) {
            self.end(slot, false);
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures <= FAILURES_MAX {
            // If it does not come up, all that is asked for fails.
            let _ = self.start();
        }
        Next::Wait
    }

    /// Takes requests in turn. Whether there may be more.
    fn take_requests(&mut self, now: u64) -> bool {
        let count = self.clients.len();
        let mut left = REQUESTS_OF_TURN;
        loop {
            let mut taken = false;
            for _ in 0..count {
                let number = self.turn % count;
                self.turn = number + 1;
                if left == 0 {
                    return true;
                }
                if self.take_request(number, now) {
                    taken = true;
                    left -= 1;
                }
            }
            if !taken {
                return false;
            }
        }
    }

    /// Takes a client's next request. Whether there was something.
    fn take_request(&mut self, number: usize, now: u64) -> bool {
        let free = self.free & self.usable();
        let count = self.clients.len();
        let Some(client) = self.clients.get_mut(number) else {
            return false;
        };
        // One alone may have all slots: there is nothing to count then.
        let has = client.at_device | client.answered;
        let has_its_share = count > 1 && has.count_ones() >= self.share;
        if client.dropped != 0 || has_its_share || free == 0 {
            return false;
        }
        match client.end.pop() {
            Ok(Some(request)) => self.begin(number, &request, free.trailing_zeros() as u8, now),
            Ok(None) => return false,
            Err(RingError::PeerRestarted) => client.forget(&mut self.free),
            // It names no id that could be answered.
            Err(RingError::Decode(_)) => {}
            // The client destroyed its ring. Until it restarts there is nothing to be had.
            Err(_) => return false,
        }
        true
    }

    /// Gives a request to the device, or answers it.
    fn begin(&mut self, number: usize, request: &Request, slot: u8, now: u64) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let (mut reply, work) = client.plan(request, self.disk.shape());
        let mut submitted = false;
        if let Some(work) = work {
            let bus_address = match work.command {
                Command::Flush => 0,
                _ => client.end.channel.payload().bus_address(request.offset),
            };
            submitted = self.disk.submit(slot, &work, bus_address);
            if !submitted {
                reply = failed(&reply);
            }
        }
        let bit = bit(slot);
        self.free &= !bit;
        if submitted {
            client.at_device |= bit;
        } else {
            client.answered |= bit;
        }
        if let Some(place) = self.slots.get_mut(usize::from(slot)) {
            *place = Slot { reply, since: now };
        }
    }

    /// Gives the answers as far as there is room for them.
    fn deliver(&mut self) -> Delivery {
        let mut all = Delivery::default();
        for client in &mut self.clients {
            let one = client.deliver(&self.slots, &mut self.free);
            all.pushed |= one.pushed;
            all.restarted |= one.restarted;
        }
        all
    }
}

/// What came of giving answers.
#[derive(Clone, Copy, Debug, Default)]
struct Delivery {
    /// Some were given.
    pushed: bool,
    /// A client has restarted: there may be more to do for it.
    restarted: bool,
}

impl<R, M, C> Driver for Server<R, M, C>
where
    R: Registers + Clone,
    M: Memory + Clone,
    C: Channel<Request = Request, Reply = Reply>,
{
    fn is_up(&self) -> bool {
        self.disk.shape().is_some()
    }

    fn next_check(&self) -> Option<u64> {
        let busy = |client: &Client<C>| client.at_device | client.dropped != 0;
        self.clients.iter().any(busy).then_some(self.next_check)
    }

    fn interrupted(&mut self) {
        if self.disk.acknowledge_interrupt() {
            self.failed = true;
        }
    }

    fn serve(&mut self, now: u64) -> Next {
        self.collect();
        self.check_patience(now);
        if core::mem::take(&mut self.failed) && self.recover() == Next::Restart {
            // Stays so, whoever asks again.
            self.failed = true;
            return Next::Restart;
        }
        // First the answers: each of them makes room for a request.
        let told = self.deliver();
        let more = self.take_requests(now);
        self.disk.announce();
        // What was answered at once. It made room, and nobody rings again for what is in the ring already.
        let answered = self.deliver();
        if more || told.restarted || answered.restarted || answered.pushed {
            Next::Again
        } else {
            Next::Wait
        }
    }
}

impl<C: Channel<Request = Request, Reply = Reply>> Client<C> {
    /// The answer to a request, once the device has done the work if there is some.
    fn plan(&self, request: &Request, disk: Option<Shape>) -> (Reply, Option<Work>) {
        let mut reply = Reply {
            id: request.id,
            status: Status::Done,
            sectors: 0,
            read_only: false,
        };
        let Some(shape) = disk else {
            return (failed(&reply), None);
        };
        let share = Share::new(&self.range, &shape);
        match request.operation {
            Operation::Describe => {
                reply.sectors = share.sectors;
                reply.read_only = share.read_only;
                (reply, None)
            }
            // Who writes nothing has nothing to flush; and without a cache there is nothing in it.
            Operation::Flush if share.read_only || !shape.flushes => (reply, None),
            Operation::Flush => (reply, Some(Work::FLUSH)),
            Operation::Read | Operation::Write => {
                match judge(request, &share, self.end.channel.payload().length()) {
                    Ok(work) => {
                        reply.sectors = request.sectors.into();
                        (reply, Some(work))
                    }
                    Err(status) => (Reply { status, ..reply }, None),
                }
            }
        }
    }

    fn deliver(&mut self, slots: &[Slot; SLOTS], free: &mut u64) -> Delivery {
        let mut delivery = Delivery::default();
        if self.answered == 0 {
            return delivery;
        }
        for slot in of_mask(self.answered) {
            let Some(Slot { reply, .. }) = slots.get(usize::from(slot)) else {
                continue;
            };
            let mut result = self.end.channel.push(reply);
            if result == Err(RingError::PeerRestarted) {
                delivery.restarted = true;
                if self.end.has_restarted() {
                    self.forget(free);
                    break;
                }
                result = self.end.channel.push(reply);
            }
            // No room: the client rings when there is. All else: it destroyed its ring.
            if result.is_err() {
                break;
            }
            delivery.pushed = true;
            self.answered &= !bit(slot);
            *free |= bit(slot);
        }
        if delivery.pushed {
            self.end.channel.ring_doorbell();
        }
        delivery
    }

    /// The client has restarted: nobody waits for its answers any more.
    fn forget(&mut self, free: &mut u64) {
        *free |= core::mem::take(&mut self.answered);
        self.dropped |= core::mem::take(&mut self.at_device);
        self.end.forget();
    }
}

const fn failed(reply: &Reply) -> Reply {
    Reply {
        status: Status::Failed,
        sectors: 0,
        ..*reply
    }
}
