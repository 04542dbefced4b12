//! Addresses as functions, source lines and constants.

use std::fs;
use std::path::Path;

use addr2line::Loader;
use object::BigEndian;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// What a program's ELF says about its addresses.
pub struct Symbols {
    loader: Option<Loader>,
    elf: Vec<u8>,
}

/// A path as seen from the root of the tree: the build names the root so, wherever it lies.
pub fn own_path(path: &str) -> &str {
    path.strip_prefix("/cofferdam/").unwrap_or(path)
}

impl Symbols {
    /// Of an ELF with debug information. A file that is not there has no symbols.
    pub fn of(path: &Path) -> Self {
        Self {
            loader: Loader::new(path).ok(),
            elf: fs::read(path).unwrap_or_default(),
        }
    }

    /// The name of what stands at an address, as the linker has it.
    pub fn name(&self, address: u32) -> Option<&str> {
        self.loader.as_ref()?.find_symbol(u64::from(address))
    }

    /// What stands at an address, one line for each function inlined there, the innermost first. Empty if nothing is known.
    pub fn describe(&self, address: u32) -> Vec<String> {
        let lines = self.frames(address).unwrap_or_default();
        if lines.is_empty() {
            // Assembly has names, and no lines.
            return self.name(address).map(str::to_owned).into_iter().collect();
        }
        lines
    }

    fn frames(&self, address: u32) -> Option<Vec<String>> {
        let mut frames = self.loader.as_ref()?.find_frames(u64::from(address)).ok()?;
        let mut lines = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let function = frame
                .function
                .and_then(|function| Some(function.demangle().ok()?.into_owned()));
            let place = frame.location.and_then(|location| {
                let file = own_path(location.file?);
                Some(format!("{file}:{}", location.line.unwrap_or(0)))
            });
            if function.is_some() || place.is_some() {
                lines.push(format!(
                    "{} at {}",
                    function.as_deref().unwrap_or("?"),
                    place.as_deref().unwrap_or("an unknown place")
                ));
            }
        }
        Some(lines)
    }

    /// The text of so many bytes that the program has at an address from the start.
    pub fn text(&self, address: u32, length: u32) -> Option<String> {
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
