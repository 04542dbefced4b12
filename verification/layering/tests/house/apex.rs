//! What is said twice of ARINC 653: limits, in `apex.h` and in the kernel's interface; and an application of another system, as it is there.

use std::collections::BTreeMap;
use std::fs;

use cofferdam_abi::limits;
use sha2::{Digest, Sha256};

use crate::tree::root;

/// The files of `ping`, with their digests by SHA-256 at the revision that `partitions/apex-ping/src/lib.rs` names.
const APPLICATION: [(&str, &str); 2] = [
    (
        "client.rs",
        "0556b3b545447abc77e8ca6261d902aa5a45fc8d6a13147b71556f76d37e958c",
    ),
    (
        "server.rs",
        "b62b7314f1cc8ed69a9768c6e0c9e2156cd137719c9d3b82e1e15b5f736139e4",
    ),
];

#[test]
fn the_application_of_another_system_is_unchanged() {
    for (file, expected) in APPLICATION {
        let path = root().join("partitions/apex-ping/application").join(file);
        let digest = Sha256::digest(fs::read(path).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected, "{file}");
    }
}

#[test]
fn the_limits_in_c_are_the_kernels() {
    let header = fs::read_to_string(root().join("personalities/apex-c/include/apex.h")).unwrap();
    let found: BTreeMap<_, usize> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define SYSTEM_LIMIT_"))
        .map(|line| {
            let (name, number) = line.split_once(' ').unwrap();
            (name, number.parse().unwrap())
        })
        .collect();
    // The numbers of processes and of queues are bytes, of which the marks for none, and the partition's own queue, take some: `APEX-PROCESSES`,
    // `APEX-POOLS`.
    let expected = [
        ("NUMBER_OF_PARTITIONS", limits::PARTITIONS),
        ("NUMBER_OF_MESSAGES", limits::QUEUE_DEPTH as usize),
        ("MESSAGE_SIZE", limits::MESSAGE_BYTES as usize),
        ("NUMBER_OF_PROCESSES", 254),
        ("NUMBER_OF_SAMPLING_PORTS", limits::CHANNELS),
        ("NUMBER_OF_QUEUING_PORTS", limits::CHANNELS),
        ("NUMBER_OF_BUFFERS", 255),
        ("NUMBER_OF_BLACKBOARDS", 255),
        ("NUMBER_OF_SEMAPHORES", 255),
        ("NUMBER_OF_EVENTS", 255),
        ("NUMBER_OF_MUTEXES", 255),
    ];
    assert_eq!(found, BTreeMap::from(expected));
}
