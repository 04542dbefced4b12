//! Instructions that a partition must not execute with effect, as words: an assembler would refuse some of them.
//!
//! Encodings: EREF, appendix A. r3 is the only register that any of them names.

use core::arch::asm;

/// Why an instruction is none for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Reads or changes the machine state.
    MachineState,
    /// Handles translations.
    Translation,
    /// Writes a special register.
    WriteSpecial,
    /// Reads a special register.
    ReadSpecial,
    /// Does not exist.
    Illegal,
    /// Floating point: the core has none.
    FloatingPoint,
    /// Signal processing on 64-bit registers: their upper halves are not switched between partitions, so nobody has it.
    /// (The scalar single-precision instructions use the lower halves alone, which are anybody's.)
    SignalProcessing,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What it is called.
    pub name: &'static str,
    /// Why it is here.
    pub sort: Sort,
    execute: fn(u32) -> u32,
}

impl Instruction {
    /// Executes it, with r3 preset; gives what r3 holds then.
    pub fn execute(&self, preset: u32) -> u32 {
        (self.execute)(preset)
    }
}

/// Executes the word.
fn execute<const WORD: u32>(preset: u32) -> u32 {
    let mut r3 = preset;
    // SAFETY: only the words of the table below come here. Each is privileged or does not exist, so that it ends in the
    // kernel, which goes on behind it; if it has an effect after all, isolation is broken.
    unsafe {
        asm!(
            ".long {word}",
            word = const WORD,
            inlateout("r3") r3,
            lateout("cr0") _, lateout("cr1") _, lateout("cr2") _, lateout("cr3") _, lateout("cr4") _, lateout("cr5") _, lateout("cr6") _, lateout("cr7") _, lateout("xer") _,
            options(nostack),
        );
    }
    r3
}

/// `mfspr r3, number`.
const fn read(number: u32) -> u32 {
    0x7c60_02a6 | (number & 0x1f) << 16 | (number >> 5) << 11
}

/// `mtspr number, r3`.
const fn write(number: u32) -> u32 {
    0x7c60_03a6 | (number & 0x1f) << 16 | (number >> 5) << 11
}

macro_rules! instructions {
    ($($sort:ident: $($name:literal = $word:expr),+;)+) => {
        &[$($(Instruction { name: $name, sort: Sort::$sort, execute: execute::<{ $word }> },)+)+]
    };
}

/// All of them.
pub fn table() -> &'static [Instruction] {
    const TABLE: &[Instruction] = instructions! {
        MachineState: "mfmsr" = 0x7c60_00a6, "mtmsr" = 0x7c60_0124, "wrtee" = 0x7c60_0106,
            "wrteei 0" = 0x7c00_0146, "wrteei 1" = 0x7c00_8146, "rfci" = 0x4c00_0066,
            "rfmci" = 0x4c00_004c, "dcbi" = 0x7c00_1bac;
        Translation: "tlbwe" = 0x7c00_07a4, "tlbre" = 0x7c00_0764, "tlbsx" = 0x7c00_1f24,
            "tlbivax" = 0x7c00_1e24, "tlbsync" = 0x7c00_046c;
        WriteSpecial: "mtspr PID0" = write(48), "mtspr PID1" = write(633), "mtspr PID2" = write(634),
            "mtspr MAS0" = write(624), "mtspr MAS1" = write(625), "mtspr MAS2" = write(626),
            "mtspr MAS3" = write(627), "mtspr MAS4" = write(628), "mtspr MAS6" = write(630),
            "mtspr MAS7" = write(944), "mtspr MMUCSR0" = write(1012),
            "mtspr DEC" = write(22), "mtspr DECAR" = write(54), "mtspr TCR" = write(340),
            "mtspr TSR" = write(336), "mtspr TBL" = write(284), "mtspr TBU" = write(285),
            "mtspr SRR0" = write(26), "mtspr SRR1" = write(27), "mtspr CSRR0" = write(58),
            "mtspr CSRR1" = write(59), "mtspr DEAR" = write(61), "mtspr ESR" = write(62),
            "mtspr IVPR" = write(63), "mtspr IVOR4" = write(404), "mtspr IVOR8" = write(408),
            "mtspr IVOR10" = write(410), "mtspr SPRG0" = write(272), "mtspr SPRG1" = write(273),
            "mtspr SPRG2" = write(274), "mtspr SPRG3" = write(275), "mtspr SPRG7" = write(279),
            "mtspr HID0" = write(1008), "mtspr HID1" = write(1009), "mtspr DBCR0" = write(308),
            "mtspr DBSR" = write(304), "mtspr L1CSR0" = write(1010), "mtspr L1CSR1" = write(1011);
        ReadSpecial: "mfspr PID0" = read(48), "mfspr MAS0" = read(624), "mfspr MAS3" = read(627),
            "mfspr DEC" = read(22), "mfspr TCR" = read(340), "mfspr TSR" = read(336),
            "mfspr SRR0" = read(26), "mfspr SRR1" = read(27), "mfspr DEAR" = read(61),
            "mfspr ESR" = read(62), "mfspr IVPR" = read(63), "mfspr SPRG0" = read(272),
            "mfspr SPRG1" = read(273), "mfspr SPRG2" = read(274), "mfspr HID0" = read(1008),
            "mfspr PIR" = read(286), "mfspr PVR" = read(287), "mfspr DBCR0" = read(308);
        Illegal: "an empty word" = 0, "attn" = 0x0000_0200, "hrfid" = 0x4c00_0224,
            "slbia" = 0x7c00_03e4, "ld" = 0xe863_0000, "tlbia" = 0x7c00_02e4, "wait" = 0x7c00_007c;
        FloatingPoint: "fadd" = 0xfc21_082a, "lfd" = 0xc823_0000, "stfd" = 0xd823_0000,
            "mffs" = 0xfc20_048e;
        SignalProcessing: "evxor" = 0x1063_1a16, "evaddw" = 0x1063_1a00, "evldd" = 0x1063_0301,
            "efdadd" = 0x1063_1ae0;
    };
    TABLE
}
