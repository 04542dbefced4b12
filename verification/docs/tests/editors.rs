//! The settings of editors say what the tree and the build say.

mod common;

use std::fs;

use common::{read, root};
use serde_json::Value;

const OF_THE_HOST: &str = ".vscode/settings.json";
const OF_THE_TARGET: &str = "target.code-workspace";
/// What compiles for the target, with the options that the editor has to give as well.
const BUILD: &str = "tools/target-build/src/lib.rs";
const PAGE: &str = "docs/editors.md";

fn object(file: &str) -> Value {
    serde_json::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_settings_name_what_is_there() {
    let settings = &object(OF_THE_TARGET)["settings"];
    let of = |key: &str| &settings[format!("rust-analyzer.{key}")];
    let in_tree = |value: &Value| {
        let path = value.as_str().unwrap().strip_prefix("${workspaceFolder}/");
        path.expect("a path in the tree").to_owned()
    };
    let target = in_tree(of("cargo.target"));
    assert!(root().join(&target).exists(), "{target}");
    let build = read(BUILD);
    let name = target.strip_prefix("targets/").unwrap();
    let name = name.strip_suffix(".json").unwrap();
    assert!(build.contains(&format!("TARGET: &str = \"{name}\"")));
    let page = read(PAGE);
    for argument in of("cargo.extraArgs").as_array().unwrap() {
        let argument = argument.as_str().unwrap();
        assert!(build.contains(&format!("\"{argument}\"")), "{argument}");
        assert!(page.contains(argument), "{argument}");
    }
    let unstable = build.matches("\"-Z").count();
    assert_eq!(of("cargo.extraArgs").as_array().unwrap().len(), unstable);
    let variables = of("cargo.extraEnv");
    assert_eq!(variables["RUSTC_BOOTSTRAP"], "1");
    // rust-analyzer asks cargo what there is without those arguments.
    let variable = "CARGO_UNSTABLE_JSON_TARGET_SPEC";
    assert_eq!(variables[variable], "true");
    assert!(page.contains(variable));
    let generated = in_tree(&variables["COFFERDAM_GENERATED"]);
    let system = generated.strip_prefix("target/cofferdam/").unwrap();
    let system = system.strip_suffix("/generated").unwrap();
    assert!(root().join("systems").join(system).exists(), "{system}");
    assert!(page.contains(&format!("$ cargo cofferdam build {system}\n")));
}

#[test]
fn both_ways_keep_the_editors_builds_apart_from_ones_own() {
    for settings in [&object(OF_THE_HOST), &object(OF_THE_TARGET)["settings"]] {
        assert_eq!(settings["rust-analyzer.cargo.targetDir"], true);
        // Of everything at once nothing compiles: host and target are in one workspace.
        assert_eq!(settings["rust-analyzer.check.workspace"], false);
    }
}

#[test]
fn what_is_not_for_the_host_is_so_by_its_manifest() {
    // As the page says: which crates are for which is in `default-members`.
    let workspace = read("Cargo.toml");
    let default = workspace.split("default-members = [").nth(1).unwrap();
    let default = default.split(']').next().unwrap();
    for of_target in [
        "personalities/native",
        "partitions/flight",
        "microkernel/e500",
    ] {
        assert!(fs::exists(root().join(of_target).join("Cargo.toml")).unwrap());
        assert!(
            !default.contains(&format!("\"{of_target}\"")),
            "{of_target}"
        );
    }
}
