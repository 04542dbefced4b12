//! The reasons why something was not seen, from `arguments.toml`.
//!
//! A reason names a function, and a line in it by its text, so that it stays where it belongs when lines move, and is lost when the code changes that it
//! is about. One that is about nothing is an error: either the tests have come to it, or it is about code that is no more.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::gaps::Gap;

/// The file.
pub const FILE: &str = "verification/coverage/arguments.toml";

/// Why something was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// The function of the source that it stands in, as one says it: `Type::function`, or `function`.
    pub function: String,
    /// The text of the line, without the space around it. Without one, the whole function is meant.
    pub line: Option<String>,
    /// Only where that function was inlined into this one.
    pub within: Option<String>,
    /// Why.
    pub why: String,
}

/// All of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// In the order of the file.
    #[serde(default, rename = "argument")]
    pub all: Vec<Argument>,
}

impl Arguments {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is not of that form, or a reason is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let arguments: Self = toml::from_str(text)?;
        for argument in &arguments.all {
            let given = !argument.why.trim().is_empty();
            ensure!(given, "the reason about `{}` is empty", argument.function);
        }
        Ok(arguments)
    }

    /// Those of the tree at `root`.
    ///
    /// # Errors
    /// As above, or the file cannot be read.
    pub fn of_tree(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE)).context(FILE)?;
        Self::parse(&text).context(FILE)
    }

    /// The place of the reason for a gap whose line has this text.
    pub fn about(&self, gap: &Gap, text: &str) -> Option<usize> {
        self.all.iter().position(|argument| {
            let line = argument.line.as_deref();
            let within = argument.within.as_ref();
            argument.function == gap.line.function
                && line.is_none_or(|line| line == text.trim())
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
        let text = "[[argument]]\nfunction = \"f\"\nline = \"x?\"\nwhy = \"it is\"\n\
                    [[argument]]\nfunction = \"g\"\nwithin = \"h\"\nwhy = \"it is not\"";
        let arguments = Arguments::parse(text).unwrap();
        assert_eq!(arguments.about(&gap("f", &[]), "   x?"), Some(0));
        assert_eq!(arguments.about(&gap("f", &[]), "y?"), None);
        assert_eq!(arguments.about(&gap("g", &["i", "h"]), "y?"), Some(1));
        assert_eq!(arguments.about(&gap("g", &[]), "y?"), None);
    }

    #[test]
    fn a_reason_says_something() {
        for wrong in [
            "[[argument]]\nfunction = \"f\"\nwhy = \" \"",
            "[[argument]]\nfunction = \"f\"",
            "[[argument]]\nfunction = \"f\"\nwhy = \"a\"\nfile = \"b\"",
        ] {
            assert!(Arguments::parse(wrong).is_err(), "{wrong}");
        }
    }
}
