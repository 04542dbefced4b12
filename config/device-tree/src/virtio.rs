//! A disk and a network by virtio (Devicetree bindings of Linux, `virtio/mmio.yaml`), where the guest has any.

use anyhow::Result;

use crate::{Facts, INTERRUPT_CONTROLLER_PHANDLE, LEVEL_HIGH, Node, device};

/// Where in the block of devices the registers of the disk lie.
pub const DISK: u32 = 0xd_2000;
/// Where those of the network lie.
pub const NETWORK: u32 = 0xd_3000;
/// How many bytes of registers each has.
pub const VIRTIO_SIZE: u32 = 0x200;

/// A node for each that there is.
pub(crate) fn nodes(facts: &Facts<'_>) -> Result<Vec<Node>> {
    let disk = facts.disk_source.map(|source| (DISK, source));
    let network = facts.network_source.map(|source| (NETWORK, source));
    let there = disk.into_iter().chain(network);
    there
        .map(|(offset, source)| {
            device("virtio_mmio", offset, VIRTIO_SIZE)?
                .with("compatible", "virtio,mmio")?
                .with("interrupt-parent", INTERRUPT_CONTROLLER_PHANDLE)?
                .with("interrupts", [source, LEVEL_HIGH])
        })
        .collect()
}
