//! Network devices that are not what the board's file says. Linux comes to its shell without an interface, and goes on.

use std::fs;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel, store};
use cofferdam_run::{Moment, Options, Outside, run_image};

use super::linux::SHELL;
use super::{LINUX, all_go_on};
use crate::guest_attacks::built_as;
use crate::machines::{Case, Systems, case};
use crate::variant::Variant;

/// The line of the board's file by which QEMU has the device.
const DEVICE: &str = r#"emulator  = "virtio-net-pci,addr=2,netdev=network0,mac=02:00:00:00:00:01,iommu_platform=on,disable-legacy=on,romfile=""#;
/// What stands in its place, and whether it is a network device: who has none behind it has no port either.
const BOARDS: [(&str, &str, bool); 3] = [
    ("missing", "", false),
    (
        "another",
        r#"emulator  = "virtio-rng-pci,addr=2,iommu_platform=on,disable-legacy=on""#,
        false,
    ),
    (
        "unwilling",
        r#"emulator  = "virtio-net-pci,addr=2,netdev=network0,mac=02:00:00:00:00:01,disable-legacy=on,romfile=""#,
        true,
    ),
];
/// A machine has so long, in milliseconds, and ends as soon as it has said the last word.
const LONG_MS: u64 = 60_000;
/// The last word. It stands in no line that is typed.
const END: &str = "goes-on-42";

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(LINUX)?;
    let of_board = |(name, device, is_network): (&'static str, &'static str, bool)| {
        let title = format!("Linux goes without a network: {name}");
        case(title, move || {
            unfit(systems, built, name, device, is_network)
        })
    };
    Ok(BOARDS.map(of_board).into())
}

/// The driver's partition is stopped, for its device is unfit. The monitor waits for it and gives it up, and Linux comes up without an interface.
fn unfit(
    systems: &Systems,
    built: &Built,
    name: &str,
    device: &str,
    is_network: bool,
) -> Result<()> {
    let board = systems.tree().root.join("config/boards/ppce500.toml");
    let board = fs::read_to_string(board).context("the board's file cannot be read")?;
    ensure!(board.matches(DEVICE).count() == 1, "the board has changed");
    let own = built.directory.join(format!("boards/{name}.toml"));
    store(&own, board.replace(DEVICE, device).as_bytes())?;
    let own = format!("board  = \"{}\"", own.display());
    let mut pairs = vec![("board  = \"ppce500\"", own.as_str())];
    pairs.extend((!is_network).then_some(("forward    = 80", "")));
    let variant = Variant::replacing_all(&pairs);
    let (built, image) = built_as(systems, built, Kernel::Release, &variant)?;
    let commands = "ls /sys/class/net | grep eth || echo no interface; timeout 5 wget -q -O /tmp/page 10.0.2.15 || echo no page; echo goes-on-$((6*7))\r";
    let options = Options {
        moments: vec![Moment::typed(SHELL, commands)],
        until: Some(END.to_owned()),
        outside: Outside::Nobody,
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    let expected = ["network: device_unfit (1 times)", "network: it is stopped"];
    ensure!(
        outcome.report.reasons == expected,
        "not as expected: {:?}\n{text}",
        outcome.report.reasons
    );
    for line in ["] no interface", "] no page", END] {
        ensure!(text.contains(line), "no line `{line}`:\n{text}");
    }
    all_go_on(&outcome)
}
