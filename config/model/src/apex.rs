//! What the file says about a partition with ARINC 653 services.

use crate::reader::Fields;
use crate::source::{Span, Spanned};

/// The kinds of errors of processes, in the order of the standard's error codes.
pub const PROCESS_ERRORS: &[&str] = &[
    "deadline_missed",
    "application_error",
    "numeric_error",
    "illegal_request",
    "stack_overflow",
    "memory_violation",
    "hardware_fault",
    "power_fail",
];

/// The size of the stack for exceptions, where the file says none.
const EXCEPTION_STACK_BYTES: u64 = 0x1000;

/// ARINC 653 services: how much of everything there is.
#[derive(Clone, Debug)]
pub struct Apex {
    /// Its table.
    pub span: Span,
    /// The partition's number in the module.
    pub identifier: Option<Spanned<u64>>,
    /// The stacks of processes.
    pub stacks: Spanned<Vec<Spanned<u64>>>,
    /// That of the error handler.
    pub error_handler_stack: Option<Spanned<u64>>,
    /// That of exceptions.
    pub exception_stack: Spanned<u64>,
    /// The longest message of buffers and blackboards.
    pub message_bytes: Option<Spanned<u64>>,
    /// The memory of their messages.
    pub storage_bytes: Option<Spanned<u64>>,
    /// How many there can be of each.
    pub buffers: Spanned<u64>,
    /// See [`Apex::buffers`].
    pub blackboards: Spanned<u64>,
    /// See [`Apex::buffers`].
    pub semaphores: Spanned<u64>,
    /// See [`Apex::buffers`].
    pub events: Spanned<u64>,
    /// See [`Apex::buffers`].
    pub mutexes: Spanned<u64>,
    /// How many errors can wait for the error handler.
    pub error_queue: Option<Spanned<u64>>,
    /// The kinds of errors that go to the partition's level: some of [`PROCESS_ERRORS`].
    pub partition_errors: Vec<Spanned<String>>,
    /// What it does when a schedule comes into force.
    pub schedule_changes: Vec<ScheduleChange>,
    /// Blocks of memory.
    pub memory_blocks: Vec<MemoryBlock>,
}

/// A block of memory.
#[derive(Clone, Debug)]
pub struct MemoryBlock {
    /// Its name.
    pub name: Spanned<String>,
    /// Its size.
    pub bytes: Spanned<u64>,
}

/// What a partition can do when a schedule comes into force.
pub const SCHEDULE_CHANGES: &[&str] = &["ignore", "restart_cold", "restart_warm"];

/// What a partition does when a schedule comes into force.
#[derive(Clone, Debug)]
pub struct ScheduleChange {
    /// The schedule.
    pub schedule: Spanned<String>,
    /// One of [`SCHEDULE_CHANGES`].
    pub action: Spanned<String>,
}

impl Apex {
    pub(crate) fn of(fields: &Fields, span: Span) -> Self {
        let count = |key| {
            let none = Spanned::new(0, span);
            fields.number(key).unwrap_or(none)
        };
        let block = |fields: &Fields| MemoryBlock {
            name: fields.required(fields.text("name")),
            bytes: fields.required(fields.number("size")),
        };
        let blocks = fields.tables("memory_blocks").unwrap_or_default().value;
        let change = |fields: &Fields| ScheduleChange {
            schedule: fields.required(fields.text("schedule")),
            action: fields.required(fields.text("action")),
        };
        let changes = fields.tables("schedule_changes").unwrap_or_default().value;
        let exception_stack = fields.number("exception_stack");
        Self {
            span,
            identifier: fields.number("identifier"),
            stacks: fields.required(fields.sizes("stacks")),
            error_handler_stack: fields.number("error_handler_stack"),
            exception_stack: exception_stack.unwrap_or(Spanned::new(EXCEPTION_STACK_BYTES, span)),
            message_bytes: fields.number("message"),
            storage_bytes: fields.number("storage"),
            buffers: count("buffers"),
            blackboards: count("blackboards"),
            semaphores: count("semaphores"),
            events: count("events"),
            mutexes: count("mutexes"),
            error_queue: fields.number("error_queue"),
            partition_errors: fields.texts("partition_errors").unwrap_or_default().value,
            schedule_changes: changes.iter().map(change).collect(),
            memory_blocks: blocks.iter().map(block).collect(),
        }
    }

    /// All stacks with their numbers, which fix their addresses: 0 for exceptions, 1 for the error handler, then the processes'.
    pub fn numbered_stacks(&self) -> impl Iterator<Item = (u32, &Spanned<u64>)> {
        let handler = self.error_handler_stack.iter().map(|stack| (1, stack));
        std::iter::once((0, &self.exception_stack))
            .chain(handler)
            .chain((2..).zip(&self.stacks.value))
    }

    /// How many errors can wait for the error handler.
    pub fn error_queue(&self) -> u64 {
        let as_processes = self.stacks.len() as u64;
        self.error_queue.as_ref().map_or(as_processes, |one| **one)
    }

    /// Whether the error handler hears of a kind of errors.
    pub fn is_for_handler(&self, error: &str) -> bool {
        !self.partition_errors.iter().any(|one| **one == *error)
    }
}
