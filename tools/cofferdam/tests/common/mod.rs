//! What the tests of the command share: the command itself, systems to try it on, and an eye on processes.
#![allow(dead_code)]

pub mod commands;
pub mod host;
pub mod processes;
pub mod said;
pub mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cofferdam_abi::space;
use cofferdam_build::directory_in;
use tempfile::TempDir;

pub use said::{Said, ends};

/// The number of PowerPC in an ELF.
pub const POWERPC: u16 = 20;

/// Where cargo builds. What the tests build there, others have built already or need later.
pub fn target() -> PathBuf {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR"));
    own.parent().expect("it lies in the target").to_path_buf()
}

/// A folder of a test's own, inside the source tree.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// The command, as the user's shell starts it.
pub fn cofferdam(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cofferdam"));
    command
        .args(arguments)
        .env("CARGO_TARGET_DIR", target())
        .env_remove("COFFERDAM_ROOT")
        .stdin(Stdio::null());
    command
}

/// What a partition of [`elf`] writes, if the UART is its own.
pub const UP: &str = "up";

/// A system of a test's own. Its folders are gone with it.
pub struct System {
    folder: TempDir,
    name: String,
}

impl System {
    /// With one partition, whose program stands in the file as `program`. Two tests have two names.
    pub fn new(name: &str, program: &str) -> Self {
        Self::with_text(name, &one_partition(name, program))
    }

    /// With a partition that writes [`UP`] to the terminal and then does nothing.
    pub fn spinning(name: &str) -> Self {
        let program = "image = \"spin.elf\"\ndevices = [\"uart0\"]";
        let text = one_partition(name, program) + "[device.uart0]\nwhen_not_running = \"pend\"\n";
        let system = Self::with_text(name, &text);
        system.put("spin.elf", &elf(POWERPC, 0));
        system
    }

    pub fn with_text(name: &str, text: &str) -> Self {
        let system = Self {
            folder: folder(),
            name: name.to_owned(),
        };
        system.put("system.toml", text.as_bytes());
        system
    }

    pub fn put(&self, file: &str, content: &[u8]) {
        fs::write(self.path(file), content).expect("a file");
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The file as an argument.
    pub fn file(&self) -> String {
        self.path("system.toml").display().to_string()
    }

    /// Where what was built of it lies.
    pub fn built(&self) -> PathBuf {
        self.built_in(&target())
    }

    /// The same if cargo builds elsewhere.
    pub fn built_in(&self, target: &Path) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        directory_in(target, &root, &self.path("system.toml"), &self.name)
    }

    /// Every file that was built of it, with its content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.built(), &mut files);
        files.retain(|(path, _)| !path.starts_with(self.built().join("generated")));
        files.sort();
        files
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // Nothing may have been built.
        let _ = fs::remove_dir_all(self.built());
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.clone(), fs::read(&path).expect("a file")));
        }
    }
}

/// What stands in every system's file.
pub fn head(name: &str) -> String {
    format!(
        r#"[system]
name   = "{name}"
schema = "cofferdam-system/1"
board  = "ppce500"
ram    = "128M"

[kernel]
guard  = "10us"
errors = {{ kernel_exception = "halt", machine_check = "halt", window_late = "log", configuration = "halt" }}

[errors]
memory_violation       = "restart_cold"
stack_overflow         = "restart_cold"
privileged_instruction = "restart_cold"
illegal_instruction    = "restart_cold"
trap                   = "restart_cold"
alignment              = "restart_cold"
application_error      = "log"
deadline_missed        = "log"
restart_limit          = "stop"
"#
    )
}

/// The file of a system with one partition.
pub fn one_partition(name: &str, program: &str) -> String {
    let head = head(name);
    format!(
        r#"{head}
[partition.one]
{program}
stack   = "8K"
memory  = "16K"
restart = {{ max = 3, per = "10s", then = "stop", back_off = "20ms" }}

[schedule.only]
initial     = true
major_frame = "10ms"
windows     = [{{ at = "0ms", length = "10ms", group = ["one"] }}]
"#
    )
}

/// The line on which a file has something.
#[track_caller]
pub fn line_of(text: &str, part: &str) -> String {
    let before = text.lines().position(|line| line.contains(part));
    format!("system.toml:{}:", before.expect("a line") + 1)
}

/// A program of 32 bits for some machine: it writes [`UP`] and stays there; with room for a stack, and so many bytes of
/// constants.
pub fn elf(machine: u16, constants: usize) -> Vec<u8> {
    const HEADER: u32 = 52;
    const PROGRAM_HEADER: u32 = 32;
    const TEXT: u32 = HEADER + 3 * PROGRAM_HEADER;
    const STACK: u32 = 8 << 10;
    #[rustfmt::skip]
    const CODE: [u32; 6] = [
        0x3c60_0000 | space::DEVICES >> 16, // lis r3, the UART's page
        0x3880_0075, 0x9883_0500, // li r4, 'u'; stb r4, 0x500(r3)
        0x3880_0070, 0x9883_0500, // li r4, 'p'; stb r4, 0x500(r3)
        0x4800_0000, // b .
    ];
    const CODE_BYTES: u32 = size_of_val(&CODE) as u32;
    let words = |bytes: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|v| bytes.extend(v.to_be_bytes()));
    };
    let halves = |bytes: &mut Vec<u8>, values: &[u16]| {
        values.iter().for_each(|v| bytes.extend(v.to_be_bytes()));
    };
    let constants = u32::try_from(constants).expect("a file");
    let mut file = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
    halves(&mut file, &[2, machine]);
    words(&mut file, &[1, space::TEXT, HEADER, 0, 0]);
    halves(&mut file, &[52, 32, 3, 0, 0, 0]);
    let segments = [
        [TEXT, space::TEXT, CODE_BYTES, CODE_BYTES, 5],
        [TEXT + CODE_BYTES, space::CONSTANTS, constants, constants, 4],
        [TEXT, space::DATA, 0, STACK, 6],
    ];
    for [offset, address, in_file, in_memory, rights] in segments {
        let header = [1, offset, address, address, in_file, in_memory, rights, 4];
        words(&mut file, &header);
    }
    words(&mut file, &CODE);
    file.resize(file.len() + constants as usize, 0x55);
    file
}
