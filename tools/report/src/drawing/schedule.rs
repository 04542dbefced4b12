//! A mode's frame to scale: a row for each partition, a column for each window.

use cofferdam_model::show_ticks;
use svg::node::element::Path;

use super::{LEFT, WIDTH, document, fill, finished, line, rectangle, text, with_tip};
use crate::data::{Report, Schedule};

const ROW: f64 = 26.0;
const TOP: f64 = 34.0;
/// The place behind the frame's end.
const RIGHT: f64 = 20.0;

/// The narrowest guard, so that it is at least two pixels wide wherever the page is.
const GUARD: f64 = 3.0;

/// Draws it.
pub(crate) fn schedule(report: &Report, schedule: &Schedule) -> String {
    let rows = &report.partitions;
    let height = TOP + ROW * rows.len() as f64 + 30.0;
    let title = format!("The major frame of schedule {}", schedule.name);
    let mut drawing = document(height, &title);
    let scale = (WIDTH - LEFT - RIGHT) / schedule.major_frame_ticks.max(1) as f64;
    let x = |ticks: u64| LEFT + ticks as f64 * scale;
    let show = |ticks: u64| show_ticks(ticks, report.timebase_hz);
    let bottom = TOP + ROW * rows.len() as f64;
    for (row, partition) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        drawing = drawing
            .add(line(LEFT, y + ROW, WIDTH - RIGHT, y + ROW, "rule"))
            .add(text(
                LEFT - 8.0,
                y + ROW * 0.7,
                "end",
                "name",
                &partition.name,
            ));
    }
    let mut free_from = f64::MIN;
    for (number, window) in schedule.windows.iter().enumerate() {
        let end = window.start_ticks + window.length_ticks;
        let guard = report.guard_ticks.min(window.length_ticks);
        drawing = drawing.add(line(
            x(window.start_ticks),
            TOP - 4.0,
            x(window.start_ticks),
            bottom,
            "edge",
        ));
        // Times whose places are taken are in the table.
        if x(window.start_ticks) > free_from {
            let label = show(window.start_ticks);
            free_from = x(window.start_ticks) + 9.0 * label.len() as f64;
            drawing = drawing.add(text(
                x(window.start_ticks) + 2.0,
                TOP - 10.0,
                "start",
                "time",
                &label,
            ));
        }
        for (row, partition) in rows.iter().enumerate() {
            let y = TOP + ROW * row as f64;
            let place = window.group.iter().position(|one| *one == partition.name);
            let rank = window
                .eligible
                .iter()
                .find(|one| one.partition == partition.name);
            let class = match (place, rank) {
                (Some(0), _) => "first",
                (Some(_), _) => "behind",
                (None, Some(rank)) if rank.budget_ticks.is_some() => "budget",
                (None, Some(_)) => "rest",
                (None, None) => continue,
            };
            let used = match rank.and_then(|rank| rank.budget_ticks) {
                Some(budget) if place.is_none() => budget.min(window.length_ticks),
                _ => window.length_ticks - guard,
            };
            let what = match class {
                "first" => "first of the window's group".to_owned(),
                "behind" => "behind others of the window's group".to_owned(),
                "budget" => format!("in the background, at most {}", show(used)),
                _ => "in the background, with what is left".to_owned(),
            };
            let tip = format!(
                "{}: window {number}, {} to {}, {what}",
                partition.name,
                show(window.start_ticks),
                show(end)
            );
            let bar = rectangle(
                x(window.start_ticks),
                y + 4.0,
                used as f64 * scale,
                ROW - 8.0,
            )
            .set("class", format!("bar {class}"))
            .set("style", fill(row));
            drawing = drawing.add(with_tip(bar, &tip));
            if window.releases.contains(&partition.name) {
                let at = x(window.start_ticks);
                let triangle = Path::new()
                    .set("d", format!("M{at:.1} {:.1} l-5 -7 h10 z", y + 5.0))
                    .set("class", "release");
                let tip = format!(
                    "{} is released at {}",
                    partition.name,
                    show(window.start_ticks)
                );
                drawing = drawing.add(with_tip(triangle, &tip));
            }
        }
        let tip = format!(
            "guard: the last {} before {} are the kernel's",
            show(guard),
            show(end)
        );
        let wide = (guard as f64 * scale).max(GUARD);
        let bar = rectangle(x(end) - wide, TOP, wide, bottom - TOP).set("class", "guard");
        drawing = drawing.add(with_tip(bar, &tip));
    }
    let end = schedule.major_frame_ticks;
    let drawing = drawing
        .add(line(x(end), TOP - 4.0, x(end), bottom, "edge"))
        .add(text(
            x(end),
            bottom + 18.0,
            "end",
            "time",
            &format!("{} frame", show(end)),
        ));
    finished(&drawing)
}
