//! The XML of ARINC 653 modules that is read.

use std::fmt::Write as _;

use cofferdam_arinc653::dialect::{DIALECT, Use};

/// Every element with its attributes and elements.
pub(crate) fn elements() -> String {
    let mut text = String::from("| element | attributes | elements |\n| --- | --- | --- |\n");
    for shape in DIALECT {
        let attributes: Vec<_> = shape
            .attributes
            .iter()
            .map(|(name, what)| match what {
                Use::Required => format!("**`{name}`**"),
                Use::Optional => format!("`{name}`"),
                Use::Unread => format!("(`{name}`)"),
            })
            .collect();
        let mut children: Vec<_> = shape
            .children
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        if shape.extended {
            children.push("extension".to_string());
        }
        let (attributes, children) = (attributes.join(", "), children.join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {attributes} | {children} |", shape.name);
    }
    text
}
