//! One build at a time in a folder. The lock is the host kernel's, so that it ends with the process, however that ends.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_progress::Step;

/// Nobody else builds in `folder`, which is made if it is not there, as long as the result lives. Waits until that is so.
pub fn alone(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let file = fs::create_dir_all(folder)
        .and_then(|()| File::create(&path))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let step = Step::start("waiting for another build in this folder to end");
            file.lock().inspect(|()| step.done())
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    locked.with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}
