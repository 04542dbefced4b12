//! The facts of a board, from its own file, so that no system repeats them.

use crate::diagnostic::Diagnostic;
use crate::keys::{self, Key};
use crate::reader::{Fields, Reader};
use crate::rule;
use crate::source::{FileId, Span, Spanned};
use crate::units;

/// The boards that come with the tool.
const KNOWN: &[(&str, &str, &str)] = &[(
    "ppce500",
    "config/boards/ppce500.toml",
    include_str!("../../boards/ppce500.toml"),
)];

/// A board.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Its name.
    pub name: String,
    /// The name of the machine in QEMU.
    pub machine: String,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// The RAM is a multiple of this.
    pub ram_multiple_bytes: u64,
    /// The longest that the kernel keeps interrupts off in a system without guests.
    pub interrupts_off_max_ticks: u64,
    /// The same in a system with guests.
    pub interrupts_off_max_with_guests_ticks: u64,
    /// The physical address of the block of devices.
    pub devices_physical: u64,
    /// Its size.
    pub devices_bytes: u64,
    /// The interrupt controller in the block.
    pub interrupt_controller_offset: u64,
    /// The UART for last words in the block.
    pub uart_offset: u64,
    /// The register that resets, in the block.
    pub reset_offset: u64,
    /// What to write there.
    pub reset_value: u64,
    /// The bus of devices.
    pub bus: Option<BoardBus>,
    /// In the order of the file.
    pub devices: Vec<BoardDevice>,
    places: Places,
}

/// Where each key of a table stands.
#[derive(Clone, Debug, Default)]
struct Places(Vec<(&'static str, Span)>);

impl Places {
    fn of(fields: &Fields, keys: &'static [Key]) -> Self {
        let place = |key: &Key| (key.name, fields.span_of(key.name));
        Self(keys.iter().map(place).collect())
    }

    fn get(&self, key: &str) -> Span {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, span)| *span).unwrap_or_default()
    }
}

impl Board {
    /// The device with this name.
    pub fn device(&self, name: &str) -> Option<&BoardDevice> {
        self.devices.iter().find(|device| *device.name == name)
    }

    /// Where the value of a key of `[board]` stands.
    pub fn place(&self, key: &str) -> Span {
        self.places.get(key)
    }
}

/// The bus of devices.
#[derive(Clone, Debug, Default)]
pub struct BoardBus {
    /// Its controller in the block of devices.
    pub registers_offset: u64,
    /// Where the processor reaches devices' memory.
    pub memory_physical: u64,
    /// The same on the bus.
    pub memory_address: u64,
    /// How much of it.
    pub memory_bytes: u64,
    places: Places,
}

impl BoardBus {
    /// Where the value of a key of `[bus]` stands.
    pub fn place(&self, key: &str) -> Span {
        self.places.get(key)
    }
}

/// A function on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardFunction {
    /// Its slot.
    pub slot: u64,
    /// The first word of its configuration space.
    pub identity: u64,
    /// The base address register of its registers.
    pub base_register: u64,
    /// How much is behind it.
    pub bytes: u64,
    /// Where a virtio device's registers are reached from its configuration space.
    pub virtio_access: Option<u64>,
}

/// A device that a partition can own.
#[derive(Clone, Debug)]
pub struct BoardDevice {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is.
    pub doc: String,
    /// Whether its registers are in the block of devices.
    pub in_block: bool,
    /// Where they are there.
    pub offset: u64,
    /// How many bytes of registers.
    pub bytes: u64,
    /// What it is on the bus; then it has nothing in the block of devices.
    pub function: Option<BoardFunction>,
    /// How QEMU is told to have it.
    pub emulator: Option<String>,
    /// Its interrupt.
    pub interrupt: Option<BoardInterrupt>,
    /// What its owner can do to the machine as a whole.
    pub module_authority: Option<String>,
    places: Places,
}

impl BoardDevice {
    /// Where the value of a key of the device stands.
    pub fn place(&self, key: &str) -> Span {
        self.places.get(key)
    }
}

/// The interrupt of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardInterrupt {
    /// Its number at the interrupt controller.
    pub source: u64,
    /// Level-sensitive, else edge-sensitive.
    pub level: bool,
    /// Active high or rising edge.
    pub high: bool,
}

/// The name and the text of the file of a board that comes with the tool.
pub(crate) fn known(name: &str) -> Option<(&'static str, &'static str)> {
    let found = KNOWN.iter().find(|(known, _, _)| *known == name);
    found.map(|(_, path, text)| (*path, *text))
}

/// The names of the boards that come with the tool.
pub(crate) fn known_names() -> Vec<&'static str> {
    KNOWN.iter().map(|(name, _, _)| *name).collect()
}

/// Reads a board file. `None` if it is no TOML.
pub(crate) fn read(
    text: &str,
    file: FileId,
    diagnostics: &mut Vec<Diagnostic>,
    broken: &mut Vec<Span>,
) -> Option<Board> {
    let mut reader = Reader {
        file,
        timebase_hz: 0,
        diagnostics,
        broken,
        of_inner_tables: 0,
    };
    let fields = reader.read(text, keys::BOARD_FILE)?;
    let board = fields.required(fields.table("board")).value;
    let text_of = |name| board.required(board.text(name)).value;
    let number = |name| board.required(board.number(name)).value;
    let mut result = Board {
        name: text_of("name"),
        machine: text_of("machine"),
        timebase_hz: number("timebase_hz"),
        ram_multiple_bytes: number("ram_multiple"),
        interrupts_off_max_ticks: 0,
        interrupts_off_max_with_guests_ticks: 0,
        devices_physical: number("devices_physical"),
        devices_bytes: number("devices_size"),
        interrupt_controller_offset: number("interrupt_controller_offset"),
        uart_offset: number("uart_offset"),
        reset_offset: number("reset_offset"),
        reset_value: number("reset_value"),
        bus: fields.table("bus").map(|bus| bus_of(&bus)),
        devices: devices(&fields),
        places: Places::of(&board, keys::BOARD),
    };
    // These need the timebase, which stands in the same table.
    for (key, place) in [
        ("interrupts_off_max", &mut result.interrupts_off_max_ticks),
        (
            "interrupts_off_max_with_guests",
            &mut result.interrupts_off_max_with_guests_ticks,
        ),
    ] {
        let Some(text) = board.text(key) else {
            continue;
        };
        match units::ticks(&text, result.timebase_hz, u64::from(u32::MAX)) {
            Ok(ticks) => *place = ticks,
            Err(_) => reader.report(
                Diagnostic::error(
                    &rule::VALUE_UNIT,
                    text.span,
                    format!("`{key}` is not a time in whole ticks: `{text}`"),
                )
                .hint("write a time such as \"4us\""),
            ),
        }
    }
    Some(result)
}

fn bus_of(fields: &Fields) -> BoardBus {
    let number = |name| fields.required(fields.number(name)).value;
    BoardBus {
        registers_offset: number("registers_offset"),
        memory_physical: number("memory_physical"),
        memory_address: number("memory_address"),
        memory_bytes: number("memory_size"),
        places: Places::of(fields, keys::BOARD_BUS),
    }
}

fn function(fields: &Fields) -> BoardFunction {
    let number = |name| fields.required(fields.number(name)).value;
    BoardFunction {
        slot: number("slot"),
        identity: number("identity"),
        base_register: number("base_register"),
        bytes: number("size"),
        virtio_access: fields.number("virtio_access").map(|one| one.value),
    }
}

fn devices(fields: &Fields) -> Vec<BoardDevice> {
    let mut devices = Vec::new();
    for (name, device) in fields.tables_by_name("device") {
        let interrupt = device.table("interrupt").map(|interrupt| BoardInterrupt {
            source: interrupt.required(interrupt.number("source")).value,
            level: *interrupt.required(interrupt.text("sense")) == "level",
            high: *interrupt.required(interrupt.text("polarity")) == "high",
        });
        devices.push(BoardDevice {
            name,
            doc: device.required(device.text("doc")).value,
            in_block: device.number("offset").is_some() && device.number("size").is_some(),
            offset: device.number("offset").unwrap_or_default().value,
            bytes: device.number("size").unwrap_or_default().value,
            function: device.table("function").map(|one| function(&one)),
            emulator: device.text("emulator").map(|text| text.value),
            interrupt,
            module_authority: device.text("module_authority").map(|text| text.value),
            places: Places::of(&device, keys::BOARD_DEVICE),
        });
    }
    devices
}
