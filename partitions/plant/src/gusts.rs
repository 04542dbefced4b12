//! Gusts: the same ones in every run.

/// A gust lasts so many steps.
const STEPS: u32 = 50;
/// The strongest, each way.
const STRONGEST_MICRORADIANS_PER_SECOND_SQUARED: u32 = 120_000;
/// The strongest, when asked for.
const BLOW_MICRORADIANS_PER_SECOND_SQUARED: i32 = 400_000;

/// Gusts of half a second.
#[derive(Clone, Copy, Debug)]
pub struct Gusts {
    random: u32,
    left: u32,
    now: i32,
}

impl Gusts {
    /// From the beginning.
    pub const fn new() -> Self {
        Self {
            random: 0x2545_f491,
            left: 0,
            now: 0,
        }
    }

    /// A strong one, from now on.
    pub fn blow(&mut self) {
        self.now = BLOW_MICRORADIANS_PER_SECOND_SQUARED;
        self.left = STEPS;
    }

    /// That of the next step.
    pub fn step(&mut self) -> i32 {
        if self.left == 0 {
            self.left = STEPS;
            // George Marsaglia, "Xorshift RNGs", 2003.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let span = 2 * STRONGEST_MICRORADIANS_PER_SECOND_SQUARED + 1;
            let place = (u64::from(self.random) * u64::from(span)) >> 32;
            self.now = place as i32 - STRONGEST_MICRORADIANS_PER_SECOND_SQUARED as i32;
        }
        self.left -= 1;
        self.now
    }
}

impl Default for Gusts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_change_and_stay_within_their_strength() {
        let mut gusts = Gusts::new();
        let strongest = STRONGEST_MICRORADIANS_PER_SECOND_SQUARED as i32;
        let mut seen = [false; 2];
        for _ in 0..10_000 {
            let gust = gusts.step();
            assert!(gust.abs() <= strongest);
            seen[usize::from(gust > 0)] = true;
        }
        assert_eq!(seen, [true; 2]);
    }
}
