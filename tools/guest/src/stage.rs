//! A part of the build whose results are kept, and what they were made from.
//!
//! The *key* of a part is a text that names all of that: the version of the source, the compiler's, the configuration. It is
//! written to the file `begun` before the work starts, and to the file `done` when all results are in place:
//!
//! * `done` has the key: the results are those of this key.
//! * `begun` has it: an earlier build was stopped on its way. Its files are make's own, which deletes the file that it was
//!   stopped at, and the work goes on from there.
//! * Neither: all files of an earlier build are of something else, and are deleted.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam_files::store;

/// One part.
pub struct Stage {
    /// Where its results lie.
    pub folder: PathBuf,
    key: String,
}

impl Stage {
    /// The part in this folder, made from what the key names.
    pub fn new(folder: PathBuf, key: String) -> Self {
        Self { folder, key }
    }

    /// Where the work is done.
    pub fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// Whether these results are there, made from what the key names.
    pub fn is_done(&self, results: &[&str]) -> bool {
        self.has_key("done") && results.iter().all(|name| self.folder.join(name).is_file())
    }

    /// Prepares the folder of the work.
    pub fn begin(&self) -> Result<()> {
        remove(fs::remove_file(self.folder.join("done")), &self.folder)?;
        if !self.has_key("begun") {
            remove(fs::remove_dir_all(self.work()), &self.folder)?;
            store(&self.folder.join("begun"), self.key.as_bytes())?;
        }
        fs::create_dir_all(self.work())
            .with_context(|| format!("{} cannot be written", self.folder.display()))
    }

    /// Keeps a file as a result.
    pub fn keep(&self, file: &Path, name: &str) -> Result<()> {
        let content =
            fs::read(file).with_context(|| format!("the build left no {}", file.display()))?;
        store(&self.folder.join(name), &content)
    }

    /// All results are in place.
    pub fn finish(&self) -> Result<()> {
        store(&self.folder.join("done"), self.key.as_bytes())?;
        remove(fs::remove_file(self.folder.join("begun")), &self.folder)
    }

    fn has_key(&self, file: &str) -> bool {
        fs::read(self.folder.join(file)).is_ok_and(|key| key == self.key.as_bytes())
    }
}

/// Makes the folder `to` by `fill`, as a whole or not at all. If it is there, it is whole.
pub fn whole(to: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    let partial = to.with_extension("partial");
    remove(fs::remove_dir_all(&partial), &partial)?;
    fs::create_dir_all(&partial)
        .with_context(|| format!("{} cannot be created", partial.display()))?;
    fill(&partial)?;
    fs::rename(&partial, to).with_context(|| format!("{} cannot be created", to.display()))
}

fn remove(result: std::io::Result<()>, folder: &Path) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be cleared", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_those_of_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let stage = |key: &str| Stage::new(folder.path().to_path_buf(), key.to_owned());
        let one = stage("version 1");
        assert!(!one.is_done(&["result"]));
        one.begin().unwrap();
        let made = one.work().join("made");
        fs::write(&made, "content").unwrap();
        one.keep(&made, "result").unwrap();
        assert!(!one.is_done(&["result"]), "before the end");
        one.finish().unwrap();
        assert!(one.is_done(&["result"]));
        assert!(!one.is_done(&["result", "another"]));
        assert!(!stage("version 2").is_done(&["result"]));
    }

    #[test]
    fn a_stopped_build_goes_on_and_another_begins_afresh() {
        let folder = tempfile::tempdir().unwrap();
        let stage = |key: &str| Stage::new(folder.path().to_path_buf(), key.to_owned());
        let begun = || {
            stage("1").begin().unwrap();
            fs::write(stage("1").work().join("object"), "").unwrap();
        };
        begun();
        stage("1").begin().unwrap();
        assert!(stage("1").work().join("object").exists());
        stage("2").begin().unwrap();
        assert!(!stage("2").work().join("object").exists());
        // Once something else began, nothing is left of what was done.
        begun();
        stage("1").finish().unwrap();
        stage("2").begin().unwrap();
        assert!(!stage("1").is_done(&[]));
    }

    #[test]
    fn a_folder_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("source");
        let stopped = whole(&to, |partial| {
            fs::write(partial.join("half"), "")?;
            anyhow::bail!("stopped")
        });
        assert!(stopped.is_err() && !to.exists());
        whole(&to, |partial| Ok(fs::write(partial.join("all"), "")?)).unwrap();
        assert!(to.join("all").exists() && !to.join("half").exists());
        whole(&to, |_| panic!("it is there")).unwrap();
    }
}
