//! Which functions and lines of the source the kernel's instructions are of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use cofferdam_symbols::{Frame, Symbols};

use crate::facts::{Place, place};

/// What the build calls the folder of the library's source, wherever it lies.
const LIBRARY: &str = "/rust/";

/// What the source says of addresses.
pub trait Names {
    /// The compiled function, or the label, that an instruction belongs to.
    fn function(&self, address: u32) -> String;
    /// What the instructions of a loop have in common, of which so many are its beginning.
    fn place(&self, addresses: &[u32], head: usize) -> Place;
}

/// The source of the kernel.
pub struct Source {
    symbols: Symbols,
    root: PathBuf,
    library: PathBuf,
    frames: RefCell<BTreeMap<u32, Rc<Vec<Frame>>>>,
    files: RefCell<BTreeMap<String, Rc<Vec<String>>>>,
}

impl Source {
    /// Of an ELF, whose files lie under `root`, and whose library's under `library`.
    pub fn open(elf: &Path, root: &Path, library: &Path) -> Result<Self> {
        Ok(Self {
            symbols: Symbols::open(elf)?,
            root: root.to_path_buf(),
            library: library.to_path_buf(),
            frames: RefCell::default(),
            files: RefCell::default(),
        })
    }

    /// The functions that an instruction belongs to, the outermost first.
    pub fn frames(&self, address: u32) -> Rc<Vec<Frame>> {
        let mut known = self.frames.borrow_mut();
        let frames = known.entry(address).or_insert_with(|| {
            let mut frames = self.symbols.own_frames(address);
            frames.reverse();
            Rc::new(frames)
        });
        frames.clone()
    }

    /// A line of a file, without the spaces around it.
    fn line(&self, file: &str, line: u32) -> String {
        let mut files = self.files.borrow_mut();
        let lines = files.entry(file.to_owned()).or_insert_with(|| {
            let path = match file.strip_prefix(LIBRARY) {
                Some(file) => self.library.join(file),
                None => self.root.join(file),
            };
            let text = std::fs::read_to_string(path).unwrap_or_default();
            Rc::new(text.lines().map(|line| line.trim().to_owned()).collect())
        });
        let index = (line as usize).wrapping_sub(1);
        lines.get(index).cloned().unwrap_or_default()
    }
}

impl Names for Source {
    fn function(&self, address: u32) -> String {
        let frames = self.frames(address);
        frames.first().map(Frame::name).unwrap_or_default()
    }

    fn place(&self, addresses: &[u32], head: usize) -> Place {
        let frames: Vec<Vec<Frame>> = addresses
            .iter()
            .map(|address| self.frames(*address).to_vec())
            .collect();
        place(&frames, head, &|file, line| self.line(file, line))
    }
}
