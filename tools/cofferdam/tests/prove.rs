//! `cargo cofferdam prove`: its chapter carried out, and what it says of what is not what it should be.

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use common::commands::{commands, documents};
use common::{Said, System, cofferdam, ends, one_partition};

/// A system that was built, and files beside it.
struct Proved {
    system: System,
}

impl Proved {
    fn new(name: &str) -> Self {
        let system = System::spinning(name);
        let said = ends(&mut cofferdam(&["build", &system.file()]));
        assert!(said.status.success(), "{said:#?}");
        Self { system }
    }

    fn image(&self) -> PathBuf {
        self.system.built().join("image-release.elf")
    }

    /// Proves it, with these besides; files are those beside it.
    fn prove(&self, arguments: &[&str]) -> Said {
        let file = self.system.file();
        self.command(&[&["prove", file.as_str()], arguments].concat())
    }

    fn command(&self, arguments: &[&str]) -> Said {
        let mut command = cofferdam(arguments);
        ends(command.current_dir(self.system.path("")))
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.system.path(""));
        let status = command.stdin(Stdio::null()).status().expect("openssl");
        assert!(status.success(), "openssl {arguments:?}");
    }
}

fn flip(file: &Path, at: impl Fn(&[u8]) -> usize) {
    let mut content = fs::read(file).expect("a file");
    let at = at(&content);
    content[at] ^= 1;
    fs::write(file, content).expect("a file");
}

/// A line without the numbers of things, which are each system's own.
fn in_words(line: &str) -> String {
    let words = line.split_whitespace();
    let words = words.filter(|word| word.parse::<u64>().is_err());
    words.collect::<Vec<_>>().join(" ")
}

/// What the chapter shows is printed, in its order; `[...]` stands for what it leaves out.
#[track_caller]
fn is_as_shown(shown: &str, printed: &str) {
    let mut printed = printed.lines().map(in_words);
    for line in shown.lines().filter(|line| *line != "[...]") {
        let (begin, left_out) = match line.strip_suffix("[...]") {
            Some(begin) => (in_words(begin), true),
            None => (in_words(line), false),
        };
        let found = printed.any(|one| one == begin || left_out && one.starts_with(&begin));
        assert!(found, "{line}");
    }
}

#[test]
fn the_chapter_is_carried_out() {
    const NAME: &str = "prove_chapter";
    let proved = Proved::new(NAME);
    let (_, chapter) = (documents().into_iter())
        .find(|(name, _)| name == "prover.md")
        .expect("the chapter");
    let words = |(words, shown): (Vec<String>, String)| (words.join(" "), shown);
    for (line, _) in commands(&chapter, "openssl").into_iter().map(words) {
        proved.openssl(&line.split(' ').collect::<Vec<_>>());
    }
    let (file, mut shown) = (proved.system.file(), 0);
    let all: Vec<_> = (commands(&chapter, "cargo cofferdam").into_iter())
        .map(words)
        .collect();
    for (line, sample) in &all {
        let arguments: Vec<_> = line.split(' ').collect();
        let own = arguments.iter().map(|word| match *word {
            "flight" => file.as_str(),
            word => word,
        });
        let said = proved.command(&own.collect::<Vec<_>>());
        assert!(said.status.success(), "{line}: {said:#?}");
        is_as_shown(&sample.replace("flight", NAME), &said.out);
        shown += sample.lines().count();
    }
    let given = |option: &str| all.iter().any(|(line, _)| line.contains(option));
    for option in ["--certificate", "--key", "--verify", "--public"] {
        assert!(given(option), "the chapter shows no {option}");
    }
    assert!(shown > 4, "the chapter shows {shown} lines");

    // A bit of the certificate, and one of the image.
    let certificate = proved.system.path("flight.json");
    let verify = ["--verify", "flight.json", "--public", "public.pem"];
    // The last digit of a number is another one with another last bit.
    let checked = |content: &[u8]| {
        let before = b"\"checked\": ";
        let place = content.windows(before.len()).position(|one| one == before);
        let first = place.expect("a number") + before.len();
        let digits = content[first..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        first + digits.count() - 1
    };
    flip(&certificate, checked);
    proved
        .prove(&verify)
        .fails_with(&["the signature is not that of this key"]);
    flip(&certificate, checked);
    assert!(proved.prove(&verify).status.success());
    let of_text = |content: &[u8]| content.len() - 100;
    flip(&proved.image(), of_text);
    proved.prove(&verify).fails_with(&[
        "about another image",
        "name that image, or prove this one again",
    ]);
    let said = proved.prove(&[]);
    said.fails_with(&["statements do not hold"]);
    assert!(said.out.contains("\nFAILS "), "{said:#?}");
}

#[test]
fn who_proves_an_image_of_something_else_is_told_so() {
    let proved = Proved::new("prove_stale");
    let (file, image) = (proved.system.path("system.toml"), proved.image());
    let text = fs::read_to_string(&file).expect("the system");
    let set = |path: &Path, back: u64| {
        let time = SystemTime::now() - Duration::from_secs(back);
        let file = File::options().append(true).open(path).expect("a file");
        file.set_modified(time).expect("a time");
    };
    assert!(proved.prove(&[]).status.success());
    // Other text alone is no other system, however new it is.
    fs::write(&file, format!("{text}# Newer.\n")).expect("the system");
    set(&image, 100);
    let said = proved.prove(&[]);
    assert!(said.status.success() && said.err.is_empty(), "{said:#?}");

    let another = text.replace("max = 3", "max = 4");
    fs::write(&file, &another).expect("the system");
    let again = format!("`cargo cofferdam build {}`", proved.system.file());
    proved.prove(&[]).fails_with(&["was changed after", &again]);
    // A copy that is older than the image says nothing by its time.
    set(&file, 200);
    proved
        .prove(&[])
        .fails_with(&["was built of another state of", &again]);

    let other = text.replace("one", "two");
    assert_ne!(other, text);
    fs::write(&file, &other).expect("the system");
    proved.prove(&["--without-programs"]).fails_with(&[
        "is of another system: its partitions are one, and",
        "declares two",
        &again,
    ]);
    let image = image.display().to_string();
    let by_file = [
        "prove",
        &image,
        "--system",
        "system.toml",
        "--without-programs",
    ];
    proved
        .command(&by_file)
        .fails_with(&["is of another system", "name with --system"]);

    // Of programs beside it that are others, the statement says so, and the hint what to do.
    fs::write(&file, &text).expect("the system");
    set(&file, 200);
    assert!(proved.prove(&[]).status.success());
    let program = proved.system.built().join("programs/one.elf");
    fs::write(&program, common::elf(common::POWERPC, 64)).expect("a program");
    proved
        .prove(&[])
        .fails_with(&["was built of another state of", &again]);
}

#[test]
fn what_is_no_image_no_key_and_no_certificate_is_refused_by_name() {
    let proved = Proved::new("prove_wrong");
    let image = fs::read(proved.image()).expect("the image");
    let mut damaged = image.clone();
    let tables = image
        .windows(4)
        .position(|one| one == b"CFTB")
        .expect("tables");
    damaged[tables + 30] ^= 1;
    let build = "`cargo cofferdam build SYSTEM`";
    for (content, what) in [
        (&b""[..], "it is no image"),
        (&image[..20], "cut off: 20 bytes are no head of one"),
        (&image[..image.len() / 2], "the ELF is cut off"),
        (&damaged, "the checksum of the tables is wrong"),
        (&common::elf(common::POWERPC, 0), "an ELF without tables"),
    ] {
        proved.system.put("wrong.elf", content);
        let arguments = ["prove", "wrong.elf", "--system", "system.toml"];
        proved
            .command(&arguments)
            .fails_with(&["wrong.elf: ", what, build]);
    }
    let alone = ["prove", "wrong.elf"];
    proved
        .command(&alone)
        .fails_with(&["name its system.toml with --system"]);
    let absent = ["prove", "absent.elf", "--system", "system.toml"];
    proved.command(&absent).fails_with(&["absent.elf: ", build]);
    let system = ["--system", "system.toml"];
    proved
        .prove(&system)
        .fails_with(&["leave it out, or name the image in place of"]);

    proved.openssl(&["genpkey", "-algorithm", "ed25519", "-out", "private.pem"]);
    proved.openssl(&[
        "pkey",
        "-in",
        "private.pem",
        "-pubout",
        "-out",
        "public.pem",
    ]);
    let sign = |key: &str, parts: &[&str]| {
        proved
            .prove(&["--certificate", "signed.json", "--key", key])
            .fails_with(parts);
        assert!(!proved.system.path("signed.json").exists());
    };
    proved.system.put("binary", b"\xff\xfe");
    sign(
        "public.pem",
        &["public.pem: it is no private key", "openssl genpkey"],
    );
    sign("binary", &["binary: it is no text", "openssl genpkey"]);
    sign("absent.pem", &["absent.pem: ", "openssl genpkey"]);

    assert!(
        proved
            .prove(&["--certificate", "unsigned.json"])
            .status
            .success()
    );
    assert!(
        proved
            .prove(&["--certificate", "good.json", "--key", "private.pem"])
            .status
            .success()
    );
    let verify = |certificate: &str, public: &str, parts: &[&str]| {
        proved
            .prove(&["--verify", certificate, "--public", public])
            .fails_with(parts);
    };
    verify(
        "unsigned.json",
        "public.pem",
        &[
            "unsigned.json",
            "not signed",
            "--certificate FILE --key KEY",
        ],
    );
    verify(
        "good.json",
        "private.pem",
        &["private.pem: it is no public key", "openssl pkey -pubout"],
    );
    verify(
        "system.toml",
        "public.pem",
        &[
            "system.toml: it is no certificate",
            "--certificate FILE --key KEY",
        ],
    );
    verify(
        "absent.json",
        "public.pem",
        &["absent.json: ", "--certificate FILE --key KEY"],
    );
    assert!(
        proved
            .prove(&["--verify", "good.json", "--public", "public.pem"])
            .status
            .success()
    );
}

/// What a user names for the result is looked at first: nothing is made of a mistyped path, and nothing built for it.
#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let text = one_partition("prove_nowhere", "image = \"absent.elf\"");
    let system = System::with_text("prove_nowhere", &text);
    let (file, lost) = (system.file(), system.path("absent/made"));
    system.put("module.xml", b"<nothing/>");
    let (lost, module) = (lost.display().to_string(), system.path("module.xml"));
    let (module, around) = (module.display().to_string(), system.path(""));
    let around = around.display().to_string();
    let first = "make it first, or name another place";
    for (arguments, option) in [
        (vec!["prove", &file], "--certificate"),
        (vec!["trace", &file], "-o"),
        (vec!["report", &file], "-o"),
        (vec!["record", &file], "-o"),
        (vec!["import-arinc653", &module], "--output"),
        (vec!["export-arinc653", &file], "--output"),
    ] {
        let to = |path: &str| {
            let all = [&arguments[..], &[option, path]].concat();
            ends(&mut cofferdam(&all))
        };
        to(&lost).fails_with(&[
            &format!("{lost} cannot be written: there is no folder "),
            first,
        ]);
        if arguments[0] != "record" {
            to(&around).fails_with(&["it is a folder; name a file in it"]);
        }
        assert!(!system.path("absent").exists() && !system.built().exists());
    }
}
