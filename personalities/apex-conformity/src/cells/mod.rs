//! One case for each service and return code, or why there can be none.

use crate::required::Code;
use crate::script::Script;

mod error;
mod mutex;
mod objects;
mod part_2;
mod ports;
mod process;
mod time;
mod transfer;

/// What shows that a service gives a return code.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// A case, on a partition in a cold start.
    Case(fn(&mut Script<'_>)),
    /// It cannot come, for this reason.
    Unreachable(&'static str),
}

/// A service and a return code.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The service.
    pub service: &'static str,
    /// The code.
    pub code: Code,
    /// What shows it.
    pub how: How,
}

macro_rules! code {
    (NoError) => {
        $crate::required::Code::NoError
    };
    ($code:ident) => {
        $crate::required::Code::Refused(cofferdam_apex::ReturnCode::$code)
    };
}
use code;

/// Cells by service: `SERVICE { Code => |script| ..., Code: "why it cannot come", }`.
macro_rules! cells {
    ($($service:ident { $($code:ident $(=> $case:expr)? $(, : $why:literal)? ;)* })*) => {
        /// The cells of this file.
        pub(super) static CELLS: &[$crate::cells::Cell] = &[
            $($(
                $crate::cells::Cell {
                    service: stringify!($service),
                    code: $crate::cells::code!($code),
                    how: $crate::cells::how!($($case)? $(, $why)?),
                },
            )*)*
        ];
    };
}
use cells;

macro_rules! how {
    ($case:expr) => {
        $crate::cells::How::Case($case)
    };
    (, $why:literal) => {
        $crate::cells::How::Unreachable($why)
    };
}
use how;

/// All cells, by file.
pub static CELLS: &[&[Cell]] = &[
    process::CELLS,
    time::CELLS,
    ports::CELLS,
    objects::CELLS,
    transfer::CELLS,
    mutex::CELLS,
    error::CELLS,
    part_2::CELLS,
];
