//! The parts of the documents that the code itself can tell.
//!
//! What a key of `system.toml` means, what a rule demands and how a hypercall is numbered stands once, in the code. The
//! documents show it between two comments, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; the tests of this crate
//! compare, and with `UPDATE_EXPECT=1` write it there.

#![forbid(unsafe_code)]

mod abi;
mod apex;
mod dialect;
mod drivers;
pub mod figures;
mod keys;
mod linux;
mod rules;

/// A part of a document that is made from the code.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The document, from the root of the tree.
    pub document: &'static str,
    /// The name between the comments.
    pub name: &'static str,
    /// Makes it.
    pub text: fn() -> String,
}

/// Every part.
pub const PARTS: &[Part] = &[
    part("docs/system-toml.md", "keys", keys::system),
    part("docs/system-toml.md", "board keys", keys::board),
    part("docs/system-toml.md", "rules", rules::all),
    part("docs/arinc653-xml.md", "dialect", dialect::elements),
    part("docs/arinc653-xml.md", "rules of XML", rules::arinc653),
    part("docs/abi.md", "hypercalls", abi::hypercalls),
    part("docs/abi.md", "statuses", abi::statuses),
    part("docs/abi.md", "errors", abi::errors),
    part("docs/abi.md", "actions", abi::actions),
    part("docs/apex.md", "figures of ARINC 653", apex::figures),
    part("docs/apex.md", "breakdown of ARINC 653", apex::breakdown),
    part(
        "docs/apex.md",
        "the least application in Rust",
        apex::in_rust,
    ),
    part("docs/apex.md", "the least application in C", apex::in_c),
    part("docs/apex.md", "the line for a653rs", apex::for_a653rs),
    part("docs/performance.md", "figures", figures::all),
    part("docs/performance.md", "missed aims", figures::missed),
    part("docs/linux-performance.md", "figures of Linux", linux::all),
    part(
        "docs/driver-performance.md",
        "figures of drivers",
        drivers::costs,
    ),
    part(
        "docs/driver-performance.md",
        "events of drivers",
        drivers::events,
    ),
];

/// A file that is made as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// Its path from the root of the tree.
    pub file: &'static str,
    /// Makes it.
    pub text: fn() -> String,
}

/// Every one of them.
pub const WHOLE: &[Whole] = &[
    Whole {
        file: "docs/linux-performance.svg",
        text: linux::chart,
    },
    Whole {
        file: "docs/driver-performance.svg",
        text: drivers::chart,
    },
];

const fn part(document: &'static str, name: &'static str, text: fn() -> String) -> Part {
    Part {
        document,
        name,
        text,
    }
}

impl Part {
    /// The comments around it.
    fn marks(&self) -> (String, String) {
        let name = self.name;
        (
            format!("<!-- generated: {name} -->"),
            format!("<!-- end of {name} -->"),
        )
    }

    /// `document` with this part as the code has it. `None` if the comments are not there.
    pub fn put_into(&self, document: &str) -> Option<String> {
        let (begin, end) = self.marks();
        let (before, rest) = document.split_once(&begin)?;
        let (_, behind) = rest.split_once(&end)?;
        let text = (self.text)();
        Some(format!(
            "{before}{begin}\n\n{}\n\n{end}{behind}",
            text.trim()
        ))
    }
}

/// A table of Markdown.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text.push_str(&line(&[const { "---" }; N].map(str::to_owned)));
    for row in rows {
        text.push_str(&line(&row.map(|cell| cell.replace('|', "\\|"))));
    }
    text
}
