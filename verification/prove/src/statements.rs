//! The statements, one module for each matter. Each says over how many things it was checked, and where it does not hold.

use serde::{Deserialize, Serialize};

use crate::world::World;

mod authority;
mod board;
mod frames;
mod guests;
mod lives;
mod map;
mod regions;
mod require;
mod time;
mod translations;
mod whole;

pub(crate) use whole::{KERNEL_TEXT, PROGRAM_TEXT};

pub(crate) use whole::{hex, measured};

/// So many failures of one statement are told; the others are counted.
const TOLD: usize = 12;

/// A statement about an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its name, for programs.
    pub id: String,
    /// What it says.
    pub statement: String,
    /// Over how many things it was checked.
    pub checked: u64,
    /// Where it does not hold: the first of these, in words.
    pub failures: Vec<String>,
    /// How many there are.
    pub failed: u64,
}

impl Statement {
    pub(crate) fn new(id: &str, statement: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            statement: statement.into(),
            checked: 0,
            failures: Vec::new(),
            failed: 0,
        }
    }

    /// Whether it holds for everything that there is.
    pub fn holds(&self) -> bool {
        self.failed == 0
    }

    /// Checks it for one thing.
    pub(crate) fn require(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.failed += 1;
            if self.failures.len() < TOLD {
                self.failures.push(otherwise());
            }
        }
    }

    /// The same, for two values that have to be equal.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        found: T,
        declared: T,
        what: impl FnOnce() -> String,
    ) {
        let holds = found == declared;
        self.require(holds, || {
            format!("{} is {found:?} and should be {declared:?}", what())
        });
    }
}

/// All of them.
pub(crate) fn all(world: &World<'_>) -> Vec<Statement> {
    let mut all = vec![
        whole::file(world),
        whole::items_known(world),
        board::facts(world),
        map::kernel_map(world),
        map::window_onto_ram(world),
    ];
    all.extend(whole::compared(world));
    all.extend(frames::all(world));
    all.extend([
        regions::declared(world),
        translations::exact(world),
        translations::residents(world),
        time::windows(world),
        time::ranks(world),
        authority::capabilities(world),
        authority::channels(world),
        authority::stores(world),
        authority::interrupts(world),
        lives::module(world),
        lives::partitions(world),
        lives::starts(world),
        lives::copies(world),
        guests::guests(world),
        board::dma(world),
    ]);
    all.extend(require::all(world));
    all
}
