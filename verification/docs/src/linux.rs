//! The committed figures of `cargo xtask bench linux`, beside those of KVM: a table, and a chart.

use serde::Deserialize;
use svg::Document;
use svg::node::element::{Line, Rectangle, Text};

/// The committed figures.
const GOLDEN: &str = include_str!("../../../systems/linux_bench/golden.json");
/// The same operations under KVM, in multiples of what they cost without it.
const KVM: &str = include_str!("../../../systems/linux_bench/kvm.json");

#[derive(Clone, Debug, Deserialize)]
struct Figure {
    op: String,
    native: Option<f64>,
    cofferdam: f64,
    ratio: Option<f64>,
    must: Option<f64>,
    aim: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Kvm {
    op: String,
    kvm: f64,
    kvm_nospectre_v2: Option<f64>,
}

fn figures() -> Vec<Figure> {
    serde_json::from_str(GOLDEN).expect("systems/linux_bench/golden.json is a list of figures")
}

fn peers() -> Vec<Kvm> {
    serde_json::from_str(KVM).expect("systems/linux_bench/kvm.json is a list of figures")
}

/// The figures as a table.
pub(crate) fn all() -> String {
    let peers = peers();
    let number = |number: Option<f64>, digits: usize| {
        number.map_or_else(String::new, |number| format!("{number:.digits$}"))
    };
    let figures = figures();
    let rows = figures.iter().map(|figure| {
        let judged = figure.ratio.unwrap_or(figure.cofferdam);
        let reached = match (figure.aim, figure.must) {
            (Some(aim), _) if judged <= aim => "aim",
            (_, Some(must)) if judged <= must => "must",
            (_, Some(_)) => "**missed**",
            _ => "",
        };
        let peer = peers.iter().find(|peer| peer.op == figure.op);
        let goal = |goal: Option<f64>| goal.map_or_else(String::new, |goal| goal.to_string());
        [
            format!("`{}`", figure.op),
            number(figure.native, 1),
            number(Some(figure.cofferdam), 1),
            number(figure.ratio, 2),
            goal(figure.must),
            goal(figure.aim),
            reached.to_owned(),
            number(peer.map(|peer| peer.kvm), 1),
            number(peer.and_then(|peer| peer.kvm_nospectre_v2), 1),
        ]
    });
    crate::table(
        [
            "operation",
            "native",
            "cofferdam",
            "ratio",
            "must",
            "aim",
            "reached",
            "KVM",
            "KVM, `nospectre_v2`",
        ],
        rows,
    )
}

/// The chart's measures, in its own units.
mod measure {
    pub const WIDTH: f64 = 860.0;
    pub const LABELS: f64 = 200.0;
    pub const TOP: f64 = 56.0;
    pub const BAR: f64 = 9.0;
    pub const ROW: f64 = 28.0;
    /// The axis, in multiples of native, and where its lines are.
    pub const FROM: f64 = 0.9;
    pub const TO: f64 = 500.0;
    pub const LINES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
}

const COFFERDAM: &str = "#1f6fb4";
const PEER: &str = "#c9893b";
const FAINT: &str = "#d0d0d0";
const INK: &str = "#303030";

/// Where a multiple of native lies.
fn place(multiple: f64) -> f64 {
    use measure::{FROM, LABELS, TO, WIDTH};
    let along = (multiple.clamp(FROM, TO) / FROM).ln() / (TO / FROM).ln();
    LABELS + along * (WIDTH - LABELS - 40.0)
}

/// Two decimals are enough for a picture, and the same for every machine.
fn coordinate(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn bar(top: f64, multiple: f64, colour: &str) -> Rectangle {
    let (from, to) = (place(measure::FROM), place(multiple));
    Rectangle::new()
        .set("x", coordinate(from))
        .set("y", coordinate(top))
        .set("width", coordinate(to - from))
        .set("height", measure::BAR)
        .set("fill", colour)
}

fn text(x: f64, y: f64, words: &str) -> Text {
    Text::new(words)
        .set("x", coordinate(x))
        .set("y", coordinate(y))
        .set("fill", INK)
}

/// The ratios as bars, on a logarithmic scale on which native is 1.
pub(crate) fn chart() -> String {
    use measure::{BAR, LABELS, LINES, ROW, TOP, WIDTH};
    let peers = peers();
    let figures = figures();
    let ratios: Vec<_> = figures
        .iter()
        .filter_map(|figure| Some((&figure.op, figure.ratio?)))
        .collect();
    let height = TOP + ratios.len() as f64 * ROW + 10.0;
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH as u32, height.ceil() as u32))
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .add(
            Rectangle::new()
                .set("width", "100%")
                .set("height", "100%")
                .set("fill", "#ffffff"),
        );
    for multiple in LINES {
        let x = coordinate(place(multiple));
        let line = Line::new()
            .set("x1", x)
            .set("x2", x)
            .set("y1", TOP - 6.0)
            .set("y2", coordinate(height - 8.0))
            .set("stroke", if multiple == 1.0 { INK } else { FAINT });
        let label = text(x, TOP - 12.0, &format!("{multiple}×")).set("text-anchor", "middle");
        document = document.add(line).add(label);
    }
    for (x, colour, name) in [(200.0, COFFERDAM, "cofferdam"), (320.0, PEER, "KVM")] {
        let patch = Rectangle::new()
            .set("x", x)
            .set("y", 10)
            .set("width", 20)
            .set("height", BAR)
            .set("fill", colour);
        document = document.add(patch).add(text(x + 26.0, 18.0, name));
    }
    document = document.add(text(420.0, 18.0, "times native (1×), logarithmic"));
    for (index, (op, ratio)) in ratios.into_iter().enumerate() {
        let top = TOP + index as f64 * ROW;
        let label = text(LABELS - 10.0, top + BAR + 4.0, op).set("text-anchor", "end");
        document = document.add(label).add(bar(top, ratio, COFFERDAM));
        let number = format!("{ratio:.2}");
        document = document.add(text(place(ratio) + 4.0, top + BAR - 1.0, &number));
        if let Some(peer) = peers.iter().find(|peer| peer.op == *op) {
            let number = format!("{:.1}", peer.kvm);
            document = document.add(bar(top + BAR + 2.0, peer.kvm, PEER)).add(text(
                place(peer.kvm) + 4.0,
                top + 2.0 * BAR + 2.0,
                &number,
            ));
        }
    }
    format!("{document}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_factors_are_equal_lengths_and_nothing_leaves_the_chart() {
        let step = place(2.0) - place(1.0);
        assert!((place(20.0) - place(10.0) - step).abs() < 1e-6);
        assert!(place(0.001) >= measure::LABELS && place(1e9) < measure::WIDTH);
    }

    #[test]
    fn each_ratio_has_its_bar() {
        let chart = chart();
        for figure in figures() {
            assert_eq!(
                chart.contains(&format!("\n{}\n", figure.op)),
                figure.ratio.is_some(),
                "{}",
                figure.op
            );
        }
    }
}
