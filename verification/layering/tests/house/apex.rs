//! What is said twice of ARINC 653: limits, in `apex.h` and in the kernel's interface, and constants, there and in other systems' headers; and an application of another system, as it is there.

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

/// Constants of `apex.h` that begin so, with their values as they stand there.
fn defined(prefix: &str) -> BTreeMap<String, String> {
    let header = fs::read_to_string(root().join("personalities/apex-c/include/apex.h")).unwrap();
    header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.strip_prefix(prefix))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['(', ')']).to_owned()))
        .collect()
}

#[test]
fn the_limits_in_c_are_the_kernels() {
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
    let expected = expected.map(|(name, number)| (name.to_owned(), number.to_string()));
    assert_eq!(defined("SYSTEM_LIMIT_"), expected.into());
}

/// The names and numbers of the public headers of other systems: the crate `a653rs` 0.6.1 has the identifiers of no process and no mutex, and the lengths.
#[test]
fn the_constants_in_c_are_those_of_public_headers() {
    let mut found = defined("");
    found.retain(|name, _| {
        !name.starts_with("SYSTEM_LIMIT_") && !name.starts_with("MAX_NUMBER_OF_")
    });
    let expected = [
        ("MAX_NAME_LENGTH", "32"),
        ("MIN_PRIORITY_VALUE", "1"),
        ("MAX_PRIORITY_VALUE", "239"),
        ("MIN_LOCK_LEVEL", "0"),
        ("MAX_LOCK_LEVEL", "16"),
        ("MAX_SEMAPHORE_VALUE", "32767"),
        ("MAX_ERROR_MESSAGE_SIZE", "128"),
        ("INFINITE_TIME_VALUE", "-1LL"),
        ("NULL_PROCESS_ID", "0"),
        ("MAIN_PROCESS_ID", "-1"),
        ("NO_MUTEX_OWNED", "-2"),
        ("PREEMPTION_LOCK_MUTEX", "-3"),
        ("CORE_AFFINITY_NO_PREFERENCE", "-1"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, expected.into());
    // Each limit of a number has a second name, but that of messages.
    let numbers = defined("SYSTEM_LIMIT_NUMBER_OF_").into_keys();
    let expected = numbers
        .filter(|kind| kind != "MESSAGES")
        .map(|kind| (kind.clone(), format!("SYSTEM_LIMIT_NUMBER_OF_{kind}")))
        .collect();
    assert_eq!(defined("MAX_NUMBER_OF_"), expected);
}
