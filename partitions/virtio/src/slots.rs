//! Sets of slots, as bit masks: which of a driver's slots have what is at the device, or wait.

/// The set of one slot.
pub const fn bit(slot: u8) -> u64 {
    1 << (slot as u32 % u64::BITS)
}

/// The numbers of the slots in a set.
pub fn of_mask(mut mask: u64) -> impl Iterator<Item = u8> {
    core::iter::from_fn(move || {
        let slot = (mask != 0).then(|| mask.trailing_zeros() as u8)?;
        mask &= mask - 1;
        Some(slot)
    })
}
