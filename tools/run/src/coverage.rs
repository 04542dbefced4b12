//! Keeps what the runs of this process execute of the kernel.
//!
//! Behind [`begin`], each run of the unmodified kernel `release` has the plugin of `tools/icount` with it, which leaves a
//! file of what was executed. The kernels themselves lie beside these, each once, under the name of what it has ([`cofferdam_build::Needs::name`]); a run's file
//! begins with the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use cofferdam_abi::space::kernel;
use cofferdam_build::{Built, store};
use cofferdam_qemu::Plugin;
use object::{Object, ObjectSegment};

use crate::Options;

/// The extension of a kernel's file.
pub const KERNEL: &str = "elf";
/// And of what one run executed of it: a line for each instruction.
pub const EXECUTED: &str = "executed";

/// So many instructions of a kernel may be other ones.
const FEW: usize = 3;

static COVERAGE: OnceLock<Coverage> = OnceLock::new();

struct Coverage {
    plugin: PathBuf,
    folder: PathBuf,
    runs: AtomicUsize,
}

/// From now on the runs of this process leave in `folder` what they execute.
///
/// # Errors
/// If they do already.
pub fn begin(plugin: &Path, folder: &Path) -> Result<()> {
    let coverage = Coverage {
        plugin: plugin.to_path_buf(),
        folder: folder.to_path_buf(),
        runs: AtomicUsize::new(0),
    };
    ensure!(COVERAGE.set(coverage).is_ok(), "it is kept already");
    Ok(())
}

/// The plugin for a run of `image`. `None`: the run has another, is of another kernel, or nothing is kept.
pub(crate) fn plugin(built: &Built, image: &[u8], options: &Options) -> Result<Option<Plugin>> {
    let coverage = COVERAGE.get().filter(|_| options.plugin.is_none());
    let Some(coverage) = coverage else {
        return Ok(None);
    };
    let name = built.kernels_have.name();
    let elf = built.directory.join("programs/kernel-release.elf");
    let elf = fs::read(&elf).with_context(|| format!("{} cannot be read", elf.display()))?;
    let own = text(&elf).context("the kernel has no text")?;
    // Tables that a test has damaged are no matter: it is the kernel that finds them so. Nor are a few instructions that are other ones on purpose, so
    // that the kernel fails: what is executed besides them is the kernel's own.
    let others = text(image).and_then(|text| text.get(..own.len()));
    let Some(others) = others
        .map(|text| differences(own, text))
        .filter(|all| all.len() <= FEW)
    else {
        return Ok(None);
    };
    let kept = coverage.folder.join(name).with_extension(KERNEL);
    match fs::read(&kept) {
        Ok(kept) => ensure!(
            kept == elf,
            "the kernel of {} is another than that of systems before",
            built.plan.system
        ),
        Err(_) => store(&kept, &elf)?,
    }
    let run = coverage.runs.fetch_add(1, Ordering::Relaxed);
    let out = coverage.folder.join(format!("{name}-{run:04}.{EXECUTED}"));
    let text = kernel::TEXT..kernel::TEXT + kernel::TEXT_SIZE;
    let covers = format!("{:x}-{:x}", text.start, text.end);
    let except = (others.iter()).map(|address| ("except".to_owned(), format!("{address:x}")));
    let arguments = [
        ("out".to_owned(), out.display().to_string()),
        ("covers".to_owned(), covers),
    ];
    Ok(Some(Plugin {
        library: coverage.plugin.clone(),
        arguments: arguments.into_iter().chain(except).collect(),
    }))
}

/// The addresses at which a kernel's text has another word than this one.
fn differences(own: &[u8], other: &[u8]) -> Vec<u32> {
    let words = own.chunks(4).zip(other.chunks(4)).zip(0..);
    let others = words.filter(|((own, other), _)| own != other);
    others.map(|(_, place)| kernel::TEXT + 4 * place).collect()
}

/// What an ELF has where the kernel's text begins.
fn text(elf: &[u8]) -> Option<&[u8]> {
    let file = object::File::parse(elf).ok()?;
    let mut segments = file.segments();
    let segment = segments.find(|segment| segment.address() == u64::from(kernel::TEXT))?;
    segment.data().ok()
}
