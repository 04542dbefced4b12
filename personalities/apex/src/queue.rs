//! Queues of processes, linked through the processes themselves.
//!
//! A process is in one queue at most: that of its priority if it is ready, or that of what it waits for. So one pair of links in each
//! process is enough, everything but the insertion by priority takes constant time, and nothing can run full.

use crate::process::{Process, ProcessIndex};

/// In which order processes are served that wait for the same thing (`QUEUING_DISCIPLINE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Discipline {
    /// Who came first.
    Fifo = 0,
    /// Who has the highest current priority when it begins to wait; of these, who came first.
    Priority = 1,
}

impl Discipline {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Fifo),
            1 => Some(Self::Priority),
            _ => None,
        }
    }
}

/// Where a process stands in its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Links {
    next: Option<ProcessIndex>,
    previous: Option<ProcessIndex>,
}

/// A queue of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Queue {
    first: Option<ProcessIndex>,
    last: Option<ProcessIndex>,
    length: u8,
}

impl Queue {
    pub const EMPTY: Self = Self {
        first: None,
        last: None,
        length: 0,
    };

    pub const fn first(&self) -> Option<ProcessIndex> {
        self.first
    }

    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Puts a process, which is in no queue, behind `previous`, or to the front.
    fn insert(
        &mut self,
        processes: &mut [Process],
        index: ProcessIndex,
        previous: Option<ProcessIndex>,
    ) {
        let next = match previous {
            Some(previous) => processes[previous.at()].links.next,
            None => self.first,
        };
        processes[index.at()].links = Links { next, previous };
        match previous {
            Some(previous) => processes[previous.at()].links.next = Some(index),
            None => self.first = Some(index),
        }
        match next {
            Some(next) => processes[next.at()].links.previous = Some(index),
            None => self.last = Some(index),
        }
        self.length += 1;
    }

    pub fn push_front(&mut self, processes: &mut [Process], index: ProcessIndex) {
        self.insert(processes, index, None);
    }

    pub fn push_back(&mut self, processes: &mut [Process], index: ProcessIndex) {
        self.insert(processes, index, self.last);
    }

    /// Behind all that were at least as urgent when they came. What their priorities are by now does not count: the queue would no
    /// longer be in order.
    pub fn push_by_priority(&mut self, processes: &mut [Process], index: ProcessIndex) {
        let priority = processes[index.at()].current_priority;
        processes[index.at()].waits_with = priority;
        let mut previous = self.last;
        while let Some(other) = previous {
            if processes[other.at()].waits_with >= priority {
                break;
            }
            previous = processes[other.at()].links.previous;
        }
        self.insert(processes, index, previous);
    }

    /// Takes a process out that is in this queue.
    pub fn remove(&mut self, processes: &mut [Process], index: ProcessIndex) {
        let Links { next, previous } = core::mem::take(&mut processes[index.at()].links);
        match previous {
            Some(previous) => processes[previous.at()].links.next = next,
            None => self.first = next,
        }
        match next {
            Some(next) => processes[next.at()].links.previous = previous,
            None => self.last = previous,
        }
        self.length -= 1;
    }

    /// The processes in their order.
    pub fn iter<'a>(&self, processes: &'a [Process]) -> impl Iterator<Item = ProcessIndex> + 'a {
        core::iter::successors(self.first, |index| processes[index.at()].links.next)
    }
}

/// The shape that buffers, blackboards, semaphores, events, mutexes and queuing ports share: those who wait for it, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WaitQueue {
    pub(crate) queue: Queue,
    discipline: Discipline,
}

impl WaitQueue {
    pub(crate) const fn new(discipline: Discipline) -> Self {
        Self {
            queue: Queue::EMPTY,
            discipline,
        }
    }

    pub(crate) fn push(&mut self, processes: &mut [Process], index: ProcessIndex) {
        match self.discipline {
            Discipline::Fifo => self.queue.push_back(processes, index),
            Discipline::Priority => self.queue.push_by_priority(processes, index),
        }
    }
}
