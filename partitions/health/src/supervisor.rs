//! When a partition that the health monitor stopped gets another chance.
//!
//! The kernel's table restarts a partition a few times and then stops it: that needs no judgement. What comes after
//! does, and is here: another start after a while, later each time, and in the end none.

/// Starts that are ordered before giving up.
const STARTS: u32 = 5;

/// One partition that may be started again.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor {
    first_wait_ticks: u64,
    ordered: u32,
    due: Option<u64>,
}

impl Supervisor {
    /// The first start comes so long after a stop.
    pub const fn new(first_wait_ticks: u64) -> Self {
        Self {
            first_wait_ticks,
            ordered: 0,
            due: None,
        }
    }

    /// The partition is stopped at this time. Gives when it will be started, unless that is known already, or never.
    pub fn stopped(&mut self, now: u64) -> Option<u64> {
        if self.due.is_some() || self.ordered >= STARTS {
            return None;
        }
        let due = now + (self.first_wait_ticks << self.ordered);
        self.due = Some(due);
        self.due
    }

    /// Whether it is to be started now.
    pub fn is_due(&mut self, now: u64) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
            self.ordered += 1;
        }
        due
    }

    /// Somebody at the terminal wants it started.
    pub fn start_now(&mut self) {
        self.due = None;
        self.ordered += 1;
    }

    /// How many starts were ordered.
    pub const fn ordered(&self) -> u32 {
        self.ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_waits_twice_as_long_and_at_last_there_is_none() {
        let mut supervisor = Supervisor::new(100);
        let mut now = 0;
        for start in 0..STARTS {
            let due = supervisor.stopped(now);
            assert_eq!(due, Some(now + (100 << start)));
            assert_eq!(supervisor.stopped(now), None, "it is known already");
            assert!(!supervisor.is_due(now));
            now = due.unwrap_or(0);
            assert!(supervisor.is_due(now));
        }
        assert_eq!(supervisor.stopped(now), None);
        assert_eq!(supervisor.ordered(), STARTS);
    }
}
