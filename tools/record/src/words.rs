//! Exceptions of the core, in words.

/// The interrupt with this IVOR number (e500 core reference manual, table 5-2).
pub fn exception(number: u32) -> &'static str {
    match number {
        0 => "critical input",
        1 => "machine check",
        2 => "data storage: an access without the right",
        3 => "instruction storage: a fetch without the right",
        4 => "external input",
        5 => "alignment",
        6 => "program: an illegal, privileged or trap instruction",
        7 => "floating-point unavailable",
        8 => "system call",
        9 => "auxiliary processor unavailable",
        10 => "decrementer",
        11 => "fixed-interval timer",
        12 => "watchdog",
        13 => "data TLB error: an access that nothing maps",
        14 => "instruction TLB error: a fetch that nothing maps",
        15 => "debug",
        32 => "SPE unavailable",
        33 => "SPE floating-point data",
        34 => "SPE floating-point round",
        35 => "performance monitor",
        _ => "unknown",
    }
}

/// Whether the data address says something about this interrupt.
pub fn has_data_address(number: u32) -> bool {
    matches!(number, 2 | 5 | 13)
}

/// The bits of the exception syndrome that are set (e500 core reference manual, section 2.7.2.4).
pub fn syndrome(esr: u32) -> Vec<&'static str> {
    const BITS: [(u32, &str); 8] = [
        (0x0800_0000, "illegal instruction"),
        (0x0400_0000, "privileged instruction"),
        (0x0200_0000, "trap"),
        (0x0080_0000, "store"),
        (0x0020_0000, "cache line locking, data"),
        (0x0010_0000, "cache line locking, instruction"),
        (0x0002_0000, "byte order"),
        (0x0000_0080, "SPE instruction"),
    ];
    BITS.iter()
        .filter(|(bit, _)| esr & bit != 0)
        .map(|(_, words)| *words)
        .collect()
}
