//! Has the kernel busy when the window ends: with one thing after the other, in each again and again, each time begun at another
//! moment.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::abi::limits::MESSAGE_BYTES;
use cofferdam_native::abi::space;
use cofferdam_native::probe::{self, Sort};
use cofferdam_native::{Lines, Period, Restart, application_error, interrupts, page, time};
use rogue_attacks::phases::Interrupted;

cofferdam_native::partition!("intruder", main);

/// Windows for each thing, before the next comes.
const WINDOWS: u32 = 3000;
/// Several things that are due at once come together in few of the windows that end in a wait, and lives are begun in
/// several ways: these get so many times as many.
const MORE_WINDOWS: u32 = 4;
/// So many windows are left to the others at the start.
const WINDOWS_LEFT: u32 = 50;
/// It begins so long after the start of its window, at the earliest: the kernel takes the processor 12000 ticks after it.
const BEGIN_TICKS: u64 = 9_000;
/// Beginnings differ by less than this: by more than anything takes.
const SPREAD_TICKS: u32 = 1_024;
/// From one window to the next the beginning moves by so many ticks: without a factor in common with the spread.
const STEP_TICKS: u32 = 157;
/// So much later a life is begun that the end of the window is to meet in its beginning.
const LATE_TICKS: u64 = 2_300;
/// The timebase goes on by more than this between two looks only if the window has ended meanwhile.
const GAP_TICKS: u64 = 16_000;

fn main() -> ! {
    interrupts::set_handler(Exception::ExternalInput, |_| page::clear(Lines::TIMER));
    // The filler's memory is prepared behind everybody else: it needs windows of its own to begin at all.
    for _ in 0..WINDOWS_LEFT {
        Period::new().wait_release();
    }
    let mut window = 0;
    loop {
        for interrupted in Interrupted::ALL {
            let wants_interrupts = interrupted == Interrupted::Interrupt;
            if wants_interrupts {
                interrupts::enable_lines(Lines::TIMER);
                interrupts::enable();
            }
            let more = match interrupted {
                Interrupted::Wait | Interrupted::Restart => MORE_WINDOWS,
                _ => 1,
            };
            for _ in 0..more * WINDOWS {
                repeat_across_the_end(interrupted, window);
                window += 1;
            }
            if interrupted == Interrupted::Restart {
                let _ = ports::PARTITION_CONTROL_MORTAL.stop();
            }
            if wants_interrupts {
                interrupts::disable();
                page::set_enabled(Lines::NONE);
            }
            time::cancel_timer();
        }
    }
}

fn repeat_across_the_end(interrupted: Interrupted, window: u32) {
    let release = Period::new().wait_release();
    let doing = Bytes::<1>::try_from(&[interrupted as u8][..]);
    let _ = ports::DOING.write(&doing.unwrap_or_default());
    let spread = window.wrapping_mul(STEP_TICKS) % SPREAD_TICKS;
    let restart = (interrupted == Interrupted::Restart).then(|| Beginning::of(window));
    let later = restart.as_ref().map_or(0, |restart| restart.later_ticks);
    let begin = release.tick + BEGIN_TICKS + later + u64::from(spread);
    let mut last = time::now();
    while last < begin {
        last = time::now();
    }
    // A look at the time takes several instructions, and a tick is two and a half: so a few more, one at a time.
    for instruction in 0..window % 13 {
        black_box(instruction);
    }
    if let Some(restart) = restart {
        let _ = ports::PARTITION_CONTROL_MORTAL.restart(restart.how);
        // Its lives are short, and follow each other until the window ends.
        return;
    }
    for attempt in 0.. {
        once(interrupted, window.wrapping_add(17 * attempt));
        let now = time::now();
        if now - last > GAP_TICKS {
            return;
        }
        last = now;
    }
}

/// A life that is begun near the end of a window.
struct Beginning {
    how: Restart,
    /// How much later than other things.
    later_ticks: u64,
}

impl Beginning {
    /// Cold and warm by turns, and so that the window ends in what follows, or in the beginning itself.
    fn of(window: u32) -> Self {
        Self {
            how: if window.is_multiple_of(2) {
                Restart::Cold
            } else {
                Restart::Warm
            },
            later_ticks: if (window / 2).is_multiple_of(2) {
                0
            } else {
                LATE_TICKS
            },
        }
    }
}

fn once(interrupted: Interrupted, number: u32) {
    match interrupted {
        Interrupted::Question => drop(ports::PARTITION_STATUS_INTRUDER.read()),
        Interrupted::Copy => {
            let arguments = [ports::BULK.slot(), probe::scratch(), MESSAGE_BYTES, 0, 0, 0];
            probe::call(Hypercall::SamplingWrite.token(), arguments);
        }
        Interrupted::Fault => drop(probe::load(space::kernel::DATA, 1)),
        Interrupted::Instruction => {
            let illegal = probe::table().iter().find(|one| one.sort == Sort::Illegal);
            if let Some(illegal) = illegal {
                illegal.execute(1);
            }
        }
        Interrupted::Interrupt => time::set_timer(time::now() + 1),
        Interrupted::Call => drop(ports::ASK.call(&Bytes::<8>::default(), 0)),
        // What it waits for is a tick: so the times differ, or the ends would always meet the same ones.
        Interrupted::Wait => time::sleep_until(time::now() + u64::from(40 + number % 61)),
        Interrupted::Error => application_error(0),
        Interrupted::Restart => {}
    }
}
