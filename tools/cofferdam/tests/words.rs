//! What the command says: to wrong input, to those who ask for help, to programs, and to nobody.

mod common;

use std::fs::{self, File};
use std::process::Stdio;

use common::terminal::Terminal;
use common::{System, cofferdam, ends, folder, line_of, one_partition};
use serde_json::Value;

/// `check` and `build` refuse a file in the same words, and nothing is built.
#[track_caller]
fn refused(system: &System, parts: &[&str]) {
    for command in ["check", "build"] {
        let said = ends(&mut cofferdam(&[command, &system.file()]));
        said.fails_with(parts);
        assert!(!said.err.contains("building"), "{said:#?}");
        assert!(!system.built().exists());
    }
}

#[test]
fn truncated_toml_is_refused_at_its_line() {
    let whole = one_partition("words_cut", r#"image = "x.elf""#);
    let text = &whole[..whole.find("back_off").unwrap()];
    let system = System::with_text("words_cut", text);
    let line = line_of(text, "restart = {");
    refused(&system, &["error[TOML-SYNTAX]: ", &line]);
}

#[test]
fn what_is_no_text_is_refused() {
    let system = System::with_text("words_binary", "");
    system.put("system.toml", b"\xff\xfe\0\x01");
    refused(&system, &["error[FILE-READ]: ", "UTF-8"]);
}

#[test]
fn an_unknown_key_is_refused_at_its_line() {
    let text = one_partition("words_key", r#"imag = "x.elf""#);
    let system = System::with_text("words_key", &text);
    let line = line_of(&text, "imag =");
    refused(
        &system,
        &["error[KEY-UNKNOWN]: ", &line, "did you mean `image`?"],
    );
}

#[test]
fn a_program_that_is_not_there_is_named_at_its_line() {
    for (program, what) in [
        (r#"image = "absent.elf""#, "there is no file `absent.elf`"),
        (r#"image = ".""#, "there is no file `.`"),
        (
            r#"crate = "absent""#,
            "there is no folder `absent` with a Cargo.toml",
        ),
    ] {
        let system = System::new("words_program", program);
        let line = line_of(&one_partition("words_program", program), program);
        refused(&system, &["error[FILE-READ]: ", &line, what, "= help: "]);
    }
}

#[test]
fn a_system_that_is_not_there_is_named() {
    let empty = folder();
    let absent = empty.path().join("absent.toml").display().to_string();
    let empty = empty.path().display().to_string();
    for (system, why) in [
        ("absent", "known here: "),
        ("fligt", "did you mean `flight`?"),
        ("", "known here: "),
        (absent.as_str(), "that file is not there"),
        (empty.as_str(), "that folder has no system.toml"),
        ("/dev/null", "that is no file"),
    ] {
        for command in ["check", "build", "run", "crash"] {
            let said = ends(&mut cofferdam(&[command, system]));
            let what = format!("there is no system `{system}` ({why}");
            said.fails_with(&[&what, "name one of the tree"]);
            assert_eq!(said.err.lines().count(), 1, "{said:#?}");
        }
    }
}

/// The one object that a command printed.
#[track_caller]
fn object(arguments: &[&str], ok: bool) -> Value {
    let said = ends(&mut cofferdam(arguments));
    let object: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:#?}"));
    assert_eq!(object["ok"], ok, "{said:#?}");
    assert_eq!(said.status.success(), ok, "{said:#?}");
    said.is_decent();
    object
}

#[test]
fn who_asks_for_json_gets_json_whatever_is_wrong() {
    let text = one_partition("words_json", r#"imag = "x.elf""#);
    let system = System::with_text("words_json", &text);
    for command in ["check", "build"] {
        let wrong_file = object(&[command, "--format", "json", &system.file()], false);
        let found = &wrong_file["diagnostics"][0];
        assert_eq!(found["rule"], "KEY-UNKNOWN");
        let line = found["primary"]["line"].as_u64().unwrap();
        assert!(line_of(&text, "imag =").contains(&format!(":{line}:")));
        let no_file = object(&[command, "--format", "json", "absent"], false);
        assert_eq!(no_file["diagnostics"], Value::Array(Vec::new()));
        assert!(no_file["error"].as_str().unwrap().contains("`absent`"));
    }
    let right = object(&["check", "--format", "json", "flight"], true);
    assert_eq!(right["system"], "flight");
}

#[test]
fn a_partition_that_is_misspelt_is_said_before_anything_is_built() {
    let said = ends(&mut cofferdam(&["debug", "fligth", "flight", "--script"]));
    said.fails_with(&["there is no partition `fligth`: there are flight, plant, "]);
    assert!(!said.err.contains("building"), "{said:#?}");
}

#[test]
fn success_is_quiet() {
    let said = ends(&mut cofferdam(&["check", "flight"]));
    assert!(said.status.success());
    assert_eq!(said.out, "flight: the file obeys every rule\n");
    assert_eq!(said.err, "");
}

#[test]
fn a_rule_that_does_not_exist_is_not_far_from_one_that_does() {
    for (asked, near) in [
        ("MEMRY-TOTAL", "MEMORY-TOTAL"),
        ("memory-totl", "MEMORY-TOTAL"),
        ("ALIGNMENT", "MEMORY-ALIGNMENT"),
        ("WHATEVER", "`cargo cofferdam explain` lists all"),
    ] {
        let what = format!("there is no rule {}", asked.to_uppercase());
        ends(&mut cofferdam(&["explain", asked])).fails_with(&[&what, near]);
    }
}

#[test]
fn every_command_explains_itself_with_examples() {
    let help = ends(&mut cofferdam(&["--help"])).out;
    let list = help.split("Commands:").nth(1).unwrap();
    let commands: Vec<_> = list
        .lines()
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"check"), "{help}");
    for command in commands {
        let said = ends(&mut cofferdam(&[command, "--help"]));
        let example = format!("  cargo cofferdam {command}");
        assert!(said.out.contains(&example), "{said:#?}");
        assert!(said.status.success() && said.err.is_empty(), "{said:#?}");
    }
}

#[test]
fn a_reader_who_leaves_costs_no_panic() {
    // Whoever writes to a pipe without a reader gets an error; so does whoever writes to a full disk.
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for (arguments, expected) in [(["check", "flight"], 0), (["check", "absent"], 1)] {
        let quiet = ends(cofferdam(&arguments).stderr(full()));
        assert_eq!(quiet.status.code(), Some(expected), "{quiet:?}");
        let left = cofferdam(&arguments)
            .stderr(closed())
            .stdout(closed())
            .status();
        assert_eq!(left.unwrap().code(), Some(expected));
    }
    let said = ends(cofferdam(&["explain"]).stdout(full()));
    said.fails_with(&["the result cannot be written to standard output: No space left"]);
}

#[test]
fn only_a_terminal_gets_colours() {
    let system = System::with_text("words_colour", "[");
    let mut terminal = Terminal::open();
    terminal.start(cofferdam(&["check", &system.file()]));
    assert_eq!(terminal.end().code(), Some(1));
    terminal.shows("1 error; ");
    assert!(terminal.text().contains("\x1b["), "{}", terminal.text());
    refused(&system, &["error[TOML-SYNTAX]: "]);
}

#[test]
fn the_command_works_on_another_tree() {
    let tree = folder();
    fs::create_dir_all(tree.path().join("systems/mine")).unwrap();
    let text = one_partition("mine", r#"image = "x.elf""#);
    fs::write(tree.path().join("systems/mine/system.toml"), text).unwrap();
    fs::write(tree.path().join("x.elf"), "").unwrap();
    let said = ends(cofferdam(&["check", "mine"]).env("COFFERDAM_ROOT", tree.path()));
    assert!(said.status.success(), "{said:#?}");
}

#[test]
fn a_tree_that_is_not_there_is_said_to_be_none() {
    for arguments in [
        ["check", "flight"],
        ["crash", "flight"],
        ["build", "flight"],
    ] {
        let said = ends(cofferdam(&arguments).env("COFFERDAM_ROOT", "/nonexistent"));
        said.fails_with(&["there is no source tree in /nonexistent: COFFERDAM_ROOT names it"]);
    }
    let other = folder();
    let root = other.path().display().to_string();
    let said = ends(cofferdam(&["check", "flight"]).env("COFFERDAM_ROOT", &root));
    said.fails_with(&[&format!("there is no source tree in {root}")]);
    // A tree that was not copied as a whole.
    fs::create_dir(other.path().join("systems")).unwrap();
    let said = ends(cofferdam(&["build", "flight"]).env("COFFERDAM_ROOT", &root));
    said.fails_with(&["rust-toolchain.toml cannot be read", "restore the file"]);
}

#[test]
fn run_answers_in_json_whatever_keeps_a_system_from_running() {
    let text = one_partition("words_run", r#"imag = "x.elf""#);
    let system = System::with_text("words_run", &text);
    let wrong = system.file();
    let answer = object(&["run", &wrong, "--for", "1ms", "--json"], false);
    assert_eq!(answer["system"], wrong.as_str());
    let reasons = answer["reasons"].to_string();
    assert!(reasons.contains("nothing was built"), "{reasons}");
    assert_eq!(answer["diagnostics"][0]["rule"], "KEY-UNKNOWN");
    for (arguments, what) in [
        (
            &["run", "absent", "--for", "1ms", "--json"][..],
            "there is no system `absent`",
        ),
        (
            &["run", "flight", "--json"][..],
            "say with --for how long it is to last",
        ),
    ] {
        let answer = object(arguments, false);
        assert_eq!(answer["diagnostics"], Value::Array(Vec::new()));
        let reasons = answer["reasons"].to_string();
        assert!(reasons.contains(what), "{reasons}");
    }
}

#[test]
fn a_run_that_is_longer_than_a_year_is_refused() {
    let said = ends(&mut cofferdam(&["run", "flight", "--for", "1e17s"]));
    assert_eq!(said.status.code(), Some(2));
    assert!(said.err.contains("at most a year long"), "{said:#?}");
    said.is_decent();
}
