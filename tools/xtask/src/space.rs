//! Room on the disk: tests that run out of it fail by the dozen, each for a reason of its own.

use std::path::Path;

use anyhow::{Context, Result, ensure};

const GIB: u64 = 1 << 30;
/// What a whole `cargo xtask test` writes into `target` where nothing is built, guests' kernels included; and what it takes where all of it is there.
const NEEDED_GIB: [u64; 2] = [16, 4];

/// How much is free where the tree is built, in words. Fails if a whole test may not find the room that it takes.
pub fn examine(root: &Path) -> Result<String> {
    let free = rustix::fs::statvfs(root)
        .map(|of| of.f_bavail.saturating_mul(of.f_frsize))
        .context("how much room the disk has cannot be asked")?;
    judge(free, root.join("target/cofferdam").exists())
}

fn judge(free: u64, was_built: bool) -> Result<String> {
    let free_gib = free / GIB;
    let needed_gib = NEEDED_GIB[usize::from(was_built)];
    ensure!(
        free_gib >= needed_gib,
        "{free_gib} GiB are free where the tree is, and a whole test takes {needed_gib}: make room; what is built in `target` may go at any time"
    );
    Ok(format!("{free_gib} GiB are free"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_was_never_built_takes_more_room() {
        assert_eq!(judge(7 * GIB, true).unwrap(), "7 GiB are free");
        let why = judge(7 * GIB, false).unwrap_err().to_string();
        assert!(
            why.starts_with(
                "7 GiB are free where the tree is, and a whole test takes 16: make room"
            )
        );
        assert!(judge(4 * GIB - 1, true).is_err());
        assert!(examine(Path::new(env!("CARGO_MANIFEST_DIR"))).is_ok());
    }
}
