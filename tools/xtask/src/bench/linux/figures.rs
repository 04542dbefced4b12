//! The figures of Linux in a partition: what is aimed at, what is committed, and how they are shown.

use std::path::Path;

use cofferdam_build::store;
use cofferdam_progress::say;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::parts::Tally;

/// What the same operations cost under KVM; docs/linux-performance.md says which KVM.
const KVM: &str = include_str!("../../../../../systems/linux_bench/kvm.json");

/// By so much of itself may a figure differ from the committed one: whether the kernel's tick falls into this batch or into the
/// next is decided by whatever runs before it.
pub const TOLERANCE: f64 = 0.01;

/// A figure. Its JSON form is part of the command's interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The operation.
    pub op: String,
    /// Without cofferdam: ticks of the timebase for one, or the unit that the name says.
    pub native: Option<f64>,
    /// In a partition.
    pub cofferdam: f64,
    /// How many times as much.
    pub ratio: Option<f64>,
    /// What has to be reached: of the ratio, or of the figure itself where there is none.
    pub must: Option<f64>,
    /// What is aimed at.
    pub aim: Option<f64>,
}

/// What has to be reached, and what is aimed at.
const GOALS: [(&str, f64, f64); 13] = [
    ("null_syscall", 2.5, 1.5),
    ("pipe_roundtrip_2ctxsw", 1.6, 1.25),
    ("fork_exit", 2.5, 1.4),
    ("fork_exec_exit", 2.5, 1.4),
    ("page_fault_anon", 2.5, 1.5),
    ("mmap_touch_munmap", 2.5, 1.5),
    ("tlbmiss_walk_2048p", 6.0, 1.5),
    ("tlb_walk_256p", 1.5, 1.1),
    ("tick_gap_sum", 2.0, 1.4),
    ("memcpy_64k", 1.01, 1.0),
    ("cpuloop_bdnz", 1.01, 1.0),
    ("boot_to_init", 1.3, 1.1),
    ("kernel_instructions_per_system_call", 150.0, 60.0),
];

impl Figure {
    /// Of an operation in both.
    pub fn compared(op: &str, native: f64, cofferdam: f64) -> Self {
        Self {
            native: Some(rounded(native)),
            ratio: Some(rounded(cofferdam / native)),
            ..Self::alone(op, cofferdam)
        }
    }

    /// Of something that is in cofferdam alone.
    pub fn alone(op: &str, cofferdam: f64) -> Self {
        let goals = GOALS.iter().find(|(name, ..)| *name == op);
        Self {
            op: op.to_owned(),
            native: None,
            cofferdam: rounded(cofferdam),
            ratio: None,
            must: goals.map(|(_, must, _)| *must),
            aim: goals.map(|(.., aim)| *aim),
        }
    }

    /// What is held against the goals.
    fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.cofferdam)
    }

    /// Whether it reaches what it has to.
    pub fn reaches(&self) -> bool {
        self.must.is_none_or(|must| self.judged() <= must)
    }

    /// What it reaches, in a word.
    pub fn verdict(&self) -> &'static str {
        match (self.aim, self.must) {
            (Some(aim), _) if self.judged() <= aim => "aim",
            (_, Some(must)) if self.judged() <= must => "must",
            (_, Some(_)) => "MISSED",
            _ => "",
        }
    }
}

/// To three places: what is committed is to be read.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Holds what was measured against what is committed, from which it may differ by so much of it.
pub fn compare(figures: &[Figure], golden: &[Figure], tolerance: f64) -> Tally {
    let mut tally = Tally::default();
    for figure in figures {
        let blessed = golden.iter().find(|one| one.op == figure.op);
        tally.count(&figure.op, judge(figure, blessed, tolerance));
    }
    for blessed in golden {
        if !figures.iter().any(|figure| figure.op == blessed.op) {
            let gone = Err(anyhow::anyhow!("is committed, and was not measured"));
            tally.count(&blessed.op, gone);
        }
    }
    tally
}

/// Whether a figure is the committed one. One that fell is blessed too, so that what is committed stays true.
fn judge(figure: &Figure, blessed: Option<&Figure>, tolerance: f64) -> Result<()> {
    let blessed = blessed.context("is not among the committed figures")?;
    ensure!(
        figure.reaches() || !blessed.reaches(),
        "is {}, above its bound, which it kept before",
        figure.judged()
    );
    let moved = |what: &str, now: Option<f64>, then: Option<f64>| {
        let (Some(now), Some(then)) = (now, then) else {
            ensure!(now == then, "{what}: is {now:?}, and was {then:?}");
            return Ok(());
        };
        let moved = if now > then { "rose" } else { "fell" };
        ensure!(
            (now - then).abs() <= then * tolerance,
            "{what}: {moved} from {then} to {now}"
        );
        Ok(())
    };
    moved(
        "in the partition",
        Some(figure.cofferdam),
        Some(blessed.cofferdam),
    )?;
    moved("native", figure.native, blessed.native)?;
    let goals = |figure: &Figure| (figure.must, figure.aim);
    ensure!(
        goals(figure) == goals(blessed),
        "has the bound and the aim {:?}, and {:?} are committed",
        goals(figure),
        goals(blessed)
    );
    Ok(())
}

/// What may not be committed: a figure above its bound where the committed one is within it.
fn lost<'f>(figures: &'f [Figure], golden: &[Figure]) -> Vec<&'f str> {
    let reached = |op: &str| golden.iter().any(|one| one.op == op && one.reaches());
    let lost = figures.iter().filter(|one| !one.reaches());
    lost.map(|one| one.op.as_str())
        .filter(|op| reached(op))
        .collect()
}

/// Where figures are committed, and how that is spoken of.
pub struct Committed<'c> {
    /// The file with them.
    pub file: &'c Path,
    /// What measures them: `cargo xtask bench` with this name.
    pub bench: &'c str,
    /// The page that shows them.
    pub page: &'c str,
}

impl Committed<'_> {
    /// Says what is not as committed, which is an error; or commits the figures as they are.
    pub fn settle(
        &self,
        figures: &[Figure],
        golden: &[Figure],
        tally: &Tally,
        bless: bool,
    ) -> Result<()> {
        let Self { bench, page, .. } = self;
        if !bless {
            for failure in &tally.failed {
                say!("error: {failure}");
            }
            ensure!(
                tally.failed.is_empty(),
                "figures are not what is committed; `cargo xtask bench {bench} --bless` commits them"
            );
            return Ok(());
        }
        let lost = lost(figures, golden);
        ensure!(
            lost.is_empty(),
            "above its bound, and what is committed is not: {}; nothing was committed",
            lost.join(", ")
        );
        let text = serde_json::to_string_pretty(figures)? + "\n";
        store(self.file, text.as_bytes())?;
        say!("blessed: {}", self.file.display());
        say!("UPDATE_EXPECT=1 cargo test -p cofferdam-docs writes them into {page}");
        Ok(())
    }
}

#[derive(Deserialize)]
struct Kvm {
    op: String,
    kvm: f64,
    kvm_nospectre_v2: Option<f64>,
}

/// All of them, beside KVM's.
pub fn show(figures: &[Figure]) -> Result<String> {
    let peers: Vec<Kvm> = serde_json::from_str(KVM)?;
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<36} {:>12} {:>12} {:>8} {:>7} {:>7}  {:<7} {:>7} {:>7}",
        "ticks of the timebase", "native", "cofferdam", "ratio", "must", "aim", "", "KVM", "nospec"
    );
    for figure in figures {
        let peer = peers.iter().find(|peer| peer.op == figure.op);
        let _ = writeln!(
            text,
            "{:<36} {:>12} {:>12} {:>8} {:>7} {:>7}  {:<7} {:>7} {:>7}",
            figure.op,
            number(figure.native, 1),
            number(Some(figure.cofferdam), 1),
            number(figure.ratio, 3),
            number(figure.must, 2),
            number(figure.aim, 2),
            figure.verdict(),
            number(peer.map(|peer| peer.kvm), 1),
            number(peer.and_then(|peer| peer.kvm_nospectre_v2), 1),
        );
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(cofferdam: f64) -> Figure {
        Figure::compared("null_syscall", 100.0, cofferdam)
    }

    fn failures(now: &Figure, then: &Figure) -> Vec<String> {
        compare(
            std::slice::from_ref(now),
            std::slice::from_ref(then),
            TOLERANCE,
        )
        .failed
    }

    #[test]
    fn a_figure_that_moves_fails() {
        let blessed = figure(200.0);
        assert!(failures(&blessed, &blessed).is_empty());
        assert!(failures(&figure(201.9), &blessed).is_empty());
        assert!(failures(&figure(202.1), &blessed)[0].contains("rose from 200 to 202.1"));
        assert!(failures(&figure(197.0), &blessed)[0].contains("fell"));
        let native = Figure::compared("null_syscall", 90.0, 200.0);
        assert!(failures(&native, &blessed)[0].contains("native"));
        let goals = Figure {
            must: Some(9.0),
            ..blessed.clone()
        };
        assert!(failures(&goals, &blessed)[0].contains("bound"));
    }

    #[test]
    fn what_is_committed_is_measured_and_the_other_way_round() {
        let one = [figure(200.0)];
        assert_eq!(compare(&[], &one, TOLERANCE).failed.len(), 1);
        assert_eq!(compare(&one, &[], TOLERANCE).failed.len(), 1);
    }

    #[test]
    fn a_bound_that_was_reached_is_kept() {
        let (within, above) = (figure(249.0), figure(251.0));
        assert!(within.reaches() && !above.reaches());
        assert_eq!(
            lost(std::slice::from_ref(&above), &[within]),
            ["null_syscall"]
        );
        let worse = figure(300.0);
        assert!(lost(&[worse], &[above]).is_empty());
    }

    #[test]
    fn a_figure_of_cofferdam_alone_is_held_against_its_goals_itself() {
        let name = "kernel_instructions_per_system_call";
        assert!(Figure::alone(name, 150.0).reaches());
        assert!(!Figure::alone(name, 151.0).reaches());
    }

    #[test]
    fn each_goal_and_each_figure_of_kvm_is_of_a_committed_operation() {
        const GOLDEN: &str = include_str!("../../../../../systems/linux_bench/golden.json");
        let golden: Vec<Figure> = serde_json::from_str(GOLDEN).unwrap();
        let peers: Vec<Kvm> = serde_json::from_str(KVM).unwrap();
        let peers = peers.iter().map(|peer| peer.op.as_str());
        for op in GOALS.iter().map(|(op, ..)| *op).chain(peers) {
            assert!(golden.iter().any(|figure| figure.op == op), "{op}");
        }
    }

    #[test]
    fn the_json_form_has_its_keys() {
        let json = serde_json::to_value(figure(200.0)).unwrap();
        let mut keys: Vec<_> = json.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["aim", "cofferdam", "must", "native", "op", "ratio"]);
    }
}
