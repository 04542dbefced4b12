//! The fixed head of the tables, and the checks that come before anything is believed.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Records;

/// "CFTB".
pub const MAGIC: u32 = 0x4346_5442;
/// The version of this format.
pub const VERSION: u16 = 2;

/// The head. All of it is covered by the CRC but the CRC itself.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// [`cofferdam_abi::ABI_VERSION`].
    pub abi_version: U16,
    /// The length of the records in bytes.
    pub length: U32,
    /// The number of records.
    pub count: U32,
    /// CRC-32 of the header before this field, and of the records.
    pub crc: U32,
}

/// What is wrong with tables as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// Fewer bytes than a header, or than the header says.
    Truncated,
    /// Not tables at all.
    Magic,
    /// A format that this reader does not know.
    Version(u16),
    /// Made for another ABI.
    Abi(u16),
    /// The bytes are not those that were written.
    Crc,
}

const CRC_OFFSET: usize = size_of::<Header>() - 4;

/// CRC-32 as in IEEE 802.3, going on from `crc` (0 to begin).
pub fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!crc, |crc, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        (crc >> 8) ^ CRC_TABLE[index as usize]
    })
}

/// The effect of one byte: kept in constants, so that a boot spends two loads a byte.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The header that fits these records.
pub fn seal(records: &[u8], count: u32) -> Header {
    let mut header = Header {
        magic: MAGIC.into(),
        version: VERSION.into(),
        abi_version: cofferdam_abi::ABI_VERSION.into(),
        length: (records.len() as u32).into(),
        count: count.into(),
        crc: 0.into(),
    };
    header.crc = crc32(crc32(0, &header.as_bytes()[..CRC_OFFSET]), records).into();
    header
}

/// Checks the head of `bytes`, which may be longer than the tables, and gives the records.
///
/// # Errors
/// [`HeaderError`]: nothing of the tables may be used then.
pub fn open(bytes: &[u8]) -> Result<(Header, Records<'_>), HeaderError> {
    let (header, rest) = Header::read_from_prefix(bytes).map_err(|_| HeaderError::Truncated)?;
    if header.magic != MAGIC {
        return Err(HeaderError::Magic);
    }
    if header.version != VERSION {
        return Err(HeaderError::Version(header.version.get()));
    }
    if header.abi_version != cofferdam_abi::ABI_VERSION {
        return Err(HeaderError::Abi(header.abi_version.get()));
    }
    let records = rest
        .get(..header.length.get() as usize)
        .ok_or(HeaderError::Truncated)?;
    let crc = crc32(0, header.as_bytes().get(..CRC_OFFSET).unwrap_or_default());
    if header.crc != crc32(crc, records) {
        return Err(HeaderError::Crc);
    }
    Ok((header, Records::new(records, header.count.get())))
}
