//! What a guest is given, and cannot run: refused at its line, before a kernel is built.

mod common;

use common::{POWERPC, System, cofferdam, elf, ends, line_of, one_partition};

const KERNEL: &str = r#"guest.kernel = "kernel""#;
const MEMORY: &str = r#"guest.memory = "16M""#;

/// Builds a system whose guest has this kernel, and what else the file says of it.
#[track_caller]
fn refused(name: &str, kernel: &[u8], more: &str, rule: &str, at: &str, what: &str) {
    let program =
        format!("image = \"program.elf\"\npersonality = \"linux\"\n{MEMORY}\n{KERNEL}\n{more}");
    let system = System::new(name, &program);
    system.put("program.elf", &elf(POWERPC, 0));
    system.put("kernel", kernel);
    system.put("initramfs", &vec![0x55; 15 << 20]);
    let said = ends(&mut cofferdam(&["build", &system.file()]));
    let line = line_of(&one_partition(name, &program), at);
    said.fails_with(&[&format!("error[{rule}]: "), &line, what, "= help: "]);
    assert!(!said.err.contains("building the kernel"), "{said:#?}");
    assert_eq!(system.files(), []);
}

#[test]
fn a_kernel_for_another_processor() {
    const ARM: u16 = 40;
    let what = "is an ELF for another processor";
    refused("guests_arm", &elf(ARM, 0), "", "GUEST-KERNEL", KERNEL, what);
}

#[test]
fn a_kernel_that_is_cut_off() {
    let kernel = &elf(POWERPC, 0)[..60];
    let what = "it is a broken ELF";
    refused("guests_broken", kernel, "", "GUEST-KERNEL", KERNEL, what);
}

#[test]
fn an_overlay_that_is_none() {
    let overlay = r#"guest.overlay = "initramfs""#;
    let what = "it is no flattened device tree";
    refused(
        "guests_overlay",
        &[0x60, 0, 0, 0],
        overlay,
        "GUEST-OVERLAY",
        overlay,
        what,
    );
}

#[test]
fn a_kernel_that_cannot_be_rewritten_and_has_to() {
    let rewrite = "guest.rewrite = true";
    for (name, kernel, what) in [
        ("guests_flat", vec![0x60, 0, 0, 0], "it is no ELF file"),
        ("guests_stripped", elf(POWERPC, 0), "it has no symbols"),
    ] {
        refused(name, &kernel, rewrite, "GUEST-KERNEL", rewrite, what);
    }
}

#[test]
fn a_first_file_system_that_does_not_fit() {
    let kernel = vec![0x60; 1 << 20];
    let more = r#"guest.initramfs = "initramfs""#;
    let what = "begins with 16448K, and has 16M";
    refused("guests_large", &kernel, more, "GUEST-FIT", MEMORY, what);
}
