//! How many frames a client may send in a time.

/// So many frames may come at once, if the rate is not less than that.
pub const BURST_MAX: u64 = 64;

/// A token bucket: it fills with time, each frame takes a token, and it holds a burst.
///
/// It is exact: the tokens are kept in parts of one, as many as the rate's time has ticks. So in any time there are no more frames than a burst and what
/// the rate gives in that time, and none of what it gives is lost to rounding.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    frames: u64,
    per_ticks: u64,
    /// In parts of a token.
    level: u64,
    last_tick: u64,
}

impl Bucket {
    /// A full bucket for so many frames in so many ticks.
    pub const fn new(frames: u32, per_ticks: u64, now: u64) -> Self {
        let mut bucket = Self {
            frames: frames as u64,
            per_ticks,
            level: 0,
            last_tick: now,
        };
        bucket.level = bucket.full();
        bucket
    }

    const fn full(&self) -> u64 {
        let burst = if self.frames < BURST_MAX {
            self.frames
        } else {
            BURST_MAX
        };
        burst.saturating_mul(self.per_ticks)
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: u64) -> bool {
        let elapsed = now.saturating_sub(self.last_tick);
        self.last_tick = self.last_tick.max(now);
        // What does not fit 64 bits is more than the bucket holds.
        let gained = elapsed.saturating_mul(self.frames);
        self.level = self.level.saturating_add(gained).min(self.full());
        match self.level.checked_sub(self.per_ticks) {
            Some(left) if self.per_ticks != 0 => {
                self.level = left;
                true
            }
            _ => false,
        }
    }
}
