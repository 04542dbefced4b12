//! The reasons why something was not seen, from the files in `arguments`.
//!
//! A reason names a function, and lines in it by their text, so that it stays where it belongs when lines move, and is lost when the code changes that it
//! is about. One that is about nothing is an error: either the tests have come to it, or it is about code that is no more.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::gaps::Gap;

/// Where the files are, by what of the kernel they are about.
pub const FOLDER: &str = "verification/coverage/arguments";

/// Why something was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// The end of the path of the source's file, where functions of several have this name.
    pub file: Option<String>,
    /// The function of the source that it stands in, as one says it: `Type::function`, or `function`.
    pub function: String,
    /// The text of the line, without the space around it. Without one, the whole function is meant.
    pub line: Option<String>,
    /// Only where that function was inlined into this one.
    pub within: Option<String>,
    /// Why.
    pub why: String,
}

/// As it is written: one reason can be that of several lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: Option<String>,
    function: String,
    #[serde(default)]
    lines: Vec<String>,
    within: Option<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    argument: Vec<Written>,
}

impl Written {
    /// One for each line.
    fn arguments(self) -> Vec<Argument> {
        let of = |line: Option<String>| Argument {
            file: self.file.clone(),
            function: self.function.clone(),
            line,
            within: self.within.clone(),
            why: self.why.trim().to_owned(),
        };
        if self.lines.is_empty() {
            return vec![of(None)];
        }
        self.lines.iter().cloned().map(Some).map(of).collect()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Arguments {
    /// By file, and in the order of each.
    pub all: Vec<Argument>,
}

impl Arguments {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is not of that form, or a reason is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let text: Text = toml::from_str(text)?;
        let written = text.argument.into_iter();
        let all: Vec<_> = written.flat_map(Written::arguments).collect();
        for argument in &all {
            let given = !argument.why.is_empty();
            ensure!(given, "the reason about `{}` is empty", argument.function);
        }
        Ok(Self { all })
    }

    /// Those of the tree at `root`.
    ///
    /// # Errors
    /// As above, or a file cannot be read.
    pub fn of_tree(root: &Path) -> Result<Self> {
        let folder = root.join(FOLDER);
        let mut files = fs::read_dir(&folder)
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.path()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .context(FOLDER)?;
        files.sort();
        let mut whole = Self::default();
        for file in files {
            let named = || file.display().to_string();
            let text = fs::read_to_string(&file).with_context(named)?;
            whole
                .all
                .extend(Self::parse(&text).with_context(named)?.all);
        }
        Ok(whole)
    }

    /// The place of the reason for a gap whose line has this text.
    pub fn about(&self, gap: &Gap, text: &str) -> Option<usize> {
        self.all.iter().position(|argument| {
            let line = argument.line.as_deref();
            let within = argument.within.as_ref();
            let file = argument.file.as_deref();
            argument.function == gap.line.function
                && line.is_none_or(|line| line == text.trim())
                && file.is_none_or(|file| gap.line.file.ends_with(file))
                && within.is_none_or(|within| gap.line.within.contains(within))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaps::{Line, Missing};

    fn gap(function: &str, within: &[&str]) -> Gap {
        Gap {
            line: Line {
                file: "a.rs".to_owned(),
                number: 1,
                function: function.to_owned(),
                within: within.iter().map(|name| (*name).to_owned()).collect(),
            },
            instructions: vec![(0x10_0000, Missing::Executed)],
        }
    }

    #[test]
    fn a_reason_is_about_its_function_and_line() {
        let text = "[[argument]]\nfunction = \"f\"\nlines = [\"y!\", \"x?\"]\nwhy = \"it is\"\n\
                    [[argument]]\nfunction = \"g\"\nwithin = \"h\"\nwhy = \"it is not\"";
        let arguments = Arguments::parse(text).unwrap();
        assert_eq!(arguments.about(&gap("f", &[]), "y!"), Some(0));
        assert_eq!(arguments.about(&gap("f", &[]), "   x?"), Some(1));
        assert_eq!(arguments.about(&gap("f", &[]), "y?"), None);
        assert_eq!(arguments.about(&gap("g", &["i", "h"]), "y?"), Some(2));
        assert_eq!(arguments.about(&gap("g", &[]), "y?"), None);
    }

    #[test]
    fn a_reason_can_be_about_one_file() {
        let of = |file: &str| {
            let text = format!("[[argument]]\nfile = \"{file}\"\nfunction = \"f\"\nwhy = \"so\"");
            Arguments::parse(&text).unwrap().about(&gap("f", &[]), "")
        };
        assert_eq!((of("a.rs"), of("b.rs")), (Some(0), None));
    }

    #[test]
    fn a_reason_says_something() {
        for wrong in [
            "[[argument]]\nfunction = \"f\"\nwhy = \" \"",
            "[[argument]]\nfunction = \"f\"",
            "[[argument]]\nfunction = \"f\"\nwhy = \"a\"\nfiles = \"b\"",
        ] {
            assert!(Arguments::parse(wrong).is_err(), "{wrong}");
        }
    }
}
