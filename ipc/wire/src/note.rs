//! Port notes: what a partition's ELF says about its ports, for the build to compare.
//!
//! A partition carries ELF notes in the section [`SECTION`]: one [`PortNote`] per port and one
//! [`VersionNote`]. They are there for the host alone; nothing reads them at run time. Every number is
//! big-endian, the byte order of the target. A note as ELF defines it:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | length of the name with its final zero: 10 |
//! | 4 | 4 | length of the description: 188 for a port, 48 for versions |
//! | 8 | 4 | type: 1 for a port, 2 for versions |
//! | 12 | 12 | `cofferdam`, filled with zeros |
//! | 24 | | the description |
//!
//! Description of a port:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 2 | capability slot |
//! | 2 | 1 | kind: 1 sampling, 2 queuing, 3 call, 4 ring, 5 signal, 6 interrupt |
//! | 3 | 1 | direction: 1 source, 2 destination, 3 client, 4 server, 5 both |
//! | 4 | 4 | longest message (of a call: request) in bytes |
//! | 8 | 4 | longest reply in bytes; 0 unless a call or a two-way ring |
//! | 12 | 8 | fingerprint of the message's type; 0 where nothing is carried |
//! | 20 | 8 | fingerprint of the reply's type |
//! | 28 | 32 | port's name, filled with zeros |
//! | 60 | 64 | name of the message's type, filled with zeros |
//! | 124 | 64 | name of the reply's type, filled with zeros |
//!
//! Description of the versions:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | version of the hypercall ABI |
//! | 4 | 4 | [`NOTE_FORMAT`] |
//! | 8 | 4 | [`WIRE_FORMAT`] |
//! | 12 | 4 | zero |
//! | 16 | 32 | who linked the partition, for messages: `cofferdam-native 0.1.0`, filled with zeros |
//!
//! Of the two-way ring, the message goes from the end with the direction `source` in the system's file
//! to the other, the reply back.

mod decode;
mod encode;

pub use decode::{NoteError, Notes, parse_notes};

use crate::fingerprint::WIRE_FORMAT;

/// The ELF section that holds the notes.
pub const SECTION: &str = ".note.cofferdam";
/// Version of the layout above. A reader refuses others.
pub const NOTE_FORMAT: u32 = 1;
/// The name in every note's header.
pub const OWNER: &str = "cofferdam";
/// ELF note type of a [`PortNote`].
pub const TYPE_PORT: u32 = 1;
/// ELF note type of a [`VersionNote`].
pub const TYPE_VERSION: u32 = 2;
/// Length of a whole port note in bytes: what its static is declared as.
pub const PORT_NOTE_SIZE: usize = HEADER_SIZE + PORT_SIZE;
/// Length of a whole version note in bytes.
pub const VERSION_NOTE_SIZE: usize = HEADER_SIZE + VERSION_SIZE;

const HEADER_SIZE: usize = 24;
const PORT_SIZE: usize = 188;
const VERSION_SIZE: usize = 48;

/// Text of at most `N` bytes, filled with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Self = Self([0; N]);

    /// `None` if `text` has more than `N` bytes, or a zero among them.
    pub const fn new(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() > N {
            return None;
        }
        let mut padded = [0; N];
        let mut i = 0;
        while i < bytes.len() {
            if bytes[i] == 0 {
                return None;
            }
            padded[i] = bytes[i];
            i += 1;
        }
        Some(Self(padded))
    }

    /// The text, without its filling.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(N);
        // Both ways to make a `Text` have seen that it is UTF-8.
        core::str::from_utf8(self.0.get(..end).unwrap_or_default()).unwrap_or_default()
    }
}

impl<const N: usize> core::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Last value, with its age (ARINC 653).
    Sampling = 1,
    /// Bounded first-in first-out queue (ARINC 653).
    Queuing = 2,
    /// Request and reply.
    Call = 3,
    /// Ring in memory shared with one other partition.
    Ring = 4,
    /// A doorbell.
    Signal = 5,
    /// A device's interrupt.
    Interrupt = 6,
}

/// Which end of the channel a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// Sends.
    Source = 1,
    /// Receives.
    Destination = 2,
    /// Sends requests, receives replies.
    Client = 3,
    /// Receives requests, sends replies.
    Server = 4,
    /// Sends and receives: either end of a two-way ring.
    Both = 5,
}

impl Kind {
    /// Whether a port of this kind can be such an end.
    pub const fn allows(self, direction: Direction) -> bool {
        match self {
            Self::Sampling | Self::Queuing | Self::Signal => {
                matches!(direction, Direction::Source | Direction::Destination)
            }
            Self::Call => matches!(direction, Direction::Client | Direction::Server),
            Self::Ring => matches!(
                direction,
                Direction::Source | Direction::Destination | Direction::Both
            ),
            Self::Interrupt => matches!(direction, Direction::Destination),
        }
    }
}

/// One port of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortNote {
    /// Slot of the partition's capability table.
    pub slot: u16,
    /// What it is.
    pub kind: Kind,
    /// Which end it is.
    pub direction: Direction,
    /// Longest message, of a call the request, in bytes; 0 for a signal or interrupt.
    pub max_size: u32,
    /// Longest reply in bytes; 0 unless a call or two-way ring.
    pub reply_size: u32,
    /// Fingerprint of the message's type; 0 for a signal or interrupt.
    pub fingerprint: u64,
    /// Fingerprint of the reply's type; 0 unless a call or two-way ring.
    pub reply_fingerprint: u64,
    /// The port's name ([`name::check`](crate::name::check)).
    pub name: Text<32>,
    /// Name of the message's type, empty for a signal or interrupt.
    pub type_name: Text<64>,
    /// Name of the reply's type, empty unless a call or two-way ring.
    pub reply_type_name: Text<64>,
}

/// What the partition was built against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionNote {
    /// Version of the hypercall ABI.
    pub abi: u32,
    /// [`NOTE_FORMAT`] of whoever wrote the notes.
    pub note_format: u32,
    /// [`WIRE_FORMAT`] of whoever wrote the notes.
    pub wire_format: u32,
    /// Who linked the partition, with its version, for messages.
    pub personality: Text<32>,
}

impl VersionNote {
    /// The versions of this crate, with those that it does not know.
    pub const fn current(abi: u32, personality: Text<32>) -> Self {
        Self {
            abi,
            note_format: NOTE_FORMAT,
            wire_format: WIRE_FORMAT,
            personality,
        }
    }
}

/// A note of either type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A port.
    Port(PortNote),
    /// The versions.
    Version(VersionNote),
}
