//! The ends of call channels: request and reply.
//!
//! A short message travels in four registers, a longer one through memory; which of the two is settled by the types,
//! at build time. The kernel does not look into the registers, so that their first byte is the length.

use core::marker::PhantomData;

use cofferdam_abi::hypercall::{Hypercall, MESSAGE_WORDS};
use cofferdam_ipc::{DecodeError, Message};

use crate::channel::{end, receive, send};
use crate::hypercall::{Aligned, Results, call, call_plain};
use crate::{Error, Lines};

end! {
    /// Where requests `Q` are made and replies `R` come back.
    CallClient<Q, R>
}
end! {
    /// Where requests `Q` come in and replies `R` are given.
    CallServer<Q, R>
}

const REGISTER_BYTES: usize = MESSAGE_WORDS * 4;

/// The words of a message in registers: a byte that says its length, and the message.
type Words = [u32; MESSAGE_WORDS];

/// Whether the messages of a channel travel in registers.
const fn in_registers<Q: Message, R: Message>() -> bool {
    Q::MAX_SIZE < REGISTER_BYTES && R::MAX_SIZE < REGISTER_BYTES
}

fn to_words<T: Message>(message: &T) -> Result<Words, Error> {
    let mut bytes = [0; REGISTER_BYTES];
    let [length, wire @ ..] = &mut bytes;
    *length = cofferdam_ipc::encode(message, wire).map_err(Error::Unencodable)? as u8;
    let mut words = [0; MESSAGE_WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    Ok(words)
}

/// The message in the results of a call: r4 is the length of what is in memory, r5 to r8 are the words.
fn from_words<T: Message>(results: &Results) -> Result<T, Error> {
    let [_, words @ ..] = results;
    let mut bytes = [0; REGISTER_BYTES];
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    let [length, wire @ ..] = &bytes;
    let wire = wire
        .get(..usize::from(*length))
        .ok_or(Error::Malformed(DecodeError::TooLong))?;
    cofferdam_ipc::decode(wire).map_err(Error::Malformed)
}

impl<Q: Message, R: Message> CallClient<Q, R> {
    const SHORT: bool = in_registers::<Q, R>();

    /// Makes a request and waits for the reply, at most `time_out_ticks`; 0 stands for the channel's deadline.
    ///
    /// # Errors
    /// As the kernel answers: among others `TimedOut`, `PeerRestarted`, `PeerDown`, `OutOfWindow`.
    pub fn call(&self, request: &Q, time_out_ticks: u32) -> Result<R, Error> {
        if Self::SHORT {
            let [a, b, c, d] = to_words(request)?;
            let results = call_plain(Hypercall::Call, [self.slot, time_out_ticks, a, b, c, d])?;
            return from_words(&results);
        }
        let (mut out, mut back) = (Aligned(Q::EMPTY_BUFFER), Aligned(R::EMPTY_BUFFER));
        let length = cofferdam_ipc::encode(request, out.0.as_mut()).map_err(Error::Unencodable)?;
        let reply = back.0.as_mut();
        let arguments = [
            self.slot,
            time_out_ticks,
            out.0.as_ref().as_ptr() as u32,
            length as u32,
            reply.as_mut_ptr() as u32,
            reply.len() as u32,
        ];
        // SAFETY: the kernel reads `out` and writes `back` within their lengths, and only while this call waits: a reply
        // that comes after an interruption is collected, into memory that is named then.
        let results = unsafe { call(Hypercall::CallMessage, arguments) }?;
        let bytes = back
            .0
            .as_ref()
            .get(..results[0] as usize)
            .unwrap_or_default();
        cofferdam_ipc::decode(bytes).map_err(Error::Malformed)
    }

    /// Makes a request without waiting: [`CallClient::line`] is raised when the reply can be collected.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn submit(&self, request: &Q, time_out_ticks: u32) -> Result<(), Error> {
        const {
            assert!(
                Self::SHORT,
                "only messages of less than 16 bytes can be submitted"
            );
        }
        let [a, b, c, d] = to_words(request)?;
        call_plain(
            Hypercall::CallSubmit,
            [self.slot, time_out_ticks, a, b, c, d],
        )
        .map(drop)
    }

    /// Takes the reply to a request that was submitted, or whose wait was interrupted; `None` if it is not there yet.
    ///
    /// # Errors
    /// As for [`CallClient::call`].
    pub fn collect(&self) -> Result<Option<R>, Error> {
        let reply = if Self::SHORT {
            let results = call_plain(Hypercall::CallCollect, [self.slot, 0, 0, 0, 0, 0]);
            results.and_then(|results| from_words(&results))
        } else {
            receive(Hypercall::CallCollect, self.slot).map(|(reply, _)| reply)
        };
        Error::or_none(reply)
    }
}

impl<Q: Message, R: Message> CallServer<Q, R> {
    const SHORT: bool = in_registers::<Q, R>();

    fn request(&self, results: &Results) -> Result<Q, Error> {
        if Self::SHORT {
            from_words(results)
        } else {
            receive(Hypercall::ReadRequest, self.slot).map(|(request, _)| request)
        }
    }

    /// Takes the next request; `None` if there is none.
    ///
    /// # Errors
    /// As the kernel answers; [`Error::Malformed`], and the request still wants a reply then.
    pub fn receive(&self) -> Result<Option<Q>, Error> {
        let results = call_plain(Hypercall::Receive, [self.slot, 0, 0, 0, 0, 0]);
        Error::or_none(results.and_then(|results| self.request(&results)))
    }

    /// Answers the request taken last.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn reply(&self, reply: &R) -> Result<(), Error> {
        self.answer(Hypercall::Reply, reply).map(drop)
    }

    /// Answers the request taken last, and waits for the next one.
    ///
    /// # Errors
    /// As the kernel answers; [`Error::Malformed`], and that request still wants a reply then.
    pub fn reply_receive(&self, reply: &R) -> Result<Q, Error> {
        let results = self.answer(Hypercall::ReplyReceive, reply)?;
        self.request(&results)
    }

    fn answer(&self, hypercall: Hypercall, reply: &R) -> Result<Results, Error> {
        if Self::SHORT {
            let [a, b, c, d] = to_words(reply)?;
            return call_plain(hypercall, [self.slot, 0, a, b, c, d]);
        }
        let length = send(Hypercall::WriteReply, self.slot, reply)?;
        call_plain(hypercall, [self.slot, length, 0, 0, 0, 0])
    }
}
