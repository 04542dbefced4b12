//! The bug that `docs/found.md` tells of, found again: in a tree from which its mend is taken out, by the page's commands, with what they print there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use cofferdam_build::store;
use serde::Deserialize;

use super::said;
use crate::reproduce::copy_sources;

/// What is taken out.
const MEND: &str = "tools/xtask/src/recordings/overflow.toml";
/// The commands of the page, each with what it prints. The page shows pieces of it.
const SESSION: &str = "tools/xtask/src/recordings/overflow.txt";
/// Where the tree without the mend is, in the folder that cargo builds in. It stays, with what was built there.
const ELSEWHERE: &str = "cofferdam/without-a-mend";
const SHELL: &str = "$ cargo cofferdam ";
const GDB: &str = "(gdb) ";
/// Where GDB says which instruction failed.
const INSTRUCTION: &str = "`back-to *";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mend {
    file: PathBuf,
    text: Vec<Text>,
}

/// A text of the file, and what stood in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    now: String,
    was: String,
}

/// Goes through the page's session. With `UPDATE_EXPECT` set it writes what came of it.
pub fn is_found_again(root: &Path) -> Result<()> {
    let target = cofferdam_target_build::target_directory(root);
    let tree = without_mend(root, target.join(ELSEWHERE))?;
    let path = root.join(SESSION);
    let session = fs::read_to_string(&path).with_context(|| format!("{SESSION}: no session"))?;
    let now = goes_through(&tree, &session)?;
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        store(&path, now.as_bytes())?;
        return Ok(());
    }
    let (shown, comes) = (lines(&session), lines(&now));
    let differs = |(place, line): &(usize, &String)| shown.get(*place) != Some(line);
    if let Some((place, line)) = comes.iter().enumerate().find(differs) {
        let shown = shown.get(place).map_or("nothing", |line| line);
        anyhow::bail!(
            "{SESSION} shows\n{shown}\nwhere now comes\n{line}\nUPDATE_EXPECT=1 writes what comes, which docs/found.md has to show then"
        );
    }
    ensure!(
        shown.len() == comes.len(),
        "{SESSION} shows more than comes"
    );
    Ok(())
}

/// The sources in another folder, as they were before the mend.
fn without_mend(root: &Path, folder: PathBuf) -> Result<PathBuf> {
    if let Ok(entries) = fs::read_dir(&folder) {
        for entry in entries {
            let entry = entry?;
            if entry.file_name() == "target" {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    copy_sources(root, &folder)?;
    let mend: Mend = toml::from_str(&fs::read_to_string(root.join(MEND))?)?;
    let mut text = fs::read_to_string(root.join(&mend.file))?;
    for Text { now, was } in &mend.text {
        let times = text.matches(now.as_str()).count();
        ensure!(
            times == 1,
            "{MEND}: this stands {times} times in {}:\n{now}",
            mend.file.display()
        );
        text = text.replace(now, was);
    }
    let file = folder.join(&mend.file);
    fs::write(&file, text)?;
    // As old as the younger of the two that it comes from, so that cargo builds anew what has changed alone.
    let age = |path: &Path| -> Result<SystemTime> { Ok(fs::metadata(path)?.modified()?) };
    let younger = age(&root.join(&mend.file))?.max(age(&root.join(MEND))?);
    fs::File::options()
        .write(true)
        .open(&file)?
        .set_modified(younger)?;
    Ok(folder)
}

/// The session as it goes in this tree.
fn goes_through(tree: &Path, session: &str) -> Result<String> {
    let of_shell: Vec<_> = session
        .lines()
        .filter_map(|line| line.strip_prefix(SHELL))
        .collect();
    let [record, replay] = of_shell[..] else {
        anyhow::bail!("{SESSION} does not record and replay");
    };
    // The run is one with an error; that it is this one stands in what comes.
    let recorded = said(&cofferdam(tree, record, &[])?);
    let begin = recorded.find("apex_bench: ").unwrap_or(0);
    let end = recorded.find("the run is in ").unwrap_or(recorded.len());
    let event = replayed(tree, replay, &[])?;
    let instruction = event
        .split_once(INSTRUCTION)
        .and_then(|(_, rest)| rest.split_once('`'))
        .with_context(|| format!("no instruction is named:\n{event}"))?
        .0;
    let mut commands = Vec::new();
    for command in session.lines().filter_map(|line| line.strip_prefix(GDB)) {
        let command = match command.starts_with("back-to *") {
            true => format!("back-to *{instruction}"),
            false => command.to_owned(),
        };
        // GDB shows no prompt where nobody types.
        commands.push(format!("echo {GDB}{command}\\n"));
        commands.push(command);
    }
    commands.push("kill".to_owned());
    let replayed = replayed(tree, replay, &commands)?;
    Ok(format!(
        "{SHELL}{record}\n{}{SHELL}{replay}\n{replayed}",
        &recorded[begin..end]
    ))
}

/// What a replay prints from the event on.
fn replayed(tree: &Path, replay: &str, commands: &[String]) -> Result<String> {
    let mut more = vec!["--batch"];
    for command in commands {
        more.extend(["--execute", command]);
    }
    let output = cofferdam(tree, replay, &more)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let begin = text.find("health: ");
    let begin = begin.with_context(|| format!("there is no event:\n{}", said(&output)))?;
    Ok(text[begin..].to_owned())
}

/// The command of this tree on another one, which is beside it.
fn cofferdam(tree: &Path, words: &str, more: &[&str]) -> Result<Output> {
    let own = std::env::current_exe().context("this program has no place")?;
    Command::new(own.with_file_name("cofferdam"))
        .args(words.split_whitespace())
        .args(more)
        .current_dir(tree)
        .env("COFFERDAM_ROOT", tree)
        .env("CARGO_TARGET_DIR", tree.join("target"))
        .output()
        .context("the command cofferdam did not start")
}

/// The lines without what any change of kernel or compiler moves: addresses of code, counts of instructions and ticks, and how wide a column is.
fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let words = line.split_whitespace().map(word);
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect()
}

fn word(word: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(begin) = rest.find(|one: char| one.is_ascii_alphanumeric()) {
        let (before, found) = rest.split_at(begin);
        let end = found.find(|one: char| !one.is_ascii_alphanumeric());
        let (found, after) = found.split_at(end.unwrap_or(found.len()));
        text += before;
        text += match found {
            code if code.starts_with("0x100") || code.starts_with("0x0010") => "CODE",
            number if number.len() > 4 && number.bytes().all(|one| one.is_ascii_digit()) => {
                "NUMBER"
            }
            hash if hash.len() == 16 && hash.bytes().all(|one| one.is_ascii_hexdigit()) => "HASH",
            other => other,
        };
        rest = after;
    }
    text + rest
}

#[test]
fn what_moves_is_no_difference() {
    let of_one =
        "12345 instructions, at 0x10001234 of <a[0123456789abcdef]::B+12>, 66 times\n  1  2";
    let of_another =
        "999999 instructions, at 0x100abcde of <a[f123456789abcdef]::B+12>, 66 times\n 1   2";
    assert_eq!(lines(of_one), lines(of_another));
    for other in ["66 instructions", "0x30000690", "67 times"] {
        assert_ne!(lines("0x30000590, 66 times"), lines(other));
    }
}
