//! Rings in memory shared by exactly two partitions.
