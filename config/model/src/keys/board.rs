//! The keys of a board file.

use super::{Key, Shape, optional, required};

/// A board file.
pub const BOARD_FILE: &[Key] = &[
    required("board", Shape::Table(BOARD), "The board as a whole."),
    optional(
        "bus",
        Shape::Table(BOARD_BUS),
        "The bus of devices (PCI), if the board has one.",
    ),
    optional(
        "device",
        Shape::Named(BOARD_DEVICE),
        "The devices that partitions can own, by name.",
    ),
];

/// `[bus]` of a board file.
pub const BOARD_BUS: &[Key] = &[
    required(
        "registers_offset",
        Shape::Integer,
        "The registers of its controller, in the block of devices.",
    ),
    required(
        "memory_physical",
        Shape::Integer,
        "Where the processor reaches the memory of devices on the bus.",
    ),
    required("memory_address", Shape::Integer, "The same on the bus."),
    required(
        "memory_size",
        Shape::Size,
        "How much of it: a power of two.",
    ),
];

/// `[board]`.
pub const BOARD: &[Key] = &[
    required("name", Shape::Text, "The board's name."),
    required(
        "machine",
        Shape::Choice(&["ppce500"]),
        "The machine in QEMU that a system for this board runs on.",
    ),
    required("timebase_hz", Shape::Integer, "Timebase ticks per second."),
    required(
        "ram_multiple",
        Shape::Size,
        "The RAM is a multiple of this.",
    ),
    required(
        "interrupts_off_max",
        Shape::Text,
        "The longest that the kernel keeps interrupts off on this board: a guard is at least twice that.",
    ),
    required(
        "interrupts_off_max_with_guests",
        Shape::Text,
        "The same in a system with guests, whose translations take longer paths.",
    ),
    required(
        "devices_physical",
        Shape::Integer,
        "The physical address of the block of devices (CCSR).",
    ),
    required("devices_size", Shape::Size, "The size of that block."),
    required(
        "interrupt_controller_offset",
        Shape::Integer,
        "The interrupt controller (MPIC) in the block.",
    ),
    required(
        "uart_offset",
        Shape::Integer,
        "The UART for the kernel's last words, in the block.",
    ),
    required(
        "reset_offset",
        Shape::Integer,
        "The register that resets the machine, in the block.",
    ),
    required("reset_value", Shape::Integer, "What to write there."),
];

/// `[device.NAME]` of a board file.
pub const BOARD_DEVICE: &[Key] = &[
    required("doc", Shape::Text, "What it is."),
    optional(
        "offset",
        Shape::Integer,
        "Its registers in the block of devices, with `size`. A device has these two, or `function`.",
    ),
    optional("size", Shape::Size, "How many bytes of registers."),
    optional(
        "function",
        Shape::Table(BOARD_FUNCTION),
        "The function on the bus that it is.",
    ),
    optional(
        "emulator",
        Shape::Text,
        "How QEMU is told to have it: as behind `-device`. What is behind a disk or a network has the device's name.",
    ),
    optional("interrupt", Shape::Table(BOARD_INTERRUPT), "Its interrupt."),
    optional(
        "module_authority",
        Shape::Text,
        "What its owner can do to the machine as a whole, if anything.",
    ),
];

/// `function` of a device of a board file.
pub const BOARD_FUNCTION: &[Key] = &[
    required("slot", Shape::Integer, "Its slot on the bus, from 1 on."),
    required(
        "identity",
        Shape::Integer,
        "The first word of its configuration space: device in the upper half, vendor in the lower.",
    ),
    required(
        "base_register",
        Shape::Integer,
        "Which of its base address registers its registers are behind, from 0 to 5.",
    ),
    required(
        "size",
        Shape::Size,
        "How much is behind that: a power of two.",
    ),
    optional(
        "virtio_access",
        Shape::Integer,
        "Of a virtio device, where in its configuration space the capability is by which its registers are reached from there \
         (VIRTIO_PCI_CAP_PCI_CFG): so it is reset, and asked whether it keeps to the bus's window.",
    ),
];

/// `interrupt` of a device of a board file.
pub const BOARD_INTERRUPT: &[Key] = &[
    required(
        "source",
        Shape::Integer,
        "Its number at the interrupt controller.",
    ),
    required(
        "sense",
        Shape::Choice(&["level", "edge"]),
        "Level-sensitive or edge-sensitive.",
    ),
    required(
        "polarity",
        Shape::Choice(&["high", "low"]),
        "Active high or rising edge, or active low or falling edge.",
    ),
];
