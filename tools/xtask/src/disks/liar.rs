//! Linux with a disk whose driver lies to it (`partitions/liar/src/lib.rs`): there is no disk, then one larger than any, and then one that is read and written in spite of lies
//! until they are over.
//!
//! Linux is told by errors, goes on, and keeps all that it reads in a file. The words that are in the payload while the driver says what cannot be come to nobody: they are looked
//! for in all of memory. What Linux wrote in the end is looked for in the driver's memory.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Options, Outcome, run_image};

use super::{FLIGHT, GOES_ON, SEED, content, ensure_says, told};
use crate::expected::pages_with;
use crate::machines::{Systems, no_reasons};

/// The system with such a driver, and who that is.
pub const LINUX_LIAR: &str = "linux_liar";
const LIAR: &str = "liar";
/// How long it may take, in milliseconds of the machine: a second is enough.
const RUN_MS: u64 = 20_000;
/// What there is of the disk, in the end.
const SECTORS: usize = 128;
const SECTOR_BYTES: usize = 512;
/// How many lies there are about reads, and how many about what is written.
const LIES: usize = 16;
/// How often it is asked for the disk's shape: once in each life of the guest.
const LIVES: usize = 3;
/// The words of lies that cannot be taken for an answer, and those of the one that nobody can tell.
const POISON: [u32; 4] = [0xbad0_0000, 0xbad0_0001, 0xbad0_0002, 0xbad0_0003];
const WRONG: [u32; 4] = [0x11e5_0000, 0x11e5_0001, 0x11e5_0002, 0x11e5_0003];

/// The guest's first program. In its first two lives the disk cannot be used.
fn script() -> String {
    format!(
        "#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mount -t devtmpfs devtmpfs /dev
mount -t sysfs sysfs /sys
sectors=$(cat /sys/block/vda/size)
echo sectors $sectors
if [ $sectors != {SECTORS} ]; then
dd if=/dev/vda of=/read bs=4096 count=1 && [ -s /read ] || echo unreadable
reboot -f
fi
dd if=/dev/zero of=/zeros bs=4096 count=16
n=0
until dd if=/dev/vda of=/read bs=4096 && cmp /zeros /read; do n=$((n+1)); cat /read >>/all; blockdev --flushbufs /dev/vda; done
echo reads-failed $n
blocks write /file 1 {SEED}
dd if=/file of=/given bs=4096 count=16
n=0
until dd if=/given of=/dev/vda bs=4096 && sync /dev/vda && blockdev --flushbufs /dev/vda && cmp /given /dev/vda; do n=$((n+1)); done
echo writes-failed $n
echo goes-on
sleep 1000
"
    )
}

/// The run, and what came of it.
pub fn lies(systems: &Systems, built: &Built) -> Result<()> {
    let (built, image) = told(systems, built, "init", &script())?;
    let options = Options {
        until: Some(GOES_ON.to_owned()),
        ..systems.options(Kernel::Release, RUN_MS)
    };
    let outcome = run_image(&built, &image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    no_reasons(&outcome.report.reasons).with_context(|| text.clone())?;
    for (step, count) in [
        ("liar.described", LIVES),
        ("liar.of_reads", LIES),
        ("liar.of_writes", LIES),
    ] {
        let identifier = evidence::identifier(step);
        let marks = outcome.marks.iter();
        let found = marks.filter(|mark| mark.identifier == identifier).count();
        ensure!(found == count, "{step}: {found}, expected {count}:\n{text}");
    }
    ensure_says(
        &text,
        &["sectors 0", &format!("sectors {SECTORS}"), "goes-on"],
    )?;
    let times = text.matches("[linux  ] unreadable\r\n").count();
    ensure!(
        times == LIVES - 1,
        "the disk could not be read {times} times:\n{text}"
    );
    ensure!(
        text.contains("I/O error, dev vda"),
        "nobody was told of it:\n{text}"
    );
    // The guest keeps all that it has read.
    let (_, outside) = pages_with(&built, &outcome.memory, &WRONG)?;
    ensure!(
        !outside.is_empty(),
        "the guest read no wrong words:\n{text}"
    );
    let (_, outside) = pages_with(&built, &outcome.memory, &POISON)?;
    ensure!(
        outside.is_empty(),
        "what the driver lied with stands at {outside:#x?}:\n{text}"
    );
    ensure_medium(&built, &outcome)?;
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    Ok(())
}

/// What Linux wrote when all lies were told is on the driver's medium, in its memory.
fn ensure_medium(built: &Built, outcome: &Outcome) -> Result<()> {
    let mut partitions = built.plan.partitions.iter();
    let liar = partitions.find(|one| one.name == LIAR);
    let mut regions = liar.context("there is no liar")?.regions.iter();
    let data = regions.find(|region| region.name == "data");
    let data = data.context("the liar has no data")?;
    let mut bytes = vec![0; data.bytes as usize];
    outcome.memory.read(data.physical, &mut bytes)?;
    let mut written = content(1, SEED);
    written.truncate(SECTORS * SECTOR_BYTES);
    let mut places = bytes.windows(written.len()).step_by(size_of::<u32>());
    ensure!(
        places.any(|place| place == written),
        "what Linux wrote is not on the medium"
    );
    Ok(())
}
