//! What a guest finds that knows nothing of hypervisors: a UART for its console, and a bus of PCI, which firmware takes for granted.

use anyhow::Result;

use crate::{DEVICES, Facts, INTERRUPT_CONTROLLER_PHANDLE, LEVEL_HIGH, Node, device};

/// Where in the block of devices the UART lies.
pub const UART: u32 = 0x4500;

/// Where in the block of devices the host bridge of PCI lies.
pub const PCI: u32 = 0x8000;
/// Where in the guest's physical memory that of the bus can be reached.
pub const PCI_MEMORY: u32 = 0xc000_0000;
/// How much memory.
pub const PCI_MEMORY_SIZE: u32 = 0x10_0000;
/// Where the ports of the bus can be reached.
pub const PCI_PORTS: u32 = 0xe100_0000;
/// How many ports.
pub const PCI_PORTS_SIZE: u32 = 0x1_0000;
/// The first cell of an address on the bus (IEEE 1275, PCI bus binding, section 2.2.1.1).
const OF_PORTS: u32 = 0x0100_0000;
const OF_MEMORY: u32 = 0x0200_0000;

/// The path of the UART.
pub(crate) fn uart_path() -> String {
    format!("/soc@{DEVICES:x}/serial@{UART:x}")
}

pub(crate) fn uart(source: u32, facts: &Facts<'_>) -> Result<Node> {
    device("serial", UART, 0x100)?
        .with("compatible", "ns16550")?
        .with("device_type", "serial")?
        .with("clock-frequency", facts.bus_hz)?
        .with("interrupt-parent", INTERRUPT_CONTROLLER_PHANDLE)?
        .with("interrupts", [source, LEVEL_HIGH])
}

/// Firmware finds its console by its alias.
pub(crate) fn aliases() -> Result<Node> {
    Node::new("aliases")?.with("serial0", uart_path())
}

/// Nothing is on the bus, so that no interrupt of it is described.
pub(crate) fn pci() -> Result<Node> {
    let bridge = DEVICES + PCI;
    Node::new(&format!("pci@{bridge:x}"))?
        .with("compatible", "fsl,mpc8540-pci")?
        .with("device_type", "pci")?
        .cells(3, 2)?
        .with("#interrupt-cells", 1_u32)?
        .with("reg", [0, bridge, 0, 0x1000])?
        .with("bus-range", [0_u32, 0])?
        .with(
            "ranges",
            [
                [OF_MEMORY, 0, PCI_MEMORY, 0, PCI_MEMORY, 0, PCI_MEMORY_SIZE],
                [OF_PORTS, 0, 0, 0, PCI_PORTS, 0, PCI_PORTS_SIZE],
            ]
            .concat()
            .as_slice(),
        )
}
