//! The ways into the kernel.

use anyhow::{Context, Result};
use cofferdam_abi::hypercall::Hypercall;

use crate::analysis::{Analysis, Cause, Entry, Handled, Reason};
use crate::program::Program;

/// What a vector's label is called, before its number.
const LABEL: &str = "vector_";
/// The vector of `sc`.
const SYSTEM_CALL: u32 = 8;
/// The handlers of hypercalls, in the order of their numbers.
const HANDLERS: &str = "hypercall_handlers";

/// The interrupts that have a vector (EREF, table 5-2).
const INTERRUPTS: [(u32, &str); 20] = [
    (0, "critical input"),
    (1, "machine check"),
    (2, "data storage"),
    (3, "instruction storage"),
    (4, "external input"),
    (5, "alignment"),
    (6, "program"),
    (7, "floating-point unavailable"),
    (SYSTEM_CALL, "system call"),
    (9, "auxiliary processor unavailable"),
    (10, "decrementer"),
    (11, "fixed-interval timer"),
    (12, "watchdog"),
    (13, "data TLB error"),
    (14, "instruction TLB error"),
    (15, "debug"),
    (32, "SPE unavailable"),
    (33, "SPE floating-point data"),
    (34, "SPE floating-point round"),
    (35, "performance monitor"),
];

/// Every entry: by each vector, by `sc` once for each hypercall, and behind each reason to go on after a wait.
///
/// A label is `vector_4`, or `vector_4_waiting` for what stands in for that one at times. Such a vector either begins
/// anew, or returns from the function that enabled interrupts.
pub fn entries(program: &Program, analysis: &mut Analysis<'_>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut add = |name: String, cause| entries.push(Entry { name, cause });
    for (label, at) in program.symbols(LABEL) {
        let (number, when) = label.split_once('_').unwrap_or((label, ""));
        let interrupt = INTERRUPTS
            .iter()
            .find(|(known, _)| known.to_string() == number);
        let (number, name) =
            interrupt.with_context(|| format!("{LABEL}{label} is of no interrupt"))?;
        if *number == SYSTEM_CALL {
            for (handler, call) in program.table(HANDLERS)?.iter().zip(Hypercall::ALL) {
                let handled = Handled {
                    token: call.token(),
                    handler: *handler,
                };
                let cause = Cause::Vector(at, Some(handled));
                add(format!("hypercall {}", call.name()), cause);
            }
            add(
                "hypercall of another token".to_owned(),
                Cause::Vector(at, None),
            );
        } else if when.is_empty() {
            add((*name).to_owned(), Cause::Vector(at, None));
        } else if analysis.returns(at)? {
            add(
                format!("{when}, {name}"),
                Cause::Woken(Reason::Interrupt(at)),
            );
        } else {
            add(format!("{when}, {name}"), Cause::Vector(at, None));
        }
    }
    add("no interrupt".to_owned(), Cause::Woken(Reason::Nothing));
    Ok(entries)
}
