//! Arguments that hurt, by the type of the argument.
//!
//! The method is that of Ballista (Koopman and DeVale, "The exception handling effectiveness of POSIX operating
//! systems", 2000): not random numbers, but for each type the values at which implementations break.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::{page, space};

use crate::Own;

/// The type of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A capability slot.
    Slot,
    /// A capability slot and one, or 0.
    SlotAndOne,
    /// The address of a message.
    Address,
    /// A length in bytes.
    Length,
    /// A time, or a half of one.
    Time,
    /// Any number.
    Number,
    /// A kind of error: `application_error`, and none that one may raise. Others have actions that would end the attack.
    Kind,
    /// A change of a partition's life: none that exists, for those would end the attack.
    Change,
    /// Not looked at.
    Unused,
}

use Argument::{Address, Change, Kind, Length, Number, Slot, SlotAndOne, Time, Unused};

/// The arguments of a hypercall.
pub const fn signature(call: Hypercall) -> [Argument; 6] {
    const NONE: [Argument; 6] = [Unused; 6];
    const SLOT: [Argument; 6] = [Slot, Unused, Unused, Unused, Unused, Unused];
    const MESSAGE: [Argument; 6] = [Slot, Address, Length, Unused, Unused, Unused];
    const WORDS: [Argument; 6] = [Slot, Time, Number, Number, Unused, Unused];
    match call {
        Hypercall::Version
        | Hypercall::Deliver
        | Hypercall::ProcessorTime
        | Hypercall::Complete => NONE,
        Hypercall::Wait => [SlotAndOne, Unused, Unused, Unused, Unused, Unused],
        Hypercall::SetTimer => [Time, Time, Unused, Unused, Unused, Unused],
        Hypercall::Signal
        | Hypercall::ChannelStatus
        | Hypercall::Receive
        | Hypercall::InterruptAcknowledge
        | Hypercall::ScheduleStatus
        | Hypercall::PartitionStatus => SLOT,
        Hypercall::QueuingSend => [Slot, Address, Length, Number, Unused, Unused],
        Hypercall::SamplingWrite
        | Hypercall::SamplingRead
        | Hypercall::QueuingReceive
        | Hypercall::CallCollect
        | Hypercall::ReadRequest
        | Hypercall::WriteReply => MESSAGE,
        Hypercall::Call | Hypercall::CallSubmit => WORDS,
        Hypercall::Reply | Hypercall::ReplyReceive => {
            [Slot, Length, Number, Number, Unused, Unused]
        }
        Hypercall::CallMessage => [Slot, Time, Address, Length, Address, Length],
        Hypercall::ScheduleSet | Hypercall::PartitionControl => {
            [Slot, Number, Unused, Unused, Unused, Unused]
        }
        Hypercall::HealthRead => [Slot, Address, Unused, Unused, Unused, Unused],
        Hypercall::HealthRaise => [Number, Kind, Unused, Unused, Unused, Unused],
        Hypercall::SelfControl => [Change, Unused, Unused, Unused, Unused, Unused],
        Hypercall::GuestRun => NONE,
        Hypercall::GuestGet => [Number, Unused, Unused, Unused, Unused, Unused],
        Hypercall::Mark | Hypercall::GuestSet => [Number, Number, Unused, Unused, Unused, Unused],
    }
}

const NUMBERS: [u32; 8] = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX, 77];
const TIMES: [u32; 6] = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX];
const LENGTHS: [u32; 12] = [
    0,
    1,
    3,
    4,
    64,
    96,
    97,
    1024,
    1025,
    0x7fff_ffff,
    0xffff_fffc,
    u32::MAX,
];
const KINDS: [u32; 7] = [0, 8, 9, 12, 0x7fff_ffff, 0x8000_0000, u32::MAX];
const CHANGES: [u32; 5] = [3, 4, 0x7fff_ffff, 0x8000_0000, u32::MAX];
const ADDRESSES: usize = 18;

fn addresses(own: &Own) -> [u32; ADDRESSES] {
    [
        0,
        1,
        own.scratch,
        own.scratch + 1,
        own.scratch + 4,
        space::TEXT,
        space::CONSTANTS,
        // One word before its own data, and the last word of its memory.
        own.data.start - 4,
        own.data.end - 4,
        own.data.end,
        page::ADDRESS,
        u32::MAX - 3,
        u32::MAX,
        space::kernel::TEXT,
        space::kernel::DATA,
        space::kernel::END,
        space::kernel::RAM + space::kernel::END,
        space::DEVICES,
    ]
}

/// The arguments with which a hypercall is attacked, at most `limit` of the combinations, evenly spread.
#[derive(Clone, Debug)]
pub struct Combinations<'a> {
    own: &'a Own,
    arguments: [Argument; 6],
    total: u64,
    step: u64,
    next: u64,
}

impl<'a> Combinations<'a> {
    /// Those for this hypercall.
    pub fn new(own: &'a Own, call: Hypercall, limit: u64) -> Self {
        let arguments = signature(call);
        let total: u64 = arguments
            .iter()
            .map(|argument| choices(own, *argument) as u64)
            .product();
        Self {
            own,
            arguments,
            total,
            step: step(total, limit),
            next: 0,
        }
    }
}

/// The distance of the combinations that are taken: at least what the limit wants, and without a factor in common
/// with any list, so that it never falls into step with one.
fn step(total: u64, limit: u64) -> u64 {
    let mut step = total.div_ceil(limit);
    while greatest_common_divisor(step, total) != 1 {
        step += 1;
    }
    step
}

const fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

impl Iterator for Combinations<'_> {
    type Item = [u32; 6];

    fn next(&mut self) -> Option<[u32; 6]> {
        if self.next >= self.total {
            return None;
        }
        let mut place = self.next;
        self.next += self.step;
        Some(self.arguments.map(|argument| {
            let choices = choices(self.own, argument) as u64;
            let choice = (place % choices) as usize;
            place /= choices;
            value(self.own, argument, choice)
        }))
    }
}

/// A slot more than there are, and some far away.
const FAR_SLOTS: [u32; 5] = [255, 256, 0x7fff_ffff, 0x8000_0000, u32::MAX];

fn choices(own: &Own, argument: Argument) -> usize {
    match argument {
        Slot | SlotAndOne => own.slots as usize + 1 + FAR_SLOTS.len(),
        Address => ADDRESSES,
        Length => LENGTHS.len(),
        Time => TIMES.len(),
        Number => NUMBERS.len(),
        Kind => KINDS.len(),
        Change => CHANGES.len(),
        Unused => 1,
    }
}

fn value(own: &Own, argument: Argument, choice: usize) -> u32 {
    let of = |list: &[u32]| list.get(choice).copied().unwrap_or_default();
    match argument {
        Slot if choice as u32 <= own.slots => choice as u32,
        Slot => FAR_SLOTS
            .get(choice - own.slots as usize - 1)
            .copied()
            .unwrap_or_default(),
        SlotAndOne => value(own, Slot, choice).wrapping_add(1),
        Address => of(&addresses(own)),
        Length => of(&LENGTHS),
        Time => of(&TIMES),
        Number => of(&NUMBERS),
        Kind => of(&KINDS),
        Change => of(&CHANGES),
        Unused => 0,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeSet;

    use super::*;
    use crate::answer::tests::OWN;

    #[test]
    fn every_value_of_every_type_is_used() {
        let all: std::vec::Vec<_> =
            Combinations::new(&OWN, Hypercall::QueuingReceive, u64::MAX).collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), (4 + 6) * ADDRESSES * LENGTHS.len());
        assert_eq!(all.len(), distinct.len());
    }

    #[test]
    fn a_limit_holds_and_still_meets_every_value() {
        let some: std::vec::Vec<_> =
            Combinations::new(&OWN, Hypercall::CallMessage, 4096).collect();
        assert!(some.len() <= 4096 && some.len() > 2048);
        for (place, argument) in signature(Hypercall::CallMessage).into_iter().enumerate() {
            let seen: BTreeSet<_> = some.iter().map(|arguments| arguments[place]).collect();
            assert_eq!(seen.len(), choices(&OWN, argument), "argument {place}");
        }
    }

    #[test]
    fn the_attack_does_not_end_itself() {
        for arguments in Combinations::new(&OWN, Hypercall::SelfControl, u64::MAX) {
            assert!(arguments[0] > 2);
        }
    }
}
