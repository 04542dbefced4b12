//! Compiles the application's files in C, which the file beside the generated module lists, and links the partition at its place.

// It is cargo that reads what a build script prints, and a human what the compiler says.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Debian's compiler for PowerPC.
const COMPILER: &str = "powerpc-linux-gnu-gcc";

/// As the rest of the partition is compiled: soft float, no register set aside for small data, every address known when it is linked.
/// What arithmetic has no result for is the application's NUMERIC_ERROR (`src/numeric.rs`).
const FLAGS: [&str; 15] = [
    "-std=c11",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-mcpu=8548",
    "-msoft-float",
    "-msdata=none",
    "-ffreestanding",
    "-fno-pic",
    "-fno-common",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-fsanitize=integer-divide-by-zero,signed-integer-overflow,float-divide-by-zero,float-cast-overflow",
    "-fno-sanitize-recover=all",
];

fn main() {
    cofferdam_native_build::link();
    println!("cargo:rerun-if-changed=include");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let generated = env::var("COFFERDAM_GENERATED").unwrap_or_default();
    let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
    let list = Path::new(&generated)
        .join("any")
        .join(format!("{package}.sources"));
    println!("cargo:rerun-if-changed={}", list.display());
    let Ok(sources) = fs::read_to_string(&list) else {
        // Only looked at, by an editor or a linter: there is no application.
        return;
    };
    let folder = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    for (number, source) in sources.lines().enumerate() {
        println!("cargo:rerun-if-changed={source}");
        let object = folder.join(format!("{number}.o"));
        compile(Path::new(source), &object);
        println!("cargo:rustc-link-arg-bins={}", object.display());
    }
}

fn compile(source: &Path, object: &Path) {
    let beside = source.parent().unwrap_or(Path::new("."));
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let status = Command::new(COMPILER)
        .args(FLAGS)
        // The same bytes wherever the tree lies: what is checked has the file's name in it as the compiler is given that, whatever prefixes are mapped.
        .current_dir(beside)
        .arg(format!(
            "-ffile-prefix-map={}=/application",
            beside.display()
        ))
        .arg("-I")
        .arg(include)
        .arg("-c")
        .arg(source.file_name().unwrap_or_default())
        .arg("-o")
        .arg(object)
        .status();
    match status {
        Ok(status) if status.success() => {}
        // What the compiler said stands above.
        Ok(_) => std::process::exit(1),
        Err(error) => {
            eprintln!("{COMPILER} did not start: {error}; `cargo xtask setup` installs it");
            std::process::exit(1);
        }
    }
}
