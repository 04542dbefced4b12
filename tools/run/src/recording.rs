//! Runs that are written down, and run again to the instruction.
//!
//! QEMU writes down what comes to a machine from outside, and behind how many instructions it came: keys, what a disk gave and when it was done,
//! frames. A run that takes all of that from there goes the same way, instruction by instruction (QEMU, `docs/system/replay.rst`). That it did is judged
//! by the machine's memory in the end, all of it.
//!
//! A recording is a folder which has all that it takes: nothing is built for it, and nothing looked up in the tree it came from.
//!
//! | file | what it is |
//! |---|---|
//! | `recording.json` | a [`Manifest`] |
//! | `image.elf` | what booted |
//! | `inputs.rr` | what came from outside, by QEMU's account |
//! | `disks/<name>.img` | what the disks held at the start |
//! | `record` | the record as it was in the end |
//! | `programs/…`, `partitions.json` | what a debugger has to know, put there by the command |
//!
//! Whoever sends one may have made it to do harm. So it is data throughout: no file of it is carried out by anybody but the machine in the emulator.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::record::State;
use cofferdam_build::Built;
use cofferdam_files::{hexadecimal, sha256};
use cofferdam_qemu::{
    Behind, Boot, Content, Drive, End, Machine, Medium, Memory, Network, Prepared, Replay, Running,
    Serial,
};
use cofferdam_record::Snapshot;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::command::RECORD_FILE;
use crate::follow::STANDSTILL;
use crate::{
    Options, Outcome, SOCKET_APPEARS, machine, request_stop, run_machine, snapshot, ticks,
};

/// The format of [`Manifest`].
const FORMAT: u32 = 3;
const MANIFEST: &str = "recording.json";
/// What there is to do about one that is not whole.
const ANEW: &str = "copy the recording anew, or record it again";
const IMAGE: &str = "image.elf";
const INPUTS: &str = "inputs.rr";
/// The smallest piece of memory that somebody can have, and by which it is compared.
const FRAME: usize = 4096;

/// What was recorded, and of what.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The system's name.
    pub system: String,
    /// Which kernel.
    pub kernel: String,
    /// What QEMU calls itself, and its version: another one may go another way.
    qemu: String,
    memory_mib: u32,
    /// When the kernel was asked to stop, in ticks behind the first window.
    stop_at_ticks: Option<u64>,
    paced: bool,
    /// As after QEMU's `-device`.
    devices: Vec<String>,
    disks: Vec<Disk>,
    networks: Vec<String>,
    /// The kernel ended the run, or at least the machine was not interrupted.
    pub ended: HowItEnded,
    /// SHA-256 of each other file.
    files: BTreeMap<String, String>,
    /// SHA-256 of the memory in the end.
    memory_sha256: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Disk {
    name: String,
    read_only: bool,
}

/// How a recorded run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HowItEnded {
    /// By the kernel, which said so in its record.
    ByKernel,
    /// The machine was switched off, or ended from outside.
    ByMachine,
}

/// Runs a system and writes it down. `adds`: puts what else belongs there into the folder, which is seen as a whole or not at all.
///
/// What disks hold is copied, and what is written to them is gone with the run.
pub fn record(
    built: &Built,
    options: &Options,
    folder: &Path,
    adds: impl FnOnce(&Path) -> Result<()>,
) -> Result<Outcome> {
    let partial = partial(folder)?;
    let image = built.image(options.kernel);
    let mut machine = machine(built, image, options)?;
    ensure!(
        machine.icount_shift.is_some(),
        "only a machine whose clock are its instructions is recorded"
    );
    // QEMU 7.2 hands over what a disk or a network gave, once it is recorded, where the time is accounted for in which a machine slept, and one
    // that does not sleep never comes there (`accel/tcg/icount-common.c`, `icount_account_warp_timer`).
    machine.paced |= !machine.drives.is_empty() || !machine.networks.is_empty();
    // An idle machine then goes on by the host's clock, and the end of a window is as late as the host is.
    let mut options = options.clone();
    options.instruction_clock &= !machine.paced;
    fs::create_dir_all(partial.join("disks"))?;
    fs::write(partial.join(IMAGE), image)?;
    let mut manifest = Manifest {
        format: FORMAT,
        system: built.plan.system.clone(),
        kernel: options.kernel.name().to_owned(),
        qemu: version(&options.qemu)?,
        memory_mib: machine.memory_mib,
        stop_at_ticks: (options.machine_time).map(|time| ticks(time, built.plan.timebase_hz)),
        paced: machine.paced,
        devices: machine.devices.clone(),
        disks: Vec::new(),
        networks: (machine.networks.iter())
            .map(|network| network.name.clone())
            .collect(),
        ended: HowItEnded::ByMachine,
        files: BTreeMap::new(),
        memory_sha256: String::new(),
    };
    for drive in &mut machine.drives {
        let Content::File(medium) = &mut drive.content else {
            bail!(
                "the disk {} is no file, and what it holds cannot be kept: give its device a file to be recorded with",
                drive.name
            );
        };
        let copy = partial.join(disk_file(&drive.name));
        fs::copy(&medium.file, &copy)
            .with_context(|| format!("{} cannot be copied", medium.file.display()))?;
        medium.file = copy;
        medium.keeps = false;
        manifest.disks.push(Disk {
            name: drive.name.clone(),
            read_only: medium.read_only,
        });
    }
    machine.replay = Some(Replay::Record(partial.join(INPUTS)));
    let outcome = run_machine(built, image, &options, machine)?;
    // QEMU writes the head of the file last.
    let inputs =
        fs::read(partial.join(INPUTS)).context("QEMU has recorded nothing: record it again")?;
    ensure!(
        inputs.iter().take(4).any(|byte| *byte != 0),
        "QEMU was killed before it had written all of the recording: nothing is kept; record it again"
    );
    if matches!(ended_by_kernel(&outcome.snapshot), Some(true)) {
        manifest.ended = HowItEnded::ByKernel;
    }
    manifest.memory_sha256 = digest_of_memory(&outcome.memory, manifest.memory_mib)?;
    fs::write(partial.join(RECORD_FILE), outcome.snapshot.bytes())?;
    adds(&partial)?;
    manifest.files = digests(&partial)?;
    fs::write(
        partial.join(MANIFEST),
        serde_json::to_vec_pretty(&manifest)?,
    )?;
    remove(folder)?;
    fs::rename(&partial, folder)
        .with_context(|| format!("{} cannot be put in place", folder.display()))?;
    Ok(outcome)
}

/// Whether a recording may be put there: over another one, or where nothing is.
///
/// # Errors
/// Something else is there.
pub fn has_room(folder: &Path) -> Result<()> {
    if folder.exists() && !folder.join(MANIFEST).exists() {
        bail!(
            "{} is there, and is no recording: it stays as it is; name another folder with --output",
            folder.display()
        );
    }
    Ok(())
}

/// The folder in which a recording is made, empty.
fn partial(folder: &Path) -> Result<PathBuf> {
    has_room(folder)?;
    let mut name = folder.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    remove(&partial)?;
    fs::create_dir_all(&partial)
        .with_context(|| format!("{} cannot be created", partial.display()))?;
    Ok(partial.canonicalize()?)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// What QEMU says of itself.
fn version(qemu: &Path) -> Result<String> {
    let output = Command::new(qemu)
        .arg("--version")
        .output()
        .with_context(|| format!("{} did not start", qemu.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Of each file in a folder and in those below it, by its path.
fn digests(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(folder.join(&path))?;
                files.insert(path.to_string_lossy().into_owned(), sha256(&bytes));
            }
        }
    }
    Ok(files)
}

fn disk_file(name: &str) -> String {
    format!("disks/{name}.img")
}

/// `None`: no kernel has begun.
fn ended_by_kernel(record: &Snapshot) -> Option<bool> {
    let state = record.is_valid().then(|| record.state()).flatten()?;
    Some(!matches!(state, State::Booting | State::Running))
}

/// Of the frames that are not empty, and where they lie.
fn digest_of_memory(memory: &Memory, memory_mib: u32) -> Result<String> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 * FRAME];
    let mut at = 0;
    while at < u64::from(memory_mib) << 20 {
        memory.read(at, &mut chunk)?;
        for frame in chunk.chunks(FRAME) {
            if frame.iter().any(|byte| *byte != 0) {
                digest.update(at.to_be_bytes());
                digest.update(frame);
            }
            at += FRAME as u64;
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

impl Manifest {
    /// The files without which there is no run, in the recording's folder.
    fn files_needed(&self) -> Vec<String> {
        let disks = self.disks.iter().map(|disk| disk_file(&disk.name));
        let own = [IMAGE, INPUTS, RECORD_FILE].map(str::to_owned);
        own.into_iter().chain(disks).collect()
    }
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is of.
    pub manifest: Manifest,
    image: Vec<u8>,
}

impl Recording {
    /// Reads a recording, and looks whether its files are those that were written.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        ensure!(
            path.exists(),
            "{} is no recording, for it has no {MANIFEST}: `cargo cofferdam record SYSTEM --for TIME` makes one",
            folder.display()
        );
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read: {ANEW}", path.display()))?;
        let path_name = path.display();
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| {
            anyhow::anyhow!("{path_name} is not as it was written: {error}; {ANEW}")
        })?;
        ensure!(
            manifest.format == FORMAT,
            "{path_name} is of format {}, and this command reads {FORMAT}: replay it with the version that recorded it, or record it again",
            manifest.format
        );
        // They become parts of paths and of QEMU's arguments: nothing that comes from somewhere may name a file there.
        let made_of = |text: &String, others: &str| {
            let mut letters = text.chars();
            letters.all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
        };
        let mut names = (manifest.disks.iter().map(|disk| &disk.name)).chain(&manifest.networks);
        let plain = names.all(|name| made_of(name, "_-"))
            && (manifest.devices.iter()).all(|device| made_of(device, "_-,=.:"));
        ensure!(
            plain,
            "{path_name} names a device in a way that no system does: {ANEW}"
        );
        let needed = manifest.files_needed();
        let mut needed = needed.iter();
        if let Some(file) = needed.find(|file| !manifest.files.contains_key(*file)) {
            bail!("{path_name} has nothing of {file}: {ANEW}");
        }
        for (file, digest) in &manifest.files {
            ensure!(
                made_of(file, "_-./") && !file.split('/').any(|part| part == ".."),
                "{path_name} names a file in a way that no recording does: {ANEW}"
            );
            let path = folder.join(file);
            let bytes = fs::read(&path)
                .with_context(|| format!("the recording lacks {}: {ANEW}", path.display()))?;
            ensure!(
                sha256(&bytes) == *digest,
                "{} is not the file that was recorded, by its SHA-256: {ANEW}",
                path.display()
            );
        }
        let image = fs::read(folder.join(IMAGE))?;
        Ok(Self {
            folder: folder.canonicalize()?,
            manifest,
            image,
        })
    }

    /// A file that was put there beside what the machine takes. Nothing that was not written with the recording is taken for one.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        ensure!(
            self.manifest.files.contains_key(name),
            "the recording {} has no {name}: record it again",
            self.folder.display()
        );
        Ok(self.folder.join(name))
    }

    /// What may keep it from going the same way, if anything may: another QEMU.
    pub fn doubt(&self, qemu: &Path) -> Result<Option<String>> {
        let (was, is) = (&self.manifest.qemu, version(qemu)?);
        let doubt = format!("it was recorded with {was}, and this is {is}: it may go another way");
        Ok((*was != is).then_some(doubt))
    }

    /// The machine before its first instruction.
    fn prepare(&self, qemu: &Path, serial: Serial, debugger: Option<&Path>) -> Result<Prepared> {
        let folder = tempfile::tempdir().context("no folder for the machine's memory")?;
        let drive = |disk: &Disk| Drive {
            name: disk.name.clone(),
            content: Content::File(Medium {
                file: self.folder.join(disk_file(&disk.name)),
                keeps: false,
                flushes: true,
                read_only: disk.read_only,
                faults: None,
            }),
        };
        let network = |name: &String| Network {
            name: name.clone(),
            behind: Behind::User { forward: None },
        };
        let manifest = &self.manifest;
        let prepared = Machine {
            qemu: qemu.to_path_buf(),
            boot: Boot::Image(self.image.clone()),
            memory_mib: manifest.memory_mib,
            folder: folder.path().to_path_buf(),
            icount_shift: Some(0),
            serial,
            devices: manifest.devices.clone(),
            drives: manifest.disks.iter().map(drive).collect(),
            networks: manifest.networks.iter().map(network).collect(),
            plugin: None,
            reboots: false,
            paced: manifest.paced,
            monitored: false,
            debugger: debugger.map(Path::to_path_buf),
            replay: Some(Replay::Replay(self.folder.join(INPUTS))),
            probed: None,
        }
        .prepare()?;
        if let Some(stop_at) = manifest.stop_at_ticks {
            request_stop(&prepared.memory()?, stop_at)?;
        }
        Ok(prepared)
    }

    /// Runs it again, to its end.
    ///
    /// # Errors
    /// If it does not end as it did, to the last byte of its memory.
    pub fn replay(&self, qemu: &Path, serial: Serial) -> Result<Snapshot> {
        let mut running = self.prepare(qemu, serial, None)?.start()?;
        let mut progress = (0, Instant::now());
        let by_kernel = self.manifest.ended == HowItEnded::ByKernel;
        let end = running.wait(None, |running| {
            let record = snapshot(running.memory()).ok()?;
            if by_kernel && ended_by_kernel(&record) == Some(true) {
                return Some(true);
            }
            let now = record.header().now_tick.get();
            if now != progress.0 {
                progress = (now, Instant::now());
            }
            (progress.1.elapsed() > STANDSTILL).then_some(false)
        })?;
        let folder = self.folder.display();
        match end {
            End::Seen(true) | End::Off => {}
            End::Failed(why) => bail!(
                "QEMU cannot go on with {folder}: {why}; if it is another QEMU than the one that recorded it, record it again"
            ),
            End::Interrupted => bail!("interrupted; the recording stays as it is"),
            End::Seen(false) | End::TimedOut => bail!(
                "the machine of {folder} stands still at tick {}, where the recorded one went on: record it again",
                progress.0
            ),
        }
        let (memory, _) = running.end()?;
        let digest = digest_of_memory(&memory, self.manifest.memory_mib)?;
        ensure!(
            digest == self.manifest.memory_sha256,
            "the run of {folder} ended with other contents of the memory than the recorded one: QEMU or this command are of other versions; record it again with these"
        );
        Ok(snapshot(&memory)?)
    }

    /// Has it wait before its first instruction for a debugger, which comes by `socket`.
    pub fn debug(&self, qemu: &Path, socket: &Path) -> Result<Running> {
        let serial = Serial::Captured;
        let mut running = self.prepare(qemu, serial, Some(socket))?.start()?;
        match running.wait(Some(SOCKET_APPEARS), |_| socket.exists().then_some(()))? {
            End::Seen(()) => Ok(running),
            End::Failed(why) => bail!("QEMU cannot begin {}: {why}", self.folder.display()),
            _ => bail!(
                "QEMU does not wait for a debugger within {} s: try again when the host has less to do",
                SOCKET_APPEARS.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::{Value, json};

    use super::*;

    /// A recording of nothing, whose manifest somebody changed.
    fn opened(change: impl FnOnce(&mut Value)) -> String {
        opened_as(|mut manifest| {
            change(&mut manifest);
            manifest.to_string().into_bytes()
        })
    }

    /// The same, with the manifest's text.
    fn opened_as(text: impl FnOnce(Value) -> Vec<u8>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let digest = |bytes: &[u8]| sha256(bytes);
        for inner in ["disks", "programs"] {
            fs::create_dir(folder.path().join(inner)).unwrap();
        }
        let files = [
            (IMAGE, b"image"),
            (INPUTS, b"input"),
            (RECORD_FILE, b"words"),
            ("programs/p.elf", b"codes"),
            ("disks/d.img", b"disk0"),
        ];
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let digests: BTreeMap<_, _> = files.map(|(name, bytes)| (name, digest(bytes))).into();
        let manifest = json!({
            "format": FORMAT, "system": "s", "kernel": "release", "qemu": "QEMU 7", "memory_mib": 128, "stop_at_ticks": null, "paced": false,
            "devices": ["virtio-blk-pci,drive=d,addr=0x1.0"], "disks": [{ "name": "d", "read_only": false }], "networks": ["n"],
            "ended": "by_kernel", "files": digests, "memory_sha256": "",
        });
        fs::write(folder.path().join(MANIFEST), text(manifest)).unwrap();
        match Recording::open(folder.path()) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_recording_is_taken_as_it_was_written_alone() {
        assert_eq!(opened(|_| {}), "");
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 12] = [
            (
                |it| it["files"][INPUTS] = json!("00"),
                "inputs.rr is not the file that was recorded",
            ),
            (
                |it| it["files"]["programs/p.elf"] = json!("00"),
                "p.elf is not the file that was recorded",
            ),
            (|it| it["files"]["programs/q.elf"] = json!("00"), "lacks"),
            (
                |it| it["files"]["../d"] = json!("00"),
                "names a file in a way",
            ),
            (
                |it| it["disks"][0]["name"] = json!("e"),
                "nothing of disks/e.img",
            ),
            (
                |it| it["disks"][0]["name"] = json!("../../d"),
                "names a device",
            ),
            (
                |it| it["networks"][0] = json!("n,script=/bin/sh"),
                "names a device",
            ),
            (
                |it| it["devices"][0] = json!("loader,file=/dev/mem"),
                "names a device",
            ),
            (
                |it| it["format"] = json!(1),
                "is of format 1, and this command reads 3",
            ),
            (|it| it["more"] = json!(1), "is not as it was written"),
            (
                |it| it["memory_mib"] = json!(-1),
                "is not as it was written",
            ),
            (|it| *it = json!([]), "is not as it was written"),
        ];
        for (change, said) in changes {
            let error = opened(change);
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    proptest! {
        /// And if it is taken, it says what it said, or as much as makes no difference to a machine.
        #[test]
        fn whatever_stands_in_a_manifest_there_is_an_answer(
            changes in vec((any::<Index>(), any::<u8>()), 1..6),
            length in any::<Index>(),
        ) {
            let error = opened_as(|manifest| {
                let mut text = manifest.to_string().into_bytes();
                for (place, byte) in &changes {
                    let end = text.len();
                    text[place.index(end)] = *byte;
                }
                // Most of them stay as long as they are.
                let end = (length.index(2 * text.len()) + 1).min(text.len());
                text.truncate(end);
                text
            });
            prop_assert_eq!(error.lines().count(), usize::from(!error.is_empty()));
        }
    }

    #[test]
    fn what_is_no_recording_stays() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        let error = format!("{:#}", partial(&own).unwrap_err());
        assert!(error.contains("is no recording: it stays"), "{error}");
        assert!(partial(&folder.path().join("new")).unwrap().exists());
        let error = format!("{:#}", Recording::open(&own).unwrap_err());
        assert!(error.contains("it has no recording.json"), "{error}");
    }
}
