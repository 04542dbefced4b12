//! Byte streams over queuing channels of `bytes(N)`, with the traits of `embedded-io`.

use cofferdam_abi::Status;
use cofferdam_ipc::Bytes;
use embedded_io::{BufRead, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::{Error, QueuingDestination, QueuingSource, wait};

impl embedded_io::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(status) => match status {
                Status::NotPermitted | Status::NoCapability => ErrorKind::PermissionDenied,
                Status::TimedOut => ErrorKind::TimedOut,
                Status::Interrupted => ErrorKind::Interrupted,
                Status::PeerDown => ErrorKind::NotConnected,
                Status::PeerRestarted => ErrorKind::ConnectionReset,
                Status::Unimplemented => ErrorKind::Unsupported,
                Status::BadAddress | Status::Invalid => ErrorKind::InvalidInput,
                _ => ErrorKind::Other,
            },
            Self::Malformed(_) => ErrorKind::InvalidData,
            Self::Unencodable(_) => ErrorKind::InvalidInput,
            Self::Unknown(_) => ErrorKind::Other,
        }
    }
}

/// Reads the bytes of one message after another.
#[derive(Debug)]
pub struct Reader<'a, const N: usize> {
    port: &'a QueuingDestination<Bytes<N>>,
    message: Bytes<N>,
    taken: usize,
}

impl<'a, const N: usize> Reader<'a, N> {
    /// A stream from this port.
    pub const fn new(port: &'a QueuingDestination<Bytes<N>>) -> Self {
        Self {
            port,
            message: Bytes::new(),
            taken: 0,
        }
    }

    fn left(&self) -> &[u8] {
        self.message.get(self.taken..).unwrap_or_default()
    }

    /// Takes a message if the last one is used up. Says whether there are bytes now.
    fn refill(&mut self) -> Result<bool, Error> {
        while self.left().is_empty() {
            match self.port.receive()? {
                Some(received) => {
                    self.message = received.message;
                    self.taken = 0;
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl<const N: usize> ErrorType for Reader<'_, N> {
    type Error = Error;
}

impl<const N: usize> BufRead for Reader<'_, N> {
    fn fill_buf(&mut self) -> Result<&[u8], Error> {
        while !self.refill()? {
            wait(self.port.line());
        }
        Ok(self.left())
    }

    fn consume(&mut self, length: usize) {
        self.taken += length.min(self.left().len());
    }
}

impl<const N: usize> Read for Reader<'_, N> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let left = self.fill_buf()?;
        let length = left.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(left) {
            *to = *from;
        }
        self.consume(length);
        Ok(length)
    }
}

impl<const N: usize> ReadReady for Reader<'_, N> {
    fn read_ready(&mut self) -> Result<bool, Error> {
        self.refill()
    }
}

/// Writes bytes as messages.
#[derive(Debug)]
pub struct Writer<'a, const N: usize> {
    port: &'a QueuingSource<Bytes<N>>,
}

impl<'a, const N: usize> Writer<'a, N> {
    /// A stream to this port.
    pub const fn new(port: &'a QueuingSource<Bytes<N>>) -> Self {
        Self { port }
    }
}

impl<const N: usize> ErrorType for Writer<'_, N> {
    type Error = Error;
}

impl<const N: usize> Write for Writer<'_, N> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let length = bytes.len().min(N);
        let message = Bytes::try_from(bytes.get(..length).unwrap_or_default()).unwrap_or_default();
        if length == 0 {
            return Ok(0);
        }
        loop {
            match self.port.send(&message) {
                Err(Error::Refused(Status::Again)) => wait(self.port.line()),
                result => return result.map(|()| length),
            };
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl<const N: usize> WriteReady for Writer<'_, N> {
    fn write_ready(&mut self) -> Result<bool, Error> {
        let summary = self.port.summary()?;
        Ok(summary.held < summary.depth)
    }
}
