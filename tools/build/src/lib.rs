//! Builds a system: `system.toml`, the crates of its partitions and the kernel in, images out.
//!
//! The order is that of `config/compile`: check the file, generate the partitions' ports, build the partitions and both
//! kernels with cargo, then compile the tables and pack. What comes out lies in `target/cofferdam/<system>`, or for a file
//! that is none of the tree's systems in a folder with a longer name (`directory`):
//!
//! | file | what it is |
//! |---|---|
//! | `image-release.elf`, `image-trace.elf` | what boots, one for each kernel |
//! | `plan.json` | everything that the compiler chose |
//! | `programs/<partition>.elf`, `programs/kernel-<kernel>.elf` | what went into the images, with symbols |
//! | `generated/<partition>.rs` | the ports as code |
//! | `guest-<partition>.sites.json` | what was done to the kernel of the partition's guest, if that was rewritten |
//!
//! They are written when all of them are made, each beside its place and then renamed: a build that fails changes none of them, and
//! nothing half written is ever found there. Every build looks at everything again, so that one which was stopped in the middle costs
//! nothing but time. What is run is the image that this build made, not what lies in the folder by then: a run does not
//! mind another build.

#![forbid(unsafe_code)]

mod crates;
mod directory;
mod guests;
mod locate;
mod rounds;
mod template;
mod types;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam_check::programs::{self, Fault};
use cofferdam_compile::Checked;
use cofferdam_compile::guest::Content;
use cofferdam_files::alone;
use cofferdam_guest::one_file;
use cofferdam_model::{Diagnostic, Diagnostics, Partition, Program, Spanned};
use cofferdam_paravirtualise::Rewritten;
use cofferdam_setup::{Consent, OF_LINUX_GUEST, Requirement, Toolchain};
use cofferdam_target_build::{Action, Executable, TargetBuild, target_directory};

use crates::Crates;

pub use cofferdam_compile::plan::RegionPlan;
pub use cofferdam_compile::{FunctionPlan, Plan};
pub use cofferdam_files::store;
pub use directory::{directory_in, directory_of};
pub use locate::{Place, locate, root, systems};
pub use rounds::Round;
pub use template::{NewPartition, new_partition};

/// What a system needs of its kernel besides what every system does. The kernel has no part that the system does not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// There are guests.
    pub guests: bool,
    /// There are devices on the bus.
    pub bus: bool,
}

impl Needs {
    /// What this system needs.
    pub fn of(checked: &Checked) -> Self {
        let on_bus = |name: &Spanned<String>| {
            let device = checked.board.device(name);
            device.is_some_and(|device| device.function.is_some())
        };
        let mut partitions = checked.system.partitions.iter();
        Self {
            guests: partitions.clone().any(|one| one.guest.is_some()),
            bus: partitions.any(|one| one.devices.iter().any(on_bus)),
        }
    }

    /// What either needs.
    pub const fn with(self, other: Self) -> Self {
        Self {
            guests: self.guests || other.guests,
            bus: self.bus || other.bus,
        }
    }

    /// What the kernel is called that has it.
    pub const fn name(self) -> &'static str {
        match (self.guests, self.bus) {
            (false, false) => "plain",
            (true, false) => "guests",
            (false, true) => "bus",
            (true, true) => "guests+bus",
        }
    }
}

/// One of the two kernels. They are the same for every system that needs the same of them.
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
    /// Where the guest lies that is built from its sources.
    pub guests: PathBuf,
    /// Whether what that takes may be installed.
    pub consent: Consent,
    /// What each kernel has in any case, beside what its system needs. It is nothing but where the larger kernels are tested.
    pub kernels_have: Needs,
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
    /// What lies in the memory of each guest when it starts, by the name of its partition.
    pub guests: Vec<(String, Content)>,
    /// What was done to the kernels of guests, for those that were rewritten.
    pub rewritten: Vec<(String, Rewritten)>,
    /// What its kernels have.
    pub kernels_have: Needs,
    /// The image with each kernel.
    images: [Vec<u8>; Kernel::ALL.len()],
}

impl Built {
    /// The image with this kernel.
    pub fn image(&self, kernel: Kernel) -> &[u8] {
        &self.images[kernel as usize]
    }

    /// Where it was put.
    pub fn image_path(&self, kernel: Kernel) -> PathBuf {
        self.directory.join(image_name(kernel))
    }
}

/// What comes of the guests of a system, each by the name of its partition.
#[derive(Default)]
pub struct Guests {
    /// What lies in their memory.
    pub contents: Vec<(String, Content)>,
    /// What was done to their kernels, of those that were rewritten.
    pub rewritten: Vec<(String, Rewritten)>,
    /// What somebody should know.
    pub warnings: Vec<Diagnostic>,
}

fn sites_name(partition: &str) -> String {
    format!("guest-{partition}.sites.json")
}

fn image_name(kernel: Kernel) -> String {
    format!("image-{}.elf", kernel.name())
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

/// Reads and checks a system's file.
pub fn check(file: &Path) -> Result<Checked, Failure> {
    Ok(cofferdam_compile::load(file)?)
}

impl Tree {
    /// The tree at `root`, built where cargo builds it, with what it takes installed as `consent` allows.
    pub fn new(root: &Path, toolchain: &Toolchain, consent: Consent) -> Self {
        Self {
            root: root.to_path_buf(),
            toolchain: toolchain.clone(),
            target: target_directory(root),
            guests: target_directory(root),
            consent,
            kernels_have: Needs::default(),
        }
    }

    /// Reads and checks a system's file, and finds out where its guests begin.
    pub fn check(&self, file: &Path) -> Result<Checked, Failure> {
        let mut checked = check(file)?;
        let partitions = &checked.system.partitions;
        let guests = || partitions.iter().filter_map(|one| one.guest.as_ref());
        let is_source = |kernel: &Spanned<String>| one_file::is_source(Path::new(&kernel.value));
        let firmware = guests().any(|guest| guest.firmware.is_some());
        let source = guests().any(|guest| guest.kernel.as_ref().is_some_and(is_source));
        let in_c = partitions.iter().any(|one| !one.sources.is_empty());
        for (needed, requirement) in [
            (firmware, Requirement::UBoot),
            (source || in_c, Requirement::CrossCompiler),
        ] {
            if needed {
                cofferdam_setup::provide(&self.root, &self.target, &[requirement], self.consent)?;
            }
        }
        checked.guest_entries = guests::entries(&checked);
        Ok(checked)
    }

    /// Builds the system that `file` describes.
    pub fn build(&self, file: &Path) -> Result<Built, Failure> {
        let checked = self.check(file)?;
        let directory = directory_in(&self.target, &self.root, file, &checked.system.name);
        // cargo puts the kernel `release` and the kernel `trace` at one path, and a crate that two systems use as well: what it
        // built there is ours only until somebody else builds.
        let _alone = alone(&self.target.join("cofferdam"))?;
        let programs = self.programs(&checked, &directory)?;
        let Guests {
            contents: guests,
            rewritten,
            warnings,
        } = self.guests(&checked)?;
        let of_guests = Diagnostics::new(checked.warnings.sources.clone(), warnings);
        let needs = Needs::of(&checked).with(self.kernels_have);
        let compile = |kernel| -> Result<_, Failure> {
            let elf = self.kernel(kernel, needs)?;
            let image = cofferdam_compile::compile(&checked, &elf, &programs, &guests)?;
            Ok((elf, image))
        };
        // The plan is the same with both: the kernel's place is fixed.
        let [(release_elf, release), (trace_elf, trace)] =
            [compile(Kernel::Release)?, compile(Kernel::Trace)?];
        let plan = serde_json::to_vec_pretty(&release.plan).context("the plan is no JSON")?;
        let mut files: Vec<(String, &[u8])> = vec![("plan.json".to_owned(), &plan)];
        for (name, elf) in &programs {
            files.push((format!("programs/{name}.elf"), elf));
        }
        for (kernel, elf, image) in [
            (Kernel::Release, &release_elf, &release),
            (Kernel::Trace, &trace_elf, &trace),
        ] {
            files.push((format!("programs/kernel-{}.elf", kernel.name()), elf));
            files.push((image_name(kernel), &image.bytes));
        }
        let lists: Vec<_> = rewritten
            .iter()
            .map(|(name, list)| Ok((sites_name(name), serde_json::to_vec_pretty(list)?)))
            .collect::<Result<_>>()?;
        files.extend(lists.iter().map(|(name, list)| (name.clone(), &list[..])));
        for (name, content) in files {
            store(&directory.join(name), content)?;
        }
        // A list of an earlier build says nothing of a kernel that is not rewritten any more.
        for partition in &checked.system.partitions {
            let name = &partition.name.value;
            if !rewritten.iter().any(|(one, _)| one == name) {
                remove(&directory.join(sites_name(name)))?;
            }
        }
        Ok(Built {
            warnings: vec![checked.warnings.clone(), of_guests, release.warnings],
            checked,
            plan: release.plan,
            directory,
            guests,
            rewritten,
            kernels_have: needs,
            images: [release.bytes, trace.bytes],
        })
    }

    /// What is done to the kernels of the guests of the system that `file` describes.
    pub fn rewritten(&self, file: &Path) -> Result<Vec<(String, Rewritten)>, Failure> {
        Ok(self.guests(&check(file)?)?.rewritten)
    }

    /// What lies in the memory of each guest of a system if no kernel is rewritten.
    pub fn guests_as_they_are(&self, checked: &Checked) -> Result<Vec<(String, Content)>, Failure> {
        let mut checked = checked.clone();
        for partition in &mut checked.system.partitions {
            if let Some(guest) = &mut partition.guest {
                guest.rewrite = Some(Spanned::new(false, guest.span));
            }
        }
        Ok(self.guests(&checked)?.contents)
    }

    /// What lies in the memory of each guest, by the name of its partition, and what was done to the kernels that were rewritten. A guest
    /// without a kernel of its own has the one that is built.
    pub fn guests(&self, checked: &Checked) -> Result<Guests, Failure> {
        let mut guests = checked
            .system
            .partitions
            .iter()
            .filter_map(|one| one.guest.as_ref());
        let built = if guests.any(cofferdam_model::Guest::is_built) {
            cofferdam_setup::provide(&self.root, &self.target, &OF_LINUX_GUEST, self.consent)?;
            Some(cofferdam_guest::build(&self.root, &self.guests)?)
        } else {
            None
        };
        let mut all = Guests::default();
        for (name, prepared) in guests::prepared(checked, built.as_ref())? {
            let list = prepared.rewritten.map(|list| (name.clone(), list));
            all.rewritten.extend(list);
            all.contents.push((name, prepared.content));
            all.warnings.extend(prepared.warning);
        }
        Ok(all)
    }

    /// The kernel's ELF. It has nothing in it that the system does not need.
    pub fn kernel(&self, kernel: Kernel, needs: Needs) -> Result<Vec<u8>> {
        const PACKAGE: &str = "cofferdam-image";
        let trace = (kernel == Kernel::Trace).then(|| format!("{PACKAGE}/trace"));
        let guests = needs.guests.then(|| format!("{PACKAGE}/guests"));
        let bus = needs.bus.then(|| format!("{PACKAGE}/bus"));
        let features = trace.into_iter().chain(guests).chain(bus).collect();
        // What a guest does often goes through the kernel, whose size matters less there (docs/linux-performance.md).
        let speed = needs
            .guests
            .then(|| ("CARGO_PROFILE_RELEASE_OPT_LEVEL".to_owned(), "3".into()));
        let environment = speed.into_iter().collect();
        let build = self.target_build(vec![PACKAGE.to_owned()], features, environment);
        let what = format!("building the kernel ({})", kernel.name());
        let executables = build.run(Action::Build, &what)?;
        let executable = executables
            .first()
            .with_context(|| format!("cargo built no executable of {PACKAGE}"))?;
        read(&executable.path)
    }

    /// The ELF of each partition, by its name, in the order of the partitions.
    fn programs(
        &self,
        checked: &Checked,
        directory: &Path,
    ) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let mut programs = HashMap::new();
        let mut wrong = Vec::new();
        for round in self.partitions(checked, directory)? {
            let what = format!("building the partitions of {}", checked.system.name);
            let mut of_file = Vec::new();
            let built = round.build.run_without(Action::Build, &what, |message| {
                let found = types::of_file(checked, &round.members, message);
                let explained = found.is_some();
                of_file.extend(found);
                explained
            });
            if !of_file.is_empty() {
                return Err(wrong_at(checked, of_file));
            }
            // Before the next round, which puts what it builds in the same place.
            let executables = built?;
            for member in &round.members {
                let partition = &checked.system.partitions[member.partition];
                match built_program(checked, partition, &executables) {
                    Ok(elf) => _ = programs.insert(partition.name.value.clone(), elf),
                    Err(fault) => wrong.push(programs::fault(partition, &fault)),
                }
            }
        }
        let (programs, unreadable) = for_each_partition(checked, |partition| {
            let name = &partition.name.value;
            let elf = match &partition.program {
                Some(Program::Image(_)) => Some(image(checked, partition)?),
                _ => programs.get(name).cloned(),
            };
            Ok(elf.map(|elf| (name.clone(), elf)))
        });
        wrong.extend(unreadable);
        if wrong.is_empty() {
            Ok(programs)
        } else {
            Err(wrong_at(checked, wrong))
        }
    }

    /// The builds of the crates of all partitions, in as few runs of cargo as there can be, with their ports generated. What was
    /// delivered is judged first, so that one run says what is wrong with crates and images.
    pub fn partitions(
        &self,
        checked: &Checked,
        directory: &Path,
    ) -> Result<Vec<Round<'_>>, Failure> {
        let crates = Crates::of(self)?;
        let (packages, mut wrong) =
            for_each_partition(checked, |partition| match &partition.program {
                Some(Program::Crate(_)) => {
                    let (_, manifest) = program_file(checked, partition)?;
                    let package = crates.package(&manifest, &partition.name)?;
                    let index = checked.system.partition_index(&partition.name);
                    Ok(index.map(|index| (index, package)))
                }
                _ => Ok(None),
            });
        let (delivered, unreadable) =
            for_each_partition(checked, |partition| match &partition.program {
                Some(Program::Image(_)) => {
                    let elf = image(checked, partition)?;
                    Ok(Some((partition.name.value.clone(), elf)))
                }
                _ => Ok(None),
            });
        wrong.extend(unreadable);
        wrong.extend(programs::judge_delivered(checked, &delivered));
        if !wrong.is_empty() {
            return Err(wrong_at(checked, wrong));
        }
        let generated = directory.join(rounds::GENERATED);
        let unwritable = || format!("{} cannot be written", generated.display());
        cofferdam_compile::generate(checked, &generated).with_context(unwritable)?;
        let rounds = rounds::rounds(checked, packages).into_iter().enumerate();
        let builds = rounds.map(|(number, members)| {
            let modules =
                rounds::generate(checked, directory, number, &members).with_context(unwritable)?;
            let environment = vec![("COFFERDAM_GENERATED".to_owned(), modules.into())];
            let packages = rounds::packages(&members);
            let mut build = self.target_build(packages, Vec::new(), environment);
            if let Some(workspace) = rounds::workspace(&members) {
                build.workspace.clone_from(workspace);
            }
            Ok(Round { build, members })
        });
        builds.collect()
    }

    /// A build of some packages of the tree for the target.
    pub fn target_build(
        &self,
        packages: Vec<String>,
        features: Vec<String>,
        environment: Vec<(String, std::ffi::OsString)>,
    ) -> TargetBuild<'_> {
        TargetBuild {
            toolchain: &self.toolchain,
            root: &self.root,
            workspace: self.root.clone(),
            target: &self.target,
            packages,
            features,
            environment,
        }
    }
}

/// What is had of each partition that has it, and everything that is wrong, each at its place.
fn for_each_partition<T>(
    checked: &Checked,
    get: impl Fn(&Partition) -> Result<Option<T>, Fault>,
) -> (Vec<T>, Vec<Diagnostic>) {
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for partition in &checked.system.partitions {
        match get(partition) {
            Ok(one) => all.extend(one),
            Err(fault) => wrong.push(programs::fault(partition, &fault)),
        }
    }
    (all, wrong)
}

/// The failure of what is wrong with a file, each once.
fn wrong_at(checked: &Checked, wrong: Vec<Diagnostic>) -> Failure {
    let mut all = Diagnostics::new(checked.warnings.sources.clone(), wrong);
    let mut seen = HashSet::new();
    all.list.retain(|one| {
        let place = one.primary.as_ref().map(|label| label.span);
        seen.insert((place, one.message.clone()))
    });
    all.into()
}

/// Where a partition's program comes from: an image, or the manifest of a crate. It was there when the file was checked.
fn program_file<'c>(
    checked: &Checked,
    partition: &'c Partition,
) -> Result<(&'c Program, PathBuf), Fault> {
    let program = partition.program.as_ref();
    program
        .and_then(|program| Some((program, checked.find(program)?)))
        .ok_or_else(|| Fault::Unreadable(std::io::ErrorKind::NotFound.into()))
}

/// What a supplier delivered for a partition.
fn image(checked: &Checked, partition: &Partition) -> Result<Vec<u8>, Fault> {
    let (_, file) = program_file(checked, partition)?;
    std::fs::read(file).map_err(Fault::Unreadable)
}

/// What was built for a partition.
fn built_program(
    checked: &Checked,
    partition: &Partition,
    executables: &[Executable],
) -> Result<Vec<u8>, Fault> {
    let (_, manifest) = program_file(checked, partition)?;
    let path = program_of(executables, &manifest, &partition.name).ok_or(Fault::NoBinary)?;
    std::fs::read(path).map_err(Fault::Unreadable)
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

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}
