//! Physical memory from its lowest address down the page. A piece is higher the larger it is, but not to scale: 4 KiB and 64 MiB would not
//! both be seen. What is nobody's is a gap with its size.

use cofferdam_model::show_bytes;

use super::{document, fill, finished, rectangle, text, with_tip};
use crate::data::{Piece, Report};

const COLUMN: f64 = 110.0;
const COLUMN_WIDTH: f64 = 200.0;

/// Draws the RAM. Registers of devices lie behind it, and are in the table.
pub(crate) fn memory(report: &Report) -> String {
    let pieces: Vec<_> = report
        .memory
        .iter()
        .filter(|piece| piece.physical < report.ram_bytes)
        .collect();
    let mut rows = Vec::new();
    let mut at = 0;
    for piece in pieces {
        if piece.physical > at {
            rows.push((at, piece.physical - at, None));
        }
        // Pieces within others, such as what a store shares, stand behind them.
        at = at.max(piece.physical + piece.bytes);
        rows.push((piece.physical, piece.bytes, Some(piece)));
    }
    if report.ram_bytes > at {
        rows.push((at, report.ram_bytes - at, None));
    }
    let height: f64 = rows.iter().map(|(_, bytes, _)| high(*bytes)).sum();
    let mut drawing = document(height + 30.0, "Physical memory");
    let mut y = 16.0;
    for (physical, bytes, piece) in &rows {
        let row = high(*bytes);
        let (bars, words) = match piece {
            None => (vec![("gap", String::new())], "nobody's".to_owned()),
            Some(piece) => shown(report, piece),
        };
        let tip = format!("{physical:#010x}, {}: {words}", show_bytes(*bytes));
        let middle = y + row / 2.0 + 4.0;
        // What several share has a part for each.
        let width = COLUMN_WIDTH / bars.len() as f64;
        for (place, (class, style)) in bars.into_iter().enumerate() {
            let bar = rectangle(COLUMN + place as f64 * width, y, width, row)
                .set("class", class)
                .set("style", style);
            drawing = drawing.add(with_tip(bar, &tip));
        }
        drawing = drawing
            .add(text(
                COLUMN - 8.0,
                middle,
                "end",
                "address",
                &format!("{physical:#010x}"),
            ))
            .add(text(
                COLUMN + COLUMN_WIDTH + 95.0,
                middle,
                "end",
                "size",
                &show_bytes(*bytes),
            ))
            .add(text(
                COLUMN + COLUMN_WIDTH + 110.0,
                middle,
                "start",
                "name",
                &words,
            ));
        y += row;
    }
    drawing = drawing.add(text(
        COLUMN - 8.0,
        y + 10.0,
        "end",
        "address",
        &format!("{:#010x}", report.ram_bytes),
    ));
    finished(&drawing)
}

/// By the number of its digits in base 4: 4 KiB is a line of text, each step of TLB1's sizes a little more.
fn high(bytes: u64) -> f64 {
    let steps = (bytes.max(4096) / 4096).ilog2() / 2;
    17.0 + 3.0 * f64::from(steps)
}

/// A bar for each who has the piece, and the words.
fn shown(report: &Report, piece: &Piece) -> (Vec<(&'static str, String)>, String) {
    let number = |name: &String| report.partitions.iter().position(|one| one.name == *name);
    let own = piece.holders.iter().filter_map(number);
    let bars: Vec<_> = own.map(|number| ("piece", fill(number))).collect();
    match piece.holders.as_slice() {
        [] => (
            vec![("piece kernel", String::new())],
            format!("kernel: {}", piece.what),
        ),
        holders => (
            bars,
            format!(
                "{}: {} ({})",
                holders.join(" and "),
                piece.what,
                piece.rights
            ),
        ),
    }
}
