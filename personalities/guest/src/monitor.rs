//! The monitor: what a guest's exits lead to.

use cofferdam_abi::Status;
use cofferdam_abi::guest::{number, spr};

use crate::access::{Access, Index};
use crate::board;
use crate::console::{Console, TRANSFER_BYTES};
use crate::devices::{Devices, Ending};
use crate::foresight::{Expected, Foresight};
use crate::instruction::Instruction;
use crate::uart::{self, Uart};
use crate::virtio::block::Disk;
use crate::virtio::network::Network;

/// A guest's processor, as its monitor sees it.
pub trait Processor {
    /// A register, by a number of [`number`].
    fn register(&self, number: u32) -> u32;
    /// Sets one.
    fn set_register(&mut self, number: u32, value: u32);
    /// A special-purpose register that the register page holds.
    fn special(&self, number: u32) -> u32;
    /// Sets one.
    fn set_special(&mut self, number: u32, value: u32);
    /// The machine state.
    fn state(&self) -> u32;
    /// Sets it.
    fn set_state(&mut self, state: u32);
    /// Asserts the external interrupt, or no longer does.
    fn set_external(&mut self, asserted: bool);

    /// Whether the guest has read EPR while the external interrupt was asserted, which it is no longer then, since the last call.
    fn take_acknowledged(&mut self) -> bool {
        false
    }

    /// Lays down an access that is foreseen at a place, or none ([`cofferdam_abi::guest::FORESEEN`]): the two words.
    fn foresee(&mut self, place: u32, word: u32, value: u32);
    /// The first of the two.
    fn foreseen(&self, place: u32) -> u32;

    /// The instruction at which the guest stands was carried out. If it set a register: its number, and the value.
    fn complete(&mut self, set: Option<(u32, u32)>) {
        if let Some((number, value)) = set {
            self.set_register(number, value);
        }
        let pc = self.register(number::PC);
        self.set_register(number::PC, pc.wrapping_add(4));
    }
}

/// r6 at the start: "EPAP".
const EPAPR_MAGIC: u32 = 0x4550_4150;

/// Sets a guest's registers for its first instruction (ePAPR 1.1, section 5.4.1), which is at `entry`: it learns where the device
/// tree is, and how much memory is mapped.
pub fn start(processor: &mut impl Processor, memory_bytes: u32, entry: u32, device_tree: u32) {
    for register in 0..number::COUNT {
        processor.set_register(register, 0);
    }
    processor.set_register(number::PC, entry);
    processor.set_register(3, device_tree);
    processor.set_register(6, EPAPR_MAGIC);
    processor.set_register(7, memory_bytes);
}

/// Hypercalls of ePAPR (1.1, section 7.5).
mod call {
    pub const BYTE_CHANNEL_SEND: u32 = 0x0001_0001;
    pub const BYTE_CHANNEL_RECEIVE: u32 = 0x0001_0002;
    pub const BYTE_CHANNEL_POLL: u32 = 0x0001_0003;
}

/// An illegal instruction: ESR\[PIL\], and the vector of a program exception.
const SYNDROME_ILLEGAL: u32 = 0x0800_0000;
const IVOR6: u32 = spr::IVOR0 + 6;
/// What an exception leaves of the machine state: CE, ME, DE.
const STATE_KEPT: u32 = 0x0002_0000 | 0x1000 | 0x0200;

/// What a guest did that came to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Loads and stores where no device is.
    pub accesses: u32,
    /// Instructions that do not exist.
    pub instructions: u32,
    /// Hypercalls that do not exist.
    pub hypercalls: u32,
}

/// The devices of a guest, and what is emulated for it.
#[derive(Debug, Default)]
pub struct Monitor {
    /// The console.
    pub console: Console,
    /// The disk, if there is one.
    pub disk: Option<Disk>,
    /// The network, if there is one.
    pub network: Option<Network>,
    uart: Uart,
    devices: Devices,
    foresight: Foresight,
    illegal: u32,
    unknown: u32,
}

impl Monitor {
    /// Everything as after a reset.
    pub fn new() -> Self {
        Self::default()
    }

    /// What came to nothing so far.
    pub fn strays(&self) -> Strays {
        Strays {
            accesses: self.devices.strays(),
            instructions: self.illegal,
            hypercalls: self.unknown,
        }
    }

    /// The mark that the guest's last access left, if it did: identifier and value.
    pub fn take_mark(&mut self) -> Option<(u32, u32)> {
        self.devices.take_mark()
    }

    /// The guest has run: to be called before anything is done about why it does no longer.
    pub fn resume(&mut self, processor: &mut impl Processor) {
        if processor.take_acknowledged() {
            self.devices.mpic.acknowledge();
        }
        let done = self.foresight.take(processor);
        match (done.acknowledges, &mut self.disk, &mut self.network) {
            (Some((board::DISK, reasons)), Some(disk), _) => disk.registers.acknowledge(reasons),
            (Some((board::NETWORK, reasons)), _, Some(network)) => {
                network.registers.acknowledge(reasons);
            }
            _ => {}
        }
        if done.ends {
            self.devices.mpic.end();
        }
    }

    /// Brings the guest's external interrupt up to date with its devices: to be called before it runs.
    pub fn settle(&mut self, processor: &mut impl Processor) {
        let mpic = &mut self.devices.mpic;
        let receive = self.console.asks_to_receive();
        mpic.set_input(board::source::CONSOLE_RECEIVE, receive);
        mpic.set_input(board::source::CONSOLE_SEND, self.console.asks_to_send());
        mpic.set_input(board::source::UART, self.uart.interrupts(&self.console));
        if let Some(disk) = &self.disk {
            mpic.set_input(board::source::DISK, disk.registers.reasons() != 0);
        }
        if let Some(network) = &self.network {
            mpic.set_input(board::source::NETWORK, network.registers.reasons() != 0);
        }
        let vector = mpic.asks();
        if let Some(vector) = vector {
            processor.set_special(spr::EPR, vector);
        }
        processor.set_external(vector.is_some());
        let expected = self.expected().unwrap_or_default();
        self.foresight.lay(processor, expected);
    }

    /// What the guest will do next because of the interrupt of a virtio device.
    fn expected(&mut self) -> Option<Expected> {
        let source = self.devices.mpic.at_hand()?;
        let (registers, reasons) = match source {
            board::source::DISK => (board::DISK, self.disk.as_ref()?.registers.reasons()),
            board::source::NETWORK => (board::NETWORK, self.network.as_ref()?.registers.reasons()),
            _ => return None,
        };
        Some(Expected {
            acknowledges: (reasons != 0).then_some((registers, reasons)),
            ends: self.devices.mpic.is_last(source),
        })
    }

    /// The guest is at an instruction that the kernel does not carry out.
    pub fn instruction(&mut self, processor: &mut impl Processor, instruction: u32) {
        let set = match Instruction::decode(instruction) {
            Instruction::Acknowledge(register) => Some((register, self.devices.mpic.acknowledge())),
            Instruction::ReadZero(register) => Some((register, 0)),
            Instruction::Nothing => None,
            Instruction::Illegal => return self.refuse(processor),
        };
        processor.complete(set);
    }

    /// The guest is at a load or a store where no memory is, and this is what the register holds that it names first. What it
    /// ends, if anything.
    pub fn access(
        &mut self,
        processor: &mut impl Processor,
        instruction: u32,
        address: u64,
        named: u32,
    ) -> Option<Ending> {
        let Some(access) = Access::decode(instruction) else {
            self.refuse(processor);
            return None;
        };
        // Before the load, which may overwrite the index.
        let updated = access.update.map(|update| {
            let index = match update.index {
                Index::Displacement(displacement) => displacement,
                Index::Register(register) => processor.register(register),
            };
            let base = processor.register(update.base);
            (update.base, base.wrapping_add(index))
        });
        let (ending, set) = if access.store {
            let ending = self.store(address, access.bytes, access.stored(named));
            (ending, None)
        } else {
            let value = access.loaded(self.load(address, access.bytes));
            (None, Some((access.register, value)))
        };
        if let Some((base, effective)) = updated {
            processor.set_register(base, effective);
        }
        processor.complete(set);
        ending
    }

    fn load(&mut self, address: u64, bytes: u32) -> u32 {
        if let Some(offset) = uart::place(address, bytes) {
            return self.uart.load(offset, &mut self.console).into();
        }
        let value = match (virtio_place(address), &self.disk, &self.network) {
            (Some((board::DISK, offset)), Some(disk), _) => disk.registers.load(offset, bytes),
            (Some((board::NETWORK, offset)), _, Some(network)) => {
                network.registers.load(offset, bytes)
            }
            _ => return self.devices.load(address, bytes),
        };
        match value {
            Some(value) => reversed(value, bytes),
            None => {
                self.devices.count_stray();
                0
            }
        }
    }

    fn store(&mut self, address: u64, bytes: u32, value: u32) -> Option<Ending> {
        if let Some(offset) = uart::place(address, bytes) {
            self.uart.store(offset, value as u8, &mut self.console);
            return None;
        }
        let value_there = reversed(value, bytes);
        let done = match (virtio_place(address), &mut self.disk, &mut self.network) {
            (Some((board::DISK, offset)), Some(disk), _) => {
                disk.registers.store(offset, bytes, value_there)
            }
            (Some((board::NETWORK, offset)), _, Some(network)) => {
                network.registers.store(offset, bytes, value_there)
            }
            _ => return self.devices.store(address, bytes, value),
        };
        if done.is_none() {
            self.devices.count_stray();
        }
        None
    }

    /// The guest calls. It goes on behind the call.
    pub fn hypercall(&mut self, processor: &mut impl Processor, token: u32) {
        let status = match token {
            call::BYTE_CHANNEL_SEND => self.send(processor),
            call::BYTE_CHANNEL_RECEIVE => self.receive(processor),
            call::BYTE_CHANNEL_POLL => self.poll(processor),
            _ => {
                self.unknown = self.unknown.saturating_add(1);
                Status::Unimplemented
            }
        };
        processor.set_register(3, status as u32);
    }

    /// `(handle, count, 16 bytes)` → r4 how many were taken.
    ///
    /// Less than all is a success too: Linux's console sends everything again that came with a refusal.
    fn send(&mut self, processor: &mut impl Processor) -> Status {
        let count = processor.register(4) as usize;
        if processor.register(3) != board::CONSOLE_HANDLE || count > TRANSFER_BYTES {
            return Status::Invalid;
        }
        let mut bytes = [0; TRANSFER_BYTES];
        let words = bytes.chunks_exact_mut(4).zip(5..);
        for (place, register) in words.take(count.div_ceil(4)) {
            place.copy_from_slice(&processor.register(register).to_be_bytes());
        }
        let taken = self.console.output.write(&bytes[..count]);
        processor.set_register(4, taken as u32);
        if taken == 0 && count > 0 {
            Status::Again
        } else {
            Status::Ok
        }
    }

    /// `(handle, most)` → r4 count, r5 to r8 bytes.
    fn receive(&mut self, processor: &mut impl Processor) -> Status {
        if processor.register(3) != board::CONSOLE_HANDLE {
            return Status::Invalid;
        }
        let bytes = self.console.receive(processor.register(4) as usize);
        processor.set_register(4, bytes.len() as u32);
        for (word, register) in bytes.chunks(4).zip(5..) {
            let mut padded = [0; 4];
            padded[..word.len()].copy_from_slice(word);
            processor.set_register(register, u32::from_be_bytes(padded));
        }
        Status::Ok
    }

    /// `(handle)` → r4 how many bytes wait, r5 how many have room.
    fn poll(&mut self, processor: &mut impl Processor) -> Status {
        if processor.register(3) != board::CONSOLE_HANDLE {
            return Status::Invalid;
        }
        processor.set_register(4, self.console.waiting() as u32);
        processor.set_register(5, self.console.output.room() as u32);
        Status::Ok
    }

    /// The instruction does not exist: the guest's own program exception (EREF, section 5.7.7).
    fn refuse(&mut self, processor: &mut impl Processor) {
        self.illegal = self.illegal.saturating_add(1);
        let state = processor.state();
        processor.set_special(spr::SRR0, processor.register(number::PC));
        processor.set_special(spr::SRR1, state);
        processor.set_special(spr::ESR, SYNDROME_ILLEGAL);
        processor.set_state(state & STATE_KEPT);
        let prefix = processor.special(spr::IVPR) & 0xffff_0000;
        let offset = processor.special(IVOR6) & 0xfff0;
        processor.set_register(number::PC, prefix | offset);
    }
}

/// Which virtio device has its registers at an address, and the offset.
fn virtio_place(address: u64) -> Option<(u32, u32)> {
    let offset = u32::try_from(address).ok()?.checked_sub(board::CCSR)?;
    [board::DISK, board::NETWORK]
        .into_iter()
        .filter_map(|start| Some((start, offset.checked_sub(start)?)))
        .find(|(_, inside)| *inside < board::VIRTIO_BYTES)
}

/// A little-endian register of so many bytes, as one that is big-endian would show it.
fn reversed(value: u32, bytes: u32) -> u32 {
    match bytes {
        1 => value & 0xff,
        2 => (value as u16).swap_bytes().into(),
        _ => value.swap_bytes(),
    }
}

#[cfg(target_os = "none")]
impl Processor for cofferdam_native::Guest {
    fn register(&self, number: u32) -> u32 {
        Self::register(self, number)
    }

    fn set_register(&mut self, number: u32, value: u32) {
        Self::set_register(self, number, value);
    }

    fn special(&self, number: u32) -> u32 {
        Self::special(self, number)
    }

    fn set_special(&mut self, number: u32, value: u32) {
        Self::set_special(self, number, value);
    }

    fn state(&self) -> u32 {
        Self::state(self)
    }

    fn set_state(&mut self, state: u32) {
        Self::set_state(self, state);
    }

    fn set_external(&mut self, asserted: bool) {
        Self::set_external(self, asserted);
    }

    fn take_acknowledged(&mut self) -> bool {
        Self::take_acknowledged(self)
    }

    fn foresee(&mut self, place: u32, word: u32, value: u32) {
        Self::foresee(self, place, word, value);
    }

    fn foreseen(&self, place: u32) -> u32 {
        Self::foreseen(self, place)
    }

    fn complete(&mut self, set: Option<(u32, u32)>) {
        Self::complete(self, set);
    }
}
