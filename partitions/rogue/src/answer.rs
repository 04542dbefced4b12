//! Which answers of the kernel would mean that isolation is broken.

use core::ops::Range;

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::{Status, page};

use crate::dictionary::{Argument, signature};

/// What belongs to the rogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its capability slots are numbered below this.
    pub slots: u32,
    /// Its text and its constants, which it may read.
    pub text: Range<u32>,
    /// See `text`.
    pub constants: Range<u32>,
    /// Its memory, which it may write.
    pub data: Range<u32>,
    /// The part of it that a hypercall may be given.
    pub scratch: u32,
}

/// Whether this call writes to the memory that an argument names.
const fn writes(call: Hypercall) -> bool {
    matches!(
        call,
        Hypercall::SamplingRead
            | Hypercall::QueuingReceive
            | Hypercall::ReadRequest
            | Hypercall::HealthRead
            | Hypercall::CallCollect
    )
}

/// Whether the kernel may have answered so: `answer` is r3 to r9.
///
/// A refusal must be one of the documented ones, and leave the other registers as they were: anything in them would be
/// somebody else's. A success must name nothing that is not the rogue's own.
pub fn judge_answer(own: &Own, call: Hypercall, arguments: &[u32; 6], answer: &[u32; 7]) -> bool {
    let [status, results @ ..] = answer;
    let Some(status) = Status::from_number(*status) else {
        return false;
    };
    let begun = matches!(
        status,
        Status::TimedOut | Status::PeerRestarted | Status::Interrupted
    );
    if begun {
        // A call that had begun ends with the caller's own words.
        return arguments[0] < own.slots;
    }
    if status != Status::Ok {
        let [_, given @ ..] = arguments;
        return results.iter().zip(given).all(|(now, before)| now == before) && answer[6] == 0;
    }
    let types = signature(call);
    types
        .into_iter()
        .zip(arguments)
        .all(|(argument, value)| match argument {
            Argument::Slot => *value < own.slots,
            Argument::SlotAndOne => *value <= own.slots,
            // A reply without bytes goes to no address.
            Argument::Address if call == Hypercall::CallCollect && results[0] == 0 => true,
            Argument::Address => {
                let page = page::ADDRESS..=u32::MAX;
                let writable = own.data.contains(value) || page.contains(value);
                let readable = own.text.contains(value) || own.constants.contains(value);
                writable || (readable && !writes(call))
            }
            _ => true,
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const OWN: Own = Own {
        slots: 4,
        text: 0x1000_0000..0x1000_8000,
        constants: 0x2000_0000..0x2000_2000,
        data: 0x3000_0000..0x3001_0000,
        scratch: 0x3000_4000,
    };

    const SEND: [u32; 6] = [1, 0x3000_4000, 64, 0, 0, 0];

    fn answer(status: u32, arguments: &[u32; 6]) -> [u32; 7] {
        let [_, b, c, d, e, f] = *arguments;
        [status, b, c, d, e, f, 0]
    }

    #[test]
    fn refusals_and_honest_successes_are_fine() {
        for status in Status::ALL {
            let answer = answer(status as u32, &SEND);
            assert!(judge_answer(&OWN, Hypercall::QueuingSend, &SEND, &answer));
        }
    }

    #[test]
    fn an_undocumented_answer_is_not() {
        let answer = answer(99, &SEND);
        assert!(!judge_answer(&OWN, Hypercall::QueuingSend, &SEND, &answer));
    }

    #[test]
    fn a_refusal_gives_nothing_away() {
        let mut answer = answer(Status::NoCapability as u32, &SEND);
        for place in 1..7 {
            answer[place] ^= 0x8000;
            assert!(!judge_answer(&OWN, Hypercall::QueuingSend, &SEND, &answer));
            answer[place] ^= 0x8000;
        }
    }

    #[test]
    fn a_success_with_what_belongs_to_others_is_a_breach() {
        let cases = [
            (Hypercall::QueuingSend, [4, 0x3000_4000, 4, 0, 0, 0]),
            (Hypercall::QueuingSend, [1, 0x0010_0000, 4, 0, 0, 0]),
            (Hypercall::QueuingReceive, [1, 0x1000_0000, 4, 0, 0, 0]),
            (Hypercall::Wait, [5, 0, 0, 0, 0, 0]),
        ];
        for (call, arguments) in cases {
            let answer = answer(0, &arguments);
            assert!(!judge_answer(&OWN, call, &arguments, &answer), "{call:?}");
        }
    }
}
