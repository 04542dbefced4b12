//! ELFs and the notes in them, from any supplier: the build takes them or says what is wrong.

use std::sync::OnceLock;

use cofferdam_check::Checked;
use cofferdam_ipc::note::parse_notes;

use super::{common, compiles_to_what_the_kernel_takes, everything};
use crate::Target;

/// See the module. The first byte says whose program the rest is: 0 the kernel, else a partition.
pub const TARGET: Target = Target {
    name: "programs",
    seeds,
    run,
};

struct Sound {
    checked: Checked,
    kernel: Vec<u8>,
    programs: Vec<(String, Vec<u8>)>,
}

fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let checked = everything();
        Sound {
            kernel: common::kernel(),
            programs: common::programs(&checked),
            checked,
        }
    })
}

fn seeds() -> Vec<Vec<u8>> {
    let Sound {
        kernel, programs, ..
    } = sound();
    let elves = [kernel]
        .into_iter()
        .chain(programs.iter().map(|(_, elf)| elf));
    let mut seeds = Vec::new();
    for (whose, elf) in elves.enumerate() {
        let mut seed = vec![whose as u8];
        // What the segments hold does not matter: without it, a change is more likely to hit what does.
        seed.extend(elf.iter());
        seeds.push(seed);
    }
    seeds
}

fn run(bytes: &[u8]) {
    let Some((whose, elf)) = bytes.split_first() else {
        return;
    };
    // No note is shorter than the three words of its header.
    assert!(parse_notes(elf).count() <= elf.len().div_ceil(12));
    let sound = sound();
    let mut programs = sound.programs.clone();
    let mut kernel = &sound.kernel[..];
    match usize::from(*whose) % (programs.len() + 1) {
        0 => kernel = elf,
        partition => programs[partition - 1].1 = elf.to_vec(),
    }
    compiles_to_what_the_kernel_takes(&sound.checked, kernel, &programs);
}
