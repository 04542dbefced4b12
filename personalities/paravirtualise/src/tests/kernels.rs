//! Small kernels, each with something that has to be noticed.

use object::elf::{EM_ARM, ET_DYN};

use super::small::{BASE, BLR, BODY, NOP, Small, TABLES};
use crate::{Refusal, Rewritten, Site, What, rewrite};

const MFMSR_R3: u32 = 0x7c60_00a6;
const WRTEEI_0: u32 = 0x7c00_0146;

fn rewritten(small: &Small) -> Rewritten {
    rewrite(&small.elf()).expect("it can be rewritten")
}

fn site(rewritten: &Rewritten, address: u32) -> &Site {
    let mut sites = rewritten.sites.iter();
    sites
        .find(|site| site.address == address)
        .expect("it is in the list")
}

/// Whether it was left, and why.
fn left(rewritten: &Rewritten, address: u32) -> &str {
    let site = site(rewritten, address);
    let What::Left { why } = &site.what else {
        panic!("{site:?}");
    };
    assert_eq!(site.before, site.after);
    why
}

/// How far a word of the tables is from some code.
fn from_table(word: u32, code: u32) -> u32 {
    code.wrapping_sub(TABLES + 4 * word)
}

#[test]
fn an_object_in_the_text_is_data() {
    let small = Small::new(&[NOP, BLR, MFMSR_R3, WRTEEI_0]).object("constants", BODY + 8, 8);
    let rewritten = rewritten(&small);
    assert_eq!(left(&rewritten, BODY + 8), crate::DATA);
    assert_eq!(left(&rewritten, BODY + 12), crate::DATA);
    assert_eq!(rewritten.counts["left"], 2);
}

#[test]
fn what_nothing_leads_to_is_left() {
    let rewritten = rewritten(&Small::new(&[NOP, BLR, WRTEEI_0, BLR]));
    assert_eq!(left(&rewritten, BODY + 8), crate::UNREACHED);
}

#[test]
fn what_a_branch_leads_to_is_code() {
    // beq, over a return and a constant.
    let rewritten = rewritten(&Small::new(&[0x4182_000c, BLR, MFMSR_R3, MFMSR_R3, BLR]));
    assert_eq!(left(&rewritten, BODY + 8), crate::UNREACHED);
    assert_eq!(site(&rewritten, BODY + 12).what, What::Load);
}

#[test]
fn code_that_runs_into_no_instruction_is_refused() {
    let refusal = rewrite(&Small::new(&[WRTEEI_0, NOP, 0x0000_001e]).elf());
    let refusal = refusal.expect_err("one of the two is not what it looks like");
    let text = refusal.to_string();
    assert!(text.contains("0xc0000008, body"), "{text}");
    assert!(text.contains("0x0000001e at 0xc0000010"), "{text}");
}

#[test]
fn early_code_gets_no_stub() {
    let small = Small::new(&[MFMSR_R3, WRTEEI_0, BLR])
        .without_symbols()
        .label("_stext", BASE)
        .label("body", BODY)
        .label("interrupt_base", BODY + 8);
    let rewritten = rewritten(&small);
    assert_eq!(site(&rewritten, BODY).what, What::Load);
    assert!(left(&rewritten, BODY + 4).contains("before Linux has mapped"));
}

#[test]
fn alternatives_get_no_stub() {
    let code = [
        WRTEEI_0, MFMSR_R3, BLR, // what the feature replaces: the first two
        WRTEEI_0, MFMSR_R3, BLR, // the alternative: the first two
    ];
    let mut small = Small::new(&code)
        .label("__start___ftr_fixup", TABLES)
        .label("__stop___ftr_fixup", TABLES + 24);
    let from_entry = |code: u32| code.wrapping_sub(TABLES);
    small.tables = vec![
        1,
        1,
        from_entry(BODY),
        from_entry(BODY + 8),
        from_entry(BODY + 12),
        from_entry(BODY + 20),
    ];
    let rewritten = rewritten(&small);
    for stub in [BODY, BODY + 12] {
        assert!(
            left(&rewritten, stub).contains("copies over it"),
            "{stub:#x}"
        );
    }
    for word in [BODY + 4, BODY + 16] {
        assert_eq!(site(&rewritten, word).what, What::Load, "{word:#x}");
    }
}

#[test]
fn what_linux_writes_is_left() {
    let code = [MFMSR_R3, MFMSR_R3, MFMSR_R3, MFMSR_R3, MFMSR_R3, BLR];
    let mut small = Small::new(&code)
        .label("__start___barrier_nospec_fixup", TABLES)
        .label("__stop___barrier_nospec_fixup", TABLES + 4)
        .label("__start___jump_table", TABLES + 4)
        .label("__stop___jump_table", TABLES + 16)
        .object("patch__something", TABLES + 16, 4);
    small.tables = vec![
        from_table(0, BODY),
        from_table(1, BODY + 8),
        from_table(2, BODY + 20),
        0,
        from_table(4, BODY + 12),
    ];
    let rewritten = rewritten(&small);
    for address in [BODY, BODY + 4, BODY + 8, BODY + 12] {
        assert_eq!(left(&rewritten, address), "Linux writes this word itself");
    }
    assert_eq!(site(&rewritten, BODY + 16).what, What::Load);
}

#[test]
fn templates_are_left() {
    let small = Small::new(&[MFMSR_R3, WRTEEI_0, BLR, MFMSR_R3, BLR])
        .function("kvm_template_start", BODY)
        .function("kvm_tmp_end", BODY + 12);
    let rewritten = rewritten(&small);
    for address in [BODY, BODY + 4] {
        assert_eq!(left(&rewritten, address), "Linux copies it, as a template");
    }
    assert_eq!(site(&rewritten, BODY + 12).what, What::Load);
}

#[test]
fn other_files_are_refused() {
    let small = || Small::new(&[BLR]);
    let refused = |small: &Small| rewrite(&small.elf()).expect_err("it is no such kernel");

    let mut other = small();
    other.machine = EM_ARM;
    assert_eq!(refused(&other), Refusal::Architecture);
    assert_eq!(rewrite(b"uImage"), Err(Refusal::Architecture));

    let mut other = small();
    other.file = ET_DYN;
    assert_eq!(refused(&other), Refusal::Relocates);

    assert_eq!(refused(&small().without_symbols()), Refusal::NoSymbols);
    assert_eq!(
        refused(&small().without_symbols().label("_stext", BASE)),
        Refusal::NoSymbol("interrupt_base")
    );
    assert_eq!(
        refused(&small().function("mmu_mark_rodata_ro", BODY)),
        Refusal::Protects
    );
}

#[test]
fn a_file_that_ends_early_is_refused() {
    let elf = Small::new(&[WRTEEI_0, BLR]).elf();
    for length in 0..elf.len() {
        assert!(rewrite(&elf[..length]).is_err(), "{length}");
    }
}

#[test]
fn tables_that_are_not_known_are_not_walked() {
    let rewritten = rewritten(&Small::new(&[BLR]));
    assert_eq!(rewritten.paravirtual.kernel_table, 0);
    let [note] = &rewritten.notes[..] else {
        panic!("{:?}", rewritten.notes);
    };
    assert!(note.contains("DataTLBError"), "{note}");
}

#[test]
fn the_list_is_json_and_back() {
    let mut rewritten = rewritten(&Small::new(&[MFMSR_R3, WRTEEI_0, 0x7c00_07a4, BLR]));
    let text = serde_json::to_string(&rewritten).expect("it can be written");
    assert!(text.contains(r#""before":2086666406"#), "{text}");
    rewritten.image.clear();
    assert_eq!(
        serde_json::from_str::<Rewritten>(&text).ok(),
        Some(rewritten)
    );
}
