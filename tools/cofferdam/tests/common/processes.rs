//! Processes: who descends from whom, and waiting for what they do.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::Said;

/// What does not happen within this time does not happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `seen` has something.
#[track_caller]
pub fn until<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = seen() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A process that is not ours to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub id: u32,
    pub name: String,
    parent: u32,
    /// When it started: a number that is used again has another one.
    start: u64,
}

impl Process {
    pub fn command_line(&self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.id)).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    }

    /// A QEMU that was not only asked for its version.
    pub fn is_machine(&self) -> bool {
        self.name.starts_with("qemu-system") && self.command_line().contains("-M ppce500")
    }

    /// A compiler that was not only asked for its version.
    pub fn is_compiler(&self) -> bool {
        self.name == "rustc" && self.command_line().contains("--emit")
    }

    /// Whether it still does something.
    pub fn lives(&self) -> bool {
        read(self.id).is_some_and(|now| now.start == self.start)
    }

    pub fn kill(&self, signal: Signal) {
        kill(self.id, signal);
    }
}

/// A signal for one process.
pub fn kill(id: u32, signal: Signal) {
    kill_process(pid(id), signal).expect("it is there");
}

/// `/proc/ID/stat` (proc(5)). One that has ended and that nobody has waited for is none any more.
fn read(id: u32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<_> = after.split_whitespace().collect();
    (!matches!(fields.first(), Some(&"Z" | &"X"))).then_some(())?;
    Some(Process {
        id,
        name,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// Every process that descends from one.
pub fn descendants(ancestor: u32) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").expect("/proc");
    let all: Vec<_> = numbers
        .filter_map(|entry| read(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect();
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for one in all.iter().filter(|one| one.parent == parent) {
            parents.push(one.id);
            found.push(one.clone());
        }
    }
    found
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).expect("a number")).expect("a process")
}

/// A command that runs in a process group of its own, as a shell starts it. Dropped, nothing is left of it.
pub struct Job {
    child: Child,
    out: Stream,
    err: Stream,
    /// Those of its descendants that were seen.
    seen: Vec<Process>,
}

impl Job {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            out: Stream::of(child.stdout.take()),
            err: Stream::of(child.stderr.take()),
            child,
            seen: Vec::new(),
        }
    }

    /// Waits for a descendant.
    #[track_caller]
    pub fn descendant(&mut self, what: &str, is_it: impl Fn(&Process) -> bool) -> Process {
        let id = self.child.id();
        until(what, || {
            let all = descendants(id);
            let found = all.iter().find(|one| is_it(one)).cloned();
            self.seen.extend(all);
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!(
                    "it ended before {what} came ({status}): {}",
                    self.err.text()
                );
            }
            found
        })
    }

    /// Waits until a machine runs.
    #[track_caller]
    pub fn qemu(&mut self) -> Process {
        self.descendant("a machine", Process::is_machine)
    }

    /// Waits until a compiler works.
    #[track_caller]
    pub fn compiler(&mut self) -> Process {
        self.descendant("a compiler", Process::is_compiler)
    }

    /// Waits until it has said something on standard error.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(text, || self.err.text().contains(text).then_some(()));
    }

    /// Waits until it has printed something on standard output.
    #[track_caller]
    pub fn prints(&self, text: &str) {
        until(text, || self.out.text().contains(text).then_some(()));
    }

    /// A signal for all of the group, as Ctrl-C is.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(pid(self.child.id()), signal).expect("it is there");
    }

    /// A signal for the command alone.
    pub fn signal(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(&mut self) -> Said {
        let child = &mut self.child;
        let status = until("the end of the command", || {
            child.try_wait().expect("a child")
        });
        self.out.finish();
        self.err.finish();
        Said {
            status,
            out: self.out.text(),
            err: self.err.text(),
        }
    }

    /// Waits for its end, and until none of its descendants that were seen does anything more.
    #[track_caller]
    pub fn end_alone(&mut self) -> Said {
        let said = self.end();
        until("the end of its descendants", || {
            self.seen.iter().all(|one| !one.lives()).then_some(())
        });
        said
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // What is left of the group, if something is: its number stays taken as long. A machine has a group of its own.
        let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
        let _ = self.child.wait();
        for one in self.seen.iter().filter(|one| one.lives()) {
            let _ = kill_process(pid(one.id), Signal::KILL);
        }
    }
}

/// What comes out of a stream.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn of<R: Read + Send + 'static>(stream: Option<R>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let reader = stream.map(|mut stream| {
            let bytes = Arc::clone(&bytes);
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut chunk) {
                    bytes.lock().unwrap().extend_from_slice(&chunk[..count]);
                }
            })
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Waits until nobody can write to it any more.
    #[track_caller]
    fn finish(&mut self) {
        until("the end of the output", || {
            let open = self.reader.as_ref().is_some_and(|one| !one.is_finished());
            (!open).then_some(())
        });
    }
}
