//! Which words of the sections with code are code.
//!
//! Nothing in an ELF tells an instruction from a constant beside it. What is taken for code here is what control comes to: from every symbol
//! that is no object's and from what Linux's tables name, from each word on to the next, and where branches lead. A word that is not reached so may still be code, entered
//! through a table of addresses. It is left as it is, which is right for both: an instruction traps, a constant stays.

use crate::instruction::{Kind, branch_target, is_end, kind};
use crate::kernel::Kernel;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// An instruction.
    Code,
    /// Part of an object, as its symbol says.
    Data,
    /// Nothing says what.
    Unreached,
}

/// What all words of the sections with code are.
pub(crate) struct Reach<'kernel> {
    kernel: &'kernel Kernel,
    /// By section, and word.
    standings: Vec<Vec<Standing>>,
}

impl<'kernel> Reach<'kernel> {
    /// Follows control through a kernel, from its symbols and from these addresses.
    pub(crate) fn of(kernel: &'kernel Kernel, entries: &[u32]) -> Self {
        let standings = kernel.code.iter().map(|section| {
            let words = section.addresses.len() / 4;
            vec![Standing::Unreached; words]
        });
        let mut reach = Self {
            kernel,
            standings: standings.collect(),
        };
        for object in &kernel.objects {
            for address in object.clone().step_by(4) {
                reach.set(address, Standing::Data);
            }
        }
        let mut open: Vec<u32> = kernel.labels().chain([kernel.entry]).collect();
        open.extend(entries);
        while let Some(start) = open.pop() {
            let mut address = start;
            while reach.standing(address) == Some(Standing::Unreached) {
                let Some(word) = kernel.word(address) else {
                    break;
                };
                reach.set(address, Standing::Code);
                open.extend(branch_target(address, word));
                if is_end(word) || kind(word) == Kind::None {
                    break;
                }
                address += 4;
            }
        }
        reach
    }

    fn place(&self, address: u32) -> Option<(usize, usize)> {
        let sections = &self.kernel.code;
        let holds = |section: &crate::kernel::Section| section.addresses.contains(&address);
        let section = sections.iter().position(holds)?;
        let offset = address - sections[section].addresses.start;
        (offset & 3 == 0).then_some((section, offset as usize / 4))
    }

    /// What a word is; `None` outside of the sections with code.
    pub(crate) fn standing(&self, address: u32) -> Option<Standing> {
        let (section, word) = self.place(address)?;
        self.standings.get(section)?.get(word).copied()
    }

    fn set(&mut self, address: u32, standing: Standing) {
        if let Some((section, word)) = self.place(address)
            && let Some(place) = self.standings[section].get_mut(word)
        {
            *place = standing;
        }
    }

    /// Where control that goes through an instruction comes to something that is none: then one of the two was taken for what it is not.
    pub(crate) fn contradiction(&self, address: u32) -> Option<u32> {
        let mut address = address;
        loop {
            let word = self.kernel.word(address)?;
            match (self.standing(address), kind(word)) {
                (Some(Standing::Code), Kind::None) | (Some(Standing::Data), _) => {
                    return Some(address);
                }
                (None, _) => return Some(address),
                _ if is_end(word) => return None,
                _ => address += 4,
            }
        }
    }
}
