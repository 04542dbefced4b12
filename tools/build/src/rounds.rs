//! Which crates cargo builds together, and for which partitions.
//!
//! A crate that is written for one partition has a binary of that name, and its module is `<partition>.rs`. One that serves any partition
//! has one binary of another name, and its module is `any/<package>.rs`: partitions that the file gives the same share what is built of it,
//! and for each that has something different it is built once more, in a round of its own.

use std::path::{Path, PathBuf};

use cofferdam_compile::Checked;
use cofferdam_compile::generate::{ANY, generate_any, module_of_any};
use cofferdam_target_build::TargetBuild;

use crate::crates::Package;

/// The folder of the modules in that of a system.
pub const GENERATED: &str = "generated";

/// One run of cargo over crates of partitions.
#[derive(Debug)]
pub struct Round<'t> {
    /// What is built.
    pub build: TargetBuild<'t>,
    /// For whom.
    pub(crate) members: Vec<Member>,
}

/// A partition whose program a round builds.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its index.
    pub partition: usize,
    package: String,
    /// The root of the workspace that the package is of.
    workspace: PathBuf,
    /// Its module, if the package serves any partition.
    module: Option<String>,
    /// The files in C that are built into it.
    sources: Vec<PathBuf>,
}

impl Member {
    /// How the path of its module ends.
    pub fn module_path(&self, checked: &Checked) -> String {
        match self.module {
            Some(_) => format!("/{ANY}/{}.rs", self.package),
            None => {
                let name = &checked.system.partitions[self.partition].name;
                format!("/{name}.rs")
            }
        }
    }
}

/// The rounds in which the packages of these partitions are built, as few as there can be.
pub(crate) fn rounds(checked: &Checked, packages: Vec<(usize, Package)>) -> Vec<Vec<Member>> {
    let mut rounds: Vec<Vec<Member>> = Vec::new();
    for (partition, package) in packages {
        let member = Member {
            partition,
            module: (package.serves_any).then(|| module_of_any(checked, partition)),
            package: package.name,
            workspace: package.workspace,
            sources: sources(checked, partition),
        };
        let fits = |round: &&mut Vec<Member>| {
            // A run of cargo is over one workspace.
            if workspace(round) != Some(&member.workspace) {
                return false;
            }
            let mut same = round.iter().filter(|one| one.package == member.package);
            same.all(|one| one.module == member.module && one.sources == member.sources)
        };
        match rounds.iter_mut().find(fits) {
            Some(round) => round.push(member),
            None => rounds.push(vec![member]),
        }
    }
    rounds
}

/// The workspace that the packages of a round are of.
pub(crate) fn workspace(round: &[Member]) -> Option<&PathBuf> {
    round.first().map(|member| &member.workspace)
}

/// The files in C of a partition, which were there when the file was checked.
fn sources(checked: &Checked, partition: usize) -> Vec<PathBuf> {
    let sources = &checked.system.partitions[partition].sources;
    sources
        .iter()
        .filter_map(|path| checked.find_file(path))
        .collect()
}

/// Tells the build script of a member's package which files in C there are: a line each, beside the module.
fn list_sources(generated: &Path, member: &Member) -> std::io::Result<()> {
    if member.sources.is_empty() {
        return Ok(());
    }
    let path = generated
        .join(ANY)
        .join(format!("{}.sources", member.package));
    let lines: String = (member.sources.iter())
        .map(|source| format!("{}\n", source.display()))
        .collect();
    if std::fs::read_to_string(&path).ok().as_deref() != Some(lines.as_str()) {
        std::fs::write(path, lines)?;
    }
    Ok(())
}

/// Copies a module, if it is another one than is there: cargo builds again what is newer.
fn take(from: &Path, to: &Path) -> std::io::Result<()> {
    let text = std::fs::read(from)?;
    if std::fs::read(to).ok().as_ref() == Some(&text) {
        return Ok(());
    }
    std::fs::create_dir_all(to.parent().unwrap_or(to))?;
    std::fs::write(to, text)
}

/// The packages of a round, each once.
pub(crate) fn packages(round: &[Member]) -> Vec<String> {
    let mut packages: Vec<_> = round.iter().map(|one| one.package.clone()).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// Where the modules of the round with this number lie; writes those of crates that serve any partition, and takes those that lie with the
/// first round's.
pub(crate) fn generate(
    checked: &Checked,
    directory: &Path,
    number: usize,
    round: &[Member],
) -> std::io::Result<PathBuf> {
    let mut generated = directory.join(GENERATED);
    if number > 0 {
        generated = generated.join(format!("round-{}", number + 1));
    }
    for member in round {
        if member.module.is_none() && number > 0 {
            let name = &checked.system.partitions[member.partition].name;
            let module = format!("{name}.rs");
            take(
                &directory.join(GENERATED).join(&module),
                &generated.join(module),
            )?;
        }
        if let Some(module) = &member.module {
            generate_any(&generated, &member.package, module)?;
            list_sources(&generated, member)?;
        }
    }
    Ok(generated)
}
