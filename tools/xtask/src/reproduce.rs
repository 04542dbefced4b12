//! Two builds of one tree in different folders give identical images, and a workspace beside the tree builds with it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Kernel, Tree, locate, new_partition, store};
use cofferdam_run::command::built;
use tempfile::TempDir;

use crate::machines::Systems;
use crate::parts::Tally;

/// A folder whose name is as unlike the tree's as can be.
const ELSEWHERE: &str = "cofferdam/elsewhere/a folder with blanks, and a much longer name";

/// The example of a workspace beside the tree.
const EXAMPLE: &str = "docs/examples/outside";

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
        // Linux is not built a second time: it is no source of this tree.
        guests: tree.guests.clone(),
        consent: tree.consent,
        kernels_have: tree.kernels_have,
    };
    let mut tally = Tally::default();
    for (name, here) in systems.iter() {
        let there = built(other.build(&locate(&other.root, &folder_of(&other, name))?))?;
        for kernel in Kernel::ALL {
            let what = format!("{name}, {} kernel", kernel.name());
            let compare = || -> Result<()> {
                ensure!(
                    here.image(kernel) == there.image(kernel),
                    "the images differ"
                );
                Ok(())
            };
            tally.count(&what, compare());
        }
    }
    tally.count("a new partition builds and runs", newcomer(&other, systems));
    fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    Ok(tally)
}

/// What `cargo cofferdam new` makes, put into a copy of `flight`'s file as its own lines say, builds and runs, and what it
/// says comes to the terminal.
fn newcomer(tree: &Tree, systems: &Systems) -> Result<()> {
    const NAME: &str = "newcomer";
    const LAST_WINDOW: &str = r#"{ at = "8ms", length = "2ms","#;
    const SHORTER: &str = r#"{ at = "8ms", length = "1ms","#;
    const OWN: &str =
        r#"  { at = "9ms", length = "1ms", group = ["newcomer"], release = ["newcomer"] },"#;
    let made = new_partition(&tree.root, NAME)?;
    let flight = fs::read_to_string(tree.root.join("systems/flight/system.toml"))?;
    let mut text = String::new();
    let mut gave_time = false;
    for line in flight.lines() {
        text += &line.replace(LAST_WINDOW, SHORTER);
        text += "\n";
        if line.contains(LAST_WINDOW) {
            text += OWN;
            text += "\n";
            gave_time = true;
        }
    }
    ensure!(
        gave_time,
        "the last window of flight has changed: mend this test"
    );
    text += &made.lines;
    let file = tree.root.join("systems").join(NAME).join("system.toml");
    store(&file, text.as_bytes())?;
    let outcome = systems.run(&built(tree.build(&file))?, 1100)?;
    let reasons = outcome.report.reasons;
    ensure!(reasons.is_empty(), "{}", reasons.join("; "));
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains("[newcome] release 100"),
        "the console does not show what it says:\n{text}"
    );
    Ok(())
}

fn folder_of(tree: &Tree, system: &str) -> String {
    tree.root.join("systems").join(system).display().to_string()
}

/// The example of a workspace beside the tree: its partition, its guest and its system build and run from another folder.
pub fn outside(tree: &Tree, systems: &Systems) -> Result<Tally> {
    let folder = example(tree)?;
    let build = || -> Result<()> {
        let system = folder.path().display().to_string();
        let outcome = systems.run(&built(tree.build(&locate(&tree.root, &system)?))?, 300)?;
        let reasons = outcome.report.reasons;
        ensure!(reasons.is_empty(), "{}", reasons.join("; "));
        let text = String::from_utf8_lossy(&outcome.serial);
        for line in [
            "[guest  ] a guest of my own is here",
            "[pump   ] pumped 20 times",
        ] {
            ensure!(text.contains(line), "{line} is not on the console:\n{text}");
        }
        Ok(())
    };
    let mut tally = Tally::default();
    tally.count("a unit of its own builds and runs", build());
    Ok(tally)
}

/// The command as it is installed, started in the folder of the example, which is no part of the tree: it was built from that, and finds it again.
pub fn installed(tree: &Tree) -> Result<Tally> {
    let folder = example(tree)?;
    let mut tally = Tally::default();
    tally.count(
        "it checks, runs and proves a unit outside of the tree",
        install_and_use(tree, folder.path()),
    );
    Ok(tally)
}

/// The example with a link to the tree, as its users would have it.
fn example(tree: &Tree) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    copy_sources(&tree.root.join(EXAMPLE), folder.path())?;
    std::os::unix::fs::symlink(&tree.root, folder.path().join("cofferdam"))?;
    Ok(folder)
}

fn install_and_use(tree: &Tree, folder: &Path) -> Result<()> {
    let place = tempfile::tempdir()?;
    let mut install = tree.toolchain.cargo();
    install
        .args(["install", "--debug", "--offline", "--locked", "--quiet"])
        .arg("--path")
        .arg(tree.root.join("tools/cofferdam"))
        .arg("--root")
        .arg(place.path())
        // What it takes has been built there.
        .env("CARGO_TARGET_DIR", &tree.target);
    let said = install.output().context("cargo did not start")?;
    ensure!(
        said.status.success(),
        "it is not installed:\n{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let run = ["run", ".", "--for", "500ms", "--icount", "--json"];
    for (arguments, part) in [
        (&["check", "."][..], "unit: the file obeys every rule"),
        (&run[..], "\"ok\":true"),
        (&["prove", "."][..], "statements hold"),
    ] {
        let mut command = Command::new(place.path().join("bin/cofferdam"));
        command
            .args(arguments)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &tree.target)
            .env_remove("COFFERDAM_ROOT")
            .stdin(Stdio::null());
        let said = command
            .output()
            .context("what was installed did not start")?;
        let out = String::from_utf8_lossy(&said.stdout);
        ensure!(
            said.status.success() && out.contains(part),
            "`cofferdam {}`: {out}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&said.stderr)
        );
    }
    Ok(())
}

/// Copies everything but what was made from it. Copies are as old as what they are of.
pub fn copy_sources(from: &Path, to: &Path) -> Result<()> {
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
            let age = entry.metadata()?.modified()?;
            fs::File::options()
                .write(true)
                .open(&target)?
                .set_modified(age)?;
        }
    }
    Ok(())
}
