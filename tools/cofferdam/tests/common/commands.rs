//! The commands that the documents show. The tests of `cargo xtask` use it too.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the tree.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("it lies in the tree")
        .to_path_buf()
}

/// Every document with commands, in order: its name, and its text.
pub fn documents() -> Vec<(String, String)> {
    let pages = fs::read_dir(root().join("docs")).expect("the documents");
    let pages = pages.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = pages.chain([root().join("README.md")]).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let name = |path: &Path| path.file_name().expect("a name").display().to_string();
    let text = |path: &Path| fs::read_to_string(path).expect("a text");
    paths.iter().map(|path| (name(path), text(path))).collect()
}

/// The commands of a document that begin so, each as its words and what is shown to come of it: without the comment behind it, and without
/// the file that its output goes to. In a block of a console they stand behind a prompt; in one of a shell each line is one.
pub fn commands(text: &str, program: &str) -> Vec<(Vec<String>, String)> {
    // Each ends with a line of its own.
    let blocks = text.split("```").skip(1).step_by(2);
    let mut commands = Vec::new();
    for block in blocks {
        let (language, block) = block.split_once('\n').unwrap_or_default();
        let shown: Vec<_> = match language {
            "console" => (block.split("$ ").skip(1))
                .map(|command| command.split_once('\n').unwrap_or((command, "")))
                .collect(),
            "sh" => block.lines().map(|line| (line, "")).collect(),
            _ => continue,
        };
        for (line, shown) in shown {
            let line = line.split("  #").next().unwrap_or_default();
            let line = line.split('>').next().unwrap_or_default();
            let Some(rest) = line.strip_prefix(program) else {
                continue;
            };
            if rest.starts_with(' ') {
                commands.push((words(rest), shown.to_owned()));
            }
        }
    }
    commands
}

/// As a shell divides a line, as far as the documents go: a word may stand in double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, piece) in line.split('"').enumerate() {
        match number % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}
