//! What the rogue partition tries, and what has to come of it.
//!
//! Both sides read this table: the rogue, which goes through it and leaves marks in the machine's record, and the host,
//! which judges the marks after the run. A mark of the rogue alone proves nothing about others: whether they were
//! disturbed the host sees in *their* accounts. What it does say is what the rogue itself could observe: whether
//! data came back, and whether its attempt was noticed.
#![no_std]
#![forbid(unsafe_code)]

mod evidence;
pub mod guests;
pub mod phases;
mod table;

pub use evidence::{Mark, Outcome, Verdict, judge};
pub use table::{ATTACKS, HYPERCALLS_FROM, number_of};

use cofferdam_abi::health::Error;

/// One attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Its number in marks.
    pub number: u16,
    /// Its name in results: it stays the same.
    pub id: &'static str,
    /// What it tries, for people.
    pub title: &'static str,
    /// What has to come of it.
    pub expected: Expected,
}

/// What has to come of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Each attempt has no effect and raises this error; the rogue goes on.
    Denied(Error),
    /// Each attempt is answered with a documented refusal and gives nothing away.
    Refused,
    /// It is allowed, and nobody but the rogue notices.
    Harmless,
    /// The health monitor restarts the rogue for this error.
    Restarted(Error),
    /// The rogue restarts itself, as it may, and nobody else notices.
    RestartsItself,
    /// The guest that tries it ends its partition's life, as configured, and nobody else notices.
    Ends,
    /// The guest that tries it goes no further, and nobody else notices.
    Stands,
}

impl Expected {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Denied(_) => "denied and noticed",
            Self::Refused => "refused",
            Self::Harmless | Self::RestartsItself => "nobody else noticed",
            Self::Restarted(_) => "restarted by the health monitor",
            Self::Ends => "restarted or stopped as configured; nobody else noticed",
            Self::Stands => "it comes no further; nobody else noticed",
        }
    }

    /// The error that the health log shows for it.
    pub const fn error(self) -> Option<Error> {
        match self {
            Self::Denied(error) | Self::Restarted(error) => Some(error),
            Self::Refused | Self::Harmless | Self::RestartsItself | Self::Ends | Self::Stands => {
                None
            }
        }
    }
}
