//! The crate `log`, as applications for `a653rs` use it: their messages become reports of the health monitor.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use cofferdam_apex_native::apex::ERROR_MESSAGE_BYTES;
use log::{LevelFilter, Log, Metadata, Record, SetLoggerError};

use crate::Services;

/// Reports what an application logs by `REPORT_APPLICATION_MESSAGE`, cut off at the longest message of that.
pub struct Logger<S, const PROCESSES: usize>(PhantomData<fn() -> S>);

impl<S: Services<PROCESSES>, const PROCESSES: usize> Logger<S, PROCESSES> {
    const LOGGER: &'static Self = &Self(PhantomData);

    /// What the application logs is reported from now on.
    ///
    /// # Errors
    /// There is a logger.
    pub fn install(level: LevelFilter) -> Result<(), SetLoggerError> {
        log::set_logger(Self::LOGGER)?;
        log::set_max_level(level);
        Ok(())
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> Log for Logger<S, PROCESSES> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut message = Message {
            bytes: [0; ERROR_MESSAGE_BYTES],
            length: 0,
        };
        // It never fails: what does not fit is left out.
        let _ = write!(message, "{} {}", record.level(), record.args());
        let bytes = message.bytes.get(..message.length).unwrap_or_default();
        // It is refused where it is empty or too long alone.
        let _ = S::apex().report_application_message(bytes);
    }

    fn flush(&self) {}
}

struct Message {
    bytes: [u8; ERROR_MESSAGE_BYTES],
    length: usize,
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.iter_mut().skip(self.length);
        self.length += room
            .zip(text.as_bytes())
            .map(|(into, byte)| *into = *byte)
            .count();
        Ok(())
    }
}
