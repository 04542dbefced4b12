//! The records of the tables, field by field, in the order in which they are written.
//!
//! One list makes the types, their decoder, and the shapes by which the mutations change them (`crate::mutate`). A record is its number in
//! this list, then its fields. `docs/image.md` says what each field means.

use crate::Refusal;
use crate::values::{Reader, Shape, Value};

/// A type that a field can have.
pub(crate) trait Field: Sized {
    const SHAPE: Shape;
    fn of(value: Value) -> Self;
}

macro_rules! numbers {
    ($($kind:ident: $shape:expr;)*) => {
        $(impl Field for $kind {
            const SHAPE: Shape = $shape;
            fn of(value: Value) -> Self {
                match value {
                    // The reader has kept it within its shape.
                    Value::Number(number) => number as $kind,
                    Value::Bytes(_) => 0,
                }
            }
        })*
    };
}

numbers! {
    u8: Shape::Byte;
    u16: Shape::Number(16);
    u32: Shape::Number(32);
    u64: Shape::Number(64);
}

impl Field for bool {
    const SHAPE: Shape = Shape::Truth;
    fn of(value: Value) -> Self {
        value == Value::Number(1)
    }
}

impl<const N: usize> Field for [u8; N] {
    const SHAPE: Shape = Shape::Bytes(N);
    fn of(value: Value) -> Self {
        match value {
            Value::Bytes(bytes) => bytes.try_into().unwrap_or([0; N]),
            Value::Number(_) => [0; N],
        }
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            #[allow(missing_docs)]
            pub enum $name { $($variant,)* }

            impl $name {
                const ALL: &[Self] = &[$(Self::$variant,)*];
            }

            impl Field for $name {
                const SHAPE: Shape = Shape::Choice(Self::ALL.len() as u64);
                fn of(value: Value) -> Self {
                    let number = match value {
                        Value::Number(number) => number as usize,
                        Value::Bytes(_) => 0,
                    };
                    Self::ALL.get(number).copied().unwrap_or(Self::ALL[0])
                }
            }
        )*
    };
}

choices! {
    /// What a region is.
    RegionKind { Image, Private, Shared, Device, }
    /// What a capability is for.
    CapabilityKind {
        Empty, SamplingSource, SamplingDestination, QueuingSource, QueuingDestination, CallClient, CallServer, Signal, Interrupt, Schedule,
        Partition, HealthLog,
    }
    /// What a channel does.
    ChannelKind { Sampling, Queuing, Call, Ring, Signal, }
}

macro_rules! records {
    ($($name:ident { $($field:ident: $kind:ty,)* })*) => {
        $(
            #[doc = concat!("A record: `", stringify!($name), "`.")]
            #[derive(Clone, Debug, PartialEq, Eq)]
            #[allow(missing_docs)]
            pub struct $name { $(pub $field: $kind,)* }

            impl $name {
                fn read(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
                    Ok(Self { $($field: <$kind as Field>::of(reader.value(<$kind as Field>::SHAPE)?),)* })
                }
            }
        )*

        /// A record.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Record { $($name($name),)* }

        /// The records by their numbers: the name of each, and the name and shape of each field.
        pub const RECORDS: &[(&str, &[(&str, Shape)])] = &[
            $((stringify!($name), &[$((stringify!($field), <$kind as Field>::SHAPE),)*]),)*
        ];

        impl Record {
            /// Reads one.
            pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
                let number = reader.number(32)? as usize;
                let name = RECORDS.get(number).map(|(name, _)| *name).unwrap_or_default();
                $(if name == stringify!($name) {
                    return Ok(Self::$name($name::read(reader)?));
                })*
                Err(Refusal::new(format!("there is no record of kind {number}")))
            }
        }
    };
}

records! {
    Board {
        devices_physical: u64,
        interrupt_controller_offset: u32,
        uart_offset: u32,
        reset_offset: u32,
        reset_value: u32,
        timebase_hz: u32,
    }
    Module {
        guard_ticks: u32,
        initial_schedule: u8,
        actions: [u8; 4],
        switch_schedule: u8,
    }
    RamBlock {
        physical: u32,
        size_code: u8,
    }
    Partition {
        name: [u8; 16],
        pid: u8,
        entry: u32,
        stack_top: u32,
        stack_bottom: u32,
        stack_guard: u32,
        page_physical: u32,
        ranks: u32,
        period_ticks: u32,
        deadline_ticks: u32,
        autostart: bool,
        actions: [u8; 11],
        switch_schedule: u8,
        restart_max: u16,
        restart_per_ticks: u64,
        back_off_ticks: u32,
    }
    Guest {
        memory: u32,
        memory_bytes: u32,
        page: u32,
        translations: u32,
        tag_first: u8,
        tag_count: u8,
        tlb1_first: u8,
        tlb1_count: u8,
        stubs: u32,
        enabling_stubs: u32,
        stubs_end: u32,
        linear: u32,
        kernel_table: u32,
        process_table: u32,
    }
    Region {
        effective: u32,
        physical: u64,
        length: u32,
        rights: u8,
        kind: RegionKind,
    }
    Copy {
        from: u32,
        to: u32,
        length: u32,
    }
    Capability {
        kind: CapabilityKind,
        object: u8,
        rights: u8,
    }
    Channel {
        name: [u8; 16],
        kind: ChannelKind,
        message_bytes: u32,
        reply_bytes: u32,
        depth: u32,
        store: u32,
        refresh_ticks: u64,
        deadline_ticks: u32,
    }
    End {
        partition: u8,
        line: u8,
    }
    Interrupt {
        source: u16,
        level: bool,
        high: bool,
        owner: u8,
        line: u8,
        storm_max: u16,
        storm_ticks: u32,
    }
    Rank {
        partition: u8,
        budget_ticks: u32,
    }
    Schedule {
        name: [u8; 16],
        major_frame_ticks: u32,
    }
    Window {
        start_ticks: u32,
        length_ticks: u32,
        eligible: u32,
        releases: u32,
        interrupts: u32,
    }
    TlbWrite {
        mas0: u32,
        mas1: u32,
        mas2: u32,
        mas3: u32,
        mas7: u32,
    }
    Bus {
        registers_offset: u32,
        memory_physical: u64,
        memory_address: u32,
        memory_log2: u8,
        arena: u32,
        arena_log2: u8,
    }
    Function {
        number: u8,
    }
    Step {
        at_end: bool,
        register: u8,
        mask: u32,
        value: u32,
    }
}

impl Region {
    /// It may be read.
    pub fn read_right(&self) -> bool {
        self.rights & 1 != 0
    }

    /// It may be written.
    pub fn write_right(&self) -> bool {
        self.rights & 2 != 0
    }

    /// It may be executed.
    pub fn execute_right(&self) -> bool {
        self.rights & 4 != 0
    }

    /// The physical address behind it.
    pub fn end(&self) -> u64 {
        self.physical.saturating_add(self.length.into())
    }

    /// Whether it shares an address with this range.
    pub fn meets(&self, physical: u64, bytes: u64) -> bool {
        self.physical < physical.saturating_add(bytes) && physical < self.end()
    }
}
