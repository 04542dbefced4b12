//! No room on the disk: the user is told where, and nothing is left that a later command would take for whole.
//!
//! The disk is a small one in memory, mounted where the command writes, and seen by nobody else. Where the host lets nobody mount such
//! a one, the tests count as skipped.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use common::{System, cofferdam, ends, folder};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

const PAGE: u64 = 4096;

fn main() -> ExitCode {
    let trials = [
        trial("the_files_of_a_system_have_no_room", files),
        trial("the_memory_of_the_machine_has_no_room", memory),
        trial("the_compilers_have_no_room", compilers),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn trial(name: &str, test: fn(&Namespace)) -> Trial {
    Trial::ignorable_test(name, move || match Namespace::find() {
        Some(namespace) => {
            test(&namespace);
            Ok::<_, Failed>(Completion::Completed)
        }
        None => Ok(Completion::ignored_with(
            "nobody may mount a disk of his own here",
        )),
    })
}

/// How a process gets a view of the file system of its own (unshare(1)).
struct Namespace(&'static [&'static str]);

impl Namespace {
    /// As root, or as a user where users may.
    fn find() -> Option<Self> {
        let all: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
        let own = folder();
        all.into_iter().map(Self).find(|one| {
            let mut command = one.with_disk(own.path(), PAGE, &mut Command::new("true"), None);
            let status = command.stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        })
    }

    /// The command with a disk of that size at `folder`. What lies there in the end is copied to `keep`.
    fn with_disk(
        &self,
        folder: &Path,
        bytes: u64,
        command: &mut Command,
        keep: Option<&Path>,
    ) -> Command {
        const SCRIPT: &str = r#"
            mount -t tmpfs -o size="$1" none "$2" || exit 125
            folder=$2 keep=$3
            shift 3
            "$@"
            status=$?
            [ -z "$keep" ] || cp -r "$folder/." "$keep"
            exit $status"#;
        let mut unshare = Command::new("unshare");
        unshare.args(self.0).args(["sh", "-c", SCRIPT, "sh"]);
        unshare.arg(bytes.to_string()).arg(folder);
        unshare.arg(keep.map_or(OsStr::new(""), Path::as_os_str));
        unshare.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => unshare.env(name, value),
                None => unshare.env_remove(name),
            };
        }
        unshare.stdin(Stdio::null());
        unshare
    }
}

fn files(namespace: &Namespace) {
    let system = System::spinning("disk_files");
    fs::create_dir_all(system.built()).unwrap();
    let kept = folder();
    let mut build = cofferdam(&["build", &system.file()]);
    // The plan has room, the kernel has not.
    let mut build = namespace.with_disk(&system.built(), 64 << 10, &mut build, Some(kept.path()));
    ends(&mut build).fails_with(&["cannot be written", "No space left on device"]);
    let said = ends(&mut cofferdam(&["build", &system.file()]));
    assert!(said.status.success(), "{said:#?}");
    let mut written = 0;
    for (path, content) in system.files() {
        let other = kept.path().join(path.strip_prefix(system.built()).unwrap());
        if let Ok(found) = fs::read(&other) {
            assert!(found == content, "{} is not whole", other.display());
            written += 1;
        }
    }
    assert!(
        (1..system.files().len()).contains(&written),
        "{written} files"
    );
}

fn memory(namespace: &Namespace) {
    let system = System::spinning("disk_memory");
    let said = ends(&mut cofferdam(&["build", &system.file()]));
    assert!(said.status.success(), "{said:#?}");
    let pages = |length: usize| (length as u64).next_multiple_of(PAGE);
    let files = system.files();
    let sum: u64 = files.iter().map(|(_, content)| pages(content.len())).sum();
    let image = files
        .iter()
        .find(|(path, _)| path.ends_with("image-release.elf"));
    // All files, and the image once more for the machine, have room; the kernel in the machine's memory has not.
    let room = sum + pages(image.unwrap().1.len()) + 8 * PAGE;
    let mut run = cofferdam(&["run", &system.file(), "--for", "50ms"]);
    let mut run = namespace.with_disk(&system.built(), room, &mut run, None);
    let room = "no room is left on the disk for the file behind the guest's memory";
    ends(&mut run).fails_with(&[room, "FAILED"]);
    let said = ends(&mut cofferdam(&["run", &system.file(), "--for", "50ms"]));
    assert!(said.status.success(), "{said:#?}");
}

fn compilers(namespace: &Namespace) {
    let system = System::spinning("disk_compilers");
    let own = folder();
    let mut build = cofferdam(&["build", &system.file()]);
    build.env("CARGO_TARGET_DIR", own.path());
    let mut build = namespace.with_disk(own.path(), 1 << 20, &mut build, None);
    let what = format!(
        "building the kernel (release) failed: no room is left on the disk for {}; make some",
        own.path().display()
    );
    let said = ends(&mut build);
    said.fails_with(&[&what]);
}
