//! Runs the conformity cases of the ARINC 653 services on the target, and counts them.
//!
//! The services are the very code that partitions have, compiled as for them; the world outside of the partition under test, its time and the
//! other ends of its ports, is on plain data, as on the host (`personalities/apex-conformity/src/host.rs`). So this shows that they
//! decide the same on the processor that they are for. With contexts, traps and the kernel they are tried by `processes.rs`.
//!
//! A case that fails is a panic, which ends the partition's life: the crash record has its place and its words.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_apex_conformity::host::FACTS;
use cofferdam_apex_conformity::{BEHAVIOURS, CELLS, Host, How, Script};
use cofferdam_native::{Lines, wait};
use evidence::seen;

cofferdam_native::partition!("conformity", main);

fn main() -> ! {
    let (mut cells, mut unreachable, mut behaviours) = (0, 0, 0);
    for cell in CELLS.iter().copied().flatten() {
        match cell.how {
            How::Case(case) => {
                run(case);
                cells += 1;
            }
            How::Unreachable(_) => unreachable += 1,
        }
    }
    seen!("cells", cells);
    seen!("cells.unreachable", unreachable);
    for behaviour in BEHAVIOURS.iter().copied().flatten() {
        run(behaviour.case);
        behaviours += 1;
    }
    seen!("behaviours", behaviours);
    loop {
        wait(Lines::TIMER);
    }
}

#[inline(never)]
fn run(case: fn(&mut Script<'_>)) {
    let mut host = Host::new(&FACTS);
    case(&mut Script { system: &mut host });
}
