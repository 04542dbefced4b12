//! `cargo cofferdam new`.

use std::path::Path;

use anyhow::Result;
use cofferdam_build::new_partition;
use cofferdam_progress::{print_result, say};

/// Makes the crate of a partition, and prints its lines for `system.toml`.
pub fn new(root: &Path, name: &str) -> Result<()> {
    let made = new_partition(root, name)?;
    for file in made.files {
        say!("wrote {}", file.display());
    }
    say!("\nThese lines make it a partition of a system, in its system.toml:\n");
    Ok(print_result(made.lines.trim_end())?)
}
