//! Return codes.

/// The number of the return code of a service that succeeded, which is `Ok` in here.
pub const NO_ERROR: u32 = 0;

/// Why a service was refused, or ended without success. The numbers are the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum ReturnCode {
    /// The system's state is as asked already, or the request makes no sense in it.
    NoAction = 1,
    /// It cannot be had at once, and the caller does not want to wait.
    NotAvailable = 2,
    /// A parameter is wrong.
    InvalidParam = 3,
    /// The request does not fit the configuration.
    InvalidConfig = 4,
    /// The request does not fit the state of the partition or process.
    InvalidMode = 5,
    /// The time-out passed.
    TimedOut = 6,
}

impl ReturnCode {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoAction,
        Self::NotAvailable,
        Self::InvalidParam,
        Self::InvalidConfig,
        Self::InvalidMode,
        Self::TimedOut,
    ];

    /// The standard's number.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// `Ok` if it holds, else the code.
pub(crate) const fn require(holds: bool, otherwise: ReturnCode) -> Result<(), ReturnCode> {
    if holds { Ok(()) } else { Err(otherwise) }
}
