//! A virtio network device (5.1 of the specification): frames in its form, and which of them it is done with.

use network_messages::FRAME_BYTES_MAX;
use virtio::{Buffer, Corrupt, Features, InitError, Layout, NotReset, Queue, Registers, Transport};

use crate::FrameMemory;
use crate::route::{HEADER_BYTES, Header};

/// The most frames at the device that are to be sent. Each has a slot: memory for its header.
pub const TRANSMIT_SLOTS: usize = 64;
/// So many frames from the wire have room before the driver looks at them.
const RECEIVE_SLOTS: usize = 32;
/// A frame to be sent has at most two entries.
const TRANSMIT_ENTRIES: usize = 2 * TRANSMIT_SLOTS;

// The queues that are used (5.1.2).
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;

/// None is wanted: frames go whole and with their check sums, as they are.
const FEATURES: Features = 0;

/// What stands before each frame (5.1.6): with `VERSION_1` all of it. Without features all of it is zero towards the device, and means
/// nothing from there.
const PREFIX_BYTES: u32 = 12;
const TRANSMIT_SLOT_BYTES: u32 = 32;
/// What comes in begins so far behind a word that what a frame carries is aligned, as receivers like to have it: the copy goes by words then.
const PADDING_BYTES: u32 = 2;
const _: () = assert!((PADDING_BYTES + PREFIX_BYTES + HEADER_BYTES).is_multiple_of(4));
const RECEIVE_SLOT_BYTES: u32 = 1536;
const _: () = assert!(PREFIX_BYTES + HEADER_BYTES <= TRANSMIT_SLOT_BYTES);
const _: () = assert!(PADDING_BYTES + PREFIX_BYTES + FRAME_BYTES_MAX <= RECEIVE_SLOT_BYTES);

/// Where what stands in the driver's memory.
#[derive(Clone, Copy, Debug)]
struct Places {
    receive: Layout,
    transmit: Layout,
    transmit_slots: u32,
    receive_slots: u32,
    end: u32,
}

impl Places {
    const fn new() -> Option<Self> {
        let Some(receive) = Layout::new(RECEIVE_SLOTS as u16, 0) else {
            return None;
        };
        let Some(transmit) = Layout::new(TRANSMIT_ENTRIES as u16, receive.end()) else {
            return None;
        };
        let transmit_slots = transmit.end().next_multiple_of(TRANSMIT_SLOT_BYTES);
        let receive_slots = transmit_slots + TRANSMIT_SLOTS as u32 * TRANSMIT_SLOT_BYTES;
        Some(Self {
            receive,
            transmit,
            transmit_slots,
            receive_slots,
            end: receive_slots + RECEIVE_SLOTS as u32 * RECEIVE_SLOT_BYTES,
        })
    }

    const fn transmit_slot(&self, slot: u8) -> u32 {
        self.transmit_slots + slot as u32 * TRANSMIT_SLOT_BYTES
    }

    const fn receive_slot(&self, slot: u16) -> u32 {
        self.receive_slots + slot as u32 * RECEIVE_SLOT_BYTES + PADDING_BYTES
    }
}

/// A frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    slot: u16,
    /// Where in the driver's memory it begins.
    pub offset: u32,
    /// How long it is: no longer than a frame can be, but perhaps shorter.
    pub length: u32,
}

/// The device, while it runs.
#[derive(Debug)]
struct Running<R, M> {
    transport: Transport<R>,
    receive: Queue<M, RECEIVE_SLOTS>,
    transmit: Queue<M, TRANSMIT_ENTRIES>,
    notify_receive: u32,
    notify_transmit: u32,
    places: Places,
}

/// A network.
#[derive(Debug)]
pub struct Net<R, M> {
    registers: R,
    memory: M,
    running: Option<Running<R, M>>,
}

impl<R: Registers + Clone, M: FrameMemory> Net<R, M> {
    /// The network with these registers; its structures will stand in this memory. It does not run yet.
    pub fn new(registers: R, memory: M) -> Self {
        Self {
            registers,
            memory,
            running: None,
        }
    }

    /// Resets the device and brings it up, with nothing to send, and room for what comes.
    ///
    /// # Errors
    /// Why it cannot be used. Then it does not run.
    pub fn start(&mut self) -> Result<(), InitError> {
        self.running = None;
        let mut transport = Transport::begin(self.registers.clone(), FEATURES)?;
        let places = Places::new().filter(|places| places.end <= self.memory.length());
        let places = places.ok_or(InitError::Memory)?;
        let memory = &self.memory;
        let receive = Queue::new(memory.clone(), places.receive).ok_or(InitError::Memory)?;
        let transmit = Queue::new(memory.clone(), places.transmit).ok_or(InitError::Memory)?;
        let notify_receive = transport.enable_queue(RECEIVE, &places.receive, memory)?;
        let notify_transmit = transport.enable_queue(TRANSMIT, &places.transmit, memory)?;
        transport.start();
        let mut running = Running {
            transport,
            receive,
            transmit,
            notify_receive,
            notify_transmit,
            places,
        };
        for slot in 0..RECEIVE_SLOTS as u16 {
            running.make_room(memory, slot);
        }
        running.announce();
        self.running = Some(running);
        Ok(())
    }

    /// Resets the device: it has nothing any more, and what it had may have been sent or not.
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

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// The driver's memory, in which frames arrive.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Submits a frame: this header, and behind it the bytes at `body`; the device sees it after [`Net::announce`]. Whether it was.
    ///
    /// A slot is free until a frame is submitted in it, and again when [`Net::take_sent`] gave it back.
    pub fn send(&mut self, slot: u8, header: &Header, body: u32, body_bytes: u32) -> bool {
        match &mut self.running {
            Some(running) if usize::from(slot) < TRANSMIT_SLOTS => {
                running.send(&self.memory, slot, header, (body, body_bytes))
            }
            _ => false,
        }
    }

    /// Tells the device of what was submitted, and of room for what comes.
    pub fn announce(&mut self) {
        if let Some(running) = &mut self.running {
            running.announce();
        }
    }

    /// The slot of the next frame that the device is done with.
    ///
    /// # Errors
    /// If the device does what it may not: it has to be stopped.
    pub fn take_sent(&mut self) -> Result<Option<u8>, Corrupt> {
        let Some(running) = &mut self.running else {
            return Ok(None);
        };
        // Tokens are slots.
        let used = running.transmit.take_used()?;
        Ok(used.map(|used| used.token as u8))
    }

    /// The next frame that came. Its memory is the caller's until [`Net::give_back`].
    ///
    /// # Errors
    /// If the device does what it may not: it has to be stopped.
    pub fn take_arrived(&mut self) -> Result<Option<Arrived>, Corrupt> {
        let Some(running) = &mut self.running else {
            return Ok(None);
        };
        let Some(used) = running.receive.take_used()? else {
            return Ok(None);
        };
        // No more than there is room for, which `Queue` checks.
        let length = used.written.saturating_sub(PREFIX_BYTES);
        Ok(Some(Arrived {
            slot: used.token,
            offset: running.places.receive_slot(used.token) + PREFIX_BYTES,
            length,
        }))
    }

    /// The memory of a frame that came is the device's again.
    pub fn give_back(&mut self, arrived: Arrived) {
        if let Some(running) = &mut self.running {
            running.make_room(&self.memory, arrived.slot);
        }
    }

    /// Ends the device's interrupt. Whether the device says that it goes no further.
    pub fn acknowledge_interrupt(&mut self) -> bool {
        self.running.as_ref().is_some_and(|running| {
            running.transport.interrupts().configuration && running.transport.needs_reset()
        })
    }
}

impl<R: Registers, M: FrameMemory> Running<R, M> {
    fn announce(&mut self) {
        if self.receive.announce() {
            self.transport.notify(RECEIVE, self.notify_receive);
        }
        if self.transmit.announce() {
            self.transport.notify(TRANSMIT, self.notify_transmit);
        }
    }

    fn make_room(&mut self, memory: &M, slot: u16) {
        let room = Buffer {
            bus_address: memory.bus_address(self.places.receive_slot(slot)),
            length: PREFIX_BYTES + FRAME_BYTES_MAX,
            device_writes: true,
        };
        // There is an entry for each slot.
        let _ = self.receive.add(&[room], slot);
    }

    fn send(&mut self, memory: &M, slot: u8, header: &Header, body: (u32, u32)) -> bool {
        let at = self.places.transmit_slot(slot);
        for offset in (0..PREFIX_BYTES).step_by(size_of::<u32>()) {
            memory.write_u32(at + offset, 0);
        }
        memory.copy_in(at + PREFIX_BYTES, &header.0);
        let head = Buffer {
            bus_address: memory.bus_address(at),
            length: PREFIX_BYTES + HEADER_BYTES,
            device_writes: false,
        };
        let (bus_address, length) = body;
        let rest = Buffer {
            bus_address,
            length,
            device_writes: false,
        };
        let buffers = if length == 0 {
            &[head][..]
        } else {
            &[head, rest]
        };
        self.transmit.add(buffers, slot.into()).is_ok()
    }
}
