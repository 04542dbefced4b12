//! A virtio block device (5.2 of the specification): requests in its form, and how they ended.

use virtio::{Buffer, Features, InitError, Layout, Memory, NotReset, Queue, Registers, Transport};

/// The most requests at the device at once. Each has a slot: memory for its header and its status.
pub const SLOTS: usize = 64;
/// The most entries of the queue: each request has at most three.
const QUEUE_ENTRIES: usize = 256;
const ENTRIES_OF_REQUEST: u16 = 3;
/// The only queue that is used.
const QUEUE: u16 = 0;

// Feature bits (5.2.3).
const READ_ONLY: Features = 1 << 5;
const FLUSH: Features = 1 << 9;

/// Where the device says how many sectors it has: two words, the low one first (5.2.4).
const CAPACITY: u32 = 0;

// A request's header: type, a reserved word, and the sector (5.2.6).
const HEADER_BYTES: u32 = 16;
const TYPE_READ: u32 = 0;
const TYPE_WRITE: u32 = 1;
const TYPE_FLUSH: u32 = 4;
/// Behind the header the byte in which the device says how it ended.
const STATUS: u32 = HEADER_BYTES;
const STATUS_DONE: u8 = 0;
/// No device writes it: what is still there was not answered.
const STATUS_UNWRITTEN: u8 = 0xff;
const SLOT_BYTES: u32 = 32;
const SLOTS_ALIGNMENT: u32 = 32;

/// What the device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sectors into memory.
    Read,
    /// Memory into sectors.
    Write,
    /// What was written becomes durable.
    Flush,
}

/// A request for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it does.
    pub command: Command,
    /// From which sector of the disk on.
    pub sector: u64,
    /// With how many bytes of memory; none for a flush.
    pub length: u32,
}

impl Work {
    /// What was written and answered becomes durable.
    pub const FLUSH: Self = Self {
        command: Command::Flush,
        sector: 0,
        length: 0,
    };
}

/// How large the disk is, and what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many sectors it has.
    pub sectors: u64,
    /// It cannot be written.
    pub read_only: bool,
    /// It has a cache, and flushes it when asked to.
    pub flushes: bool,
}

/// A request that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The slot that it was submitted in.
    pub slot: u8,
    /// The device says that it was done.
    pub done: bool,
}

/// The device, while it runs.
#[derive(Debug)]
struct Running<R, M> {
    transport: Transport<R>,
    queue: Queue<M, QUEUE_ENTRIES>,
    notify_offset: u32,
    slots_offset: u32,
    slots: u8,
    shape: Shape,
}

/// A disk.
#[derive(Debug)]
pub struct Disk<R, M> {
    registers: R,
    memory: M,
    running: Option<Running<R, M>>,
}

impl<R: Registers + Clone, M: Memory + Clone> Disk<R, M> {
    /// The disk with these registers; its structures will stand in this memory. It does not run yet.
    pub fn new(registers: R, memory: M) -> Self {
        Self {
            registers,
            memory,
            running: None,
        }
    }

    /// Resets the device and brings it up, with nothing in flight.
    ///
    /// # Errors
    /// Why it cannot be used. Then it does not run.
    pub fn start(&mut self) -> Result<(), InitError> {
        self.running = None;
        let mut transport = Transport::begin(self.registers.clone(), READ_ONLY | FLUSH)?;
        let (layout, slots) = fit(transport.queue_size_max(QUEUE), self.memory.length())?;
        let queue = Queue::new(self.memory.clone(), layout).ok_or(InitError::Memory)?;
        let notify_offset = transport.enable_queue(QUEUE, &layout, &self.memory)?;
        let [low, high] = transport.configuration(CAPACITY)?;
        let features = transport.features();
        let shape = Shape {
            sectors: u64::from(high) << 32 | u64::from(low),
            read_only: features & READ_ONLY != 0,
            flushes: features & FLUSH != 0,
        };
        transport.start();
        self.running = Some(Running {
            transport,
            queue,
            notify_offset,
            slots_offset: slots_offset(&layout),
            slots,
            shape,
        });
        Ok(())
    }

    /// Resets the device: nothing is in flight any more, and what was has an unknown outcome.
    ///
    /// # Errors
    /// If the reset does not end: the device may still use memory.
    pub fn stop(&mut self) -> Result<(), NotReset> {
        if let Some(running) = &mut self.running {
            running.transport.reset()?;
        }
        self.running = None;
        Ok(())
    }

    /// How large it is; `None` if it does not run.
    pub fn shape(&self) -> Option<Shape> {
        self.running.as_ref().map(|running| running.shape)
    }

    /// How many slots can be used, from 0 on.
    pub fn slots(&self) -> u8 {
        self.running.as_ref().map_or(0, |running| running.slots)
    }

    /// Submits a request with the memory at `bus_address`; the device sees it after [`Disk::announce`]. Whether it was.
    ///
    /// A slot is free until it is submitted in, and again when [`Disk::take_ended`] gave it back.
    pub fn submit(&mut self, slot: u8, work: &Work, bus_address: u32) -> bool {
        match &mut self.running {
            Some(running) if slot < running.slots => {
                running.submit(&self.memory, slot, work, bus_address)
            }
            _ => false,
        }
    }

    /// Tells the device of what was submitted.
    pub fn announce(&mut self) {
        if let Some(running) = &mut self.running
            && running.queue.announce()
        {
            running.transport.notify(QUEUE, running.notify_offset);
        }
    }

    /// The next request that ended.
    ///
    /// # Errors
    /// If the device does what it may not: it has to be stopped.
    pub fn take_ended(&mut self) -> Result<Option<Ended>, virtio::Corrupt> {
        let Some(running) = &mut self.running else {
            return Ok(None);
        };
        let Some(used) = running.queue.take_used()? else {
            return Ok(None);
        };
        // Tokens are slots.
        let slot = used.token as u8;
        let status = self.memory.read_u8(running.slot_offset(slot) + STATUS);
        Ok(Some(Ended {
            slot,
            done: status == STATUS_DONE,
        }))
    }

    /// Ends the device's interrupt. Whether the device says that it goes no further.
    pub fn acknowledge_interrupt(&mut self) -> bool {
        self.running.as_ref().is_some_and(|running| {
            running.transport.interrupts().configuration && running.transport.needs_reset()
        })
    }
}

impl<R: Registers, M: Memory> Running<R, M> {
    fn slot_offset(&self, slot: u8) -> u32 {
        self.slots_offset + u32::from(slot) * SLOT_BYTES
    }

    fn submit(&mut self, memory: &M, slot: u8, work: &Work, bus_address: u32) -> bool {
        let at = self.slot_offset(slot);
        let (kind, device_writes) = match work.command {
            Command::Read => (TYPE_READ, true),
            Command::Write => (TYPE_WRITE, false),
            Command::Flush => (TYPE_FLUSH, false),
        };
        memory.set_little_u32(at, kind);
        memory.set_little_u32(at + 4, 0);
        memory.set_little_u32(at + 8, work.sector as u32);
        memory.set_little_u32(at + 12, (work.sector >> 32) as u32);
        memory.write_u8(at + STATUS, STATUS_UNWRITTEN);
        let header = Buffer {
            bus_address: memory.bus_address(at),
            length: HEADER_BYTES,
            device_writes: false,
        };
        let data = Buffer {
            bus_address,
            length: work.length,
            device_writes,
        };
        let status = Buffer {
            bus_address: memory.bus_address(at + STATUS),
            length: 1,
            device_writes: true,
        };
        let added = if work.command == Command::Flush {
            self.queue.add(&[header, status], slot.into())
        } else {
            self.queue.add(&[header, data, status], slot.into())
        };
        added.is_ok()
    }
}

/// The largest queue with its slots that the device and the memory have room for.
fn fit(device_max: u16, memory_bytes: u32) -> Result<(Layout, u8), InitError> {
    let mut size = QUEUE_ENTRIES as u16;
    while size >= ENTRIES_OF_REQUEST {
        let slots = (size / ENTRIES_OF_REQUEST).min(SLOTS as u16) as u8;
        if let Some(layout) = Layout::new(size, 0)
            && size <= device_max
            && slots_offset(&layout) + u32::from(slots) * SLOT_BYTES <= memory_bytes
        {
            return Ok((layout, slots));
        }
        size /= 2;
    }
    Err(if device_max < ENTRIES_OF_REQUEST {
        InitError::NoQueue(QUEUE)
    } else {
        InitError::Memory
    })
}

fn slots_offset(layout: &Layout) -> u32 {
    layout.end().next_multiple_of(SLOTS_ALIGNMENT)
}
