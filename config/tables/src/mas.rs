//! The words of a TLB entry, as the MAS registers take them.
//!
//! EREF, section 6.5.3 ("MMU assist registers"); the sizes and the two arrays are those of the e500 core
//! reference manual, section 12.3. The host computes these words for TLB1, so that the kernel only copies
//! them; the kernel computes them itself only for refills into TLB0.

/// MAS0: the array that an entry lies in, TLB1.
pub const MAS0_TLB1: u32 = 1 << 28;
/// MAS1: the entry is valid.
pub const MAS1_VALID: u32 = 1 << 31;
/// MAS1: the entry survives an invalidation of everything.
pub const MAS1_PROTECT: u32 = 1 << 30;
/// MAS1: the entry is of address space 1.
pub const MAS1_SPACE_1: u32 = 1 << 12;
/// MAS2: memory coherence required.
pub const MAS2_COHERENT: u32 = 0x4;
/// MAS2: caching inhibited and guarded, for devices.
pub const MAS2_DEVICE: u32 = 0x8 | 0x2;
/// MAS3: the right of user level to execute.
pub const MAS3_USER_EXECUTE: u32 = 0x20;
/// MAS3: the right of supervisor level to execute.
pub const MAS3_SUPERVISOR_EXECUTE: u32 = 0x10;
/// MAS3: the right of user level to write.
pub const MAS3_USER_WRITE: u32 = 0x08;
/// MAS3: the right of supervisor level to write.
pub const MAS3_SUPERVISOR_WRITE: u32 = 0x04;
/// MAS3: the right of user level to read.
pub const MAS3_USER_READ: u32 = 0x02;
/// MAS3: the right of supervisor level to read.
pub const MAS3_SUPERVISOR_READ: u32 = 0x01;

/// MAS0 for an entry of TLB1.
pub const fn mas0_tlb1(entry: u32) -> u32 {
    MAS0_TLB1 | (entry << 16)
}

/// MAS1 for a partition's entry: 4^`size_code` KiB, tagged with its PID, in address space 1.
pub const fn mas1_partition(pid: u8, size_code: u32) -> u32 {
    MAS1_VALID | ((pid as u32) << 16) | MAS1_SPACE_1 | (size_code << 8)
}

/// The user rights of MAS3 for a region's rights ([`crate::Rights`]). Supervisor level gets none: the kernel
/// reaches a partition's memory through its own mapping alone.
pub const fn mas3_rights(rights: crate::Rights) -> u32 {
    let mut word = 0;
    if rights.read() {
        word |= MAS3_USER_READ;
    }
    if rights.write() {
        word |= MAS3_USER_WRITE;
    }
    if rights.execute() {
        word |= MAS3_USER_EXECUTE;
    }
    word
}

/// Whether the words of an entry of TLB1 behind the first `kept` ones can do no harm to the kernel: invalid, or of a
/// partition, in address space 1, evictable, without rights for supervisor level, and not both writable and executable.
pub const fn is_partitions(entry: &crate::TlbWrite, kept: u32) -> bool {
    const SUPERVISOR: u32 = MAS3_SUPERVISOR_READ | MAS3_SUPERVISOR_WRITE | MAS3_SUPERVISOR_EXECUTE;
    const WRITE_EXECUTE: u32 = MAS3_USER_WRITE | MAS3_USER_EXECUTE;
    let place = entry.mas0 ^ MAS0_TLB1;
    let behind = place & !0x000f_0000 == 0 && place >> 16 >= kept;
    let valid_in_space_1 = MAS1_VALID | MAS1_SPACE_1;
    let tagged = entry.mas1 & 0x00ff_0000 != 0;
    let harmless = entry.mas1 & (valid_in_space_1 | MAS1_PROTECT) == valid_in_space_1
        && tagged
        && entry.mas3 & SUPERVISOR == 0
        && entry.mas3 & WRITE_EXECUTE != WRITE_EXECUTE;
    behind && (entry.mas1 == 0 || harmless)
}

/// The size in bytes of an entry of TLB1 with this code (1: 4 KiB, each step times four).
pub const fn size_bytes(size_code: u32) -> u64 {
    1024u64 << (2 * size_code)
}
