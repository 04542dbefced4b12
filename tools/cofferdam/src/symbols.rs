//! Addresses as functions and source lines.

use std::path::Path;

use addr2line::Loader;

/// The symbols of one program.
pub struct Symbols {
    loader: Option<Loader>,
}

impl Symbols {
    /// Of an ELF with debug information. A file that is not there has no symbols.
    pub fn of(path: &Path) -> Self {
        Self {
            loader: Loader::new(path).ok(),
        }
    }

    /// What stands at an address, one line for each function inlined there, the innermost first. Empty if nothing is known.
    pub fn describe(&self, address: u32) -> Vec<String> {
        self.frames(address).unwrap_or_default()
    }

    fn frames(&self, address: u32) -> Option<Vec<String>> {
        let mut frames = self.loader.as_ref()?.find_frames(u64::from(address)).ok()?;
        let mut lines = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let function = frame
                .function
                .and_then(|function| Some(function.demangle().ok()?.into_owned()));
            let place = frame.location.and_then(|location| {
                let file = location.file?;
                // The build names the root of the tree so, wherever it lies.
                let file = file.strip_prefix("/cofferdam/").unwrap_or(file);
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
}
