//! Kernels that have a function in common.
//!
//! There is a kernel for systems with guests, one for those with devices on the bus, with both, and with neither. Most functions are the same in
//! all of them, instruction for instruction, but for where others lie that they call. What is executed of such a function in one kernel
//! is what another would have executed: the instructions are the same, and so is what they work on.

use std::collections::HashMap;

use crate::executed::Seen;
use crate::kernel::{Instruction, Kernel};

/// I-form branches (EREF, table A-1).
const BRANCH: u32 = 18;

/// A function, whichever kernel it is in: its name in the source, and its instructions without the
/// places that others have.
type Same = (String, Vec<u32>);

/// Lets each function of these kernels have been executed as far as it was in any of them.
pub fn unite(kernels: &mut [Kernel]) {
    let mut seen: HashMap<Same, Vec<Seen>> = HashMap::new();
    for kernel in &*kernels {
        for function in functions(kernel) {
            let all = seen.entry(same(kernel, function)).or_default();
            all.resize(function.len(), Seen::default());
            for (all, one) in all.iter_mut().zip(function) {
                *all = all.or(one.seen);
            }
        }
    }
    for kernel in kernels {
        let all: Vec<Seen> = functions(kernel)
            .flat_map(|function| seen[&same(kernel, function)].clone())
            .collect();
        for (instruction, all) in kernel.instructions.iter_mut().zip(all) {
            instruction.seen = all;
        }
    }
}

/// The functions of a kernel, one behind the other.
fn functions(kernel: &Kernel) -> impl Iterator<Item = &[Instruction]> {
    let of = |one: &Instruction| kernel.symbol(one.address);
    kernel
        .instructions
        .chunk_by(move |one, next| of(one) == of(next))
}

fn same(kernel: &Kernel, function: &[Instruction]) -> Same {
    let first = function.first().map_or(0, |one| one.address);
    let inside = first..first + 4 * function.len() as u32;
    let words = function.iter().map(|one| {
        let to = one
            .address
            .wrapping_add_signed(((one.word & 0x03ff_fffc) << 6) as i32 >> 6);
        if one.word >> 26 == BRANCH && !inside.contains(&to) {
            one.word & !0x03ff_fffc
        } else {
            one.word
        }
    });
    (kernel.function(first), words.collect())
}
