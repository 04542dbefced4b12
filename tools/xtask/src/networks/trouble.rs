//! A network in trouble: its driver ends over and over, and its cable is pulled while it is used. Frames may be lost by it, and nothing else.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Deed, Moment, Options, Outside, free_port, run_image};

use super::linux::SHELL;
use super::{Host, LINUX, all_go_on, beside, keeps_its_beat, page, partition, visited};
use crate::guest_attacks::built_as;
use crate::guests::given;
use crate::machines::{Case, Systems, case, undisturbed};
use crate::queues::{self, Looked};
use crate::variant::Variant;

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
/// A machine has so long, in milliseconds, and ends as soon as it has said the last word.
const LONG_MS: u64 = 60_000;
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
        case(
            "a network's driver is stopped for good while Linux uses it",
            move || driver_is_stopped(systems, built),
        ),
        case(
            "a guest that breaks its network's queues breaks its network",
            move || broken_queues(systems, built),
        ),
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

/// The driver has no further life, with Linux in the midst of sending: the link is down, whoever sends is told so or loses what he sent, and nobody waits.
fn driver_is_stopped(systems: &Systems, built: &Built) -> Result<()> {
    let before = "breaker = [\"partition.restart:disk\", \"partition.restart:network\"]";
    let variant = Variant::replacing(before, "breaker = [\"partition.control:network\"]");
    let (built, image) = built_as(systems, built, Kernel::Release, &variant)?;
    let carrier = "carrier $(cat /sys/class/net/eth0/carrier) $(cat /sys/class/net/eth0/operstate)";
    // A line that is typed has no word of those that are waited for.
    let sends = format!(
        "ping -qc 3 10.0.2.15; echo {carrier}; {}while [ $(cat /sys/class/net/eth0/carrier) = 1 ]; do timeout 2 wget -q -O /tmp/page 10.0.2.15; done; ",
        "echo in-use-$((6*7)); "
    );
    let after = format!(
        "echo {carrier}; timeout 5 wget -q -O /tmp/page 10.0.2.15 || echo no page; ping -qc 3 10.0.2.15; {}",
        say("behind")
    );
    let options = Options {
        moments: vec![
            Moment::typed(SHELL, format!("{sends}{after}")),
            Moment::typed(&done("in-use"), format!("{NEXT}s{BACK}")),
        ],
        until: Some(done("behind")),
        outside: Outside::Unplugged,
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        outcome.report.reasons == ["network: it is stopped"],
        "not as expected: {:?}\n{text}",
        outcome.report.reasons
    );
    let told = ["] carrier 1 up", "] carrier 0 down", "] no page"];
    for line in told {
        ensure!(text.contains(line), "no line `{line}`:\n{text}");
    }
    let pings: Vec<_> = (text.lines())
        .filter(|line| line.contains("% packet loss"))
        .collect();
    ensure!(
        pings.len() == 2 && pings[0].contains(" 3 packets received"),
        "{pings:?}:\n{text}"
    );
    ensure!(
        pings[1].contains(" 0 packets received"),
        "{pings:?}:\n{text}"
    );
    all_go_on(&outcome)
}

/// Root in Linux takes the network's device from the kernel, and gives it queues that are none, to receive by and to send by. The device stops at each and nobody
/// else notices; and when Linux has it again, it has its network.
fn broken_queues(systems: &Systems, built: &Built) -> Result<()> {
    const REGISTERS: u32 = 0xe00d_3000;
    const ARGUMENTS: &str = "arguments    = \"norandmaps address=10.0.2.16/24 gateway=10.0.2.2\"";
    let script = format!(
        "cd /sys/bus/virtio/drivers/virtio_net
device=$(echo virtio*)
echo $device >unbind
{}{}echo receives
{}echo $device >bind
ip address add 10.0.2.16/24 dev eth0
ip link set eth0 up
ping -qc 3 10.0.2.15
",
        queues::script(REGISTERS, 1, Looked::Through),
        queues::SOUND,
        queues::script(REGISTERS, 0, Looked::Ring),
    );
    let file = ("try", script.as_str());
    let (built, image) = given(systems, built, file, (ARGUMENTS, queues::ARGUMENTS), &[])?;
    let options = Options {
        moments: vec![Moment::typed(SHELL, format!("sh /try; {}", say("behind")))],
        until: Some(done("behind")),
        outside: Outside::Unplugged,
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    keeps_its_beat(&outcome)?;
    let (sends, receives) = (text.split_once("] receives\r\n"))
        .with_context(|| format!("it came to no end:\n{text}"))?;
    queues::judge(sends, Looked::Through)?;
    queues::judge_sound(sends)?;
    queues::judge(receives, Looked::Ring)?;
    ensure!(
        receives.contains("3 packets transmitted, 3 packets received"),
        "it has no network any more:\n{text}"
    );
    undisturbed(&outcome.report.partitions)
}
