//! What partitions share that no file configures: the same as `docs/caveats.md` says of all systems, with who it is in this one.

use cofferdam_build::Built;

use super::name;
use crate::data::Shared;

/// Each piece of hardware that more than one partition uses.
pub(super) fn shared(built: &Built) -> Vec<Shared> {
    let plan = &built.plan;
    let described = &built.checked.system.partitions;
    let all = || plan.partitions.iter().map(|one| one.name.clone());
    // A guest's own translations are refilled, whatever those of its monitor are.
    let refilled = plan.partitions.iter().zip(described);
    let refilled =
        refilled.filter(|(plan, described)| plan.tlb != "pinned" || described.guest.is_some());
    let functions = plan.bus.iter().flat_map(|bus| &bus.functions);
    let mut owners: Vec<_> = functions.map(|one| name(plan, one.owner)).collect();
    owners.sort();
    owners.dedup();
    let one = |what: &str, between: Vec<String>, kept_apart: &str, noticed: &str| Shared {
        what: what.to_owned(),
        between,
        kept_apart: kept_apart.to_owned(),
        noticed: noticed.to_owned(),
    };
    let table = [
        one(
            "caches",
            all().collect(),
            "nothing: they are not emptied between windows",
            "what others left there, as the time that one's own accesses take",
        ),
        one(
            "TLB0",
            refilled.map(|(plan, _)| plan.name.clone()).collect(),
            "the PID in each entry: nobody uses another's; it is not flushed between windows",
            "which of one's own entries are gone",
        ),
        one(
            "memory and its bus",
            all().collect(),
            "windows: one partition has the processor at a time; devices that reach memory do so in all windows",
            "how long accesses take, while a device has the bus as well",
        ),
        one(
            "the bus of devices",
            owners,
            "one window onto the DMA arena for all of them; what is reached by it is among the flows above",
            "how long a device takes",
        ),
    ];
    let shared = table.into_iter().filter(|one| one.between.len() > 1);
    shared.collect()
}
