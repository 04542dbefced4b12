//! All of it as a page for people, in one file that needs no other.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use askama::Template;

use crate::analysis::{Analysis, LineSum, Sources};
use crate::arguments::{Argument, Arguments};
use crate::gaps::{Line, Missing};

/// The page.
///
/// # Errors
/// None that what is shown can cause.
pub fn page(
    analysis: &Analysis,
    arguments: &Arguments,
    sources: &mut Sources<'_>,
) -> Result<String> {
    let all = gaps(analysis, sources);
    let (argued, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|gap| gap.about.is_some());
    let mut reasons: Vec<_> = (arguments.all.iter())
        .map(|argument| Reason {
            argument,
            gaps: Vec::new(),
        })
        .collect();
    for gap in argued {
        if let Some(reason) = gap.about.and_then(|about| reasons.get_mut(about)) {
            reason.gaps.push(gap);
        }
    }
    let page = Page {
        analysis,
        open: by_file(open),
        reasons,
        files: files(analysis, sources),
    };
    page.render().context("the page cannot be made")
}

#[derive(Template)]
#[template(path = "coverage.html")]
struct Page<'a> {
    analysis: &'a Analysis,
    /// By the files of the source.
    open: Vec<(String, Vec<Shown>)>,
    reasons: Vec<Reason<'a>>,
    files: Vec<File>,
}

impl Page<'_> {
    /// A share of a whole, to a tenth of a percent, and never as the whole if it is not.
    fn percent(&self, part: &usize, whole: &usize) -> String {
        let thousandths = (part * 1_000).checked_div(*whole).unwrap_or(1_000);
        format!("{}.{} %", thousandths / 10, thousandths % 10)
    }
}

/// An argument, and what it is about.
struct Reason<'a> {
    argument: &'a Argument,
    gaps: Vec<Shown>,
}

/// What is missing of a line, in all kernels.
struct Shown {
    line: Line,
    text: String,
    about: Option<usize>,
    /// Kernels, and what is missing of each.
    kernels: Vec<(String, String)>,
}

impl Shown {
    /// Where the line is.
    fn place(&self) -> String {
        match self.line.number {
            0 => ASSEMBLY.to_owned(),
            number => format!("{}:{number}", self.line.file),
        }
    }

    /// The functions that it was inlined into, the innermost first.
    fn within(&self) -> String {
        self.line.within.join(" < ")
    }
}

/// What stands in place of a file where there is none.
const ASSEMBLY: &str = "assembly";

/// The same, by the files of the source.
fn by_file(gaps: Vec<Shown>) -> Vec<(String, Vec<Shown>)> {
    let mut files: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for gap in gaps {
        let file = match gap.line.file.as_str() {
            "" => ASSEMBLY,
            file => file,
        };
        files.entry(file.to_owned()).or_default().push(gap);
    }
    files.into_iter().collect()
}

/// What is missing, each line once.
fn gaps(analysis: &Analysis, sources: &mut Sources<'_>) -> Vec<Shown> {
    let mut lines: BTreeMap<&Line, Shown> = BTreeMap::new();
    for kernel in &analysis.kernels {
        for (gap, about) in &kernel.gaps {
            let text = sources.line(&gap.line.file, gap.line.number);
            let shown = lines.entry(&gap.line).or_insert_with(|| Shown {
                line: gap.line.clone(),
                text: text.to_owned(),
                about: *about,
                kernels: Vec::new(),
            });
            let what = what(&gap.instructions);
            shown.kernels.push((kernel.name.clone(), what));
        }
    }
    lines.into_values().collect()
}

/// What is missing of instructions, in words.
fn what(instructions: &[(u32, Missing)]) -> String {
    let mut kinds: BTreeMap<Missing, Vec<String>> = BTreeMap::new();
    for (address, missing) in instructions {
        let addresses = kinds.entry(*missing).or_default();
        addresses.push(format!("{address:x}"));
    }
    let kinds = kinds.iter().map(|(missing, addresses)| {
        let many = addresses.len() > 4;
        let shown = if many { &addresses[..3] } else { addresses };
        let rest = if many {
            format!(" and {} more", addresses.len() - 3)
        } else {
            String::new()
        };
        format!("{}: {}{rest}", missing.words(), shown.join(" "))
    });
    kinds.collect::<Vec<_>>().join("; ")
}

/// A file of the source, with what was seen of it in the largest kernel.
struct File {
    name: String,
    instructions: u32,
    executed: u32,
    ways_missing: u32,
    lines: Vec<Source>,
}

impl File {
    /// Whether something of it is missing.
    fn lacks(&self) -> bool {
        self.executed < self.instructions || self.ways_missing > 0
    }
}

/// A line of a file.
struct Source {
    number: usize,
    text: String,
    /// How it is shown, as a class of the style.
    class: &'static str,
    /// What was seen of it, in words.
    seen: String,
}

fn files(analysis: &Analysis, sources: &mut Sources<'_>) -> Vec<File> {
    let Some(largest) = analysis.kernels.first() else {
        return Vec::new();
    };
    let mut files: BTreeMap<&str, BTreeMap<usize, LineSum>> = BTreeMap::new();
    for ((file, number), sum) in &largest.lines {
        let lines = files.entry(file.as_str()).or_default();
        lines.insert(*number as usize, *sum);
    }
    let files = files.into_iter().map(|(name, sums)| {
        let total = |of: fn(&LineSum) -> u32| sums.values().map(of).sum();
        let text = sources.file(name);
        let lines = text.iter().zip(1..).map(|(text, number)| {
            let sum = sums.get(&number).copied().unwrap_or_default();
            let class = match sum {
                LineSum {
                    instructions: 0, ..
                } => "",
                LineSum { executed: 0, .. } => "none",
                sum if sum.executed < sum.instructions || sum.ways_missing > 0 => "part",
                _ => "all",
            };
            let seen = match (sum.instructions, sum.ways_missing) {
                (0, _) => String::new(),
                (instructions, 0) => format!("{}/{instructions}", sum.executed),
                (instructions, ways) => format!("{}/{instructions} -{ways}", sum.executed),
            };
            Source {
                number,
                text: text.clone(),
                class,
                seen,
            }
        });
        File {
            name: if name.is_empty() { ASSEMBLY } else { name }.to_owned(),
            instructions: total(|sum| sum.instructions),
            executed: total(|sum| sum.executed),
            ways_missing: total(|sum| sum.ways_missing),
            lines: lines.collect(),
        }
    });
    files.collect()
}
