//! What was done.

use std::collections::BTreeMap;
use std::ops::Range;

use cofferdam_tables::Paravirtual;
use serde::{Deserialize, Serialize};

/// A kernel that was rewritten. Written out as it is, this is the list of what was done; the image is left away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// What the guest's memory begins with, from guest-physical address 0: the kernel, memory of it that begins as zeros, the stubs.
    #[serde(skip)]
    pub image: Vec<u8>,
    /// The pages with stubs, guest-physical: the guest must not give them out.
    pub reserved: Range<u32>,
    /// What cofferdam's kernel has to know.
    pub paravirtual: Paravirtual,
    /// Each word that looks privileged, by address.
    pub sites: Vec<Site>,
    /// How many of each kind there are.
    pub counts: BTreeMap<String, usize>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// A word that looks privileged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its effective address.
    pub address: u32,
    /// The same, by a symbol.
    pub symbol: String,
    /// Its section.
    pub section: String,
    /// What it was.
    pub before: u32,
    /// What it is.
    pub after: u32,
    /// What that means.
    pub what: What,
}

/// What became of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A load from the register page.
    Load,
    /// A store to it.
    Store,
    /// An instruction that does nothing.
    Nop,
    /// The instruction that says *return*.
    Return,
    /// A branch to a stub.
    Stub {
        /// Where that is.
        at: u32,
    },
    /// It was left.
    Left {
        /// Why.
        why: String,
    },
}

impl What {
    /// Its kind, in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Store => "store",
            Self::Nop => "nop",
            Self::Return => "return",
            Self::Stub { .. } => "stub",
            Self::Left { .. } => "left",
        }
    }
}

/// How many of each kind there are.
pub(crate) fn counts(sites: &[Site]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for site in sites {
        *counts.entry(site.what.name().to_owned()).or_default() += 1;
    }
    counts
}

impl Rewritten {
    /// How many were left, by why: the most frequent first.
    pub fn left(&self) -> Vec<(&str, Vec<&Site>)> {
        let mut reasons: BTreeMap<&str, Vec<&Site>> = BTreeMap::new();
        for site in &self.sites {
            if let What::Left { why } = &site.what {
                reasons.entry(why).or_default().push(site);
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, sites)| std::cmp::Reverse(sites.len()));
        reasons
    }
}
