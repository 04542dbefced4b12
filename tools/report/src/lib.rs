//! What somebody has to know who configures, assesses or compares systems: one page of everything that the build decided.
//!
//! [`gather`] makes a [`Report`] of a built system; [`page`] shows it, and [`diff`] says what is different in another. The page needs nothing
//! from elsewhere: pictures are drawn in it (`drawing.rs`), colours follow the reader's light or dark, and it prints.

#![forbid(unsafe_code)]

mod data;
mod diff;
mod drawing;
mod gather;
mod matrix;
mod page;
mod run;

pub use data::*;
pub use diff::{Change, diff};
pub use gather::gather;
pub use page::page;

use anyhow::{Context, Result, ensure};

/// Reads a report's JSON form.
///
/// # Errors
/// It is none, or one of another version.
pub fn read(text: &str) -> Result<Report> {
    let value: serde_json::Value = serde_json::from_str(text).with_context(|| {
        let what = match text.trim_start().starts_with('<') {
            true => "that is the page",
            false => "it is no JSON",
        };
        format!("{what}; make the data with `cargo cofferdam report SYSTEM --format json`")
    })?;
    let format = value.get("format").and_then(|format| format.as_str());
    ensure!(
        format == Some(FORMAT),
        "its `format` is {}, not `{FORMAT}`, so that it is of another version or no report; make it with `cargo cofferdam report SYSTEM --format json`",
        format.map_or("not there".to_owned(), |format| format!(
            "`{}`",
            format.escape_debug()
        )),
    );
    serde_json::from_value(value)
        .context("it has the format of a report, and is not one; make it with `cargo cofferdam report SYSTEM --format json`")
}
