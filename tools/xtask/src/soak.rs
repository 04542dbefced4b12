//! `cargo xtask soak`: campaigns that take too long for every change.
//!
//! Each campaign has a name, says what it will do and how far it is, and in the end what it covered.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use cofferdam_core::Configuration;
use cofferdam_progress::Step;

use crate::machines::{self, Systems};
use crate::parts::{Parts, Tally, Wanted};
use crate::workspace::Workspace;
use crate::wrong_tables;
use crate::{damage, disks, guest_attacks, networks, nightly, proofs, sweep, vendor};

/// What libFuzzer gets for each target.
const GUIDED: Duration = Duration::from_secs(45);
/// Random sequences of operations against the reference model: so many at a time, for each keeps memory for good.
const SEQUENCES_AT_A_TIME: u32 = 4_000;
/// And so often.
const SEQUENCES_TIMES: u32 = 8;
/// Inputs of each fuzz target, in portions: a test may keep memory for good.
const FUZZ: [(&str, u64, u64); 18] = [
    ("tables", 8, 100_000),
    ("hypercalls", 20, 10_000),
    ("messages", 8, 2_000_000),
    ("ring", 8, 1_000_000),
    ("system", 4, 50_000),
    ("programs", 4, 100_000),
    ("record", 4, 100_000),
    ("events", 4, 50_000),
    ("virtio", 8, 100_000),
    ("network", 8, 100_000),
    ("network_client", 4, 200_000),
    ("disk", 8, 100_000),
    ("disk_client", 4, 1_000_000),
    ("queue", 4, 1_000_000),
    ("log", 4, 20_000),
    ("frames", 4, 50_000),
    ("http", 4, 200_000),
    ("prove", 4, 20_000),
];
/// So many bits of the tables are flipped on the machine, one at a time; on the host all of them.
const FLIPPED_BITS: usize = 400;
/// How many steps more the services of ARINC 653 are explored, besides one for each time as much: each takes some three times as long.
const APEX_DEEPER: u32 = 1;
/// So many hours of the machine's time go by in its scheduler.
const APEX_HOURS: u32 = 4;
/// How much of the machine's time the attacks go on, and the sweep.
const ATTACKS: Duration = Duration::from_secs(60);
const GUESTS: u32 = 4;
const BOUNDARY: Duration = Duration::from_secs(20);

/// What a campaign needs.
struct Field<'a> {
    workspace: &'a Workspace<'a>,
    systems: &'a Systems,
    /// So many times as much as usual.
    scale: u32,
}

/// A campaign: its name, what it does, and the doing.
type Campaign = (
    &'static str,
    fn(u32) -> String,
    fn(&Field<'_>) -> Result<Tally>,
);

const CAMPAIGNS: [Campaign; 13] = [
    (
        "prove",
        |scale| {
            format!(
                "mutants of every system's image for the prover to find, {scale} times as many as usual"
            )
        },
        |field| proofs::mutants(field.systems, field.scale),
    ),
    (
        "guests",
        |scale| {
            format!(
                "each attack from inside of guests, {} times as long as in the tests, on each kernel",
                GUESTS * scale
            )
        },
        |field| guest_attacks::attacks(field.systems, GUESTS * field.scale),
    ),
    (
        "boundary",
        |scale| {
            format!(
                "the end of a window in every phase, {:?} of machine time on each kernel",
                BOUNDARY * scale
            )
        },
        |field| sweep::phases(field.systems, BOUNDARY * field.scale, None),
    ),
    (
        "attacks",
        |scale| {
            format!(
                "flight under attack, round after round, {:?} of machine time on each kernel",
                ATTACKS * scale
            )
        },
        |field| machines::attacks_for(field.systems, ATTACKS * field.scale),
    ),
    (
        "disk",
        |scale| {
            format!(
                "Linux writes and reads {} MiB {scale} times, the disk's driver restarted about every {} ms",
                disks::CAMPAIGN_MEBIBYTES,
                disks::CAMPAIGN_INTERVAL_MS
            )
        },
        |field| disks::campaign(field.systems, field.scale),
    ),
    (
        "network",
        |scale| {
            format!(
                "Linux gets {} MiB by one connection and sends them back {scale} times, the network's driver restarted about every {} ms",
                networks::CAMPAIGN_MEBIBYTES,
                networks::CAMPAIGN_INTERVAL_MS
            )
        },
        |field| networks::campaign(field.systems, field.scale),
    ),
    (
        "bits",
        |_| "every bit of every system's tables flipped, on the host".to_owned(),
        every_bit,
    ),
    (
        "bits-on-the-machine",
        |scale| {
            format!(
                "{} bits of flight's tables flipped, on the machine",
                FLIPPED_BITS * scale as usize
            )
        },
        |field| wrong_tables::flipped_bits(field.systems, FLIPPED_BITS * field.scale as usize),
    ),
    (
        "model",
        |scale| {
            let sequences = SEQUENCES_AT_A_TIME * SEQUENCES_TIMES * scale;
            format!("{sequences} random sequences of operations against the reference model, twice")
        },
        model,
    ),
    (
        "apex",
        |scale| {
            format!(
                "every order of steps of the ARINC 653 services, {} deeper than in the tests",
                APEX_DEEPER + scale
            )
        },
        apex,
    ),
    (
        "fuzz",
        |scale| {
            format!(
                "{} fuzz targets without a guide, {} inputs",
                FUZZ.len(),
                inputs(scale)
            )
        },
        fuzz,
    ),
    (
        "guided-fuzz",
        |scale| {
            format!(
                "{} fuzz targets with libFuzzer, {:?} each",
                FUZZ.len(),
                GUIDED * scale
            )
        },
        |field| nightly::fuzz(field.workspace, GUIDED * field.scale),
    ),
    (
        "airgap",
        |_| {
            "everything fetched into one folder, and `linux` built from it without a network"
                .to_owned()
        },
        |field| vendor::whole(field.workspace),
    ),
];

/// Which campaigns are wanted. Fails if a beginning is none of a campaign's name.
pub fn wanted(beginnings: &[String]) -> Result<Wanted<'_>> {
    Wanted::among(beginnings, "campaign", &CAMPAIGNS.map(|(name, ..)| name))
}

/// Runs the campaigns whose names begin as wanted, or all.
pub fn run(workspace: &Workspace<'_>, wanted: &[String], scale: u32) -> Result<()> {
    let wanted = self::wanted(wanted)?;
    let systems = Systems::build(&workspace.tree())?;
    let field = Field {
        workspace,
        systems: &systems,
        scale,
    };
    let mut parts = Parts::default();
    for (name, what, campaign) in CAMPAIGNS {
        if wanted.has(name) {
            parts.run(&format!("{name}: {}", what(scale)), || campaign(&field));
        }
    }
    parts.finish()
}

/// A table with a flipped bit is refused for what its head or its checksum says.
fn every_bit(field: &Field<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, built) in field.systems.iter() {
        let mut tables = damage::tables_of(built.image(cofferdam_build::Kernel::Release))?;
        let mut accepted = Vec::new();
        for bit in 0..tables.len() * 8 {
            let mask = 0x80 >> (bit % 8);
            tables[bit / 8] ^= mask;
            let mut configuration = Configuration::EMPTY;
            if configuration.load(&tables).is_ok() {
                accepted.push(bit);
            }
            tables[bit / 8] ^= mask;
        }
        let covered = match accepted.first() {
            None => Ok(format!("{} bits, each refused", tables.len() * 8)),
            Some(bit) => Err(anyhow::anyhow!(
                "{} were accepted, bit {bit} among them",
                accepted.len()
            )),
        };
        tally.note(name, covered);
    }
    Ok(tally)
}

fn model(field: &Field<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    let times = SEQUENCES_TIMES * field.scale;
    let step = Step::start("sequences");
    for time in 0..times {
        step.note(format!("{} of {times} portions", time + 1));
        // Others each time: what the tests try stays the same.
        let seed = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_nanos() as u64;
        let output = field
            .workspace
            .toolchain
            .cargo()
            .current_dir(field.workspace.root)
            .args([
                "test",
                "--quiet",
                "--profile",
                "soak",
                "--package",
                "cofferdam-core",
                "--test",
                "model",
            ])
            .env("PROPTEST_CASES", SEQUENCES_AT_A_TIME.to_string())
            .env("PROPTEST_RNG_SEED", seed.to_string())
            .output()
            .context("cargo did not start")?;
        ensure!(
            output.status.success(),
            "the kernel and the model do not agree (PROPTEST_RNG_SEED={seed}):\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    step.done();
    let sequences = u64::from(SEQUENCES_AT_A_TIME) * u64::from(times);
    let covered =
        format!("{sequences} sequences of up to 250 operations, each judged after every one");
    tally.note("the reference model", Ok(covered));
    let covered = format!("{sequences} sequences with a kernel that takes time");
    tally.note("windows on their ticks", Ok(covered));
    Ok(tally)
}

/// The services of ARINC 653 and their reference, in every order of steps.
fn apex(field: &Field<'_>) -> Result<Tally> {
    let deeper = APEX_DEEPER + field.scale;
    let output = field
        .workspace
        .toolchain
        .cargo()
        .current_dir(field.workspace.root)
        .args(["test", "--quiet", "--profile", "soak"])
        .args(["--package", "cofferdam-apex-conformity"])
        .args(["--test", "exploration", "--", "--nocapture", "every_order"])
        .env("COFFERDAM_APEX_DEPTH", deeper.to_string())
        .output()
        .context("cargo did not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "the services and their reference do not agree:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut tally = Tally::default();
    tally.count("release points over hours", hours(field));
    for line in said.lines() {
        if let Some((scenario, covered)) = line.split_once(" depth ") {
            let covered: Vec<_> = covered.split_whitespace().collect();
            tally.note(scenario.trim(), Ok(format!("depth {}", covered.join(" "))));
        }
    }
    Ok(tally)
}

/// Hours of the machine's time, in windows, with deadlines missed and starts delayed.
fn hours(field: &Field<'_>) -> Result<()> {
    let output = field
        .workspace
        .toolchain
        .cargo()
        .current_dir(field.workspace.root)
        .args(["test", "--quiet", "--profile", "soak"])
        .args(["--package", "cofferdam-apex-conformity"])
        .args(["--test", "hours"])
        .env(
            "COFFERDAM_APEX_HOURS",
            (APEX_HOURS * field.scale).to_string(),
        )
        .output()
        .context("cargo did not start")?;
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn inputs(scale: u32) -> u64 {
    let of_target = |(_, portions, cases): &(&str, u64, u64)| portions * cases;
    FUZZ.iter().map(of_target).sum::<u64>() * u64::from(scale)
}

/// The fuzz targets without a guide.
fn fuzz(field: &Field<'_>) -> Result<Tally> {
    field.workspace.cargo(&[
        "build",
        "--quiet",
        "--profile",
        "soak",
        "--package",
        "cofferdam-fuzz",
    ])?;
    let folder = cofferdam_target_build::target_directory(field.workspace.root);
    let program = folder.join("soak/cofferdam-fuzz");
    let mut tally = Tally::default();
    for (target, portions, cases) in FUZZ {
        let portions = portions * u64::from(field.scale);
        let step = Step::start(target);
        let campaign = || -> Result<String> {
            for portion in 0..portions {
                step.note(format!("{} of {portions} portions", portion + 1));
                let output = std::process::Command::new(&program)
                    .arg(target)
                    .args(["--from", &(portion * cases).to_string()])
                    .args(["--cases", &cases.to_string()])
                    .stdin(Stdio::null())
                    .output()
                    .with_context(|| format!("{} did not start", program.display()))?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(
                    output.status.success(),
                    "{} ({})",
                    said.trim(),
                    output.status
                );
            }
            Ok(format!("{} inputs", portions * cases))
        };
        let covered = campaign();
        if covered.is_ok() {
            step.done();
        }
        tally.note(target, covered);
    }
    Ok(tally)
}
