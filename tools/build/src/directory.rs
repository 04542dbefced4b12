//! Where the files of a system go: a folder for each file that describes one.
//!
//! A system of the tree has a folder of its name. Others can have the same name, as a copy of `flight` in somebody's home has: their
//! folder's name has a digest of where the file lies as well, so that none takes another's image, or its record, for its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use cofferdam_target_build::target_directory;
use toml::de::{DeTable, DeValue};

/// The folder for what is built of a system of this name, which `file` describes, where cargo builds in `target`.
pub fn directory_in(target: &Path, root: &Path, file: &Path, name: &str) -> PathBuf {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (root, file) = (canonical(root), canonical(file));
    // A tree is the same wherever it lies.
    let place = file.strip_prefix(&root).unwrap_or(&file);
    let folder = if place == Path::new("systems").join(name).join("system.toml") {
        name.to_owned()
    } else {
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        format!("{name}-{:016x}", hasher.finish())
    };
    target.join("cofferdam").join(folder)
}

/// The name of the system that `file` describes, and the folder for what is built of it. Nothing but the name need be right in the file.
pub fn directory_of(root: &Path, file: &Path) -> Result<(String, PathBuf)> {
    let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = String::from_utf8(text).map_err(|_| {
        anyhow!(
            "{} is no text: name the `system.toml` of a system",
            file.display()
        )
    })?;
    let name = name(&text).with_context(|| {
        format!(
            "{} gives the system no name: write it there as `name`, in the table `[system]`, or name another file",
            file.display()
        )
    })?;
    let directory = directory_in(&target_directory(root), root, file, &name);
    Ok((name, directory))
}

fn name(text: &str) -> Option<String> {
    let (file, _) = DeTable::parse_recoverable(text);
    let system = file.get_ref().get("system")?.get_ref().as_table()?;
    match system.get("name")?.get_ref() {
        // As a part of a path it must not lead elsewhere.
        DeValue::String(name) if !name.is_empty() && !name.contains(['/', '.']) => {
            Some(name.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_folder() {
        let (target, root) = (Path::new("/t"), Path::new("/tree"));
        let folder = |file: &str, name: &str| directory_in(target, root, Path::new(file), name);
        let of_tree = folder("/tree/systems/pump/system.toml", "pump");
        assert_eq!(of_tree, Path::new("/t/cofferdam/pump"));
        let others = [
            folder("/tree/systems/other/system.toml", "pump"),
            folder("/tree/my/system.toml", "pump"),
            folder("/home/system.toml", "pump"),
            folder("/home/copy.toml", "pump"),
        ];
        for (index, one) in others.iter().enumerate() {
            let beginning = "/t/cofferdam/pump-";
            assert!(one.display().to_string().starts_with(beginning), "{one:?}");
            assert!(!others[..index].contains(one), "{others:?}");
        }
        // A tree elsewhere has the same folders.
        let elsewhere = Path::new("/elsewhere/my/system.toml");
        let there = directory_in(target, Path::new("/elsewhere"), elsewhere, "pump");
        assert_eq!(there, others[1]);
    }

    #[test]
    fn the_name_counts_not_what_else_is_wrong() {
        for text in [
            "[system]\nname = \"pump\"\n",
            "[system]\nnmae = 3\nname = \"pump\"\n[[",
            "[system]\nname = \"pump\"\nram = \n[partition.one]\n",
        ] {
            assert_eq!(name(text).as_deref(), Some("pump"), "{text}");
        }
        for text in [
            "",
            "[system]\nname = 3",
            "[system]\nname = \"../pump\"",
            "name = \"pump\"",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
