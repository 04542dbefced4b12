//! What the instructions of a path are: by function, or one by one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use cofferdam_progress::say;
use cofferdam_symbols::{Frame, Symbols, Tree};

use super::Figure;

/// A function with less than one part in so many of its path is shown with what it stands below.
const SHOWN: u64 = 20;
/// Prints addresses of a program as Debian's `binutils-powerpc-linux-gnu` does.
const DISASSEMBLER: &str = "powerpc-linux-gnu-objdump";

/// The functions of each path as a tree: what was inlined stands below what it was inlined into. A number counts the
/// instructions of a function with those of what stands below it.
pub fn by_function(figures: &[Figure], kernel: &Path) -> Result<String> {
    let mut source = Source::open(kernel)?;
    let mut text = String::new();
    for figure in figures {
        writeln!(text, "{}", head(figure))?;
        source.tree(figure).show(&mut text, 1)?;
        writeln!(text)?;
    }
    Ok(text.trim_end().to_owned())
}

/// The functions that most of a path's instructions are in.
pub fn parts(figure: &Figure, kernel: &Path) -> Result<Vec<(String, u64)>> {
    let parts = Source::open(kernel)?.tree(figure).parts(SHOWN).into_iter();
    Ok(parts
        .map(|part| (part.function, part.instructions))
        .collect())
}

/// Every instruction of a path in the order of execution, with the place in the source that it comes from.
pub fn by_instruction(figure: &Figure, kernel: &Path) -> Result<String> {
    let mut source = Source::open(kernel)?;
    let instructions = disassemble(kernel);
    if instructions.is_empty() {
        say!("(without {DISASSEMBLER} there are no mnemonics)");
    }
    let mut text = format!("{}\n", head(figure));
    let mut last = String::new();
    for step in &figure.steps {
        let frames = source.frames(*step);
        let place = frames.iter().map(place).collect::<Vec<_>>().join(" < ");
        let instruction = instructions.get(step).map_or("", String::as_str);
        let shown = if place == last { "" } else { &place };
        let line = format!("{step:>8x}  {instruction:<30}  {shown}");
        writeln!(text, "{}", line.trim_end())?;
        last = place;
    }
    Ok(text.trim_end().to_owned())
}

/// A function, and where in its file; assembly has no lines.
fn place(frame: &Frame) -> String {
    let file = frame.file.rsplit('/').next().unwrap_or_default();
    match file {
        "" => frame.name(),
        file => format!("{} {file}:{}", frame.name(), frame.line),
    }
}

fn head(figure: &Figure) -> String {
    format!(
        "{}: {} instructions, {} register transfers",
        figure.path,
        figure.kernel_instructions,
        figure.register_transfers.unwrap_or_default()
    )
}

/// The source of a program, and what was asked of it before.
struct Source {
    symbols: Symbols,
    known: HashMap<u32, Vec<Frame>>,
}

impl Source {
    fn open(elf: &Path) -> Result<Self> {
        Ok(Self {
            symbols: Symbols::open(elf)?,
            known: HashMap::new(),
        })
    }

    fn tree(&mut self, figure: &Figure) -> Tree {
        let mut tree = Tree::default();
        for step in &figure.steps {
            tree.count(self.frames(*step).iter().rev().map(Frame::name), 1);
        }
        tree
    }

    /// The functions that an instruction belongs to, the innermost first.
    fn frames(&mut self, address: u32) -> &[Frame] {
        let symbols = &self.symbols;
        self.known
            .entry(address)
            .or_insert_with(|| symbols.own_frames(address))
    }
}

/// The instructions of a program by their addresses; none if the disassembler is not there.
fn disassemble(elf: &Path) -> HashMap<u32, String> {
    let output = Command::new(DISASSEMBLER)
        .args([
            "--disassemble",
            "--no-show-raw-insn",
            "--disassembler-options=e500",
        ])
        .arg(elf)
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let instruction = |line: &str| {
        let (address, instruction) = line.split_once(":\t")?;
        let address = u32::from_str_radix(address.trim(), 16).ok()?;
        // Behind `<` it names a symbol, at length; behind a tab it is the operands.
        let instruction = instruction.split(" <").next()?;
        Some((address, instruction.replace('\t', " ")))
    };
    text.unwrap_or_default()
        .lines()
        .filter_map(instruction)
        .collect()
}
