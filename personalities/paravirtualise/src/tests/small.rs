//! A small kernel, made for a test: sections, symbols and words as the test wants them.

use object::Endianness;
use object::build::elf::{Builder, SectionData};
use object::elf::{
    EM_PPC, ET_EXEC, FileType, Machine, PF_R, PF_W, PF_X, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR,
    SHN_ABS, SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB, STB_GLOBAL, STT_FUNC, STT_NOTYPE, STT_OBJECT,
    SymbolType,
};

pub(crate) const BASE: u32 = 0xc000_0000;
/// Where the words of a test begin: behind the early code.
pub(crate) const BODY: u32 = BASE + 8;
/// Where its tables begin.
pub(crate) const TABLES: u32 = BASE + 0x1000;

pub(crate) const BLR: u32 = 0x4e80_0020;
pub(crate) const NOP: u32 = 0x6000_0000;

/// A small kernel.
pub(crate) struct Small {
    pub(crate) machine: Machine,
    pub(crate) file: FileType,
    /// Code, from [`BODY`] on.
    pub(crate) code: Vec<u32>,
    /// What is in a section without code, from [`TABLES`] on.
    pub(crate) tables: Vec<u32>,
    symbols: Vec<(String, u32, u32, SymbolType)>,
}

impl Small {
    /// One with this code, under a symbol.
    pub(crate) fn new(code: &[u32]) -> Self {
        let small = Self {
            machine: EM_PPC,
            file: ET_EXEC,
            code: code.to_vec(),
            tables: vec![0],
            symbols: Vec::new(),
        };
        small
            .label("_stext", BASE)
            .label("interrupt_base", BODY)
            .label("body", BODY)
    }

    /// Without its symbols so far.
    pub(crate) fn without_symbols(mut self) -> Self {
        self.symbols.clear();
        self
    }

    pub(crate) fn label(self, name: &str, at: u32) -> Self {
        self.symbol(name, at, 0, STT_NOTYPE)
    }

    pub(crate) fn function(self, name: &str, at: u32) -> Self {
        self.symbol(name, at, 0, STT_FUNC)
    }

    pub(crate) fn object(self, name: &str, at: u32, bytes: u32) -> Self {
        self.symbol(name, at, bytes, STT_OBJECT)
    }

    fn symbol(mut self, name: &str, at: u32, bytes: u32, kind: SymbolType) -> Self {
        self.symbols.push((name.to_owned(), at, bytes, kind));
        self
    }

    /// The file.
    pub(crate) fn elf(&self) -> Vec<u8> {
        let bytes = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        // The early code: two instructions.
        let mut text = bytes(&[NOP, BLR]);
        text.extend(bytes(&self.code));
        let mut builder = Builder::new(Endianness::Big, false);
        builder.load_align = 0x1000;
        builder.header.e_type = self.file;
        builder.header.e_machine = self.machine;
        builder.header.e_entry = BASE.into();
        builder.header.e_phoff = 52;

        let segment = builder.segments.add();
        segment.p_type = PT_LOAD;
        segment.p_flags = PF_R | PF_W | PF_X;
        (segment.p_offset, segment.p_vaddr, segment.p_paddr) = (0x1000, BASE.into(), 0);
        segment.p_filesz = 0x1000 + 4 * self.tables.len() as u64;
        segment.p_memsz = segment.p_filesz;
        segment.p_align = 0x1000;
        for (name, address, flags, content) in [
            (".text", BASE, SHF_ALLOC | SHF_EXECINSTR, text),
            (".data", TABLES, SHF_ALLOC, bytes(&self.tables)),
        ] {
            let section = builder.sections.add();
            section.name = name.into();
            section.sh_type = SHT_PROGBITS;
            section.sh_flags = flags;
            section.sh_addr = address.into();
            section.sh_offset = u64::from(address - BASE) + 0x1000;
            section.sh_size = content.len() as u64;
            section.sh_addralign = 4;
            section.data = SectionData::Data(content.into());
        }
        for (name, kind, data) in [
            (".symtab", SHT_SYMTAB, SectionData::Symbol),
            (".strtab", SHT_STRTAB, SectionData::String),
            (".shstrtab", SHT_STRTAB, SectionData::SectionString),
        ] {
            let section = builder.sections.add();
            section.name = name.into();
            section.sh_type = kind;
            section.sh_addralign = 1;
            section.data = data;
        }
        for (name, address, size, kind) in &self.symbols {
            let symbol = builder.symbols.add();
            symbol.name = name.as_str().into();
            symbol.set_st_info(STB_GLOBAL, *kind);
            symbol.st_shndx = SHN_ABS;
            symbol.st_value = (*address).into();
            symbol.st_size = (*size).into();
        }
        builder.set_section_sizes();
        let mut file = Vec::new();
        builder
            .write(&mut file)
            .expect("a small kernel can be written");
        file
    }
}
