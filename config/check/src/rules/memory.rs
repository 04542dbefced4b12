//! RAM, partitions' memory, and the entries of TLB1.

use cofferdam_abi::limits;
use cofferdam_abi::space::kernel;
use cofferdam_model::{Board, System, Tlb, show_bytes};

use super::{Findings, Rule, rule};
use crate::residency;

pub(super) static RULES: &[&Rule] = &[
    &RAM_SIZE,
    &MEMORY_ALIGNMENT,
    &MEMORY_STACK,
    &MEMORY_SUM,
    &TLB_PINNED,
    &TLB_BUDGET,
];

const PAGE: u64 = 0x1000;

rule! {
    /// The RAM is what the board can have, more than the kernel keeps, and no more than the kernel can map.
    ///
    /// The first 64M are the kernel's, with room for what the loader puts there. The kernel reaches partitions' memory by at most
    /// three entries of TLB1, each a power of four.
    RAM_SIZE = "RAM-SIZE", ram;
}

fn ram(system: &System, board: &Board, findings: &mut Findings) {
    let ram = &system.ram_bytes;
    let own = u64::from(kernel::END);
    let reach = residency::ram_blocks(own, u64::MAX / 2);
    let reach = reach.last().map_or(own, |(at, size)| at + size);
    let multiple = board.ram_multiple_bytes.max(1);
    let wrong = if !ram.is_multiple_of(multiple) {
        format!("is no multiple of {}", show_bytes(multiple))
    } else if **ram <= own {
        "leaves nothing for partitions".to_string()
    } else if residency::memory_end(system) < **ram {
        "is more than the kernel can map".to_string()
    } else {
        return;
    };
    let message = format!("a RAM of {} {wrong}", show_bytes(**ram));
    let hint = format!(
        "the board takes multiples of {}; choose one from {} to {}",
        show_bytes(multiple),
        show_bytes((own + 1).next_multiple_of(multiple)),
        show_bytes(reach),
    );
    findings.push(RAM_SIZE.violation(ram.span, message).hint(hint));
}

rule! {
    /// Each partition's `memory` is a whole number of pages of 4K, at least one, and its `stack` a multiple of 16 bytes.
    ///
    /// The hardware protects pages, and the ABI of the processor keeps stack frames at multiples of 16 bytes.
    MEMORY_ALIGNMENT = "MEMORY-ALIGNMENT", alignment;
}

fn alignment(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let memory = &partition.memory_bytes;
        if **memory == 0 || !memory.is_multiple_of(PAGE) {
            let message = format!("{} is no whole number of pages", show_bytes(**memory));
            let pages = show_bytes(memory.next_multiple_of(PAGE).max(PAGE));
            let diagnostic = MEMORY_ALIGNMENT.violation(memory.span, message);
            findings.push(diagnostic.hint(format!("write \"{pages}\"")));
        }
        let stack = &partition.stack_bytes;
        if !stack.is_multiple_of(16) {
            let message = format!("a stack of {} is not aligned", show_bytes(**stack));
            let aligned = stack.next_multiple_of(16);
            let diagnostic = MEMORY_ALIGNMENT.violation(stack.span, message);
            findings.push(diagnostic.hint(format!("write \"{aligned}\"")));
        }
    }
}

rule! {
    /// Each partition's stack is at least 1K, and leaves room in its `memory`.
    MEMORY_STACK = "MEMORY-STACK", stack;
}

fn stack(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        let (stack, memory) = (&partition.stack_bytes, &partition.memory_bytes);
        if **stack < 1024 || **stack > **memory {
            let message = format!(
                "a stack of {} in a memory of {}",
                show_bytes(**stack),
                show_bytes(**memory)
            );
            findings.push(
                MEMORY_STACK
                    .violation(stack.span, message)
                    .also(memory.span, "the stack is a part of this")
                    .hint("a stack has at least 1K, and the memory holds stack and data"),
            );
        }
    }
}

rule! {
    /// The partitions' memory together fits the RAM.
    ///
    /// A pinned partition's memory takes a power of four, from 4K on, because it is one entry of TLB1. Programs come on top; they are
    /// judged when they are built.
    MEMORY_SUM = "MEMORY-SUM", sum;
}

fn sum(system: &System, _: &Board, findings: &mut Findings) {
    let pinned = residency::pinned(system);
    let taken = |(index, partition): (usize, &cofferdam_model::Partition)| {
        let bytes = |memory| {
            if pinned[index] {
                residency::entry_bytes(memory)
            } else {
                memory
            }
        };
        let apex = partition.apex.iter();
        let of_apex = apex.flat_map(|apex| {
            let blocks = apex.memory_blocks.iter().map(|block| *block.bytes);
            blocks.chain(apex.numbered_stacks().map(|(_, stack)| **stack))
        });
        bytes(*partition.memory_bytes) + of_apex.map(bytes).sum::<u64>()
    };
    let asked: u64 = system.partitions.iter().enumerate().map(taken).sum();
    let has = residency::memory_end(system).saturating_sub(u64::from(kernel::END));
    if asked > has && has > 0 {
        let message = format!(
            "the partitions' memory takes {}, and there are {}",
            show_bytes(asked),
            show_bytes(has),
        );
        let mut diagnostic = MEMORY_SUM.violation(system.ram_bytes.span, message);
        for (index, partition) in system.partitions.iter().enumerate() {
            let takes = show_bytes(taken((index, partition)));
            diagnostic = diagnostic.also(partition.memory_bytes.span, format!("takes {takes}"));
        }
        findings.push(diagnostic.hint("give the machine more `ram`, or partitions less `memory`"));
    }
}

rule! {
    /// A partition with a deadline is pinned.
    ///
    /// A refill of the TLB costs time that depends on what others did, so a response time could not be judged.
    TLB_PINNED = "TLB-PINNED", deadline_is_pinned;
}

fn deadline_is_pinned(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        if let (Some(tlb), Some(deadline)) = (&partition.tlb, &partition.deadline_ticks)
            && **tlb == Tlb::Refill
        {
            let message = format!(
                "`{}` has a deadline, and translations that are refilled",
                partition.name
            );
            let diagnostic = TLB_PINNED.violation(tlb.span, message);
            let hint = "write `tlb = \"pinned\"`, or leave it out";
            findings.push(diagnostic.also(deadline.span, "the deadline").hint(hint));
        }
    }
}

rule! {
    /// In each window the pinned partitions that may run fit TLB1 together.
    ///
    /// TLB1 has 16 entries. The kernel takes five and those that map the partitions' memory, each guest two for good; a partition takes one for
    /// each of its regions: text, constants, memory, register page, each device, each ring, and each stack and memory block of ARINC 653 services. Members of the background count in each window.
    TLB_BUDGET = "TLB-BUDGET", budget;
}

fn budget(system: &System, _: &Board, findings: &mut Findings) {
    let pinned = residency::pinned(system);
    let budget = residency::budget(system);
    for (window, resident, needed) in residency::crowded_windows(system, &pinned, |_| true) {
        let message = format!("this window needs {needed} entries of TLB1, and there are {budget}");
        let guests = residency::entries_of_guests(system);
        let of_guests = match guests {
            0 => String::new(),
            guests => format!(", {guests} the guests'"),
        };
        let label = format!(
            "of {} entries {} are the kernel's{of_guests}",
            limits::TLB1_ENTRIES,
            limits::TLB1_ENTRIES - budget - guests
        );
        let mut diagnostic = TLB_BUDGET.violation(window, message).label(label);
        for index in resident {
            let partition = &system.partitions[index];
            let waste = show_bytes(residency::memory_waste(&partition.memory_bytes));
            let text = format!(
                "{} entries; {waste} of its memory is lost to powers of four",
                residency::entries(system, index)
            );
            diagnostic = diagnostic.also(partition.name.span, text);
        }
        findings.push(diagnostic.hint(
            "let one without a deadline have `tlb = \"refill\"`, or move it to another window",
        ));
    }
}
