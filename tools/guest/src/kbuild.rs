//! The build system of Linux, which busybox has in an older form: a configuration, then `make`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};
use cofferdam_progress::logged;

/// 1 January 2026: the date that goes into results, so that they are the same every day.
pub const DATE: &str = "1767225600";

/// A `make` of the source in `source`, which builds in `build`, with nothing that the user's own builds may have set.
pub fn make(source: &Path, build: &Path) -> Command {
    let mut make = Command::new("make");
    for variable in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKEOVERRIDES",
        "CC",
        "CFLAGS",
        "CPPFLAGS",
        "LDFLAGS",
        "KCFLAGS",
        "HOSTCFLAGS",
        "KCONFIG_CONFIG",
        "KBUILD_OUTPUT",
    ] {
        make.env_remove(variable);
    }
    make.env("LC_ALL", "C")
        .env("SOURCE_DATE_EPOCH", DATE)
        .stdin(Stdio::null())
        .arg("-C")
        .arg(source)
        .arg(format!("O={}", build.display()));
    make
}

/// Builds `targets`, on every core, and counts the files on the way.
pub fn build(what: &str, make: &mut Command, targets: &[&str], log: &Path) -> Result<()> {
    let jobs = available_parallelism().map_or(1, usize::from);
    make.arg(format!("-j{jobs}")).args(targets);
    let mut files = 0;
    logged(what, make, log, |line| {
        files += usize::from(is_file_made(line));
        format!("{files} files; {}", line.trim_start())
    })
}

/// Whether a line says that a file is made, as `  CC      kernel/fork.o` does.
fn is_file_made(line: &str) -> bool {
    let word = line.strip_prefix("  ").unwrap_or_default();
    word.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Sees that each line of the configuration `wanted` is one of that in `file`, which was made of it: an option that is
/// unknown to this version, or whose condition is not met, is left out without a word.
pub fn survived(wanted: &str, file: &Path) -> Result<()> {
    let made = fs::read_to_string(file).with_context(|| {
        format!(
            "the configuration left no {}: build the guest again",
            file.display()
        )
    })?;
    let lost: Vec<_> = settings(wanted)
        .filter(|line| !holds(line, &made))
        .collect();
    if !lost.is_empty() {
        bail!(
            "{} was made without these lines of the configuration: this version does not know them, or what they depend on is not set; take them out of the file that asks for them, or set the rest:\n{}",
            file.display(),
            lost.join("\n")
        );
    }
    Ok(())
}

/// The lines that set something, `# CONFIG_X is not set` among them.
pub fn settings(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| option_of(line).is_some())
}

/// The option that a line sets.
pub fn option_of(line: &str) -> Option<&str> {
    let set = line.split_once('=').map(|(option, _)| option);
    let unset = line
        .strip_prefix("# ")
        .and_then(|rest| rest.strip_suffix(" is not set"));
    set.or(unset)
        .filter(|option| option.starts_with("CONFIG_") && !option.contains(' '))
}

/// An option that is not mentioned is not set.
fn holds(wanted: &str, made: &str) -> bool {
    let mut same = made
        .lines()
        .filter(|line| option_of(line) == option_of(wanted));
    match same.next() {
        Some(line) => line == wanted,
        None => wanted.starts_with('#'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_got_lost_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join(".config");
        fs::write(
            &made,
            "CONFIG_A=y\nCONFIG_AB=\"x y\"\n# CONFIG_B is not set\n",
        )
        .unwrap();
        let wanted = "# The head\nCONFIG_A=y\nCONFIG_AB=\"x y\"\n# CONFIG_B is not set\n# CONFIG_C is not set\n";
        survived(wanted, &made).unwrap();
        for lost in ["CONFIG_D=y", "CONFIG_B=y", "# CONFIG_A is not set"] {
            let error = survived(&format!("{wanted}{lost}\n"), &made).unwrap_err();
            assert!(
                error.to_string().ends_with(&format!(":\n{lost}")),
                "{error}"
            );
        }
    }

    #[test]
    fn lines_that_say_that_a_file_is_made() {
        assert!(is_file_made("  CC      kernel/fork.o"));
        assert!(is_file_made("  HOSTCC  scripts/sorttable"));
        for other in ["make[1]: Entering directory", "  ", "", "vi (VI) [N/y/?] n"] {
            assert!(!is_file_made(other), "{other}");
        }
    }
}
