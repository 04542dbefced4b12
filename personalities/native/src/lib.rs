//! Partitions in Rust.
