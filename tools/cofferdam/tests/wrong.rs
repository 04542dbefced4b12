//! What is no system, record, report, recording or module is given to every command that takes one: each says which file, and what to do, and leaves nothing.

mod common;
#[path = "../../timeline/tests/small/mod.rs"]
mod small;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Said, System, cofferdam, elf, ends, one_partition};
use tempfile::TempDir;

/// Where the wrong file stands among the arguments.
const IT: &str = "IT";
/// Where the small system stands.
const SYSTEM: &str = "SYSTEM";
/// A path at which nothing is.
const OUT: &str = "OUT";
/// What a line has that says what to do, in one word at least.
const REMEDIES: [&str; 9] = [
    "name ",
    "make",
    "record it again",
    "another ",
    "did you mean",
    "`cargo cofferdam ",
    "copy ",
    "= help: ",
    "look ",
];

/// What each command takes, and a file of another thing of the same kind.
const COMMANDS: [(&[&str], Kind); 21] = [
    (&["check", IT], Kind::System),
    (&["build", IT], Kind::System),
    (&["run", IT, "--for", "1ms"], Kind::System),
    (&["record", IT, "--for", "1ms", "-o", OUT], Kind::System),
    (&["debug", "one", IT, "--script"], Kind::System),
    (&["crash", IT], Kind::System),
    (&["trace", IT, "-o", OUT], Kind::System),
    (&["top", IT, "--once"], Kind::System),
    (&["report", IT, "-o", OUT], Kind::System),
    (&["report", "diff", IT, IT], Kind::Report),
    (&["export-arinc653", IT, "--output", OUT], Kind::System),
    (&["guest", "report", IT], Kind::System),
    (&["import-arinc653", IT, "--output", OUT], Kind::Module),
    (&["crash", SYSTEM, "--record", IT], Kind::Record),
    (&["trace", SYSTEM, "--record", IT, "-o", OUT], Kind::Record),
    (
        &[
            "trace", SYSTEM, "--record", IT, "--format", "chrome", "-o", OUT,
        ],
        Kind::Record,
    ),
    (&["top", SYSTEM, "--record", IT], Kind::Record),
    (&["top", SYSTEM, "--record", IT, "--json"], Kind::Record),
    (&["replay", IT], Kind::Recording),
    (
        &["replay", IT, "--until", "health", "--batch"],
        Kind::Recording,
    ),
    (
        &["record", SYSTEM, "--for", "1ms", "-o", IT],
        Kind::NewRecording,
    ),
];

/// What an argument is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    System,
    Record,
    Report,
    Module,
    Recording,
    /// Where a recording is to be put. What is absent there is right.
    NewRecording,
}

impl Kind {
    /// One of another system, or of another version: as whole as can be.
    fn foreign(self) -> Vec<u8> {
        match self {
            Self::System => b"[package]\nname = \"one\"\nversion = \"0.1.0\"\n".to_vec(),
            Self::Record => {
                let mut other = small::record(&small::events(), true);
                other[cofferdam_abi::record::offset::PARTITIONS] = b'x';
                other
            }
            Self::Report => b"{\"format\": \"cofferdam-report/0\"}".to_vec(),
            Self::Module => b"<?xml version=\"1.0\"?>\n<project name=\"other\"/>\n".to_vec(),
            Self::Recording | Self::NewRecording => b"{\"format\": 1}".to_vec(),
        }
    }

    /// A right one as far as it goes, of which the rest is missing.
    fn truncated(self) -> Vec<u8> {
        let cut = |text: &str| text.as_bytes()[..text.len() / 2].to_vec();
        match self {
            Self::System => cut(&one_partition("wrong", "image = \"one.elf\"")),
            Self::Record => {
                let whole = small::record(&small::events(), true);
                whole[..whole.len() / 2].to_vec()
            }
            Self::Report => b"{\"format\": \"cofferdam-rep".to_vec(),
            Self::Module => b"<ARINC_653_Module ModuleName=\"m\">\n  <Partition".to_vec(),
            Self::Recording | Self::NewRecording => b"{\"format\":".to_vec(),
        }
    }
}

/// A folder with one wrong thing in it, called `odd`, with an ending that commands expect.
fn wrong_things(kind: Kind) -> Vec<(&'static str, TempDir, PathBuf)> {
    let ending = match kind {
        Kind::System => "odd.toml",
        Kind::Report => "odd.json",
        Kind::Module => "odd.xml",
        Kind::Record | Kind::Recording | Kind::NewRecording => "odd",
    };
    // No pattern, and the same in every run.
    let noise = (0..1000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8);
    let contents = [
        ("empty", Some(Vec::new())),
        ("truncated", Some(kind.truncated())),
        ("random", Some(noise.collect())),
        ("foreign", Some(kind.foreign())),
        ("another kind", Some(elf(common::POWERPC, 0))),
        ("folder", None),
        ("absent", None),
    ];
    let mut all = Vec::new();
    for (what, content) in contents {
        if kind == Kind::NewRecording && what == "absent" {
            continue;
        }
        let folder = common::folder();
        let it = folder.path().join(ending);
        match content {
            Some(content) => fs::write(&it, content).expect("a file"),
            None if what == "folder" => fs::create_dir(&it).expect("a folder"),
            None => {}
        }
        // A recording is a folder: what is wrong there is its manifest.
        if kind == Kind::Recording && it.is_file() {
            let inner = folder.path().join("odd-recording");
            fs::create_dir(&inner).expect("a folder");
            fs::rename(&it, inner.join("recording.json")).expect("a file");
            all.push((what, folder, inner));
        } else {
            all.push((what, folder, it));
        }
    }
    all
}

/// The paths in a folder and below it.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

/// How it is not as it should be; none: it is.
fn judged(said: &Said, it: &Path) -> Option<&'static str> {
    said.is_decent();
    let names = it
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| said.err.contains(name));
    let remedy = REMEDIES.iter().any(|remedy| said.err.contains(remedy));
    // What is wrong within a text has its line shown, and each finding what to do about it.
    let within = said.err.contains("error[");
    if said.status.code() != Some(1) {
        Some("it does not fail")
    } else if !names {
        Some("it does not name the file")
    } else if !remedy {
        Some("it does not say what to do")
    } else if !within && !(1..=3).contains(&said.err.lines().count()) {
        Some("it has too many lines, or none")
    } else if !said.out.is_empty() {
        Some("it prints a result")
    } else {
        None
    }
}

#[test]
fn every_command_says_which_file_is_wrong_and_what_to_do() {
    let system = System::with_text("wrong", "[system]\nname = \"wrong\"\n");
    fs::create_dir_all(system.built()).expect("a folder");
    fs::write(system.built().join("plan.json"), small::PLAN).expect("a plan");
    let own = system.file();
    let (built, mut faults) = (paths(&system.built()), Vec::new());
    for (command, kind) in COMMANDS {
        for (what, folder, it) in wrong_things(kind) {
            let before = paths(folder.path());
            let (path, out) = (it.display().to_string(), folder.path().join("out"));
            let out = out.display().to_string();
            let arguments: Vec<_> = (command.iter())
                .map(|word| match *word {
                    IT => path.as_str(),
                    SYSTEM => own.as_str(),
                    OUT => out.as_str(),
                    word => word,
                })
                .collect();
            let said = ends(cofferdam(&arguments).current_dir(folder.path()));
            let left = paths(folder.path()) != before || paths(&system.built()) != built;
            let fault = judged(&said, &it).or(left.then_some("it leaves something"));
            if let Some(fault) = fault {
                faults.push(format!(
                    "{} ({what}): {fault}: {said:#?}",
                    command.join(" ")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
