//! How large the kernel is for a reader.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What counts as kernel.
const FOLDERS: [&str; 4] = [
    "microkernel/abi/src",
    "microkernel/core/src",
    "microkernel/e500/src",
    "microkernel/image/src",
];

/// The lines of the kernel that are neither blank, nor comment, nor test.
pub fn kernel_lines(root: &Path) -> Result<u64> {
    FOLDERS
        .iter()
        .map(|folder| folder_lines(&root.join(folder)))
        .sum()
}

fn folder_lines(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            sum += folder_lines(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sum += lines(&fs::read_to_string(&path)?);
        }
    }
    Ok(sum)
}

/// Of one file. Tests are its last part, behind `#[cfg(test)]`; a `#` comment is the assembler's.
fn lines(text: &str) -> u64 {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let counts = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//") && !line.starts_with("# ")
    };
    code.lines().filter(counts).count() as u64
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn comments_blanks_and_tests_are_left_out() {
        let text = "//! Head.\n\n/// Doc.\nfn f() {\n    // Why.\n    g(); // Not alone.\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(lines(text), 3);
        assert_eq!(lines("    # an assembler's\n    stw 1, 2(3)\n"), 1);
    }
}
