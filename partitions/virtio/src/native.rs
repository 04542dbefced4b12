//! The registers and the memory of a partition's device, the rings of its clients, and its turns.

use cofferdam_ipc::Message;
use cofferdam_native::{
    Device, InterruptPort, Lines, Restart, RingConsumer, RingError, RingProducer, SharedMemory,
    application_error, restart_self, time, wait,
};

use crate::{Channel, Driver, Memory, Next, Registers};

impl Registers for Device {
    #[inline(always)]
    fn read_u8(&self, offset: u32) -> u8 {
        Device::read_u8(self, offset)
    }
    #[inline(always)]
    fn read_u16(&self, offset: u32) -> u16 {
        Device::read_u16(self, offset)
    }
    #[inline(always)]
    fn read_u32(&self, offset: u32) -> u32 {
        Device::read_u32(self, offset)
    }
    #[inline(always)]
    fn write_u8(&self, offset: u32, value: u8) {
        Device::write_u8(self, offset, value);
    }
    #[inline(always)]
    fn write_u16(&self, offset: u32, value: u16) {
        Device::write_u16(self, offset, value);
    }
    #[inline(always)]
    fn write_u32(&self, offset: u32, value: u32) {
        Device::write_u32(self, offset, value);
    }
}

impl Memory for SharedMemory {
    #[inline(always)]
    fn length(&self) -> u32 {
        SharedMemory::length(self)
    }
    #[inline(always)]
    fn bus_address(&self, offset: u32) -> u32 {
        SharedMemory::bus_address(self, offset)
    }
    #[inline(always)]
    fn read_u8(&self, offset: u32) -> u8 {
        SharedMemory::read_u8(self, offset)
    }
    #[inline(always)]
    fn read_u16(&self, offset: u32) -> u16 {
        SharedMemory::read_u16(self, offset)
    }
    #[inline(always)]
    fn read_u32(&self, offset: u32) -> u32 {
        SharedMemory::read_u32(self, offset)
    }
    #[inline(always)]
    fn write_u8(&self, offset: u32, value: u8) {
        SharedMemory::write_u8(self, offset, value);
    }
    #[inline(always)]
    fn write_u16(&self, offset: u32, value: u16) {
        SharedMemory::write_u16(self, offset, value);
    }
    #[inline(always)]
    fn write_u32(&self, offset: u32, value: u32) {
        SharedMemory::write_u32(self, offset, value);
    }
}

/// The driver's ends of a client's rings, and the payload.
#[derive(Debug)]
pub struct RingChannel<Q, A> {
    requests: RingConsumer<Q>,
    replies: RingProducer<A>,
    payload: SharedMemory,
}

impl<Q, A> RingChannel<Q, A> {
    /// The ends, as attaching gives them, and the payload, which the device reaches.
    pub fn new(ends: (RingConsumer<Q>, RingProducer<A>), payload: SharedMemory) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload,
        }
    }
}

impl<Q: Message, A: Message> Channel for RingChannel<Q, A> {
    type Request = Q;
    type Reply = A;
    type Memory = SharedMemory;

    fn pop(&mut self) -> Result<Option<Q>, RingError> {
        self.requests.pop()
    }

    fn push(&mut self, reply: &A) -> Result<(), RingError> {
        self.replies.push(reply)
    }

    fn ring_doorbell(&mut self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.replies.ring_doorbell();
    }

    fn payload(&self) -> &SharedMemory {
        &self.payload
    }
}

/// Details of the application errors that a driver raises.
mod detail {
    /// The device cannot be used.
    pub const DOWN: u32 = 1;
    /// The device's reset does not end: the partition restarts.
    pub const NOT_RESET: u32 = 2;
}

/// Gives a driver its turns for good: when a client rings one of these lines, or the device interrupts. `besides` is done after each turn, and says
/// when it has to be done again even if nothing comes.
pub fn run<D: Driver>(
    mut driver: D,
    interrupt: &InterruptPort,
    clients: Lines,
    mut besides: impl FnMut(&D) -> Option<u64>,
) -> ! {
    let lines = clients | interrupt.line() | Lines::TIMER;
    let mut was_up = true;
    let mut unacknowledged = false;
    let mut alarm = None;
    loop {
        match driver.serve(time::now()) {
            Next::Again => continue,
            Next::Wait => {}
            Next::Restart => {
                application_error(detail::NOT_RESET);
                restart_self(Restart::Cold);
            }
        }
        if !driver.is_up() && was_up {
            application_error(detail::DOWN);
        }
        was_up = driver.is_up();
        let besides = besides(&driver);
        // One that is too early costs less than one for each request.
        if let Some(check) = [driver.next_check(), besides].into_iter().flatten().min()
            && alarm != Some(check)
        {
            time::set_timer(check);
            alarm = Some(check);
        }
        let came = if core::mem::take(&mut unacknowledged) {
            interrupt.acknowledge_and_wait(lines)
        } else {
            wait(lines)
        };
        if came.has(interrupt.line()) {
            driver.interrupted();
            unacknowledged = true;
        }
    }
}
