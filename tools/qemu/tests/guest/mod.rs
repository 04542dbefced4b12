//! The smallest possible guests: a few hand-assembled words in an ELF file.

use std::path::PathBuf;

use cofferdam_qemu::{Boot, Machine, Serial};
use tempfile::TempDir;

/// Where the guest's code lies, as the kernel's would.
const ENTRY: u32 = 0x0010_0000;

/// Maps CCSR, the 1 MiB of device registers at physical F_E000_0000, at effective address E000_0000 by a second TLB1 entry.
#[rustfmt::skip]
pub const MAP_DEVICES: [u32; 18] = [
    0x3c60_1001, 0x7c70_9ba6, // lis r3, 0x1001; mtspr MAS0 (TLB1, entry 1)
    0x3c60_8000, 0x6063_0500, 0x7c71_9ba6, // r3 = 80000500; mtspr MAS1 (valid, 1 MiB)
    0x3c60_e000, 0x6063_000a, 0x7c72_9ba6, // r3 = e000000a; mtspr MAS2 (not cached, guarded)
    0x3c60_e000, 0x6063_0005, 0x7c73_9ba6, // r3 = e0000005; mtspr MAS3 (supervisor read, write)
    0x3860_000f, 0x7c70_eba6, // li r3, 15; mtspr MAS7
    0x7c00_07a4, 0x4c00_012c, // tlbwe; isync
    0x3c80_e00f, 0x6084_f000, // r4 = e00ff000 (GPIO)
    0x3ca0_8000, // lis r5, 0x8000
];

/// Switches the machine off by GPIO pin 0, after [`MAP_DEVICES`].
pub const SWITCH_OFF: [u32; 3] = [
    0x90a4_0000,
    0x90a4_0008, // stw r5, 0(r4); stw r5, 8(r4)
    0x4800_0000, // b .
];

/// A machine that runs `code`, and the folder that keeps it alive.
pub fn machine(code: &[u32], serial: Serial) -> (Machine, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = Machine {
        qemu: PathBuf::from("qemu-system-ppc"),
        boot: Boot::Image(elf(code)),
        memory_mib: 64,
        folder: folder.path().join("memory"),
        icount_shift: None,
        serial,
        devices: Vec::new(),
        drives: Vec::new(),
        networks: Vec::new(),
        plugin: None,
        paced: false,
        monitored: false,
        probed: None,
        debugger: None,
        replay: None,
        reboots: false,
    };
    (machine, folder)
}

/// A 32-bit big-endian PowerPC executable of one segment (System V ABI, chapters 4 and 5).
fn elf(code: &[u32]) -> Vec<u8> {
    const HEADER: u32 = 52;
    const PROGRAM_HEADER: u32 = 32;
    let halves = |bytes: &mut Vec<u8>, values: &[u16]| {
        values.iter().for_each(|v| bytes.extend(v.to_be_bytes()))
    };
    let words = |bytes: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|v| bytes.extend(v.to_be_bytes()))
    };
    let size = u32::try_from(code.len() * 4).expect("a small guest");
    let mut file = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
    halves(&mut file, &[2, 20]);
    words(&mut file, &[1, ENTRY, HEADER, 0, 0]);
    halves(&mut file, &[52, 32, 1, 0, 0, 0]);
    words(
        &mut file,
        &[1, HEADER + PROGRAM_HEADER, ENTRY, ENTRY, size, size, 5, 4],
    );
    words(&mut file, code);
    file
}
