//! Programs that are none, or not fit: refused at their line, and nothing is left that could be taken for a system.

mod common;

use std::fs::File;

use common::{POWERPC, Said, System, cofferdam, elf, ends, line_of, one_partition};
use serde_json::Value;

const PROGRAM: &str = r#"image = "program.elf""#;

fn build(system: &System) -> Said {
    ends(&mut cofferdam(&["build", &system.file()]))
}

#[test]
fn what_is_no_program_for_this_machine_is_refused_at_its_line() {
    const ARM: u16 = 40;
    let right = elf(POWERPC, 0);
    // Class and byte order (System V ABI, chapter 4).
    let with = |at: usize, byte: u8| {
        let mut wrong = right.clone();
        wrong[at] = byte;
        wrong
    };
    let host = std::fs::read(env!("CARGO_BIN_EXE_cofferdam")).unwrap();
    let system = System::new("programs_wrong", PROGRAM);
    let line = line_of(&one_partition("programs_wrong", PROGRAM), PROGRAM);
    for (content, what) in [
        (b"#!/bin/sh\n".to_vec(), "is no ELF"),
        (Vec::new(), "is no ELF"),
        (host, "is an ELF of 64 bits for another processor"),
        (elf(ARM, 0), "is for another processor (ELF machine 40"),
        (with(5, 1), "is little-endian"),
        (right[..80].to_vec(), "is a broken ELF"),
        (right[..right.len() - 2].to_vec(), "is a broken ELF"),
    ] {
        system.put("program.elf", &content);
        build(&system).fails_with(&["error[PROGRAM-ELF]: ", &line, what, "= help: "]);
        assert_eq!(system.files(), []);
    }
}

#[test]
fn a_program_that_is_too_large_for_the_machine_is_refused_at_its_line() {
    const TOO_LARGE: usize = 70 << 20;
    let system = System::new("programs_large", PROGRAM);
    system.put("program.elf", &elf(POWERPC, 0));
    assert!(build(&system).status.success());
    let before = system.files();
    // The constants grow by a hole in the file: their program header is the second.
    let mut program = elf(POWERPC, 0);
    const CONSTANTS_IN_FILE: usize = 52 + 32 + 16;
    for at in [CONSTANTS_IN_FILE, CONSTANTS_IN_FILE + 4] {
        program[at..at + 4].copy_from_slice(&(TOO_LARGE as u32).to_be_bytes());
    }
    system.put("program.elf", &program);
    let file = File::options().write(true).open(system.path("program.elf"));
    let length = (program.len() + TOO_LARGE) as u64;
    file.unwrap().set_len(length).unwrap();
    let line = line_of(&one_partition("programs_large", PROGRAM), "ram ");
    build(&system).fails_with(&[
        "error[MEMORY-TOTAL]: ",
        &line,
        "= help: give the machine more",
    ]);
    assert!(
        system.files() == before,
        "what was built before is as it was"
    );
}

#[test]
fn a_crate_that_can_be_no_partition_is_refused_before_anything_is_compiled() {
    let own = r#"crate = "own""#;
    for (name, program, what) in [
        ("programs_own", own, "is no package of this workspace"),
        (
            "programs_host",
            r#"crate = "tools/cofferdam""#,
            "does not depend on cofferdam-native",
        ),
        (
            "programs_bin",
            r#"crate = "partitions/bench""#,
            "has no binary for it",
        ),
    ] {
        let system = System::new(name, program);
        std::fs::create_dir(system.path("own")).unwrap();
        system.put("own/Cargo.toml", b"[package]\nname = \"own\"\n");
        let line = line_of(&one_partition(name, program), program);
        let said = build(&system);
        said.fails_with(&["error[PROGRAM-CRATE]: ", &line, what, "= help: "]);
        assert!(!said.err.contains("building"), "{said:#?}");
        assert_eq!(system.files(), []);
    }
}

#[test]
fn a_partition_that_does_not_build_is_the_compilers_to_explain() {
    // The plant uses ports that this file does not give it.
    let text = one_partition("programs_broken", r#"crate = "partitions/plant""#);
    let text = text.replace("partition.one", "partition.plant");
    let system = System::with_text(
        "programs_broken",
        &text.replace(r#"["one"]"#, r#"["plant"]"#),
    );
    let mut command = cofferdam(&["build", "--format", "json", &system.file()]);
    let said = ends(&mut command);
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    let last =
        "building the partitions of programs_broken failed: the compiler's messages above say why";
    let object: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(object["error"], last);
    for part in [
        "partitions/plant/src/main.rs:",
        "`ATTITUDE`",
        "could not compile `plant`",
    ] {
        assert!(said.err.contains(part), "{said:#?}");
    }
    said.is_decent();
    assert_eq!(system.files(), []);
}
