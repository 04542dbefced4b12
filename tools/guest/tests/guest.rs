//! The real guest, built if it is not there yet. It takes the compiler and the sources, and ten minutes once: hence not in
//! every `cargo test`. `cargo xtask test` runs them when it has built the systems, whose guest it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cofferdam_guest::native::{self, Besides, Booted, Options};
use cofferdam_guest::{Guest, build, directory};
use cofferdam_qemu::Serial;
use object::BigEndian;
use object::elf::{EM_PPC, FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, Sym};

fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path))
}

fn guest() -> Guest {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    build(&root, &target()).unwrap()
}

fn boot(guest: &Guest) -> Booted {
    let options = Options {
        qemu: Path::new("qemu-system-ppc"),
        memory_mib: 128,
        arguments: "off",
        instruction_clock: true,
        serial: Serial::Captured,
        limit: Some(Duration::from_secs(300)),
        besides: Besides::default(),
    };
    native::boot(guest, &directory(&target()), &options).unwrap()
}

#[test]
#[ignore = "builds Linux"]
fn boots_to_init_the_same_way_every_time() {
    let guest = guest();
    let one = boot(&guest);
    assert!(
        one.console.contains("cofferdam: /init runs"),
        "{}",
        one.console
    );
    let instructions = one.instructions_to_init.unwrap();
    assert!(
        (10_000_000..200_000_000).contains(&instructions),
        "{instructions}"
    );
    let other = boot(&guest);
    assert_eq!(one.console, other.console);
    assert_eq!(one.instructions_to_init, other.instructions_to_init);
}

#[test]
#[ignore = "builds Linux"]
fn the_image_is_what_the_elf_file_loads() {
    let guest = guest();
    let elf = fs::read(&guest.vmlinux).unwrap();
    let image = fs::read(&guest.image).unwrap();
    let elf = elf.as_slice();
    let header = FileHeader32::<BigEndian>::parse(elf).unwrap();
    assert_eq!(header.e_machine(BigEndian), EM_PPC);
    let mut covered = 0;
    for segment in header.program_headers(BigEndian, elf).unwrap() {
        if segment.p_type(BigEndian) == PT_LOAD {
            let content = segment.data(BigEndian, elf).unwrap();
            let start = segment.p_paddr(BigEndian) as usize;
            covered = covered.max(start + content.len());
            assert_eq!(&image[start..start + content.len()], content);
        }
    }
    assert_eq!(covered, image.len());
    let sections = header.sections(BigEndian, elf).unwrap();
    let symbols = sections
        .symbols(BigEndian, elf, object::elf::SHT_SYMTAB)
        .unwrap();
    let start = symbols
        .iter()
        .find(|symbol| symbol.name(BigEndian, symbols.strings()) == Ok(b"_start"))
        .unwrap();
    assert_eq!(start.st_value(BigEndian), 0xc000_0000);
}

#[test]
#[ignore = "builds Linux"]
fn a_second_build_changes_nothing() {
    let times = |guest: &Guest| {
        [
            &guest.vmlinux,
            &guest.image,
            &guest.uimage,
            &guest.initramfs,
        ]
        .map(|file| fs::metadata(file).unwrap().modified().unwrap())
    };
    let first = times(&guest());
    assert_eq!(first, times(&guest()));
}
