//! Where a kernel has its page tables, and whether they are as cofferdam's kernel walks them.
//!
//! Linux has several formats of page tables for this processor, by its configuration. Which one a kernel has, and where, is in its handlers of
//! misses (`head_85xx.S`), which are compared word for word with what they are for the format that is known:
//!
//! * the first level has an entry of 8 bytes for each 2 MiB; its second word is the effective address of a page of the second level, or 0;
//! * the second level has an entry of 8 bytes for each 4 KiB, as one number of 64 bits: bit 0 present, bits 2 to 7 the rights
//!   of MAS3 in its order, bit 12 written, bit 18 accessed, bits 19 to 23 the attributes of MAS2, the physical page's number from
//!   bit 24 on (`arch/powerpc/include/asm/nohash/pte-e500.h`);
//! * kernel addresses are looked up in `swapper_pg_dir`, the others in a table to which a word behind SPRG3 points.

use crate::kernel::Kernel;

/// Where the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    /// The first level for kernel addresses.
    pub(crate) kernel: u32,
    /// How far behind where SPRG3 points the address of the first level for others is.
    pub(crate) process: u32,
}

/// A word of a handler: what it is under a mask.
type Word = (u32, u32);

const fn exactly(word: u32) -> Word {
    (word, u32::MAX)
}

/// An instruction with an immediate value, whatever that is.
const fn any_immediate(word: u32) -> Word {
    (word, 0xffff_0000)
}

/// Where the miss was: DEAR or SRR0, in r13.
const DATA_ADDRESS: Word = exactly(0x7dbd_0aa6); // mfspr r13,DEAR
const CODE_ADDRESS: Word = exactly(0x7dba_02a6); // mfspr r13,SRR0

/// Up to the address of the kernel's table; how far it is to the other branch differs.
const WHOSE: [Word; 8] = [
    exactly(0x3d60_c000),       // lis r11,0xc000
    exactly(0x7e8d_5840),       // cmplw cr5,r13,r11
    any_immediate(0x4194_0000), // blt cr5,the process's
    any_immediate(0x3d60_0000), // lis r11,swapper_pg_dir@h
    any_immediate(0x616b_0000), // ori r11,r11,swapper_pg_dir@l
    exactly(0x7d91_9aa6),       // mfspr r12,MAS1
    exactly(0x558c_0402),       // rlwinm r12,r12,0,16,1
    exactly(0x7d91_9ba6),       // mtspr MAS1,r12
];
/// The process's table.
const PROCESS: [Word; 2] = [
    exactly(0x7d73_42a6),       // mfspr r11,SPRG3
    any_immediate(0x816b_0000), // lwz r11,PGDIR(r11)
];
/// The walk.
const WALK: [Word; 7] = [
    exactly(0x55ac_74b8),       // rlwinm r12,r13,14,18,28
    exactly(0x7d8b_6214),       // add r12,r11,r12
    exactly(0x816c_0004),       // lwz r11,4(r12)
    exactly(0x556c_0029),       // rlwinm. r12,r11,0,0,20
    any_immediate(0x4182_0000), // beq to where it gives up
    exactly(0x51ac_bd38),       // rlwimi r12,r13,23,20,28
    exactly(0x816c_0004),       // lwz r11,4(r12)
];
/// What an entry has to have, and the judgement.
const JUDGE: [Word; 4] = [
    exactly(0x7dad_5879),       // andc. r13,r13,r11
    exactly(0x81ac_0000),       // lwz r13,0(r12)
    exactly(0x4082_0008),       // bne to where it gives up
    (0x4800_0000, 0xfc00_0003), // b finish_tlb_load
];
/// The entry becomes one of the translation array.
const FINISH: [Word; 13] = [
    exactly(0x556c_f6be), // rlwinm r12,r11,30,26,31
    exactly(0x716a_1000), // andi. r10,r11,the page is written
    exactly(0x4082_000c), // bne past the next two
    exactly(0x3940_000c), // li r10,SW and UW
    exactly(0x7d8c_5078), // andc r12,r12,r10
    exactly(0x51ac_a016), // rlwimi r12,r13,20,0,11
    exactly(0x516c_a326), // rlwimi r12,r11,20,12,19
    exactly(0x7d93_9ba6), // mtspr MAS3,r12
    exactly(0x55aa_a33e), // rlwinm r10,r13,20,12,31
    exactly(0x7d50_eba6), // mtspr MAS7,r10
    exactly(0x7d92_9aa6), // mfspr r12,MAS2
    exactly(0x516c_6efe), // rlwimi r12,r11,13,27,31
    exactly(0x7d92_9ba6), // mtspr MAS2,r12
];
/// It is written.
const WRITE: Word = exactly(0x7c00_07a4); // tlbwe

/// What a right demands of an entry: present, accessed, and this.
const fn demands(right: u32) -> [Word; 2] {
    [
        exactly(0x39a0_0001 | right), // li r13,present and the right
        exactly(0x65ad_0004),         // oris r13,r13,accessed
    ]
}
const KERNEL_READS: [Word; 2] = demands(0x04);
const KERNEL_EXECUTES: [Word; 2] = demands(0x40);
const PROCESS_EXECUTES: [Word; 2] = demands(0x80);

/// How far into a handler the interesting part begins at most: before it are a few registers kept, and a flush.
const PROLOGUE_WORDS: u32 = 32;

/// Finds the tables, or says why cofferdam's kernel will not walk them.
pub(crate) fn tables(kernel: &Kernel) -> Result<Tables, String> {
    let data = data_miss(kernel).ok_or("DataTLBError is not the handler that is known")?;
    let code = code_miss(kernel).ok_or("InstructionTLBError is not the handler that is known")?;
    if data != code {
        return Err("the handlers of misses have different tables".to_owned());
    }
    let symbol = kernel.address("swapper_pg_dir");
    if symbol != Some(data.kernel) {
        return Err("the handlers of misses do not use swapper_pg_dir".to_owned());
    }
    let aligned = data.kernel & 0xfff == 0 && data.process & 3 == 0 && data.process < 0x8000;
    if kernel.linear != 0xc000_0000 || !aligned {
        return Err("its tables are not where they are expected".to_owned());
    }
    Ok(data)
}

/// Compares what follows with a pattern.
struct Reader<'kernel> {
    kernel: &'kernel Kernel,
    at: u32,
}

impl<'kernel> Reader<'kernel> {
    /// Behind the first word that reads where the miss was.
    fn behind(kernel: &'kernel Kernel, handler: &str, address: Word) -> Option<Self> {
        let start = kernel.address(handler)?;
        let mut places = (start..).step_by(4).take(PROLOGUE_WORDS as usize);
        let at = places.find(|at| kernel.word(*at).is_some_and(|word| is(word, address)))?;
        Some(Self { kernel, at: at + 4 })
    }

    /// Takes these words.
    fn take(&mut self, words: &[Word]) -> Option<()> {
        for expected in words {
            let word = self.kernel.word(self.at)?;
            is(word, *expected).then_some(())?;
            self.at += 4;
        }
        Some(())
    }

    /// The immediate value of a word that was taken, counted from the last.
    fn immediate(&self, back: u32) -> Option<u32> {
        Some(self.kernel.word(self.at - 4 * back)? & 0xffff)
    }

    /// Takes a branch, and goes where it leads.
    fn follow(&mut self) -> Option<()> {
        let word = self.kernel.word(self.at)?;
        self.at = crate::instruction::branch_target(self.at, word)?;
        Some(())
    }

    /// Takes the kernel's half of the choice of a table.
    fn kernels_table(&mut self) -> Option<u32> {
        self.take(&WHOSE)?;
        Some(self.immediate(5)? << 16 | self.immediate(4)?)
    }

    fn process_table(&mut self) -> Option<u32> {
        self.take(&PROCESS)?;
        self.immediate(1)
    }

    /// Where a process's half begins: where the third word of the choice leads.
    fn process_half(&self, choice: u32) -> Option<Self> {
        let branch = choice + 8;
        let at = crate::instruction::branch_target(branch, self.kernel.word(branch)?)?;
        let kernel = self.kernel;
        Some(Self { kernel, at })
    }

    /// Takes the judgement, and what it ends in.
    fn finish(&mut self) -> Option<()> {
        self.take(&JUDGE)?;
        self.at -= 4;
        self.follow()?;
        self.take(&FINISH)?;
        self.take(&[WRITE])
    }
}

fn is(word: u32, (expected, mask): Word) -> bool {
    word & mask == expected
}

/// Both halves choose, then both walk.
fn data_miss(kernel: &Kernel) -> Option<Tables> {
    let mut reader = Reader::behind(kernel, "DataTLBError", DATA_ADDRESS)?;
    let choice = reader.at;
    let table = reader.kernels_table()?;
    let mut half = reader.process_half(choice)?;
    let process = half.process_table()?;
    // The kernel's half leads to behind the other.
    reader.follow()?;
    (reader.at == half.at).then_some(())?;
    reader.take(&WALK)?;
    reader.take(&KERNEL_READS)?;
    reader.finish()?;
    Some(Tables {
        kernel: table,
        process,
    })
}

/// Each half chooses, walks and demands; they judge together.
fn code_miss(kernel: &Kernel) -> Option<Tables> {
    let mut reader = Reader::behind(kernel, "InstructionTLBError", CODE_ADDRESS)?;
    let choice = reader.at;
    let table = reader.kernels_table()?;
    reader.take(&WALK)?;
    reader.take(&KERNEL_EXECUTES)?;
    let mut half = reader.process_half(choice)?;
    let process = half.process_table()?;
    half.take(&WALK)?;
    half.take(&PROCESS_EXECUTES)?;
    reader.follow()?;
    (reader.at == half.at).then_some(())?;
    reader.finish()?;
    Some(Tables {
        kernel: table,
        process,
    })
}
