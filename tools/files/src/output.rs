//! Places that a user names for what a command makes, looked at before the work: a mistyped path makes no folders, and costs no time.

use std::path::Path;

use anyhow::{Result, ensure};

/// Whether a file can be made at a path, as far as folders go.
///
/// # Errors
/// If its folder is not there, or the path is a folder.
pub fn for_file(path: &Path) -> Result<()> {
    for_folder(path)?;
    ensure!(
        !path.is_dir(),
        "{} cannot be written: it is a folder; name a file in it",
        path.display()
    );
    Ok(())
}

/// Whether a folder can be made at a path, as far as the one around it goes.
///
/// # Errors
/// If that is not there.
pub fn for_folder(path: &Path) -> Result<()> {
    let around = match path.parent() {
        Some(around) if around != Path::new("") => around,
        _ => Path::new("."),
    };
    ensure!(
        around.is_dir(),
        "{} cannot be written: there is no folder {}; make it first, or name another place",
        path.display(),
        around.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_folder_can_be_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("file");
        assert!(for_file(&inside).is_ok() && for_folder(&inside).is_ok());
        assert!(for_file(Path::new("file")).is_ok());
        let said = |result: Result<()>| result.expect_err("it cannot be made").to_string();
        let lost = folder.path().join("absent/file");
        for result in [for_file(&lost), for_folder(&lost)] {
            let said = said(result);
            assert!(
                said.starts_with(&format!("{} cannot", lost.display())),
                "{said}"
            );
            assert!(
                said.ends_with("/absent; make it first, or name another place"),
                "{said}"
            );
        }
        std::fs::write(&inside, "").expect("a file");
        // A file around it is no folder.
        assert!(for_folder(&inside.join("file")).is_err());
        assert!(said(for_file(folder.path())).contains("it is a folder; name a file in it"));
        assert!(!folder.path().join("absent").exists());
    }
}
