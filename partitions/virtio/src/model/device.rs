//! The device: its registers, and its side of the queues.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Arena;
use crate::{Registers, registers as at};

/// What kind of device it is.
pub trait Backend {
    /// Serves one request: what the driver wrote, and how many bytes it wants back at most. The bytes to write.
    fn serve(&mut self, queue: u16, readable: &[u8], writable: usize) -> Vec<u8>;
    /// The device's own configuration.
    fn configuration(&self) -> Vec<u8>;
}

/// How the registers lie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A reset never ends.
    pub never_resets: bool,
    /// Features are refused though they are offered.
    pub refuses_features: bool,
    /// Of these it says the opposite: that it offers what it has not, and does not offer what it has.
    pub features: u64,
    /// The configuration changes with each read of its generation.
    pub restless: bool,
    /// Each queue has at most so many entries, it says.
    pub queue_size: Option<u16>,
    /// Queues are notified at this offset.
    pub notify_offset: Option<u16>,
}

/// A chain that the device has taken from the available ring.
#[derive(Clone, Debug)]
pub struct Taken {
    queue: u16,
    head: u16,
    readable: Vec<u8>,
    /// Where and how much it may write.
    writable: Vec<(u64, u32)>,
}

#[derive(Clone, Debug, Default)]
struct ModelQueue {
    size: u16,
    /// What the driver was told of it: the most entries, and where it is notified.
    told_size: u16,
    told_offset: u16,
    enabled: bool,
    /// Descriptors, available ring, used ring.
    addresses: [u64; 3],
    taken: u16,
    used: u16,
}

struct State<B> {
    backend: B,
    arena: Arena,
    features: u64,
    faults: Faults,
    /// Faults that come after so many accesses to registers.
    coming: Option<(u32, Faults)>,
    status: u8,
    /// Since its last reset a driver has started it.
    running: bool,
    ignored_reset: bool,
    device_feature_select: u32,
    driver_feature_select: u32,
    /// What it said that it offers, the last time.
    told_features: u64,
    accepted: u64,
    queue_select: u16,
    queue_size_max: u16,
    queues: Vec<ModelQueue>,
    notified: BTreeSet<u16>,
    notifications: usize,
    resets: usize,
    interrupt_status: u8,
    generation: u8,
    taken: Vec<Taken>,
}

/// A device; its clones are the same one.
pub struct ModelDevice<B>(Rc<RefCell<State<B>>>);

impl<B> Clone for ModelDevice<B> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<B> std::fmt::Debug for ModelDevice<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ModelDevice")
    }
}

const DRIVER_OK: u8 = 4;
const FEATURES_OK: u8 = 8;
const NEEDS_RESET: u8 = 64;
const NEXT: u16 = 1;
const WRITE: u16 = 2;

impl<B: Backend> ModelDevice<B> {
    /// A device with these features, and so many queues of at most so many entries.
    pub fn new(backend: B, arena: &Arena, features: u64, queues: u16, queue_size_max: u16) -> Self {
        Self(Rc::new(RefCell::new(State {
            backend,
            arena: arena.clone(),
            features,
            faults: Faults::default(),
            coming: None,
            // Left by whoever had it before.
            status: DRIVER_OK,
            running: false,
            ignored_reset: false,
            device_feature_select: 0,
            driver_feature_select: 0,
            told_features: 0,
            accepted: 0,
            queue_select: 0,
            queue_size_max,
            queues: vec![ModelQueue::default(); queues.into()],
            notified: BTreeSet::new(),
            notifications: 0,
            resets: 0,
            interrupt_status: 0,
            generation: 0,
            taken: Vec::new(),
        })))
    }

    /// Makes the registers lie from here on.
    pub fn set_faults(&self, faults: Faults) {
        let state = &mut *self.0.borrow_mut();
        (state.faults, state.coming) = (faults, None);
    }

    /// Makes the registers lie otherwise from so many accesses on: in the middle of a start.
    pub fn set_faults_later(&self, accesses: u32, faults: Faults) {
        self.0.borrow_mut().coming = Some((accesses, faults));
    }

    /// Whether it was told to reset itself, and has not.
    pub fn has_ignored_reset(&self) -> bool {
        self.0.borrow().ignored_reset
    }

    /// The kernel takes the bus from it, as it does before its driver begins anew: it has nothing any more, whether it wants to be reset or not. What its
    /// registers say is another matter.
    pub fn leave_bus(&self) {
        let state = &mut *self.0.borrow_mut();
        state.forget();
        state.status = DRIVER_OK;
    }

    /// Says that it goes no further.
    pub fn fail(&self) {
        let state = &mut *self.0.borrow_mut();
        state.status |= NEEDS_RESET;
        // 2.1.2: it says so by an interrupt as for its configuration.
        state.interrupt_status |= 2;
    }

    /// Whether a driver has it running.
    pub fn is_running(&self) -> bool {
        self.0.borrow().running
    }

    /// The features that it said it offers, when it was asked the last time.
    pub fn told_features(&self) -> u64 {
        self.0.borrow().told_features
    }

    /// The features that the driver accepted.
    pub fn accepted(&self) -> u64 {
        self.0.borrow().accepted
    }

    /// How often it was notified so far.
    pub fn notifications(&self) -> usize {
        self.0.borrow().notifications
    }

    /// How often it was reset so far, or lost the bus.
    pub fn resets(&self) -> usize {
        self.0.borrow().resets
    }

    /// Looks into the backend.
    pub fn with<T>(&self, look: impl FnOnce(&mut B) -> T) -> T {
        look(&mut self.0.borrow_mut().backend)
    }

    /// The bus addresses of a queue's descriptors, available ring and used ring.
    pub fn queue_addresses(&self, queue: u16) -> [u64; 3] {
        self.0.borrow().queues[usize::from(queue)].addresses
    }

    /// How many entries a queue has.
    pub fn queue_size(&self, queue: u16) -> u16 {
        self.0.borrow().queues[usize::from(queue)].size
    }

    /// Takes all chains from the queues of which it was notified. How many it has now.
    pub fn take(&self) -> usize {
        let state = &mut *self.0.borrow_mut();
        if state.running {
            for queue in std::mem::take(&mut state.notified) {
                state.take_from(queue);
            }
        }
        state.taken.len()
    }

    /// Serves one of the chains that it has, by number. Whether there is one.
    pub fn finish(&self, number: usize) -> bool {
        let state = &mut *self.0.borrow_mut();
        if number >= state.taken.len() {
            return false;
        }
        let taken = state.taken.remove(number);
        state.finish(&taken);
        true
    }

    /// Serves the first chain that it has of one queue. Whether there is one.
    pub fn finish_of(&self, queue: u16) -> bool {
        let of_queue = |taken: &Taken| taken.queue == queue;
        let number = self.0.borrow().taken.iter().position(of_queue);
        number.is_some_and(|number| self.finish(number))
    }

    /// Hands back a chain without having written into it what is claimed.
    pub fn finish_unwritten(&self, number: usize, claimed: u32) {
        let state = &mut *self.0.borrow_mut();
        let taken = state.taken.remove(number);
        state.hand_back(&taken, claimed);
    }

    /// Works through all it was notified of, in order.
    pub fn work(&self) {
        self.take();
        while self.finish(0) {}
    }
}

impl<B: Backend> State<B> {
    fn word16(&self, bus_address: u64) -> u16 {
        let bytes = self.arena.read(bus_address, 2);
        u16::from_le_bytes([bytes[0], bytes[1]])
    }

    fn take_from(&mut self, number: u16) {
        let queue = self.queues[usize::from(number)].clone();
        assert!(queue.enabled, "a queue that is not enabled was notified");
        let [_, available, _] = queue.addresses;
        let index = self.word16(available + 2);
        let mut taken = queue.taken;
        assert!(
            index.wrapping_sub(taken) <= queue.size,
            "2.7.13.2: more chains than entries"
        );
        while taken != index {
            let entry = u64::from(taken % queue.size);
            let head = self.word16(available + 4 + 2 * entry);
            let chain = self.walk(number, &queue, head);
            self.taken.push(chain);
            taken = taken.wrapping_add(1);
        }
        self.queues[usize::from(number)].taken = taken;
    }

    fn walk(&self, number: u16, queue: &ModelQueue, head: u16) -> Taken {
        let mut chain = Taken {
            queue: number,
            head,
            readable: Vec::new(),
            writable: Vec::new(),
        };
        let mut next = head;
        for _ in 0..queue.size {
            assert!(next < queue.size, "2.7.5: no such descriptor");
            let bytes = self
                .arena
                .read(queue.addresses[0] + 16 * u64::from(next), 16);
            let word = |from: usize, count: usize| {
                let bytes = bytes[from..from + count].iter().rev();
                bytes.fold(0u64, |word, byte| word << 8 | u64::from(*byte))
            };
            let (address, length, flags) = (word(0, 8), word(8, 4) as u32, word(12, 2) as u16);
            assert_ne!(length, 0, "an empty buffer");
            if flags & WRITE != 0 {
                // That there is such memory is seen before any of it is written.
                let _ = self.arena.read(address, length as usize);
                chain.writable.push((address, length));
            } else {
                assert!(
                    chain.writable.is_empty(),
                    "2.7.4.2: the device reads behind what it writes"
                );
                let bytes = self.arena.read(address, length as usize);
                chain.readable.extend(bytes);
            }
            assert_eq!(flags & !(NEXT | WRITE), 0, "flags that were not agreed on");
            if flags & NEXT == 0 {
                return chain;
            }
            next = word(14, 2) as u16;
        }
        panic!("2.7.5.2: a chain without end");
    }

    fn finish(&mut self, taken: &Taken) {
        let room = taken.writable.iter().map(|(_, length)| *length as usize);
        let room = room.sum();
        let written = self.backend.serve(taken.queue, &taken.readable, room);
        assert!(written.len() <= room, "the model itself is wrong");
        let mut rest = written.as_slice();
        for (address, length) in &taken.writable {
            let (now, later) = rest.split_at(rest.len().min(*length as usize));
            self.arena.write(*address, now);
            rest = later;
        }
        self.hand_back(taken, written.len() as u32);
    }

    fn hand_back(&mut self, taken: &Taken, written: u32) {
        let queue = &mut self.queues[usize::from(taken.queue)];
        let [_, _, used] = queue.addresses;
        let entry = used + 4 + 8 * u64::from(queue.used % queue.size);
        queue.used = queue.used.wrapping_add(1);
        let index = queue.used.to_le_bytes();
        self.arena
            .write(entry, &u32::from(taken.head).to_le_bytes());
        self.arena.write(entry + 4, &written.to_le_bytes());
        self.arena.write(used + 2, &index);
        self.interrupt_status |= 1;
    }

    fn offered(&self) -> u64 {
        self.features ^ self.faults.features
    }

    fn reset(&mut self) {
        if self.faults.never_resets {
            // One that was reset just now has nothing to forget.
            self.ignored_reset = self.status != 0;
        } else {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.resets += 1;
        self.status = 0;
        (self.running, self.ignored_reset) = (false, false);
        self.accepted = 0;
        for queue in &mut self.queues {
            *queue = ModelQueue {
                size: self.queue_size_max,
                ..ModelQueue::default()
            };
        }
        self.taken.clear();
        self.notified.clear();
        self.interrupt_status = 0;
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            return self.reset();
        }
        assert_eq!(
            self.status & !status,
            0,
            "2.1.1: a bit of the status was cleared"
        );
        let mut status = status;
        if status & FEATURES_OK != 0 && self.status & FEATURES_OK == 0 {
            let refused = self.faults.refuses_features || self.accepted & !self.offered() != 0;
            // As QEMU does: who does not go through the window is refused.
            let raw = self.offered() & 1 << 33 != 0 && self.accepted & 1 << 33 == 0;
            if refused || raw {
                status &= !FEATURES_OK;
            }
        }
        assert!(
            status & DRIVER_OK == 0 || status & FEATURES_OK != 0,
            "3.1.1: it was started before features were agreed on"
        );
        self.status = status;
        self.running |= status & DRIVER_OK != 0;
    }

    fn queue(&mut self) -> &mut ModelQueue {
        &mut self.queues[usize::from(self.queue_select)]
    }

    fn access(&mut self) {
        match &mut self.coming {
            Some((0, faults)) => (self.faults, self.coming) = (*faults, None),
            Some((left, _)) => *left -= 1,
            None => {}
        }
    }

    fn read(&mut self, offset: u32, size: u32) -> u64 {
        self.access();
        match (offset, size) {
            (at::DEVICE_FEATURE, 4) => {
                let shift = 32 * self.device_feature_select;
                let word = self.offered() >> shift & 0xffff_ffff;
                self.told_features = self.told_features & !(0xffff_ffff << shift) | word << shift;
                word
            }
            (at::QUEUE_COUNT, 2) => self.queues.len() as u64,
            (at::DEVICE_STATUS, 1) => self.status.into(),
            (at::CONFIGURATION_GENERATION, 1) => {
                self.generation = self.generation.wrapping_add(self.faults.restless.into());
                self.generation.into()
            }
            (at::QUEUE_SIZE, 2) => {
                let size = self.faults.queue_size.unwrap_or(self.queue().size);
                self.queue().told_size = size;
                size.into()
            }
            (at::QUEUE_NOTIFY_OFFSET, 2) => {
                let offset = self.faults.notify_offset.unwrap_or(self.queue_select);
                self.queue().told_offset = offset;
                offset.into()
            }
            (at::INTERRUPT_STATUS, 1) => std::mem::take(&mut self.interrupt_status).into(),
            (offset, 4) if (at::DEVICE..at::DEVICE + at::DEVICE_BYTES).contains(&offset) => {
                let from = (offset - at::DEVICE) as usize;
                let bytes = self.backend.configuration();
                let bytes = bytes.iter().chain(std::iter::repeat(&0)).skip(from).take(4);
                bytes.fold(0, |word, byte| word >> 8 | u64::from(*byte) << 24)
            }
            _ => panic!("{size} bytes at {offset:#x} are no register to read"),
        }
    }

    fn write(&mut self, offset: u32, size: u32, value: u64) {
        self.access();
        match (offset, size) {
            (at::DEVICE_FEATURE_SELECT, 4) => self.device_feature_select = value as u32,
            (at::DRIVER_FEATURE_SELECT, 4) => self.driver_feature_select = value as u32,
            (at::DRIVER_FEATURE, 4) => {
                assert_eq!(
                    self.status & FEATURES_OK,
                    0,
                    "3.1.1: features came too late"
                );
                let shift = 32 * self.driver_feature_select;
                self.accepted = self.accepted & !(0xffff_ffff << shift) | value << shift;
            }
            (at::DEVICE_STATUS, 1) => self.set_status(value as u8),
            (at::QUEUE_SELECT, 2) => self.queue_select = value as u16,
            (at::QUEUE_SIZE, 2) => {
                assert!(
                    (value as u16).is_power_of_two(),
                    "4.1.4.3.2: the size of a queue"
                );
                assert!(
                    value as u16 <= self.queue().told_size,
                    "the size of a queue"
                );
                self.queue().size = value as u16;
            }
            (at::QUEUE_ENABLE, 2) => {
                assert_eq!(value, 1, "4.1.4.3.2: a queue was disabled");
                assert_ne!(
                    self.status & FEATURES_OK,
                    0,
                    "3.1.1: a queue came too early"
                );
                self.queue().enabled = true;
            }
            (at::QUEUE_DESCRIPTORS..0x38, 4) => {
                assert!(!self.queue().enabled, "an enabled queue was moved");
                let (number, half) = ((offset - at::QUEUE_DESCRIPTORS) / 8, offset & 4);
                let address = &mut self.queue().addresses[number as usize];
                let shift = 8 * half;
                *address = *address & !(0xffff_ffff << shift) | value << shift;
            }
            (at::NOTIFY..at::BAR_BYTES, 2) => {
                assert!(self.running, "3.1.1: notified before its start");
                let told = self.queues[value as usize].told_offset;
                assert_eq!(
                    offset,
                    at::NOTIFY + 4 * u32::from(told),
                    "notified elsewhere"
                );
                self.notified.insert(value as u16);
                self.notifications += 1;
            }
            _ => panic!("{size} bytes at {offset:#x} are no register to write"),
        }
    }
}

// The registers are little-endian, and the machine's accesses big-endian.
impl<B: Backend> Registers for ModelDevice<B> {
    fn read_u8(&self, offset: u32) -> u8 {
        self.0.borrow_mut().read(offset, 1) as u8
    }
    fn read_u16(&self, offset: u32) -> u16 {
        (self.0.borrow_mut().read(offset, 2) as u16).swap_bytes()
    }
    fn read_u32(&self, offset: u32) -> u32 {
        (self.0.borrow_mut().read(offset, 4) as u32).swap_bytes()
    }
    fn write_u8(&self, offset: u32, value: u8) {
        self.0.borrow_mut().write(offset, 1, value.into());
    }
    fn write_u16(&self, offset: u32, value: u16) {
        self.0
            .borrow_mut()
            .write(offset, 2, value.swap_bytes().into());
    }
    fn write_u32(&self, offset: u32, value: u32) {
        self.0
            .borrow_mut()
            .write(offset, 4, value.swap_bytes().into());
    }
}
