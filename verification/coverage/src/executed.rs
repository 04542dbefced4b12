//! What one run executed, as `tools/icount` leaves it: a line for each instruction, its address in hexadecimal, and for a conditional branch
//! the words `taken` and `passed` for the ways it went.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// What was seen of one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It was executed.
    pub executed: bool,
    /// As a conditional branch: it was taken.
    pub taken: bool,
    /// As a conditional branch: what follows it was executed next.
    pub passed: bool,
}

impl Seen {
    /// What was seen here or there.
    pub fn or(self, other: Self) -> Self {
        Self {
            executed: self.executed || other.executed,
            taken: self.taken || other.taken,
            passed: self.passed || other.passed,
        }
    }
}

/// What was seen, by addresses.
pub type Executed = BTreeMap<u32, Seen>;

/// Adds what a file says.
///
/// # Errors
/// A line is none of those; nothing is added then.
pub fn add(to: &mut Executed, text: &str) -> Result<()> {
    let mut lines = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        lines.push(parse(line).with_context(|| format!("line {number}: {line:?}"))?);
    }
    for (address, seen) in lines {
        let all = to.entry(address).or_default();
        *all = all.or(seen);
    }
    Ok(())
}

fn parse(line: &str) -> Result<(u32, Seen)> {
    let mut words = line.split(' ');
    let address = words.next().unwrap_or_default();
    let address = u32::from_str_radix(address, 16).context("is no address in hexadecimal")?;
    let mut seen = Seen {
        executed: true,
        ..Seen::default()
    };
    for word in words {
        match word {
            "taken" => seen.taken = true,
            "passed" => seen.passed = true,
            _ => bail!("{word:?} is no way of a branch"),
        }
    }
    Ok((address, seen))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_added_up() {
        let mut all = Executed::new();
        add(&mut all, "100020 taken\n100024\n").unwrap();
        add(&mut all, "100020 passed\n").unwrap();
        let both = Seen {
            executed: true,
            taken: true,
            passed: true,
        };
        assert_eq!(all[&0x10_0020], both);
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn a_file_that_was_cut_adds_nothing() {
        for wrong in [
            "100020\n1000zz\n",
            "100020 tak\n",
            "100020  taken\n",
            "1000201234\n",
            "\n",
        ] {
            let mut all = Executed::new();
            assert!(add(&mut all, wrong).is_err(), "{wrong:?}");
            assert!(all.is_empty(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_trouble(text in "[0-9a-f takenpsd\n]{0,60}|\\PC{0,40}") {
            let _ = add(&mut Executed::new(), &text);
        }
    }
}
