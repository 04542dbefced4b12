//! Each pointer of each service in C is tried as each address that is none: the prototypes of `apex.h` and `cofferdam.h`, against the steps by which a run of
//! `systems/apex_c/places.c` is judged.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The bits of a step (`systems/apex_c/places.c`) of a pointer that is read: five addresses of nothing, the end of a region, and the good place at an odd byte.
const READ: u32 = 0x07f;
/// Of one that is written, text and constants besides.
const WRITTEN: u32 = 0x1ff;

/// Addresses to which no service goes, so that any is taken: who begins there is caught there, and what is said to have failed is said.
const NOT_FOLLOWED: [(&str, &str); 2] = [
    ("CREATE_ERROR_HANDLER", "ENTRY_POINT"),
    ("COFFERDAM_REPORT_FAULT", "ADDRESS"),
];

fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(path).unwrap()
}

/// Both headers, without their comments.
fn headers() -> String {
    let mut text = String::new();
    for header in ["apex.h", "cofferdam.h"] {
        let whole = file(&format!("personalities/apex-c/include/{header}"));
        for (place, piece) in whole.split("/*").enumerate() {
            let code = match place {
                0 => piece,
                _ => piece.split_once("*/").unwrap().1,
            };
            text.push_str(code);
        }
    }
    text
}

/// Whether a parameter is an address: by its own star, or because its type is one.
fn is_pointer(declared: &str, headers: &str) -> bool {
    let (kind, _) = declared
        .rsplit_once(|end: char| end.is_whitespace())
        .unwrap();
    declared.contains('*')
        || headers.lines().any(|line| {
            let is_of_kind = line.starts_with("typedef")
                && line
                    .split(|end: char| !end.is_alphanumeric() && end != '_')
                    .any(|word| word == kind);
            let is_named_last = line.contains(&format!("{kind};"))
                || line.contains(&format!("{kind}["))
                || line.contains(&format!("(*{kind})"));
            is_of_kind && is_named_last && (line.contains('*') || line.contains('['))
        })
}

/// What services write by it.
fn is_written(service: &str, declared: &str) -> bool {
    match declared {
        "MESSAGE_ADDR_TYPE MESSAGE_ADDR" => {
            service.starts_with("READ_") || service.starts_with("RECEIVE_")
        }
        // The standard's own prototype has no `const` there.
        "PROCESS_ATTRIBUTE_TYPE *ATTRIBUTES" => false,
        _ => !declared.starts_with("const "),
    }
}

/// What has to be tried, by the name of its step.
fn declared() -> BTreeMap<String, u32> {
    let headers = headers();
    let mut all = BTreeMap::new();
    for prototype in headers.split("\nvoid ").skip(1) {
        let (service, rest) = prototype.split_once('(').unwrap();
        let (parameters, _) = rest.split_once(");").unwrap();
        for parameter in parameters.split(',').filter(|one| *one != "void") {
            let words: Vec<_> = parameter.split_whitespace().collect();
            let declared = words.join(" ");
            let name = words.last().unwrap().trim_start_matches('*');
            if !is_pointer(&declared, &headers) || NOT_FOLLOWED.contains(&(service, name)) {
                continue;
            }
            let bits = match is_written(service, &declared) {
                true => WRITTEN,
                false => READ,
            };
            all.insert(format!("{service}.{name}"), bits);
        }
    }
    all
}

/// What a run is judged by.
fn tried() -> BTreeMap<String, u32> {
    let text = file("systems/apex_c/expected/run.toml");
    let (_, rest) = text.split_once("[partition.places.steps]").unwrap();
    let steps = rest.split("\n[").next().unwrap();
    let steps = steps.lines().filter_map(|line| line.split_once('='));
    let steps = steps.filter_map(|(name, value)| {
        let bits = value.trim().strip_prefix("0x")?;
        let bits = u32::from_str_radix(bits, 16).unwrap();
        Some((name.trim().trim_matches('"').to_owned(), bits))
    });
    steps.collect()
}

#[test]
fn each_pointer_of_each_service_is_tried_as_each_address_that_is_none() {
    let declared = declared();
    let services = declared
        .keys()
        .filter(|name| name.ends_with(".RETURN_CODE"));
    // All but STOP_SELF, which has no parameters, and APERIODIC_WAIT_EVENT, which is not there; and one of our own.
    assert_eq!(services.count(), 70 - 2 + 7 + 1);
    for (service, address) in NOT_FOLLOWED {
        assert!(headers().contains(&format!("void {service}(")), "{address}");
    }
    let tried = tried();
    let missing: Vec<_> = declared
        .iter()
        .filter(|(name, bits)| tried.get(*name) != Some(bits))
        .map(|(name, bits)| format!("\"{name}\" = {bits:#x}"))
        .collect();
    assert!(missing.is_empty(), "not tried so:\n{}", missing.join("\n"));
    let unknown: Vec<_> = tried
        .keys()
        .filter(|name| !declared.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "no such pointer: {unknown:?}");
}
