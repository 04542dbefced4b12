//! Whether everything fits: the kernel its place, the system the RAM, the tables the kernel's slots.

use cofferdam_abi::{limits, space};
use cofferdam_model::{Diagnostic, RuleText, rule_text, show_bytes};

use crate::program::Elf;
use crate::{Checked, residency};

rule_text! {
    /// The kernel's segments lie in the kernel's memory, and leave the place of the tables free.
    ///
    /// The kernel is the same for every system; the tables are put beside it.
    static KERNEL_PLACE = "KERNEL-PLACE";
}
rule_text! {
    /// All memory of the partitions, their programs and the channels' messages fit the RAM.
    ///
    /// A region of a pinned partition takes a power of four, from 4K on, because it is one entry of TLB1. `cofferdam build` prints
    /// what each takes and what is lost to that.
    static MEMORY_TOTAL = "MEMORY-TOTAL";
}
rule_text! {
    /// The compiled tables fit the slots that the kernel has.
    ///
    /// The kernel allocates nothing; its tables have fixed sizes (`microkernel/abi`, `limits`).
    static LIMIT_TABLES = "LIMIT-TABLES";
}

rule_text! {
    /// No page of memory is reached by two partitions, but for the ring between them.
    ///
    /// It holds for every system, because each region gets a place of its own; it is proved on the finished plan all the same, since
    /// everything else stands on it. `[require] memory` names it for the reader.
    static REQUIRE_MEMORY = "REQUIRE-MEMORY";
}

pub(super) static RULES: &[&RuleText] =
    &[&KERNEL_PLACE, &MEMORY_TOTAL, &LIMIT_TABLES, &REQUIRE_MEMORY];

pub(super) fn kernel(kernel: &Elf, found: &mut Vec<Diagnostic>) {
    use space::kernel::{CONSTANTS, DATA, DATA_SIZE, TABLES, TEXT, TEXT_SIZE};
    let areas = [
        TEXT..TEXT + TEXT_SIZE,
        CONSTANTS..TABLES,
        DATA..DATA + DATA_SIZE,
    ];
    for segment in &kernel.segments {
        let fits = |area: &std::ops::Range<u32>| {
            area.contains(&segment.address) && segment.end() <= u64::from(area.end)
        };
        if !areas.iter().any(fits) {
            let (at, end) = (segment.address, segment.end());
            let message = format!(
                "a segment of the kernel from {at:#x} to {end:#x} lies outside of its memory"
            );
            let hint = "the image needs the kernel that this version of the tools builds";
            found.push(Diagnostic::without_place(&KERNEL_PLACE, message).hint(hint));
        }
    }
}

/// The system takes more than there is.
pub fn memory_exceeded(checked: &Checked, asked_bytes: u64) -> Diagnostic {
    let system = &checked.system;
    let from = u64::from(space::kernel::END);
    let has = residency::memory_end(system).saturating_sub(from);
    let message = format!(
        "the system takes {} of memory, and partitions have {}",
        show_bytes(asked_bytes),
        show_bytes(has),
    );
    let label = format!("the first {} are the kernel's", show_bytes(from));
    Diagnostic::error(&MEMORY_TOTAL, system.ram_bytes.span, message)
        .label(label)
        .hint("give the machine more `ram`, or partitions less `memory`; `tlb = \"refill\"` takes no more than is asked for")
}

/// How much of the kernel's tables a plan takes.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Memberships in groups.
    pub ranks: usize,
    /// Memory regions.
    pub regions: usize,
    /// Pristine copies.
    pub copies: usize,
    /// Writes to TLB1 at boundaries.
    pub tlb_writes: usize,
}

/// Where a plan takes more than the kernel has.
pub fn plan_limits(checked: &Checked, counts: &Counts) -> Vec<Diagnostic> {
    let all = [
        ("memberships of groups", counts.ranks, limits::RANKS),
        ("memory regions", counts.regions, limits::REGIONS),
        ("pristine copies", counts.copies, limits::COPIES),
        (
            "writes to TLB1 at window boundaries",
            counts.tlb_writes,
            limits::TLB_WRITES,
        ),
    ];
    let exceeded = all.iter().filter(|(_, count, limit)| count > limit);
    exceeded
        .map(|(what, count, limit)| limit_exceeded(checked, what, *count, *limit))
        .collect()
}

/// Tables that are too long.
pub fn tables_fit(checked: &Checked, bytes: usize) -> Option<Diagnostic> {
    let limit = limits::TABLES_BYTES;
    (bytes > limit).then(|| limit_exceeded(checked, "bytes of tables", bytes, limit))
}

fn limit_exceeded(checked: &Checked, what: &str, count: usize, limit: usize) -> Diagnostic {
    let message = format!("the system has {count} {what}, and the kernel has room for {limit}");
    Diagnostic::error(&LIMIT_TABLES, checked.system.name.span, message)
        .hint("make the system smaller, or raise the limit in `microkernel/abi` and build the kernel again")
}

/// A piece of physical memory that a partition reaches.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Which partition.
    pub partition: usize,
    /// From where to where.
    pub physical: std::ops::Range<u64>,
    /// What it is called.
    pub name: String,
    /// Whether it is the memory of a ring.
    pub ring: bool,
}

/// Where two partitions reach the same memory.
pub fn sharing(checked: &Checked, pieces: &[Piece]) -> Vec<Diagnostic> {
    let pairs = pieces
        .iter()
        .enumerate()
        .flat_map(|(index, one)| pieces[index + 1..].iter().map(move |next| (one, next)));
    let wrong = pairs.filter(|(one, next)| {
        let one_ring = one.ring && next.ring && one.name == next.name;
        let overlap =
            one.physical.start < next.physical.end && next.physical.start < one.physical.end;
        one.partition != next.partition && overlap && !one_ring
    });
    wrong
        .map(|(one, next)| {
            let name = |piece: &Piece| &checked.system.partitions[piece.partition].name;
            let message = format!(
                "`{}` of `{}` and `{}` of `{}` share memory",
                one.name,
                name(one),
                next.name,
                name(next),
            );
            let place = checked.system.memory.first().map(|required| required.span);
            let place = place.unwrap_or(checked.system.name.span);
            Diagnostic::error(&REQUIRE_MEMORY, place, message)
        })
        .collect()
}
