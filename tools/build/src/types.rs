//! What the compiler says about the message types of `system.toml`, shown where they stand there.
//!
//! A partition's code names them in the module that the build generates. An error in that module is one of the file, and nobody should have
//! to read generated code for it.

use cofferdam_check::programs;
use cofferdam_compile::Checked;
use cofferdam_compile::generate::type_at;
use cofferdam_model::Diagnostic;
use serde_json::Value;

use crate::rounds::Member;

/// What every path of a module has in it: modules of later rounds have another folder behind it.
const IN_GENERATED: &str = "/generated/";

/// Codes of the compiler for a path that leads nowhere.
const UNKNOWN: [&str; 4] = ["E0412", "E0425", "E0432", "E0433"];

/// An error of the compiler as one of the file, if its place is a type that the file gives.
pub(crate) fn of_file(
    checked: &Checked,
    members: &[Member],
    message: &Value,
) -> Option<Diagnostic> {
    if message["level"] != "error" {
        return None;
    }
    let spans = message["spans"].as_array()?;
    let mut places = spans.iter().filter(|span| span["is_primary"] == true);
    let (partition, found) = places.find_map(|span| type_of(checked, members, span))?;
    let code = message["code"]["code"].as_str().unwrap_or_default();
    let compiler = message["message"].as_str().unwrap_or_default();
    Some(programs::unusable_type(
        &checked.system.partitions[partition],
        found,
        UNKNOWN.contains(&code),
        compiler,
    ))
}

/// The partition in whose module a span lies, or what expanded to it, and the type there.
fn type_of<'c>(
    checked: &'c Checked,
    members: &[Member],
    span: &Value,
) -> Option<(
    usize,
    &'c cofferdam_model::Spanned<cofferdam_model::MessageType>,
)> {
    let file = span["file_name"].as_str()?;
    let here = members
        .iter()
        .find(|one| file.contains(IN_GENERATED) && file.ends_with(&one.module_path(checked)))
        .and_then(|member| {
            let partition = member.partition;
            let number = |key: &str| usize::try_from(span[key].as_u64()?).ok();
            let (line, column) = (number("line_start")?, number("column_start")?);
            Some((partition, type_at(checked, partition, line, column)?))
        });
    here.or_else(|| {
        let expansion = span["expansion"].get("span")?;
        type_of(checked, members, expansion)
    })
}
