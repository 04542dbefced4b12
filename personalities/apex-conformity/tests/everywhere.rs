//! What is said of each service is so of each service: that it has a figure, and that it was called where a stack ends.

use std::fs;
use std::path::PathBuf;

use cofferdam_apex_conformity::REQUIRED;

fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(path).unwrap()
}

/// It stands in a newer header, and nobody has it (docs/apex.md).
const NOT_HERE: &str = "APERIODIC_WAIT_EVENT";

/// Those that a text does not have, as `form` writes them there.
fn missing(text: &str, but: &[&str], form: fn(&str) -> Vec<String>) -> Vec<&'static str> {
    let services = REQUIRED.iter().map(|one| one.service);
    services
        .filter(|service| !but.contains(service))
        .filter(|service| !form(service).iter().any(|form| text.contains(form)))
        .collect()
}

#[test]
fn each_service_has_a_committed_figure() {
    // What a figure is of may stand behind its name.
    let form = |service: &str| {
        let behind = ["\"", ",", " "].map(|next| format!("\"service\": \"{service}{next}"));
        let before = format!(" {service}\"");
        [behind.to_vec(), vec![before]].concat()
    };
    let text = file("systems/apex_bench/golden.json");
    // One figure is of a release too.
    let periodic = "a release and PERIODIC_WAIT,";
    assert!(text.contains(periodic));
    assert_eq!(missing(&text, &[NOT_HERE], form), [""; 0]);
}

#[test]
fn each_service_is_called_where_a_stack_ends() {
    let form = |service: &str| {
        let name = service.to_lowercase();
        let port = name
            .strip_prefix("create_")
            .map(|of| of.trim_end_matches("_port"));
        // Ports are created by functions, there as in the initialisation.
        let by_function = port.map(|port| format!("drop({port}("));
        [
            vec![format!("APEX.{name}(")],
            by_function.into_iter().collect(),
        ]
        .concat()
    };
    let text = file("partitions/apex-conformity/src/bin/edge.rs");
    let calls = text.split_once("fn call(").unwrap().1;
    // Nobody goes on behind it.
    assert_eq!(missing(calls, &["STOP_SELF", NOT_HERE], form), [""; 0]);
}
