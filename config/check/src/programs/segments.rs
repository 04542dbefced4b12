//! Where a program's segments lie, and what may be done with them.

use cofferdam_abi::space;
use cofferdam_model::{Diagnostic, RuleText, rule_text, show_bytes};

use crate::Checked;
use crate::program::{Elf, Segment};

rule_text! {
    /// Each program's segments begin at the three fixed addresses: text at 0x1000_0000, constants at 0x2000_0000, data at 0x3000_0000.
    ///
    /// Every native partition links at the same effective addresses, so that a delivered program fits any system; only where they lie in
    /// RAM is the build's choice. The linker script of `personalities/native-build` does it.
    static PROGRAM_SEGMENTS = "PROGRAM-SEGMENTS";
}
rule_text! {
    /// No segment of a program is writable and executable, and each has the rights of its place.
    ///
    /// Text is read and executed, constants are read, data are read and written.
    static PROGRAM_RIGHTS = "PROGRAM-RIGHTS";
}
rule_text! {
    /// Each program's entry lies in its text.
    static PROGRAM_ENTRY = "PROGRAM-ENTRY";
}
rule_text! {
    /// Each program's stack, data and cleared memory fit the partition's `memory`.
    static PROGRAM_MEMORY = "PROGRAM-MEMORY";
}
rule_text! {
    /// Each program reserves the stack that the file says, at the lower end of its data.
    ///
    /// Below the data is nothing, so a stack that overflows is an error at once, and never another variable. A program that was
    /// built for another stack has to be built again, or the file changed.
    static PROGRAM_STACK = "PROGRAM-STACK";
}

pub(super) static RULES: &[&RuleText] = &[
    &PROGRAM_SEGMENTS,
    &PROGRAM_RIGHTS,
    &PROGRAM_ENTRY,
    &PROGRAM_MEMORY,
    &PROGRAM_STACK,
];

/// A place that a segment can have: its name, its address, and the rights there to write and to execute.
const PLACES: [(&str, u32, bool, bool); 3] = [
    ("text", space::TEXT, false, true),
    ("constants", space::CONSTANTS, false, false),
    ("data", space::DATA, true, false),
];

pub(super) fn judge(checked: &Checked, partition: usize, elf: &Elf, found: &mut Vec<Diagnostic>) {
    let partition = &checked.system.partitions[partition];
    let name = &partition.name;
    let place = partition.program_span();
    let mut violation = |rule, message: String, hint: &str| {
        found.push(Diagnostic::error(rule, place, message).hint(hint));
    };
    for segment in &elf.segments {
        let address = segment.address;
        match PLACES.iter().find(|(_, place, ..)| *place == address) {
            None => violation(
                &PROGRAM_SEGMENTS,
                format!("a segment of `{name}` lies at {address:#x}"),
                "link with the script of personalities/native-build",
            ),
            Some((place, _, write, execute)) => {
                if (segment.write, segment.execute) != (*write, *execute) || !segment.read {
                    let message = format!("the {place} of `{name}` can be {}", rights(segment));
                    let hint =
                        "text is read and executed, constants are read, data are read and written";
                    violation(&PROGRAM_RIGHTS, message, hint);
                }
            }
        }
        if segment.end() > u64::from(address) + u64::from(space::CONSTANTS - space::TEXT) {
            let message = format!("a segment of `{name}` reaches into the place of another");
            violation(
                &PROGRAM_SEGMENTS,
                message,
                "no segment can be larger than 256M",
            );
        }
    }
    for (what, address, ..) in PLACES {
        let count = elf
            .segments
            .iter()
            .filter(|segment| segment.address == address)
            .count();
        // Without a variable there are no data but the stack, and without a constant no constants.
        if count > 1 || count == 0 && address == space::TEXT {
            let message = format!("`{name}` has {count} segments of {what}");
            violation(
                &PROGRAM_SEGMENTS,
                message,
                "link all of them as one segment",
            );
        }
    }
    let text = elf
        .segments
        .iter()
        .find(|segment| segment.address == space::TEXT);
    let in_text =
        |text: &Segment| (u64::from(text.address)..text.end()).contains(&u64::from(elf.entry));
    if !text.is_some_and(in_text) || !elf.entry.is_multiple_of(4) {
        let message = format!(
            "`{name}` starts at {:#x}, which is not in its text",
            elf.entry
        );
        violation(
            &PROGRAM_ENTRY,
            message,
            "name the entry to the linker: `ENTRY(_start)`",
        );
    }
    let data = elf
        .segments
        .iter()
        .find(|segment| segment.address == space::DATA);
    let needed = data.map_or(0, |data| u64::from(data.memory_bytes));
    if needed > *partition.memory_bytes {
        let memory = show_bytes(*partition.memory_bytes);
        let message = format!(
            "`{name}` needs {} of memory and has {memory}",
            show_bytes(needed)
        );
        let pages = show_bytes(needed.next_multiple_of(0x1000));
        let diagnostic = Diagnostic::error(&PROGRAM_MEMORY, partition.memory_bytes.span, message);
        found.push(diagnostic.hint(format!("write `memory = \"{pages}\"`, or make it smaller")));
    }
    if let Some((bottom, top)) = elf.stack {
        let reserved = u64::from(top.saturating_sub(bottom));
        if bottom != space::DATA || reserved != *partition.stack_bytes {
            let message = format!(
                "`{name}` reserves {} of stack at {bottom:#x}, the file says {} at {:#x}",
                show_bytes(reserved),
                show_bytes(*partition.stack_bytes),
                space::DATA,
            );
            let diagnostic = Diagnostic::error(&PROGRAM_STACK, partition.stack_bytes.span, message);
            found.push(diagnostic.hint("build the program again, or change `stack`"));
        }
    }
}

fn rights(segment: &Segment) -> String {
    let all = [
        (segment.read, "read"),
        (segment.write, "written"),
        (segment.execute, "executed"),
    ];
    let held: Vec<_> = all
        .iter()
        .filter(|(held, _)| *held)
        .map(|(_, name)| *name)
        .collect();
    match held.len() {
        0 => "neither read, written nor executed".to_string(),
        _ => held.join(" and "),
    }
}
