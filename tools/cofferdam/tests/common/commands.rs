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
/// the file that its output goes to.
pub fn commands(text: &str, program: &str) -> Vec<(Vec<String>, String)> {
    let blocks = text.split("```console\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    let mut commands = Vec::new();
    for command in blocks.flat_map(|block| block.split("$ ").skip(1)) {
        let (line, shown) = command.split_once('\n').unwrap_or((command, ""));
        let line = line.split("  #").next().unwrap_or_default();
        let line = line.split('>').next().unwrap_or_default();
        let Some(rest) = line.strip_prefix(program) else {
            continue;
        };
        if rest.starts_with(' ') {
            let words = rest.split_whitespace().map(str::to_owned);
            commands.push((words.collect(), shown.to_owned()));
        }
    }
    commands
}
