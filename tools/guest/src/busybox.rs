//! The guest's userland: busybox, one static program under many names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam_progress::logged;
use cofferdam_setup::Found;

use crate::stage::Stage;
use crate::{Place, debian, kbuild};

/// The program.
pub const BUSYBOX: &str = "busybox";
/// The names under which it is called, a path on each line.
pub const LINKS: &str = "busybox.links";

/// What was built.
pub struct Busybox {
    /// Where the results lie.
    pub folder: PathBuf,
    /// The version of Debian's source package.
    pub version: String,
}

/// Fetches its source, if that is not here, and builds it.
pub fn build(place: &Place, compiler: &Found) -> Result<Busybox> {
    let configuration = place.own("busybox.config")?;
    let source = debian::source("busybox", &place.folder, &place.log())?;
    let stage = Stage::new(
        place.folder.join("busybox"),
        format!(
            "busybox {}\n{}\n{configuration}",
            source.version, compiler.version
        ),
    );
    if !stage.is_done(&[BUSYBOX, LINKS]) {
        stage.begin()?;
        compile(place, &stage, &source, &configuration)?;
        stage.finish()?;
    }
    Ok(Busybox {
        folder: stage.folder,
        version: source.version,
    })
}

fn compile(
    place: &Place,
    stage: &Stage,
    source: &debian::Source,
    configuration: &str,
) -> Result<()> {
    let log = place.log();
    let work = stage.work();
    let unpacked = work.join("source");
    source.unpack(&unpacked, &log)?;
    let build = work.join("build");
    fs::create_dir_all(&build)?;
    configure(&unpacked, &build, configuration, &log)?;
    kbuild::build(
        "building busybox",
        &mut kbuild::make(&unpacked, &build),
        &[BUSYBOX, LINKS],
        &log,
    )?;
    stage.keep(&build.join(BUSYBOX), BUSYBOX)?;
    stage.keep(&build.join(LINKS), LINKS)
}

/// This form of the build system takes no fragment: all options off, then those of ours on, then the rest of what they make
/// possible as it is by default.
fn configure(source: &Path, build: &Path, wanted: &str, log: &Path) -> Result<()> {
    let mut nothing = kbuild::make(source, build);
    nothing.arg("allnoconfig");
    logged("preparing busybox", &mut nothing, log, str::to_owned)?;
    let file = build.join(".config");
    let all =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    fs::write(&file, changed(&all, wanted))?;
    // The answer to each question is to be the default one, and is asked for on the standard input.
    let answers = build.join("answers");
    fs::write(&answers, "\n".repeat(10_000))?;
    let mut ask = kbuild::make(source, build);
    ask.arg("oldconfig").stdin(File::open(&answers)?);
    logged("configuring busybox", &mut ask, log, str::to_owned)?;
    kbuild::survived(wanted, &file)
}

/// The configuration `all`, with the settings of `wanted` in place of its own.
fn changed(all: &str, wanted: &str) -> String {
    let settings: Vec<_> = kbuild::settings(wanted).collect();
    let replaced = |line: &str| {
        let option = kbuild::option_of(line);
        option.is_some()
            && settings
                .iter()
                .any(|wanted| kbuild::option_of(wanted) == option)
    };
    let kept = all.lines().filter(|line| !replaced(line));
    kept.chain(settings.iter().copied())
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn settings_take_the_place_of_others() {
        let all = "# all\nCONFIG_A=n\n# CONFIG_B is not set\nCONFIG_BC=1\n";
        assert_eq!(
            changed(all, "# ours\nCONFIG_B=y\n# CONFIG_A is not set\n"),
            "# all\nCONFIG_BC=1\nCONFIG_B=y\n# CONFIG_A is not set\n"
        );
    }
}
