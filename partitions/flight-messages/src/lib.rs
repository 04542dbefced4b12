//! What the partitions of the flight system tell each other.
//!
//! Angles are in microradians, so that the whole loop is exact integer arithmetic and gives the same numbers on
//! any machine; the target has no floating-point unit in use.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Message;
use serde::{Deserialize, Serialize};

/// How the aircraft lies in the air: from `plant` to whoever wants to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Attitude {
    /// The nose above the horizon.
    pub pitch_microradians: i32,
    /// How fast it rises.
    pub rate_microradians_per_second: i32,
    /// The number of the step of the physics that gave it.
    pub step: u32,
}

/// Where the elevator should go: from `flight` to `plant`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Elevator {
    /// Trailing edge down, which lowers the nose.
    pub deflection_microradians: i32,
    /// The step of the attitude that it answers.
    pub step: u32,
}

/// What anybody may ask `health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Question {
    /// How many entries of the health log were read.
    Events,
    /// How many restarts were ordered.
    RestartsOrdered,
}

/// Its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Answer {
    /// The number asked for.
    pub count: u32,
}

/// An angle as thousandths of a degree.
pub const fn millidegrees(microradians: i32) -> i32 {
    (microradians as i64 * 57_296 / 1_000_000) as i32
}

/// Thousandths of a degree as an angle.
pub const fn microradians(millidegrees: i32) -> i32 {
    (millidegrees as i64 * 1_000_000 / 57_296) as i32
}

/// Shows an angle in degrees: `+1.250`.
#[derive(Clone, Copy, Debug)]
pub struct Degrees(pub i32);

impl core::fmt::Display for Degrees {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let angle = millidegrees(self.0);
        let sign = if angle < 0 { '-' } else { '+' };
        let size = angle.unsigned_abs();
        write!(f, "{sign}{}.{:03}", size / 1000, size % 1000)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_angle_survives_the_units() {
        for millidegrees_before in [-180_000, -1, 0, 1, 12_345, 180_000] {
            let after = millidegrees(microradians(millidegrees_before));
            assert!((after - millidegrees_before).abs() <= 1);
        }
    }

    #[test]
    fn an_angle_is_shown_with_its_sign() {
        assert_eq!(Degrees(microradians(-500)).to_string(), "-0.499");
        assert_eq!(Degrees(34_907).to_string(), "+2.000");
    }
}
