//! The documents say what the code says, and what they cite exists.

mod common;

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::{env, fs};

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::{
    CrashRecord, Header, HealthRecord, Mark, PartitionRecord, TraceEvent, offset,
};
use cofferdam_abi::{limits, page};
use cofferdam_check::check_text;
use cofferdam_docs::{PARTS, WHOLE, figures};

use common::{code, documents, none, read, root};

#[test]
fn the_references_are_what_the_code_says() {
    let mut wrong = Vec::new();
    for part in PARTS {
        let document = read(part.document);
        let Some(right) = part.put_into(&document) else {
            wrong.push(format!(
                "{}: the comments of `{}` are missing",
                part.document, part.name
            ));
            continue;
        };
        if right == document {
            continue;
        }
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(root().join(part.document), right).unwrap();
        } else {
            wrong.push(format!(
                "{}: `{}`; UPDATE_EXPECT=1 writes it",
                part.document, part.name
            ));
        }
    }
    for whole in WHOLE {
        let right = (whole.text)();
        let path = root().join(whole.file);
        if fs::read_to_string(&path).is_ok_and(|text| text == right) {
            continue;
        }
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(path, right).unwrap();
        } else {
            wrong.push(format!("{}; UPDATE_EXPECT=1 writes it", whole.file));
        }
    }
    none("not as the code has it", &wrong);
}

#[test]
fn every_hypercall_has_its_page() {
    let text = read("docs/abi.md");
    let mut wrong = Vec::new();
    let mut last = 0;
    for call in Hypercall::ALL {
        let name = call.name();
        let head = format!("\n### `{name}`\n");
        let Some(at) = text.find(&head) else {
            wrong.push(format!("{name}: no page"));
            continue;
        };
        if at < last {
            wrong.push(format!("{name}: not in the order of the numbers"));
        }
        last = at;
        let rest = &text[at + head.len()..];
        let page = rest
            .split("\n## ")
            .next()
            .unwrap()
            .split("\n### ")
            .next()
            .unwrap();
        for section in ["Arguments", "Results", "Faults", "Notes"] {
            if !page.contains(&format!("**{section}**")) {
                wrong.push(format!("{name}: no {section}"));
            }
        }
    }
    none("pages of hypercalls", &wrong);
}

#[test]
fn the_register_page_is_laid_out_as_described() {
    let text = read("docs/abi.md");
    let words = [
        ("MSR", page::MSR),
        ("PENDING", page::PENDING),
        ("ENABLED", page::ENABLED),
        ("SRR0", page::SRR0),
        ("SRR1", page::SRR1),
        ("DEAR", page::DEAR),
        ("ESR", page::ESR),
        ("SPRG0", page::SPRG0),
        ("VECTORS", page::VECTORS),
        ("EPOCH", page::EPOCH),
        ("START_REASON", page::START_REASON),
        ("PARTITION", page::PARTITION),
        ("TIMEBASE_HZ", page::TIMEBASE_HZ),
        ("RELEASE", page::RELEASE),
        ("RELEASES", page::RELEASES),
    ];
    for (name, offset) in words {
        let row = format!("| `{offset:#05x}` | `{name}` |");
        assert!(text.contains(&row), "no row {row}");
    }
}

/// Where fields of a record lie, and how long they are.
macro_rules! fields {
    ($record:ty: $($field:ident)*) => {{
        fn size_of_field<F>(_: fn(&$record) -> &F) -> usize {
            size_of::<F>()
        }
        let fields = [$((offset_of!($record, $field), size_of_field(|record| &record.$field))),*];
        (fields.into_iter().collect::<BTreeSet<_>>(), size_of::<$record>())
    }};
}

/// What a table says of that: offsets in the first cell, and bytes, of each one, in the second.
fn fields_of_table(section: &str) -> BTreeSet<(usize, usize)> {
    let mut fields = BTreeSet::new();
    for row in section.lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, offsets, bytes, ..] = cells[..] else {
            continue;
        };
        let Ok(bytes) = bytes.trim_end_matches(" each").parse() else {
            continue;
        };
        let offsets = offsets.split(", ").map(|one| one.parse().unwrap());
        fields.extend(offsets.map(|offset: usize| (offset, bytes)));
    }
    fields
}

#[test]
fn the_record_is_laid_out_as_described() {
    let text = read("docs/abi.md");
    let (_, record) = text.split_once("\n## The record\n").unwrap();
    let section = |title: &str| {
        let (_, section) = record.split_once(&format!("\n### {title}\n")).unwrap();
        section.split("\n### ").next().unwrap()
    };
    let parts = [
        (
            "The head",
            fields!(Header: magic abi_version state reason boots trace_kernel tables_crc partitions start_tick now_tick
                major_frames schedule late_windows jitter_max_ticks health_events marks health trace stop_request stop_at),
            (offset::HEADER, 1),
        ),
        (
            "Partition records",
            fields!(PartitionRecord: name state epoch restarts health_events errors releases completions deadlines_missed
                jitter_min_ticks jitter_max_ticks response_max_ticks worst_window_used_ticks hypercalls cpu_ticks
                guest_idle_ticks),
            (offset::PARTITIONS, limits::PARTITIONS),
        ),
        (
            "Crash records",
            fields!(CrashRecord: magic partition error action tick epoch exception gpr backtrace count),
            (offset::CRASHES, limits::PARTITIONS + 1),
        ),
        (
            "Health records",
            fields!(HealthRecord: tick sequence partition error action pc address detail exception epoch),
            (offset::HEALTH, limits::HEALTH_RECORDS),
        ),
        (
            "Marks",
            fields!(Mark: tick sequence partition identifier value),
            (offset::MARKS, limits::MARKS),
        ),
        (
            "Trace events",
            fields!(TraceEvent: tick kind partition what value extra),
            (offset::TRACE, limits::TRACE_EVENTS),
        ),
    ];
    for (title, (mut fields, size), (offset, count)) in parts {
        if title == "Crash records" {
            // The page has those behind the general ones as one: eight words.
            fields.insert((offset_of!(CrashRecord, pc), 32));
        }
        assert_eq!(fields_of_table(section(title)), fields, "{title}");
        let row = format!("| {count} | {size} |\n");
        let place = format!("| `{offset:#06x}` |");
        let rows = record.lines().map(|line| format!("{line}\n"));
        let mut rows = rows.filter(|line| line.starts_with(&place));
        assert!(
            rows.any(|line| line.ends_with(&row)),
            "{title}: {place} {row}"
        );
    }
}

#[test]
fn limits_are_those_of_the_code() {
    let text = read("docs/caveats.md");
    let limits = [
        ("partitions", limits::PARTITIONS),
        ("memory regions", limits::REGIONS),
        ("capabilities", limits::CAPABILITIES),
        ("channels", limits::CHANNELS),
        ("ends of channels", limits::CHANNEL_ENDS),
        ("bytes of a message", limits::MESSAGE_BYTES as usize),
        ("places of a queue", limits::QUEUE_DEPTH as usize),
        ("schedules", limits::SCHEDULES),
        ("windows", limits::WINDOWS),
        ("ranks", limits::RANKS),
        ("device interrupts", limits::INTERRUPTS),
        ("virtual interrupt lines of a partition", limits::LINES),
        ("writes to TLB1", limits::TLB_WRITES),
        ("bytes of a name", limits::NAME_BYTES),
        ("bytes of the compiled tables", limits::TABLES_BYTES),
        ("entries of the health log", limits::HEALTH_RECORDS),
        ("marks", limits::MARKS),
        ("events of the trace", limits::TRACE_EVENTS),
    ];
    for (name, limit) in limits {
        let row = format!("| {name} | {limit} |");
        assert!(text.contains(&row), "no row {row}");
    }
}

#[test]
fn a_breakdown_is_of_the_committed_figures() {
    let figures = figures::figures();
    for parts in figures::breakdown() {
        let figure = figures.iter().find(|figure| figure.path == parts.path);
        let sum: u64 = parts.parts.iter().map(|(_, count)| count).sum();
        let figure = figure.unwrap_or_else(|| panic!("{} is no figure", parts.path));
        assert_eq!(sum, figure.kernel_instructions, "{}", parts.path);
    }
}

#[test]
fn every_missed_aim_has_its_reason() {
    let text = read("docs/performance.md");
    let missed = figures::figures()
        .into_iter()
        .filter(|one| one.misses_aim());
    let silent: Vec<_> = missed
        .map(|figure| figure.path)
        .filter(|path| !text.contains(&format!("`{path}`**")))
        .collect();
    none("docs/performance.md does not say why", &silent);
}

#[test]
fn every_crate_is_on_the_map() {
    let map = read("docs/architecture.md");
    let workspace = read("Cargo.toml");
    let members = workspace.split("members = [").nth(1).unwrap();
    let members = members.split(']').next().unwrap();
    let mut missing = Vec::new();
    for parent in members.split('"').skip(1).step_by(2) {
        let parent = parent.strip_suffix("/*").unwrap();
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            let entry = entry.unwrap();
            let folder = format!("{parent}/{}", entry.file_name().to_str().unwrap());
            if entry.path().join("Cargo.toml").exists() && !map.contains(&format!("`{folder}`")) {
                missing.push(folder);
            }
        }
    }
    none("not in docs/architecture.md", &missing);
}

#[test]
fn what_is_cited_exists() {
    let folders: Vec<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir() && entry.file_name() != "target")
        .map(|entry| entry.file_name().to_str().unwrap().to_owned() + "/")
        .collect();
    let mut missing = Vec::new();
    for (name, text) in documents() {
        for cited in code(&text) {
            if !folders
                .iter()
                .any(|folder| cited.starts_with(folder.as_str()))
            {
                continue;
            }
            let (path, item) = match cited.split_once("::") {
                Some((path, item)) => (path, Some(item)),
                None => (cited, None),
            };
            if path.contains(['<', '*', ' ']) || path.contains("NAME") {
                continue; // Stands for several.
            }
            let there = root().join(path);
            let holds = match item {
                None => there.exists(),
                Some(item) => fs::read_to_string(there)
                    .is_ok_and(|text| text.contains(&format!("fn {item}("))),
            };
            if !holds {
                missing.push(format!("{name}: `{cited}`"));
            }
        }
    }
    none("cited, but not there", &missing);
}

/// What a link writes to come to this line, if it is a heading.
fn anchor_of(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = |one: &char| one.is_alphanumeric() || " -_".contains(*one);
    let title = title
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>();
    Some(title.replace(' ', "-"))
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for (name, text) in documents() {
        let folder = root().join(&name).parent().unwrap().to_path_buf();
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            let path = link.split('#').next().unwrap();
            if link.starts_with("http") {
                continue;
            }
            let target = match path {
                "" => root().join(&name),
                path => folder.join(path),
            };
            let anchor = link.split_once('#').map(|(_, anchor)| anchor);
            let has_anchor = |anchor: &str| {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                text.lines()
                    .any(|line| anchor_of(line).as_deref() == Some(anchor))
            };
            if !target.exists() || !anchor.is_none_or(has_anchor) {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    none("dead links", &dead);
}

/// Whoever has an application reads the examples first: each is a file of the tree, or a part of one, which the tests build and run.
#[test]
fn the_examples_of_the_services_are_files_of_the_tree() {
    let text = read("docs/apex.md");
    let mut own = text.clone();
    for part in PARTS.iter().filter(|part| part.document == "docs/apex.md") {
        own = own.replace((part.text)().trim(), "");
    }
    // What is an excerpt is compared by `what_is_shown_stands_in_the_tree`.
    let paragraphs = own.split("\n\n");
    let by_hand = paragraphs.filter(|paragraph| {
        let example = ["```rust", "```c\n"]
            .iter()
            .any(|one| paragraph.contains(one));
        example && !paragraph.starts_with("<!-- from: ")
    });
    let by_hand: Vec<_> = by_hand.map(str::to_owned).collect();
    none("an example that nothing builds", &by_hand);
    assert!(text.contains("```rust") && text.contains("```c\n"));
}

/// The example of a configuration is one: in the place of a partition of the same name, in a system that has the schedule it names.
#[test]
fn the_example_of_a_configuration_is_right() {
    let (name, capability) = ("[partition.control]", "[capability]\n");
    let text = read("docs/apex.md");
    let (_, example) = text.split_once(&format!("```toml\n{name}")).unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let (partition, capabilities) = example.split_once(capability).unwrap();
    let system = read("systems/apex/system.toml");
    let (before, rest) = system.split_once(name).unwrap();
    let (_, behind) = rest.split_once("[partition.ground]").unwrap();
    let behind = behind.replace(capability, &format!("{capability}{capabilities}"));
    let system = format!("{before}{name}{partition}[partition.ground]{behind}");
    if let Err(refused) = check_text("docs/apex.md", &system) {
        panic!("{}", refused.render(false));
    }
}
