//! The devices of a guest, by guest-physical address.
//!
//! Where no device is, or no register, a load gives 0 and a store goes nowhere: drivers look for things that are not there. They
//! are counted.

use crate::board;
use crate::mpic::Mpic;
use crate::pci::Pci;

/// How a guest ends, or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Ending {
    /// It asks for a reset.
    Reset = 1,
    /// It turns its power off.
    PowerOff = 2,
    /// Its kernel panics.
    Panic = 3,
    /// It makes no progress.
    Hang = 4,
}

impl Ending {
    /// The detail of the `application_error` that says so: "GU", and which.
    pub const fn detail(self) -> u32 {
        0x4755_0000 | self as u32
    }
}

/// The global utilities (MPC8548E reference manual, section 18.4): the reset request.
mod guts {
    pub const RESET_CONTROL: u32 = 0xb0;
    pub const HARD_RESET_REQUEST: u32 = 0x2;
}

/// The register for panics, a byte (QEMU, `docs/specs/pvpanic.rst`). What can be reported reads as 1.
mod panic {
    pub const PANICKED: u32 = 1 << 0;
}

/// The pins (MPC8572E reference manual, section 21.3).
mod gpio {
    pub const DIRECTION: u32 = 0;
    pub const OPEN_DRAIN: u32 = 4;
    pub const DATA: u32 = 8;
    pub const EVENT: u32 = 0xc;
    pub const MASK: u32 = 0x10;
    pub const CONTROL: u32 = 0x14;
}

/// What the guest leaves as evidence for the host: a store of the value leaves the mark.
mod marks {
    pub const IDENTIFIER: u32 = 0;
    pub const VALUE: u32 = 4;
}

/// All devices that are registers.
#[derive(Debug, Default)]
pub struct Devices {
    /// The interrupt controller.
    pub mpic: Mpic,
    pci: Pci,
    pin_directions: u32,
    pin_data: u32,
    /// Open drain, mask, control: they hold what was written, since no pin is an input.
    pin_storage: [u32; 3],
    mark_identifier: u32,
    mark: Option<(u32, u32)>,
    strays: u32,
}

impl Devices {
    /// As they are after a reset.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often there was no device, or no register.
    pub fn strays(&self) -> u32 {
        self.strays
    }

    /// Another device had no such register.
    pub fn count_stray(&mut self) {
        self.strays = self.strays.saturating_add(1);
    }

    /// The mark that the last store left, if it did: identifier and value.
    pub fn take_mark(&mut self) -> Option<(u32, u32)> {
        self.mark.take()
    }

    /// A load of so many bytes.
    pub fn load(&mut self, address: u64, bytes: u32) -> u32 {
        let value = match place(address, bytes) {
            Some(Place::Mpic(offset)) => self.mpic.read(offset),
            // A reset that was asked for does not last long enough to be seen.
            Some(Place::Guts(guts::RESET_CONTROL)) => Some(0),
            Some(Place::Gpio(offset)) => self.load_pins(offset),
            Some(Place::Panic) => Some(panic::PANICKED),
            _ => self.pci.load(address, bytes),
        };
        value.unwrap_or_else(|| {
            self.count_stray();
            0
        })
    }

    /// A store of so many bytes. What it ends, if anything.
    pub fn store(&mut self, address: u64, bytes: u32, value: u32) -> Option<Ending> {
        let done = match place(address, bytes) {
            Some(Place::Mpic(offset)) => self.mpic.write(offset, value),
            Some(Place::Guts(guts::RESET_CONTROL)) => {
                return (value & guts::HARD_RESET_REQUEST != 0).then_some(Ending::Reset);
            }
            Some(Place::Gpio(offset)) => self.store_pins(offset, value),
            Some(Place::Marks(offset)) => self.store_mark(offset, value),
            Some(Place::Panic) => {
                return (value & panic::PANICKED != 0).then_some(Ending::Panic);
            }
            _ => self.pci.store(address, bytes, value),
        };
        if done.is_none() {
            self.count_stray();
        }
        let power_off = 0x8000_0000 >> board::GPIO_POWER_OFF;
        (self.driven() & power_off != 0).then_some(Ending::PowerOff)
    }

    fn store_mark(&mut self, offset: u32, value: u32) -> Option<()> {
        match offset {
            marks::IDENTIFIER => self.mark_identifier = value,
            marks::VALUE => self.mark = Some((self.mark_identifier, value)),
            _ => return None,
        }
        Some(())
    }

    /// The pins that are outputs, and high.
    fn driven(&self) -> u32 {
        self.pin_data & self.pin_directions
    }

    fn load_pins(&self, offset: u32) -> Option<u32> {
        match offset {
            gpio::DIRECTION => Some(self.pin_directions),
            gpio::DATA => Some(self.driven()),
            gpio::EVENT => Some(0),
            _ => pin_storage(offset).map(|place| self.pin_storage[place]),
        }
    }

    fn store_pins(&mut self, offset: u32, value: u32) -> Option<()> {
        match offset {
            gpio::DIRECTION => self.pin_directions = value,
            gpio::DATA => self.pin_data = value,
            // No event ever happened, so that there is none to clear.
            gpio::EVENT => {}
            _ => self.pin_storage[pin_storage(offset)?] = value,
        }
        Some(())
    }
}

fn pin_storage(offset: u32) -> Option<usize> {
    [gpio::OPEN_DRAIN, gpio::MASK, gpio::CONTROL]
        .into_iter()
        .position(|known| known == offset)
}

/// A device's register, by offset.
enum Place {
    Mpic(u32),
    Guts(u32),
    Gpio(u32),
    Panic,
    Marks(u32),
}

/// Registers are words, but for the one that takes the report of a panic.
fn place(address: u64, bytes: u32) -> Option<Place> {
    let offset = u32::try_from(address).ok()?.checked_sub(board::CCSR)?;
    if (offset, bytes) == (board::PANIC, 1) {
        return Some(Place::Panic);
    }
    if bytes != 4 {
        return None;
    }
    let within = |start, length| offset.checked_sub(start).filter(|inside| *inside < length);
    if let Some(offset) = within(board::MPIC, board::MPIC_BYTES) {
        return Some(Place::Mpic(offset));
    }
    if let Some(offset) = within(board::GUTS, board::GUTS_BYTES) {
        return Some(Place::Guts(offset));
    }
    if let Some(offset) = within(board::MARKS, board::MARKS_BYTES) {
        return Some(Place::Marks(offset));
    }
    within(board::GPIO, board::GPIO_BYTES).map(Place::Gpio)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CCSR: u64 = board::CCSR as u64;
    const RSTCR: u64 = CCSR + 0xe_00b0;
    const DIRECTION: u64 = CCSR + 0xf_f000;
    const DATA: u64 = CCSR + 0xf_f008;
    const PIN_0: u32 = 0x8000_0000;

    #[test]
    fn the_reset_request_asks_for_a_reset() {
        let mut devices = Devices::new();
        assert_eq!(devices.store(RSTCR, 4, 1), None);
        assert_eq!(devices.load(RSTCR, 4), 0);
        assert_eq!(devices.store(RSTCR, 4, 2), Some(Ending::Reset));
        assert_eq!(devices.strays(), 0);
    }

    #[test]
    fn a_pin_that_is_driven_high_turns_the_power_off() {
        let mut devices = Devices::new();
        assert_eq!(devices.store(DATA, 4, PIN_0), None, "it is an input");
        assert_eq!(devices.load(DATA, 4), 0);
        assert_eq!(devices.store(DIRECTION, 4, PIN_0), Some(Ending::PowerOff));
        // And the other way round.
        let mut devices = Devices::new();
        assert_eq!(devices.store(DIRECTION, 4, u32::MAX), None);
        assert_eq!(devices.store(DATA, 4, !PIN_0), None, "other pins");
        assert_eq!(devices.load(DATA, 4), !PIN_0);
        assert_eq!(devices.store(DATA, 4, u32::MAX), Some(Ending::PowerOff));
    }

    #[test]
    fn a_panic_is_reported_by_a_byte() {
        let mut devices = Devices::new();
        let register = CCSR + 0xf_e000;
        assert_eq!(devices.load(register, 1), 1);
        assert_eq!(devices.store(register, 1, 1), Some(Ending::Panic));
        assert_eq!(devices.store(register, 1, 2), None, "no event of ours");
        assert_eq!(devices.strays(), 0);
        assert_eq!(devices.store(register, 4, 1), None);
        assert_eq!(devices.strays(), 1);
    }

    #[test]
    fn the_drivers_of_pins_find_their_registers() {
        let mut devices = Devices::new();
        for (offset, value) in [(4, 5), (0x10, 6), (0x14, 7)] {
            assert_eq!(devices.store(DIRECTION + offset, 4, value), None);
            assert_eq!(devices.load(DIRECTION + offset, 4), value);
        }
        devices.store(DIRECTION + 0xc, 4, u32::MAX);
        assert_eq!(devices.load(DIRECTION + 0xc, 4), 0);
        assert_eq!(devices.strays(), 0);
    }

    #[test]
    fn a_mark_is_left_with_its_value() {
        let mut devices = Devices::new();
        devices.store(CCSR + 0xd_0000, 4, 7);
        assert_eq!(devices.take_mark(), None);
        devices.store(CCSR + 0xd_0004, 4, 8);
        assert_eq!(devices.take_mark(), Some((7, 8)));
        assert_eq!(devices.take_mark(), None);
        assert_eq!(devices.strays(), 0);
    }

    #[test]
    fn the_interrupt_controller_is_in_its_place() {
        let mut devices = Devices::new();
        assert_eq!(devices.load(CCSR + 0x4_0000, 4), 0x0040_0402);
        devices.store(CCSR + 0x6_0080, 4, 3);
        assert_eq!(devices.load(CCSR + 0x4_0080, 4), 3);
        assert_eq!(devices.strays(), 0);
    }

    #[test]
    fn where_nothing_is_loads_give_0_and_all_is_counted() {
        let mut devices = Devices::new();
        let nowhere = [
            (CCSR, 4),
            (CCSR + 0x8c20, 4),
            (CCSR + 0x4_0004, 4),
            (CCSR + 0xe_00a0, 4),
            (CCSR + 0xf_f018, 4),
            (CCSR + 0x10_0000, 4),
            (RSTCR, 1),
            (CCSR + 0x4_0000, 2),
            (0xf_0000_0000 + RSTCR, 4),
            (0x1000, 4),
        ];
        for (count, (address, bytes)) in (0..).zip(nowhere) {
            assert_eq!(devices.load(address, bytes), 0, "{address:#x}");
            assert_eq!(
                devices.store(address, bytes, u32::MAX),
                None,
                "{address:#x}"
            );
            assert_eq!(devices.strays(), 2 * (count + 1), "{address:#x}");
        }
    }
}
