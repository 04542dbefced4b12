//! Why a machine was not started, by number and in words.

use cofferdam_tables::HeaderError;

/// Why a machine was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootFailure {
    /// The head or the checksum is wrong.
    Header(HeaderError),
    /// A record cannot be decoded, or there are bytes behind the last one.
    Malformed,
    /// A record stands where it cannot: a region before any partition, a second board.
    Misplaced,
    /// More records of a kind than the kernel has slots.
    TooMany,
    /// No board, no module, no partition or no schedule.
    Missing,
    /// A record names something that there is not.
    Dangling,
    /// An address or a length that is not what it has to be, or not in RAM that the kernel maps.
    Memory,
    /// A window or a schedule that time cannot follow.
    Time,
    /// A device of the kernel's does not lie in the device block, or an interrupt has no source of the controller's.
    Board,
    /// The interrupt controller does not come out of its reset.
    InterruptController,
    /// A guest without memory, tags or places of TLB1 to itself.
    Guest,
    /// Devices on the bus would reach more than the arena, or two partitions own one.
    Bus,
}

impl BootFailure {
    /// Its number in the record.
    pub fn number(self) -> u32 {
        match self {
            Self::Header(HeaderError::Truncated) => 1,
            Self::Header(HeaderError::Magic) => 2,
            Self::Header(HeaderError::Version(_)) => 3,
            Self::Header(HeaderError::Abi(_)) => 4,
            Self::Header(HeaderError::Crc) => 5,
            Self::Malformed => 6,
            Self::Misplaced => 7,
            Self::TooMany => 8,
            Self::Missing => 9,
            Self::Dangling => 10,
            Self::Memory => 11,
            Self::Time => 12,
            Self::Board => 13,
            Self::InterruptController => 14,
            Self::Guest => 15,
            Self::Bus => 16,
        }
    }

    /// What to tell a person, for the number in a record.
    pub fn text(number: u32) -> &'static str {
        match number {
            1 => "the tables are truncated",
            2 => "there are no tables at their place",
            3 => "the tables have a format of another version",
            4 => "the tables were made for another kernel ABI",
            5 => "the tables' checksum is wrong",
            6 => "a record of the tables cannot be decoded",
            7 => "a record of the tables is misplaced",
            8 => "the tables hold more than the kernel has slots for",
            9 => "the tables lack a board, a module, a partition or a schedule",
            10 => "a record of the tables names something that there is not",
            11 => "an address of the tables is wrong",
            12 => "a window or schedule of the tables is wrong",
            13 => "a device or an interrupt source of the tables is not the board's",
            14 => "the interrupt controller does not come out of its reset",
            15 => "a guest of the tables lacks memory, tags or places of TLB1 to itself",
            16 => "devices on the bus of the tables would reach more than their arena",
            _ => "unknown",
        }
    }
}
