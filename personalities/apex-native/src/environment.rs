//! What only the kernel can do, done by hypercalls.

use cofferdam_abi::health::Error as Kind;
use cofferdam_abi::limits;
use cofferdam_apex::{
    Direction, Environment, ErrorCode, HealthAction, Name, OperatingMode, PartitionError, Runs,
    Sample, ScheduleState, Sent,
};
use cofferdam_native::{
    BytePort, Restart, ScheduleControl, ScheduleStatus, raise_error, restart_self, stop_self,
};

use crate::Configuration;

/// The kernel, as the services see it.
#[derive(Debug)]
pub struct Kernel {
    configuration: &'static Configuration,
    /// The port for messages of the application, and their longest.
    log: Option<(BytePort, usize)>,
    aligned: Aligned,
}

/// Room for a message that is not at a multiple of 4, where the kernel wants it.
#[derive(Debug)]
#[repr(align(4))]
struct Aligned([u8; limits::MESSAGE_BYTES as usize]);

fn is_aligned(message: &[u8]) -> bool {
    message.as_ptr().addr().is_multiple_of(4)
}

impl Kernel {
    pub(crate) fn new(configuration: &'static Configuration) -> Self {
        let name = Name::new("log");
        let facts = configuration.facts.queuing_ports;
        let mut ports = facts.iter().zip(configuration.queuing_ports);
        let log = ports
            .find(|(facts, _)| facts.name == name && facts.direction == Direction::Source)
            .map(|(facts, port)| (*port, facts.message_bytes as usize));
        Self {
            configuration,
            log,
            aligned: Aligned([0; limits::MESSAGE_BYTES as usize]),
        }
    }

    fn sampling(&self, port: usize) -> BytePort {
        self.configuration.sampling_ports[port]
    }

    fn queuing(&self, port: usize) -> BytePort {
        self.configuration.queuing_ports[port]
    }

    /// The message where the kernel wants it. Nothing is longer than the kernel's longest.
    fn align<'a>(&'a mut self, message: &'a [u8]) -> &'a [u8] {
        if is_aligned(message) {
            return message;
        }
        let place = &mut self.aligned.0[..message.len()];
        place.copy_from_slice(message);
        place
    }

    /// Has `read` fill `room`, by way of memory where the kernel wants it if need be.
    fn fill<T>(
        &mut self,
        room: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> Option<(usize, T)>,
    ) -> Option<(usize, T)> {
        if is_aligned(room) {
            return read(room);
        }
        let place = &mut self.aligned.0;
        let (length, rest) = read(place)?;
        room[..length].copy_from_slice(&place[..length]);
        Some((length, rest))
    }
}

/// The kernel's name for an error of the partition. It has none for what no code of a partition can cause.
const fn kind(code: ErrorCode) -> Kind {
    match code {
        ErrorCode::DeadlineMissed => Kind::DeadlineMissed,
        ErrorCode::NumericError => Kind::Trap,
        ErrorCode::IllegalRequest => Kind::IllegalInstruction,
        ErrorCode::StackOverflow => Kind::StackOverflow,
        ErrorCode::MemoryViolation => Kind::MemoryViolation,
        ErrorCode::ApplicationError | ErrorCode::HardwareFault | ErrorCode::PowerFail => {
            Kind::ApplicationError
        }
    }
}

// The kernel refuses none of these: slots, lengths and addresses are what the build and the services have checked. Should it, the message is not
// there, as if the other end had been quicker.
impl Environment for Kernel {
    fn sampling_write(&mut self, port: usize, message: &[u8]) {
        let port = self.sampling(port);
        let _ = port.sampling_write(self.align(message));
    }

    fn sampling_read(&mut self, port: usize, room: &mut [u8]) -> Option<Sample> {
        let port = self.sampling(port);
        let read = |room: &mut [u8]| {
            let read = port.sampling_read(room).ok()??;
            Some((read.length, read.written))
        };
        let (length, written) = self.fill(room, read)?;
        Some(Sample { length, written })
    }

    fn sampling_peek(&mut self, port: usize) -> Option<Sample> {
        let port = self.sampling(port);
        let read = port.sampling_read(&mut self.aligned.0).ok()??;
        Some(Sample {
            length: read.length,
            written: read.written,
        })
    }

    fn queuing_send(&mut self, port: usize, message: &[u8]) -> Sent {
        let port = self.queuing(port);
        match port.queuing_send(self.align(message), true) {
            Ok(()) => Sent::Queued,
            Err(_) => Sent::Full,
        }
    }

    fn queuing_receive(&mut self, port: usize, room: &mut [u8]) -> Option<(usize, bool)> {
        let port = self.queuing(port);
        self.fill(room, |room| {
            let received = port.queuing_receive(room).ok()??;
            Some((received.length, received.lost))
        })
    }

    fn queuing_held(&mut self, port: usize) -> u32 {
        self.queuing(port)
            .summary()
            .map_or(0, |summary| summary.held)
    }

    fn queuing_clear(&mut self, port: usize) {
        let port = self.queuing(port);
        // Not for ever, should the other end be quicker.
        for _ in 0..limits::QUEUE_DEPTH {
            if !matches!(port.queuing_receive(&mut self.aligned.0), Ok(Some(_))) {
                break;
            }
        }
    }

    fn mode_changed(&mut self, mode: OperatingMode) {
        match mode {
            OperatingMode::Idle => stop_self(),
            OperatingMode::ColdStart => restart_self(Restart::Cold),
            OperatingMode::WarmStart => restart_self(Restart::Warm),
            OperatingMode::Normal => {}
        }
    }

    fn partition_error(&mut self, error: &PartitionError) -> HealthAction {
        let process = match error.by {
            Runs::Process(process) => process.0 as u32,
            Runs::Main | Runs::ErrorHandler | Runs::Nobody => 0,
        };
        // What the log keeps beside it: where it was, or who did it.
        let detail = match error.address {
            0 => process,
            address => address as u32,
        };
        // It comes back if the partition goes on.
        let _ = raise_error(kind(error.code), detail);
        HealthAction::Continue
    }

    fn application_message(&mut self, message: &[u8]) {
        let Some((port, longest)) = self.log else {
            return;
        };
        let message = message.get(..longest.min(message.len()));
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            // A full log drops it.
            let _ = port.queuing_send(self.align(message), false);
        }
    }

    fn set_schedule(&mut self, schedule: usize) {
        if let Some(slot) = self.configuration.schedule {
            let _ = ScheduleControl::at(slot).switch(schedule as u32);
        }
    }

    fn schedule_state(&mut self) -> ScheduleState {
        let read = |slot| ScheduleStatus::at(slot).read().ok();
        let summary = self.configuration.schedule.and_then(read);
        summary.map_or(
            ScheduleState {
                current: 0,
                next: 0,
                switched: 0,
            },
            |summary| ScheduleState {
                current: summary.now as usize,
                next: summary.next as usize,
                switched: summary.since_tick,
            },
        )
    }
}
