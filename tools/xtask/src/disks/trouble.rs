//! Disks in trouble: they fail, go, are no disks or hold no file system, or their guest breaks their queues. Linux is told, and goes on.

use std::fs;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel, store};
use cofferdam_run::{Deed, Medium, Moment, Options, run_image};

use super::{
    ARGUMENTS, BACK, BEGIN, DISK, FLIGHT, GIVEN, GOES_ON, LONG_MS, MOUNT, NEXT, Run, SEED,
    SEED_GIVEN, SHELL, WRITTEN, content, disk, ensure_content, ensure_says, told,
};
use crate::guests::given;
use crate::machines::{Case, Systems, case, no_reasons, undisturbed};
use crate::queues::{self, Looked};

/// All of it.
pub fn cases<'a>(systems: &'a Systems, built: &'a Built) -> Vec<Case<'a>> {
    let of_disk = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, built))
    };
    vec![
        of_disk("Linux is told of writes that fail", writes_fail),
        of_disk("a disk fails while Linux uses it", disk_fails),
        of_disk("a disk is taken away while Linux uses it", disk_is_gone),
        of_disk(
            "a disk's driver is stopped for good while Linux uses it",
            driver_is_stopped,
        ),
        of_disk("a guest is killed while it writes", guest_is_killed),
        of_disk("Linux finds a disk that cannot be written", read_only),
        of_disk("Linux finds a broken file system", broken_file_system),
        of_disk(
            "a guest that breaks its disk's queues breaks its disk",
            broken_queues,
        ),
    ]
}

/// Writes that fail are an error of whoever asks whether they are stored, and what was stored before is there.
fn writes_fail(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "{MOUNT}blocks write /mnt/one {WRITTEN} {SEED}
blocks check /mnt/given {GIVEN} {SEED_GIVEN}
echo goes-on
"
    );
    let disk = disk(built)?;
    let (_, text) = Run {
        system: &told(systems, built, "try", &script)?,
        medium: Medium {
            faults: Some(after_the_first_flush(&["write"])),
            ..disk.medium(DISK)
        },
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    let error = "blocks: /mnt/one cannot be stored: error 5";
    let stored = "blocks: MiB of /mnt/one stored: 1";
    ensure_says(&text, &[stored, error, &given, "goes-on"])?;
    disk.mend()?;
    ensure_content(&disk, "/one", 1, SEED)
}

/// Rules by which nothing of this is done any more, once the disk was asked to flush.
fn after_the_first_flush(fail: &[&str]) -> String {
    let first = "[set-state]\nevent = \"flush_to_disk\"\nstate = \"1\"\nnew_state = \"2\"\n";
    let fails = |what: &&str| {
        let event = match *what {
            "flush" => "flush_to_disk".to_owned(),
            what => format!("{what}_aio"),
        };
        format!(
            "[inject-error]\nevent = \"{event}\"\nstate = \"2\"\niotype = \"{what}\"\nerrno = \"5\"\n"
        )
    };
    let all = fail.iter().map(fails);
    [first.to_owned()].into_iter().chain(all).collect()
}

/// From some moment on nothing that the disk is asked for is done.
fn disk_fails(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "{MOUNT}blocks check /mnt/given {GIVEN} {SEED_GIVEN}
blocks write /mnt/one {WRITTEN} {SEED}
ls /mnt/lost+found
echo goes-on
"
    );
    let disk = disk(built)?;
    let (_, text) = Run {
        system: &told(systems, built, "try", &script)?,
        medium: Medium {
            faults: Some(after_the_first_flush(&["read", "write", "flush"])),
            ..disk.medium(DISK)
        },
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    ensure_says(&text, &[&given, "goes-on"])?;
    ensure!(
        text.contains("blocks: /mnt/one cannot be "),
        "nobody was told of it:\n{text}"
    );
    let whole = format!("blocks: MiB of /mnt/one written: {WRITTEN}");
    ensure!(!text.contains(&whole), "all of it was written:\n{text}");
    Ok(())
}

/// What is behind the disk is taken away. Each request from then on is answered, and by an error; the driver goes on, and nobody else notices.
fn disk_is_gone(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "{MOUNT}blocks check /mnt/given {GIVEN} {SEED_GIVEN}
echo in-use
while blocks write /mnt/one 1 {SEED}; do :; done
echo gone
ls /mnt/lost+found
echo goes-on
"
    );
    let disk = disk(built)?;
    let (built, image) = told(systems, built, "try", &script)?;
    let options = Options {
        moments: vec![
            Moment::typed(SHELL, BEGIN),
            Moment {
                after: "in-use".to_owned(),
                deed: Deed::Removal {
                    disk: DISK.to_owned(),
                },
            },
        ],
        until: Some(GOES_ON.to_owned()),
        media: vec![disk.medium(DISK)],
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    no_reasons(&outcome.report.reasons).with_context(|| text.clone())?;
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    ensure_says(&text, &[&given, "gone", "goes-on"])?;
    ensure!(
        text.contains("I/O error, dev vda") && text.contains("blocks: /mnt/one cannot be "),
        "nobody was told of it:\n{text}"
    );
    undisturbed(&outcome.report.partitions)?;
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    disk.mend()?;
    ensure_content(&disk, "/given", GIVEN, SEED_GIVEN)
}

/// The system, with another right of the breaker's than to restart the driver.
fn breaker_may(
    systems: &Systems,
    built: &Built,
    right: &str,
    file: (&str, &str),
) -> Result<(Built, Vec<u8>)> {
    let may = format!("breaker = [\"{right}\"]");
    let others = [("breaker = [\"partition.restart:disk\"]", may.as_str())];
    given(systems, built, file, (ARGUMENTS, ""), &others)
}

/// The driver has no further life, with requests of Linux in flight: they fail, as all that come later do, and nobody waits.
fn driver_is_stopped(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "{MOUNT}blocks check /mnt/given {GIVEN} {SEED_GIVEN}
echo in-use
while blocks write /mnt/one 1 {SEED}; do :; done
echo stopped
dd if=/dev/vda of=/dev/null bs=4096 skip=9000 count=1 || echo unreadable
echo goes-on
"
    );
    let disk = disk(built)?;
    let (built, image) = breaker_may(systems, built, "partition.control:disk", ("try", &script))?;
    let options = Options {
        moments: vec![
            Moment::typed(SHELL, BEGIN),
            Moment::typed("of /mnt/one stored: 1", format!("{NEXT}s{BACK}")),
        ],
        until: Some(GOES_ON.to_owned()),
        media: vec![disk.medium(DISK)],
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    let expected = ["disk: it is stopped"];
    ensure!(
        outcome.report.reasons == expected,
        "not as expected: {:?}\n{text}",
        outcome.report.reasons
    );
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    ensure_says(
        &text,
        &[&given, "in-use", "stopped", "unreadable", "goes-on"],
    )?;
    ensure!(
        text.contains("I/O error, dev vda") && text.contains("blocks: /mnt/one cannot be "),
        "nobody was told of it:\n{text}"
    );
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    disk.mend()?;
    ensure_content(&disk, "/given", GIVEN, SEED_GIVEN)
}

/// A guest is restarted in the midst of writing, with requests at the driver: whatever Linux said was stored, its next life finds, and it is on the
/// disk. ext2 has no journal: `e2fsck` mends what was under way, and finds nothing then.
fn guest_is_killed(systems: &Systems, built: &Built) -> Result<()> {
    const FILES: u32 = 48;
    const LAST: u32 = 12;
    let init = format!(
        "#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mount -t devtmpfs devtmpfs /dev
{MOUNT}if [ -e /mnt/1 ]; then
echo next-life
for n in $(seq {LAST}); do blocks check /mnt/$n 1 $n; done
umount /mnt
echo goes-on
else
for n in $(seq {FILES}); do >/mnt/$n; done
sync
for n in $(seq {FILES}); do blocks write /mnt/$n 1 $n; done
fi
sleep 1000
"
    );
    let disk = disk(built)?;
    let (built, image) = breaker_may(systems, built, "partition.control:linux", ("init", &init))?;
    let options = Options {
        moments: vec![Moment::typed(
            &format!("of /mnt/{LAST} stored: 1\r\n"),
            format!("{NEXT}r{BACK}"),
        )],
        until: Some(GOES_ON.to_owned()),
        media: vec![disk.medium(DISK)],
        ..systems.options(Kernel::Release, LONG_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    no_reasons(&outcome.report.reasons).with_context(|| text.clone())?;
    ensure_says(&text, &["next-life", "goes-on"])?;
    let was_stored = |number: &u32| text.contains(&format!("of /mnt/{number} stored: 1\r\n"));
    let stored: Vec<_> = (1..=FILES).filter(was_stored).collect();
    ensure!(
        stored.len() >= LAST as usize && !was_stored(&FILES),
        "the guest was to be killed in the midst of it, and {} MiB were stored:\n{text}",
        stored.len()
    );
    let found: Vec<_> = (1..=LAST)
        .map(|number| format!("blocks: MiB of /mnt/{number} right: 1"))
        .collect();
    ensure_says(&text, &found.iter().map(String::as_str).collect::<Vec<_>>())?;
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    disk.mend()?;
    for number in stored {
        ensure_content(&disk, &format!("/{number}"), 1, number)?;
    }
    Ok(())
}

fn read_only(systems: &Systems, built: &Built) -> Result<()> {
    let script = format!(
        "mkdir /mnt
mount -t ext2 -o ro /dev/vda /mnt
blocks check /mnt/given {GIVEN} {SEED_GIVEN}
echo x >/dev/vda || echo refused
echo goes-on
"
    );
    let disk = disk(built)?;
    let before = fs::read(disk.file())?;
    let (_, text) = Run {
        system: &told(systems, built, "try", &script)?,
        medium: Medium {
            read_only: true,
            ..disk.medium(DISK)
        },
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    let given = format!("blocks: MiB of /mnt/given right: {GIVEN}");
    ensure_says(&text, &[&given, "refused"])?;
    ensure!(fs::read(disk.file())? == before, "the disk is another one");
    Ok(())
}

/// One whose beginning is noise is none. One whose tables are noise is mounted or is not, and Linux goes on.
fn broken_file_system(systems: &Systems, built: &Built) -> Result<()> {
    const SUPERBLOCK: usize = 1024;
    const DESCRIPTORS: usize = 4096;
    const BITMAPS: usize = 3 * 4096;
    let script = "mkdir /mnt
mount -t ext2 /dev/vda /mnt || echo no-mount
ls -lR /mnt
echo x >/mnt/new
sync
echo goes-on
";
    let system = told(systems, built, "try", script)?;
    for (from, to) in [
        (SUPERBLOCK, DESCRIPTORS),
        (DESCRIPTORS, DESCRIPTORS + 4096),
        (BITMAPS, BITMAPS + 32 * 4096),
    ] {
        let disk = disk(built)?;
        let path = disk.file();
        let mut bytes = fs::read(&path)?;
        let noise = content(1, SEED);
        bytes[from..to].copy_from_slice(&noise[..to - from]);
        store(&path, &bytes)?;
        let (_, text) = Run {
            system: &system,
            medium: disk.medium(DISK),
            keys: BEGIN.to_owned(),
            until: GOES_ON,
        }
        .go(systems)?;
        ensure_says(&text, &["goes-on"])?;
        if from == SUPERBLOCK {
            ensure_says(&text, &["no-mount"])?;
        } else {
            ensure!(
                text.contains("EXT2-fs") || text.contains("no-mount"),
                "nobody was told of what is on {from}:\n{text}"
            );
        }
    }
    Ok(())
}

/// Root in Linux takes the disk's device from the kernel, and gives it queues that are none. The device stops at each, and nobody else notices.
fn broken_queues(systems: &Systems, built: &Built) -> Result<()> {
    const REGISTERS: u32 = 0xe00d_2000;
    let script = queues::script(REGISTERS, 0, Looked::Through) + "echo goes-on\n";
    let disk = disk(built)?;
    let told = ("try", script.as_str());
    let (outcome, text) = Run {
        system: &given(systems, built, told, (ARGUMENTS, queues::ARGUMENTS), &[])?,
        medium: disk.medium(DISK),
        keys: BEGIN.to_owned(),
        until: GOES_ON,
    }
    .go(systems)?;
    queues::judge(&text, Looked::Through)?;
    let events: u32 = (outcome.report.partitions.iter())
        .map(|one| one.health_events)
        .sum();
    ensure!(events == 0, "{events} health events:\n{text}");
    disk.ensure_sound()
}
