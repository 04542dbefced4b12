//! Where not everything may be rewritten, and why. What Linux does with its own text at run time is in the tables of its ELF
//! (`arch/powerpc/lib/feature-fixups.c`, `kernel/jump_label.c`, `arch/powerpc/kernel/kvm.c`), and in its symbols.
//!
//! A word that is replaced by a word may stand in code that Linux copies, overwrites as a whole, or runs at another address: it means the same
//! everywhere. A branch to a stub may not, for the stub leads back to where it was rewritten.

use std::ops::Range;

use crate::Refusal;
use crate::kernel::Kernel;

/// Some of a kernel's code.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) addresses: Range<u32>,
    pub(crate) rule: Rule,
}

/// What may be done in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A word may stand in for a word; no stub may.
    WordsOnly(&'static str),
    /// Nothing.
    Nothing(&'static str),
}

const EARLY: &str = "it runs before Linux has mapped its memory, or where it is not linked";
const OTHER_SPACE: &str = "it runs while the address space changes";
const TEMPLATE: &str = "Linux copies it, as a template";
const ALTERNATIVE: &str = "Linux copies over it, or from it, by what the processor has";
const FLUSH: &str = "Linux takes it out if it does not flush the branch predictor";
const WRITTEN: &str = "Linux writes this word itself";
const FAULTS: &str = "it may fault, and Linux looks up where";

/// Code that works on the translations under itself (`head_85xx.S`, `mm/nohash/tlb_low.S`).
const OF_OTHER_SPACE: [&str; 7] = [
    "switch_to_as1",
    "restore_to_as0",
    "loadcam_entry",
    "loadcam_multi",
    "create_kaslr_tlb_entry",
    "reloc_kernel_entry",
    "get_phys_addr",
];

/// Code that is copied: for a guest of KVM, and for the next kernel.
const COPIED: [(&str, &str); 2] = [
    ("kvm_template_start", "kvm_tmp_end"),
    ("relocate_new_kernel", "relocate_new_kernel_size"),
];

/// Where the hypercall's instructions are put, of which there are up to four (`epapr_paravirt.c`).
const HYPERCALLS: [&str; 2] = ["epapr_hypercall_start", "epapr_ev_idle_start"];

/// What the tables say.
pub(crate) struct Regions {
    /// All regions. Those with the stricter rule come first.
    pub(crate) all: Vec<Region>,
    /// Where code begins that no symbol names: alternatives, and where Linux goes on after a fault.
    pub(crate) entries: Vec<u32>,
}

/// All regions of a kernel.
pub(crate) fn regions(kernel: &Kernel) -> Result<Regions, Refusal> {
    let mut all = Vec::new();
    let mut code = Vec::new();
    let mut add = |addresses: Range<u32>, rule: Rule| all.push(Region { addresses, rule });

    for (start, end) in COPIED {
        if let Some(addresses) = kernel.between(start, end) {
            add(addresses, Rule::Nothing(TEMPLATE));
        }
    }
    for name in HYPERCALLS {
        if let Some(start) = kernel.address(name) {
            add(start..start + 16, Rule::Nothing(WRITTEN));
        }
    }
    // A call through a static key goes by way of one of these.
    for addresses in kernel.with_prefix("__SCT__") {
        add(addresses, Rule::Nothing(WRITTEN));
    }
    for place in kernel.with_prefix("patch__") {
        let site = relative(kernel, place.start)?;
        add(site..site + 4, Rule::Nothing(WRITTEN));
    }
    for (start, end, step, words) in [
        (
            "__start___barrier_nospec_fixup",
            "__stop___barrier_nospec_fixup",
            4,
            2,
        ),
        ("__start___lwsync_fixup", "__stop___lwsync_fixup", 4, 1),
        ("__start___jump_table", "__stop___jump_table", 12, 1),
    ] {
        for entry in entries(kernel, start, end, step) {
            let site = relative(kernel, entry)?;
            add(site..site + 4 * words, Rule::Nothing(WRITTEN));
        }
    }

    add(
        kernel.entry..kernel.needed("interrupt_base")?,
        Rule::WordsOnly(EARLY),
    );
    for name in OF_OTHER_SPACE {
        if let Some(addresses) = kernel.extent(name) {
            add(addresses, Rule::WordsOnly(OTHER_SPACE));
        }
    }
    // Mask, value, and four distances: to the code and its end, to the alternative and its end.
    for (start, end) in [
        ("__start___ftr_fixup", "__stop___ftr_fixup"),
        ("__start___mmu_ftr_fixup", "__stop___mmu_ftr_fixup"),
    ] {
        for entry in entries(kernel, start, end, 24) {
            for pair in [8, 16] {
                let distance = |at: u32| distance(kernel, entry + at);
                let start = entry.wrapping_add_signed(distance(pair)?);
                let end = entry.wrapping_add_signed(distance(pair + 4)?);
                add(start..end, Rule::WordsOnly(ALTERNATIVE));
                code.push(start);
            }
        }
    }
    for entry in entries(
        kernel,
        "__start__btb_flush_fixup",
        "__stop__btb_flush_fixup",
        8,
    ) {
        let start = relative(kernel, entry)?;
        let end = entry.wrapping_add_signed(distance(kernel, entry + 4)?);
        add(start..end, Rule::WordsOnly(FLUSH));
    }
    for entry in entries(kernel, "__start___ex_table", "__stop___ex_table", 8) {
        let site = relative(kernel, entry)?;
        add(site..site + 4, Rule::WordsOnly(FAULTS));
        code.push(relative(kernel, entry + 4)?);
    }
    Ok(Regions { all, entries: code })
}

/// The addresses of a table's entries.
fn entries(kernel: &Kernel, start: &str, end: &str, step: usize) -> impl Iterator<Item = u32> {
    let table = kernel.between(start, end).unwrap_or_default();
    table.step_by(step)
}

/// A signed word: how far something is from somewhere.
fn distance(kernel: &Kernel, at: u32) -> Result<i32, Refusal> {
    let word = kernel.word(at);
    word.map(u32::cast_signed)
        .ok_or_else(|| Refusal::Unreadable(format!("a table of it ends at {at:#010x}")))
}

/// Where a word points that says how far from itself something is.
fn relative(kernel: &Kernel, at: u32) -> Result<u32, Refusal> {
    Ok(at.wrapping_add_signed(distance(kernel, at)?))
}
