//! An application for ARINC 653 of another system is as it is there.

use std::fs;

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
