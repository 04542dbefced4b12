//! `cargo cofferdam import-arinc653` and `export-arinc653`.

use std::path::Path;

use anyhow::Result;
use cofferdam_arinc653::{Made, export as xml_of, import as toml_of};
use cofferdam_build::{Failure, Tree, locate, root};
use cofferdam_files::{for_file, store};
use cofferdam_model::{Diagnostics, MessageType};
use cofferdam_progress::print_result;
use serde_json::json;

use crate::build::{failed, show};
use crate::{Format, text_of};

/// What there is to do about a file that is none.
const MODULE: &str = "name the XML of an ARINC 653 module";

/// Makes a `system.toml`. `Ok(false)`: the XML is wrong, and nothing was written.
pub fn import(module: &Path, output: Option<&Path>, format: Format) -> Result<bool> {
    output.map(for_file).transpose()?;
    let name = module.display().to_string();
    finish(toml_of(&name, &text_of(module, MODULE)?), output, format)
}

/// Makes XML. `Ok(false)`: the system is wrong, and nothing was written. It is built if only the compiler knows how long its messages are.
pub fn export(
    system: &str,
    output: Option<&Path>,
    format: Format,
    tree: impl FnOnce() -> Result<Tree>,
) -> Result<bool> {
    output.map(for_file).transpose()?;
    let file = locate(&root()?, system)?;
    let checked = match cofferdam_build::check(&file) {
        Ok(checked) => checked,
        Err(failure) => return failed(failure, format),
    };
    let typed = checked.system.channels.iter().any(|channel| {
        let message = channel.message.as_ref().map(|message| &message.value);
        matches!(message, Some(MessageType::Path(_)))
    });
    let mut sizes = Vec::new();
    if typed {
        let built = match tree()?.build(&file) {
            Ok(built) => built,
            Err(failure) => return failed(failure, format),
        };
        sizes.extend(
            built
                .plan
                .channels
                .iter()
                .map(|channel| channel.message_bytes),
        );
    }
    let size = |channel: usize| sizes.get(channel).copied();
    finish(
        xml_of(
            &checked,
            &text_of(&file, "name the system.toml of a system")?,
            &size,
        ),
        output,
        format,
    )
}

/// Writes what was made, as a whole, and prints what there is to say about it.
fn finish(made: Result<Made, Diagnostics>, output: Option<&Path>, format: Format) -> Result<bool> {
    let made = match made {
        Ok(made) => made,
        Err(wrong) => return failed(Failure::from(wrong), format),
    };
    if let Some(path) = output {
        store(path, made.text.as_bytes())?;
    }
    let mut result = json!({ "ok": true });
    match output {
        Some(path) => result["output"] = json!(path.display().to_string()),
        None => result["text"] = json!(made.text),
    }
    show(&[&made.report], format, result)?;
    if format == Format::Text && output.is_none() {
        print_result(made.text.trim_end())?;
    }
    Ok(true)
}
