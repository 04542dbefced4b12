//! From the loader's state to Rust.
//!
//! The loader leaves one TLB1 entry over low memory with all rights, address space 0, interrupts off (ePAPR 1.1, section 5.4). Two
//! entries may not match one access, so the kernel's own cannot be written while running on the loader's: the
//! code goes to address space 1 on an entry of its own, makes the map of address space 0 anew, and comes back.

use cofferdam_abi::space::kernel;
use cofferdam_tables::mas::{
    MAS1_PROTECT, MAS1_SPACE_1, MAS1_VALID, MAS2_COHERENT, MAS3_SUPERVISOR_EXECUTE,
    MAS3_SUPERVISOR_READ, MAS3_SUPERVISOR_WRITE, mas0_tlb1,
};

const SIZE_256K: u32 = 4 << 8;
const VALID: u32 = MAS1_VALID | MAS1_PROTECT;
/// The entry used on the way: the last one.
const ON_THE_WAY: u32 = mas0_tlb1(15);

core::arch::global_asm!(
    r#"
    .macro LOAD register, value
    lis \register, (\value)@h
    ori \register, \register, (\value)@l
    .endm

    .macro ENTRY mas0, mas1, mas2, mas3
    LOAD 5, \mas0
    mtspr 624, 5
    LOAD 5, \mas1
    mtspr 625, 5
    LOAD 5, \mas2
    mtspr 626, 5
    LOAD 5, \mas3
    mtspr 627, 5
    li 5, 0
    mtspr 944, 5
    isync
    tlbwe
    isync
    .endm

    .section .start, "ax"
    .globl _start
_start:
    li 0, 0
    mtspr 48, 0
    mtspr 633, 0
    mtspr 634, 0
    mtspr 628, 0
    mtspr 1008, 0
    mtspr 340, 0
    mtspr 308, 0
# The same text in address space 1, then there.
    ENTRY {on_the_way}, {valid_space_1}, {text}, {text} + {execute}
    lis 5, 1f@ha
    addi 5, 5, 1f@l
    mtspr 26, 5
    li 6, 0x30
    mtspr 27, 6
    rfi
1:
# Every other entry of both arrays away, protected ones too.
    li 7, 15
    mtctr 7
    li 8, 0
2:  lis 5, 0x1000
    rlwimi 5, 8, 16, 12, 15
    mtspr 624, 5
    mtspr 625, 0
    mtspr 626, 0
    mtspr 627, 0
    isync
    tlbwe
    addi 8, 8, 1
    bdnz 2b
    li 5, 4
    mtspr 1012, 5
    isync
    ENTRY {entry_0}, {valid_256k}, {text} + {coherent}, {text} + {execute}
    ENTRY {entry_1}, {valid_256k}, {constants} + {coherent}, {constants} + {read}
    ENTRY {entry_2}, {valid_256k}, {data} + {coherent}, {data} + {write}
    ENTRY {entry_3}, {valid_256k}, {record} + {coherent}, {record} + {write}
    lis 5, 3f@ha
    addi 5, 5, 3f@l
    mtspr 26, 5
    li 6, 0x1000
    mtspr 27, 6
    rfi
3:
    ENTRY {on_the_way}, 0, 0, 0
# No static variable holds anything yet.
    lis 9, __bss_start@ha
    addi 9, 9, __bss_start@l
    lis 10, __bss_end@ha
    addi 10, 10, __bss_end@l
    li 16, 0
    li 17, 0
    li 18, 0
    li 19, 0
    li 20, 0
    li 21, 0
    li 22, 0
    li 23, 0
    li 24, 0
    li 25, 0
    li 26, 0
    li 27, 0
    li 28, 0
    li 29, 0
    li 30, 0
    li 31, 0
4:  stmw 16, 0(9)
    addi 9, 9, 64
    cmplw 9, 10
    blt 4b
# Vectors.
    lis 5, __vectors@h
    mtspr 63, 5
    .macro IVOR spr, number
    li 5, vector_\number@l
    mtspr \spr, 5
    .endm
    IVOR 400, 0
    IVOR 401, 1
    IVOR 402, 2
    IVOR 403, 3
    IVOR 404, 4
    IVOR 405, 5
    IVOR 406, 6
    IVOR 407, 7
    IVOR 408, 8
    IVOR 409, 9
    IVOR 410, 10
    IVOR 411, 11
    IVOR 412, 12
    IVOR 413, 13
    IVOR 414, 14
    IVOR 415, 15
    IVOR 528, 32
    IVOR 529, 33
    IVOR 530, 34
    IVOR 531, 35
    lis 5, nobodys_context@ha
    addi 5, 5, nobodys_context@l
    mtspr 272, 5
    lis 1, __stack_top@ha
    addi 1, 1, __stack_top@l
    li 0, 0
    stwu 0, -16(1)
    b kernel_start
    .text
    "#,
    on_the_way = const ON_THE_WAY,
    valid_space_1 = const MAS1_VALID | MAS1_SPACE_1 | SIZE_256K,
    valid_256k = const VALID | SIZE_256K,
    text = const kernel::TEXT,
    constants = const kernel::CONSTANTS,
    data = const kernel::DATA,
    record = const kernel::RECORD,
    coherent = const MAS2_COHERENT,
    execute = const MAS3_SUPERVISOR_READ | MAS3_SUPERVISOR_EXECUTE,
    read = const MAS3_SUPERVISOR_READ,
    write = const MAS3_SUPERVISOR_READ | MAS3_SUPERVISOR_WRITE,
    entry_0 = const mas0_tlb1(0),
    entry_1 = const mas0_tlb1(1),
    entry_2 = const mas0_tlb1(2),
    entry_3 = const mas0_tlb1(3),
);
