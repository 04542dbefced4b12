//! The guest's first file system, as the kernel's own tool makes it from a list. Times and owners are fixed.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_files::store;

use crate::busybox::{BUSYBOX, Busybox, LINKS};
use crate::kbuild::DATE;
use crate::linux::{CROSS_COMPILE, GEN_INIT_CPIO};
use crate::{Place, WITH_LINES};

/// Our own programs in it, each of one file in C, and of the system calls in `call.h` if it has many.
const PROGRAMS: [&str; 5] = ["attack", "benchmark", "blocks", "drivers", "timebase"];

/// Makes it, and returns its path.
pub fn make(place: &Place, linux: &Path, busybox: &Busybox) -> Result<PathBuf> {
    let links = busybox.folder.join(LINKS);
    let links = fs::read_to_string(&links)
        .with_context(|| format!("{} cannot be read", links.display()))?;
    let list = list(&place.own("initramfs/list")?, &links);
    let work = tempfile::tempdir_in(&place.folder)?;
    let list_file = work.path().join("list");
    fs::write(&list_file, list)?;
    let symbols = work.path().join(WITH_LINES);
    fs::create_dir(&symbols)?;
    for name in PROGRAMS {
        let source = place.own.join(format!("programs/{name}.c"));
        let compiler = |program: &Path| compiler(&place.own, &source, program);
        output(compiler(&work.path().join(name)).arg("-s"))?;
        output(compiler(&symbols.join(name)).arg("-g"))?;
    }
    let program = work.path().join(GEN_INIT_CPIO);
    fs::copy(linux.join(GEN_INIT_CPIO), &program)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let archive = output(
        Command::new(&program)
            .args(["-t", DATE])
            .arg(&list_file)
            .env("INITRAMFS", place.own.join("initramfs"))
            .env("BUSYBOX", busybox.folder.join(BUSYBOX))
            .env("PROGRAMS", work.path()),
    )?;
    let plain = work.path().join("initramfs.cpio");
    fs::write(&plain, archive)?;
    let compressed = output(
        Command::new("gzip")
            .args(["--best", "--no-name", "--stdout"])
            .stdin(File::open(&plain)?),
    )?;
    let path = place.folder.join("initramfs.cpio.gz");
    store(&path, &compressed)?;
    for name in PROGRAMS {
        let program = fs::read(symbols.join(name))?;
        store(&place.folder.join(WITH_LINES).join(name), &program)?;
    }
    Ok(path)
}

/// Such a program has no library, and no floating point, which the processor has not. It lies where no other does, so that an
/// address tells who executes.
fn compiler(own: &Path, source: &Path, program: &Path) -> Command {
    let mut compiler = Command::new(format!("{CROSS_COMPILE}gcc"));
    // Sources have the names that those of partitions have.
    compiler.current_dir(own).arg(format!(
        "-ffile-prefix-map={}=/cofferdam/personalities/guest",
        own.display()
    ));
    compiler
        .args(["-O2", "-Wall", "-Werror", "-mcpu=8548", "-msoft-float"])
        .args([
            "-ffreestanding",
            "-nostdlib",
            "-static",
            "-Wl,--build-id=none,-Ttext-segment=0x60000000",
            "-o",
        ])
        .arg(program)
        .arg(source);
    compiler
}

/// The list, with busybox under all of its names.
fn list(own: &str, links: &str) -> String {
    let links = links
        .lines()
        .map(|link| format!("slink {link} /bin/{BUSYBOX} 0777 0 0\n"));
    [format!("{}\n", own.trim_end())]
        .into_iter()
        .chain(links)
        .collect()
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().display().to_string();
    let output = command.stderr(Stdio::piped()).output().with_context(|| {
        format!("{name} did not start: `cargo xtask doctor` shows what is missing")
    })?;
    ensure!(
        output.status.success(),
        "{name}, which makes the guest's first file system, failed; `cargo xtask doctor` shows what is missing: {}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(output.stdout)
}
