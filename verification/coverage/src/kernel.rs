//! A kernel's binary, and what was seen of each of its instructions.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cofferdam_paths::instruction::{Flow, flow};
use cofferdam_paths::program::Program;
use cofferdam_symbols::{Frame, Symbols};

use crate::executed::{Executed, Seen};

/// What a compiler aligns code with: `nop`.
const FILLER: u32 = 0x6000_0000;

/// A kernel.
pub struct Kernel {
    /// What it is called here.
    pub name: String,
    /// Each of its instructions, by ascending addresses.
    pub instructions: Vec<Instruction>,
    symbols: Symbols,
}

/// An instruction of a kernel.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Its address.
    pub address: u32,
    /// What it is.
    pub word: u32,
    /// Where it leads, if it is a conditional branch: `Some(None)` is back to the caller.
    pub branch: Option<Option<u32>>,
    /// What was seen of it.
    pub seen: Seen,
}

impl Kernel {
    /// Reads an ELF, and holds what was executed against it. Words of zero between the vectors are no instructions, and neither are those that
    /// align what stands behind a jump.
    ///
    /// # Errors
    /// It is no kernel's; or something was executed where it has no instruction, so that it was another.
    pub fn read(name: &str, elf: &Path, executed: &Executed) -> Result<Self> {
        let program = Program::read(elf)?;
        let instructions: Vec<_> = (program.text())
            .filter(|(_, word)| *word != 0)
            .map(|(address, word)| Instruction {
                address,
                word,
                branch: match flow(address, word) {
                    Ok(Flow::Branch(_, to)) => Some(Some(to)),
                    Ok(Flow::ReturnIf(_)) => Some(None),
                    _ => None,
                },
                seen: executed.get(&address).copied().unwrap_or_default(),
            })
            .collect();
        let instructions = without_fillers(instructions);
        let known = |address: &u32| {
            instructions
                .binary_search_by_key(address, |one| one.address)
                .is_ok()
        };
        let stray = executed.keys().find(|address| !known(address));
        ensure!(
            stray.is_none(),
            "{}: something was executed at {:#x}, where it has no instruction",
            elf.display(),
            stray.copied().unwrap_or_default()
        );
        let symbols = Symbols::open(elf).with_context(|| elf.display().to_string())?;
        Ok(Self {
            name: name.to_owned(),
            instructions,
            symbols,
        })
    }

    /// The functions of the tree that an instruction belongs to, the innermost first.
    pub fn frames(&self, address: u32) -> Vec<Frame> {
        self.symbols.own_frames(address)
    }

    /// The name in the source of the function that an instruction stands in; of assembly, the symbol.
    pub fn function(&self, address: u32) -> String {
        let outermost = self.symbols.frames(address).pop();
        let name = outermost.map(|frame| frame.function);
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| self.symbol(address).to_owned())
    }

    /// The name of the function, as the linker has it, that an instruction stands in.
    pub fn symbol(&self, address: u32) -> &str {
        self.symbols.symbol(address).unwrap_or_default()
    }
}

/// Without each `nop` to which nothing leads: it stands behind what never goes on there, nothing jumps to it, and nobody has executed it. A jump by a
/// register may be one that comes back: such are in the assembly.
fn without_fillers(mut instructions: Vec<Instruction>) -> Vec<Instruction> {
    let leads_to = |one: &Instruction| match flow(one.address, one.word) {
        Ok(Flow::Jump(to) | Flow::Branch(_, to) | Flow::Call(to)) => Some(to),
        _ => None,
    };
    let targets: BTreeSet<u32> = instructions.iter().filter_map(leads_to).collect();
    let mut nothing_comes = false;
    instructions.retain(|one| {
        let fills = nothing_comes
            && one.word == FILLER
            && !targets.contains(&one.address)
            && one.seen == Seen::default();
        let ends = matches!(
            flow(one.address, one.word),
            Ok(Flow::Jump(_) | Flow::Return | Flow::ReturnFromInterrupt | Flow::Nowhere)
        );
        nothing_comes = fills || ends;
        !fills
    });
    instructions
}
