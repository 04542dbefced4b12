//! Devices on the bus: where their registers are, and what the kernel does to let them out and to take them back.
//!
//! All of that is words of configuration space (PCI Local Bus Specification 3.0, section 6.1), so the kernel needs to know nothing of
//! it. A virtio device is reset, and asked what it offers, by the capability through which its registers can be reached from there
//! (Virtual I/O Device 1.2, section 4.1.4.9): the kernel maps no device.

use cofferdam_abi::space;
use cofferdam_check::{Checked, arena};
use cofferdam_model::{BoardFunction, Dma, System};
use cofferdam_tables::Step;

use crate::place::PAGE;
use crate::plan::{BusPlan, FunctionPlan};

/// In configuration space.
const IDENTITY: u8 = 0;
const COMMAND: u8 = 4;
const BASE_ADDRESSES: u8 = 0x10;
/// Bits of the command.
const COMMAND_MEMORY: u32 = 2;
const COMMAND_MASTER: u32 = 4;
/// The capability's head: vendor specific, and the kind; and its words.
const CAPABILITY: u32 = 0x0500_0009;
const CAPABILITY_MASK: u32 = 0xff00_00ff;
const CAPABILITY_OFFSET: u8 = 8;
const CAPABILITY_LENGTH: u8 = 12;
const CAPABILITY_DATA: u8 = 16;
/// In a virtio device's common configuration (Virtual I/O Device 1.2, section 4.1.4.3), which begins where its registers do.
const DEVICE_FEATURE_SELECT: u32 = 0;
const DEVICE_FEATURE: u32 = 4;
const DEVICE_STATUS: u32 = 0x14;
/// `VIRTIO_F_ACCESS_PLATFORM` is bit 33: it is in the second word of features.
const FEATURES_FROM_32: u32 = 1;
const ACCESS_PLATFORM: u32 = 2;

/// The bus of a system, its arena still without a place. None if no device on it is in use.
pub(crate) fn plan(checked: &Checked) -> Option<BusPlan> {
    let Checked { system, board, .. } = checked;
    let bus = board.bus.as_ref()?;
    let mut functions: Vec<_> = (system.devices.iter().enumerate())
        .filter_map(|(index, device)| {
            let on_board = board.device(&device.name)?;
            let function = on_board.function?;
            let mut partitions = 0..system.partitions.len();
            let plan = FunctionPlan {
                device: device.name.value.clone(),
                owner: partitions.find(|one| arena::owns(system, *one, index))?,
                slot: function.slot,
                dma: match *device.dma {
                    Dma::None => "none",
                    Dma::Arena => "arena",
                    Dma::Trusted => "trusted",
                },
                reaches: reached(system, index),
                address: 0,
                physical: 0,
                emulator: on_board.emulator.clone(),
                medium_bytes: device.medium_bytes.as_ref().map(|bytes| **bytes),
                forward: (device.forward.as_ref()).and_then(|port| u16::try_from(**port).ok()),
            };
            Some((function.bytes.max(PAGE), plan))
        })
        .collect();
    if functions.is_empty() {
        return None;
    }
    // The largest first: so each is aligned to its size.
    functions.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let mut at = 0;
    for (bytes, function) in &mut functions {
        function.address = (bus.memory_address + at) as u32;
        function.physical = bus.memory_physical + at;
        at += *bytes;
    }
    Some(BusPlan {
        arena_physical: 0,
        arena_bytes: arena::bytes(&arena::pieces(system)),
        arena_address: space::ARENA,
        functions: functions.into_iter().map(|(_, plan)| plan).collect(),
    })
}

/// The partitions besides its owner whose memory a device reaches by itself.
fn reached(system: &System, device: usize) -> Vec<String> {
    let pieces = arena::pieces(system);
    let has_some = |partition: usize| {
        let mut pieces = pieces.iter();
        pieces.any(|piece| arena::has(system, partition, piece))
    };
    let others = (0..system.partitions.len()).filter(|one| !arena::owns(system, *one, device));
    let reached = others.filter(|partition| match *system.devices[device].dma {
        Dma::None => false,
        Dma::Arena => has_some(*partition),
        Dma::Trusted => true,
    });
    reached
        .map(|partition| system.partitions[partition].name.value.clone())
        .collect()
}

/// What the kernel does with a function, at the beginning of its owner's life and at the end.
pub(crate) fn steps(function: &BoardFunction, plan: &FunctionPlan) -> Vec<Step> {
    let write = |at_end, register, value| Step {
        at_end,
        register,
        mask: 0,
        value,
    };
    let require = |register, mask, value| Step {
        at_end: false,
        register,
        mask,
        value,
    };
    let base = BASE_ADDRESSES + 4 * function.base_register as u8;
    let mut steps = vec![
        require(IDENTITY, u32::MAX, function.identity as u32),
        write(false, COMMAND, 0),
        write(false, base, plan.address),
    ];
    let access = function.virtio_access.map(|at| at as u8);
    let point = |at_end, at: u8, offset, length| {
        [
            write(at_end, at + CAPABILITY_OFFSET, offset),
            write(at_end, at + CAPABILITY_LENGTH, length),
        ]
    };
    let reset = |at_end, at: u8| {
        let there = point(at_end, at, DEVICE_STATUS, 1);
        there
            .into_iter()
            .chain([write(at_end, at + CAPABILITY_DATA, 0)])
    };
    if let Some(at) = access {
        // The upper half of a base address of 64 bits.
        steps.push(write(false, base + 4, 0));
        steps.push(require(at, CAPABILITY_MASK, CAPABILITY));
        steps.extend(reset(false, at));
        // One that does not offer it reaches all of memory, and as QEMU's source reads may do so at a notification even while it is no master
        // (docs/dma.md). Nobody gets its registers, unless it is trusted.
        if plan.dma != "trusted" {
            steps.extend(point(false, at, DEVICE_FEATURE_SELECT, 4));
            steps.push(write(false, at + CAPABILITY_DATA, FEATURES_FROM_32));
            steps.extend(point(false, at, DEVICE_FEATURE, 4));
            steps.push(require(
                at + CAPABILITY_DATA,
                ACCESS_PLATFORM,
                ACCESS_PLATFORM,
            ));
        }
    }
    let master = if plan.dma == "none" {
        0
    } else {
        COMMAND_MASTER
    };
    steps.push(write(false, COMMAND, COMMAND_MEMORY | master));
    steps.push(write(true, COMMAND, 0));
    steps.extend(access.into_iter().flat_map(|at| reset(true, at)));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps for a virtio device.
    fn with(dma: &'static str) -> Vec<Step> {
        let function = BoardFunction {
            slot: 1,
            identity: 0x1042_1af4,
            base_register: 4,
            bytes: 0x4000,
            virtio_access: Some(0x84),
        };
        let plan = FunctionPlan {
            device: String::new(),
            owner: 0,
            slot: 1,
            dma,
            reaches: Vec::new(),
            address: 0xe000_0000,
            physical: 0,
            emulator: None,
            medium_bytes: None,
            forward: None,
        };
        steps(&function, &plan)
    }

    #[test]
    fn whoever_reaches_no_memory_is_no_master() {
        let is_master = |step: &Step| step.register == COMMAND && step.value & COMMAND_MASTER != 0;
        assert!(!with("none").iter().any(is_master));
        assert!(with("arena").iter().any(is_master));
        assert!(with("trusted").iter().any(is_master));
    }

    #[test]
    fn who_is_not_trusted_offers_to_keep_to_the_window() {
        let asks = |step: &Step| step.mask == ACCESS_PLATFORM && step.value == ACCESS_PLATFORM;
        assert!(with("arena").iter().any(asks));
        assert!(!with("trusted").iter().any(asks));
        // Before it is a master.
        let steps = with("arena");
        let asked = steps.iter().position(asks);
        let out = steps.iter().rposition(|step| !step.at_end);
        assert!(asked < out);
    }
}
