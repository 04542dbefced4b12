//! How a case is written: calls with what they have to answer. What it expects and does not get is a panic with the call in it.

use cofferdam_apex::{ProcessState, ReturnCode, Runs};

use crate::call::{Answer, Call, ProcessAttributes, Value};
use crate::host::{PERIOD_NS, REFRESH_NS};
use crate::system::System;

/// The mode NORMAL.
pub const NORMAL: u32 = 3;
/// A time without end.
pub const INFINITE: i64 = -1;
/// A millisecond.
pub const MS: i64 = 1_000_000;

/// A case under way.
pub struct Script<'a> {
    /// The partition under test.
    pub system: &'a mut dyn System,
}

impl Script<'_> {
    /// Makes a call.
    pub fn call(&mut self, call: Call) -> Answer {
        let answer = self.system.call(call);
        assert!(self.system.is_consistent(), "inconsistent after {call:?}");
        answer
    }

    /// A call that has to succeed at once.
    pub fn ok(&mut self, call: Call) -> Value {
        match self.call(call) {
            Answer::Done(value) => value,
            other => panic!("{call:?} gave {other:?}"),
        }
    }

    /// The same, for what gives a number.
    pub fn number(&mut self, call: Call) -> i32 {
        match self.ok(call) {
            Value::Number(number) => number as i32,
            other => panic!("{call:?} gave {other:?}"),
        }
    }

    /// A call that has to be refused, with this code, and to change nothing.
    pub fn refused(&mut self, call: Call, code: ReturnCode) {
        let before = (self.system.running(), self.system.state());
        assert_eq!(self.call(call), Answer::Refused(code), "{call:?}");
        let after = (self.system.running(), self.system.state());
        assert_eq!(after, before, "{call:?}");
    }

    /// A call whose caller has to wait.
    pub fn waits(&mut self, call: Call) {
        assert_eq!(self.call(call), Answer::Waits, "{call:?}");
    }

    /// Whoever runs has waited, and that has to have ended well.
    pub fn collect(&mut self) -> Value {
        match self.system.collect() {
            Answer::Done(value) => value,
            other => panic!("a wait ended with {other:?}"),
        }
    }

    /// Whoever runs has waited, and that has to have ended with this code.
    pub fn collect_refused(&mut self, code: ReturnCode) {
        assert_eq!(self.system.collect(), Answer::Refused(code));
    }

    /// Time passes.
    pub fn pass(&mut self, nanoseconds: i64) {
        self.system.pass(nanoseconds as u64);
        assert!(self.system.is_consistent(), "inconsistent after time");
    }

    /// Passes time up to 1 tick before the next `nanoseconds` are over, and shows that nobody else runs; then the last tick.
    pub fn pass_exactly(&mut self, nanoseconds: i64, then: i32) {
        let before = self.system.running();
        self.pass(nanoseconds - 5);
        assert_eq!(self.system.running(), before, "too early");
        self.pass(5);
        self.runs(then);
    }

    /// Which process has to run.
    pub fn runs(&self, process: i32) {
        assert_eq!(self.running(), Some(process));
    }

    /// Which process runs.
    pub fn running(&self) -> Option<i32> {
        match self.system.running() {
            Runs::Process(process) => Some(process.0),
            _ => None,
        }
    }

    /// Nobody has to run.
    pub fn idle(&self) {
        assert_eq!(self.system.running(), Runs::Nobody);
    }

    /// The error handler has to run.
    pub fn handler_runs(&self) {
        assert_eq!(self.system.running(), Runs::ErrorHandler);
    }

    /// The state of a process.
    pub fn state(&mut self, process: i32) -> ProcessState {
        match self.ok(Call::GetProcessStatus { process }) {
            Value::Process(status) => status.state,
            other => panic!("{other:?}"),
        }
    }

    /// The current priority of a process.
    pub fn priority(&mut self, process: i32) -> i32 {
        match self.ok(Call::GetProcessStatus { process }) {
            Value::Process(status) => status.current_priority,
            other => panic!("{other:?}"),
        }
    }

    /// Creates an aperiodic process without a deadline.
    pub fn create(&mut self, name: &'static str, base_priority: i32) -> i32 {
        self.number(Call::CreateProcess {
            attributes: aperiodic(name, base_priority),
        })
    }

    /// The same, and starts it.
    pub fn start(&mut self, name: &'static str, base_priority: i32) -> i32 {
        let process = self.create(name, base_priority);
        self.ok(Call::Start { process });
        process
    }

    /// Creates and starts a periodic process of one partition period, with this time capacity.
    pub fn periodic(&mut self, name: &'static str, base_priority: i32, time_capacity: i64) -> i32 {
        let process = self.number(Call::CreateProcess {
            attributes: ProcessAttributes {
                period: PERIOD_NS as i64,
                time_capacity,
                ..aperiodic(name, base_priority)
            },
        });
        self.ok(Call::Start { process });
        process
    }

    /// Creates an error handler.
    pub fn handler(&mut self) {
        self.ok(Call::CreateErrorHandler {
            entry_point: 0x400,
            stack_bytes: 1000,
        });
    }

    /// The partition goes to NORMAL.
    pub fn normal(&mut self) {
        self.ok(Call::SetPartitionMode { mode: NORMAL });
    }

    /// One process of priority 10 that runs in NORMAL.
    pub fn one(&mut self) -> i32 {
        let process = self.start("one", 10);
        self.normal();
        self.runs(process);
        process
    }

    /// Two processes, of priorities 20 and 10; the first one runs in NORMAL.
    pub fn two(&mut self) -> (i32, i32) {
        let high = self.start("high", 20);
        let low = self.start("low", 10);
        self.normal();
        self.runs(high);
        (high, low)
    }

    /// In NORMAL with the error handler running, because a process of priority 10 raised an error. That process.
    pub fn in_handler(&mut self) -> i32 {
        self.handler();
        let process = self.one();
        self.ok(raise());
        self.handler_runs();
        process
    }

    /// The error handler takes out all errors and stops itself.
    pub fn leave_handler(&mut self) {
        self.handler_runs();
        while self.call(Call::GetErrorStatus) != Answer::Refused(ReturnCode::NoAction) {}
        self.ok(Call::StopSelf);
    }

    /// Creates a buffer of one message of 8 bytes.
    pub fn buffer(&mut self) -> i32 {
        self.number(buffer("buffer"))
    }

    /// Creates a semaphore of value 0 and maximum 2.
    pub fn semaphore(&mut self) -> i32 {
        self.number(semaphore("semaphore"))
    }

    /// Creates a mutex of priority 15.
    pub fn mutex(&mut self) -> i32 {
        self.number(mutex("mutex"))
    }

    /// Creates the port `s_in`, which is at place 1.
    pub fn sampling_in(&mut self) -> i32 {
        self.number(sampling("s_in", 1))
    }

    /// Creates the port `s_out`, which is at place 0.
    pub fn sampling_out(&mut self) -> i32 {
        self.number(sampling("s_out", 0))
    }

    /// Creates the port `q_in`, which is at place 1.
    pub fn queuing_in(&mut self) -> i32 {
        self.number(queuing("q_in", 1))
    }

    /// Creates the port `q_out`, which is at place 0.
    pub fn queuing_out(&mut self) -> i32 {
        self.number(queuing("q_out", 0))
    }
}

/// An aperiodic process without a deadline.
pub const fn aperiodic(name: &'static str, base_priority: i32) -> ProcessAttributes {
    ProcessAttributes {
        name,
        period: INFINITE,
        time_capacity: INFINITE,
        stack_bytes: 1000,
        base_priority,
    }
}

/// Creates a buffer of one message of 8 bytes.
pub const fn buffer(name: &'static str) -> Call {
    Call::CreateBuffer {
        name,
        message_bytes: 8,
        messages_max: 1,
        discipline: 0,
    }
}

/// Creates a semaphore of value 0 and maximum 2.
pub const fn semaphore(name: &'static str) -> Call {
    Call::CreateSemaphore {
        name,
        value: 0,
        maximum: 2,
        discipline: 0,
    }
}

/// Creates a mutex of priority 15.
pub const fn mutex(name: &'static str) -> Call {
    Call::CreateMutex {
        name,
        priority: 15,
        discipline: 0,
    }
}

/// Creates a blackboard for 8 bytes.
pub const fn blackboard(name: &'static str) -> Call {
    Call::CreateBlackboard {
        name,
        message_bytes: 8,
    }
}

/// Creates a sampling port as configured.
pub const fn sampling(name: &'static str, direction: u32) -> Call {
    Call::CreateSamplingPort {
        name,
        message_bytes: 8,
        direction,
        refresh: REFRESH_NS as i64,
    }
}

/// Creates a queuing port as configured.
pub const fn queuing(name: &'static str, direction: u32) -> Call {
    Call::CreateQueuingPort {
        name,
        message_bytes: 8,
        messages_max: 2,
        direction,
        discipline: 0,
    }
}

/// Raises an application error.
pub const fn raise() -> Call {
    Call::RaiseApplicationError {
        code: 1,
        message: b"why",
    }
}
