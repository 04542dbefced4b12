//! Rewrites the kernel of a guest before it runs, so that its privileged instructions do not trap.
//!
//! A guest's kernel runs in user mode, where a privileged instruction traps and is carried out by ours. That is always right, and slow. Most
//! of those instructions move a register that is only a word of the guest's register page ([`cofferdam_abi::guest`]), or change whether
//! interrupts are enabled. In a kernel that was built as an ELF with symbols, this crate replaces them:
//!
//! | instruction | by |
//! |---|---|
//! | `mfmsr`, `mfspr` of a word of the page | a load |
//! | `mtspr` that only keeps its value | a store |
//! | `tlbsync`, `mtspr BUCSR` | nothing |
//! | `rfi` | an instruction whose trap alone says that a return is meant |
//! | `wrteei`, `wrtee`, `mtmsr` | a branch to a stub behind the image (`stub.rs`) |
//!
//! Whatever else is privileged stays, and traps. So does what may not be rewritten where it stands (`regions.rs`), and what nothing shows to be
//! code (`reach.rs`). What is contradictory or unknown is no reason to guess: such a kernel is refused.
//!
//! Each word that looks privileged is in the list of the result with what became of it, and `verify.rs` goes over the result with
//! decoders of its own before anybody gets it.

#![forbid(unsafe_code)]

mod instruction;
mod kernel;
mod list;
mod reach;
mod regions;
mod stub;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cofferdam_tables::Paravirtual;

use crate::instruction::{Kind, NOP, Privileged, branch, kind, load, store};
use crate::kernel::{FIRST_MAPPING_BYTES, Kernel, PAGE_BYTES};
use crate::reach::{Reach, Standing};
use crate::regions::Rule;

pub use list::{Rewritten, Site, What};

/// Why a kernel is not rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is for something else.
    #[error("it is no ELF file for a 32-bit, big-endian PowerPC")]
    Architecture,
    /// It cannot be read.
    #[error("it is not an ELF file as a kernel is one: {0}")]
    Unreadable(String),
    /// It has no symbols.
    #[error("it has no symbols, and without them its code cannot be told from its data")]
    NoSymbols,
    /// It lacks a symbol.
    #[error("it has no symbol `{0}`, so it is no Linux for this processor")]
    NoSymbol(&'static str),
    /// It moves itself.
    #[error("it moves itself to another address; build it without CONFIG_RELOCATABLE")]
    Relocates,
    /// What lies behind it could not be executed.
    #[error(
        "it makes memory behind its text not executable, so it could not enter a stub; build it without CONFIG_STRICT_KERNEL_RWX"
    )]
    Protects,
    /// It does not fit.
    #[error("with the stubs behind it, it is larger than the 64 MiB that it maps at its start")]
    TooLarge,
    /// An instruction that nobody emulates.
    #[error(
        "neither the kernel nor the guest's monitor carries out {word:#010x} at {address:#010x}, {symbol}"
    )]
    Unknown {
        /// Where it is.
        address: u32,
        /// The same, by a symbol.
        symbol: String,
        /// The instruction.
        word: u32,
    },
    /// An instruction of a unit that guests have not.
    #[error(
        "the instruction {word:#010x} at {address:#010x}, {symbol}, is one of the SPE or of AltiVec, which no guest's kernel has; build it without CONFIG_SPE and CONFIG_ALTIVEC"
    )]
    Signal {
        /// Where it is.
        address: u32,
        /// The same, by a symbol.
        symbol: String,
        /// The instruction.
        word: u32,
    },
    /// Something is taken for code that is none, or the other way.
    #[error(
        "control goes from {address:#010x}, {symbol}, to {word:#010x} at {at:#010x}, which is no instruction: one of the two is not what it looks like"
    )]
    Contradiction {
        /// Where a privileged instruction is.
        address: u32,
        /// The same, by a symbol.
        symbol: String,
        /// Where control comes to what is no instruction.
        at: u32,
        /// What is there.
        word: u32,
    },
    /// A branch does not reach.
    #[error("the stub for {symbol} is too far away for a branch")]
    TooFar {
        /// Where the branch would be.
        symbol: String,
    },
    /// The result is not what it should be.
    #[error("the result is wrong, which is an error of this program: {0}")]
    Wrong(String),
}

/// A privileged instruction, and what is to become of it.
struct Found {
    address: u32,
    word: u32,
    section: String,
    becomes: Becomes,
}

enum Becomes {
    Word(u32, What),
    Stub(Privileged),
    Left(&'static str),
}

const DATA: &str = "it is part of an object";
const UNREACHED: &str = "nothing shows that it is code: if it is, it traps";

/// Rewrites a kernel.
pub fn rewrite(elf: &[u8]) -> Result<Rewritten, Refusal> {
    let kernel = Kernel::read(elf)?;
    if kernel.address("mmu_mark_rodata_ro").is_some() {
        return Err(Refusal::Protects);
    }
    let found = find(&kernel)?;
    let places = place(&kernel, &found)?;

    let mut image = kernel.image.clone();
    image.resize((places.end - kernel.linear) as usize, 0);
    let mut put = |address: u32, word: u32| {
        let at = (address - kernel.linear) as usize;
        image[at..at + 4].copy_from_slice(&word.to_be_bytes());
    };
    let mut sites = Vec::new();
    for found in found {
        let symbol = kernel.describe(found.address);
        let (after, what) = match found.becomes {
            Becomes::Word(word, what) => (word, what),
            Becomes::Left(why) => (
                found.word,
                What::Left {
                    why: why.to_owned(),
                },
            ),
            Becomes::Stub(instruction) => {
                let too_far = || Refusal::TooFar {
                    symbol: symbol.clone(),
                };
                let at = places.stubs.get(&found.address).copied();
                let at = at.ok_or_else(too_far)?;
                let words = stub::stub(instruction, at, found.address).ok_or_else(too_far)?;
                for (address, word) in (at..).step_by(4).zip(words) {
                    put(address, word);
                }
                let after = branch(found.address, at).ok_or_else(too_far)?;
                (after, What::Stub { at })
            }
        };
        put(found.address, after);
        sites.push(Site {
            address: found.address,
            symbol,
            section: found.section,
            before: found.word,
            after,
            what,
        });
    }

    let (kernel_table, process_table, notes) = match walk::tables(&kernel) {
        Ok(tables) => (tables.kernel, tables.process, Vec::new()),
        Err(why) => (0, 0, vec![format!("its page tables are not walked: {why}")]),
    };
    let paravirtual = Paravirtual {
        stubs: places.start,
        enabling_stubs: places.enabling,
        stubs_end: places.end_of_stubs,
        linear: kernel.linear,
        kernel_table,
        process_table,
    };
    let rewritten = Rewritten {
        counts: list::counts(&sites),
        image,
        reserved: places.start - kernel.linear..places.end - kernel.linear,
        paravirtual,
        sites,
        notes,
    };
    verify::verify(&kernel, &rewritten).map_err(Refusal::Wrong)?;
    Ok(rewritten)
}

/// Whether a result is right: what [`rewrite`] looks at before it gives one.
pub fn check(elf: &[u8], rewritten: &Rewritten) -> Result<(), Refusal> {
    verify::verify(&Kernel::read(elf)?, rewritten).map_err(Refusal::Wrong)
}

/// Finds all words that look privileged, and judges them.
fn find(kernel: &Kernel) -> Result<Vec<Found>, Refusal> {
    let regions = regions::regions(kernel)?;
    let reach = Reach::of(kernel, &regions.entries);
    let mut all = Vec::new();
    for section in &kernel.code {
        for address in section.addresses.clone().step_by(4) {
            let Some(word) = kernel.word(address) else {
                continue;
            };
            let standing = reach.standing(address);
            let kind = kind(word);
            if kind == Kind::Signal && standing == Some(Standing::Code) {
                return Err(Refusal::Signal {
                    address,
                    symbol: kernel.describe(address),
                    word,
                });
            }
            let Kind::Privileged(instruction) = kind else {
                continue;
            };
            let rule = regions
                .all
                .iter()
                .find(|region| region.addresses.contains(&address))
                .map(|region| region.rule);
            let becomes = match (standing, rule) {
                (Some(Standing::Data), _) => Becomes::Left(DATA),
                (_, Some(Rule::Nothing(why))) => Becomes::Left(why),
                (Some(Standing::Code), rule) => {
                    if let Some(at) = reach.contradiction(address) {
                        return Err(Refusal::Contradiction {
                            address,
                            symbol: kernel.describe(address),
                            at,
                            word: kernel.word(at).unwrap_or_default(),
                        });
                    }
                    judge(instruction, rule).ok_or_else(|| Refusal::Unknown {
                        address,
                        symbol: kernel.describe(address),
                        word,
                    })?
                }
                _ => Becomes::Left(UNREACHED),
            };
            all.push(Found {
                address,
                word,
                section: section.name.clone(),
                becomes,
            });
        }
    }
    Ok(all)
}

/// What becomes of an instruction; `None` if nobody knows it.
fn judge(instruction: Privileged, rule: Option<Rule>) -> Option<Becomes> {
    Some(match instruction {
        Privileged::Load { target, offset } => Becomes::Word(load(target, offset), What::Load),
        Privileged::Store { source, offset } => Becomes::Word(store(source, offset), What::Store),
        Privileged::Nop => Becomes::Word(NOP, What::Nop),
        Privileged::Return => Becomes::Word(cofferdam_abi::guest::stub::RETURN, What::Return),
        Privileged::Disable
        | Privileged::Enable
        | Privileged::TakeEnable { .. }
        | Privileged::TakeState { .. } => match rule {
            Some(Rule::WordsOnly(why) | Rule::Nothing(why)) => Becomes::Left(why),
            None => Becomes::Stub(instruction),
        },
        Privileged::Trap(why) => Becomes::Left(why),
        Privileged::Unknown => return None,
    })
}

/// Where the stubs go: effective addresses.
struct Places {
    start: u32,
    enabling: u32,
    end_of_stubs: u32,
    /// The end of the last page.
    end: u32,
    /// By the instruction's address.
    stubs: BTreeMap<u32, u32>,
}

/// Places the stubs: behind the image, those that leave interrupts disabled first.
fn place(kernel: &Kernel, found: &[Found]) -> Result<Places, Refusal> {
    let start = kernel.end();
    if kernel.address("_end").is_some_and(|end| end > start) {
        return Err(Refusal::Unreadable(
            "its symbol `_end` is behind its end".to_owned(),
        ));
    }
    let wanted = |enables: bool| {
        found.iter().filter_map(move |found| match found.becomes {
            Becomes::Stub(instruction) if stub::enables(instruction) == enables => {
                Some((found.address, stub::bytes(instruction)?))
            }
            _ => None,
        })
    };
    let mut stubs = BTreeMap::new();
    let mut at = start;
    for (address, bytes) in wanted(false) {
        stubs.insert(address, at);
        at += bytes;
    }
    at = at.next_multiple_of(cofferdam_abi::guest::stub::ENABLING_BYTES);
    let enabling = at;
    for (address, bytes) in wanted(true) {
        stubs.insert(address, at);
        at += bytes;
    }
    let end = at.next_multiple_of(PAGE_BYTES);
    if end - kernel.linear > FIRST_MAPPING_BYTES {
        return Err(Refusal::TooLarge);
    }
    Ok(Places {
        start,
        enabling,
        end_of_stubs: at,
        end,
        stubs,
    })
}
