//! Builds a system: `system.toml`, the crates of its partitions and the kernel in, images out.
//!
//! The order is that of `config/compile`: check the file, generate the partitions' ports, build the partitions and both
//! kernels with cargo, then compile the tables and pack. What comes out lies in `target/cofferdam/<system>`:
//!
//! | file | what it is |
//! |---|---|
//! | `image-release.elf`, `image-trace.elf` | what boots, one for each kernel |
//! | `plan.json` | everything that the compiler chose |
//! | `programs/<partition>.elf`, `programs/kernel-<kernel>.elf` | what went into the images, with symbols |
//! | `generated/<partition>.rs` | the ports as code |
//!
//! Each file is written beside its place and then renamed, so that nothing half written is ever found there; and every build
//! looks at everything again, so that a build which was stopped in the middle costs nothing but time.

#![forbid(unsafe_code)]

mod locate;
mod store;
mod template;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam_compile::{Checked, Plan};
use cofferdam_model::{Diagnostics, Program};
use cofferdam_setup::Toolchain;
use cofferdam_target_build::{Action, Executable, TargetBuild, target_directory};

pub use locate::{Place, locate, root, systems};
pub use store::store;
pub use template::{NewPartition, new_partition};

/// One of the two kernels. They are the same for every system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// As it flies.
    Release,
    /// Keeps a trace of events as well.
    Trace,
}

impl Kernel {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Release, Self::Trace];

    /// Its name in files and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Trace => "trace",
        }
    }
}

/// The source tree and the compiler for it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its root.
    pub root: PathBuf,
    /// The compiler.
    pub toolchain: Toolchain,
    /// Where everything goes that is made from it.
    pub target: PathBuf,
}

/// A system that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// What its file says.
    pub checked: Checked,
    /// What the compiler chose.
    pub plan: Plan,
    /// What somebody should know.
    pub warnings: Vec<Diagnostics>,
    /// Where its files lie.
    pub directory: PathBuf,
}

impl Built {
    /// The image with this kernel.
    pub fn image(&self, kernel: Kernel) -> PathBuf {
        self.directory.join(format!("image-{}.elf", kernel.name()))
    }
}

/// Why a system was not built.
#[derive(Debug)]
pub enum Failure {
    /// Its file or its programs are wrong.
    Wrong(Box<Diagnostics>),
    /// Something else went wrong.
    Other(anyhow::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(diagnostics) => write!(f, "{diagnostics}"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Wrong(Box::new(diagnostics))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Where the files of a system of the tree at `root` go.
pub fn directory(root: &Path, system: &str) -> PathBuf {
    folder(&target_directory(root), system)
}

fn folder(target: &Path, system: &str) -> PathBuf {
    target.join("cofferdam").join(system)
}

/// Reads and checks a system's file.
pub fn check(file: &Path) -> Result<Checked, Failure> {
    Ok(cofferdam_compile::load(file)?)
}

impl Tree {
    /// The tree at `root`, built where cargo builds it.
    pub fn new(root: &Path, toolchain: &Toolchain) -> Self {
        Self {
            root: root.to_path_buf(),
            toolchain: toolchain.clone(),
            target: target_directory(root),
        }
    }

    /// Builds the system that `file` describes.
    pub fn build(&self, file: &Path) -> Result<Built, Failure> {
        let checked = check(file)?;
        let directory = folder(&self.target, &checked.system.name);
        let programs = self.programs(&checked)?;
        for (name, elf) in &programs {
            store(&directory.join(format!("programs/{name}.elf")), elf)?;
        }
        let mut built = None;
        for kernel in Kernel::ALL {
            let elf = self.kernel(kernel)?;
            let image = cofferdam_compile::compile(&checked, &elf, &programs)?;
            let kernel = kernel.name();
            let symbols = format!("programs/kernel-{kernel}.elf");
            store(&directory.join(symbols), &elf)?;
            store(&directory.join(format!("image-{kernel}.elf")), &image.bytes)?;
            built = Some(image);
        }
        let image = built.context("there is no kernel")?;
        let plan = serde_json::to_vec_pretty(&image.plan).context("the plan is no JSON")?;
        store(&directory.join("plan.json"), &plan)?;
        Ok(Built {
            warnings: vec![checked.warnings.clone(), image.warnings],
            checked,
            plan: image.plan,
            directory,
        })
    }

    /// The kernel's ELF.
    pub fn kernel(&self, kernel: Kernel) -> Result<Vec<u8>> {
        const PACKAGE: &str = "cofferdam-image";
        let features = match kernel {
            Kernel::Release => Vec::new(),
            Kernel::Trace => vec![format!("{PACKAGE}/trace")],
        };
        let build = self.target_build(vec![PACKAGE.to_owned()], features, Vec::new());
        let what = format!("building the kernel ({})", kernel.name());
        let executables = build.run(Action::Build, &what)?;
        let executable = executables
            .first()
            .with_context(|| format!("cargo built no executable of {PACKAGE}"))?;
        read(&executable.path)
    }

    /// The ELF of each partition, by its name, in the order of the partitions.
    fn programs(&self, checked: &Checked) -> Result<Vec<(String, Vec<u8>)>> {
        let executables = match self.partitions(checked)? {
            None => Vec::new(),
            Some(build) => build.run(
                Action::Build,
                &format!("building the partitions of {}", checked.system.name),
            )?,
        };
        let mut programs = Vec::new();
        for partition in &checked.system.partitions {
            let path = match &partition.program {
                Some(Program::Crate(path)) => {
                    let manifest = manifest(checked, path)?;
                    program_of(&executables, &manifest, &partition.name)
                        .with_context(|| {
                            format!(
                                "the crate {} has no binary for partition {}: it needs a src/main.rs, or a src/bin/{}.rs",
                                path.value, partition.name, partition.name
                            )
                        })?
                }
                Some(Program::Image(path)) => checked
                    .find(path)
                    .with_context(|| format!("{} is not there", path.value))?,
                None => continue,
            };
            programs.push((partition.name.value.clone(), read(&path)?));
        }
        Ok(programs)
    }

    /// The build of the crates of all partitions, in one run of cargo, with their ports generated. `None` if none is built.
    pub fn partitions(&self, checked: &Checked) -> Result<Option<TargetBuild<'_>>> {
        let generated = folder(&self.target, &checked.system.name).join("generated");
        cofferdam_compile::generate(checked, &generated)
            .with_context(|| format!("{} cannot be written", generated.display()))?;
        let mut packages = Vec::new();
        for partition in &checked.system.partitions {
            if let Some(Program::Crate(path)) = &partition.program {
                packages.push(locate::package_name(&manifest(checked, path)?)?);
            }
        }
        let environment = vec![("COFFERDAM_GENERATED".to_owned(), generated.into())];
        let build = self.target_build(packages, Vec::new(), environment);
        Ok((!build.packages.is_empty()).then_some(build))
    }

    /// A build of some packages for the target.
    pub fn target_build(
        &self,
        packages: Vec<String>,
        features: Vec<String>,
        environment: Vec<(String, std::ffi::OsString)>,
    ) -> TargetBuild<'_> {
        TargetBuild {
            toolchain: &self.toolchain,
            root: &self.root,
            target: &self.target,
            packages,
            features,
            environment,
        }
    }
}

fn manifest(checked: &Checked, path: &str) -> Result<PathBuf> {
    let folder = checked
        .find(path)
        .with_context(|| format!("there is no {path}"))?;
    Ok(folder.join("Cargo.toml"))
}

/// Of a package with several binaries, a partition's is the one with its name.
fn program_of(executables: &[Executable], manifest: &Path, partition: &str) -> Option<PathBuf> {
    let of_package: Vec<_> = executables
        .iter()
        .filter(|one| same_file(&one.manifest, manifest))
        .collect();
    let found = match of_package.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|one| one.name == partition),
    };
    found.map(|one| one.path.clone())
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
