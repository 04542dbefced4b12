//! A stretch of time from the view of one partition, cut where somebody else gets the processor.

use serde::Serialize;

use crate::windows::budgets;
use crate::{NOBODY, Run, Window};

/// A piece of a stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// From then on.
    pub start_ticks: i64,
    /// Until then.
    pub end_ticks: i64,
    /// The window in which it lies, by the index of all; none: nobody knows.
    #[serde(skip)]
    pub window: Option<usize>,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "piece", rename_all = "snake_case")]
pub enum What {
    /// Events are missing.
    Missing,
    /// The partition may not run in this window.
    AnothersWindow {
        /// Who had the processor, each with its time in ticks, in the order of their first.
        had_by: Vec<(String, i64)>,
    },
    /// The partition had the processor.
    Runs {
        /// By which rank.
        rank: u16,
    },
    /// Somebody else had it in a window in which the partition may run.
    Other {
        /// Who.
        partition: String,
        /// Whether that one is more urgent than every rank by which the partition may still run in this window.
        more_urgent: bool,
        /// The partition had used up its budget.
        budget_used_up: bool,
    },
    /// Nobody wanted it.
    Idle {
        /// The partition had used up its budget.
        budget_used_up: bool,
    },
    /// The kernel prepared the next window.
    Guard,
}

impl Piece {
    /// How long it is, in ticks.
    pub fn length(&self) -> i64 {
        self.end_ticks - self.start_ticks
    }
}

/// The pieces between two ticks, for this partition. Together they are all of it.
pub(crate) fn pieces(run: &Run, partition: usize, from: i64, to: i64) -> Vec<Piece> {
    let mut cutter = Cutter {
        run,
        partition,
        to,
        at: from,
        pieces: Vec::new(),
    };
    let windows = &run.timeline.windows;
    let first = windows.partition_point(|window| window.end <= from);
    for window in windows[first..].iter().take_while(|one| one.start < to) {
        cutter.piece(window.start, None, What::Missing);
        cutter.window(window);
    }
    cutter.piece(to, None, What::Missing);
    cutter.pieces
}

struct Cutter<'a> {
    run: &'a Run,
    partition: usize,
    to: i64,
    /// What was cut so far.
    at: i64,
    pieces: Vec<Piece>,
}

impl Cutter<'_> {
    /// The next piece ends here, if it is one.
    fn piece(&mut self, end: i64, window: Option<usize>, what: What) {
        let end = end.min(self.to);
        if end <= self.at {
            return;
        }
        self.pieces.push(Piece {
            start_ticks: self.at,
            end_ticks: end,
            window,
            what,
        });
        self.at = end;
    }

    fn window(&mut self, window: &Window) {
        let system = &self.run.system;
        let Some((_, _, plan)) = system.planned(window.index) else {
            return self.piece(window.end, None, What::Missing);
        };
        let of = Some(window.index);
        let ranks = system.eligible_ranks(plan, self.partition);
        if ranks.is_empty() {
            let end = window.end.min(self.to);
            let had_by = self.had_by(window, self.at.max(window.start), end);
            return self.piece(end, of, What::AnothersWindow { had_by });
        }
        // The kernel took the processor back here, and has it until the window's end.
        let guard = match window.whole {
            true => window.end - system.guard_ticks as i64,
            false => window.end,
        };
        for slice in &window.slices {
            let idle = self.idle(window);
            self.piece(slice.start.min(guard), of, idle);
            let own = usize::from(slice.partition) == self.partition;
            let what = match (own, slice.partition) {
                (true, _) => What::Runs { rank: slice.rank },
                (_, NOBODY) => self.idle(window),
                (_, other) => {
                    let used_up = self.used_up(window, slice.start);
                    let mut left = ranks.iter().filter(|rank| !used_up.contains(rank));
                    What::Other {
                        partition: system.partition_name(other.into()),
                        more_urgent: left.next().is_some_and(|best| slice.rank < *best),
                        budget_used_up: !used_up.is_empty(),
                    }
                }
            };
            self.piece(slice.end.min(guard), of, what);
        }
        let idle = self.idle(window);
        self.piece(guard, of, idle);
        self.piece(window.end, of, What::Guard);
    }

    fn idle(&self, window: &Window) -> What {
        What::Idle {
            budget_used_up: !self.used_up(window, self.at).is_empty(),
        }
    }

    /// The ranks of the partition whose budgets were used up in this window before a tick.
    fn used_up(&self, window: &Window, before: i64) -> Vec<u16> {
        let own = budgets(&self.run.system).filter(|one| one.1 == self.partition);
        let used = |rank: u16| -> i64 {
            let slices = window.slices.iter().filter(|slice| slice.rank == rank);
            let own = slices.filter(|slice| usize::from(slice.partition) == self.partition);
            own.map(|slice| (slice.end.min(before) - slice.start).max(0))
                .sum()
        };
        let used_up = own.filter(|(rank, _, budget)| used(*rank) >= *budget as i64);
        used_up.map(|(rank, ..)| rank).collect()
    }

    /// Who had the processor in a part of a window.
    fn had_by(&self, window: &Window, from: i64, to: i64) -> Vec<(String, i64)> {
        let mut had: Vec<(u8, i64)> = Vec::new();
        for slice in &window.slices {
            let length = slice.end.min(to) - slice.start.max(from);
            if length <= 0 || slice.partition == NOBODY {
                continue;
            }
            match had.iter_mut().find(|one| one.0 == slice.partition) {
                Some(one) => one.1 += length,
                None => had.push((slice.partition, length)),
            }
        }
        let named = had.into_iter().map(|(partition, length)| {
            let name = self.run.system.partition_name(partition.into());
            (name, length)
        });
        named.collect()
    }
}
