//! What the build generates for a partition, as macros: handles, notes, the entry.
//!
//! They are macros of this crate so that a partition, generated code included, holds no unsafe code of its own.

use cofferdam_ipc::Message;
use cofferdam_ipc::note::{Direction, Kind, PortNote, Text, VERSION_NOTE_SIZE, VersionNote};

use crate::{
    CallClient, CallServer, InterruptPort, QueuingDestination, QueuingSource, RingDestination,
    RingInitiator, RingResponder, RingSource, SamplingDestination, SamplingSource,
    SignalDestination, SignalSource,
};

/// Declares the partition: includes the generated module as `ports`, reserves the stack, and makes `main` the entry.
///
/// The name is that of the partition in the system's file. Without one, the crate serves any partition of any system that has the ports that its code
/// names, as often as a file names it: it is built once for all of them that the file gives the same, and once more for each that has something
/// different.
#[macro_export]
macro_rules! partition {
    ($name:literal, $main:path) => {
        $crate::partition! {
            @ $main, ::core::concat!(::core::env!("COFFERDAM_GENERATED"), "/", $name, ".rs")
        }
    };
    ($main:path) => {
        $crate::partition! {
            @ $main,
            ::core::concat!(
                ::core::env!("COFFERDAM_GENERATED"),
                "/any/",
                ::core::env!("CARGO_PKG_NAME"),
                ".rs"
            )
        }
    };
    (@ $main:path, $($module:tt)*) => {
        /// What the system's file gives this partition.
        #[allow(dead_code)]
        mod ports {
            use $crate::*;
            ::core::include!($($module)*);
        }

        const _: () = {
            #[used]
            #[unsafe(link_section = ".bss.stack")]
            static STACK: $crate::Stack<{ ports::STACK_BYTES }> = $crate::Stack::new();

            #[used]
            #[unsafe(link_section = ".note.cofferdam")]
            static VERSION: $crate::Note<{ $crate::ipc::note::VERSION_NOTE_SIZE }> =
                $crate::Note($crate::version_note());

            #[unsafe(no_mangle)]
            extern "C" fn cofferdam_main() -> ! {
                let main: fn() -> ! = $main;
                main()
            }
        };
    };
}

/// Declares a port: its handle, and its note for the build.
#[doc(hidden)]
#[macro_export]
macro_rules! port {
    ($constant:ident: $handle:ident $(<$($type:ty),+>)? = $name:literal, slot $slot:literal, line $line:literal) => {
        #[doc = concat!("The port `", $name, "`.")]
        pub const $constant: $crate::$handle $(<$($type),+>)? = $crate::$handle::at($slot, $line);

        const _: () = {
            #[used]
            #[unsafe(link_section = ".note.cofferdam")]
            static NOTE: $crate::Note<{ $crate::ipc::note::PORT_NOTE_SIZE }> =
                $crate::Note($constant.note($name).to_elf());
        };
    };
}

/// Declares an end of a ring.
#[doc(hidden)]
#[macro_export]
macro_rules! ring {
    (
        $constant:ident: $handle:ident <$($type:ty),+> = $name:literal,
        slot $slot:literal, line $line:literal, address $address:literal, depth $depth:literal,
        payload $payload:literal, $bytes:literal
    ) => {
        #[doc = concat!("The port `", $name, "`.")]
        // SAFETY: the build maps the channel's memory there.
        pub static $constant: $crate::$handle<$($type),+> =
            unsafe { $crate::$handle::at($slot, $line, ($address, $depth), ($payload, $bytes)) };

        const _: () = {
            // SAFETY: as above; only its note is taken.
            const END: $crate::$handle<$($type),+> =
                unsafe { $crate::$handle::at($slot, $line, ($address, $depth), ($payload, $bytes)) };
            #[used]
            #[unsafe(link_section = ".note.cofferdam")]
            static NOTE: $crate::Note<{ $crate::ipc::note::PORT_NOTE_SIZE }> =
                $crate::Note(END.note($name).to_elf());
        };
    };
}

/// A port of an array.
#[derive(Debug)]
pub struct Peer<T: 'static> {
    /// The partition at its other end.
    pub name: &'static str,
    /// The port.
    pub port: &'static T,
}

/// Declares an array of ports that were declared one by one.
#[doc(hidden)]
#[macro_export]
macro_rules! ports {
    ($constant:ident: $handle:ident $(<$($type:ty),+>)? = $name:literal, [$(($peer:literal, $port:ident)),+]) => {
        #[doc = concat!("The ports `", $name, "[]`.")]
        pub static $constant: &[$crate::Peer<$crate::$handle $(<$($type),+>)?>] =
            &[$($crate::Peer { name: $peer, port: &$port }),+];
    };
}

/// Declares the registers of a device.
#[doc(hidden)]
#[macro_export]
macro_rules! device {
    ($constant:ident, $address:literal, $length:literal) => {
        /// The registers of a device.
        // SAFETY: the build maps the device there, as the board's file says.
        pub const $constant: $crate::Device = unsafe { $crate::Device::at($address, $length) };
    };
}

/// Declares memory in the DMA arena.
#[doc(hidden)]
#[macro_export]
macro_rules! memory {
    ($constant:ident, $address:literal, $length:literal) => {
        /// The memory of a device and its driver.
        // SAFETY: the build maps it there, and no program is linked there.
        pub const $constant: $crate::SharedMemory =
            unsafe { $crate::SharedMemory::at($address, $length) };
    };
}

/// A part of a disk that the system's file gives a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskRange {
    /// Its first sector, of 512 bytes.
    pub first_sector: u64,
    /// How many there are.
    pub sectors: u64,
    /// Whether they may only be read.
    pub read_only: bool,
}

/// Who a client is on a network, as the system's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkClient {
    /// Its hardware address.
    pub address: [u8; 6],
    /// It may send so many frames
    pub frames: u32,
    /// in so many ticks of the timebase.
    pub per_ticks: u64,
    /// Whether it and the wire may talk.
    pub wire: bool,
    /// With which other clients it may talk: a bit for each, by their order.
    pub peers: u32,
    /// The types of frames that it may send, and gets. `None`: all.
    pub protocols: Option<&'static [u16]>,
}

/// A schedule of the system's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: &'static str,
    /// How long it takes, in ticks of the timebase.
    pub frame_ticks: u32,
    /// Its windows, in their order.
    pub windows: &'static [Window],
}

/// A window of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it begins, in ticks from the beginning of the frame.
    pub at_ticks: u32,
    /// How long it is, in ticks.
    pub ticks: u32,
    /// Whose it is.
    pub partitions: &'static [&'static str],
}

/// Declares the partition's guest: its memory, and the guest-physical address of its device tree.
#[doc(hidden)]
#[macro_export]
macro_rules! guest {
    (memory $bytes:literal, entry $entry:literal, device_tree $address:literal) => {
        /// The partition's guest.
        // SAFETY: the build maps its register page and its memory where they belong.
        pub const GUEST: $crate::Guest = unsafe { $crate::Guest::at($bytes) };
        /// Where its first instruction is.
        pub const GUEST_ENTRY: u32 = $entry;
        /// Where its device tree is.
        pub const GUEST_DEVICE_TREE: u32 = $address;
    };
}

/// Declares a capability that is not a port.
#[doc(hidden)]
#[macro_export]
macro_rules! capability {
    ($constant:ident: $handle:ident, slot $slot:literal) => {
        /// A capability of the system's file.
        pub const $constant: $crate::$handle = $crate::$handle::at($slot);
    };
}

/// Room for the stack. Only the linker's symbols name it, and only the register r1 uses it.
#[doc(hidden)]
#[repr(C, align(16))]
pub struct Stack<const BYTES: usize>(core::cell::UnsafeCell<[u8; BYTES]>);

// SAFETY: no code reaches the bytes through this type.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

impl<const BYTES: usize> Stack<BYTES> {
    /// An empty stack.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        assert!(
            BYTES.is_multiple_of(16),
            "a stack is whole frames: a multiple of 16 bytes"
        );
        Self(core::cell::UnsafeCell::new([0; BYTES]))
    }
}

/// A note, aligned as ELF wants it.
#[doc(hidden)]
#[repr(C, align(4))]
pub struct Note<const SIZE: usize>(pub [u8; SIZE]);

/// The note of the versions that this crate was built for.
#[doc(hidden)]
pub const fn version_note() -> [u8; VERSION_NOTE_SIZE] {
    let personality = text(concat!("cofferdam-native ", env!("CARGO_PKG_VERSION")));
    VersionNote::current(cofferdam_abi::ABI_VERSION as u32, personality).to_elf()
}

const fn text<const N: usize>(text: &str) -> Text<N> {
    match Text::new(text) {
        Some(text) => text,
        None => panic!("a name is too long for a note"),
    }
}

struct End {
    kind: Kind,
    direction: Direction,
}

const fn port_note(name: &str, slot: u32, end: End) -> PortNote {
    PortNote {
        slot: slot as u16,
        kind: end.kind,
        direction: end.direction,
        max_size: 0,
        reply_size: 0,
        fingerprint: 0,
        reply_fingerprint: 0,
        name: text(name),
        type_name: Text::EMPTY,
        reply_type_name: Text::EMPTY,
    }
}

const fn with_message<T: Message>(note: PortNote) -> PortNote {
    PortNote {
        max_size: T::MAX_SIZE as u32,
        fingerprint: T::FINGERPRINT,
        type_name: text(T::NAME),
        ..note
    }
}

const fn with_reply<T: Message>(note: PortNote) -> PortNote {
    PortNote {
        reply_size: T::MAX_SIZE as u32,
        reply_fingerprint: T::FINGERPRINT,
        reply_type_name: text(T::NAME),
        ..note
    }
}

macro_rules! notes {
    ($($handle:ident $(<$message:ident $(, $reply:ident)?>)?: $kind:ident, $direction:ident;)*) => { $(
        impl $(<$message: Message $(, $reply: Message)?>)? $handle $(<$message $(, $reply)?>)? {
            /// What the ELF says about this port.
            #[doc(hidden)]
            pub const fn note(&self, name: &str) -> PortNote {
                let end = End { kind: Kind::$kind, direction: Direction::$direction };
                let note = port_note(name, self.slot(), end);
                $(
                    let note = with_message::<$message>(note);
                    $( let note = with_reply::<$reply>(note); )?
                )?
                note
            }
        }
    )* };
}

notes! {
    SamplingSource<T>: Sampling, Source;
    SamplingDestination<T>: Sampling, Destination;
    QueuingSource<T>: Queuing, Source;
    QueuingDestination<T>: Queuing, Destination;
    CallClient<Q, R>: Call, Client;
    CallServer<Q, R>: Call, Server;
    SignalSource: Signal, Source;
    SignalDestination: Signal, Destination;
    RingSource<T>: Ring, Source;
    RingDestination<T>: Ring, Destination;
    RingInitiator<T, R>: Ring, Both;
    RingResponder<T, R>: Ring, Both;
    InterruptPort: Interrupt, Destination;
}
