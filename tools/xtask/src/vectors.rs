//! Exceptions that the emulated machine never raises: machine checks, critical inputs, timers that it has not, units that this core has not.
//!
//! What the kernel does at their vectors is tried all the same. In a kernel that is otherwise the same, one hypercall begins with a branch to the
//! vector: the registers are then those of an exception that came while the partition ran, for the entry of the hypercall has not touched SRR0 and SRR1.

use std::sync::Arc;

use anyhow::Result;
use cofferdam_build::{Built, Kernel};

use crate::expected::Expected;
use crate::machines::{self, Case, Systems};
use crate::variant::{Instruction, Replacement, Variant};

/// The system in which they are tried.
pub const SYSTEM: &str = "ending";
/// The hypercall that leads to the vector, which one partition makes once, in its first life.
const HYPERCALL: &str = "handler13ProcessorTime";
/// What dying needs behind the record: it writes a number.
const LAST_WORDS: &str = "11hexadecimal";

/// A vector, and the exception that the record has for it: one that a partition can have caused is the partition's affair, and every other
/// is the end.
struct Vector {
    number: u32,
    is: &'static str,
    /// What it is of the partition's.
    error: Option<&'static str>,
}

const fn vector(number: u32, is: &'static str, error: Option<&'static str>) -> Vector {
    Vector { number, is, error }
}

const VECTORS: [Vector; 12] = [
    vector(0, "a critical input", None),
    vector(1, "a machine check", None),
    vector(3, "a fetch that may not be", Some("memory_violation")),
    vector(5, "an access that is not aligned", Some("alignment")),
    vector(7, "no floating-point unit", Some("illegal_instruction")),
    vector(9, "no auxiliary processor", Some("illegal_instruction")),
    vector(11, "the fixed-interval timer", None),
    vector(12, "the watchdog", None),
    vector(15, "a debug exception", None),
    vector(
        33,
        "embedded floating-point data",
        Some("illegal_instruction"),
    ),
    vector(
        34,
        "embedded floating-point rounding",
        Some("illegal_instruction"),
    ),
    vector(35, "the performance monitor", Some("illegal_instruction")),
];

/// What is left when the kernel has died of the exception at the hypercall.
const DEAD: &str = "
run_for = '60ms'
reasons = ['the kernel died; `cargo cofferdam crash` shows where']
[partition.actor.steps]
'actor.start' = 'Power'
'actor.lives_remembered' = 0
[partition.witness.steps]
'witness.start' = 'Power'
'witness.releases' = 3
[module]
state = 'Dead'
";

/// What is left when it did what the table says of a machine check that resets the machine.
const RESET: &str = "
run_for = '60ms'
[partition.actor]
restarts = 1
steps = { 'actor.start' = ['Power', 'Power'], 'actor.lives_remembered' = [0, 0] }
[partition.witness]
restarts = 1
steps = { 'witness.start' = ['Power', 'Power'], 'witness.releases' = [3, 3, 6, 9] }
[module]
resets = 1
";

/// What is left when the partition began anew, beside the list of its errors.
const BEGUN_ANEW: &str = "
run_for = '60ms'
[partition.witness.steps]
'witness.start' = 'Power'
'witness.releases' = [3, 6, 9]
[partition.actor]
restarts = 1
steps = { 'actor.start' = ['Power', 'HealthCold'], 'actor.lives_remembered' = [0, 0] }
";

/// The file of a run, as text, and the variant of the system that is run.
struct Run {
    name: String,
    title: String,
    text: String,
    variant: Variant,
}

impl Run {
    fn of_vector(vector: &Vector) -> Self {
        // This one alone is not what the system's file has a new life for; and it expects it.
        const EXPECTED: &str = "memory_violation";
        let mut variant = Variant::default();
        let text = match vector.error {
            None => format!("{DEAD}epitaph = {}\n", vector.number),
            Some(EXPECTED) => {
                variant = Variant::replacing(
                    "memory_violation = \"log\"",
                    "memory_violation = \"restart_cold\"",
                );
                format!("{BEGUN_ANEW}log = ['{EXPECTED} restart_cold']\n")
            }
            Some(error) => format!(
                "reasons = ['actor: {error} (1 times)']{BEGUN_ANEW}log = ['{error} restart_cold']\n"
            ),
        };
        let name = format!("vector_{}", vector.number);
        Self {
            title: vector.is.to_owned(),
            text,
            variant: variant.with_kernel(vec![leads_to(&name)]),
            name,
        }
    }

    fn machine_check_resets() -> Self {
        let resets = Variant::replacing("machine_check = \"halt\"", "machine_check = \"reset\"");
        Self {
            name: "machine_check_resets".to_owned(),
            title: "a machine check that resets the machine".to_owned(),
            text: format!("{RESET}epitaph = 1\n"),
            variant: resets.with_kernel(vec![leads_to("vector_1")]),
        }
    }

    fn dies_twice() -> Self {
        let dies = [HYPERCALL, LAST_WORDS].map(|function| Instruction {
            function: function.to_owned(),
            is: Replacement::Word(0),
        });
        Self {
            name: "dies_twice".to_owned(),
            title: "a kernel that dies of its last words stands still".to_owned(),
            text: format!("{DEAD}epitaph = 6\n"),
            variant: Variant::default().with_kernel(dies.to_vec()),
        }
    }
}

/// One case for each, and for what a table can say of a machine check, and for a kernel that dies of dying.
pub fn cases<'s>(
    systems: &'s Systems,
    built: &'s Built,
    kernels: &[Kernel],
) -> Result<Vec<Case<'s>>> {
    let runs = VECTORS.iter().map(Run::of_vector);
    let runs = runs.chain([Run::machine_check_resets(), Run::dies_twice()]);
    let mut cases = Vec::new();
    for run in runs {
        let mut expected: Expected =
            toml::from_str(&format!("title = '{}'\n{}", run.title, run.text))?;
        expected.variant = run.variant;
        let (expected, name) = (Arc::new(expected), run.name);
        for &kernel in kernels {
            let title = format!("{SYSTEM}: {}, {} kernel", run.title, kernel.name());
            let (expected, name) = (expected.clone(), name.clone());
            let action = move || machines::as_expected(systems, built, kernel, &name, &expected);
            cases.push((title, Box::new(action) as Box<_>));
        }
    }
    Ok(cases)
}

/// The hypercall that begins with a branch.
fn leads_to(vector: &str) -> Instruction {
    Instruction {
        function: HYPERCALL.to_owned(),
        is: Replacement::LeadsTo(vector.to_owned()),
    }
}
