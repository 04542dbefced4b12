//! Addresses as functions, source lines and constants.

use std::fs;
use std::path::Path;

use cofferdam_record::Symbols;
use cofferdam_symbols::Frame;
use object::BigEndian;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// What a program's ELF says about its addresses.
pub struct ElfSymbols {
    known: Option<cofferdam_symbols::Symbols>,
    elf: Vec<u8>,
}

impl ElfSymbols {
    /// Of an ELF with debug information. A file that is not there has no symbols.
    pub fn of(path: &Path) -> Self {
        Self {
            known: cofferdam_symbols::Symbols::open(path).ok(),
            elf: fs::read(path).unwrap_or_default(),
        }
    }
}

impl Symbols for ElfSymbols {
    fn name(&self, address: u32) -> Option<&str> {
        self.known.as_ref()?.symbol(address)
    }

    fn describe(&self, address: u32) -> Vec<String> {
        let frames = self.known.as_ref().map(|known| known.frames(address));
        let frames = frames.unwrap_or_default();
        if frames.is_empty() {
            // Assembly has names, and no lines.
            return self.name(address).map(str::to_owned).into_iter().collect();
        }
        frames.iter().map(line).collect()
    }

    fn text(&self, address: u32, length: u32) -> Option<String> {
        let header = FileHeader32::<BigEndian>::parse(self.elf.as_slice()).ok()?;
        let segments = header
            .program_headers(BigEndian, self.elf.as_slice())
            .ok()?;
        let mut parts = segments.iter().filter_map(|segment| {
            let offset = address.checked_sub(segment.p_vaddr(BigEndian))? as usize;
            let content = segment.data(BigEndian, self.elf.as_slice()).ok()?;
            let loaded = segment.p_type(BigEndian) == PT_LOAD;
            let end = offset.checked_add(length as usize)?;
            content.get(offset..end).filter(|_| loaded)
        });
        String::from_utf8(parts.next()?.to_vec()).ok()
    }
}

fn line(frame: &Frame) -> String {
    let function = match frame.function.as_str() {
        "" => "?",
        function => function,
    };
    match frame.file.as_str() {
        "" => format!("{function} at an unknown place"),
        file => format!("{function} at {file}:{}", frame.line),
    }
}
