//! The report of every system: nothing is forgotten, and the page needs nothing from elsewhere.

use anyhow::{Result, ensure};
use cofferdam_build::Built;
use cofferdam_report::{diff, gather, page, read};

use crate::machines::Systems;
use crate::parts::Tally;

/// What a page that needs no other file does not have.
const FROM_ELSEWHERE: [&str; 6] = ["http:", "https:", "src=", "url(", "@import", "<link"];

/// One case for each system.
pub fn tests(systems: &Systems) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, built) in systems.iter() {
        tally.count(name, is_whole(built));
    }
    Ok(tally)
}

fn is_whole(built: &Built) -> Result<()> {
    let report = gather(built)?;
    let again = read(&serde_json::to_string(&report)?)?;
    ensure!(again == report, "its JSON form says something else");
    ensure!(
        diff(&report, &again).is_empty(),
        "it is different from itself"
    );
    let page = page(&report)?;
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
