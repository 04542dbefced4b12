//! Addresses of a program as functions and lines of its source.
//!
//! The linker sees a program as one crate, and most functions are inlined. Its debug information still knows which function of
//! the source each instruction belongs to, and into which others that one was inlined; assembly has symbols alone.

#![forbid(unsafe_code)]

mod tree;

use std::path::Path;

use addr2line::Loader;
use anyhow::{Result, anyhow};

pub use tree::{Part, Tree};

/// What the build calls the root of the source tree, wherever it lies.
const TREE: &str = "/cofferdam/";

/// The symbols and the debug information of a program.
pub struct Symbols {
    loader: Loader,
}

/// A function that an instruction belongs to, and where in its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The function's whole name.
    pub function: String,
    /// The file, from the root of the tree if it is of the tree.
    pub file: String,
    /// The line; 0 if it is not known.
    pub line: u32,
    /// Whether the file is one of the tree: the library's are not.
    pub ours: bool,
}

impl Frame {
    /// The function as one says it: without its crate and modules, and without what it is generic over. A closure has the name of
    /// the function that it stands in.
    pub fn name(&self) -> String {
        short(&self.function)
    }
}

/// A path as seen from the root of the tree, if it is one of the tree.
pub fn own_path(path: &str) -> &str {
    path.strip_prefix(TREE).unwrap_or(path)
}

impl Symbols {
    /// Of an ELF.
    pub fn open(elf: &Path) -> Result<Self> {
        match Loader::new(elf) {
            Ok(loader) => Ok(Self { loader }),
            Err(error) => Err(anyhow!("{}: {error}", elf.display())),
        }
    }

    /// The name of what stands at an address, as the linker has it.
    pub fn symbol(&self, address: u32) -> Option<&str> {
        self.loader.find_symbol(u64::from(address))
    }

    /// The functions that the instruction at an address belongs to, the innermost of those inlined there first. Empty if
    /// nothing is known.
    pub fn frames(&self, address: u32) -> Vec<Frame> {
        let mut known = Vec::new();
        let Ok(mut frames) = self.loader.find_frames(u64::from(address)) else {
            return known;
        };
        while let Ok(Some(frame)) = frames.next() {
            let function = frame
                .function
                .and_then(|function| Some(function.demangle().ok()?.into_owned()));
            let location = frame.location.as_ref();
            let file = location.and_then(|location| location.file);
            if function.is_none() && file.is_none() {
                continue;
            }
            let ours = file.is_some_and(|file| file.starts_with(TREE));
            known.push(Frame {
                function: function.unwrap_or_default(),
                file: file.map(own_path).unwrap_or_default().to_owned(),
                line: location
                    .and_then(|location| location.line)
                    .unwrap_or_default(),
                ours,
            });
        }
        known
    }

    /// The functions of the tree that the instruction at an address belongs to: what the library's do counts for those that use
    /// them, if it is inlined there. Of assembly, the symbol before the address.
    pub fn own_frames(&self, address: u32) -> Vec<Frame> {
        let mut frames = self.frames(address);
        frames.retain(|frame| !frame.function.is_empty());
        if frames.iter().any(|frame| frame.ours) {
            frames.retain(|frame| frame.ours);
        }
        if frames.is_empty() {
            let symbol = self.symbol(address);
            frames.push(Frame {
                function: symbol.unwrap_or("?").to_owned(),
                ours: true,
                ..Frame::default()
            });
        }
        frames
    }
}

/// `<a::Type<..>>::f` and `<a::Type<..> as b::Trait>::f` are `Type::f`; `a::b::f::<..>` is `f`.
fn short(name: &str) -> String {
    let mut parts: Vec<String> = vec![String::new()];
    let mut depth = 0;
    let mut of_trait = false;
    let mut letters = name.strip_prefix('<').unwrap_or(name).chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => depth += 1,
            '>' if depth > 0 => depth -= 1,
            '>' => of_trait = false,
            _ if depth > 0 => {}
            ' ' => of_trait = true,
            ':' if letters.peek() == Some(&':') => {
                letters.next();
                if !of_trait {
                    parts.push(String::new());
                }
            }
            letter => {
                if let Some(part) = parts.last_mut().filter(|_| !of_trait) {
                    part.push(letter);
                }
            }
        }
    }
    parts.retain(|part| !part.is_empty() && !part.starts_with('{'));
    let is_type = |part: &String| part.starts_with(char::is_uppercase);
    match parts.as_slice() {
        [.., of, function] if is_type(of) => format!("{of}::{function}"),
        [.., function] => function.clone(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_are_as_one_says_them() {
        let kernel = "cofferdam_core::kernel::Kernel<cofferdam_e500::machine::Board>";
        assert_eq!(short(&format!("<{kernel}>::raise")), "Kernel::raise");
        assert_eq!(
            short(&format!("<{kernel}>::raise::{{closure#0}}")),
            "Kernel::raise"
        );
        assert_eq!(
            short("<cofferdam_core::table::Table<u8, 32> as core::ops::index::Index<u8>>::index"),
            "Table::index"
        );
        assert_eq!(
            short("cofferdam_core::table::elements::{closure#0}::{closure#1}"),
            "elements"
        );
        assert_eq!(short("core::ptr::read_volatile::<u32>"), "read_volatile");
        assert_eq!(short("vector_8"), "vector_8");
        assert_eq!(short(""), "");
    }
}
