//! What of `docs/caveats.md` concerns a system. The texts stand there alone; here is when they count.

use cofferdam_build::Built;
use cofferdam_model::ChannelKind;

use crate::data::Caveat;

const CAVEATS: &str = include_str!("../../../../docs/caveats.md");

/// What a system has that not every one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Guest,
    Apex,
    Bus,
    Trusted,
    Call,
    Ring,
    /// The device with the real-time clock.
    Clock,
    /// A device whose owner has authority over the machine.
    Authority,
}

/// The device behind which the real-time clock is.
const CLOCK: &str = "i2c";

/// Chapters that concern some systems alone.
const CHAPTERS: [(&str, Needs); 2] = [("Guests", Needs::Guest), ("ARINC 653", Needs::Apex)];

/// Caveats of other chapters that do, by what stands in bold.
const SINGLE: [(&str, Needs); 15] = [
    ("The real-time clock is QEMU's.", Needs::Clock),
    ("All devices on the bus share one window", Needs::Bus),
    (
        "That a device keeps to the window is its own word.",
        Needs::Trusted,
    ),
    ("Drivers of disks and networks are young.", Needs::Bus),
    ("A log on a FAT file system is not a journal.", Needs::Bus),
    (
        "The switch sees addresses and types, and nothing else",
        Needs::Bus,
    ),
    (
        "What comes from outside comes when the host sends it",
        Needs::Bus,
    ),
    ("A DMA that is shut out is silent", Needs::Bus),
    ("The memory of a ring is cleared by the loader", Needs::Ring),
    (
        "Owners of some devices are the module's owners",
        Needs::Authority,
    ),
    (
        "A call's deadline ends the client's waiting in the client's own windows.",
        Needs::Call,
    ),
    (
        "A server that never gives an abandoned request back keeps that channel for good",
        Needs::Call,
    ),
    (
        "Long messages cannot be submitted without waiting",
        Needs::Call,
    ),
    (
        "A system with a disk or a network is recorded by the host's clock while it is idle",
        Needs::Bus,
    ),
    (
        "A guest's kernel can have two entries of the TLB for one address",
        Needs::Guest,
    ),
];

/// Chapters that are about the project, and no system.
const NO_SYSTEMS: [&str; 2] = ["Not built yet", "Limits"];

/// The caveats that concern a system.
pub(super) fn of(built: &Built) -> Vec<Caveat> {
    let has = |needs| has(built, needs);
    let all = parsed().into_iter().filter(|one| {
        let chapter = CHAPTERS.iter().find(|(chapter, _)| *chapter == one.chapter);
        let single = SINGLE.iter().find(|(title, _)| one.text.starts_with(title));
        !NO_SYSTEMS.contains(&one.chapter.as_str())
            && [chapter, single]
                .into_iter()
                .flatten()
                .all(|(_, needs)| has(*needs))
    });
    all.collect()
}

fn has(built: &Built, needs: Needs) -> bool {
    let system = &built.checked.system;
    let mut partitions = system.partitions.iter();
    let kind = |kind: ChannelKind| {
        let mut channels = system.channels.iter();
        channels.any(|one| one.kind.as_ref().is_some_and(|it| it.value == kind))
    };
    let devices = || (system.partitions.iter()).flat_map(|one| &one.devices);
    let functions = || built.plan.bus.iter().flat_map(|bus| &bus.functions);
    match needs {
        Needs::Guest => system.has_guests(),
        Needs::Apex => partitions.any(|one| one.apex.is_some()),
        Needs::Bus => built.plan.bus.is_some(),
        Needs::Trusted => functions().any(|one| one.dma == "trusted"),
        Needs::Call => kind(ChannelKind::Call),
        Needs::Ring => kind(ChannelKind::Ring),
        Needs::Clock => devices().any(|device| device.value == CLOCK),
        Needs::Authority => devices().any(|device| {
            let facts = built.checked.board.device(device);
            facts.is_some_and(|facts| facts.module_authority.is_some())
        }),
    }
}

/// All of them, as plain text: without the marks of Markdown, and with its links' words alone.
fn parsed() -> Vec<Caveat> {
    let mut chapter = String::new();
    let mut all: Vec<Caveat> = Vec::new();
    let mut in_item = false;
    for line in CAVEATS.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            chapter = title.to_owned();
            in_item = false;
        } else if let Some(text) = line.strip_prefix("* ") {
            in_item = true;
            all.push(Caveat {
                chapter: chapter.clone(),
                text: text.to_owned(),
            });
        } else if line.trim().is_empty() {
            in_item = false;
        } else if let Some(last) = all.last_mut().filter(|_| in_item) {
            last.text.push(' ');
            last.text.push_str(line.trim());
        }
    }
    for one in &mut all {
        one.text = plain(&one.text);
    }
    all
}

fn plain(markdown: &str) -> String {
    let text = markdown.replace("**", "").replace('`', "");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        match link.split_once("](").and_then(|(words, behind)| {
            let (_, behind) = behind.split_once(')')?;
            Some((words, behind))
        }) {
            Some((words, behind)) => {
                out.push_str(words);
                rest = behind;
            }
            // No link, such as `[require]`.
            None => {
                out.push('[');
                rest = link;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_about_a_caveat_that_there_is() {
        let all = parsed();
        for (chapter, _) in CHAPTERS {
            assert!(all.iter().any(|one| one.chapter == chapter), "{chapter}");
        }
        for (title, _) in SINGLE {
            let found = all.iter().filter(|one| one.text.starts_with(title));
            assert_eq!(found.count(), 1, "{title}");
        }
    }

    #[test]
    fn links_leave_their_words() {
        assert_eq!(
            plain("**so** ([why](a.md#b)): `[require] flow`"),
            "so (why): [require] flow"
        );
    }
}
