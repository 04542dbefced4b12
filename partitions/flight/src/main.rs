//! The control loop. It reads the attitude, moves the elevator, and watches its own releases; once a second it says
//! how it goes. When it begins, to the instruction, is in the record: a mark whenever that is not where it was before. The keys `u` and `d` ask for a pitch one degree up or down.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, log, time};
use flight::{Controller, ReleaseJitter, place_of_release};
use flight_messages::{Attitude, Degrees, microradians};

cofferdam_native::partition!("flight", main);

/// The loop says something after so many releases.
const REPORT_RELEASES: u32 = 100;
/// The pitch to begin with: two degrees.
const FIRST_PITCH_MILLIDEGREES: i32 = 2_000;

fn main() -> ! {
    let mut controller = Controller::new(microradians(FIRST_PITCH_MILLIDEGREES));
    let mut jitter = ReleaseJitter::new(u64::from(ports::PERIOD_TICKS));
    let mut attitude = Attitude::default();
    let mut last_place = None;
    let mut blind = 0;
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        let began = time::instant();
        jitter.seen(began.tick);
        let place = place_of_release(release.tick, began.tick, began.steps);
        if last_place.replace(place) != Some(place) {
            evidence::seen!("flight.release", place);
        }
        match ports::ATTITUDE.read() {
            Ok(Some(sample)) if sample.valid => attitude = sample.value,
            // Without a fresh attitude the last one has to do.
            _ => blind += 1,
        }
        let elevator = controller.step(&attitude);
        // Its only refusals concern the configuration, which is fixed.
        let _ = ports::ELEVATOR.write(&elevator);
        follow_keys(&mut controller);
        if release.number.is_multiple_of(REPORT_RELEASES) {
            log!(
                "pitch {} deg, wanted {}, elevator {}; {} releases moved by {} ticks{}",
                Degrees(attitude.pitch_microradians),
                Degrees(controller.wanted_microradians()),
                Degrees(elevator.deflection_microradians),
                release.number,
                jitter.moved_ticks(),
                if blind > 1 { "; attitude missing" } else { "" },
            );
            blind = 0;
        }
        period.complete();
    }
}

fn follow_keys(controller: &mut Controller) {
    while let Ok(Some(keys)) = ports::INPUT.receive() {
        for key in keys.message.iter() {
            match key {
                b'u' => controller.change_by(microradians(1_000)),
                b'd' => controller.change_by(-microradians(1_000)),
                _ => log!("keys: u nose up, d nose down"),
            }
        }
    }
}
