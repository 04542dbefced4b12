//! Files that are either there as a whole or not at all.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file, its folder included. Whoever looks finds the old content or the new one, also after a power failure in
/// the middle. A file that has this content already is left alone, its time too.
pub fn store(path: &Path, content: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // A temporary file is its owner's alone, unless told otherwise; what was built is for everybody to read.
        let readable = std::fs::Permissions::from_mode(0o644);
        let mut file = tempfile::Builder::new()
            .permissions(readable)
            .tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
