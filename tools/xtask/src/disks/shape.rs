//! Disks that are not what the system's file says, and a part of one that its guest may only read. Linux comes to its shell, and sees what there is.

use std::fs;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel, store};
use cofferdam_run::{Moment, Options, command, run_image};

use super::{
    BEGIN, DISK, GIVEN, GOES_ON, LONG_MS, MEBIBYTES, Run, SEED, SEED_GIVEN, SHELL, content, disk,
    ensure_says, told,
};
use crate::guest_attacks::built_as;
use crate::machines::{Case, Systems, case};
use crate::variant::Variant;

const MIB: usize = 1 << 20;

/// Boards whose disk is none that the kernel lets out, what stands in the way of such a board in the system's file, and whether there is something behind the disk.
const BOARDS: [(&str, &str, bool); 3] = [
    ("missing", MEDIUM, false),
    ("another", MEDIUM, false),
    ("unwilling", "", true),
];
const MEDIUM: &str = "medium     = \"2048M\"";

/// All of it.
pub fn cases<'a>(systems: &'a Systems, built: &'a Built) -> Vec<Case<'a>> {
    let of_disk = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, built))
    };
    let mut cases = vec![
        of_disk(
            "Linux writes nothing to a part of a disk that it may only read",
            read_only_part,
        ),
        of_disk("Linux has of a short disk what is there", short),
    ];
    for board in &BOARDS {
        cases.push(case(
            format!("Linux goes without a disk: {}", board.0),
            move || unfit(systems, built, board),
        ));
    }
    cases
}

/// The part is in the midst of the disk. Linux reads it, and whatever it does to write gets an error; the host finds each byte of the disk as it was, in front of the part and
/// behind it as well.
fn read_only_part(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "mkdir /mnt
echo read-only-$(cat /sys/block/vda/ro)
mount -t ext2 -o rw /dev/vda /mnt
blocks check /mnt/given {GIVEN} {SEED_GIVEN}
echo x >/mnt/new || echo no-file
mount -o remount,rw /mnt || echo no-remount
umount /mnt
blocks write /dev/vda 1 {SEED}
dd if=/bin/busybox of=/dev/vda bs=4096 count=1 conv=fsync || echo no-dd
echo goes-on
"
    );
    let part = disk(built)?;
    let around = content(1, SEED);
    let whole = [&*around, &fs::read(part.file())?, &around].concat();
    store(&part.file(), &whole)?;
    let (_, text) = Run {
        system: &told(systems, &with_part(systems, built)?, "try", &script)?,
        medium: part.medium(DISK),
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    let right = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    let refused = ["no-file", "no-remount", "no-dd"];
    ensure_says(&text, &["read-only-1", &right])?;
    ensure_says(&text, &refused)?;
    ensure!(
        !text.contains("of /dev/vda stored"),
        "it stored something:\n{text}"
    );
    ensure!(fs::read(part.file())? == whole, "the disk is another one");
    Ok(())
}

/// The system, built anew: which part of the disk a client has is in the driver's program.
fn with_part(systems: &Systems, built: &Built) -> Result<Built> {
    const WHOLE: &str = "disk    = { from = \"0K\", size = \"2048M\" }";
    const NAME: &str = "name   = \"linux_disk\"";
    let folder = built.checked.directory.as_ref();
    let file = folder
        .context("the system has no file")?
        .join("system.toml");
    let mut text = fs::read_to_string(file)?;
    let part = format!("disk = {{ from = \"1M\", size = \"{MEBIBYTES}M\", read_only = true }}");
    for (before, after) in [(WHOLE, &*part), (NAME, "name = \"linux_disk_part\"")] {
        ensure!(text.matches(before).count() == 1, "`{before}` has changed");
        text = text.replace(before, after);
    }
    let own = built.directory.join("part/system.toml");
    store(&own, text.as_bytes())?;
    command::built(systems.tree().build(&own))
}

/// The system's file says more than there is behind the disk. Linux sees how much there is; all of that is written and read, and nothing behind it.
fn short(systems: &Systems, built: &Built) -> Result<()> {
    const THERE: u32 = 8;
    let script = format!(
        "echo sectors-$(cat /sys/block/vda/size)
blocks write /dev/vda {THERE} {SEED}
blocks check /dev/vda {THERE} {SEED}
dd if=/bin/busybox of=/dev/vda bs=512 seek=$(cat /sys/block/vda/size) count=1 conv=fsync || echo full
echo goes-on
"
    );
    let disk = disk(built)?;
    store(&disk.file(), &vec![0; THERE as usize * MIB])?;
    let (_, text) = Run {
        system: &told(systems, built, "try", &script)?,
        medium: disk.medium(DISK),
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    let sectors = format!("sectors-{}", THERE as usize * MIB / 512);
    let stored = format!("blocks: MiB of /dev/vda stored: {THERE}");
    let right = format!("blocks: MiB of /dev/vda right: {THERE}");
    ensure_says(&text, &[&sectors, &stored, &right, "full"])?;
    ensure!(
        fs::read(disk.file())? == content(THERE, SEED),
        "on the disk there is something else"
    );
    Ok(())
}

/// The driver's partition is stopped, for its device is unfit; the monitor waits for it, and Linux comes up without a disk. What is behind the disk stays as it is.
fn unfit(
    systems: &Systems,
    built: &Built,
    (board, medium, is_there): &(&str, &str, bool),
) -> Result<()> {
    let board = format!("board  = \"../disk/boards/{board}.toml\"");
    let mut pairs = vec![("board  = \"ppce500\"", board.as_str())];
    pairs.extend((!medium.is_empty()).then_some((*medium, "")));
    let disk = disk(built)?;
    let before = fs::read(disk.file())?;
    let variant = Variant::replacing_all(&pairs);
    let (built, image) = built_as(systems, built, Kernel::Release, &variant)?;
    let options = Options {
        moments: vec![Moment::typed(SHELL, b"ls /sys/block; echo goes-on\r")],
        until: Some(GOES_ON.to_owned()),
        media: is_there.then(|| disk.medium(DISK)).into_iter().collect(),
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure_says(&text, &["goes-on"])?;
    ensure!(!text.contains("vda"), "there is a disk:\n{text}");
    let expected = ["disk: device_unfit (1 times)", "disk: it is stopped"];
    ensure!(
        outcome.report.reasons == expected,
        "not as expected: {:?}",
        outcome.report.reasons
    );
    ensure!(fs::read(disk.file())? == before, "the disk is another one");
    Ok(())
}
