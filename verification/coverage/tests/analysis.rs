//! The analysis on kernels of a few instructions, which are written here.

use std::fs;
use std::path::Path;

use cofferdam_coverage::arguments::Arguments;
use cofferdam_coverage::{Analysis, Sources, analyse, page};
use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

/// `beq .+8`, `nop`, `blr`; and a call, whose displacement is another in each kernel.
const BRANCH: [u32; 3] = [0x4182_0008, 0x6000_0000, 0x4e80_0020];
const CALLS: [u32; 2] = [0x4800_0101, 0x4e80_0020];
const CALLS_ELSEWHERE: [u32; 2] = [0x4800_0201, 0x4e80_0020];

/// An ELF with these functions, the text beginning at 0.
fn elf(functions: &[(&str, &[u32])]) -> Vec<u8> {
    let mut elf = Object::new(BinaryFormat::Elf, Architecture::PowerPc, Endianness::Big);
    let text = elf.section_id(object::write::StandardSection::Text);
    for (name, words) in functions {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let value = elf.append_section_data(text, &bytes, 4);
        elf.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: bytes.len() as u64,
            kind: SymbolKind::Text,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Section(text),
            flags: SymbolFlags::None,
        });
    }
    elf.write().expect("an ELF")
}

/// What is found of these kernels: the name, the ELF, and what each run executed.
fn found(kernels: &[(&str, Vec<u8>, &[&str])], arguments: &str) -> anyhow::Result<Analysis> {
    let folder = tempfile::tempdir()?;
    for (name, elf, runs) in kernels {
        fs::write(folder.path().join(format!("{name}.elf")), elf)?;
        for (number, run) in runs.iter().enumerate() {
            fs::write(folder.path().join(format!("{name}-{number}.executed")), run)?;
        }
    }
    let arguments = Arguments::parse(arguments)?;
    analyse(folder.path(), "elf", "executed", Path::new("."), &arguments)
}

#[test]
fn instructions_and_ways_are_counted() {
    let kernel = || elf(&[("f", &BRANCH)]);
    let once = found(&[("plain", kernel(), &["0 taken\n8\n"])], "").unwrap();
    let sum = once.kernels[0].sum;
    assert_eq!((sum.instructions, sum.executed), (3, 2));
    assert_eq!((sum.ways, sum.ways_went), (2, 1));
    assert_eq!((sum.open(), sum.ways_open()), (1, 1));
    let both = found(
        &[("plain", kernel(), &["0 taken\n8\n", "0 passed\n4\n8\n"])],
        "",
    )
    .unwrap();
    let sum = both.kernels[0].sum;
    assert_eq!((sum.open(), sum.ways_open()), (0, 0));
    assert!(both.kernels[0].gaps.is_empty());
}

#[test]
fn what_aligns_code_is_no_instruction() {
    // A branch over one `nop` to the next; a jump over two more; and `blr`.
    let code = [
        0x4182_0008,
        0x6000_0000,
        0x6000_0000,
        0x4800_000c,
        0x6000_0000,
        0x6000_0000,
        0x4e80_0020,
    ];
    let of = |run: &'static str| {
        let found = found(&[("plain", elf(&[("f", &code)]), &[run])], "").unwrap();
        found.kernels[0].sum
    };
    let sum = of("0 taken\n8\nc\n18\n");
    assert_eq!((sum.instructions, sum.executed), (5, 4));
    // Whatever was executed is one, and so is what follows it.
    assert_eq!(of("0 taken\n8\nc\n10\n18\n").instructions, 7);
}

#[test]
fn what_is_argued_is_not_open_and_no_argument_is_idle() {
    let kernel = || elf(&[("f", &BRANCH)]);
    let argued = "[[argument]]\nfunction = \"f\"\nwhy = \"nothing follows\"\n";
    let part = found(&[("plain", kernel(), &["0 taken\n8\n"])], argued).unwrap();
    let sum = part.kernels[0].sum;
    assert_eq!((sum.argued, sum.ways_argued), (1, 1));
    assert_eq!((sum.open(), sum.ways_open()), (0, 0));
    assert!(part.idle_arguments.is_empty());
    let whole = found(&[("plain", kernel(), &["0 taken passed\n4\n8\n"])], argued).unwrap();
    assert_eq!(whole.idle_arguments, [0]);
}

#[test]
fn a_function_that_is_the_same_counts_for_both_kernels() {
    let one = elf(&[("f", &BRANCH), ("g", &CALLS)]);
    let other = elf(&[
        ("g", &CALLS_ELSEWHERE),
        ("f", &[0x4182_0008, 0x6000_0001, 0x4e80_0020]),
    ]);
    let found = found(
        &[
            ("guests", one, &["c\n10\n"]),
            ("guests+bus", other, &["8 taken\n"]),
        ],
        "",
    )
    .unwrap();
    for kernel in &found.kernels {
        // All of `g`, and no more than one instruction of `f`, which is not the same.
        let of_f = usize::from(kernel.name == "guests+bus");
        assert_eq!(kernel.sum.executed, 2 + of_f, "{}", kernel.name);
    }
}

#[test]
fn what_another_kernel_executed_is_refused() {
    let kernel = || elf(&[("f", &BRANCH)]);
    for (run, said) in [
        ("100\n", "no instruction"),
        ("0 tak", "tak"),
        ("", "no instruction"),
    ] {
        let outcome = found(&[("plain", kernel(), &[run])], "");
        let text = outcome.err().map(|error| format!("{error:#}"));
        match run {
            "" => assert_eq!(text, None),
            _ => assert!(
                text.as_ref().is_some_and(|text| text.contains(said)),
                "{text:?}"
            ),
        }
    }
    assert!(found(&[("plain", kernel(), &[])], "").is_err());
    assert!(found(&[("plain", b"no ELF".to_vec(), &["0\n"])], "").is_err());
}

#[test]
fn the_page_shows_what_is_missing() {
    let found = found(&[("plain", elf(&[("f", &BRANCH)]), &["0 taken\n8\n"])], "").unwrap();
    let page = page::page(
        &found,
        &Arguments::default(),
        &mut Sources::new(Path::new(".")),
    )
    .unwrap();
    for text in ["never executed: 4", "always taken: 0", "2 (66.6 %)"] {
        assert!(page.contains(text), "{text}");
    }
}
