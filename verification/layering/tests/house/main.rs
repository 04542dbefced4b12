//! Who depends on whom, where unsafe code and assembly stand, and what else the rules of the house say.

mod addresses;
mod apex;
mod tree;

use cofferdam_layering::{LAYERS, LONGEST_FILE, layer, matches};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use tree::{Crate, crates, rust_files};

fn none(what: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{what}:\n  {}",
        violations.join("\n  ")
    );
}

#[test]
fn every_crate_has_its_layer_and_every_layer_a_crate() {
    let crates = crates();
    let homeless: Vec<_> = crates
        .iter()
        .filter(|one| layer(&one.folder).is_none())
        .map(|one| one.folder.clone())
        .collect();
    none("no layer for", &homeless);
    let empty: Vec<_> = LAYERS
        .iter()
        .filter(|layer| !crates.iter().any(|one| matches(layer.folder, &one.folder)))
        .map(|layer| layer.folder.to_owned())
        .collect();
    none("no crate in", &empty);
}

#[test]
fn dependencies_run_downwards() {
    let crates = crates();
    let mut violations = Vec::new();
    for one in &crates {
        let Some(layer) = layer(&one.folder) else {
            continue;
        };
        for name in &one.dependencies {
            let Some(other) = crates.iter().find(|other| other.name == *name) else {
                continue; // From elsewhere.
            };
            if !layer
                .below
                .iter()
                .any(|below| matches(below, &other.folder))
            {
                violations.push(format!("{} depends on {}", one.folder, other.folder));
            }
        }
    }
    none("these dependencies are not allowed", &violations);
}

#[test]
fn what_runs_on_the_target_has_no_standard_library() {
    let mut violations = Vec::new();
    for one in in_layers(|layer| layer.on_target) {
        for (name, text) in roots(&one) {
            if !text.contains("no_std") {
                violations.push(name);
            }
        }
    }
    none("without no_std", &violations);
}

#[test]
fn unsafe_code_stands_where_it_may() {
    let mut violations = Vec::new();
    for one in in_layers(|layer| layer.unsafe_code.is_none()) {
        for (name, text) in rust_files(&one.folder) {
            if has_word(&text, "unsafe") {
                violations.push(format!("{name} has unsafe code"));
            }
        }
        for (name, text) in roots(&one) {
            if !text.contains("#![forbid(unsafe_code)]") {
                violations.push(format!("{name} does not forbid unsafe code"));
            }
        }
    }
    none("unsafe code", &violations);
}

#[test]
fn assembly_stands_where_it_may() {
    let mut violations = Vec::new();
    for one in in_layers(|layer| !layer.assembly) {
        // Names of these macros in the rules themselves are no assembly.
        for (name, text) in rust_files(&format!("{}/src", one.folder)) {
            if ["asm", "global_asm", "naked_asm"]
                .iter()
                .any(|word| has_word(&text, word))
            {
                violations.push(name);
            }
        }
    }
    // The kernel's binary may issue single instructions; everything longer is the architecture's.
    violations.retain(|name| !name.starts_with("microkernel/image/"));
    none("assembly", &violations);
}

/// How many unsafe blocks there are in each crate that may have any: whoever adds one, or takes one away, writes it down here.
const UNSAFE_BLOCKS: [(&str, usize); 9] = [
    ("ipc/ring", 6),
    ("microkernel/e500", 40),
    ("microkernel/image", 17),
    // Theirs are functions that need not be, and blocks that a macro writes.
    ("partitions/apex-ping", 0),
    ("personalities/apex-a653rs", 0),
    ("personalities/apex-c", 9),
    ("personalities/apex-native", 11),
    ("personalities/native", 53),
    ("tools/icount", 14),
];

#[test]
fn the_census_of_unsafe_blocks_is_right() {
    let mut found = Vec::new();
    for one in in_layers(|layer| layer.unsafe_code.is_some()) {
        let files = rust_files(&format!("{}/src", one.folder));
        let blocks = |text: &String| {
            let lines = text.lines().map(str::trim);
            let code = lines.filter(|line| !line.starts_with("//"));
            code.map(|line| line.matches("unsafe {").count())
                .sum::<usize>()
        };
        let count = files.iter().map(|(_, text)| blocks(text)).sum();
        found.push((one.folder, count));
    }
    found.sort();
    let committed = UNSAFE_BLOCKS.map(|(folder, count)| (folder.to_owned(), count));
    assert_eq!(found, committed);
}

#[test]
fn files_are_short_enough_to_read() {
    let mut violations = Vec::new();
    for one in crates() {
        for (name, text) in rust_files(&one.folder) {
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                violations.push(format!("{name}: {lines} lines"));
            }
        }
    }
    none("too long", &violations);
}

#[test]
fn the_tree_carries_no_unfinished_business() {
    // Put together here, so that this file does not accuse itself.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["todo", "!"].concat(),
        ["unimplemented", "!"].concat(),
    ];
    let mut violations = Vec::new();
    for one in crates() {
        for (name, text) in rust_files(&one.folder) {
            for (number, line) in text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word.as_str())) {
                    violations.push(format!("{name}:{}", number + 1));
                }
            }
        }
    }
    none("unfinished", &violations);
}

fn in_layers(wanted: impl Fn(&cofferdam_layering::Layer) -> bool) -> Vec<Crate> {
    let all = crates().into_iter();
    all.filter(|one| layer(&one.folder).is_some_and(&wanted))
        .collect()
}

/// The files at the root of each library and binary.
fn roots(one: &Crate) -> Vec<(String, String)> {
    let of_crate = rust_files(&format!("{}/src", one.folder)).into_iter();
    let is_root = |name: &str| {
        let file = name.strip_prefix(&format!("{}/", one.folder));
        file.is_some_and(|file| {
            file == "src/lib.rs" || file == "src/main.rs" || file.starts_with("src/bin/")
        })
    };
    of_crate.filter(|(name, _)| is_root(name)).collect()
}

/// Whether `word` stands in the code: not in a comment, a text, or an attribute.
fn has_word(text: &str, word: &str) -> bool {
    let tokens: TokenStream = text.parse().expect("a Rust file");
    stream_has_word(tokens, word)
}

fn stream_has_word(tokens: TokenStream, word: &str) -> bool {
    let mut attribute = false;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == word => return true,
            TokenTree::Group(group) => {
                let is_attribute = attribute && group.delimiter() == Delimiter::Bracket;
                if !is_attribute && stream_has_word(group.stream(), word) {
                    return true;
                }
                attribute = false;
            }
            // The `!` of an inner attribute comes between.
            TokenTree::Punct(mark) => {
                attribute = mark.as_char() == '#' || attribute && mark.as_char() == '!'
            }
            _ => attribute = false,
        }
    }
    false
}

#[test]
fn words_are_found_in_code_alone() {
    assert!(has_word("fn f() { unsafe { g() } }", "unsafe"));
    assert!(has_word(
        "macro_rules! m { () => { unsafe { g() } } }",
        "unsafe"
    ));
    for harmless in [
        "// unsafe",
        "const TEXT: &str = \"unsafe\";",
        "#[unsafe(no_mangle)] fn f() {}",
        "#![forbid(unsafe_code)]",
    ] {
        assert!(!has_word(harmless, "unsafe"), "{harmless}");
    }
}
