//! The instructions that the kernel leaves to the monitor: privileged ones that are rare, or concern a device.

use cofferdam_abi::guest::spr;

/// What an instruction comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// It wants to know which interrupt it is, in this register.
    Acknowledge(u32),
    /// It reads something that is always 0 into this register.
    ReadZero(u32),
    /// Nothing.
    Nothing,
    /// It does not exist.
    Illegal,
}

const MFSPR: u32 = 339;
const MTSPR: u32 = 467;

/// What Linux reads in passing on every member of the family: the machine check address (`MCARU`, `MCAR`), and the caches and power
/// states of later cores (`L1FINV0`, `L2CSR0`, `L2CSR1`, `PWRMGTCR0`).
const fn is_zero(special: u32) -> bool {
    matches!(special, 569 | 573 | 1016..=1019)
}

/// The timebase (`TBL`, `TBU`): it is the whole machine's, and no guest sets it.
const fn is_unwritable(special: u32) -> bool {
    matches!(special, 284..=285)
}

impl Instruction {
    /// What this instruction comes to.
    pub fn decode(instruction: u32) -> Self {
        if instruction >> 26 != 31 {
            return Self::Illegal;
        }
        let register = instruction >> 21 & 31;
        // Its halves stand the wrong way round.
        let special = instruction >> 16 & 31 | instruction >> 6 & 0x3e0;
        match instruction >> 1 & 0x3ff {
            MFSPR if special == spr::EPR => Self::Acknowledge(register),
            MFSPR if is_zero(special) => Self::ReadZero(register),
            MTSPR if is_zero(special) || is_unwritable(special) => Self::Nothing,
            // dcbtstls, dcbtls, icblc, dcblc, icbtls: a guest locks nothing in a cache that others use too.
            134 | 166 | 230 | 390 | 486 => Self::Nothing,
            _ => Self::Illegal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_external_proxy_acknowledges() {
        assert_eq!(
            Instruction::decode(0x7c7e_aaa6), // mfspr r3,702
            Instruction::Acknowledge(3)
        );
    }

    #[test]
    fn caches_are_nobodys_to_steer() {
        for instruction in [
            0x7c00_194c, // dcbtls 0,0,r3
            0x7c00_190c, // dcbtstls 0,0,r3
            0x7c00_1b0c, // dcblc 0,0,r3
            0x7c00_1bcc, // icbtls 0,0,r3
            0x7c00_19cc, // icblc 0,0,r3
            0x7c9c_43a6, // mtspr 284,r4
            0x7c9d_8ba6, // mtspr 573,r4
        ] {
            assert_eq!(
                Instruction::decode(instruction),
                Instruction::Nothing,
                "{instruction:#010x}"
            );
        }
        assert_eq!(
            Instruction::decode(0x7c9d_8aa6), // mfspr r4,573
            Instruction::ReadZero(4)
        );
    }

    #[test]
    fn the_rest_does_not_exist() {
        for instruction in [
            0x7c7e_aba6, // mtspr 702,r3
            0x7c96_0ba6, // mtspr 54,r4
            0x7c00_1824, // tlbilx 0,0,r3
            0x4c00_0064, // rfi
            0,
        ] {
            assert_eq!(
                Instruction::decode(instruction),
                Instruction::Illegal,
                "{instruction:#010x}"
            );
        }
    }
}
