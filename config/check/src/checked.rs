//! A system that obeys the rules.

use std::path::{Path, PathBuf};

use cofferdam_model::{Board, Diagnostic, Diagnostics, Parsed, Program, Severity, System};

use crate::residency;
use crate::rules::{self, Findings};
use crate::wiring::Wiring;

/// A system that obeys every rule that can be judged before its partitions are built.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What the file says.
    pub system: System,
    /// Its board.
    pub board: Board,
    /// What each partition holds, in the order of the partitions.
    pub wiring: Vec<Wiring>,
    /// Which partitions are pinned in TLB1.
    pub pinned: Vec<bool>,
    /// The texts, and the warnings.
    pub warnings: Diagnostics,
    /// The folder of the file. `None` if the text came from elsewhere.
    pub directory: Option<PathBuf>,
    /// Where guests begin, by the names of their partitions. Whoever reads their kernels fills it in.
    pub guest_entries: Vec<(String, u32)>,
}

impl Checked {
    /// The file of a program: an image, or the `Cargo.toml` of a crate. It lies beside this file, or in a folder above it.
    pub fn find(&self, program: &Program) -> Option<PathBuf> {
        find(self.directory.as_deref()?, program)
    }
}

impl Checked {
    /// Where the guest of a partition begins: a guest-physical address. What is not said otherwise begins at 0.
    pub fn guest_entry(&self, partition: &str) -> u32 {
        let mut entries = self.guest_entries.iter();
        let entry = entries.find(|(name, _)| name == partition);
        entry.map_or(0, |(_, entry)| *entry)
    }

    /// A file that the system names: it lies beside it, or in a folder above it.
    pub fn find_file(&self, path: &str) -> Option<PathBuf> {
        file_at_or_above(self.directory.as_deref()?, Path::new(path))
    }
}

fn file_at_or_above(directory: &Path, path: &Path) -> Option<PathBuf> {
    let mut candidates = directory.ancestors().map(|folder| folder.join(path));
    candidates.find(|candidate| candidate.is_file())
}

fn find(directory: &Path, program: &Program) -> Option<PathBuf> {
    let file = match program {
        Program::Crate(path) => Path::new(&path.value).join("Cargo.toml"),
        Program::Image(path) => PathBuf::from(&path.value),
    };
    file_at_or_above(directory, &file)
}

/// Reads and checks the file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Checked, Diagnostics> {
    let name = path.display().to_string();
    let unreadable = |error: String| {
        let rule = rules::reading_rule("FILE-READ");
        let message = format!("`{name}` cannot be read: {error}");
        let diagnostic = Diagnostic::without_place(rule, message);
        let hint = "name the `system.toml` of a system";
        Diagnostics::new(Default::default(), vec![diagnostic.hint(hint)])
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..good].iter();
        let line = lines.filter(|byte| **byte == b'\n').count() + 1;
        unreadable(format!("line {line} is no text, for it is not UTF-8"))
    })?;
    // The canonical folder has ancestors up to the root, a relative one has not.
    let path = path
        .canonicalize()
        .map_err(|error| unreadable(error.to_string()))?;
    let directory = path.parent().map(Path::to_path_buf);
    check(&name, &text, directory)
}

/// Checks a text. `name` is what diagnostics call it; files that it names are not looked for.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_text(name: &str, text: &str) -> Result<Checked, Diagnostics> {
    check(name, text, None)
}

/// The same for a text that stands for the one of a file in this folder.
///
/// # Errors
/// As for [`check_text`].
pub fn check_text_in(folder: &Path, name: &str, text: &str) -> Result<Checked, Diagnostics> {
    check(name, text, Some(folder.to_path_buf()))
}

fn check(name: &str, text: &str, directory: Option<PathBuf>) -> Result<Checked, Diagnostics> {
    let folder = directory.clone().unwrap_or_default();
    let parsed = cofferdam_model::parse(name, text, &|path| {
        std::fs::read_to_string(folder.join(path))
    });
    let Parsed {
        sources,
        system,
        board,
        mut diagnostics,
        broken,
        is_toml,
    } = parsed;
    let mut findings = Findings::default();
    for rule in rules::rules().filter(|_| is_toml) {
        (rule.check)(&system, &board, &mut findings);
    }
    if let Some(directory) = &directory {
        rules::files_exist(
            &system,
            &|program| find(directory, program).is_some(),
            &|path| file_at_or_above(directory, Path::new(path)).is_some(),
            &mut findings,
        );
    }
    // Where reading found a mistake, a rule would only find what is missing because of it.
    diagnostics.extend(findings.list.into_iter().filter(|found| {
        let place = found.primary.as_ref().map(|label| label.span);
        place.is_none_or(|span| !broken.iter().any(|table| table.contains(span)))
    }));
    // A mistake in a table that partitions share is found for each of them.
    let same = |one: &Diagnostic, other: &Diagnostic| {
        one.rule.id == other.rule.id && one.primary == other.primary && one.message == other.message
    };
    let mut all = Diagnostics::new(sources, diagnostics);
    all.list.dedup_by(|one, other| same(one, other));
    if all.list.iter().any(|one| one.severity == Severity::Error) {
        return Err(all);
    }
    let wiring = (0..system.partitions.len())
        .map(|partition| Wiring::of(&system, &board, partition, &|_| None))
        .collect();
    Ok(Checked {
        wiring,
        pinned: residency::pinned(&system),
        system,
        board,
        warnings: all,
        directory,
        guest_entries: Vec::new(),
    })
}
