//! The guest's kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use cofferdam_progress::logged;
use cofferdam_setup::Found;

use crate::stage::{Stage, whole};
use crate::{Place, kbuild};

/// The ELF file.
pub const VMLINUX: &str = "vmlinux";
/// The image as it lies in memory.
pub const IMAGE: &str = "linux.bin";
/// The image for QEMU's boot loader.
pub const UIMAGE: &str = "uImage";
/// The kernel's own program that makes an initramfs from a list.
pub const GEN_INIT_CPIO: &str = "gen_init_cpio";

/// How the names of the compiler and its tools begin.
pub const CROSS_COMPILE: &str = "powerpc-linux-gnu-";

/// Builds it, and returns the folder with the results.
pub fn build(place: &Place, source: &Found, compiler: &Found) -> Result<PathBuf> {
    let configuration = place.own("linux.config")?;
    let stage = Stage::new(
        place.folder.join("linux"),
        format!(
            "linux {}\n{}\n{configuration}",
            source.version, compiler.version
        ),
    );
    if !stage.is_done(&[VMLINUX, IMAGE, UIMAGE, GEN_INIT_CPIO]) {
        stage.begin()?;
        compile(place, &stage, &source.path, &configuration)?;
        stage.finish()?;
    }
    Ok(stage.folder)
}

fn compile(place: &Place, stage: &Stage, archive: &Path, configuration: &str) -> Result<()> {
    let log = place.log();
    let work = stage.work();
    let source = work.join("source");
    whole(&source, |partial| {
        let mut tar = Command::new("tar");
        tar.args(["--strip-components=1", "--extract", "--file"])
            .arg(archive)
            .arg("--directory")
            .arg(partial);
        logged(
            "unpacking the source of Linux",
            &mut tar,
            &log,
            str::to_owned,
        )
    })?;
    let build = work.join("build");
    fs::create_dir_all(&build)?;
    let make = || {
        let mut make = kbuild::make(&source, &build);
        make.args(["ARCH=powerpc", &format!("CROSS_COMPILE={CROSS_COMPILE}")]);
        make.args([
            "KBUILD_BUILD_USER=cofferdam",
            "KBUILD_BUILD_HOST=cofferdam",
            "KBUILD_BUILD_VERSION=1",
        ]);
        make.arg(format!("KBUILD_BUILD_TIMESTAMP=@{}", kbuild::DATE));
        make
    };
    let wanted = work.join("wanted.config");
    fs::write(&wanted, configuration)?;
    let mut configure = make();
    configure
        .arg(format!("KCONFIG_ALLCONFIG={}", wanted.display()))
        .arg("allnoconfig");
    logged("configuring Linux", &mut configure, &log, str::to_owned)?;
    kbuild::survived(configuration, &build.join(".config"))?;
    kbuild::build(
        "building Linux, which takes some ten minutes",
        &mut make(),
        &["vmlinux", "uImage"],
        &log,
    )?;
    let image = work.join(IMAGE);
    let mut objcopy = Command::new(format!("{CROSS_COMPILE}objcopy"));
    objcopy
        .args(["-O", "binary"])
        .arg(build.join("vmlinux"))
        .arg(&image);
    logged(
        "making the kernel's image",
        &mut objcopy,
        &log,
        str::to_owned,
    )?;
    stage.keep(&build.join("vmlinux"), VMLINUX)?;
    stage.keep(&image, IMAGE)?;
    stage.keep(&build.join("arch/powerpc/boot/uImage"), UIMAGE)?;
    stage.keep(&build.join("usr/gen_init_cpio"), GEN_INIT_CPIO)
}
