//! The keys of a partition with ARINC 653 services.

use super::{Key, Shape, optional, required};
use crate::apex::{PROCESS_ERRORS, SCHEDULE_CHANGES};

/// `apex` of a partition.
pub const APEX: &[Key] = &[
    optional(
        "identifier",
        Shape::Integer,
        "The partition's number in the module. Default: its place among the file's partitions, from 1.",
    ),
    required(
        "stacks",
        Shape::Sizes,
        "The stacks of processes: one for each process that can be created. It gets the smallest that is free and large enough. Each is whole \
         pages from 4K to 64K, with unmapped addresses below it; of each the services take about 2K.",
    ),
    optional(
        "error_handler_stack",
        Shape::Size,
        "The stack of the error handler. Default: none; then there can be no error handler.",
    ),
    optional(
        "exception_stack",
        Shape::Size,
        "The stack on which exceptions of processes are taken, those of a full stack among them. Default: 4K.",
    ),
    optional(
        "message",
        Shape::Size,
        "The longest message of buffers and blackboards. Messages of queuing ports count by themselves. Default: none.",
    ),
    optional(
        "storage",
        Shape::Size,
        "The memory for the messages of buffers and blackboards: for each its depth (of a blackboard 1) times 4 bytes more than its longest \
         message, that rounded up to 4. Default: none.",
    ),
    optional(
        "buffers",
        Shape::Integer,
        "How many buffers can be created. Default: 0.",
    ),
    optional(
        "blackboards",
        Shape::Integer,
        "How many blackboards can be created. Default: 0.",
    ),
    optional(
        "semaphores",
        Shape::Integer,
        "How many semaphores can be created. Default: 0.",
    ),
    optional(
        "events",
        Shape::Integer,
        "How many events can be created. Default: 0.",
    ),
    optional(
        "mutexes",
        Shape::Integer,
        "How many mutexes can be created. Default: 0.",
    ),
    optional(
        "error_queue",
        Shape::Integer,
        "How many errors can wait for the error handler; one more goes to the partition's level. Default: as many as there are `stacks`.",
    ),
    optional(
        "partition_errors",
        Shape::Choices(PROCESS_ERRORS),
        "The kinds of errors of processes that go to the partition's level at once, and not to the error handler. Default: none.",
    ),
    optional(
        "memory_blocks",
        Shape::Tables(MEMORY_BLOCK),
        "Blocks of memory that the partition finds by name. A cold start clears them, a warm start keeps them.",
    ),
    optional(
        "schedule_changes",
        Shape::Tables(SCHEDULE_CHANGE),
        "What the partition does at its first release in a schedule that has come into force. Of a schedule that is not named here: nothing.",
    ),
];

/// An entry of `schedule_changes`.
pub const SCHEDULE_CHANGE: &[Key] = &[
    required("schedule", Shape::Text, "The schedule's name."),
    required(
        "action",
        Shape::Choice(SCHEDULE_CHANGES),
        "`ignore`: it goes on. `restart_cold`, `restart_warm`: it begins a new life, as by SET_PARTITION_MODE.",
    ),
];

/// An entry of `memory_blocks`.
pub const MEMORY_BLOCK: &[Key] = &[
    required("name", Shape::Text, "Its name."),
    required("size", Shape::Size, "Its size: whole pages, at most 8M."),
];
