//! What a machine has inside besides the record, and what is expected of it: registers of devices, and all of memory.
//!
//! What a device writes by itself the kernel does not see, and nobody who could tell of it may have it. So it is looked for: the words that it
//! was told to write stand in the arena and nowhere else; and a second run, in which the device cannot say the addresses of the
//! first one, leaves the same in every byte of memory.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use cofferdam_build::Built;
use cofferdam_qemu::Memory;
use cofferdam_run::{Options, Outcome, Probe, run_image};
use serde::Deserialize;

use crate::parts::Tally;

const PAGE: usize = 0x1000;
/// Configuration space: at which offsets of the controller it is reached, and the command and status of a function.
const CONFIGURATION_ADDRESS: u64 = 0;
const CONFIGURATION_DATA: u64 = 4;
const ENABLE: u32 = 0x8000_0000;
const COMMAND: u32 = 4;
/// Its bits: it answers for its memory, and it puts addresses on the bus.
const COMMAND_BITS: u32 = 6;

/// What is looked at; nothing if the file does not say it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inside {
    /// What a loader left: words at physical addresses.
    loader: Vec<(u64, u32)>,
    /// Words at physical addresses in the end.
    registers: Vec<(u64, u32)>,
    /// Of each device on the bus, in the end: 2 if it answers for its registers, and 4 if it may put addresses on the bus.
    command: BTreeMap<String, u32>,
    /// Words that a device is told to write, one behind the other. They stand somewhere in the arena, and at no address besides.
    written: Vec<u32>,
    /// But for these pages.
    written_to: Vec<u64>,
    /// With another device, all of memory is the same in the end but for the arena; or it differs, if that is said.
    same_with: Option<OtherDevice>,
}

/// A device that differs from the board's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherDevice {
    /// It.
    device: String,
    /// A part of how the emulator is told to have it.
    emulator: String,
    /// And what stands in its place.
    instead: String,
    /// Where the device reaches more than the arena: these pages differ. Others may too, since whoever reads other words goes on otherwise.
    #[serde(default)]
    differs: Vec<u64>,
}

impl Inside {
    /// What is done to the machine from outside, if anything is.
    pub fn probe(&self, built: &Built) -> Result<Option<Probe>> {
        if self.loader.is_empty() && self.registers.is_empty() && self.command.is_empty() {
            return Ok(None);
        }
        let mut behind: Vec<_> = (self.registers.iter())
            .map(|(physical, _)| (*physical, None))
            .collect();
        for device in self.command.keys() {
            let board = &built.checked.board;
            let bus = board.bus.as_ref().context("the board has no bus")?;
            let on_board = board.device(device);
            let function = on_board.and_then(|one| one.function);
            let function = function.with_context(|| format!("`{device}` is on no bus"))?;
            let controller = board.devices_physical + bus.registers_offset;
            let place = ENABLE | (function.slot as u32) << 11 | COMMAND;
            behind.push((controller + CONFIGURATION_ADDRESS, Some(place)));
            behind.push((controller + CONFIGURATION_DATA, None));
        }
        Ok(Some(Probe {
            loader: self.loader.clone(),
            behind,
        }))
    }

    /// Compares.
    pub fn judge(&self, built: &Built, image: &[u8], options: &Options, end: &Outcome) -> Tally {
        let mut tally = Tally::default();
        let mut probed = end.probed.iter().copied();
        for (physical, expected) in &self.registers {
            let found = probed.next();
            let what = format!("the register at {physical:#x}");
            tally.count(&what, same(found, *expected));
        }
        for (device, expected) in &self.command {
            // What is behind the register has the bus's byte order.
            let found = probed.next().map(|word| word.swap_bytes() & COMMAND_BITS);
            tally.count(&format!("the command of {device}"), same(found, *expected));
        }
        if !self.written.is_empty() {
            let found = self.written_alone(built, &end.memory);
            tally.count("what was written is where it may be", found);
        }
        if let Some(other) = &self.same_with {
            let result = other.leaves_the_same(built, image, options, &end.memory);
            tally.count("all of memory is as with a device that cannot", result);
        }
        tally
    }

    /// The words stand in the arena, and in the pages that are expected.
    fn written_alone(&self, built: &Built, memory: &Memory) -> Result<()> {
        let (inside, outside) = pages_with(built, memory, &self.written)?;
        ensure!(!inside.is_empty(), "nobody wrote them");
        ensure!(
            outside == self.written_to,
            "they stand at {outside:#x?}, expected {:#x?}",
            self.written_to
        );
        Ok(())
    }
}

/// In which pages of RAM these words stand, one behind the other: those of the arena, and others.
pub fn pages_with(built: &Built, memory: &Memory, words: &[u32]) -> Result<(Vec<u64>, Vec<u64>)> {
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let arena = arena(built);
    let mut pages = Vec::new();
    each_page(built, |address| {
        let mut page = [0; PAGE];
        memory.read(address, &mut page)?;
        let has = |page: &[u8]| {
            let places = page.windows(words.len()).step_by(size_of::<u32>());
            places.into_iter().any(|place| place == words)
        };
        if page != [0; PAGE] && has(&page) {
            pages.push(address);
        }
        Ok(())
    })?;
    Ok(pages.into_iter().partition(|page| arena.contains(page)))
}

impl OtherDevice {
    /// Runs the system with it.
    fn leaves_the_same(
        &self,
        built: &Built,
        image: &[u8],
        options: &Options,
        memory: &Memory,
    ) -> Result<()> {
        let mut other = built.clone();
        let bus = other.plan.bus.as_mut().context("the system has no bus")?;
        let mut functions = bus.functions.iter_mut();
        let function = functions.find(|one| one.device == self.device);
        let emulator = function.and_then(|one| one.emulator.as_mut());
        let emulator = emulator.with_context(|| format!("there is no `{}`", self.device))?;
        ensure!(
            emulator.contains(&self.emulator),
            "`{}` is not `{}`",
            self.device,
            self.emulator
        );
        *emulator = emulator.replace(&self.emulator, &self.instead);
        let end = run_image(&other, image, options)?;
        let arena = arena(built);
        let mut differ = Vec::new();
        each_page(built, |address| {
            let (mut one, mut another) = ([0; PAGE], [0; PAGE]);
            memory.read(address, &mut one)?;
            end.memory.read(address, &mut another)?;
            if one != another && !arena.contains(&address) {
                differ.push(address);
            }
            Ok(())
        })?;
        if self.differs.is_empty() {
            ensure!(differ.is_empty(), "these pages differ: {differ:#x?}");
        }
        let mut same = self.differs.clone();
        same.retain(|page| !differ.contains(page));
        ensure!(same.is_empty(), "these pages are the same: {same:#x?}");
        Ok(())
    }
}

fn same(found: Option<u32>, expected: u32) -> Result<()> {
    ensure!(
        found == Some(expected),
        "it is {found:#x?}, expected {expected:#x}"
    );
    Ok(())
}

fn arena(built: &Built) -> Range<u64> {
    let bus = built.plan.bus.as_ref();
    bus.map_or(0..0, |bus| {
        bus.arena_physical..bus.arena_physical + bus.arena_bytes
    })
}

/// Looks at each page of RAM.
fn each_page(built: &Built, mut look: impl FnMut(u64) -> Result<()>) -> Result<()> {
    (0..built.plan.ram_bytes)
        .step_by(PAGE)
        .try_for_each(|address| {
            look(address).with_context(|| format!("the page at {address:#x} cannot be read"))
        })
}
