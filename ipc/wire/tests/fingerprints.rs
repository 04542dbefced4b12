//! Whatever gives the bytes another meaning gives the type another fingerprint.

use std::collections::HashMap;

use cofferdam_ipc::{Bytes, Message};
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

/// Defines a `Sample` in a module of its own under one fixed name, and gives its fingerprint.
macro_rules! fingerprint {
    ($($definition:tt)*) => {{
        mod sample {
            #[allow(unused_imports, reason = "not every definition uses all of them")]
            use super::*;
            #[derive(Serialize, Deserialize, Message)]
            #[message(name = "Sample")]
            $($definition)*
        }
        <sample::Sample as Message>::FINGERPRINT
    }};
}

#[test]
fn any_change_of_the_definition_changes_it() {
    let definitions = [
        (
            "as it was",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                    b: u32,
                }
            ),
        ),
        (
            "order of fields",
            fingerprint!(
                pub struct Sample {
                    b: u32,
                    a: u32,
                }
            ),
        ),
        (
            "name of a field",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                    c: u32,
                }
            ),
        ),
        (
            "type of a field",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                    b: i32,
                }
            ),
        ),
        (
            "width of a field",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                    b: u64,
                }
            ),
        ),
        (
            "one field less",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                }
            ),
        ),
        (
            "no fields",
            fingerprint!(
                pub struct Sample;
            ),
        ),
        (
            "unnamed fields",
            fingerprint!(
                pub struct Sample(u32, u32);
            ),
        ),
        (
            "an optional field",
            fingerprint!(
                pub struct Sample {
                    a: u32,
                    b: Option<u32>,
                }
            ),
        ),
        (
            "an array",
            fingerprint!(
                pub struct Sample {
                    a: [u32; 2],
                }
            ),
        ),
        (
            "a longer array",
            fingerprint!(
                pub struct Sample {
                    a: [u32; 3],
                }
            ),
        ),
        (
            "a tuple",
            fingerprint!(
                pub struct Sample {
                    a: (u32, u32),
                }
            ),
        ),
        (
            "a list",
            fingerprint!(
                pub struct Sample {
                    a: Vec<u8, 8>,
                }
            ),
        ),
        (
            "capacity of a list",
            fingerprint!(
                pub struct Sample {
                    a: Vec<u8, 16>,
                }
            ),
        ),
        (
            "a text",
            fingerprint!(
                pub struct Sample {
                    a: String<8>,
                }
            ),
        ),
        (
            "capacity of a text",
            fingerprint!(
                pub struct Sample {
                    a: String<16>,
                }
            ),
        ),
        (
            "bytes",
            fingerprint!(
                pub struct Sample {
                    a: Bytes<8>,
                }
            ),
        ),
        (
            "capacity of bytes",
            fingerprint!(
                pub struct Sample {
                    a: Bytes<16>,
                }
            ),
        ),
        (
            "variants",
            fingerprint!(
                pub enum Sample {
                    A,
                    B,
                }
            ),
        ),
        (
            "order of variants",
            fingerprint!(
                pub enum Sample {
                    B,
                    A,
                }
            ),
        ),
        (
            "name of a variant",
            fingerprint!(
                pub enum Sample {
                    A,
                    C,
                }
            ),
        ),
        (
            "one variant more",
            fingerprint!(
                pub enum Sample {
                    A,
                    B,
                    C,
                }
            ),
        ),
        (
            "a variant with a field",
            fingerprint!(
                pub enum Sample {
                    A,
                    B(u8),
                }
            ),
        ),
        (
            "a variant with a named field",
            fingerprint!(
                pub enum Sample {
                    A,
                    B { c: u8 },
                }
            ),
        ),
        (
            "the field in the other variant",
            fingerprint!(
                pub enum Sample {
                    A(u8),
                    B,
                }
            ),
        ),
    ];
    let mut seen = HashMap::new();
    for (change, fingerprint) in definitions {
        if let Some(other) = seen.insert(fingerprint, change) {
            panic!("{change:?} has the fingerprint of {other:?}");
        }
    }
}

#[test]
fn types_of_one_shape_differ_by_name() {
    #[derive(Serialize, Deserialize, Message)]
    struct Degrees(i32);
    #[derive(Serialize, Deserialize, Message)]
    struct Radians(i32);
    assert_ne!(Degrees::FINGERPRINT, Radians::FINGERPRINT);
}

#[test]
fn a_change_deep_inside_reaches_the_top() {
    mod before {
        use super::*;
        #[derive(Serialize, Deserialize, Message)]
        #[message(name = "Inner")]
        pub struct Inner(u8);
        #[derive(Serialize, Deserialize, Message)]
        #[message(name = "Outer")]
        pub struct Outer(Option<[Inner; 2]>);
    }
    mod after {
        use super::*;
        #[derive(Serialize, Deserialize, Message)]
        #[message(name = "Inner")]
        pub struct Inner(i8);
        #[derive(Serialize, Deserialize, Message)]
        #[message(name = "Outer")]
        pub struct Outer(Option<[Inner; 2]>);
    }
    assert_ne!(before::Outer::FINGERPRINT, after::Outer::FINGERPRINT);
}

/// The number is part of what suppliers exchange: it changes only together with `WIRE_FORMAT`.
#[test]
fn fingerprints_stay_what_they_are() {
    assert_eq!(cofferdam_ipc::fingerprint::WIRE_FORMAT, 1);
    assert_eq!(cofferdam_ipc::bytes_fingerprint(64), 0x0b07_c8f1_cf80_ee30);
    assert_eq!(
        fingerprint!(
            pub struct Sample {
                a: u32,
                b: Bytes<64>,
            }
        ),
        0x320a_ae5f_5556_85b5
    );
}
