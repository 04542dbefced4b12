//! A short slice of each campaign. The long ones are `cargo xtask soak`.

use cofferdam_fuzz::{TARGETS, campaign};

fn slice(name: &str, cases: u64) {
    let target = campaign::target(name).expect("a target of this name");
    campaign::run(target, 0..cases);
}

#[test]
fn tables() {
    slice("tables", 3000);
}

#[test]
fn hypercalls() {
    slice("hypercalls", 200);
}

#[test]
fn messages() {
    slice("messages", 20_000);
}

#[test]
fn ring() {
    slice("ring", 3000);
}

#[test]
fn system() {
    slice("system", 1200);
}

#[test]
fn programs() {
    slice("programs", 2000);
}

#[test]
fn prove() {
    slice("prove", 1500);
}

#[test]
fn events() {
    slice("events", 400);
}

#[test]
fn record() {
    slice("record", 1000);
}

#[test]
fn virtio() {
    slice("virtio", 10_000);
}

#[test]
fn network() {
    slice("network", 400);
}

#[test]
fn network_client() {
    slice("network_client", 4000);
}

#[test]
fn disk() {
    slice("disk", 2000);
}

#[test]
fn disk_client() {
    slice("disk_client", 10_000);
}

#[test]
fn queue() {
    slice("queue", 10_000);
}

#[test]
fn log() {
    slice("log", 2000);
}

#[test]
fn frames() {
    slice("frames", 2_000);
}

#[test]
fn http() {
    slice("http", 20_000);
}

#[test]
fn each_target_has_its_slice_its_campaign_and_its_libfuzzer_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read =
        |file: &str| std::fs::read_to_string(folder.join(file)).expect("a file of this crate");
    let (slices, binaries) = (read("tests/slices.rs"), read("libfuzzer/Cargo.toml"));
    let campaigns = read("../../tools/xtask/src/soak.rs");
    for target in TARGETS {
        let name = target.name;
        assert!(slices.contains(&format!("slice(\"{name}\"")), "{name}");
        assert!(campaigns.contains(&format!("    (\"{name}\", ")), "{name}");
        assert!(binaries.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
