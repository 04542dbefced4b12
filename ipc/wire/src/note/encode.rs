//! Notes to bytes, in constants: the linker puts them in the ELF, no code runs.

use super::*;

/// A note under construction: an array that is filled front to back.
struct Writer<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
}

impl<const SIZE: usize> Writer<SIZE> {
    const fn new(note_type: u32, description_size: usize) -> Self {
        let owner = OWNER.as_bytes();
        let mut writer = Self {
            bytes: [0; SIZE],
            length: 0,
        }
        .put(&(owner.len() as u32 + 1).to_be_bytes())
        .put(&(description_size as u32).to_be_bytes())
        .put(&note_type.to_be_bytes())
        .put(owner);
        writer.length = HEADER_SIZE;
        writer
    }

    const fn put(mut self, bytes: &[u8]) -> Self {
        let mut i = 0;
        while i < bytes.len() {
            self.bytes[self.length] = bytes[i];
            self.length += 1;
            i += 1;
        }
        self
    }
}

impl PortNote {
    /// The whole ELF note, for a static in the section [`SECTION`], aligned to 4 bytes.
    pub const fn to_elf(&self) -> [u8; PORT_NOTE_SIZE] {
        Writer::<PORT_NOTE_SIZE>::new(TYPE_PORT, PORT_SIZE)
            .put(&self.slot.to_be_bytes())
            .put(&[self.kind as u8, self.direction as u8])
            .put(&self.max_size.to_be_bytes())
            .put(&self.reply_size.to_be_bytes())
            .put(&self.fingerprint.to_be_bytes())
            .put(&self.reply_fingerprint.to_be_bytes())
            .put(&self.name.0)
            .put(&self.type_name.0)
            .put(&self.reply_type_name.0)
            .bytes
    }
}

impl VersionNote {
    /// The whole ELF note, for a static in the section [`SECTION`], aligned to 4 bytes.
    pub const fn to_elf(&self) -> [u8; VERSION_NOTE_SIZE] {
        Writer::<VERSION_NOTE_SIZE>::new(TYPE_VERSION, VERSION_SIZE)
            .put(&self.abi.to_be_bytes())
            .put(&self.note_format.to_be_bytes())
            .put(&self.wire_format.to_be_bytes())
            .put(&[0; 4])
            .put(&self.personality.0)
            .bytes
    }
}
