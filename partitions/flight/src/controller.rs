//! The control law: proportional, integral and derivative, on integers.

use flight_messages::{Attitude, Elevator};

/// How far the elevator goes, each way: 20 degrees.
pub const LIMIT_MICRORADIANS: i32 = 349_066;

/// Elevator for an error of pitch, in thousandths.
const PROPORTIONAL: i64 = 1_500;
/// Elevator for a rate of pitch, in thousandths of a second.
const DERIVATIVE: i64 = 800;
/// Elevator for a lasting error, in thousandths per second.
const INTEGRAL: i64 = 500;
/// The loop runs so often.
const STEPS_PER_SECOND: i64 = 100;

/// Holds a pitch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controller {
    wanted_microradians: i32,
    /// The sum of the errors, in microradians times steps.
    sum: i64,
}

impl Controller {
    /// A controller that holds this pitch.
    pub const fn new(wanted_microradians: i32) -> Self {
        Self {
            wanted_microradians,
            sum: 0,
        }
    }

    /// The pitch that it holds.
    pub const fn wanted_microradians(&self) -> i32 {
        self.wanted_microradians
    }

    /// Wants another pitch, within what the aircraft can do.
    pub fn change_by(&mut self, microradians: i32) {
        const MOST: i32 = 174_533;
        self.wanted_microradians = self
            .wanted_microradians
            .saturating_add(microradians)
            .clamp(-MOST, MOST);
    }

    /// One step.
    pub fn step(&mut self, attitude: &Attitude) -> Elevator {
        let error = i64::from(attitude.pitch_microradians) - i64::from(self.wanted_microradians);
        let rate = i64::from(attitude.rate_microradians_per_second);
        let sum = self.sum + error;
        let wanted =
            (PROPORTIONAL * error + DERIVATIVE * rate + INTEGRAL * sum / STEPS_PER_SECOND) / 1_000;
        let limit = i64::from(LIMIT_MICRORADIANS);
        let deflection = wanted.clamp(-limit, limit);
        // At the stop the sum must not grow: it would take as long to shrink again.
        if deflection == wanted {
            self.sum = sum;
        }
        Elevator {
            deflection_microradians: deflection as i32,
            step: attitude.step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_flight_needs_no_elevator() {
        let mut controller = Controller::new(0);
        let elevator = controller.step(&Attitude::default());
        assert_eq!(elevator.deflection_microradians, 0);
    }

    #[test]
    fn a_nose_too_high_is_lowered_and_the_elevator_has_its_stop() {
        let mut controller = Controller::new(0);
        let high = Attitude {
            pitch_microradians: 10_000,
            ..Attitude::default()
        };
        assert!(controller.step(&high).deflection_microradians > 0);
        let absurd = Attitude {
            pitch_microradians: i32::MAX,
            rate_microradians_per_second: i32::MAX,
            step: 7,
        };
        let elevator = controller.step(&absurd);
        assert_eq!(elevator.deflection_microradians, LIMIT_MICRORADIANS);
        assert_eq!(elevator.step, 7);
    }

    #[test]
    fn the_pitch_wanted_stays_within_what_the_aircraft_can_do() {
        let mut controller = Controller::new(0);
        controller.change_by(i32::MAX);
        assert_eq!(controller.wanted_microradians(), 174_533);
    }
}
