//! The kernel's binary: its text and its symbols.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::instruction::SIZE;

/// The kernel's binary.
#[derive(Debug, Default)]
pub struct Program {
    /// Where the text begins.
    start: u32,
    words: Vec<u32>,
    /// Where functions begin that a compiler made: they are entered at their beginning alone.
    functions: BTreeSet<u32>,
    /// Every symbol of the text, and of the constants.
    symbols: BTreeMap<String, Range<u32>>,
    /// The words of the constants by their addresses.
    constants: BTreeMap<u32, u32>,
}

impl Program {
    /// Reads an ELF.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let file = object::File::parse(bytes.as_slice())
            .with_context(|| format!("{} is no ELF", path.display()))?;
        let mut program = Self::default();
        for section in file.sections() {
            match section.kind() {
                SectionKind::Text => {
                    ensure!(program.words.is_empty(), "there is more than one text");
                    program.start = section.address() as u32;
                    program.words = words(section.data()?).collect();
                }
                SectionKind::ReadOnlyData | SectionKind::Data => {
                    let start = section.address() as u32;
                    let addresses = (start..).step_by(SIZE as usize);
                    program
                        .constants
                        .extend(addresses.zip(words(section.data()?)));
                }
                _ => {}
            }
        }
        for symbol in file.symbols() {
            let start = symbol.address() as u32;
            let range = start..start + symbol.size() as u32;
            if symbol.kind() == SymbolKind::Text && symbol.size() > 0 {
                program.functions.insert(start);
            }
            program.symbols.insert(symbol.name()?.to_owned(), range);
        }
        Ok(program)
    }

    /// A program of these words, the text beginning at `start`, with these labels. Where one of `functions` is, a compiler's
    /// function begins.
    pub fn of_words(
        start: u32,
        words: Vec<u32>,
        labels: &[(&str, u32)],
        functions: &[u32],
    ) -> Self {
        let labels = labels.iter();
        Self {
            start,
            words,
            functions: functions.iter().copied().collect(),
            symbols: labels
                .map(|(name, at)| ((*name).to_owned(), *at..*at))
                .collect(),
            constants: BTreeMap::new(),
        }
    }

    /// The instruction at an address.
    pub fn word(&self, address: u32) -> Result<u32> {
        let index = address.wrapping_sub(self.start) / SIZE;
        match self.words.get(index as usize) {
            Some(word) if address.is_multiple_of(SIZE) => Ok(*word),
            _ => bail!("{address:#x} is no place in the kernel's text"),
        }
    }

    /// Every word of the text, by its address.
    pub fn text(&self) -> impl Iterator<Item = (u32, u32)> {
        let addresses = (self.start..).step_by(SIZE as usize);
        addresses.zip(self.words.iter().copied())
    }

    /// Whether a compiler's function begins there.
    pub fn is_function(&self, address: u32) -> bool {
        self.functions.contains(&address)
    }

    /// Where a symbol is.
    pub fn symbol(&self, name: &str) -> Result<u32> {
        let range = self.symbols.get(name);
        Ok(range
            .with_context(|| format!("the kernel has no symbol {name}"))?
            .start)
    }

    /// The symbols whose names begin so: the rest of the name, and where it is.
    pub fn symbols<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        let all = self.symbols.iter();
        all.filter_map(move |(name, range)| Some((name.strip_prefix(prefix)?, range.start)))
    }

    /// The words of a table of constants.
    pub fn table(&self, symbol: &str) -> Result<Vec<u32>> {
        let range = self.symbols.get(symbol);
        let range = range.with_context(|| format!("the kernel has no symbol {symbol}"))?;
        let words = range.clone().step_by(SIZE as usize);
        words
            .map(|address| {
                let word = self.constants.get(&address);
                word.copied()
                    .with_context(|| format!("{symbol} is no table of constants"))
            })
            .collect()
    }
}

/// The words of a section; bytes behind the last whole one are none.
fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| u32::from_be_bytes(*word))
}
