//! The handlers of misses are recognised, and what differs from them in one bit is not.

use super::small::{BLR, BODY, Small, TABLES};
use crate::rewrite;

/// Linux 6.12, `head_85xx.S` with CONFIG_PTE_64BIT: `DataTLBError` from where it reads DEAR.
const DATA: [u32; 25] = [
    0x7dbd_0aa6,
    0x3d60_c000,
    0x7e8d_5840,
    0x4194_001c,
    0x3d60_c052,
    0x616b_f000,
    0x7d91_9aa6,
    0x558c_0402,
    0x7d91_9ba6,
    0x4800_000c,
    0x7d73_42a6,
    0x816b_0040,
    0x55ac_74b8,
    0x7d8b_6214,
    0x816c_0004,
    0x556c_0029,
    0x4182_0024,
    0x51ac_bd38,
    0x816c_0004,
    0x39a0_0005,
    0x65ad_0004,
    0x7dad_5879,
    0x81ac_0000,
    0x4082_0008,
    0x4800_12b0,
];
/// `InstructionTLBError` from where it reads SRR0.
const INSTRUCTION: [u32; 34] = [
    0x7dba_02a6,
    0x3d60_c000,
    0x7e8d_5840,
    0x4194_0040,
    0x3d60_c052,
    0x616b_f000,
    0x7d91_9aa6,
    0x558c_0402,
    0x7d91_9ba6,
    0x55ac_74b8,
    0x7d8b_6214,
    0x816c_0004,
    0x556c_0029,
    0x4182_0054,
    0x51ac_bd38,
    0x816c_0004,
    0x39a0_0041,
    0x65ad_0004,
    0x4800_0030,
    0x7d73_42a6,
    0x816b_0040,
    0x55ac_74b8,
    0x7d8b_6214,
    0x816c_0004,
    0x556c_0029,
    0x4182_0024,
    0x51ac_bd38,
    0x816c_0004,
    0x39a0_0081,
    0x65ad_0004,
    0x7dad_5879,
    0x81ac_0000,
    0x4082_0008,
    0x4800_11cc,
];
/// `finish_tlb_load`.
const FINISH: [u32; 14] = [
    0x556c_f6be,
    0x716a_1000,
    0x4082_000c,
    0x3940_000c,
    0x7d8c_5078,
    0x51ac_a016,
    0x516c_a326,
    0x7d93_9ba6,
    0x55aa_a33e,
    0x7d50_eba6,
    0x7d92_9aa6,
    0x516c_6efe,
    0x7d92_9ba6,
    0x7c00_07a4,
];

/// `swapper_pg_dir`, as the handlers have it, and where the pointer to a process's is behind where SPRG3 points.
const KERNEL_TABLE: u32 = TABLES;
const PROCESS_TABLE: u32 = 0x40;

const INSTRUCTION_AT: u32 = BODY + 4 * DATA.len() as u32;
const FINISH_AT: u32 = INSTRUCTION_AT + 4 * INSTRUCTION.len() as u32;

/// The handlers, one behind the other; the branches to their end lead there, and the kernel's table is where a small kernel has room.
fn handlers() -> Vec<u32> {
    let mut code: Vec<u32> = [&DATA[..], &INSTRUCTION, &FINISH, &[BLR]].concat();
    for (index, word) in code.iter_mut().enumerate() {
        if *word >> 26 == 18 && *word & 0x03ff_f000 == 0x1000 {
            let here = BODY + 4 * index as u32;
            *word = 18 << 26 | (FINISH_AT - here);
        }
        match *word {
            0x3d60_c052 => *word = 0x3d60_0000 | KERNEL_TABLE >> 16,
            0x616b_f000 => *word = 0x616b_0000 | KERNEL_TABLE & 0xffff,
            _ => {}
        }
    }
    code
}

fn tables(code: &[u32]) -> (u32, u32) {
    let small = Small::new(code)
        .label("DataTLBError", BODY)
        .label("InstructionTLBError", INSTRUCTION_AT)
        .label("swapper_pg_dir", KERNEL_TABLE);
    let own = rewrite(&small.elf()).map(|rewritten| rewritten.paravirtual);
    own.map_or((0, 0), |own| (own.kernel_table, own.process_table))
}

#[test]
fn the_known_handlers_say_where_the_tables_are() {
    assert_eq!(tables(&handlers()), (KERNEL_TABLE, PROCESS_TABLE));
}

#[test]
fn other_handlers_say_nothing() {
    let handlers = handlers();
    for index in 0..handlers.len() - 1 {
        let mut code = handlers.clone();
        code[index] ^= 1 << 26;
        assert_eq!(tables(&code), (0, 0), "word {index}");
    }
}

#[test]
fn a_right_that_is_demanded_otherwise_is_another_format() {
    let handlers = handlers();
    for right in [0x39a0_0005, 0x39a0_0041, 0x39a0_0081] {
        let mut code = handlers.clone();
        let place = code.iter().position(|word| *word == right);
        code[place.expect("it is in the handlers")] ^= 2;
        assert_eq!(tables(&code), (0, 0), "{right:#010x}");
    }
}
