//! The numbers of the ABI.

use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_abi::hypercall::Hypercall;

use crate::table;

/// Every hypercall with its token.
pub(crate) fn hypercalls() -> String {
    let rows = Hypercall::ALL.iter().map(|call| {
        let name = call.name();
        [
            format!("[`{name}`](#{name})"),
            (*call as u16).to_string(),
            format!("`{:#010x}`", call.token()),
        ]
    });
    table(["hypercall", "number", "token in r11"], rows)
}

/// Every status by number.
pub(crate) fn statuses() -> String {
    let rows = Status::ALL.iter().map(|status| {
        let number = *status as u32;
        [number.to_string(), format!("`{status:?}`")]
    });
    table(["r3", "name"], rows)
}

/// Every error of the health monitor.
pub(crate) fn errors() -> String {
    let rows = Error::ALL.iter().enumerate().map(|(index, error)| {
        let level = if index < PARTITION_ERRORS {
            "partition"
        } else {
            "module"
        };
        [
            (*error as u8).to_string(),
            format!("`{}`", error.name()),
            level.to_owned(),
        ]
    });
    table(["number", "error", "level"], rows)
}

/// Every action of the health monitor.
pub(crate) fn actions() -> String {
    let rows = Action::ALL
        .iter()
        .map(|action| [(*action as u8).to_string(), format!("`{}`", action.name())]);
    table(["number", "action"], rows)
}
