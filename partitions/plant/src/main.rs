//! The physics partition: takes the elevator's command, moves the aircraft on, publishes its attitude. The key `g` asks
//! for a strong gust.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, log};
use flight_messages::Elevator;
use plant::{Aircraft, Gusts};

cofferdam_native::partition!("plant", main);

fn main() -> ! {
    let mut aircraft = Aircraft::new();
    let mut gusts = Gusts::new();
    let mut command = Elevator::default();
    let mut was_lost = false;
    let mut period = Period::new();
    log!("an unstable aircraft is in the air, level");
    loop {
        period.wait_release();
        // Without a fresh command the elevator stays where it was, as the real one would.
        if let Ok(Some(sample)) = ports::ELEVATOR.read() {
            command = sample.value;
        }
        aircraft.step(&command, gusts.step());
        // Its only refusals concern the configuration, which is fixed.
        let _ = ports::ATTITUDE.write(&aircraft.attitude());
        if aircraft.is_lost() && !was_lost {
            log!("the aircraft turned over: control is lost");
        }
        was_lost = aircraft.is_lost();
        while let Ok(Some(keys)) = ports::INPUT.receive() {
            for key in keys.message.iter() {
                if *key == b'g' {
                    gusts.blow();
                    log!("a strong gust");
                } else {
                    log!("keys: g a strong gust");
                }
            }
        }
        period.complete();
    }
}
