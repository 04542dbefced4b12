//! What of a run a picture is of: a major frame, or any stretch of time.

use anyhow::{Result, bail, ensure};

use crate::{Run, Window, text};

/// At most so many rows of frames are named to whoever asked for another one.
const NAMED: usize = 4;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// The last major frame that was seen as a whole.
    LastFrame,
    /// The one with this number.
    Frame(u64),
    /// From one tick to another, whatever is known of it.
    Ticks(i64, i64),
}

/// A stretch with what is in it.
pub(crate) struct View<'a> {
    /// From this tick on.
    pub start: i64,
    /// Until this one.
    pub end: i64,
    /// What it is.
    pub title: String,
    /// The windows of which a part lies in it.
    pub windows: &'a [Window],
}

impl<'a> View<'a> {
    /// What there is of a stretch.
    pub(crate) fn of(run: &'a Run, stretch: Stretch) -> Result<Self> {
        match stretch {
            Stretch::LastFrame => Self::frame(run, None),
            Stretch::Frame(number) => Self::frame(run, Some(number)),
            Stretch::Ticks(from, to) => Self::ticks(run, from, to),
        }
    }

    fn frame(run: &'a Run, number: Option<u64>) -> Result<Self> {
        let frames = run.frames();
        let known = || {
            let numbers: Vec<_> = frames.iter().filter_map(|frame| frame.number).collect();
            let mut whole: Vec<(u64, u64)> = Vec::new();
            for number in numbers {
                match whole.last_mut() {
                    Some((_, last)) if *last + 1 == number => *last = number,
                    _ => whole.push((number, number)),
                }
            }
            let named = whole.iter().take(NAMED);
            let named: Vec<_> = named
                .map(|(first, last)| format!("from {first} to {last}"))
                .collect();
            match whole.len() {
                0 => "none is".to_owned(),
                count if count > NAMED => format!("those {} are, and others", named.join(", ")),
                _ => format!("those {} are", named.join(", ")),
            }
        };
        let frame = match number {
            None => frames.last().copied(),
            Some(_) => frames.iter().find(|frame| frame.number == number).copied(),
        };
        let frame = match (frame, number) {
            (Some(frame), _) => frame,
            (None, Some(number)) => bail!(
                "major frame {number} is not among the events as a whole; {}",
                known()
            ),
            (None, None) => bail!(
                "no major frame is among the events as a whole: run it longer, or see `trace` for what there is"
            ),
        };
        let number = frame.number.map_or("a major frame".to_owned(), |number| {
            format!("major frame {number}")
        });
        Ok(Self {
            start: frame.start(),
            end: frame.end(),
            title: format!(
                "{}: {number}, schedule {}",
                run.system.system, run.system.schedules[frame.schedule].name
            ),
            windows: frame.windows,
        })
    }

    fn ticks(run: &'a Run, from: i64, to: i64) -> Result<Self> {
        let show = |tick| text(tick, run.system.timebase_hz);
        ensure!(
            from < to,
            "{} does not lie before {}: --from is the earlier of the two",
            show(from),
            show(to)
        );
        let (first, last) = run.span();
        ensure!(
            from <= last && first <= to,
            "nothing is known from {} to {}: the events are from {} to {}",
            show(from),
            show(to),
            show(first),
            show(last)
        );
        let windows = &run.timeline.windows;
        let begin = windows.partition_point(|window| window.end <= from);
        let count = windows[begin..].partition_point(|window| window.start < to);
        Ok(Self {
            start: from,
            end: to,
            title: format!("{}: {}", run.system.system, show(to.saturating_sub(from))),
            windows: &windows[begin..begin + count],
        })
    }
}
