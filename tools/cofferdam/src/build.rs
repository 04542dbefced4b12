//! `cargo cofferdam check` and `build`.

use std::io::{IsTerminal, stderr};
use std::path::Path;

use anyhow::Result;
use cofferdam_build::{Built, Failure, Kernel, Tree, locate};
use cofferdam_model::Diagnostics;
use cofferdam_progress::{print_result, say};
use serde_json::{Value, json};

use crate::{Format, takes};

/// Checks a file. `Ok(false)`: it has errors.
pub fn check(root: &Path, system: &str, format: Format) -> Result<bool> {
    let file = locate(root, system)?;
    match cofferdam_build::check(&file) {
        Ok(checked) => {
            let name = checked.system.name.value.clone();
            show(
                &[&checked.warnings],
                format,
                json!({ "system": name, "ok": true }),
            )?;
            if format == Format::Text {
                print_result(format_args!("{name}: the file obeys every rule"))?;
            }
            Ok(true)
        }
        Err(failure) => failed(failure, format),
    }
}

/// Builds a system. `Ok(false)`: it has errors.
pub fn build(tree: &Tree, system: &str, format: Format) -> Result<bool> {
    let file = locate(&tree.root, system)?;
    match tree.build(&file) {
        Ok(built) => {
            let warnings: Vec<_> = built.warnings.iter().collect();
            show(&warnings, format, result(&built))?;
            if format == Format::Text {
                print_result(takes::tables(&built.plan))?;
                for kernel in Kernel::ALL {
                    print_result(built.image_path(kernel).display())?;
                }
            }
            Ok(true)
        }
        Err(failure) => failed(failure, format),
    }
}

/// Whoever asked for JSON gets it for what is no fault of a file as well: a file that is not there, a compiler's refusal.
pub fn in_format(format: Format, result: Result<bool>) -> Result<bool> {
    match result {
        Err(error) if format == Format::Json => {
            cofferdam_interrupt::give_way();
            let error = format!("{error:#}");
            print_result(json!({ "ok": false, "diagnostics": [], "error": error }))?;
            Ok(false)
        }
        result => result,
    }
}

fn result(built: &Built) -> Value {
    let image = |kernel: Kernel| {
        let path = json!(built.image_path(kernel).display().to_string());
        (kernel.name().to_owned(), path)
    };
    let mut result = json!({
        "system": built.plan.system,
        "ok": true,
        "images": Kernel::ALL.into_iter().map(image).collect::<serde_json::Map<_, _>>(),
        "plan": built.directory.join("plan.json").display().to_string(),
    });
    for (name, member) in takes::members(&built.plan) {
        result[name] = member;
    }
    result
}

/// Prints what is wrong.
pub fn failed(failure: Failure, format: Format) -> Result<bool> {
    match failure {
        Failure::Wrong(diagnostics) => {
            show(&[&diagnostics], format, json!({ "ok": false }))?;
            if format == Format::Text {
                let count = diagnostics.errors();
                let noun = if count == 1 { "error" } else { "errors" };
                say!("{count} {noun}; `cargo cofferdam explain RULE-ID` says more about a rule");
            }
            Ok(false)
        }
        Failure::Other(error) => Err(error),
    }
}

/// Prints diagnostics: to people, or as a member of the result.
pub fn show(diagnostics: &[&Diagnostics], format: Format, mut result: Value) -> Result<()> {
    match format {
        Format::Text => {
            let coloured = stderr().is_terminal();
            for one in diagnostics.iter().filter(|one| !one.list.is_empty()) {
                say!("{}\n", one.render(coloured));
            }
        }
        Format::Json => {
            let all = diagnostics.iter().filter_map(|one| match one.to_json() {
                Value::Array(list) => Some(list),
                _ => None,
            });
            result["diagnostics"] = all.flatten().collect();
            print_result(result)?;
        }
    }
    Ok(())
}
