//! A network in trouble: its driver ends over and over, and its cable is pulled while it is used. Frames may be lost by it, and nothing else.

use anyhow::{Result, ensure};
use cofferdam_build::Built;
use cofferdam_run::{Deed, Moment, Options, Outside, free_port};

use super::linux::SHELL;
use super::{Host, LINUX, beside, keeps_its_beat, page, partition, visited};
use crate::machines::{Case, Systems, case, undisturbed};

/// The device, as the board file says.
const NETWORK: &str = "network0";
/// Gives the keys to the next partition: the order is linux, breaker, flight, plant.
const NEXT: &str = "\x14";
const BACK: &str = "\x14\x14\x14";
/// A driver is restarted about so often, in milliseconds of the machine: that of the network and that of the disk in turn.
const INTERVAL_MS: u32 = 20;
/// So often Linux fetches the page of the partition beside it meanwhile.
const PAGES: u32 = 120;
/// The driver is restarted at least so often meanwhile.
const RESTARTS: u32 = 20;
/// What the host's own page says.
const LINE: &str = "from outside";

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(LINUX)?;
    Ok(vec![
        case(
            "Linux keeps its network while the driver is restarted",
            move || driver_restarts(systems, built),
        ),
        case("a cable is pulled, and plugged in again", move || {
            cable_is_pulled(systems, built)
        }),
    ])
}

/// What the guest says when it is done with a part of its commands. It stands in no line that is typed.
fn done(part: &str) -> String {
    format!("{part}-42")
}

/// Says so.
fn say(part: &str) -> String {
    format!("echo {part}-$((6*7))\r")
}

/// Asks the host for a page until it comes: the machine's time may run ahead of the host's, and what was on its way may be lost.
fn fetch(host: &Host, path: &str) -> String {
    let port = host.port;
    format!("until timeout 10 wget -q -O - http://10.0.2.2:{port}/{path}; do sleep 1; done; ")
}

/// The page of the partition beside, and the host's, come while the drivers end all the time, whatever frames are lost; and when that is over none is.
/// Linux sees its cable plugged in all the time.
fn driver_restarts(systems: &Systems, built: &Built) -> Result<()> {
    const PINGS: &str = "3 packets transmitted, 3 packets received, 0% packet loss";
    let host = Host::new()?;
    let (during, behind) = (fetch(&host, "during"), fetch(&host, "behind"));
    let pages = format!(
        "n=0; while [ $n -lt {PAGES} ]; do timeout 10 wget -q -O /tmp/page 10.0.2.15 && grep -q '</main>' /tmp/page && n=$((n+1)); done; "
    );
    let carrier = "echo carrier $(cat /sys/class/net/eth0/carrier) $(cat /sys/class/net/eth0/carrier_down_count); ";
    let options = Options {
        moments: vec![
            Moment::typed(
                SHELL,
                format!(
                    "{NEXT}{INTERVAL_MS}\r{BACK}{carrier}{pages}{during}{}",
                    say("during")
                ),
            ),
            Moment::typed(&done("during"), format!("{NEXT}0\r")),
            Moment::typed(
                "drivers were restarted",
                format!(
                    "{BACK}ping -c 3 10.0.2.15; {carrier}{behind}{}",
                    say("behind")
                ),
            ),
        ],
        until: Some(done("behind")),
        ..visited(systems, Outside::Nobody)
    };
    let (outcome, asked) = beside(built, options, |over| {
        let mut asked = Vec::new();
        while let Some(request) = host.serve(over, LINE)? {
            asked.push(request);
        }
        Ok(asked)
    })?;
    let text = String::from_utf8_lossy(&outcome.serial);
    keeps_its_beat(&outcome)?;
    for part in ["during", "behind"] {
        ensure!(text.contains(&done(part)), "no end of `{part}`:\n{text}");
        let beginning = format!("GET /{part} ");
        ensure!(
            asked.iter().any(|one| one.starts_with(&beginning)),
            "the host was asked {asked:?}"
        );
    }
    ensure!(text.contains(PINGS), "not all came back:\n{text}");
    let carriers = text.lines().filter(|line| line.contains("] carrier 1 "));
    let carriers: Vec<_> = carriers.collect();
    ensure!(
        carriers.len() == 2 && carriers[0] == carriers[1],
        "Linux saw its cable pulled: {carriers:?}:\n{text}"
    );
    let driver = partition(&outcome, "network")?.restarts;
    ensure!(
        driver >= RESTARTS,
        "the driver was restarted {driver} times"
    );
    undisturbed([
        partition(&outcome, "status")?,
        partition(&outcome, "linux")?,
    ])
}

/// Without the cable the partitions have each other; with it again Linux and the partition beside it have the outside too.
fn cable_is_pulled(systems: &Systems, built: &Built) -> Result<()> {
    let host = Host::new()?;
    let port = free_port()?;
    let cable = |after: &str, plugged| Moment {
        after: after.to_owned(),
        deed: Deed::Cable {
            network: NETWORK.to_owned(),
            plugged,
        },
    };
    let options = Options {
        moments: vec![
            Moment::typed(
                SHELL,
                format!("{}{}", fetch(&host, "before"), say("before")),
            ),
            cable(&done("before"), false),
            Moment::typed(
                SHELL,
                format!(
                    "ping -qc 3 10.0.2.15; ping -qc 3 10.0.2.2; {}",
                    say("without")
                ),
            ),
            cable(&done("without"), true),
            Moment::typed(SHELL, format!("{}{}", fetch(&host, "after"), say("after"))),
        ],
        ..visited(systems, Outside::Port(port))
    };
    let (outcome, (asked, page)) = beside(built, options, |over| {
        let mut asked = Vec::new();
        while let Some(request) = host.serve(over, LINE)? {
            let is_last = request.starts_with("GET /after ");
            asked.push(request);
            if is_last {
                break;
            }
        }
        Ok((asked, page(port, over, |_| true)))
    })?;
    let text = String::from_utf8_lossy(&outcome.serial);
    keeps_its_beat(&outcome)?;
    for part in ["before", "after"] {
        let beginning = format!("GET /{part} ");
        ensure!(
            asked.iter().any(|one| one.starts_with(&beginning)),
            "the host was asked {asked:?}:\n{text}"
        );
    }
    let pings: Vec<_> = (text.lines())
        .filter(|line| line.contains("% packet loss"))
        .collect();
    ensure!(
        pings.len() == 2
            && pings[0].contains(" 3 packets received")
            && pings[1].contains(" 0 packets received"),
        "without a cable {pings:?}:\n{text}"
    );
    ensure!(page.is_some(), "with the cable again no page comes");
    undisturbed(&outcome.report.partitions)
}
