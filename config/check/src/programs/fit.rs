//! Whether everything fits: the kernel its place, the system the RAM, the tables the kernel's slots.

use cofferdam_abi::{limits, space};
use cofferdam_model::{Diagnostic, MemoryRequirement, RuleText, rule_text, show_bytes};

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
    /// A region of a pinned partition takes a power of four, from 4K on, because it is one entry of TLB1. `cargo cofferdam build` shows
    /// what each partition takes and what is lost to that.
    static MEMORY_TOTAL = "MEMORY-TOTAL";
}
rule_text! {
    /// Each region of a pinned partition begins at a multiple of its size.
    ///
    /// It is one entry of TLB1, which translates no other addresses. Devices, rings and memory blocks have fixed places: one that is larger than its place is
    /// aligned to is translated page by page, in a partition with `tlb = "refill"`.
    static TLB_ALIGNED = "TLB-ALIGNED";
}
rule_text! {
    /// The compiled tables fit the slots that the kernel has.
    ///
    /// The kernel allocates nothing; its tables have fixed sizes (`microkernel/abi`, `limits`).
    static LIMIT_TABLES = "LIMIT-TABLES";
}

rule_text! {
    /// Each statement of `[require] memory` holds on the finished plan.
    ///
    /// `no page writable and executable` judges the rights of every region of every partition; `no page shared except by ring` every
    /// pair of regions of two partitions. What was proved is listed in plan.json.
    static REQUIRE_MEMORY = "REQUIRE-MEMORY";
}
rule_text! {
    /// In every system, no page of a partition is writable and executable, and none is reached by two partitions but for a ring's.
    ///
    /// Each region has rights of its own and gets a place of its own, so it always holds; it is proved on the finished plan all the same,
    /// since everything else stands on it.
    static MEMORY_ISOLATION = "MEMORY-ISOLATION";
}

pub(super) static RULES: &[&RuleText] = &[
    &KERNEL_PLACE,
    &MEMORY_TOTAL,
    &TLB_ALIGNED,
    &LIMIT_TABLES,
    &REQUIRE_MEMORY,
    &MEMORY_ISOLATION,
];

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

/// Regions that no entry of TLB1 can have where they are, of partitions that have theirs there.
pub fn entries_aligned(checked: &Checked, pieces: &[Piece]) -> Vec<Diagnostic> {
    let pinned = pieces
        .iter()
        .filter(|piece| checked.pinned[piece.partition]);
    let bytes = |piece: &Piece| piece.physical.end - piece.physical.start;
    pinned
        .filter(|piece| !u64::from(piece.effective).is_multiple_of(bytes(piece)))
        .map(|piece| {
            let partition = &checked.system.partitions[piece.partition];
            let message = format!(
                "`{}` is pinned, and `{}` takes {} at {:#010x}, which is no multiple of that",
                partition.name,
                piece.name,
                show_bytes(bytes(piece)),
                piece.effective
            );
            Diagnostic::error(&TLB_ALIGNED, partition.name.span, message)
                .hint("write `tlb = \"refill\"` for this partition")
        })
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
    /// At which effective address it has it.
    pub effective: u32,
    /// From where to where.
    pub physical: std::ops::Range<u64>,
    /// What it is called.
    pub name: String,
    /// Whether it is the memory of a ring.
    pub ring: bool,
    /// Whether the partition may write it.
    pub write: bool,
    /// Whether the partition may execute it.
    pub execute: bool,
}

/// Where a finished plan breaks a property of memory: each at the statement that asks for it, else as the fault of the build that
/// it is.
pub fn memory_properties(checked: &Checked, pieces: &[Piece]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for property in MemoryRequirement::ALL {
        let broken = match property {
            MemoryRequirement::WriteXorExecute => writable_and_executable(checked, pieces),
            MemoryRequirement::NoSharing => shared(checked, pieces),
        };
        let mut statements = checked.system.memory.iter();
        let statement = statements.find(|one| one.value == property);
        let (rule, place) = match statement {
            Some(statement) => (&REQUIRE_MEMORY, statement.span),
            None => (&MEMORY_ISOLATION, checked.system.name.span),
        };
        let hint = "the plan is at fault, not the file: build with the tools of one version";
        found.extend(
            broken
                .into_iter()
                .map(|message| Diagnostic::error(rule, place, message).hint(hint)),
        );
    }
    found
}

fn writable_and_executable(checked: &Checked, pieces: &[Piece]) -> Vec<String> {
    let wrong = pieces.iter().filter(|piece| piece.write && piece.execute);
    let message = |piece: &Piece| {
        let owner = &checked.system.partitions[piece.partition].name;
        format!("`{owner}` can write and execute its `{}`", piece.name)
    };
    wrong.map(message).collect()
}

fn shared(checked: &Checked, pieces: &[Piece]) -> Vec<String> {
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
    let name = |piece: &Piece| &checked.system.partitions[piece.partition].name;
    wrong
        .map(|(one, next)| {
            format!(
                "`{}` of `{}` and `{}` of `{}` share memory",
                one.name,
                name(one),
                next.name,
                name(next),
            )
        })
        .collect()
}
