//! The device tree that a Linux guest finds: what it has, where, and how it asks for more.
//!
//! Linux on this processor learns of its machine from a *flattened device tree* (Devicetree Specification 0.4) alone, whose
//! address it is given at its start. The tree is that of QEMU's machine for this processor, `fsl,qemu-e500`, so that a stock
//! kernel's platform code takes it, with less in it: every look-up of the kernel walks the whole tree.
//!
//! | node | what it says |
//! |---|---|
//! | `/cpus` | one e500v2, its caches, and how fast its timebase counts |
//! | `/memory` | one range from address 0 |
//! | `/chosen` | the boot arguments, the initramfs, the console |
//! | `/soc` | the block of devices, of which there is the interrupt controller; and, where the system wants them, the registers that reset the machine, switch it off, and take the report of a panic; a disk and a network (`virtio.rs`) |
//! | `/hypervisor` | that a hypercall is `sc`, that there is one for idling, and the byte channel that is the console |
//!
//! A guest that is older than all this finds a UART for its console in place of the byte channel, and a bus of PCI without devices, where
//! the system wants that (`legacy.rs`).
//!
//! A user's *overlay* (a tree of changes, as `dtc -@ -I dts -O dtb` makes it) may add to this and change nothing of it: what the
//! tree says is so. See [`overlaid`].

#![forbid(unsafe_code)]

mod legacy;
mod overlay;
mod virtio;

use std::ops::Range;

use anyhow::Result;
use dtoolkit::ToPropertyValue;
use dtoolkit::memreserve::MemoryReservation;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

pub use legacy::{PCI, PCI_MEMORY, PCI_MEMORY_SIZE, PCI_PORTS, PCI_PORTS_SIZE, UART};
pub use overlay::{Fault, overlaid};
pub use virtio::{DISK, NETWORK, VIRTIO_SIZE};

/// Where the guest's block of devices (CCSR) lies in its physical memory.
pub const DEVICES: u32 = 0xe000_0000;
/// How large it is.
pub const DEVICES_SIZE: u32 = 0x10_0000;
/// Where in it the interrupt controller lies.
pub const INTERRUPT_CONTROLLER: u32 = 0x4_0000;
/// Where in it the global utilities lie, whose register RSTCR resets the machine.
pub const GLOBAL_UTILITIES: u32 = 0xe_0000;
/// Where in it the GPIO controller lies, whose pin 0 switches the machine off.
pub const GPIO: u32 = 0xf_f000;
/// Where in it the register lies by which a kernel reports that it panics.
pub const PANIC: u32 = 0xf_e000;

/// The handle of the console's byte channel.
pub const CONSOLE_HANDLE: u32 = 0;
/// `sc`, the instruction of a hypercall.
const SYSTEM_CALL: u32 = 0x4400_0002;

const CPU: &str = "PowerPC,8544@0";
const CONSOLE: &str = "byte-channel@0";

/// The e500v2's first-level caches (PowerPC e500 Core Family Reference Manual, section 3).
const CACHE_BYTES: u32 = 32 << 10;
const CACHE_LINE_BYTES: u32 = 32;

/// How other nodes name the interrupt controller and the GPIO controller.
const INTERRUPT_CONTROLLER_PHANDLE: u32 = 1;
const GPIO_PHANDLE: u32 = 2;

/// The second cell of an interrupt of this controller: level-sensitive, active high.
const LEVEL_HIGH: u32 = 2;

/// What the tree is made from.
#[derive(Clone, Debug)]
pub struct Facts<'f> {
    /// The guest's memory, from its physical address 0.
    pub memory_bytes: u32,
    /// How fast the timebase counts, and the decrementer.
    pub timebase_hz: u32,
    /// The core's clock.
    pub clock_hz: u32,
    /// The clock of the bus and of the devices on it.
    pub bus_hz: u32,
    /// What the kernel is told, as on a command line.
    pub boot_arguments: &'f str,
    /// The guest-physical addresses of the initramfs, the end excluded.
    pub initramfs: Option<Range<u32>>,
    /// The interrupt source that says that the console has input.
    pub receive_source: u32,
    /// The interrupt source that says that the console has room for output.
    pub transmit_source: u32,
    /// The interrupt source of the UART, where that is the console and there is no byte channel.
    pub uart_source: Option<u32>,
    /// Whether there is a bus of PCI.
    pub pci: bool,
    /// Whether there is a register that resets the machine.
    pub resets: bool,
    /// Whether there is a pin that switches it off.
    pub powers_off: bool,
    /// Guest-physical addresses of what lies in the guest's memory and is not its to give out, the ends excluded: whole pages.
    pub reserved: &'f [Range<u32>],
    /// The interrupt source of the pins, without which Linux's driver has none of them.
    pub pins_source: u32,
    /// Whether there is a register that takes the report of a panic.
    pub reports_panics: bool,
    /// The interrupt source of the disk, if there is one.
    pub disk_source: Option<u32>,
    /// That of the network, if there is one.
    pub network_source: Option<u32>,
    /// Randomness to begin with. Without it, runs are the same every time.
    pub rng_seed: Option<[u8; 32]>,
}

/// The tree, flattened.
pub fn device_tree(facts: &Facts<'_>) -> Result<Vec<u8>> {
    Ok(tree(facts)?.to_dtb())
}

fn tree(facts: &Facts<'_>) -> Result<DeviceTree> {
    let mut tree = DeviceTree::new();
    // In the block for this, which a kernel reads before it gives out memory (Devicetree Specification 0.4, section 5.3).
    tree.memory_reservations = facts
        .reserved
        .iter()
        .map(|one| MemoryReservation::new(one.start.into(), (one.end - one.start).into()))
        .collect();
    let mut root = Node::new("")?
        .with("compatible", "fsl,qemu-e500")?
        .with("model", "cofferdam")?
        .cells(2, 2)?
        .holding(cpus(facts)?)
        .holding(
            Node::new("memory")?
                .with("device_type", "memory")?
                .with("reg", [0, 0, 0, facts.memory_bytes])?,
        )
        .holding(chosen(facts)?)
        .holding(devices(facts)?)
        .holding(hypervisor(facts)?);
    if facts.uart_source.is_some() {
        root = root.holding(legacy::aliases()?);
    }
    if facts.pci {
        root = root.holding(legacy::pci()?);
    }
    tree.root = root.0;
    Ok(tree)
}

fn cpus(facts: &Facts<'_>) -> Result<Node> {
    let cpu = Node::new(CPU)?
        .with("device_type", "cpu")?
        .with("reg", 0_u32)?
        .with("status", "okay")?
        .with("timebase-frequency", facts.timebase_hz)?
        .with("clock-frequency", facts.clock_hz)?
        .with("bus-frequency", facts.bus_hz)?
        .with("i-cache-size", CACHE_BYTES)?
        .with("i-cache-line-size", CACHE_LINE_BYTES)?
        .with("d-cache-size", CACHE_BYTES)?
        .with("d-cache-line-size", CACHE_LINE_BYTES)?;
    Ok(Node::new("cpus")?.cells(1, 0)?.holding(cpu))
}

fn chosen(facts: &Facts<'_>) -> Result<Node> {
    let console = match facts.uart_source {
        Some(_) => legacy::uart_path(),
        None => format!("/hypervisor/{CONSOLE}"),
    };
    let mut chosen = Node::new("chosen")?
        .with("bootargs", facts.boot_arguments)?
        .with("stdout-path", console)?;
    if let Some(initramfs) = &facts.initramfs {
        chosen = chosen
            .with("linux,initrd-start", initramfs.start)?
            .with("linux,initrd-end", initramfs.end)?;
    }
    if let Some(seed) = facts.rng_seed {
        chosen = chosen.with("rng-seed", seed)?;
    }
    Ok(chosen)
}

/// Linux finds the block by its type and the controller by its `compatible`, and maps it wherever it lies.
fn devices(facts: &Facts<'_>) -> Result<Node> {
    let controller = device("pic", INTERRUPT_CONTROLLER, 0x4_0000)?
        .with("compatible", "fsl,mpic")?
        .with("device_type", "open-pic")?
        .flag("interrupt-controller")?
        .with("#interrupt-cells", 2_u32)?
        .with("#address-cells", 0_u32)?
        .with("phandle", INTERRUPT_CONTROLLER_PHANDLE)?;
    let mut block = Node::new(&format!("soc@{DEVICES:x}"))?
        .with("device_type", "soc")?
        .with("compatible", ["fsl,mpc8544-immr", "simple-bus"].as_slice())?
        .cells(1, 1)?
        .with("ranges", [0, 0, DEVICES, DEVICES_SIZE])?
        .with("bus-frequency", facts.bus_hz)?
        .holding(controller);
    if let Some(source) = facts.uart_source {
        block = block.holding(legacy::uart(source, facts)?);
    }
    if facts.resets {
        let utilities = device("global-utilities", GLOBAL_UTILITIES, 0x1000)?
            .with("compatible", "fsl,mpc8548-guts")?
            .flag("fsl,has-rstcr")?;
        block = block.holding(utilities);
    }
    if facts.powers_off {
        let gpio = device("gpio", GPIO, 0x1000)?
            .with("compatible", "fsl,qoriq-gpio")?
            .with("interrupt-parent", INTERRUPT_CONTROLLER_PHANDLE)?
            .with("interrupts", [facts.pins_source, LEVEL_HIGH])?
            .flag("gpio-controller")?
            .with("#gpio-cells", 2_u32)?
            .with("phandle", GPIO_PHANDLE)?;
        let pin = Node::new("power-off")?
            .with("compatible", "gpio-poweroff")?
            .with("gpios", [GPIO_PHANDLE, 0, 0])?;
        block = block.holding(gpio).holding(pin);
    }
    if facts.reports_panics {
        let register = device("pvpanic", PANIC, 2)?.with("compatible", "qemu,pvpanic-mmio")?;
        block = block.holding(register);
    }
    for node in virtio::nodes(facts)? {
        block = block.holding(node);
    }
    Ok(block)
}

/// `simple-bus`, because the platform code makes devices only of what lies on a bus that it knows: without it the console
/// prints, and there is no terminal to open.
fn hypervisor(facts: &Facts<'_>) -> Result<Node> {
    let hypervisor = Node::new("hypervisor")?
        .with("compatible", ["epapr,hypervisor", "simple-bus"].as_slice())?
        .cells(1, 0)?
        .with("hcall-instructions", SYSTEM_CALL)?
        .flag("has-idle")?;
    if facts.uart_source.is_some() {
        return Ok(hypervisor);
    }
    let console = Node::new(CONSOLE)?
        .with("compatible", "epapr,hv-byte-channel")?
        .with("reg", CONSOLE_HANDLE)?
        .with("hv-handle", CONSOLE_HANDLE)?
        .with("interrupt-parent", INTERRUPT_CONTROLLER_PHANDLE)?
        .with(
            "interrupts",
            [
                facts.receive_source,
                LEVEL_HIGH,
                facts.transmit_source,
                LEVEL_HIGH,
            ],
        )?;
    Ok(hypervisor.holding(console))
}

fn device(name: &str, offset: u32, size: u32) -> Result<Node> {
    Node::new(&format!("{name}@{offset:x}"))?.with("reg", [offset, size])
}

/// A node in the making.
struct Node(DeviceTreeNode);

impl Node {
    fn new(name: &str) -> Result<Self> {
        Ok(Self(DeviceTreeNode::new(name)?))
    }

    fn with(mut self, name: &str, value: impl ToPropertyValue) -> Result<Self> {
        self.0.add_property(DeviceTreeProperty::new(name, value)?);
        Ok(self)
    }

    /// A property that is there or not, and has no value.
    fn flag(self, name: &str) -> Result<Self> {
        self.with(name, [0_u8; 0])
    }

    /// How many cells an address and a size take in the nodes below.
    fn cells(self, address: u32, size: u32) -> Result<Self> {
        self.with("#address-cells", address)?
            .with("#size-cells", size)
    }

    fn holding(mut self, child: Self) -> Self {
        self.0.add_child(child.0);
        self
    }
}
