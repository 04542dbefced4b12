//! Where an instruction leads. Of all the others it only matters that they lead to the next one (EREF, chapter 4: the
//! branches, `rfi`, the trap instructions and the writes of MSR\[EE\] are all that change the flow of control).

use anyhow::{Result, bail};

/// The bytes of an instruction.
pub const SIZE: u32 = 4;

/// Where an instruction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// There: `b`, or a conditional branch whose condition always holds.
    Jump(u32),
    /// There, or to the next instruction.
    Branch(Condition, u32),
    /// To a function there, and then to the next instruction: `bl`.
    Call(u32),
    /// To a function whose address is in CTR, and then to the next instruction: `bctrl`.
    CallRegister,
    /// To an address in CTR: `bctr`.
    JumpRegister,
    /// Back to the caller: `blr`.
    Return,
    /// Back to the caller, or to the next instruction.
    ReturnIf(Condition),
    /// Back to the partition: `rfi`.
    ReturnFromInterrupt,
    /// To the next instruction, with interrupts enabled from there on: `mtmsr`, `wrtee`, `wrteei 1`.
    EnableInterrupts,
    /// To the next instruction, with interrupts disabled from there on: `wrteei 0`.
    DisableInterrupts,
    /// Nowhere: an unconditional trap, which a compiler puts where nothing comes.
    Nowhere,
}

/// When a branch is taken: its BO and BI fields (EREF, section 4.6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is tested.
    pub bo: u32,
    /// Which bit of CR.
    pub bi: u32,
}

impl Condition {
    const ALWAYS: u32 = 0b1_0100;

    fn is_always(self) -> bool {
        self.bo & Self::ALWAYS == Self::ALWAYS
    }
}

/// The bits of `word` from `first` to `last`, bit 0 being the highest.
pub fn bits(word: u32, first: u32, last: u32) -> u32 {
    (word >> (31 - last)) & (u32::MAX >> (31 - (last - first)))
}

/// Sign-extends the lowest `width` bits.
pub fn signed(value: u32, width: u32) -> u32 {
    let unused = 32 - width;
    (((value << unused) as i32) >> unused) as u32
}

/// Where the instruction `word` at `address` leads.
///
/// # Errors
/// It changes the flow of control in a way that the kernel is not known to use.
pub fn flow(address: u32, word: u32) -> Result<Flow> {
    let primary = bits(word, 0, 5);
    let extended = bits(word, 21, 30);
    let link = word & 1 != 0;
    let absolute = word & 2 != 0;
    let target = |offset: u32| {
        if absolute {
            offset
        } else {
            address.wrapping_add(offset)
        }
    };
    let condition = Condition {
        bo: bits(word, 6, 10),
        bi: bits(word, 11, 15),
    };
    Ok(match (primary, extended) {
        (18, _) => {
            let to = target(signed(word & 0x03ff_fffc, 26));
            if link { Flow::Call(to) } else { Flow::Jump(to) }
        }
        (16, _) if !link => {
            let to = target(signed(word & 0xfffc, 16));
            if condition.is_always() {
                Flow::Jump(to)
            } else {
                Flow::Branch(condition, to)
            }
        }
        (19, 16) if !link && condition.is_always() => Flow::Return,
        (19, 16) if !link => Flow::ReturnIf(condition),
        (19, 528) if condition.is_always() && link => Flow::CallRegister,
        (19, 528) if condition.is_always() => Flow::JumpRegister,
        (19, 50) => Flow::ReturnFromInterrupt,
        // `tw` and `twi` with all of TO set.
        (3, _) | (31, 4) if bits(word, 6, 10) == 31 => Flow::Nowhere,
        (31, 163) if bits(word, 16, 16) == 0 => Flow::DisableInterrupts,
        (31, 131 | 146 | 163) => Flow::EnableInterrupts,
        // `sc`, the other returns from interrupts, and branches that are conditional calls.
        (16 | 17, _) | (19, 16 | 38 | 39 | 51 | 528) => {
            bail!("{address:#x}: the instruction {word:#010x} is none that the analysis follows")
        }
        (0, _) => bail!("{address:#x}: {word:#010x} is no instruction"),
        _ => Flow::Next,
    })
}

/// How many registers an instruction moves between core and memory, and 1 for any other.
pub fn transfers(word: u32) -> u64 {
    match bits(word, 0, 5) {
        46 | 47 => u64::from(32 - bits(word, 6, 10)),
        _ => 1,
    }
}
