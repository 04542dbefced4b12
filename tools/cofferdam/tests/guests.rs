//! What a guest is given, and cannot run: refused at its line, before a kernel is built.

mod common;

use common::{POWERPC, System, cofferdam, elf, ends, line_of, one_partition};

const KERNEL: &str = r#"guest.kernel = "kernel""#;
const MEMORY: &str = r#"guest.memory = "16M""#;

/// Builds a system whose guest has this kernel, and what else the file says of it.
#[track_caller]
fn refused(name: &str, kernel: &[u8], more: &str, rule: &str, at: &str, what: &str) {
    refused_with(name, kernel, more, b"", rule, at, what);
}

/// The same with an overlay.
#[track_caller]
fn refused_with(
    name: &str,
    kernel: &[u8],
    more: &str,
    overlay: &[u8],
    rule: &str,
    at: &str,
    what: &str,
) {
    let program =
        format!("image = \"program.elf\"\npersonality = \"linux\"\n{MEMORY}\n{KERNEL}\n{more}");
    let system = System::new(name, &program);
    system.put("program.elf", &elf(POWERPC, 0));
    system.put("kernel", kernel);
    system.put("initramfs", &vec![0x55; 15 << 20]);
    system.put("overlay", overlay);
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
    let what = "begins with 17M, the last 1M of it kept for its device tree, and has 16M";
    refused("guests_large", &kernel, more, "GUEST-FIT", MEMORY, what);
}

/// It would fit the memory, and not what the device tree leaves of it.
#[test]
fn a_kernel_that_reaches_into_the_room_of_the_device_tree() {
    let kernel = vec![0x60; (15 << 20) + (512 << 10)];
    let what = "begins with 16896K, the last 1M of it kept for its device tree, and has 16M";
    refused("guests_between", &kernel, "", "GUEST-FIT", MEMORY, what);
}

#[test]
fn what_is_no_kernel_at_all() {
    for (name, kernel, what) in [
        ("guests_empty", &b""[..], "it is empty"),
        ("guests_uimage", b"\x27\x05\x19\x56....", "(uImage)"),
        ("guests_gzip", b"\x1f\x8b\x08....", "compressed by gzip"),
    ] {
        refused(name, kernel, "", "GUEST-KERNEL", KERNEL, what);
    }
}

#[test]
fn a_kernel_with_an_instruction_that_nobody_carries_out() {
    // mtpmr 400,r0
    let kernel = with_symbols(&[0x7c10_639c, 0x4e80_0020]);
    let what = "carries out 0x7c10639c at 0xc0000008, body";
    refused("guests_unknown", &kernel, "", "GUEST-KERNEL", KERNEL, what);
}

#[test]
fn more_arguments_than_linux_keeps() {
    let arguments = format!("guest.arguments = \"{}\"", "a".repeat(2048));
    let what = "is told 2048 bytes, and Linux keeps the first 2047";
    let flat = [0x60, 0, 0, 0];
    refused(
        "guests_told",
        &flat,
        &arguments,
        "GUEST-FIT",
        "guest.arguments",
        what,
    );
}

#[test]
fn a_device_tree_that_is_larger_than_its_room() {
    let what = "and there is room for 65536";
    let flat = [0x60, 0, 0, 0];
    let more = "guest.overlay = \"overlay\"";
    refused_with(
        "guests_tree",
        &flat,
        more,
        &adding("/chosen", "note", &[0x61; 70_000]),
        "GUEST-FIT",
        more,
        what,
    );
}

#[test]
fn an_overlay_that_contradicts_what_the_system_says() {
    let flat = [0x60, 0, 0, 0];
    let more = "guest.overlay = \"overlay\"";
    for (name, path, key, value) in [
        (
            "guests_less",
            "/memory",
            "linux,usable-memory",
            &[0; 16][..],
        ),
        (
            "guests_disabled",
            "/soc@e0000000/pic@40000",
            "status",
            b"disabled\0",
        ),
    ] {
        let what = format!("it adds the property `{key}` to {path}");
        let overlay = adding(path, key, value);
        refused_with(name, &flat, more, &overlay, "GUEST-OVERLAY", more, &what);
    }
}

/// It is built, with a warning; and what an earlier build said of its kernel is gone.
#[test]
fn a_linux_that_runs_as_it_is() {
    for (name, rewrite, warns) in [
        ("guests_traps", "", true),
        ("guests_means_it", "guest.rewrite = false", false),
    ] {
        let program = format!(
            "image = \"program.elf\"\npersonality = \"linux\"\n{MEMORY}\n{KERNEL}\n{rewrite}"
        );
        let system = System::new(name, &program);
        system.put("program.elf", &elf(POWERPC, 0));
        let mut stripped = with_symbols(&[0x4e80_0020]);
        // Where the sections' headers are, and how many.
        stripped[32..36].fill(0);
        stripped[46..52].fill(0);
        system.put("kernel", &stripped);
        let list = system.built().join("guest-one.sites.json");
        std::fs::create_dir_all(system.built()).expect("a folder");
        std::fs::write(&list, "{}").expect("a file");
        let said = ends(&mut cofferdam(&["build", &system.file()]));
        assert!(said.status.success(), "{said:#?}");
        let warning = "warning[GUEST-KERNEL]: ";
        assert_eq!(said.err.contains(warning), warns, "{said:#?}");
        if warns {
            let line = line_of(&one_partition(name, &program), KERNEL);
            assert!(said.err.contains(&line), "{said:#?}");
            assert!(said.err.contains("it has no symbols"), "{said:#?}");
        }
        assert!(!list.exists());
    }
}

#[test]
fn a_report_on_a_kernel_that_does_not_fit_says_it_once() {
    let program = format!("image = \"program.elf\"\npersonality = \"linux\"\n{MEMORY}\n{KERNEL}");
    let system = System::new("guests_report", &program);
    system.put("program.elf", &elf(POWERPC, 0));
    system.put("kernel", &vec![0x60; 16 << 20]);
    let said = ends(&mut cofferdam(&["guest", "report", &system.file()]));
    said.fails_with(&["error[GUEST-FIT]: ", "the system has an error"]);
    assert!(!said.err.contains("error: error["), "{said:#?}");
}

/// A kernel of these instructions, behind two of its early code, as an ELF with symbols.
fn with_symbols(code: &[u32]) -> Vec<u8> {
    const BASE: u32 = 0xc000_0000;
    const NAMES: &[u8] = b"\0_stext\0interrupt_base\0body\0.text\0";
    let words =
        |words: &[u32]| -> Vec<u8> { (words.iter().flat_map(|word| word.to_be_bytes())).collect() };
    let text = words(&[&[0x6000_0000, 0x4e80_0020], code].concat());
    let mut symbols = vec![0; 16];
    for (name, at) in [(1_u32, BASE), (8, BASE + 8), (23, BASE + 8)] {
        symbols.extend(words(&[name, at, 0]));
        // A global function, in the first section.
        symbols.extend([0x12, 0, 0, 1]);
    }
    let text_at = 52 + 32;
    let symbols_at = text_at + text.len() as u32;
    let names_at = symbols_at + symbols.len() as u32;
    let sections_at = (names_at + NAMES.len() as u32).next_multiple_of(4);
    let size = text.len() as u32;
    let mut file = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x14".to_vec();
    file.extend(words(&[1, BASE, 52, sections_at, 0]));
    file.extend([0, 52, 0, 32, 0, 1, 0, 40, 0, 4, 0, 3]);
    file.extend(words(&[1, text_at, BASE, 0, size, size, 7, 4]));
    file.extend(text);
    file.extend(&symbols);
    file.extend(NAMES);
    file.resize(sections_at as usize, 0);
    for section in [
        [0; 10],
        [28, 1, 6, BASE, text_at, size, 0, 0, 4, 0],
        [0, 2, 0, 0, symbols_at, symbols.len() as u32, 3, 1, 4, 16],
        [0, 3, 0, 0, names_at, NAMES.len() as u32, 0, 0, 1, 0],
    ] {
        file.extend(words(&section));
    }
    file
}

/// A flattened overlay that adds a property to the node at a path (Devicetree Specification 0.4, section 5).
fn adding(path: &str, name: &str, value: &[u8]) -> Vec<u8> {
    const BEGIN: u32 = 1;
    const END: u32 = 2;
    const PROPERTY: u32 = 3;
    const LAST: u32 = 9;
    const HEADER: usize = 40;
    let mut tree: Vec<u8> = Vec::new();
    let put = |tree: &mut Vec<u8>, words: &[u32], bytes: &[u8]| {
        words
            .iter()
            .for_each(|word| tree.extend(word.to_be_bytes()));
        tree.extend(bytes);
        tree.resize(tree.len().next_multiple_of(4), 0);
    };
    let strings = format!("{name}\0target-path\0");
    let path = format!("{path}\0");
    put(&mut tree, &[BEGIN, 0, BEGIN], b"fragment@0\0");
    let target = [PROPERTY, path.len() as u32, name.len() as u32 + 1];
    put(&mut tree, &target, path.as_bytes());
    put(&mut tree, &[BEGIN], b"__overlay__\0");
    put(&mut tree, &[PROPERTY, value.len() as u32, 0], value);
    put(&mut tree, &[END, END, END, LAST], b"");
    // The block of reserved memory has its end alone.
    let tree_at = HEADER + 16;
    let strings_at = tree_at + tree.len();
    let total = strings_at + strings.len();
    let header = [
        0xd00d_feed,
        total,
        tree_at,
        strings_at,
        HEADER,
        17,
        16,
        0,
        strings.len(),
        tree.len(),
    ];
    let mut file: Vec<u8> = (header.iter())
        .flat_map(|word| (*word as u32).to_be_bytes())
        .collect();
    file.resize(tree_at, 0);
    file.extend(tree);
    file.extend(strings.as_bytes());
    file
}
