//! The facts of a board, from its file.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Refusal;
use crate::declared::Named;
use crate::units::{self, Quantity};

/// A board file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    board: Board,
    bus: Option<Bus>,
    #[serde(default)]
    device: Named<Device>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Board {
    name: String,
    #[serde(rename = "machine")]
    _machine: IgnoredAny,
    timebase_hz: u64,
    ram_multiple: Quantity,
    interrupts_off_max: String,
    interrupts_off_max_with_guests: String,
    devices_physical: u64,
    devices_size: Quantity,
    interrupt_controller_offset: u64,
    uart_offset: u64,
    reset_offset: u64,
    reset_value: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bus {
    registers_offset: u64,
    memory_physical: u64,
    memory_address: u64,
    memory_size: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    #[serde(rename = "doc")]
    _doc: IgnoredAny,
    offset: Option<u64>,
    size: Option<Quantity>,
    function: Option<FunctionOnBoard>,
    #[serde(rename = "emulator")]
    _emulator: Option<IgnoredAny>,
    interrupt: Option<InterruptOnBoard>,
    module_authority: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionOnBoard {
    slot: u64,
    identity: u64,
    base_register: u64,
    size: Quantity,
    virtio_access: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InterruptOnBoard {
    source: u64,
    sense: String,
    polarity: String,
}

/// The facts of a board.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Ticks of the timebase per second.
    pub timebase_hz: u64,
    /// The RAM is a multiple of this.
    pub ram_multiple: u64,
    /// The longest that the kernel keeps interrupts off: without guests, and with.
    pub interrupts_off_max: [u64; 2],
    /// The block of devices.
    pub devices_physical: u64,
    /// Its size.
    pub devices_bytes: u64,
    /// The interrupt controller in it.
    pub interrupt_controller_offset: u64,
    /// The UART of the kernel's last words.
    pub uart_offset: u64,
    /// The register that resets.
    pub reset_offset: u64,
    /// What is written there.
    pub reset_value: u64,
    /// The bus.
    pub bus: Option<BusFacts>,
    /// The devices.
    pub devices: Vec<DeviceFacts>,
}

/// The facts of a bus.
#[derive(Clone, Debug)]
pub struct BusFacts {
    /// Its controller's registers in the block of devices.
    pub registers_offset: u64,
    /// Its devices' memory for the processor.
    pub memory_physical: u64,
    /// The same on the bus.
    pub memory_address: u64,
    /// How much.
    pub memory_bytes: u64,
}

/// The facts of a device.
#[derive(Clone, Debug)]
pub struct DeviceFacts {
    /// Its name.
    pub name: String,
    /// The physical address of its registers, and how many bytes they are; none for one on the bus.
    pub registers: Option<(u64, u64)>,
    /// What it is on the bus.
    pub function: Option<FunctionFacts>,
    /// Its interrupt: source, level-sensitive, active high.
    pub interrupt: Option<(u64, bool, bool)>,
    /// What its owner can do to the machine.
    pub module_authority: Option<String>,
}

/// The facts of a function on the bus.
#[derive(Clone, Debug)]
pub struct FunctionFacts {
    /// Its slot.
    pub slot: u64,
    /// The first word of its configuration space.
    pub identity: u32,
    /// Which base address register.
    pub base_register: u8,
    /// How much is behind that.
    pub bytes: u64,
    /// Where the capability is that reaches its registers from configuration space.
    pub virtio_access: Option<u8>,
}

impl Facts {
    /// Reads a board file.
    ///
    /// # Errors
    /// If something in it is not understood.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let wrong =
            |error: toml::de::Error| Refusal::new(format!("the board file: {}", error.message()));
        let file: File = toml::from_str(text).map_err(wrong)?;
        let board = file.board;
        let hz = board.timebase_hz;
        let bus = match file.bus {
            None => None,
            Some(bus) => Some(BusFacts {
                registers_offset: bus.registers_offset,
                memory_physical: bus.memory_physical,
                memory_address: bus.memory_address,
                memory_bytes: bus.memory_size.bytes()?,
            }),
        };
        let devices = file.device.0.into_iter();
        Ok(Self {
            timebase_hz: hz,
            ram_multiple: board.ram_multiple.bytes()?,
            interrupts_off_max: [
                units::ticks(&board.interrupts_off_max, hz)?,
                units::ticks(&board.interrupts_off_max_with_guests, hz)?,
            ],
            devices_physical: board.devices_physical,
            devices_bytes: board.devices_size.bytes()?,
            interrupt_controller_offset: board.interrupt_controller_offset,
            uart_offset: board.uart_offset,
            reset_offset: board.reset_offset,
            reset_value: board.reset_value,
            bus,
            devices: devices
                .map(|(name, device)| device_facts(name, device, board.devices_physical))
                .collect::<Result<_, _>>()?,
            name: board.name,
        })
    }

    /// A device by its name.
    pub fn device(&self, name: &str) -> Option<&DeviceFacts> {
        self.devices.iter().find(|one| one.name == name)
    }
}

fn device_facts(name: String, device: Device, block: u64) -> Result<DeviceFacts, Refusal> {
    let narrow = |number: u64, what: &str| {
        u32::try_from(number)
            .map_err(|_| Refusal::new(format!("the {what} of `{name}` is too large")))
    };
    let function = match &device.function {
        None => None,
        Some(function) => Some(FunctionFacts {
            slot: function.slot,
            identity: narrow(function.identity, "identity")?,
            base_register: narrow(function.base_register, "base register")? as u8,
            bytes: function.size.bytes()?,
            virtio_access: match function.virtio_access {
                Some(at) => Some(narrow(at, "capability")? as u8),
                None => None,
            },
        }),
    };
    let registers = match (device.offset, &device.size) {
        (Some(offset), Some(size)) => Some((block.saturating_add(offset), size.bytes()?)),
        _ => None,
    };
    let interrupt = device.interrupt.as_ref().map(|interrupt| {
        let level = interrupt.sense == "level";
        let high = interrupt.polarity == "high";
        (interrupt.source, level, high)
    });
    Ok(DeviceFacts {
        registers,
        function,
        interrupt,
        module_authority: device.module_authority,
        name,
    })
}
