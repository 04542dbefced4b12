//! A system that differs from one of the tree in a few words of its file, or in one instruction of its kernel. The programs of
//! its partitions are the same, so that nothing is compiled.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_compile::Checked;
use cofferdam_compile::guest::Content;
use object::BigEndian;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use serde::Deserialize;

/// What is other than in the system's own image.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Variant {
    /// Texts of `system.toml`, each with what stands in its place.
    replace: BTreeMap<String, String>,
    /// A guard that the rules would refuse, in ticks: with one that is too short windows begin late.
    guard_ticks: Option<u64>,
    /// Its windows are for nobody: the rules would refuse that.
    nobody: bool,
    /// Where those stubs of its guests begin that enable interrupts, in place of where their kernels say.
    enabling_stubs: Option<u32>,
    /// Instructions of the kernel that are other ones.
    kernel: Vec<Instruction>,
}

/// What stands in place of the first instruction of a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruction {
    /// A part of the function's mangled name, or all of it.
    pub function: String,
    /// What it is.
    #[serde(flatten)]
    pub is: Replacement,
}

/// An instruction in place of another.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// This word.
    Word(u32),
    /// A branch to where this symbol is.
    LeadsTo(String),
}

impl Variant {
    /// Whether its kernel differs.
    pub const fn is_of_kernel(&self) -> bool {
        !self.kernel.is_empty()
    }

    /// Whether its windows begin late.
    pub const fn is_late(&self) -> bool {
        self.guard_ticks.is_some()
    }

    /// One with another text in place of one of the file's.
    pub fn replacing(before: &str, after: &str) -> Self {
        Self::replacing_all(&[(before, after)])
    }

    /// One with other texts in place of some of the file's.
    pub fn replacing_all(pairs: &[(&str, &str)]) -> Self {
        let owned = |(before, after): &(&str, &str)| ((*before).to_owned(), (*after).to_owned());
        Self {
            replace: pairs.iter().map(owned).collect(),
            ..Self::default()
        }
    }

    /// The same with a kernel in which these instructions are other ones.
    pub fn with_kernel(self, kernel: Vec<Instruction>) -> Self {
        Self { kernel, ..self }
    }

    /// Compiles it: what was chosen for it, and its image. Its guests are those of the system itself.
    pub fn build(&self, built: &Built, kernel: Kernel) -> Result<(Built, Vec<u8>)> {
        let mut guests = built.guests.clone();
        for (_, content) in &mut guests {
            let stubs = &mut content.paravirtual.enabling_stubs;
            *stubs = self.enabling_stubs.unwrap_or(*stubs);
        }
        self.build_with(built, kernel, |_| Ok(guests))
    }

    /// The same, with guests that its file asks for.
    pub fn build_with(
        &self,
        built: &Built,
        kernel: Kernel,
        guests: impl FnOnce(&Checked) -> Result<Vec<(String, Content)>>,
    ) -> Result<(Built, Vec<u8>)> {
        let program = |name: &str| {
            let path = built.directory.join(format!("programs/{name}.elf"));
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let checked = self.checked(built)?;
        let mut programs = Vec::new();
        for partition in &checked.system.partitions {
            let name = partition.name.value.clone();
            let elf = program(&name)?;
            programs.push((name, elf));
        }
        let mut elf = program(&format!("kernel-{}", kernel.name()))?;
        for instruction in &self.kernel {
            instruction.write(&mut elf)?;
        }
        let image = cofferdam_compile::compile(&checked, &elf, &programs, &guests(&checked)?)
            .map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))?;
        let mut variant = built.clone();
        variant.plan = image.plan;
        variant.warnings.clear();
        variant.checked = checked;
        Ok((variant, image.bytes))
    }

    /// The system's file with the replacements.
    fn checked(&self, built: &Built) -> Result<Checked> {
        let folder = built.checked.directory.as_ref();
        let folder = folder.context("the system has no file")?;
        let path = folder.join("system.toml");
        let mut text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        for (before, after) in &self.replace {
            let times = text.matches(before.as_str()).count();
            ensure!(
                times == 1,
                "`{before}` stands {times} times in {}",
                path.display()
            );
            text = text.replace(before.as_str(), after);
        }
        let name = path.display().to_string();
        // The files that it names lie beside the system's own.
        let mut checked = cofferdam_check::check_text_in(folder, &name, &text)
            .map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))?;
        let guard = &mut checked.system.guard_ticks.value;
        *guard = self.guard_ticks.unwrap_or(*guard);
        if self.nobody {
            let schedules = checked.system.schedules.iter_mut();
            for window in schedules.flat_map(|schedule| &mut schedule.windows) {
                window.group.clear();
                window.release.clear();
            }
        }
        Ok(Checked {
            guest_entries: built.checked.guest_entries.clone(),
            ..checked
        })
    }
}

impl Instruction {
    /// Puts it into the kernel.
    fn write(&self, elf: &mut [u8]) -> Result<()> {
        let (address, offset) = place(elf, &self.function)?;
        let word = match &self.is {
            Replacement::Word(word) => *word,
            Replacement::LeadsTo(symbol) => branch(address, place(elf, symbol)?.0),
        };
        let place = elf.get_mut(offset..).and_then(<[u8]>::first_chunk_mut);
        *place.context("the kernel is truncated")? = word.to_be_bytes();
        Ok(())
    }
}

/// `b` (EREF, section 4.6.2): a kernel is much smaller than it reaches.
const fn branch(from: u32, to: u32) -> u32 {
    0x4800_0000 | to.wrapping_sub(from) & 0x03ff_fffc
}

/// Where something of the kernel's is, in memory and in the file: what has this name, or the only one whose name has it in it.
fn place(elf: &[u8], name: &str) -> Result<(u32, usize)> {
    let wrong = "the kernel is no ELF";
    let header = FileHeader32::<BigEndian>::parse(elf).context(wrong)?;
    let sections = header.sections(BigEndian, elf).context(wrong)?;
    let symbols = sections
        .symbols(BigEndian, elf, object::elf::SHT_SYMTAB)
        .context("the kernel has no symbols")?;
    let called = |is: fn(&[u8], &[u8]) -> bool| -> Vec<u32> {
        let own = |symbol: &&object::elf::Sym32<BigEndian>| {
            let own = symbol.name(BigEndian, symbols.strings());
            is(own.unwrap_or_default(), name.as_bytes())
        };
        let found = symbols.iter().filter(own);
        found.map(|symbol| symbol.st_value(BigEndian)).collect()
    };
    let mut found = called(|own, name| own == name);
    if found.is_empty() {
        found = called(|own, name| own.windows(name.len()).any(|part| part == name));
    }
    let [address] = found[..] else {
        bail!("{} symbols of the kernel are called {name}", found.len());
    };
    let segments = header.program_headers(BigEndian, elf).context(wrong)?;
    let segment = segments.iter().find(|segment| {
        let start = segment.p_vaddr(BigEndian);
        let length = segment.p_filesz(BigEndian);
        segment.p_type(BigEndian) == PT_LOAD && (start..start + length).contains(&address)
    });
    let segment = segment.with_context(|| format!("{name} is in no segment"))?;
    let offset = segment.p_offset(BigEndian) + address - segment.p_vaddr(BigEndian);
    Ok((address, offset as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_lead_forwards_and_backwards() {
        assert_eq!(branch(0x10_0000, 0x10_0010), 0x4800_0010);
        assert_eq!(branch(0x10_0010, 0x10_0000), 0x4bff_fff0);
    }

    #[test]
    fn an_instruction_is_a_word_or_leads_somewhere() {
        let read = |text: &str| toml::from_str::<Instruction>(text);
        let word = read("function = \"f\"\nword = 1").unwrap();
        assert!(matches!(word.is, Replacement::Word(1)));
        let leads = read("function = \"f\"\nleads_to = \"g\"").unwrap();
        assert!(matches!(leads.is, Replacement::LeadsTo(to) if to == "g"));
        assert!(read("function = \"f\"").is_err());
    }
}
