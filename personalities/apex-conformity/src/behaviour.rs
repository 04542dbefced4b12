//! Behaviour: what is true of more than one call.

use crate::script::Script;

mod errors;
mod mode;
mod mutexes;
mod ports;
mod queues;
mod scheduling;
mod time;

/// A case about behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// What it shows, as a claim.
    pub name: &'static str,
    /// It, on a partition in a cold start.
    pub case: fn(&mut Script<'_>),
}

macro_rules! behaviours {
    ($($name:ident: $case:expr;)*) => {
        /// The cases of this file.
        pub(super) static BEHAVIOURS: &[$crate::behaviour::Behaviour] = &[
            $($crate::behaviour::Behaviour { name: stringify!($name), case: $case },)*
        ];
    };
}
use behaviours;

/// All of them, by file.
pub static BEHAVIOURS: &[&[Behaviour]] = &[
    scheduling::BEHAVIOURS,
    mutexes::BEHAVIOURS,
    time::BEHAVIOURS,
    queues::BEHAVIOURS,
    ports::BEHAVIOURS,
    errors::BEHAVIOURS,
    mode::BEHAVIOURS,
];
