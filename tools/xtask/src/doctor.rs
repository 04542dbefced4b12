//! `cargo xtask doctor`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};
use cofferdam_progress::print_result;

use crate::space;
use crate::workspace::NEEDED;

/// Prints what was found and what is missing. Fails if something is missing that building and running need.
pub fn run(root: &Path) -> Result<()> {
    let mut missing = 0;
    let mut text = String::new();
    for requirement in cofferdam_setup::ALL {
        let needed = NEEDED.contains(&requirement);
        let title = requirement.title();
        match requirement.examine(root) {
            Ok(found) => {
                writeln!(text, " ok  {title}: {}", found.version)?;
                writeln!(text, "     {}", found.path.display())?;
            }
            Err(lack) => {
                let verdict = if needed { "MISS" } else { "  - " };
                writeln!(text, "{verdict} {title}: {}", lack.why)?;
                writeln!(text, "     to mend it: {}", lack.remedy.by_hand())?;
                if !needed {
                    writeln!(text, "     not needed to build, run and test")?;
                }
                missing += usize::from(needed);
            }
        }
    }
    match space::examine(root) {
        Ok(found) => writeln!(text, " ok  room on the disk: {found}")?,
        Err(lack) => {
            writeln!(text, "MISS room on the disk: {lack}")?;
            missing += 1;
        }
    }
    print_result(text.trim_end())?;
    match missing {
        0 => Ok(()),
        _ => bail!("{missing} missing; `cargo xtask setup` installs what can be installed"),
    }
}
