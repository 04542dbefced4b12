//! A PCI bus with nothing on it.
//!
//! Firmware sets a host bridge up and looks what is on its bus before it does anything else, and may not look whether there is a bridge at
//! all. So there is one: it remembers which configuration register is meant, and nobody ever answers, neither there nor in the
//! bus's memory and ports. On a real bus a load that nobody answers reads ones. The windows by which a device of the bus would
//! reach memory are stores that come to nothing, like all to registers that are not there.

use crate::board;

/// What a guest reaches by its bridge.
#[derive(Debug, Default)]
pub struct Pci {
    configuration_address: u32,
}

/// Where an access goes.
enum Place {
    ConfigurationAddress,
    /// Configuration data, memory or ports: where a device would answer.
    Bus,
}

fn place(address: u64, bytes: u32) -> Option<Place> {
    const CONFIGURATION: u32 = board::CCSR + board::PCI;
    let address = u32::try_from(address).ok()?;
    let within = |start: u32, length: u32| address.wrapping_sub(start) < length;
    if address == CONFIGURATION && bytes == 4 {
        Some(Place::ConfigurationAddress)
    } else {
        let bus = within(CONFIGURATION + 4, 4)
            || within(board::PCI_MEMORY, board::PCI_MEMORY_BYTES)
            || within(board::PCI_PORTS, board::PCI_PORTS_BYTES);
        bus.then_some(Place::Bus)
    }
}

impl Pci {
    /// A load of so many bytes; `None` if it is no affair of the bus's.
    pub fn load(&self, address: u64, bytes: u32) -> Option<u32> {
        match place(address, bytes)? {
            Place::ConfigurationAddress => Some(self.configuration_address),
            Place::Bus => Some(u32::MAX >> (32 - 8 * bytes.clamp(1, 4))),
        }
    }

    /// A store of so many bytes.
    pub fn store(&mut self, address: u64, bytes: u32, value: u32) -> Option<()> {
        match place(address, bytes)? {
            Place::ConfigurationAddress => self.configuration_address = value,
            Place::Bus => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_answers_on_the_bus() {
        let mut pci = Pci::default();
        for address in [
            0xe000_8004,
            0xe000_8006,
            0xc000_0000,
            0xc00f_fffc,
            0xe100_0000,
        ] {
            assert_eq!(pci.store(address, 4, 0), Some(()), "{address:#x}");
            for (bytes, ones) in [(1, 0xff), (2, 0xffff), (4, u32::MAX)] {
                assert_eq!(pci.load(address, bytes), Some(ones), "{address:#x} {bytes}");
            }
        }
    }

    #[test]
    fn the_bridge_remembers_which_register_is_meant() {
        let mut pci = Pci::default();
        assert_eq!(pci.load(0xe000_8000, 4), Some(0));
        assert_eq!(pci.store(0xe000_8000, 4, 0x8000_0800), Some(()));
        assert_eq!(pci.load(0xe000_8000, 4), Some(0x8000_0800));
    }

    #[test]
    fn everything_else_is_somebody_elses() {
        let mut pci = Pci::default();
        for (address, bytes) in [
            (0xe000_8000, 1),
            (0xe000_8008, 4),
            (0xe000_8c20, 4),
            (0xe004_0000, 4),
            (0xbfff_ffff, 1),
            (0xc010_0000, 4),
            (0xe101_0000, 4),
            (0x1_c000_0000, 4),
        ] {
            assert_eq!(pci.load(address, bytes), None, "{address:#x} {bytes}");
            assert_eq!(pci.store(address, bytes, 1), None, "{address:#x} {bytes}");
        }
    }
}
