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
    /// An instruction of the kernel that is another one.
    kernel: Option<Instruction>,
}

/// A word in place of the first instruction of a function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Instruction {
    /// A part of the function's mangled name.
    function: String,
    /// The word.
    word: u32,
}

impl Variant {
    /// Whether its kernel differs.
    pub const fn is_of_kernel(&self) -> bool {
        self.kernel.is_some()
    }

    /// One with another text in place of one of the file's.
    pub fn replacing(before: &str, after: &str) -> Self {
        Self {
            replace: BTreeMap::from([(before.to_owned(), after.to_owned())]),
            kernel: None,
        }
    }

    /// One with other texts in place of some of the file's.
    pub fn replacing_all(pairs: &[(&str, &str)]) -> Self {
        let owned = |(before, after): &(&str, &str)| ((*before).to_owned(), (*after).to_owned());
        Self {
            replace: pairs.iter().map(owned).collect(),
            kernel: None,
        }
    }

    /// Compiles it: what was chosen for it, and its image. Its guests are those of the system itself.
    pub fn build(&self, built: &Built, kernel: Kernel) -> Result<(Built, Vec<u8>)> {
        self.build_with(built, kernel, |_| Ok(built.guests.clone()))
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
        if let Some(instruction) = &self.kernel {
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
        let checked = cofferdam_check::check_text_in(folder, &name, &text)
            .map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))?;
        Ok(Checked {
            guest_entries: built.checked.guest_entries.clone(),
            ..checked
        })
    }
}

impl Instruction {
    /// Puts the word into the kernel.
    fn write(&self, elf: &mut [u8]) -> Result<()> {
        let offset = self.offset(elf)?;
        let place = elf.get_mut(offset..).and_then(<[u8]>::first_chunk_mut);
        *place.context("the kernel is truncated")? = self.word.to_be_bytes();
        Ok(())
    }

    /// Where the function begins in the file.
    fn offset(&self, elf: &[u8]) -> Result<usize> {
        let wrong = "the kernel is no ELF";
        let header = FileHeader32::<BigEndian>::parse(elf).context(wrong)?;
        let sections = header.sections(BigEndian, elf).context(wrong)?;
        let symbols = sections
            .symbols(BigEndian, elf, object::elf::SHT_SYMTAB)
            .context("the kernel has no symbols")?;
        let name = self.function.as_bytes();
        let called = |symbol: &&object::elf::Sym32<BigEndian>| {
            let own = symbol
                .name(BigEndian, symbols.strings())
                .unwrap_or_default();
            own.windows(name.len()).any(|part| part == name)
        };
        let found: Vec<_> = symbols.iter().filter(called).collect();
        let [symbol] = found.as_slice() else {
            bail!(
                "{} functions of the kernel are called {}",
                found.len(),
                self.function
            );
        };
        let address = symbol.st_value(BigEndian);
        let segments = header.program_headers(BigEndian, elf).context(wrong)?;
        let segment = segments.iter().find(|segment| {
            let start = segment.p_vaddr(BigEndian);
            let length = segment.p_filesz(BigEndian);
            segment.p_type(BigEndian) == PT_LOAD && (start..start + length).contains(&address)
        });
        let segment = segment.context("the function is in no segment")?;
        let offset = segment.p_offset(BigEndian) + address - segment.p_vaddr(BigEndian);
        Ok(offset as usize)
    }
}
