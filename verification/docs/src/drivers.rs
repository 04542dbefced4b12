//! The committed figures of `cargo xtask bench drivers`: tables, and a chart.

use serde::Deserialize;
use svg::Document;
use svg::node::element::{Line, Rectangle, Text};

/// The committed figures.
const GOLDEN: &str = include_str!("../../../systems/driver_bench/golden.json");

#[derive(Clone, Debug, Deserialize)]
struct Figure {
    op: String,
    native: Option<f64>,
    cofferdam: f64,
    ratio: Option<f64>,
    must: Option<f64>,
    aim: Option<f64>,
}

fn figures() -> Vec<Figure> {
    serde_json::from_str(GOLDEN).expect("systems/driver_bench/golden.json is a list of figures")
}

/// How the names of those begin that are no instructions.
const EVENTS: [&str; 2] = ["interrupts_", "hypercalls_"];

impl Figure {
    /// What happens so often, if that is what it says.
    fn event(&self) -> Option<(&'static str, &str)> {
        EVENTS
            .into_iter()
            .find_map(|event| Some((event, self.op.strip_prefix(event)?)))
    }

    /// Whether it is a cost of the sample in the middle, which has no bar of its own.
    fn is_typical(&self) -> bool {
        self.op.starts_with("typical_")
    }
}

/// What requests and frames cost, as a table.
pub(crate) fn costs() -> String {
    let number = |number: Option<f64>, digits: usize| {
        number.map_or_else(String::new, |number| format!("{number:.digits$}"))
    };
    let goal = |goal: Option<f64>| goal.map_or_else(String::new, |goal| goal.to_string());
    let figures = figures();
    let costs = figures.iter().filter(|figure| figure.event().is_none());
    let rows = costs.map(|figure| {
        let reached = match (figure.ratio, figure.aim, figure.must) {
            (Some(ratio), Some(aim), _) if ratio <= aim => "aim",
            (Some(ratio), _, Some(must)) if ratio <= must => "must",
            (Some(_), _, Some(_)) => "**missed**",
            _ => "",
        };
        [
            format!("`{}`", figure.op),
            number(figure.native, 0),
            number(Some(figure.cofferdam), 0),
            number(figure.ratio, 2),
            goal(figure.must),
            goal(figure.aim),
            reached.to_owned(),
        ]
    });
    crate::table(
        [
            "for one",
            "native",
            "cofferdam",
            "ratio",
            "must",
            "aim",
            "reached",
        ],
        rows,
    )
}

/// How often something happens for a request or a frame, as a table.
pub(crate) fn events() -> String {
    let figures = figures();
    let [interrupts, hypercalls] = EVENTS;
    let number =
        |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:.2}"));
    let of = |event: &str, op: &str| {
        figures
            .iter()
            .find(|figure| figure.op.strip_prefix(event) == Some(op))
    };
    // What has a number of hypercalls alone has none of interrupts.
    let rows = figures.iter().filter_map(|figure| {
        let (event, op) = figure.event()?;
        (event == hypercalls).then(|| {
            let interrupts = of(interrupts, op);
            [
                format!("`{op}`"),
                number(interrupts.and_then(|figure| figure.native)),
                number(interrupts.map(|figure| figure.cofferdam)),
                number(Some(figure.cofferdam)),
            ]
        })
    });
    crate::table(
        [
            "for one",
            "interrupts, native",
            "interrupts, cofferdam",
            "hypercalls, cofferdam",
        ],
        rows,
    )
}

/// The chart's measures, in its own units.
mod measure {
    pub const WIDTH: f64 = 860.0;
    pub const LABELS: f64 = 210.0;
    pub const TOP: f64 = 52.0;
    pub const BAR: f64 = 12.0;
    pub const ROW: f64 = 22.0;
    /// The axis, in multiples of native.
    pub const TO: f64 = 4.0;
    pub const LINES: [f64; 5] = [0.0, 1.0, 2.0, 3.0, 4.0];
}

const REACHED: &str = "#1f6fb4";
const MISSED: &str = "#c9893b";
const FAINT: &str = "#d0d0d0";
const INK: &str = "#303030";

/// Where a multiple of native lies.
fn place(multiple: f64) -> f64 {
    use measure::{LABELS, TO, WIDTH};
    LABELS + multiple.clamp(0.0, TO) / TO * (WIDTH - LABELS - 50.0)
}

/// Two decimals are enough for a picture, and the same for every machine.
fn coordinate(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn text(x: f64, y: f64, words: &str) -> Text {
    Text::new(words)
        .set("x", coordinate(x))
        .set("y", coordinate(y))
        .set("fill", INK)
}

/// The ratios as bars; what has to be reached is a line.
pub(crate) fn chart() -> String {
    use measure::{BAR, LABELS, LINES, ROW, TOP, WIDTH};
    let figures = figures();
    let costs: Vec<_> = (figures.iter())
        .filter(|figure| figure.event().is_none() && !figure.is_typical())
        .filter_map(|figure| Some((&figure.op, figure.ratio?, figure.must)))
        .collect();
    let height = TOP + costs.len() as f64 * ROW + 10.0;
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH as u32, height.ceil() as u32))
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .add(
            Rectangle::new()
                .set("width", "100%")
                .set("height", "100%")
                .set("fill", "#ffffff"),
        )
        .add(text(
            LABELS,
            18.0,
            "instructions of the whole machine, times native",
        ));
    let must = costs.iter().find_map(|(_, _, must)| *must);
    for multiple in LINES {
        let x = coordinate(place(multiple));
        let is_bound = Some(multiple) == must;
        let line = Line::new()
            .set("x1", x)
            .set("x2", x)
            .set("y1", TOP - 6.0)
            .set("y2", coordinate(height - 8.0))
            .set("stroke", if is_bound { INK } else { FAINT });
        let bound = if is_bound { " (must)" } else { "" };
        let label = text(x, TOP - 12.0, &format!("{multiple}×{bound}"));
        document = document.add(line).add(label.set("text-anchor", "middle"));
    }
    for (index, (op, ratio, must)) in costs.into_iter().enumerate() {
        let top = TOP + index as f64 * ROW;
        let reached = must.is_none_or(|must| ratio <= must);
        let bar = Rectangle::new()
            .set("x", coordinate(place(0.0)))
            .set("y", coordinate(top))
            .set("width", coordinate(place(ratio) - place(0.0)))
            .set("height", BAR)
            .set("fill", if reached { REACHED } else { MISSED });
        let label = text(LABELS - 10.0, top + BAR - 2.0, op).set("text-anchor", "end");
        let number = text(place(ratio) + 4.0, top + BAR - 2.0, &format!("{ratio:.2}"));
        document = document.add(bar).add(label).add(number);
    }
    format!("{document}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_differences_are_equal_lengths_and_nothing_leaves_the_chart() {
        let step = place(2.0) - place(1.0);
        assert!((place(4.0) - place(3.0) - step).abs() < 1e-6);
        assert!(place(-1.0) >= measure::LABELS && place(1e9) < measure::WIDTH);
    }

    #[test]
    fn each_figure_is_in_one_table_and_each_cost_but_the_typical_in_the_chart() {
        let (costs, events, chart) = (costs(), events(), chart());
        for figure in figures() {
            let op = figure.event().map_or(figure.op.as_str(), |(_, op)| op);
            let cell = format!("| `{op}` |");
            assert!(events.contains(&cell) || costs.contains(&cell), "{op}");
            let is_cost = figure.event().is_none();
            assert_eq!(costs.contains(&format!("| `{}` |", figure.op)), is_cost);
            let has_bar = chart.contains(&format!("\n{}\n", figure.op));
            assert_eq!(has_bar, is_cost && !figure.is_typical());
        }
    }
}
