//! Pictures, as SVG that stands in the page: its colours are the page's (`--c0` and so on), so they follow light and dark.
//!
//! Nothing is told by colour alone: everything that is drawn has its name in the picture, or as a tooltip beside it in the table below.

mod ladder;
mod memory;
mod schedule;

pub(crate) use ladder::ladder;
pub(crate) use memory::memory;
pub(crate) use schedule::schedule;

use svg::Document;
use svg::node::Value;
use svg::node::element::{Element, Line, Rectangle, Text, Title};

/// How wide every picture is, in its own units.
const WIDTH: f64 = 1000.0;
/// The place for names on the left.
const LEFT: f64 = 130.0;
/// How many colours there are for partitions.
const COLOURS: usize = 8;

/// An empty picture of this height. On a narrow screen it is scrolled, not shrunk.
fn document(height: f64, title: &str) -> Document {
    Document::new()
        .set("viewBox", (0, 0, WIDTH as i64, height.ceil() as i64))
        .set("role", "img")
        .set("class", "drawing")
        .add(Title::new(title))
}

/// It, to stand in a page, which has no use for a name space.
fn finished(drawing: &Document) -> String {
    drawing
        .to_string()
        .replace(" xmlns=\"http://www.w3.org/2000/svg\"", "")
}

fn text(x: f64, y: f64, anchor: &str, class: &str, words: &str) -> Text {
    Text::new(words)
        .set("x", round(x))
        .set("y", round(y))
        .set("text-anchor", anchor)
        .set("class", class)
}

fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle::new()
        .set("x", round(x))
        .set("y", round(y))
        // What is there is seen.
        .set("width", round(width.max(0.5)))
        .set("height", round(height))
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, class: &str) -> Line {
    Line::new()
        .set("x1", round(x1))
        .set("y1", round(y1))
        .set("x2", round(x2))
        .set("y2", round(y2))
        .set("class", class)
}

/// A fill by the number of a partition.
fn fill(number: usize) -> String {
    format!("fill:var(--c{})", number % COLOURS)
}

/// Something with words that a pointer over it shows.
fn with_tip<T: svg::Node + Into<Element>>(node: T, tip: &str) -> Element {
    let mut element: Element = node.into();
    svg::Node::append(&mut element, Title::new(tip));
    element
}

/// The same numbers in every run, and no more digits than can be seen.
fn round(value: f64) -> Value {
    Value::from(
        format!("{:.1}", value)
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    )
}
