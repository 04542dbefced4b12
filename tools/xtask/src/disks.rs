//! Linux with a disk, whose driver is restarted over and over, or which fails, or whose driver lies. What counts is what is on the disk in the end: Debian's
//! `e2fsck` looks whether its file system is sound, and each file is compared with what was written.

mod liar;
mod shape;
mod trouble;

use std::fs;
use std::io::Read;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel, store};
use cofferdam_progress::Step;
use cofferdam_run::{Medium, Moment, Options, Outcome, run_image};

use crate::guest_attacks::built_as;
use crate::guests::{archived, given};
use crate::images::{Ext2, unpack};
use crate::machines::{Systems, case, no_reasons, run_all};
use crate::parts::Tally;
use crate::variant::Variant;

/// The system with a guest and a disk.
const LINUX_DISK: &str = "linux_disk";
/// What comes when its shell reads keys.
const SHELL: &str = "[linux  ] # ";
/// The device.
const DISK: &str = "disk0";
/// The partition that drives it, and the control loop beside.
const DRIVER: &str = "disk";
const FLIGHT: &str = "flight";
/// Gives the keys to the next partition: the order is linux, breaker, flight, plant.
const NEXT: &str = "\x14";
const BACK: &str = "\x14\x14\x14";
/// Begins what [`told`] has told the guest.
const BEGIN: &str = "sh /try\r";
/// How it begins, as a rule.
const MOUNT: &str = "mkdir /mnt\nmount -t ext2 /dev/vda /mnt\n";

/// A machine has so long, in milliseconds, and ends as soon as it has said the last word. With instructions as the clock its time runs ahead of
/// the host's while it waits for the disk.
const LONG_MS: u64 = 600_000;
/// The same of a campaign.
const CAMPAIGN_MS: u64 = 3_600_000;
/// Last words.
const OFF: &str = "the guest turned its power off";
const GOES_ON: &str = "[linux  ] goes-on\r\n";

/// A disk's size in MiB: less than the system's file says.
const MEBIBYTES: u32 = 64;
/// What Linux writes and reads in a test, in MiB.
const WRITTEN: u32 = 6;
/// What the disk holds when Linux begins, in MiB.
const GIVEN: u32 = 2;
/// Beginnings of files' contents.
const SEED: u32 = 1;
const SEED_GIVEN: u32 = 2;
/// In seconds from 1970 on. A guest begins in 1970, and a file that is deleted in its first second is one that was never deleted, to `e2fsck`.
const NOW: u32 = 1_767_225_600;
/// The driver is restarted about so often, in milliseconds of the machine.
const INTERVAL_MS: u32 = 5;

/// All of it.
pub fn tests(systems: &Systems) -> Result<Tally> {
    let built = systems.get(LINUX_DISK)?;
    let mut cases = vec![
        case(
            "Linux loses nothing while its disk's driver is restarted",
            move || driver_restarts(systems, built),
        ),
        case("Linux has its root on a disk", move || {
            root_on_disk(systems, built)
        }),
        case(
            "what was stored is on the disk, whenever the machine ends",
            move || machine_ends(systems, built),
        ),
    ];
    cases.extend(shape::cases(systems, built));
    cases.extend(trouble::cases(systems, built));
    let lied_to = systems.get(liar::LINUX_LIAR)?;
    cases.push(case("a disk's driver lies to Linux", move || {
        liar::lies(systems, lied_to)
    }));
    Ok(run_all(cases))
}

/// What `personalities/guest/programs/blocks.c` writes into a file.
pub fn content(mebibytes: u32, seed: u32) -> Vec<u8> {
    let all = (0..mebibytes).map(|number| mebibyte(number, seed));
    all.flatten().collect()
}

/// One MiB of it.
fn mebibyte(number: u32, seed: u32) -> Vec<u8> {
    const BLOCK_WORDS: u32 = 1024;
    let blocks = number << 8..(number + 1) << 8;
    let words = blocks.flat_map(|block| {
        let first = seed ^ block.wrapping_mul(0x9e37_79b1);
        let next = |word: &u32| Some(word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(first), next).take(BLOCK_WORDS as usize)
    });
    words.flat_map(u32::to_be_bytes).collect()
}

/// The line of the system's file with the guest's boot arguments.
const ARGUMENTS: &str = "arguments    = \"norandmaps\"";

/// The system, with a file of this name in the guest's first file system.
fn told(systems: &Systems, built: &Built, name: &str, content: &str) -> Result<(Built, Vec<u8>)> {
    given(systems, built, (name, content), (ARGUMENTS, ""), &[])
}

/// A disk with a file to check.
fn disk(built: &Built) -> Result<Ext2> {
    Ext2::make(&built.directory, MEBIBYTES, |folder| {
        fs::write(folder.join("given"), content(GIVEN, SEED_GIVEN))?;
        Ok(())
    })
}

/// How a run goes.
struct Run<'r> {
    system: &'r (Built, Vec<u8>),
    medium: Medium,
    keys: String,
    /// The last word.
    until: &'r str,
}

impl Run<'_> {
    /// Runs it, with instructions as the clock. What came over the serial line, with nothing unexpected in the run.
    fn go(self, systems: &Systems) -> Result<(Outcome, String)> {
        let options = Options {
            moments: vec![Moment::typed(SHELL, self.keys)],
            until: Some(self.until.to_owned()),
            media: vec![self.medium],
            ..systems.options(Kernel::Release, LONG_MS)
        };
        let (built, image) = self.system;
        let outcome = run_image(built, image, &options)?;
        let text = String::from_utf8_lossy(&outcome.serial).into_owned();
        no_reasons(&outcome.report.reasons).with_context(|| text.clone())?;
        let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
        let moved = beside.context("there is no control loop")?.jitter_ticks();
        ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
        Ok((outcome, text))
    }
}

/// The guest says each of these lines.
fn ensure_says(text: &str, lines: &[&str]) -> Result<()> {
    for line in lines {
        let shown = format!("[linux  ] {line}\r\n");
        ensure!(text.contains(&shown), "it does not say `{line}`:\n{text}");
    }
    Ok(())
}

fn restarts(outcome: &Outcome) -> Result<u32> {
    let driver = (outcome.report.partitions.iter()).find(|one| one.name == DRIVER);
    Ok(driver.context("there is no driver")?.restarts)
}

fn ensure_restarts(outcome: &Outcome, least: u32) -> Result<()> {
    let restarts = restarts(outcome)?;
    ensure!(
        restarts >= least,
        "the driver was restarted {restarts} times, and {least} times were to be"
    );
    Ok(())
}

fn ensure_content(disk: &Ext2, path: &str, mebibytes: u32, seed: u32) -> Result<()> {
    let mut copy = disk.copy(path)?;
    for number in 0..mebibytes {
        let mut read = vec![0; 1 << 20];
        copy.read_exact(&mut read)
            .with_context(|| format!("{path} on the disk has not {mebibytes} MiB"))?;
        ensure!(
            read == mebibyte(number, seed),
            "{path} on the disk is not what was written: MiB {number} of {mebibytes}"
        );
    }
    Ok(())
}

/// Linux writes, reads back, copies and unmounts, while the driver begins anew all the time.
fn driver_restarts(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "{MOUNT}date -s @{NOW}
blocks check /mnt/given {GIVEN} {SEED_GIVEN}
blocks write /mnt/one {WRITTEN} {SEED}
mkdir /mnt/copy
cp /bin/busybox /mnt/copy
rm /mnt/given
umount /mnt
mount -t ext2 /dev/vda /mnt
blocks check /mnt/one {WRITTEN} {SEED}
umount /mnt && echo unmounted
poweroff -f
"
    );
    let disk = disk(built)?;
    let (outcome, text) = Run {
        system: &told(systems, built, "try", &script)?,
        medium: disk.medium(DISK),
        keys: format!("{NEXT}{INTERVAL_MS}\r{BACK}{BEGIN}"),
        until: OFF,
    }
    .go(systems)?;
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    let written = format!("blocks: MiB of /mnt/one written: {WRITTEN}");
    let right = format!("blocks: MiB of /mnt/one right: {WRITTEN}");
    ensure_says(&text, &[&given, &written, &right, "unmounted"])?;
    ensure!(!text.contains("I/O error"), "Linux has an error:\n{text}");
    ensure_restarts(&outcome, 20)?;
    disk.ensure_sound()?;
    ensure_content(&disk, "/one", WRITTEN, SEED)?;
    let busybox = cofferdam_guest::directory(&systems.tree().guests).join("busybox/busybox");
    let mut copy = Vec::new();
    disk.copy("/copy/busybox")?.read_to_end(&mut copy)?;
    ensure!(
        copy == fs::read(busybox)?,
        "the copy of a program is another one"
    );
    Ok(())
}

/// Without a first file system Linux mounts the disk as its root, and its programs are there.
fn root_on_disk(systems: &Systems, built: &Built) -> Result<()> {
    let archive = cofferdam_guest::directory(&systems.tree().guests).join("initramfs.cpio.gz");
    let disk = Ext2::make(&built.directory, MEBIBYTES, |folder| {
        unpack(&archive, folder)?;
        let script = format!(
            "blocks write /one {WRITTEN} {SEED}\nsync\necho u >/proc/sysrq-trigger\nsleep 1\npoweroff -f\n"
        );
        Ok(fs::write(folder.join("try"), script)?)
    })?;
    let empty = built.directory.join("empty.cpio");
    store(&empty, &archived("TRAILER!!!", b""))?;
    let variant = Variant::replacing(
        "arguments    = \"norandmaps\"",
        &format!(
            "arguments = \"norandmaps root=/dev/vda rw init=/init\"\ninitramfs = \"{}\"",
            empty.display()
        ),
    );
    let system = built_as(systems, built, Kernel::Release, &variant)?;
    let (outcome, text) = Run {
        system: &system,
        medium: disk.medium(DISK),
        keys: format!("{NEXT}{INTERVAL_MS}\r{BACK}{BEGIN}"),
        until: OFF,
    }
    .go(systems)?;
    let written = format!("blocks: MiB of /one written: {WRITTEN}");
    ensure_says(&text, &[&written])?;
    // Every file system is mounted anew, to be read only (Linux, `Documentation/admin-guide/sysrq.rst`).
    ensure!(
        text.contains("Emergency Remount complete"),
        "the disk was not made read-only:\n{text}"
    );
    ensure_restarts(&outcome, 20)?;
    disk.ensure_sound()?;
    ensure_content(&disk, "/one", WRITTEN, SEED)
}

/// Each file that Linux said was stored is there, though nobody unmounted anything: the machine ends in the midst of it.
fn machine_ends(systems: &Systems, built: &Built) -> Result<()> {
    const FILES: u32 = 48;
    const LAST: u32 = 20;
    let init = format!(
        "#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mount -t devtmpfs devtmpfs /dev
{MOUNT}for n in $(seq {FILES}); do >/mnt/$n; done
sync
for n in $(seq {FILES}); do blocks write /mnt/$n 1 $n; done
"
    );
    let (built, image) = told(systems, built, "init", &init)?;
    let disk = disk(&built)?;
    let options = Options {
        until: Some(format!("of /mnt/{LAST} stored: 1\r\n")),
        media: vec![disk.medium(DISK)],
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    disk.mend()?;
    let was_stored = |number: &u32| text.contains(&format!("of /mnt/{number} stored: 1\r\n"));
    let stored: Vec<_> = (1..=FILES).filter(was_stored).collect();
    ensure!(
        stored.len() >= LAST as usize && !was_stored(&FILES),
        "the machine was to end in the midst of it, and {} MiB were stored:\n{text}",
        stored.len()
    );
    for number in stored {
        ensure_content(&disk, &format!("/{number}"), 1, number)?;
    }
    Ok(())
}

/// How much Linux writes and reads in a campaign, in MiB, and about how often the driver is restarted meanwhile, in milliseconds.
pub const CAMPAIGN_MEBIBYTES: u32 = 1024;
/// The driver is restarted at least once a second of the machine's time, Linux's start included, up to so many percent.
const RESTARTS_MISSING_PERCENT: u64 = 10;
/// See above: a little less than a second, for the times vary.
pub const CAMPAIGN_INTERVAL_MS: u32 = 950;

/// The control loop's.
const RELEASES_PER_SECOND: u64 = 100;

/// The same for long, by the host's clock: with instructions as the clock a machine waits for the disk in no time of its own.
pub fn campaign(systems: &Systems, times: u32) -> Result<Tally> {
    /// The disk, in MiB: what is written, and the tables of the file system.
    const LARGE_MEBIBYTES: u32 = 1280;
    let built = systems.get(LINUX_DISK)?;
    let script = format!(
        "{MOUNT}date -s @{NOW}
blocks write /mnt/one {CAMPAIGN_MEBIBYTES} {SEED}
umount /mnt
mount -t ext2 /dev/vda /mnt
blocks check /mnt/one {CAMPAIGN_MEBIBYTES} {SEED}
umount /mnt && echo unmounted
poweroff -f
"
    );
    let system = told(systems, built, "try", &script)?;
    let mut tally = Tally::default();
    for time in 1..=times {
        let step = Step::start(format!("time {time} of {times}"));
        let once = || -> Result<String> {
            let disk = Ext2::make(&built.directory, LARGE_MEBIBYTES, |_| Ok(()))?;
            let options = Options {
                instruction_clock: false,
                moments: vec![Moment::typed(
                    SHELL,
                    format!("{NEXT}{CAMPAIGN_INTERVAL_MS}\r{BACK}{BEGIN}"),
                )],
                until: Some(OFF.to_owned()),
                media: vec![disk.medium(DISK)],
                ..systems.options(Kernel::Release, CAMPAIGN_MS)
            };
            let outcome = run_image(&system.0, &system.1, &options)?;
            let text = String::from_utf8_lossy(&outcome.serial);
            no_reasons(&outcome.report.reasons).with_context(|| text.clone().into_owned())?;
            let right = format!("blocks: MiB of /mnt/one right: {CAMPAIGN_MEBIBYTES}");
            ensure_says(&text, &[&right, "unmounted"])?;
            ensure!(!text.contains("I/O error"), "Linux has an error:\n{text}");
            disk.ensure_sound()?;
            ensure_content(&disk, "/one", CAMPAIGN_MEBIBYTES, SEED)?;
            let restarts = restarts(&outcome)?;
            let seconds = outcome.report.machine_time_ns / 1_000_000_000;
            ensure!(
                u64::from(restarts) * 100 >= seconds * (100 - RESTARTS_MISSING_PERCENT),
                "the driver was restarted {restarts} times in {seconds} s"
            );
            // Where the host's clock is the machine's, only that each release came says something: how late it was, or was answered, is the host's doing.
            let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
            let releases = beside.context("there is no control loop")?.releases;
            // The last second is not whole, and in the first the kernel starts.
            let due = seconds.saturating_sub(1) * RELEASES_PER_SECOND;
            ensure!(
                u64::from(releases) >= due,
                "{FLIGHT} was released {releases} times in {seconds} s"
            );
            Ok(format!(
                "{CAMPAIGN_MEBIBYTES} MiB written, read back, and compared on the disk; the driver restarted {restarts} times in {seconds} s, the control loop released {releases} times"
            ))
        };
        let covered = once();
        if covered.is_ok() {
            step.done();
        }
        tally.note("Linux on a disk", covered);
    }
    Ok(tally)
}
