//! Guests: their memory, their tags, their places of TLB1.

use super::Statement;
use crate::numbers::{FRAME, TLB1_ENTRIES, TLB1_OF_GUEST, limit, place};
use crate::world::{World, region_at};

/// Guests.
pub(super) fn guests(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "guests",
        "each declared guest has its block and its register page, which are regions of its own partition, tags that no partition and no other guest has, and the last places of TLB1, two each; there is no other guest",
    );
    let count = world.declared.guests();
    let mut number = 0u32;
    for (_, tables, declared) in world.partitions() {
        let of = &declared.name;
        let (Some(guest), Some(bytes)) = (&tables.guest, declared.guest_bytes) else {
            let neither = tables.guest.is_none() && declared.guest_bytes.is_none();
            statement.require(neither, || {
                format!("whether {of} has a guest is not as declared")
            });
            continue;
        };
        statement.equal(u64::from(guest.memory_bytes), bytes, || {
            format!("the memory of the guest of {of}")
        });
        let at = |effective| region_at(tables, effective).map(|region| region.physical);
        let places = (Some(u64::from(guest.memory)), Some(u64::from(guest.page)));
        statement.equal(places, (at(place::GUEST), at(place::GUEST_PAGE)), || {
            format!("where the memory and the register page of the guest of {of} are")
        });
        statement.require(u64::from(guest.translations).is_multiple_of(FRAME), || {
            format!("the translations of the guest of {of} begin within a page")
        });
        // All tags behind the partitions' are the guests', in equal parts.
        let first = limit::PARTITIONS as u32 + 1;
        let each = (256 - first) / (count as u32).max(1);
        let tags = (u32::from(guest.tag_first), u32::from(guest.tag_count));
        statement.equal(tags, (first + number * each, each), || {
            format!("the tags of the guest of {of}")
        });
        let first = TLB1_ENTRIES.saturating_sub((number + 1) * TLB1_OF_GUEST);
        let found = (u32::from(guest.tlb1_first), u32::from(guest.tlb1_count));
        statement.equal(found, (first, TLB1_OF_GUEST), || {
            format!("the places of the guest of {of}")
        });
        let ordered =
            guest.stubs <= guest.enabling_stubs && guest.enabling_stubs <= guest.stubs_end;
        statement.require(ordered, || {
            format!("the stubs of the guest of {of} are not in their order")
        });
        number += 1;
    }
    statement
}
