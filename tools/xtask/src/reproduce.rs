//! Two builds of one tree in different folders give identical images.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Kernel, Tree, locate};
use cofferdam_run::command::built;

use crate::machines::Systems;
use crate::parts::Tally;

/// A folder whose name is as unlike the tree's as can be.
const ELSEWHERE: &str = "cofferdam/elsewhere/a folder with blanks, and a much longer name";

/// Copies the sources to another folder, builds every system there, and compares with what was built here.
pub fn elsewhere(tree: &Tree, systems: &Systems) -> Result<Tally> {
    let folder = tree.target.join(ELSEWHERE);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    }
    copy_sources(&tree.root, &folder)?;
    let other = Tree {
        root: folder.clone(),
        toolchain: tree.toolchain.clone(),
        target: folder.join("target"),
    };
    let mut tally = Tally::default();
    for (name, here) in systems.iter() {
        let there = built(other.build(&locate(&other.root, &folder_of(&other, name))?))?;
        for kernel in Kernel::ALL {
            let what = format!("{name}, {} kernel", kernel.name());
            let compare = || -> Result<()> {
                let one = fs::read(here.image(kernel))?;
                let two = fs::read(there.image(kernel))?;
                ensure!(one == two, "the images differ");
                Ok(())
            };
            tally.count(&what, compare());
        }
    }
    fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    Ok(tally)
}

fn folder_of(tree: &Tree, system: &str) -> String {
    tree.root.join("systems").join(system).display().to_string()
}

/// Copies everything but what was made from it.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let entries =
        fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy_sources(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("{} cannot be copied", entry.path().display()))?;
        }
    }
    Ok(())
}
