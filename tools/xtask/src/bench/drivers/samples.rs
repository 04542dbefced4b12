//! From what was counted between marks to figures.
//!
//! Of an operation's samples the seventh counts, from the cheapest on: ticks of the guest's kernel and what else comes by the
//! clock fall into most of those of an operation that waits for the disk, and which ones these are is decided by the host's speed. The others
//! are the same to the instruction, but for a few that are still cheaper, since something of theirs was done before.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use super::super::counts::Counts;
use super::super::linux::figures::Figure;
use super::marks;

/// What has to be reached for a request or a frame, in multiples of native, and what is aimed at.
const MUST: f64 = 2.0;
const AIM: f64 = 1.3;
/// Which sample counts, from the cheapest on.
const COUNTS: u64 = 7;

/// How often the program does an operation of so many requests or frames between marks.
const fn samples_of(requests: u64) -> u64 {
    if requests == 1 { 256 } else { 64 }
}

/// The program's operations in its order, and how many requests or frames each consists of.
pub const OPERATIONS: [(&str, u64); 10] = [
    ("read_4k", 1),
    ("write_4k", 1),
    ("read_4k_depth_32", 32),
    ("write_4k_depth_32", 32),
    ("read_4k_scattered_32", 32),
    ("write_4k_scattered_32", 32),
    ("frame_out", 1),
    ("frame_out_and_in", 1),
    ("frame_out_depth_32", 32),
    ("frame_out_and_in_depth_32", 32),
];

/// Frames that come in, each by the difference of two operations: out and in, and out.
const FRAMES_IN: [(&str, &str, &str); 2] = [
    ("frame_in", "frame_out_and_in", "frame_out"),
    (
        "frame_in_depth_32",
        "frame_out_and_in_depth_32",
        "frame_out_depth_32",
    ),
];

/// Whether a figure says how often something happened, and not what it cost.
pub fn is_event(figure: &Figure) -> bool {
    ["interrupts_", "hypercalls_"]
        .iter()
        .any(|event| figure.op.starts_with(event))
}

/// Of one request or frame.
#[derive(Clone, Debug, Default)]
struct Cost {
    instructions: f64,
    /// The same of the sample in the middle.
    typical: f64,
    /// In the order in which they were to be counted.
    events: Vec<f64>,
}

impl Cost {
    fn of(counts: &Counts, operation: usize) -> Result<Self> {
        let (name, requests) = OPERATIONS[operation];
        let (begin, _) = marks(operation as u32);
        let mut samples: Vec<_> = (counts.betweens.iter())
            .filter(|one| one.first == begin)
            .collect();
        samples.sort_by_key(|one| one.instructions);
        let all: u64 = samples.iter().map(|one| one.samples).sum();
        let expected = samples_of(requests);
        ensure!(
            all == expected,
            "of {name} there are {all} samples, not {expected}"
        );
        let number = |wanted: u64| {
            let mut up_to = 0;
            let found = samples.iter().find(|one| {
                up_to += one.samples;
                up_to >= wanted
            });
            found.context("there are no samples")
        };
        let (seventh, middle) = (number(COUNTS)?, number(expected / 2)?);
        Ok(Self {
            instructions: seventh.instructions as f64 / requests as f64,
            typical: middle.instructions as f64 / requests as f64,
            events: (seventh.events.iter())
                .map(|came| *came as f64 / requests as f64)
                .collect(),
        })
    }

    fn event(&self, number: usize) -> f64 {
        self.events.get(number).copied().unwrap_or_default()
    }
}

/// What is taken of a request or frame for a figure.
type Part = fn(&Cost) -> f64;

/// The costs that are figures: how their names begin, what is taken, and what is aimed at. Who takes any sample finds the typical one: what has to be reached holds for it as
/// well.
const COSTS: [(&str, Part, Option<f64>); 2] = [
    ("", |cost| cost.instructions, Some(AIM)),
    ("typical_", |cost| cost.typical, None),
];

/// The costs of all operations in one run.
struct Costs(Vec<Cost>);

impl Costs {
    fn of(counts: &Counts) -> Result<Self> {
        let operations = 0..OPERATIONS.len();
        let costs = operations.map(|one| Cost::of(counts, one));
        Ok(Self(costs.collect::<Result<_>>()?))
    }

    /// Of an operation, or of a frame that comes in.
    fn part(&self, name: &str, part: Part) -> f64 {
        if let Some((_, both, out)) = FRAMES_IN.iter().find(|(one, ..)| *one == name) {
            return self.part(both, part) - self.part(out, part);
        }
        let costs = OPERATIONS.iter().zip(&self.0);
        let mut named = costs.filter(|((one, _), _)| *one == name);
        named.next().map_or(0.0, |(_, cost)| part(cost))
    }
}

/// The figures of two runs: without cofferdam, where interrupts were counted, and in partitions, where interrupts and hypercalls were.
pub fn figures(native: &Counts, partitions: &Counts) -> Result<Vec<Figure>> {
    const INTERRUPTS: usize = 0;
    const HYPERCALLS: usize = 1;
    let (native, here) = (Costs::of(native)?, Costs::of(partitions)?);
    let compared = |begin: &str, name: &str, part: Part| {
        let op = format!("{begin}{name}");
        Figure::compared(&op, native.part(name, part), here.part(name, part))
    };
    let operations = || OPERATIONS.iter().map(|(name, _)| *name);
    let all = || operations().chain(FRAMES_IN.iter().map(|(name, ..)| *name));
    let mut figures = Vec::new();
    for (begin, part, aim) in COSTS {
        figures.extend(all().map(|name| {
            let figure = compared(begin, name, part);
            // A frame each way has goals of its own.
            if name.contains("out_and_in") {
                return figure;
            }
            let must = Some(MUST);
            Figure {
                must,
                aim,
                ..figure
            }
        }));
    }
    figures.extend(
        operations().map(|name| compared("interrupts_", name, |cost| cost.event(INTERRUPTS))),
    );
    figures.extend(all().map(|name| {
        let calls = here.part(name, |cost| cost.event(HYPERCALLS));
        Figure::alone(&format!("hypercalls_{name}"), calls)
    }));
    Ok(figures)
}

/// All of them.
pub fn show(figures: &[Figure]) -> String {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<38} {:>10} {:>10} {:>8} {:>6} {:>6}",
        "instructions, for one", "native", "cofferdam", "ratio", "must", "aim"
    );
    for figure in figures {
        let digits = if is_event(figure) { 2 } else { 0 };
        let _ = writeln!(
            text,
            "{:<38} {:>10} {:>10} {:>8} {:>6} {:>6}  {}",
            figure.op,
            number(figure.native, digits),
            number(Some(figure.cofferdam), digits),
            number(figure.ratio, 2),
            number(figure.must, 1),
            number(figure.aim, 1),
            figure.verdict(),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(extra: u64, events: &str) -> Counts {
        let mut text = String::new();
        for (operation, (_, requests)) in (0..).zip(OPERATIONS) {
            let (first, end) = marks(operation);
            let once = 1_000 * requests * (1 + u64::from(operation)) + extra;
            // Few that cost less, the seventh, and others that a tick fell into.
            let ticked = samples_of(requests) - COUNTS;
            for (instructions, samples) in
                [(once - 100, COUNTS - 1), (once, 1), (once + 5_000, ticked)]
            {
                text += &format!(
                    r#"{{"kind":"between","first":{first},"end":{end},"instructions":{instructions},"register_transfers":0,"kernel":{{"instructions":0,"register_transfers":0}},"events":{events},"samples":{samples}}}"#
                );
                text.push('\n');
            }
        }
        Counts::parse(&text).unwrap()
    }

    fn figure<'f>(figures: &'f [Figure], op: &str) -> &'f Figure {
        figures.iter().find(|one| one.op == op).unwrap()
    }

    #[test]
    fn a_request_costs_what_the_seventh_of_the_samples_does() {
        let figures = figures(&counts(0, "[32]"), &counts(320, "[64, 96]")).unwrap();
        let read = figure(&figures, "read_4k_depth_32");
        assert_eq!((read.native, read.cofferdam), (Some(3_000.0), 3_010.0));
        assert_eq!(read.must, Some(2.0));
        let frame = figure(&figures, "frame_in");
        assert_eq!((frame.native, frame.cofferdam), (Some(1_000.0), 1_000.0));
        let interrupts = figure(&figures, "interrupts_read_4k_depth_32");
        assert_eq!((interrupts.native, interrupts.cofferdam), (Some(1.0), 2.0));
        assert_eq!(interrupts.must, None);
        assert_eq!(figure(&figures, "hypercalls_read_4k").cofferdam, 96.0);
        assert_eq!(figure(&figures, "hypercalls_frame_in").cofferdam, 0.0);
    }

    #[test]
    fn what_is_typical_is_the_sample_in_the_middle() {
        let figures = figures(&counts(0, "[32]"), &counts(320, "[64, 96]")).unwrap();
        // A tick of 5,000 instructions fell into it, a share of which is a request's.
        let read = figure(&figures, "typical_read_4k_depth_32");
        assert_eq!((read.native, read.cofferdam), (Some(3_156.25), 3_166.25));
        assert_eq!((read.must, read.aim), (Some(2.0), None));
        assert_eq!(figure(&figures, "typical_frame_out_and_in").must, None);
        assert_eq!(figure(&figures, "typical_frame_in").must, Some(2.0));
    }

    #[test]
    fn a_sample_that_is_missing_is_noticed() {
        let whole = counts(0, "[0]");
        let mut cut = counts(0, "[0]");
        cut.betweens.pop();
        let error = figures(&whole, &cut).unwrap_err().to_string();
        assert!(error.contains("frame_out_and_in_depth_32"), "{error}");
    }

    #[test]
    fn the_committed_figures_are_of_these_operations() {
        const GOLDEN: &str = include_str!("../../../../../systems/driver_bench/golden.json");
        let golden: Vec<Figure> = serde_json::from_str(GOLDEN).unwrap();
        let measured = figures(&counts(0, "[0]"), &counts(0, "[0, 0]")).unwrap();
        let names =
            |figures: &[Figure]| -> Vec<_> { figures.iter().map(|one| one.op.clone()).collect() };
        assert_eq!(names(&golden), names(&measured));
    }
}
