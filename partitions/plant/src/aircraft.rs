//! The pitch of an aircraft whose centre of gravity lies behind its neutral point: left alone, it turns over.
//!
//! One degree of freedom, linear, in steps of 10 ms:
//! `rate' = UNSTABLE * pitch - DAMPING * rate - ELEVATOR * deflection + gust`, with an elevator that follows its
//! command with a lag. Integers throughout, so that every run gives the same numbers.

use flight_messages::{Attitude, Elevator};

/// The physics takes so many steps each second.
const STEPS_PER_SECOND: i64 = 100;
/// Per second squared.
const UNSTABLE: i64 = 2;
/// Per second.
const DAMPING: i64 = 1;
/// Per second squared.
const ELEVATOR: i64 = 8;
/// The elevator goes this part of its way in each step: a lag of 50 ms.
const ELEVATOR_LAG_STEPS: i64 = 5;
/// 20 degrees.
const ELEVATOR_STOP_MICRORADIANS: i64 = 349_066;
/// Straight up: beyond it, nothing here means anything.
const UPRIGHT_MICRORADIANS: i64 = 1_570_796;
/// Faster than this it would have come apart.
const FASTEST_MICRORADIANS_PER_SECOND: i64 = 10_000_000;

/// The aircraft.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aircraft {
    pitch_microradians: i64,
    rate_microradians_per_second: i64,
    elevator_microradians: i64,
    step: u32,
}

impl Aircraft {
    /// Level, and at rest.
    pub fn new() -> Self {
        Self::default()
    }

    /// One step of 10 ms under this command and this gust.
    pub fn step(&mut self, command: &Elevator, gust_microradians_per_second_squared: i32) {
        let wanted = i64::from(command.deflection_microradians)
            .clamp(-ELEVATOR_STOP_MICRORADIANS, ELEVATOR_STOP_MICRORADIANS);
        self.elevator_microradians += (wanted - self.elevator_microradians) / ELEVATOR_LAG_STEPS;
        let acceleration = UNSTABLE * self.pitch_microradians
            - DAMPING * self.rate_microradians_per_second
            - ELEVATOR * self.elevator_microradians
            + i64::from(gust_microradians_per_second_squared);
        let rate = self.rate_microradians_per_second + acceleration / STEPS_PER_SECOND;
        let most = FASTEST_MICRORADIANS_PER_SECOND;
        self.rate_microradians_per_second = rate.clamp(-most, most);
        let pitch = self.pitch_microradians + self.rate_microradians_per_second / STEPS_PER_SECOND;
        self.pitch_microradians = pitch.clamp(-UPRIGHT_MICRORADIANS, UPRIGHT_MICRORADIANS);
        self.step = self.step.wrapping_add(1);
    }

    /// How it lies in the air.
    pub fn attitude(&self) -> Attitude {
        Attitude {
            // Both were limited to what 32 bits hold.
            pitch_microradians: self.pitch_microradians as i32,
            rate_microradians_per_second: self.rate_microradians_per_second as i32,
            step: self.step,
        }
    }

    /// Whether control is lost for good.
    pub fn is_lost(&self) -> bool {
        self.pitch_microradians.abs() == UPRIGHT_MICRORADIANS
    }
}

#[cfg(test)]
mod tests {
    use flight::Controller;

    use super::*;

    fn fly(controller: &mut Controller, steps: u32, gust: i32) -> Aircraft {
        let mut aircraft = Aircraft::new();
        for _ in 0..steps {
            let elevator = controller.step(&aircraft.attitude());
            aircraft.step(&elevator, gust);
        }
        aircraft
    }

    #[test]
    fn left_alone_it_turns_over() {
        let mut aircraft = Aircraft::new();
        for _ in 0..2_000 {
            aircraft.step(&Elevator::default(), 1_000);
        }
        assert!(aircraft.is_lost());
    }

    #[test]
    fn the_control_loop_holds_the_pitch_wanted_even_in_a_lasting_gust() {
        for gust in [-100_000, 0, 100_000] {
            let mut controller = Controller::new(34_907);
            let attitude = fly(&mut controller, 3_000, gust).attitude();
            assert!(
                (attitude.pitch_microradians - 34_907).abs() < 500,
                "gust {gust}: {attitude:?}"
            );
        }
    }

    #[test]
    fn the_worst_gusts_do_not_overthrow_it() {
        let mut controller = Controller::new(0);
        let mut gusts = crate::Gusts::new();
        let mut aircraft = Aircraft::new();
        for _ in 0..60_000 {
            let elevator = controller.step(&aircraft.attitude());
            aircraft.step(&elevator, gusts.step());
            assert!(aircraft.attitude().pitch_microradians.abs() < 100_000);
        }
    }

    #[test]
    fn no_command_makes_the_arithmetic_overflow() {
        let mut aircraft = Aircraft::new();
        for deflection_microradians in [i32::MIN, i32::MAX].repeat(500) {
            let command = Elevator {
                deflection_microradians,
                step: 0,
            };
            aircraft.step(&command, i32::MAX);
        }
        assert!(aircraft.is_lost());
    }
}
