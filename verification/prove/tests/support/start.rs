//! A kernel made by hand, whose start makes the map that a kernel's makes.

const TEXT: u32 = 0x0010_0000;
const VALID: u32 = 0xc000_0400;

/// The words of the start, from [`TEXT`] on.
pub fn start() -> Vec<u8> {
    let mut words = Vec::new();
    let entries = [
        (TEXT, 0x11),
        (0x0014_0000, 0x01),
        (0x0020_0000, 0x05),
        (0x0024_0000, 0x05),
    ];
    for place in 0..16 {
        let entry = entries.get(place).copied();
        let [mas1, mas2, mas3] = entry.map_or([0; 3], |(at, rights)| [VALID, at | 4, at | rights]);
        for (register, value) in [
            (624, 0x1000_0000 | (place as u32) << 16),
            (625, mas1),
            (626, mas2),
            (627, mas3),
            (944, 0),
        ] {
            set(register, value, &mut words);
        }
        // isync, tlbwe, isync
        words.extend([0x4c00_012c, 0x7c00_07a4, 0x4c00_012c]);
    }
    set(1012, 4, &mut words);
    set(63, TEXT, &mut words);
    for vector in (400..416).chain(528..532) {
        set(vector, 0, &mut words);
    }
    // To the next instruction but one, with the kernel's machine state; then the stack, and on.
    let here = words.len() as u32 + 7;
    set(26, TEXT + 4 * here, &mut words);
    set(27, 0x1000, &mut words);
    words.extend([0x4c00_0064, 0x3c20_0021, 0x4800_0004, 0x4800_0000]);
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// `lis`, `ori`, `mtspr`.
fn set(register: u32, value: u32, words: &mut Vec<u32>) {
    let number = (register & 31) << 16 | (register >> 5) << 11;
    words.extend([
        0x3ca0_0000 | value >> 16,
        0x60a5_0000 | value & 0xffff,
        0x7ca0_03a6 | number,
    ]);
}
