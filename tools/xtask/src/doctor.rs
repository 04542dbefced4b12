//! `cargo xtask doctor`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::workspace::NEEDED;

/// Prints what was found and what is missing. Fails if something is missing that building and running need.
pub fn run(root: &Path) -> Result<()> {
    let mut missing = 0;
    for requirement in cofferdam_setup::ALL {
        let needed = NEEDED.contains(&requirement);
        match requirement.examine(root) {
            Ok(found) => {
                println!(" ok  {}: {}", requirement.title(), found.version);
                println!("     {}", found.path.display());
            }
            Err(lack) => {
                println!(
                    "{} {}: {}",
                    if needed { "MISS" } else { "  - " },
                    requirement.title(),
                    lack.why
                );
                println!("     to mend it: {}", lack.remedy.by_hand());
                if !needed {
                    println!("     not needed to build, run and test");
                }
                missing += usize::from(needed);
            }
        }
    }
    match missing {
        0 => Ok(()),
        _ => bail!("{missing} missing; `cargo xtask setup` installs what can be installed"),
    }
}
