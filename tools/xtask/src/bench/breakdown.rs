//! What the instructions of a path are: by function, or one by one.
//!
//! The kernel is one crate to the linker, and most of its functions are inlined; its debug information still knows which
//! function of the source each instruction belongs to, and into which others that one was inlined.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use addr2line::Loader;
use anyhow::{Result, anyhow};

use super::Figure;

/// Prints addresses of a program as Debian's `binutils-powerpc-linux-gnu` does.
const DISASSEMBLER: &str = "powerpc-linux-gnu-objdump";

/// What the build calls the root of the source tree, wherever it lies.
const TREE: &str = "/cofferdam/";

/// The functions of each path as a tree: what was inlined stands below what it was inlined into. A number counts the
/// instructions of a function with those of what stands below it.
pub fn by_function(figures: &[Figure], kernel: &Path) -> Result<String> {
    let mut source = Source::open(kernel)?;
    let mut text = String::new();
    for figure in figures {
        let mut root = Node::default();
        for step in &figure.steps {
            let names = source.frames(*step).iter().rev();
            root.count(names.map(|frame| frame.function.as_str()));
        }
        writeln!(text, "{}", head(figure))?;
        root.show(&mut text, 0)?;
        writeln!(text)?;
    }
    Ok(text.trim_end().to_owned())
}

/// Every instruction of a path in the order of execution, with the place in the source that it comes from.
pub fn by_instruction(figure: &Figure, kernel: &Path) -> Result<String> {
    let mut source = Source::open(kernel)?;
    let instructions = disassemble(kernel);
    if instructions.is_empty() {
        eprintln!("(without {DISASSEMBLER} there are no mnemonics)");
    }
    let mut text = format!("{}\n", head(figure));
    let mut last = String::new();
    for step in &figure.steps {
        let frames = source.frames(*step);
        let place = |frame: &Frame| format!("{} {}", frame.function, frame.place);
        let place = frames.iter().map(place).collect::<Vec<_>>().join(" < ");
        let instruction = instructions.get(step).map_or("", String::as_str);
        let shown = if place == last { "" } else { &place };
        let line = format!("{step:>8x}  {instruction:<30}  {shown}");
        writeln!(text, "{}", line.trim_end())?;
        last = place;
    }
    Ok(text.trim_end().to_owned())
}

fn head(figure: &Figure) -> String {
    format!(
        "{}: {} instructions, {} register transfers",
        figure.path,
        figure.kernel_instructions,
        figure.register_transfers.unwrap_or_default()
    )
}

/// A function among the functions of a path.
#[derive(Default)]
struct Node {
    instructions: usize,
    below: Vec<(String, Node)>,
}

impl Node {
    /// Counts an instruction of the function that stands at the end of these names.
    fn count<'a>(&mut self, mut names: impl Iterator<Item = &'a str>) {
        self.instructions += 1;
        let Some(name) = names.next() else { return };
        let place = self.below.iter().position(|(known, _)| known == name);
        let place = place.unwrap_or_else(|| {
            self.below.push((name.to_owned(), Self::default()));
            self.below.len() - 1
        });
        self.below[place].1.count(names);
    }

    fn show(&self, text: &mut String, depth: usize) -> std::fmt::Result {
        let mut below: Vec<_> = self.below.iter().collect();
        below.sort_by_key(|(_, node)| std::cmp::Reverse(node.instructions));
        for (name, node) in below {
            writeln!(
                text,
                "{:>6}  {:indent$}{name}",
                node.instructions,
                "",
                indent = 2 * depth
            )?;
            node.show(text, depth + 1)?;
        }
        Ok(())
    }
}

/// A function that an instruction belongs to, and where in its source.
struct Frame {
    function: String,
    place: String,
}

/// Addresses as places in the source.
struct Source {
    loader: Loader,
    /// What was asked before: the innermost function first.
    known: HashMap<u32, Vec<Frame>>,
}

impl Source {
    fn open(elf: &Path) -> Result<Self> {
        let loader = Loader::new(elf).map_err(|error| anyhow!("{}: {error}", elf.display()))?;
        Ok(Self {
            loader,
            known: HashMap::new(),
        })
    }

    fn frames(&mut self, address: u32) -> &[Frame] {
        let loader = &self.loader;
        self.known
            .entry(address)
            .or_insert_with(|| frames(loader, address))
    }
}

fn frames(loader: &Loader, address: u32) -> Vec<Frame> {
    let address = u64::from(address);
    let mut found = Vec::new();
    if let Ok(mut frames) = loader.find_frames(address) {
        while let Ok(Some(frame)) = frames.next() {
            let Some(function) = frame.function else {
                continue;
            };
            let location = frame.location;
            let (file, line) = location.map_or((None, None), |place| (place.file, place.line));
            // What is the library's counts for the function that uses it.
            let Some(file) = file.and_then(|file| file.strip_prefix(TREE)) else {
                continue;
            };
            let file = file.rsplit('/').next().unwrap_or(file);
            found.push(Frame {
                function: short(&function.demangle().unwrap_or_default()),
                place: format!("{file}:{}", line.unwrap_or_default()),
            });
        }
    }
    if found.is_empty() {
        // Assembly: it has symbols alone.
        found.push(Frame {
            function: loader.find_symbol(address).unwrap_or("?").to_owned(),
            place: String::new(),
        });
    }
    found
}

/// A function's name as one says it: without its crate and modules, and without what it is generic over.
fn short(name: &str) -> String {
    // `<a::Type<..>>::f` and `<a::Type<..> as b::Trait>::f` are both `Type::f`; `a::b::f::<..>` is `f`.
    let mut parts: Vec<String> = Vec::new();
    let mut depth = 0;
    let mut part = String::new();
    let inner = name.strip_prefix('<').unwrap_or(name);
    let mut of_trait = false;
    let mut rest = inner.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '<' => depth += 1,
            '>' if depth > 0 => depth -= 1,
            '>' => of_trait = false,
            ' ' if depth == 0 => of_trait = true,
            ':' if depth == 0 && rest.peek() == Some(&':') => {
                rest.next();
                if !of_trait && !part.is_empty() {
                    parts.push(std::mem::take(&mut part));
                }
            }
            _ if depth > 0 || of_trait => {}
            _ => part.push(letter),
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    let named = parts.iter().rposition(|part| !part.starts_with('{'));
    let type_before = named
        .and_then(|named| named.checked_sub(1))
        .filter(|before| {
            let first = parts[*before].chars().next();
            first.is_some_and(char::is_uppercase)
        });
    let from = type_before.or(named).unwrap_or(0);
    parts[from..].join("::")
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

#[cfg(test)]
mod tests {
    use super::{Node, short};

    #[test]
    fn names_are_as_one_says_them() {
        let kernel = "cofferdam_core::kernel::Kernel<cofferdam_e500::machine::Board>";
        assert_eq!(short(&format!("<{kernel}>::raise")), "Kernel::raise");
        assert_eq!(
            short(&format!("<{kernel}>::raise::{{closure#0}}")),
            "Kernel::raise::{closure#0}"
        );
        assert_eq!(
            short("<cofferdam_core::table::Table<u8, 32> as core::ops::index::Index<u8>>::index"),
            "Table::index"
        );
        assert_eq!(
            short("cofferdam_core::table::elements::{closure#0}"),
            "elements::{closure#0}"
        );
        assert_eq!(short("core::ptr::read_volatile::<u32>"), "read_volatile");
        assert_eq!(short("vector_8"), "vector_8");
    }

    #[test]
    fn what_is_inlined_counts_for_what_it_is_inlined_into() {
        let mut root = Node::default();
        for names in [&["a"][..], &["b", "c"], &["b"], &["b", "c"]] {
            root.count(names.iter().copied());
        }
        let mut text = String::new();
        root.show(&mut text, 0).unwrap();
        assert_eq!(text, "     3  b\n     2    c\n     1  a\n");
    }
}
