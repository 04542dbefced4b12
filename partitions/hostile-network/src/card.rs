//! A virtio network device whose descriptors name any address.

use cofferdam_native::{Device, InterruptPort, Lines, SharedMemory, time, wait};
use hostile_driver::BYTES;
use virtio::{Buffer, InitError, Layout, Queue, Transport};

use crate::{DRIVER, OUTSIDE, header};

/// What is at the beginning, in its own memory: what stands before each frame (5.1.6) and the frame's header.
const PREFIX_BYTES: u32 = 12;
const RECEIVE_HEAD_BYTES: u32 = PREFIX_BYTES + 14;
/// To the wire the address follows, so that whoever gets the frame knows where the rest is from.
const TRANSMIT_HEAD_BYTES: u32 = RECEIVE_HEAD_BYTES + 8;
/// Where in its own memory that is: behind both queues.
const HEAD: u32 = 0x1000;

// The queues (5.1.2), in the order in which they stand in the memory.
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
const ENTRIES: usize = 8;
const DESCRIPTOR_BYTES: usize = 16;

/// So often it looks whether the device goes no further.
const LOOK_TICKS: u64 = 40_000_000;

struct Running {
    transport: Transport<Device>,
    queues: [Queue<SharedMemory, ENTRIES>; 2],
    notify: [u32; 2],
}

/// The device, and the driver's memory.
pub struct Card {
    registers: Device,
    memory: SharedMemory,
    interrupt: &'static InterruptPort,
    running: Option<Running>,
}

impl Card {
    /// The device, brought up if it can be.
    pub fn new(registers: Device, memory: SharedMemory, interrupt: &'static InterruptPort) -> Self {
        let mut card = Self {
            registers,
            memory,
            interrupt,
            running: None,
        };
        card.running = card.start().ok();
        card
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    fn start(&self) -> Result<Running, InitError> {
        let mut transport = Transport::begin(self.registers, 0)?;
        let receive = Layout::new(ENTRIES as u16, 0).ok_or(InitError::Memory)?;
        let transmit = Layout::new(ENTRIES as u16, receive.end()).ok_or(InitError::Memory)?;
        let queue = |layout| Queue::new(self.memory, layout).ok_or(InitError::Memory);
        let queues = [queue(receive)?, queue(transmit)?];
        let notify = [
            transport.enable_queue(RECEIVE, &receive, &self.memory)?,
            transport.enable_queue(TRANSMIT, &transmit, &self.memory)?,
        ];
        transport.start();
        Ok(Running {
            transport,
            queues,
            notify,
        })
    }

    /// Has the device send what lies at `address`. Whether it says that it did.
    pub fn send_from(&mut self, address: u64) -> bool {
        for offset in 0..PREFIX_BYTES {
            self.memory.write_u8(HEAD + offset, 0);
        }
        let header = header(OUTSIDE, DRIVER);
        self.memory.copy_in(HEAD + PREFIX_BYTES, &header);
        let address_bytes = address.to_be_bytes();
        self.memory
            .copy_in(HEAD + RECEIVE_HEAD_BYTES, &address_bytes);
        self.pass(TRANSMIT, TRANSMIT_HEAD_BYTES, address)
    }

    /// Has the device put what is in the next frame, behind its header, to `address`. Whether it says that it did.
    pub fn receive_to(&mut self, address: u64) -> bool {
        self.pass(RECEIVE, RECEIVE_HEAD_BYTES, address)
    }

    /// A frame whose beginning is in its own memory. A device that goes no further begins anew.
    fn pass(&mut self, number: u16, head_bytes: u32, address: u64) -> bool {
        let passed = self.try_to_pass(number, head_bytes, address);
        if passed.is_none() {
            if let Some(running) = &mut self.running {
                // Whether it ends or not, it is brought up next.
                let _ = running.transport.reset();
            }
            self.running = self.start().ok();
        }
        passed.is_some()
    }

    fn try_to_pass(&mut self, number: u16, head_bytes: u32, address: u64) -> Option<()> {
        let memory = self.memory;
        let running = self.running.as_mut()?;
        let queue = running.queues.get_mut(usize::from(number))?;
        let buffer = |bus_address, length| Buffer {
            bus_address,
            length,
            device_writes: number == RECEIVE,
        };
        let buffers = [
            buffer(memory.bus_address(HEAD), head_bytes),
            buffer(address as u32, BYTES),
        ];
        queue.add(&buffers, 0).ok()?;
        lengthen(&memory, queue.layout(), address);
        if queue.announce() {
            let notify = running.notify.get(usize::from(number)).copied()?;
            running.transport.notify(number, notify);
        }
        loop {
            if queue.take_used().ok()?.is_some() {
                return Some(());
            }
            if running.transport.needs_reset() {
                return None;
            }
            time::set_timer(time::now() + LOOK_TICKS);
            let line = self.interrupt.line();
            if wait(line | Lines::TIMER).has(line) {
                running.transport.interrupts();
                let _ = self.interrupt.acknowledge();
            }
        }
    }
}

/// Gives the descriptor with the lower half of this address its upper one, in the bus's byte order: the queue itself writes 32 bits.
fn lengthen(memory: &SharedMemory, layout: &Layout, address: u64) {
    let [low, high] = [address as u32, (address >> 32) as u32];
    let descriptors = layout.descriptors()..layout.driver();
    for descriptor in descriptors.step_by(DESCRIPTOR_BYTES) {
        if memory.read_u32(descriptor) == low.swap_bytes() {
            memory.write_u32(descriptor + 4, high.swap_bytes());
        }
    }
}
