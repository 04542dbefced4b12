//! The attacker. It goes through the table of attacks round after round, says on the console what it tried and what came
//! of it, and leaves marks that the host judges. The key `p` makes it pause and go on.
//!
//! Its health table says `log` for most errors, so that an attempt costs one instruction and the next follows at once;
//! some restart it, its memory kept, and it finds its place again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod attempts;
mod boundary;
mod calls;
mod floods;
mod instructions;
mod memory;
mod progress;
mod virtual_machine;

use attempts::{Attempts, health_events};
use boundary::Boundary;
use cofferdam_native::abi::page::StartReason;
use cofferdam_native::{Period, log, mark, page, wait};
use progress::Progress;
use rogue_attacks::{ATTACKS, Attack, Expected, Mark, Outcome, number_of};

cofferdam_native::partition!("rogue", main);

/// Between two rounds it rests so many releases.
const REST_RELEASES: u32 = 50;

fn main() -> ! {
    let progress = Progress::of_this_life();
    let mut boundary = Boundary::measure();
    if let Some(attack) = progress.in_progress() {
        came_back(&progress, attack);
    }
    loop {
        while let Some(attack) = progress.next() {
            follow_keys();
            begin(attack);
            progress.begun();
            let events = health_events();
            let attempts = attack_with(attack, &progress, &mut boundary);
            let noticed = health_events().wrapping_sub(events);
            progress.ended();
            end(
                attack,
                &progress,
                attempts.tried,
                judge(attack, &attempts, noticed),
            );
            // The console needs a window of its own to take the line.
            Period::new().wait_release();
        }
        log!(
            "round {} is over: {} attacks, {} not contained",
            progress.round(),
            ATTACKS.len(),
            progress.failures()
        );
        progress.next_round();
        for _ in 0..REST_RELEASES {
            Period::new().wait_release();
        }
    }
}

/// The partition was restarted in the middle of an attack: was that what had to come of it?
fn came_back(progress: &Progress, attack: &Attack) {
    let outcome = match (attack.expected, page::start_reason()) {
        (Expected::Restarted(_), StartReason::HealthWarm) => Outcome::AsExpected,
        (Expected::RestartsItself, StartReason::Warm) => {
            if virtual_machine::restart_again() {
                virtual_machine::restart();
            }
            Outcome::AsExpected
        }
        _ => Outcome::Unnoticed,
    };
    progress.ended();
    let tried = match attack.expected {
        Expected::RestartsItself => virtual_machine::RESTARTS,
        _ => 1,
    };
    end(attack, progress, tried, outcome);
}

fn begin(attack: &Attack) {
    let (identifier, value) = Mark::Begin {
        attack: attack.number,
    }
    .encode();
    mark(identifier, value);
}

fn end(attack: &Attack, progress: &Progress, attempts: u32, outcome: Outcome) {
    let (identifier, value) = Mark::End {
        attack: attack.number,
        outcome,
        attempts,
    }
    .encode();
    mark(identifier, value);
    if outcome != Outcome::AsExpected {
        progress.failed();
    }
    let what_came = match outcome {
        Outcome::AsExpected => attack.expected.words(),
        Outcome::Unnoticed => "NOT AS EXPECTED",
        Outcome::Breached => "IT WORKED: ISOLATION IS BROKEN",
    };
    log!("{}: {attempts} times; {what_came}", attack.title);
}

fn judge(attack: &Attack, attempts: &Attempts, noticed: u32) -> Outcome {
    match attack.expected {
        _ if attempts.breached => Outcome::Breached,
        Expected::Denied(_) if noticed != attempts.tried => Outcome::Unnoticed,
        // It should not have come back from these at all.
        Expected::Restarted(_) | Expected::RestartsItself => Outcome::Unnoticed,
        _ => Outcome::AsExpected,
    }
}

fn attack_with(attack: &Attack, progress: &Progress, boundary: &mut Boundary) -> Attempts {
    let number = attack.number;
    if let Some(call) = calls::attacked(number) {
        return calls::with_bad_arguments(call);
    }
    macro_rules! by_id {
        ($($id:literal => $attempts:expr,)*) => {
            match number {
                $(number if number == const { number_of($id) } => $attempts,)*
                // An attack of the table that nobody carries out is not contained.
                _ => Attempts::none(),
            }
        };
    }
    by_id! {
        "flood.marks" => floods::marks(),
        "memory.read_kernel" => memory::read(memory::KERNEL),
        "memory.write_kernel" => memory::write(memory::KERNEL),
        "memory.read_others" => memory::read(memory::OTHERS),
        "memory.write_others" => memory::write(memory::OTHERS),
        "memory.read_devices" => memory::read(memory::DEVICES),
        "memory.write_devices" => memory::write(memory::DEVICES),
        "memory.read_everywhere" => memory::read_everywhere(),
        "memory.write_text" => memory::write_own(memory::own().text),
        "memory.write_constants" => memory::write_own(memory::own().constants),
        "memory.execute_data" => memory::execute_data(),
        "memory.execute_constants" => memory::execute_constants(),
        "memory.execute_page" => memory::execute_page(),
        "memory.execute_kernel" => memory::execute(memory::KERNEL),
        "memory.execute_others" => memory::execute(memory::OTHERS),
        "memory.stack" => memory::run_off_the_stack(),
        "privileged.machine_state" => instructions::machine_state(),
        "privileged.translation" => instructions::translation(),
        "privileged.write_special" => instructions::write_special(),
        "privileged.read_special" => instructions::read_special(),
        "illegal.instructions" => instructions::illegal(),
        "illegal.floating_point" => instructions::floating_point(),
        "illegal.signal_processing" => instructions::signal_processing(),
        "illegal.trap" => instructions::trap(),
        "illegal.alignment" => instructions::misaligned(),
        "virtual.return_state" => virtual_machine::return_with_privileges(),
        "virtual.page" => virtual_machine::nonsense_in_the_page(),
        "virtual.vectors" => virtual_machine::vectors_into_the_kernel(),
        "virtual.user_registers" => virtual_machine::user_registers(),
        "virtual.restart" => virtual_machine::begin_restarts(),
        "flood.channel" => floods::channel(),
        "flood.calls" => floods::calls(),
        "flood.health" => floods::health(),
        "flood.timer" => floods::timer(),
        "flood.spin" => floods::spin(),
        "hypercall.unknown" => calls::unknown(),
        "boundary.hypercall" => boundary.hypercall(progress),
        "boundary.message" => boundary.message(progress),
        "boundary.fault" => boundary.fault(progress),
        "boundary.instruction" => boundary.instruction(progress),
        "boundary.interrupt" => boundary.interrupt(progress),
        "boundary.call" => boundary.call(progress),
        "boundary.wait" => boundary.wait(progress),
    }
}

/// The key `p` stops it until the next `p`.
fn follow_keys() {
    let mut paused = false;
    loop {
        while let Ok(Some(keys)) = ports::INPUT.receive() {
            for key in keys.message.iter() {
                if *key == b'p' {
                    paused = !paused;
                    log!("{}", if paused { "it pauses" } else { "it goes on" });
                } else {
                    log!("keys: p pauses it, and makes it go on");
                }
            }
        }
        if !paused {
            return;
        }
        wait(ports::INPUT.line());
    }
}
