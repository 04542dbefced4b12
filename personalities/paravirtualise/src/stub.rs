//! Stubs: a few instructions each, that stand in for one which changes whether interrupts are enabled.
//!
//! A stub works in one general register, which it keeps in a word of the register page meanwhile. There is one such word, and that is enough: no
//! interrupt is delivered while the guest is in a stub. An enabling stub looks whether something waits for the bit that it
//! set, and traps if so; the kernel finishes the stub and delivers. So nothing is lost between the look and the return.
//!
//! A stub for `mtmsr` serves what a handler of an exception does: the state that it sets has interrupts disabled, and the level and the address
//! spaces of the one that there is. It traps otherwise, and the kernel carries the instruction out.

use cofferdam_abi::guest::stub::{BRANCH, CHECK, ENABLING_BYTES, RESTORE, STATE_BYTES, TRAP};
use cofferdam_abi::guest::{ASKS, MSR, SCRATCH};

use crate::instruction::{Privileged, branch, load, store};

/// The bytes of a stub that disables interrupts.
const DISABLING_BYTES: u32 = 24;

/// The two registers of which a stub works in one: the other may be what its instruction takes.
const WORK: u32 = 12;
const WORK_TOO: u32 = 11;

/// The bytes of the stub for an instruction, if one may stand in for it.
pub(crate) fn bytes(instruction: Privileged) -> Option<u32> {
    match instruction {
        Privileged::Disable => Some(DISABLING_BYTES),
        Privileged::TakeState { .. } => Some(STATE_BYTES),
        Privileged::Enable | Privileged::TakeEnable { .. } => Some(ENABLING_BYTES),
        _ => None,
    }
}

/// Whether interrupts may be enabled behind the stub for an instruction.
pub(crate) fn enables(instruction: Privileged) -> bool {
    matches!(
        instruction,
        Privileged::Enable | Privileged::TakeEnable { .. }
    )
}

/// The stub at an address for an instruction at another; `None` if there is none, or they are too far apart.
pub(crate) fn stub(instruction: Privileged, at: u32, site: u32) -> Option<Vec<u32>> {
    let work = match instruction {
        Privileged::TakeEnable { source: WORK } | Privileged::TakeState { source: WORK } => {
            WORK_TOO
        }
        _ => WORK,
    };
    // twnei work,0.
    let trap = 3 << 26 | 24 << 21 | work << 16;
    // rlwimi work,source,0,16,16: MSR[EE] alone.
    let insert = |source: u32| 20 << 26 | source << 21 | work << 16 | 16 << 6 | 16 << 1;
    if let Privileged::TakeState { source } = instruction {
        return Some(vec![
            store(work, SCRATCH),
            load(work, MSR),
            // xor work,work,source.
            31 << 26 | work << 21 | work << 16 | source << 11 | 316 << 1,
            // rlwinm work,work,0,16,27: what matters.
            21 << 26 | work << 21 | work << 16 | 16 << 6 | 27 << 1,
            insert(source),
            trap,
            store(source, MSR),
            load(work, SCRATCH),
            branch(at + STATE_BYTES - 4, site + 4)?,
        ]);
    }
    let changed = match instruction {
        // rlwinm work,work,0,17,15: all bits but MSR[EE].
        Privileged::Disable => 21 << 26 | work << 21 | work << 16 | 17 << 6 | 15 << 1,
        // ori work,work,MSR[EE].
        Privileged::Enable => 24 << 26 | work << 21 | work << 16 | 0x8000,
        Privileged::TakeEnable { source } => insert(source),
        _ => return None,
    };
    let mut words = vec![
        store(work, SCRATCH),
        load(work, MSR),
        changed,
        store(work, MSR),
    ];
    let back = match instruction {
        Privileged::Disable => {
            words.push(load(work, SCRATCH));
            at + DISABLING_BYTES - 4
        }
        _ => {
            debug_assert_eq!([CHECK, TRAP, RESTORE, BRANCH], [16, 20, 24, 28]);
            words.extend([load(work, ASKS), trap, load(work, SCRATCH)]);
            at + BRANCH
        }
    };
    words.push(branch(back, site + 4)?);
    Some(words)
}
