//! One major frame as a picture, or any other stretch of a run, to scale: a row for each partition with its windows and when it had the processor, messages as arrows from
//! row to row, and interrupts.
//!
//! The picture needs nothing beside itself, and follows the reader's choice of light or dark. What lies on one pixel is drawn once; a tooltip says how much it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result};
use cofferdam_record::trace::What;

use crate::stretch::View;
use crate::svg_style::{ARROW, LEGEND, STYLE};
use crate::{NOBODY, Run, Stretch, WindowPlan, flows, has, text};

/// Everything in pixels.
const WIDTH: i64 = 1200;
const LEFT: i64 = 150;
const RIGHT: i64 = 36;
/// Where the first row begins, below title, axis and the names of windows.
const TOP: i64 = 104;
const ROW: i64 = 44;
/// Where the processor's bar lies in a row.
const BAR: i64 = 14;
const BAR_HEIGHT: i64 = 14;
/// The narrowest window in which its name has room, for each letter of that.
const LETTER: i64 = 8;
/// What is shorter than this is drawn so wide nevertheless, in tenths of a pixel: microseconds of a frame, and guards.
const NARROWEST: i64 = 20;
/// At most so many marks on the axis.
const MARKS: i128 = 12;

/// Draws a stretch of a run.
///
/// # Errors
/// If nothing of it is among the events.
pub fn svg(run: &Run, stretch: Stretch) -> Result<String> {
    let mut picture = Picture {
        run,
        view: View::of(run, stretch)?,
        text: String::new(),
    };
    picture.draw().context("the picture cannot be written")?;
    Ok(picture.text)
}

struct Picture<'a> {
    run: &'a Run,
    view: View<'a>,
    text: String,
}

impl Picture<'_> {
    fn draw(&mut self) -> Result<()> {
        let rows = self.run.system.partitions.len() as i64;
        let interrupts_at = TOP + rows * ROW;
        let height = interrupts_at + ROW + 64;
        writeln!(
            self.text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">"
        )?;
        self.head()?;
        writeln!(
            self.text,
            "<style>\n{STYLE}</style>\n{ARROW}<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>"
        )?;
        self.axis(interrupts_at + ROW)?;
        self.windows()?;
        self.budgets()?;
        self.rows(interrupts_at)?;
        self.guards(interrupts_at)?;
        self.hypercalls()?;
        self.messages()?;
        self.events(interrupts_at)?;
        self.legend(height - 34)?;
        self.text.push_str("</svg>\n");
        Ok(())
    }

    /// Where a tick lies, in tenths of a pixel.
    fn tenths(&self, tick: i64) -> i64 {
        let (start, end) = (self.view.start, self.view.end);
        let room = i128::from((WIDTH - LEFT - RIGHT) * 10);
        let from_start = |tick| i128::from(tick) - i128::from(start);
        let into = from_start(tick.clamp(start, end)) * room;
        LEFT * 10 + (into / from_start(end).max(1)) as i64
    }

    fn x(&self, tick: i64) -> String {
        number(self.tenths(tick))
    }

    fn is_in(&self, tick: i64) -> bool {
        (self.view.start..self.view.end).contains(&tick)
    }

    /// The middle of a partition's row.
    fn middle(partition: usize) -> i64 {
        TOP + partition as i64 * ROW + BAR + BAR_HEIGHT / 2
    }

    fn name(&self, partition: u8) -> String {
        self.run.system.partition_name(partition.into())
    }

    fn ago(&self, tick: i64) -> String {
        text(
            tick.saturating_sub(self.view.start),
            self.run.system.timebase_hz,
        )
    }

    fn head(&mut self) -> Result<()> {
        let hz = self.run.system.timebase_hz;
        let span = format!(
            "from {} to {} behind the start of the module",
            text(self.view.start, hz),
            text(self.view.end, hz)
        );
        let title = escaped(&self.view.title);
        writeln!(self.text, "<title>{title}</title>")?;
        writeln!(self.text, "<desc>{}</desc>", escaped(&span))?;
        Ok(())
    }

    fn axis(&mut self, bottom: i64) -> Result<()> {
        let run = self.run;
        let hz = i128::from(run.system.timebase_hz);
        let (start, end) = (self.view.start, self.view.end);
        writeln!(
            self.text,
            "<text class=\"title\" x=\"16\" y=\"28\">{}</text>",
            escaped(&self.view.title)
        )?;
        writeln!(
            self.text,
            "<text class=\"faint\" x=\"16\" y=\"48\">begins {} behind the start of the module</text>",
            text(start, run.system.timebase_hz)
        )?;
        let length = i128::from(end) - i128::from(start);
        let nanoseconds = length * 1_000_000_000 / hz;
        let mut steps = (0..18).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i128.pow(power)));
        let step = steps.find(|step| nanoseconds / step <= MARKS).unwrap_or(1);
        let marks = (0..=MARKS).map(|mark| mark * step * hz / 1_000_000_000);
        for ticks in marks.take_while(|ticks| *ticks <= length) {
            let tick = start + ticks as i64;
            let x = self.x(tick);
            let from = TOP - 30;
            writeln!(
                self.text,
                "<path class=\"line\" d=\"M{x} {from}V{bottom}\"/>"
            )?;
            let time = text(ticks as i64, run.system.timebase_hz);
            let y = from - 6;
            writeln!(
                self.text,
                "<text class=\"faint\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{time}</text>"
            )?;
        }
        Ok(())
    }

    fn plans(&self) -> Vec<(String, i64, i64, &WindowPlan)> {
        let windows = self.view.windows.iter();
        let planned = windows.filter_map(|window| {
            let (_, _, plan) = self.run.system.planned(window.index)?;
            let name = self.run.system.window_name(window.index);
            Some((name, window.start, window.end, plan))
        });
        planned.collect()
    }

    fn windows(&mut self) -> Result<()> {
        let mut out = String::new();
        for (name, start, end, plan) in self.plans() {
            let (from, to) = (self.tenths(start), self.tenths(end));
            let (x, width) = (number(from), number(to - from));
            let group: Vec<_> = plan
                .group
                .iter()
                .map(|one| self.run.system.partition_name(*one))
                .collect();
            let about = format!(
                "{name}: {} from {} on, of {}",
                text(end - start, self.run.system.timebase_hz),
                self.ago(start),
                group.join(", ")
            );
            let about = escaped(&about);
            writeln!(out, "<g><title>{about}</title>")?;
            for partition in &plan.group {
                let y = TOP + *partition as i64 * ROW + 6;
                let height = ROW - 12;
                writeln!(
                    out,
                    "<rect class=\"window\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
                )?;
            }
            if (to - from) / 10 >= LETTER * name.len() as i64 {
                let middle = number((from + to) / 2);
                let y = TOP - 10;
                let name = escaped(&name);
                writeln!(
                    out,
                    "<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>"
                )?;
            }
            out.push_str("</g>\n");
        }
        self.text.push_str(&out);
        Ok(())
    }

    /// How much whoever has a budget may have of a window, as a frame of that length.
    fn budgets(&mut self) -> Result<()> {
        let system = &self.run.system;
        let mut out = String::new();
        for (name, start, _, plan) in self.plans() {
            for (rank, partition, ticks) in crate::windows::budgets(system) {
                let end = start.saturating_add_unsigned(ticks.min(plan.length_ticks));
                if !has(plan.eligible, rank) || end <= self.view.start {
                    continue;
                }
                let (from, to) = (self.tenths(start), self.tenths(end));
                let (x, width) = (number(from), number((to - from).max(NARROWEST)));
                let y = TOP + partition as i64 * ROW + BAR - 3;
                let height = BAR_HEIGHT + 6;
                let about = escaped(&format!(
                    "{} may have {} of {name}, whenever that is",
                    system.partition_name(partition),
                    text(ticks as i64, system.timebase_hz)
                ));
                writeln!(
                    out,
                    "<rect class=\"budget\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{about}</title></rect>"
                )?;
            }
        }
        self.text.push_str(&out);
        Ok(())
    }

    /// The end of each window that was seen to end, in which nobody but the kernel has the processor.
    fn guards(&mut self, bottom: i64) -> Result<()> {
        let system = &self.run.system;
        for window in self.view.windows.iter().filter(|one| one.whole) {
            let guard = window.end.saturating_sub_unsigned(system.guard_ticks);
            if guard >= self.view.end {
                continue;
            }
            let to = self.tenths(window.end);
            let wide = (to - self.tenths(guard)).max(NARROWEST);
            let (x, width) = (number(to - wide), number(wide));
            let height = bottom - TOP;
            let about = escaped(&format!(
                "guard: the last {} of {} are the kernel's",
                text(system.guard_ticks as i64, system.timebase_hz),
                system.window_name(window.index)
            ));
            writeln!(
                self.text,
                "<rect class=\"guard\" x=\"{x}\" y=\"{TOP}\" width=\"{width}\" height=\"{height}\"><title>{about}</title></rect>"
            )?;
        }
        Ok(())
    }

    /// The names of the rows, and who had the processor.
    fn rows(&mut self, interrupts_at: i64) -> Result<()> {
        let run = self.run;
        let names = run.system.partitions.iter().map(|one| one.name.as_str());
        for (row, name) in names.chain(["interrupts"]).enumerate() {
            let y = TOP + row as i64 * ROW;
            let middle = y + BAR + 12;
            writeln!(
                self.text,
                "<path class=\"line\" d=\"M16 {y}H{}\"/>",
                WIDTH - RIGHT
            )?;
            writeln!(
                self.text,
                "<text x=\"16\" y=\"{middle}\">{}</text>",
                escaped(name)
            )?;
        }
        let y = interrupts_at + ROW;
        writeln!(
            self.text,
            "<path class=\"line\" d=\"M16 {y}H{}\"/>",
            WIDTH - RIGHT
        )?;
        let slices = self.view.windows.iter().flat_map(|window| &window.slices);
        for slice in slices.filter(|one| one.partition != NOBODY) {
            if usize::from(slice.partition) >= run.system.partitions.len() {
                continue;
            }
            // A window's first slice may lie before the stretch, and its last one behind it.
            if slice.end < self.view.start || slice.start >= self.view.end {
                continue;
            }
            let (from, to) = (self.tenths(slice.start), self.tenths(slice.end));
            let (x, width) = (number(from), number((to - from).max(NARROWEST)));
            let y = TOP + i64::from(slice.partition) * ROW + BAR;
            let name = escaped(&self.name(slice.partition));
            let about = format!(
                "{name} has the processor for {}, from {} on, by rank {}",
                text(slice.length(), run.system.timebase_hz),
                self.ago(slice.start),
                slice.rank
            );
            writeln!(
                self.text,
                "<rect class=\"run\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR_HEIGHT}\"><title>{about}</title></rect>"
            )?;
        }
        Ok(())
    }

    /// One line for all that end on a pixel.
    fn hypercalls(&mut self) -> Result<()> {
        let run = self.run;
        let mut pixels: BTreeMap<(usize, i64), BTreeMap<&str, usize>> = BTreeMap::new();
        for (event, timed) in run.events.iter().zip(&run.trace.events) {
            let What::Hypercall { hypercall, .. } = &event.what else {
                continue;
            };
            let partition = usize::from(timed.event.partition);
            if self.is_in(event.ticks) && partition < run.system.partitions.len() {
                let pixel = self.tenths(event.ticks) / 10;
                let names = pixels.entry((partition, pixel)).or_default();
                *names
                    .entry(hypercall.unwrap_or("no hypercall"))
                    .or_default() += 1;
            }
        }
        for ((partition, x), names) in pixels {
            let y = TOP + partition as i64 * ROW + BAR - 6;
            let all: Vec<_> = names
                .iter()
                .map(|(name, count)| format!("{count} {name}"))
                .collect();
            let about = escaped(&format!(
                "hypercalls of {}: {}",
                run.system.partition_name(partition),
                all.join(", ")
            ));
            writeln!(
                self.text,
                "<path class=\"call\" d=\"M{x} {y}v5\"><title>{about}</title></path>"
            )?;
        }
        Ok(())
    }

    /// Arrows of what was taken in this frame, or sent; dashed from the edge, or to it, if the other end lies outside.
    fn messages(&mut self) -> Result<()> {
        let run = self.run;
        let mut drawn = BTreeSet::new();
        for flow in flows(run) {
            let (sent, taken) = (run.trace.events[flow.sent], run.trace.events[flow.taken]);
            let inside = (self.is_in(sent.ticks), self.is_in(taken.ticks));
            let ends = [sent, taken].map(|timed| usize::from(timed.event.partition));
            if inside == (false, false)
                || ends.iter().any(|end| *end >= run.system.partitions.len())
            {
                continue;
            }
            let from = (self.tenths(sent.ticks) / 10, Self::middle(ends[0]));
            let to = (self.tenths(taken.ticks) / 10, Self::middle(ends[1]));
            if !drawn.insert((from, to)) {
                continue;
            }
            let class = if inside == (true, true) {
                "message"
            } else {
                "message elsewhere"
            };
            let channel = run.system.channels.get(flow.channel);
            let about = format!(
                "{} from {}, {}, to {}, {}",
                channel.map_or("a message", |one| &one.name),
                run.system.partition_name(ends[0]),
                self.ago(sent.ticks),
                run.system.partition_name(ends[1]),
                self.ago(taken.ticks)
            );
            let ((x1, y1), (x2, y2)) = (from, to);
            let about = escaped(&about);
            writeln!(
                self.text,
                "<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"><title>{about}</title></path>"
            )?;
        }
        Ok(())
    }

    /// Releases and their deadlines, work that is complete, health events, starts, and interrupts.
    fn events(&mut self, interrupts_at: i64) -> Result<()> {
        let run = self.run;
        for (event, timed) in run.events.iter().zip(&run.trace.events) {
            if !self.is_in(event.ticks) {
                continue;
            }
            let index = usize::from(timed.event.partition);
            let partition = run.system.partitions.get(index);
            let row = TOP + partition.map_or(run.system.partitions.len(), |_| index) as i64 * ROW;
            let (x, middle) = (self.x(event.ticks), row + BAR + BAR_HEIGHT / 2);
            let line = format!("{}: {}", self.ago(event.ticks), event.what);
            let about = format!("<title>{}</title></path>", escaped(&line));
            let (up, down) = (row + 4, row + ROW - 4);
            match &event.what {
                What::Release { .. } => {
                    writeln!(
                        self.text,
                        "<path class=\"release\" d=\"M{x} {down}V{up}\">{about}"
                    )?;
                    let deadline = partition.and_then(|one| one.deadline_ticks);
                    let due = deadline.map(|ticks| event.ticks + ticks as i64);
                    if let Some(due) = due.filter(|due| self.is_in(*due)) {
                        let x = self.x(due);
                        writeln!(
                            self.text,
                            "<path class=\"deadline\" d=\"M{x} {down}V{up}\"><title>deadline of {}: {}</title></path>",
                            escaped(&self.name(timed.event.partition)),
                            self.ago(due)
                        )?;
                    }
                }
                What::Hypercall {
                    hypercall: Some("complete"),
                    status: Some(status),
                    ..
                } if status == "Ok" => {
                    let y = row + ROW - 10;
                    writeln!(
                        self.text,
                        "<circle class=\"done\" cx=\"{x}\" cy=\"{y}\" r=\"4\"><title>{}</title></circle>",
                        escaped(&line)
                    )?;
                }
                What::Health { .. } => {
                    writeln!(
                        self.text,
                        "<path class=\"bad\" d=\"M{x} {middle}m0 -8l6 8l-6 8l-6 -8z\">{about}"
                    )?;
                }
                What::Start { .. } => {
                    writeln!(
                        self.text,
                        "<path class=\"start\" d=\"M{x} {middle}m0 -8l6 8l-6 8l-6 -8z\">{about}"
                    )?;
                }
                What::Interrupt { .. } => {
                    let y = interrupts_at + BAR;
                    writeln!(
                        self.text,
                        "<path class=\"interrupt\" d=\"M{x} {y}m-5 0h10l-5 12z\">{about}"
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn legend(&mut self, y: i64) -> Result<()> {
        let mut x = 16;
        for (mark, words) in LEGEND {
            writeln!(
                self.text,
                "<g transform=\"translate({x} {y})\">{mark}<text x=\"24\" y=\"2\">{words}</text></g>"
            )?;
            x += 24 + LETTER * words.len() as i64 + 14;
        }
        Ok(())
    }
}

/// Tenths as a number.
fn number(tenths: i64) -> String {
    match tenths % 10 {
        0 => format!("{}", tenths / 10),
        part => format!("{}.{part}", tenths / 10),
    }
}

/// Text, where XML has it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}
