//! From a folder of runs to what was seen of each kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::arguments::Arguments;
use crate::executed::{self, Executed};
use crate::gaps::{Gap, gaps};
use crate::kernel::Kernel;
use crate::united::unite;

/// What was seen, and what is argued of the rest.
#[derive(Serialize)]
pub struct Analysis {
    /// So many runs were looked at.
    pub runs: usize,
    /// Of each kernel, the largest first.
    pub kernels: Vec<Of>,
    /// Those arguments, by their places in the file, that are about nothing which is missing.
    pub idle_arguments: Vec<usize>,
}

/// Of one kernel.
#[derive(Serialize)]
pub struct Of {
    /// What it is called.
    pub name: String,
    /// In numbers.
    pub sum: Sum,
    /// What is missing, and the place of the argument about it.
    pub gaps: Vec<(Gap, Option<usize>)>,
    /// What was seen of each line of the source: so many instructions of so many, by file and number.
    #[serde(skip)]
    pub lines: BTreeMap<(String, u32), LineSum>,
}

/// What was seen of a line, whichever functions it was inlined into.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineSum {
    /// Instructions.
    pub instructions: u32,
    /// Of these, executed.
    pub executed: u32,
    /// Ways of conditional branches that never went so, though the branch was executed.
    pub ways_missing: u32,
}

/// What was seen of a kernel, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Its instructions.
    pub instructions: usize,
    /// Those that were executed.
    pub executed: usize,
    /// Those that were not, with an argument.
    pub argued: usize,
    /// The ways of its conditional branches: two for each.
    pub ways: usize,
    /// Those that one of them went.
    pub ways_went: usize,
    /// Those that none went, with an argument.
    pub ways_argued: usize,
}

impl Sum {
    /// So many instructions are neither executed nor argued about.
    pub fn open(&self) -> usize {
        self.instructions - self.executed - self.argued
    }

    /// So many ways.
    pub fn ways_open(&self) -> usize {
        self.ways - self.ways_went - self.ways_argued
    }
}

/// Looks at what the runs left in `folder`: kernels with the extension `kernel`, and what was executed of them in files with the extension
/// `executed` that are called as their kernel, with a number behind `-`. The text of the lines is in the tree at `root`.
///
/// # Errors
/// There is nothing, or something is damaged.
pub fn analyse(
    folder: &Path,
    kernel: &str,
    executed: &str,
    root: &Path,
    arguments: &Arguments,
) -> Result<Analysis> {
    let mut runs = 0;
    let mut kernels = Vec::new();
    for elf in files(folder, kernel)? {
        let name = stem(&elf);
        let mut seen = Executed::new();
        let of_it = |file: &PathBuf| {
            let of = stem(file);
            of.rsplit_once('-')
                .is_some_and(|(kernel, _)| kernel == name)
        };
        for file in files(folder, executed)?.into_iter().filter(of_it) {
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            executed::add(&mut seen, &text).with_context(|| file.display().to_string())?;
            runs += 1;
        }
        kernels.push(Kernel::read(&name, &elf, &seen)?);
    }
    ensure!(
        runs > 0,
        "{} has nothing that was executed: run `cargo xtask coverage`",
        folder.display()
    );
    kernels.sort_by_key(|kernel| std::cmp::Reverse(kernel.instructions.len()));
    unite(&mut kernels);
    let mut sources = Sources::new(root);
    let mut used = BTreeSet::new();
    let kernels = kernels.iter().map(|kernel| {
        let gaps = gaps(kernel).into_iter().map(|gap| {
            let text = sources.line(&gap.line.file, gap.line.number);
            let about = arguments.about(&gap, text);
            used.extend(about);
            (gap, about)
        });
        Of::new(kernel, gaps.collect())
    });
    let kernels = kernels.collect();
    Ok(Analysis {
        runs,
        kernels,
        idle_arguments: (0..arguments.all.len())
            .filter(|place| !used.contains(place))
            .collect(),
    })
}

impl Of {
    fn new(kernel: &Kernel, gaps: Vec<(Gap, Option<usize>)>) -> Self {
        let argued: BTreeSet<u32> = (gaps.iter())
            .filter(|(_, about)| about.is_some())
            .flat_map(|(gap, _)| gap.instructions.iter().map(|(address, _)| *address))
            .collect();
        let mut sum = Sum::default();
        let mut lines: BTreeMap<_, LineSum> = BTreeMap::new();
        for one in &kernel.instructions {
            let is_argued = argued.contains(&one.address);
            let seen = one.seen;
            sum.instructions += 1;
            sum.executed += usize::from(seen.executed);
            sum.argued += usize::from(!seen.executed && is_argued);
            let mut missing = 0;
            if one.branch.is_some() {
                let went = usize::from(seen.taken) + usize::from(seen.passed);
                sum.ways += 2;
                sum.ways_went += went;
                sum.ways_argued += if is_argued { 2 - went } else { 0 };
                missing = if seen.executed { 2 - went } else { 0 };
            }
            for frame in kernel.frames(one.address).into_iter().take(1) {
                let line = lines.entry((frame.file, frame.line)).or_default();
                line.instructions += 1;
                line.executed += u32::from(seen.executed);
                line.ways_missing += missing as u32;
            }
        }
        Self {
            name: kernel.name.clone(),
            sum,
            gaps,
            lines,
        }
    }
}

/// The files of a folder with that extension, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!(
            "{} cannot be read: run `cargo xtask coverage`",
            folder.display()
        )
    })?;
    let mut files: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension() == Some(OsStr::new(extension)));
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// The lines of the tree's files.
pub struct Sources<'r> {
    root: &'r Path,
    files: BTreeMap<String, Vec<String>>,
}

impl<'r> Sources<'r> {
    /// Of the tree at `root`.
    pub fn new(root: &'r Path) -> Self {
        Self {
            root,
            files: BTreeMap::new(),
        }
    }

    /// All lines of a file; none if it is none of the tree's.
    pub fn file(&mut self, file: &str) -> &[String] {
        self.files.entry(file.to_owned()).or_insert_with(|| {
            let text = fs::read_to_string(self.root.join(file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        })
    }

    /// The text of a line.
    pub fn line(&mut self, file: &str, number: u32) -> &str {
        let lines = self.file(file);
        let place = (number as usize).wrapping_sub(1);
        lines.get(place).map_or("", |line| line.trim())
    }
}
