//! The code that is generated for a partition.

mod common;

use cofferdam_compile::generate::module;
use common::*;

/// The lines that the partition's module has about something.
fn lines(partition: &str, about: &str) -> Vec<String> {
    let checked = checked(EVERYTHING);
    let text = module(&checked, checked.system.partition_index(partition).unwrap());
    let about = |line: &&str| line.contains(about);
    text.lines().filter(about).map(str::to_owned).collect()
}

#[test]
fn a_port_of_an_array_is_called_after_its_peer_and_found_by_it() {
    assert_eq!(
        lines("console", "LOGS"),
        [
            r#"port! { LOGS_FLIGHT: QueuingDestination<ipc::Bytes<96>> = "logs_flight", slot 3, line 4 }"#,
            r#"port! { LOGS_PLANT: QueuingDestination<ipc::Bytes<96>> = "logs_plant", slot 4, line 5 }"#,
            r#"ports! { LOGS: QueuingDestination<ipc::Bytes<96>> = "logs", [("plant", LOGS_PLANT), ("flight", LOGS_FLIGHT)] }"#,
        ]
    );
}

#[test]
fn a_ring_can_be_of_an_array() {
    let line = r#"ports! { BLOCKS: RingSource<ipc::Bytes<512>> = "blocks", [("console", BLOCKS_CONSOLE)] }"#;
    assert_eq!(lines("health", "ports!"), [line]);
}
