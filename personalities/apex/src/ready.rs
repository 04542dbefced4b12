//! Who is ready: a queue for each priority, and a bit for each queue that has somebody in it.
//!
//! The process that runs is in it, at the front of its queue. So preemption is nothing but somebody of a higher priority getting in, and
//! whoever was preempted is first in line when it is its turn again.

use core::hash::{Hash, Hasher};

use crate::process::{PRIORITY_MAX, Process, ProcessIndex};
use crate::queue::Queue;

const LEVELS: usize = PRIORITY_MAX as usize + 1;
const WORDS: usize = LEVELS.div_ceil(32);

/// The ready processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    levels: [Queue; LEVELS],
    /// A bit for each level, the lowest level lowest.
    occupied: [u32; WORDS],
    /// And one for each of these words that is not 0.
    words: u32,
}

impl Ready {
    pub const EMPTY: Self = Self {
        levels: [Queue::EMPTY; LEVELS],
        occupied: [0; WORDS],
        words: 0,
    };

    fn mark(&mut self, level: usize) {
        let bit = 1 << (level % 32);
        if self.levels[level].first().is_some() {
            self.occupied[level / 32] |= bit;
        } else {
            self.occupied[level / 32] &= !bit;
        }
        let word = 1 << (level / 32);
        if self.occupied[level / 32] != 0 {
            self.words |= word;
        } else {
            self.words &= !word;
        }
    }

    /// As the one that became ready last of its priority.
    pub fn push_back(&mut self, processes: &mut [Process], index: ProcessIndex) {
        let level = usize::from(processes[index.at()].current_priority);
        self.levels[level].push_back(processes, index);
        self.mark(level);
    }

    /// As the one that has been ready for the longest time of its priority.
    pub fn push_front(&mut self, processes: &mut [Process], index: ProcessIndex) {
        let level = usize::from(processes[index.at()].current_priority);
        self.levels[level].push_front(processes, index);
        self.mark(level);
    }

    pub fn remove(&mut self, processes: &mut [Process], index: ProcessIndex) {
        let level = usize::from(processes[index.at()].current_priority);
        self.levels[level].remove(processes, index);
        self.mark(level);
    }

    /// The most urgent.
    pub fn first(&self) -> Option<ProcessIndex> {
        let word = self.words.checked_ilog2()? as usize;
        let level = word * 32 + self.occupied[word].checked_ilog2()? as usize;
        self.levels[level].first()
    }

    /// All of them, the most urgent first.
    pub fn iter<'a>(&'a self, processes: &'a [Process]) -> impl Iterator<Item = ProcessIndex> + 'a {
        self.levels
            .iter()
            .rev()
            .flat_map(|level| level.iter(processes))
    }
}

/// Of the levels those that have somebody: the others are all the same.
impl Hash for Ready {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.occupied.hash(state);
        let occupied = |level: &&Queue| level.first().is_some();
        self.levels
            .iter()
            .filter(occupied)
            .for_each(|level| level.hash(state));
    }
}
