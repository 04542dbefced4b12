//! The report of every system: nothing is forgotten, and the page needs nothing from elsewhere.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_report::{diff, gather, page, read};

use crate::expected;
use crate::machines::Systems;
use crate::parts::Tally;

/// What a page that needs no other file does not have.
const FROM_ELSEWHERE: [&str; 6] = ["http:", "https:", "src=", "url(", "@import", "<link"];

/// What a page on paper takes: what is folded on a screen stands there, and no head alone at a page's end.
const ON_PAPER: [&str; 6] = [
    "details::details-content { content-visibility: visible; display: block; }",
    "h2, h3, h2 + p, h3 + p { break-after: avoid; }",
    "tr, .whole, .facts div, svg { break-inside: avoid; }",
    ".drawing { min-width: 0; max-height: 225mm; }",
    "thead { display: table-header-group; }",
    "p { orphans: 3; widows: 3; max-width: none; }",
];

/// One case for each system.
pub fn tests(systems: &Systems) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, built) in systems.iter() {
        tally.count(name, is_whole(built));
    }
    for (name, holder) in AUTHORITY {
        let built = systems.get(name)?;
        let title = format!("who has authority over the machine of {name}");
        tally.count(&title, names_authority(built, holder));
    }
    for (name, masters) in REACH {
        let title = format!("what devices on the bus of {name} reach");
        tally.count(&title, names_reach(systems.get(name)?, masters));
    }
    for (name, caveat, concerns) in CAVEATS {
        let title = format!("whether the caveat on {caveat} concerns {name}");
        tally.count(&title, has_caveat(systems.get(name)?, caveat, concerns));
    }
    tally.count(
        "what a trusted device reaches",
        trusted(systems.get("dma")?),
    );
    Ok(tally)
}

/// A device on the bus, its `dma`, and whose memory besides its owner's it reaches.
type Reach = (&'static str, &'static str, &'static [&'static str]);

/// The devices of a system.
const REACH: [(&str, &[Reach]); 2] = [
    (
        "hostile_disk",
        &[
            ("disk0", "arena", &["check", "victim", "hostile"]),
            ("disk1", "arena", &["disk", "check", "victim"]),
        ],
    ),
    ("dma", &[("edu", "arena", &[]), ("edu1", "none", &[])]),
];

/// The same where one is trusted.
const TRUSTED: &[Reach] = &[
    ("edu1", "none", &[]),
    (
        "edu",
        "trusted",
        &["flight", "plant", "sentinel", "terminal"],
    ),
];

fn trusted(built: &Built) -> Result<()> {
    let mut all = expected::of_system(built)?.into_iter();
    let file = all.find(|(file, _)| file == "trusted");
    let (_, expected) = file.context("there is no trusted.toml")?;
    let (trusted, _) = expected.variant.build(built, Kernel::Release)?;
    names_reach(&trusted, TRUSTED)
}

/// The data and the page name each device with whom it reaches, and one that is trusted loudly.
fn names_reach(built: &Built, masters: &[Reach]) -> Result<()> {
    let report = gather(built)?;
    let found: Vec<_> = (report.masters.iter())
        .map(|one| (&*one.device, &*one.dma, one.reaches.clone()))
        .collect();
    let expected: Vec<_> = (masters.iter())
        .map(|(device, dma, reached)| {
            let reached = reached.iter().map(|name| (*name).to_owned());
            (*device, *dma, reached.collect::<Vec<_>>())
        })
        .collect();
    ensure!(found == expected, "it says {found:?}");
    let page = page(&report)?;
    let (_, section) =
        (page.split_once(r#"<h2 id="masters">"#)).context("the page has no such section")?;
    let section = section.split("<h2").next().unwrap_or_default();
    for (device, dma, reached) in masters {
        let row = section
            .split("<tr>")
            .find(|row| row.contains(&format!("<b>{device}</b>")));
        let row = row.with_context(|| format!("{device} has no row"))?;
        ensure!(
            row.contains(r#"class="loud""#) == (*dma == "trusted"),
            "{row}"
        );
        ensure!(row.contains("nobody else") == reached.is_empty(), "{row}");
        for name in *reached {
            ensure!(row.contains(name), "{name} is not in {row}");
        }
    }
    Ok(())
}

/// Whether a caveat that has these words concerns a system.
const CAVEATS: [(&str, &str, bool); 4] = [
    ("flight", "real-time clock", false),
    ("instruments", "real-time clock", true),
    ("flight", "Owners of some devices", false),
    ("instruments", "Owners of some devices", true),
];

fn has_caveat(built: &Built, words: &str, concerns: bool) -> Result<()> {
    let report = gather(built)?;
    let mut all = report.caveats.iter();
    let told = all.any(|one| one.text.contains(words));
    ensure!(told == concerns, "the report says {told}");
    Ok(())
}

/// Who has authority over the machine in a system, and by what, if somebody has.
const AUTHORITY: [(&str, Option<(&str, &str)>); 3] = [
    (
        "instruments",
        Some((
            "power",
            "its device gpio: it can power off the machine (pin 0)",
        )),
    ),
    (
        "apex_xml",
        Some((
            "control",
            "its capability schedule.set: it can set the schedule",
        )),
    ),
    ("flight", None),
];

/// The data and the page name him, and nobody else.
fn names_authority(built: &Built, holder: Option<(&str, &str)>) -> Result<()> {
    const NOBODY: &str = "No partition, by anything that the file gives it.";
    let report = gather(built)?;
    let found = report.authorities.iter();
    let found: Vec<_> = found.map(|one| (&*one.partition, &*one.by)).collect();
    ensure!(found == Vec::from_iter(holder), "it says {found:?}");
    let page = page(&report)?;
    let (_, section) = (page.split_once("Who has authority over the machine as a whole"))
        .context("the page has no such section")?;
    let section = section.split("<h2").next().unwrap_or_default();
    for partition in &built.plan.partitions {
        let named = section.contains(&format!(">{}</b>", partition.name));
        let is_holder = holder.is_some_and(|(name, _)| name == partition.name);
        ensure!(
            named == is_holder,
            "of {} it says: {section}",
            partition.name
        );
    }
    ensure!(section.contains(NOBODY) == holder.is_none(), "{section}");
    Ok(())
}

fn is_whole(built: &Built) -> Result<()> {
    let report = gather(built)?;
    let again = read(&serde_json::to_string(&report)?)?;
    ensure!(again == report, "its JSON form says something else");
    ensure!(
        diff(&report, &again).is_empty(),
        "it is different from itself"
    );
    for window in report.schedules.iter().flat_map(|one| &one.windows) {
        ensure!(
            window.tlb1_entries <= report.tlb1_entries,
            "a window takes {} entries of TLB1, and there are {}",
            window.tlb1_entries,
            report.tlb1_entries
        );
    }
    for channel in &built.checked.system.channels {
        let mut told = report.channels.iter();
        let told = told.find(|one| one.name == channel.name.value);
        let told = told.with_context(|| format!("{} is missing", channel.name.value))?;
        let depth = channel.depth.as_ref().map_or(told.depth, |depth| **depth);
        ensure!(
            told.depth == depth,
            "{} has {depth} places, and it says {}",
            told.name,
            told.depth
        );
    }
    let page = page(&report)?;
    for one in ON_PAPER {
        ensure!(page.contains(one), "the page lacks `{one}` for paper");
    }
    ensure!(
        page.matches("<table>").count() == page.matches("<table><thead>").count(),
        "a table has no head that a printer repeats"
    );
    for one in FROM_ELSEWHERE {
        ensure!(!page.contains(one), "the page has `{one}`");
    }
    let plan = &built.plan;
    let names = (plan.partitions.iter().map(|one| &one.name))
        .chain(plan.channels.iter().map(|one| &one.name))
        .chain(plan.interrupts.iter().map(|one| &one.device))
        .chain(plan.schedules.iter().map(|one| &one.name));
    for name in names {
        ensure!(
            page.contains(name.as_str()),
            "the page does not name {name}"
        );
    }
    let windows = plan.schedules.iter().map(|one| one.windows.len());
    let drawn = page.matches("class=\"guard\"").count();
    ensure!(drawn == windows.sum::<usize>(), "{drawn} windows are drawn");
    Ok(())
}
