//! Linux on a network: with the partition beside it, with the outside, and against both.
//!
//! What a guest and partitions do among themselves is the same in every run. Where the host takes part, the guest goes on until it came.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Moment, Options, Outside, run};

use super::frames::{Station, Wire, floods, malformations, pause};
use super::{Host, LINUX, beside, keeps_its_beat, partition, visited};
use crate::machines::{Case, Systems, case};

/// What comes when its shell reads keys.
pub const SHELL: &str = "[linux  ] # ";
/// What it says in the end. It stands in no line that is typed.
const END: &str = "end-42";
const SAY_END: &str = "echo end-$((6*7))\r";
/// The guest on the network, as the system's file says.
const GUEST: Station = Station {
    hardware: [2, 0, 0, 0, 1, 2],
    address: [10, 0, 2, 16],
};
/// Fetches the page, and shows what the switch has counted of the guest: sent, received, refused, over the rate, lost.
const COUNTS: &str = "wget -qO- 10.0.2.15 | grep -o '01:02<td>.*'; ";
/// So long, in the machine's time, what the guest does without the outside takes at most.
const TIME_MS: u64 = 120_000;

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(LINUX)?;
    let of_linux = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, built))
    };
    Ok(vec![
        of_linux("Linux talks with a partition on its network", talks),
        of_linux("and without a cable", talks_unplugged),
        of_linux("Linux fetches a page from outside", fetches),
        of_linux(
            "Linux is asked from outside, and gets malformed frames",
            is_asked,
        ),
        of_linux("Linux says that it is somebody else", pretends),
        of_linux("Linux sends more than it may", sends_too_much),
        floods(
            systems,
            built,
            "frames flood in from outside, to Linux",
            GUEST,
        ),
    ])
}

/// What the guest says to these commands. In no run the control loop moves.
fn told(systems: &Systems, built: &Built, outside: Outside, commands: &str) -> Result<String> {
    let options = Options {
        moments: vec![Moment::typed(SHELL, format!("{commands}{SAY_END}"))],
        until: Some(END.to_owned()),
        outside,
        ..systems.options(Kernel::Release, TIME_MS)
    };
    let outcome = run(built, &options)?;
    keeps_its_beat(&outcome)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    ensure!(text.contains(END), "it came to no end:\n{text}");
    Ok(text)
}

fn talks(systems: &Systems, built: &Built) -> Result<()> {
    speaks_with_the_page(systems, built, Outside::Nobody)
}

/// Nothing is plugged in: the outside is not there, and the partitions have each other.
fn talks_unplugged(systems: &Systems, built: &Built) -> Result<()> {
    speaks_with_the_page(systems, built, Outside::Unplugged)
}

fn speaks_with_the_page(systems: &Systems, built: &Built, outside: Outside) -> Result<()> {
    let commands = "ping -c 3 10.0.2.15; wget -q -O /tmp/page http://10.0.2.15/; grep -o '<td>linux<td>[a-z]*' /tmp/page; ";
    let text = told(systems, built, outside, commands)?;
    let pings = "3 packets transmitted, 3 packets received, 0% packet loss";
    ensure!(text.contains(pings), "not all came back:\n{text}");
    let row = ["ready", "waiting"].map(|state| format!("<td>linux<td>{state}\r\n"));
    ensure!(
        row.iter().any(|row| text.contains(row)),
        "the page does not show it:\n{text}"
    );
    Ok(())
}

/// The host serves a page.
fn fetches(systems: &Systems, built: &Built) -> Result<()> {
    let host = Host::new()?;
    // The machine's time may run ahead of the host's: then it asks again.
    let keys = format!(
        "until wget -q -O - http://10.0.2.2:{}/hello; do sleep 1; done\r",
        host.port
    );
    let options = Options {
        moments: vec![Moment::typed(SHELL, keys)],
        ..visited(systems, Outside::Nobody)
    };
    let (outcome, request) = beside(built, options, |over| {
        let request = host.serve(over, "from outside")?;
        // Until it is on the guest's console.
        thread::sleep(Duration::from_secs(2));
        Ok(request.unwrap_or_default())
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(
        request.starts_with("GET /hello HTTP/1."),
        "the host was asked: {request}"
    );
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains("[linux  ] from outside\r\n"),
        "it did not get the page:\n{text}"
    );
    Ok(())
}

/// Whoever is outside finds the guest by its address, malformed frames in between.
fn is_asked(systems: &Systems, built: &Built) -> Result<()> {
    const ANSWERS: u32 = 10;
    let wire = Wire::new()?;
    let (outcome, answers) = beside(built, visited(systems, wire.outside()), |over| {
        wire.ask(GUEST, 1, over, pause)?;
        for (number, frame) in malformations(GUEST).iter().enumerate() {
            wire.send(frame)?;
            if number % 8 == 7 {
                wire.ask(GUEST, 1, over, pause)?;
            }
        }
        wire.ask(GUEST, ANSWERS, over, pause)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(answers >= ANSWERS, "it answered {answers} times");
    for name in ["network", "status", "linux"] {
        let found = partition(&outcome, name)?;
        // Many frames are a storm of interrupts.
        let events = if name == "network" {
            0
        } else {
            found.health_events
        };
        ensure!(
            found.restarts == 0 && events == 0,
            "{name} was restarted {} times, and has {events} health events",
            found.restarts
        );
    }
    Ok(())
}

/// With the address of the partition beside it, nothing that the guest sends gets through, and the switch counts it; with its own again all does.
fn pretends(systems: &Systems, built: &Built) -> Result<()> {
    let commands = format!(
        "for a in 01 02; do ip link set eth0 down; ip link set eth0 address 02:00:00:00:01:$a; ip link set eth0 up; ping -qc 3 10.0.2.15 | grep loss; done; {COUNTS}"
    );
    let text = told(systems, built, Outside::Unplugged, &commands)?;
    let lost: Vec<_> = (text.lines())
        .filter(|line| line.contains("% packet loss"))
        .collect();
    ensure!(
        lost.len() == 2
            && lost[0].contains(" 0 packets received")
            && lost[1].contains(" 3 packets received"),
        "{lost:?}:\n{text}"
    );
    let counts = counts(&text)?;
    ensure!(counts.refused >= 3, "{counts:?}:\n{text}");
    Ok(())
}

/// As fast as the guest can it sends to somebody behind the partition beside it, where nobody is: what is over its rate goes nowhere, and is counted. Its page is there
/// afterwards.
fn sends_too_much(systems: &Systems, built: &Built) -> Result<()> {
    let commands = format!(
        "ip route add 10.9.0.0/16 via 10.0.2.15; dd if=/dev/zero bs=8192 count=1000 2>/dev/null | nc -u -w 1 10.9.9.9 9; {COUNTS}"
    );
    let text = told(systems, built, Outside::Unplugged, &commands)?;
    let counts = counts(&text)?;
    ensure!(
        counts.sent > 0 && counts.over_rate >= 1000,
        "{counts:?}:\n{text}"
    );
    Ok(())
}

/// What the page says of the guest's frames.
#[derive(Debug)]
struct Counts {
    sent: u32,
    refused: u32,
    over_rate: u32,
}

fn counts(text: &str) -> Result<Counts> {
    let (_, row) =
        (text.rsplit_once("] 01:02<td>")).with_context(|| format!("no counts:\n{text}"))?;
    let line = row.lines().next().unwrap_or_default();
    let numbers: Vec<u32> = (line.split("<td>"))
        .map_while(|cell| {
            let digits: String = cell.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect();
    let [sent, _, refused, over_rate, _] = numbers[..] else {
        anyhow::bail!("`{line}` is no row:\n{text}");
    };
    Ok(Counts {
        sent,
        refused,
        over_rate,
    })
}
