//! Errors of processes, the error handler, and what goes up to the partition's level.
//!
//! An error that a process causes goes to the error handler, if the partition has one, is in NORMAL, and the configuration leaves that
//! kind of error to it. Else it is an error of the partition, and the kernel's health monitor acts. So do errors in the error handler
//! itself, errors during initialisation, and errors that find the handler's queue full: none is lost.
//!
//! The handler is a process of its own, above all others: it preempts whoever runs, the preemption lock included. It begins anew
//! for each activation, takes errors out by `GET_ERROR_STATUS` until there are none, and stops itself. If it stops with errors left, it is
//! activated again.
//!
//! A process that the machine caught at something (not a missed deadline, nor what it raises or reports itself) is **faulted**:
//! it would do the same again. The handler stops it, or resumes it when the cause is mended.

use crate::ProcessId;
use crate::code::{ReturnCode, require};
use crate::environment::{Environment, ErrorLevel, HealthAction};
use crate::limits::{Limits, Pool};
use crate::mode::OperatingMode;
use crate::partition::{Current, Partition, Runs};
use crate::process::ProcessIndex;

/// The longest message of an error (`MAX_ERROR_MESSAGE_SIZE`).
pub const ERROR_MESSAGE_BYTES: usize = 128;

/// How many kinds of errors there are.
pub(crate) const ERROR_CODES: usize = 8;

/// What went wrong (`ERROR_CODE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ErrorCode {
    /// A process was not done in time.
    DeadlineMissed = 0,
    /// The application said so.
    ApplicationError = 1,
    /// A division by zero or the like.
    NumericError = 2,
    /// An instruction or a request that is not allowed.
    IllegalRequest = 3,
    /// A stack is too small.
    StackOverflow = 4,
    /// An access to memory that is not allowed.
    MemoryViolation = 5,
    /// The hardware failed.
    HardwareFault = 6,
    /// The power goes.
    PowerFail = 7,
}

impl ErrorCode {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::DeadlineMissed),
            1 => Some(Self::ApplicationError),
            2 => Some(Self::NumericError),
            3 => Some(Self::IllegalRequest),
            4 => Some(Self::StackOverflow),
            5 => Some(Self::MemoryViolation),
            6 => Some(Self::HardwareFault),
            7 => Some(Self::PowerFail),
            _ => None,
        }
    }
}

/// Whether other processes run while the error handler does (`ERROR_HANDLER_CONCURRENCY_CONTROL_TYPE`). On one core they never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Concurrency {
    /// They pause.
    ProcessesPause = 0,
    /// They run on other cores.
    ProcessesScheduled = 1,
}

impl Concurrency {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::ProcessesPause),
            1 => Some(Self::ProcessesScheduled),
            _ => None,
        }
    }
}

/// The answer of `GET_ERROR_STATUS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorStatus {
    /// What went wrong.
    pub code: ErrorCode,
    /// Whose error it is.
    pub process: ProcessId,
    /// The instruction, or the data address of a memory violation or an overflow of the stack.
    pub address: usize,
    message: [u8; ERROR_MESSAGE_BYTES],
    length: u8,
}

impl ErrorStatus {
    /// What the application said.
    pub fn message(&self) -> &[u8] {
        self.message
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

/// An error at the level of the partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionError {
    /// What went wrong.
    pub code: ErrorCode,
    /// Who did it.
    pub by: Runs,
    /// As in [`ErrorStatus`].
    pub address: usize,
}

/// Where the machine caught somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failed {
    /// What it was.
    pub code: ErrorCode,
    /// As in [`ErrorStatus`].
    pub address: usize,
}

/// The error handler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handler<L: Limits> {
    /// Its entry point and the size of its stack.
    created: Option<(usize, u32)>,
    active: bool,
    activation: u32,
    errors: L::Errors,
    concurrency: Concurrency,
}

impl<L: Limits> Handler<L> {
    pub fn new() -> Self {
        Self {
            created: None,
            active: false,
            activation: 0,
            errors: L::Errors::default(),
            concurrency: Concurrency::ProcessesPause,
        }
    }

    pub const fn is_active(&self) -> bool {
        self.active
    }

    fn activate(&mut self) {
        self.active = true;
        self.activation = self.activation.wrapping_add(1);
    }

    /// Queues an error and sees that the handler runs. `false` if there is none, or no room.
    fn take(&mut self, error: ErrorStatus) -> bool {
        if self.created.is_none() || self.errors.add(error).is_none() {
            return false;
        }
        if !self.active {
            self.activate();
        }
        true
    }

    /// The handler has stopped itself.
    pub fn stop(&mut self) {
        self.active = false;
        if !self.errors.is_empty() {
            self.activate();
        }
    }
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `REPORT_APPLICATION_MESSAGE`.
    ///
    /// # Errors
    /// INVALID_PARAM: longer than [`ERROR_MESSAGE_BYTES`].
    pub fn report_application_message(&mut self, message: &[u8]) -> Result<(), ReturnCode> {
        require(
            message.len() <= ERROR_MESSAGE_BYTES,
            ReturnCode::InvalidParam,
        )?;
        self.environment.application_message(message);
        Ok(())
    }

    /// `CREATE_ERROR_HANDLER`.
    ///
    /// # Errors
    /// NO_ACTION: there is one. INVALID_CONFIG: the stack does not fit. INVALID_MODE: NORMAL.
    pub fn create_error_handler(
        &mut self,
        entry_point: usize,
        stack_bytes: u32,
    ) -> Result<(), ReturnCode> {
        require(self.handler.created.is_none(), ReturnCode::NoAction)?;
        require(
            (1..=self.facts.error_handler_stack_bytes).contains(&stack_bytes),
            ReturnCode::InvalidConfig,
        )?;
        self.require_initialisation()?;
        self.handler.created = Some((entry_point, stack_bytes));
        Ok(())
    }

    /// `CONFIGURE_ERROR_HANDLER`.
    ///
    /// # Errors
    /// INVALID_CONFIG: there is no handler, or no such core. INVALID_MODE: NORMAL.
    pub fn configure_error_handler(
        &mut self,
        concurrency: Concurrency,
        core: i32,
    ) -> Result<(), ReturnCode> {
        require(self.handler.created.is_some(), ReturnCode::InvalidConfig)?;
        require(core == 0, ReturnCode::InvalidConfig)?;
        self.require_initialisation()?;
        self.handler.concurrency = concurrency;
        Ok(())
    }

    /// `GET_ERROR_STATUS`: takes out the oldest error.
    ///
    /// # Errors
    /// INVALID_CONFIG: the caller is not the error handler. NO_ACTION: there is no error.
    pub fn get_error_status(&mut self) -> Result<ErrorStatus, ReturnCode> {
        require(
            self.current == Current::ErrorHandler,
            ReturnCode::InvalidConfig,
        )?;
        self.handler.errors.take_first().ok_or(ReturnCode::NoAction)
    }

    /// `RAISE_APPLICATION_ERROR`.
    ///
    /// # Errors
    /// INVALID_PARAM: the code is not that of an application error, or the message is longer than [`ERROR_MESSAGE_BYTES`].
    pub fn raise_application_error(
        &mut self,
        code: ErrorCode,
        message: &[u8],
    ) -> Result<(), ReturnCode> {
        require(
            message.len() <= ERROR_MESSAGE_BYTES,
            ReturnCode::InvalidParam,
        )?;
        require(
            code == ErrorCode::ApplicationError,
            ReturnCode::InvalidParam,
        )?;
        self.raise(self.calling_process(), code, 0, message);
        self.settle();
        Ok(())
    }

    /// The hardware failed, or its power goes, says somebody who can know: it is an error of the caller, which goes on unless a level says otherwise. The
    /// standard has no service for it, since there it is the health monitor that knows.
    ///
    /// # Errors
    /// INVALID_PARAM: it is neither HARDWARE_FAULT nor POWER_FAIL.
    pub fn report_fault(&mut self, code: ErrorCode, address: usize) -> Result<(), ReturnCode> {
        require(
            matches!(code, ErrorCode::HardwareFault | ErrorCode::PowerFail),
            ReturnCode::InvalidParam,
        )?;
        self.raise(self.calling_process(), code, address, &[]);
        self.settle();
        Ok(())
    }

    /// The entry point, the size of the stack and the number of activations of the error handler.
    pub fn error_handler(&self) -> Option<(usize, u32, u32)> {
        self.handler
            .created
            .map(|(entry_point, stack_bytes)| (entry_point, stack_bytes, self.handler.activation))
    }

    /// The machine caught whoever runs at something.
    pub fn fault(&mut self, failed: Failed) {
        let process = self.calling_process();
        if self.raise(process, failed.code, failed.address, &[])
            && let Some(process) = process
        {
            self.scheduler.fault(process);
        }
        self.settle();
    }

    /// The deadline of a process came, and it was not done.
    pub(crate) fn deadline_missed(&mut self, process: ProcessIndex) {
        self.raise(Some(process), ErrorCode::DeadlineMissed, 0, &[]);
    }

    /// Brings an error to its level. `true` if the error handler has it.
    fn raise(
        &mut self,
        process: Option<ProcessIndex>,
        code: ErrorCode,
        address: usize,
        message: &[u8],
    ) -> bool {
        let by_level = self.facts.error_levels[code as usize] == ErrorLevel::Process;
        if let Some(process) = process
            && self.mode == OperatingMode::Normal
            && by_level
        {
            let mut status = ErrorStatus {
                code,
                process: process.identifier(),
                address,
                message: [0; ERROR_MESSAGE_BYTES],
                length: message.len().min(ERROR_MESSAGE_BYTES) as u8,
            };
            for (into, byte) in status.message.iter_mut().zip(message) {
                *into = *byte;
            }
            if self.handler.take(status) {
                return true;
            }
        }
        let error = PartitionError {
            code,
            by: match process {
                Some(process) => Runs::Process(process.identifier()),
                None => self.running(),
            },
            address,
        };
        if let HealthAction::End(mode) = self.environment.partition_error(&error) {
            self.end(mode);
        }
        false
    }
}
