//! Images to prove: systems with one of everything, compiled of programs that were made by hand.
#![allow(dead_code)]

// Programs made by hand: those of the compiler's own tests.
#[path = "../../../../config/compile/tests/common/mod.rs"]
mod common;
mod start;

use cofferdam_compile::guest::{Blob, Content};
use cofferdam_compile::{Image, compile};
use cofferdam_prove::Prover;

/// The board's file.
pub const BOARD: &str = include_str!("../../../../config/boards/ppce500.toml");
/// A system with one of everything but guests and a bus.
pub const EVERYTHING: &str = common::EVERYTHING;
/// A system with guests, devices on the bus, stacks, memory blocks and a place.
pub const GUESTS: &str = include_str!("guests.toml");

/// A system, built.
pub struct Built {
    pub system: &'static str,
    pub kernel: Vec<u8>,
    pub programs: Vec<(String, Vec<u8>)>,
    pub image: Vec<u8>,
    pub plan: cofferdam_compile::Plan,
}

/// Builds a system.
pub fn build(system: &'static str) -> Built {
    let checked = common::checked(system);
    let (text, data) = (start::start(), vec![1; 64]);
    let length = text.len() as u32;
    let segments = [
        (0x10_0000, common::RX, text, length),
        (0x14_0000, common::R, vec![7; 100], 100),
        (0x20_0000, common::RW, data, 0x2_0000),
    ];
    let kernel = common::elf(20, 0x10_0000, &segments, &[]);
    let programs = common::programs(&checked);
    let guests: Vec<_> = (checked.system.partitions.iter())
        .filter(|partition| partition.guest.is_some())
        .map(|partition| (partition.name.value.clone(), content()))
        .collect();
    let Image { bytes, plan, .. } =
        compile(&checked, &kernel, &programs, &guests).unwrap_or_else(|wrong| panic!("{wrong}"));
    Built {
        system,
        kernel,
        programs,
        image: bytes,
        plan,
    }
}

fn content() -> Content {
    let blob = |name: &str, at, bytes: usize| Blob {
        name: name.to_owned(),
        at,
        content: (0..bytes).map(|byte| byte as u8 | 1).collect(),
    };
    Content {
        blobs: vec![blob("kernel", 0, 3001), blob("tree", 0x10_0000, 100)],
        ..Content::default()
    }
}

impl Built {
    /// The prover for it, with everything that there is to compare with.
    pub fn prover(&self) -> Prover {
        match Prover::new(self.system, BOARD, Some(&self.kernel), &self.programs) {
            Ok(prover) => prover,
            Err(wrong) => panic!("{wrong}"),
        }
    }

    /// The same without programs.
    pub fn prover_alone(&self) -> Prover {
        match Prover::new(self.system, BOARD, None, &[]) {
            Ok(prover) => prover,
            Err(wrong) => panic!("{wrong}"),
        }
    }
}
