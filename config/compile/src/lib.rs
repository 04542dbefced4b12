//! From a checked system to tables and an image.
//!
//! The passes, each a module with plain data in and out:
//!
//! 1. [`mod@generate`]: before the partitions are built, what their code needs to know.
//! 2. [`place`]: where in RAM everything lies.
//! 3. [`ranks`] and [`tlb`]: who may run when, and what is translated then.
//! 4. [`plan`]: everything that was chosen, in one value that tools and reports read.
//! 5. [`lower`]: the plan as the records that the kernel reads.
//! 6. [`pack`]: kernel, tables and programs as one ELF.
//!
//! The same input gives the same bytes, wherever and whenever: no pass looks at a clock, a path or a hash map's order.
#![forbid(unsafe_code)]

mod bus;
pub mod generate;
pub mod guest;
pub mod lower;
pub mod pack;
pub mod place;
pub mod plan;
pub mod ranks;
pub mod tlb;

pub use cofferdam_check::{Checked, load};
pub use generate::generate;
pub use plan::{FunctionPlan, Plan};

use cofferdam_check::{program, programs};
use cofferdam_model::Diagnostics;

/// A finished image, and how it came about.
#[derive(Clone, Debug)]
pub struct Image {
    /// The image: an ELF that boots.
    pub bytes: Vec<u8>,
    /// The compiled tables in it.
    pub tables: Vec<u8>,
    /// Everything that was chosen.
    pub plan: Plan,
    /// What somebody should know, such as ends that nothing could verify.
    pub warnings: Diagnostics,
}

/// Compiles a checked system. `programs` has the ELF of each partition, by its name, and `guests` what lies in the memory of each
/// guest when it starts, by the name of its partition.
///
/// # Errors
/// Everything that is wrong with the programs, or with the system now that their sizes are known. Nothing is
/// emitted then.
pub fn compile(
    checked: &Checked,
    kernel: &[u8],
    programs: &[(String, Vec<u8>)],
    guests: &[(String, guest::Content)],
) -> Result<Image, Diagnostics> {
    let judged = programs::judge(checked, kernel, programs);
    let sources = checked.warnings.sources.clone();
    let fail = |list| Diagnostics::new(sources.clone(), list);
    let (programs, warnings) = judged.map_err(fail)?;
    let plan = plan::plan(checked, &programs, guests).map_err(fail)?;
    let tables = lower::tables(checked, &plan);
    if let Some(diagnostic) = programs::tables_fit(checked, tables.len()) {
        return Err(fail(vec![diagnostic]));
    }
    let bytes = pack::pack(&programs, guests, &plan, &tables);
    Ok(Image {
        bytes,
        tables,
        plan,
        warnings: fail(warnings),
    })
}

/// The kernel and the programs of a system, read and judged.
pub type Programs = programs::Programs;
/// One program, read.
pub type Elf = program::Elf;
