//! A machine that runs: waiting for it, talking to it, ending it.

use std::fmt;
use std::io::{IsTerminal, Read, Write, stdin, stdout};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cofferdam_interrupt::Hold;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::memory::Memory;
use crate::monitor::{Line, Monitor};
use crate::probe::Probe;
use crate::{Files, Hands, Serial};

/// How often the machine is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long QEMU may take to end when asked to. A machine under `icount` whose timers are due can ignore the request for good.
const GRACE: Duration = Duration::from_secs(2);

/// Why a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End<T> {
    /// What was waited for came; the machine still runs.
    Seen(T),
    /// The guest switched the machine off, or reset it (QEMU's exit status is 0 for both), or the user quit QEMU.
    Off,
    /// QEMU ended with an error: its exit status, and what it wrote about it.
    Failed(String),
    /// The time was up; the machine still runs.
    TimedOut,
    /// The user typed Ctrl-C, or this process was asked to end; the machine still runs.
    Interrupted,
}

impl<T> fmt::Display for End<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen(_) => f.write_str("what was waited for came"),
            Self::Off => f.write_str("the machine was switched off or reset"),
            Self::Failed(why) => write!(f, "QEMU failed: {why}"),
            Self::TimedOut => f.write_str("the time was up"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// A machine that runs. Dropped, it ends.
pub struct Running {
    child: Child,
    memory: Memory,
    monitor: Option<Monitor>,
    probe: Option<Probe>,
    keyboard: Option<ChildStdin>,
    serial: Gathered,
    complaints: Gathered,
    terminal: Option<Termios>,
    /// The serial line goes to our standard output.
    on_output: bool,
    interrupt: Hold,
    /// QEMU finds its files through these.
    _files: Files,
}

impl Running {
    pub(crate) fn start(
        mut command: Command,
        serial: Serial,
        memory: Memory,
        files: Files,
        hands: Hands,
    ) -> Result<Self> {
        let interrupt = Hold::new()?;
        // QEMU changes the terminal's mode, and cannot change it back if it is killed.
        let on_terminal = serial == Serial::Terminal && stdin().is_terminal();
        let terminal = on_terminal.then(|| tcgetattr(stdin()).ok()).flatten();
        if serial != Serial::Terminal {
            // A group of its own, so that Ctrl-C reaches us alone: it is we who end QEMU, after a look at its memory. At a
            // terminal QEMU must stay in the group that may read it; there it passes Ctrl-C to the guest anyway.
            command.process_group(0);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("{} did not start", command.get_program().display()))?;
        Ok(Self {
            keyboard: child.stdin.take(),
            serial: Gathered::from(child.stdout.take()),
            complaints: Gathered::from(child.stderr.take()),
            child,
            memory,
            monitor: hands.line.map(Line::monitor),
            probe: hands.probe.map(Probe::begun),
            terminal,
            on_output: serial == Serial::Output,
            interrupt,
            _files: files,
        })
    }

    /// The guest's RAM.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What the guest wrote to a captured serial line so far.
    pub fn serial(&self) -> Vec<u8> {
        self.serial.lock().clone()
    }

    /// Whether the serial line goes to our standard output, and whoever was at its other end is gone (`| head`). QEMU does not
    /// mind, and would go on for ever.
    pub fn is_unread(&self) -> bool {
        let stdout = stdout();
        let mut pipe = [PollFd::new(&stdout, PollFlags::empty())];
        self.on_output
            && poll(&mut pipe, Some(&Timespec::default())).is_ok()
            && pipe[0].revents().contains(PollFlags::ERR)
    }

    /// What the host says of each thread of QEMU, for whoever wonders why a machine stands still: its state, as a letter (`proc(5)`: R runs, S
    /// waits), and for how many of the host's ticks it has run.
    pub fn threads(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let lines = (tasks.into_iter().flatten().flatten())
            .filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        let of_thread = |line: String| {
            // Its name stands in brackets, and may have brackets and blanks in it.
            let mut fields = line.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?;
            let mut ticks = fields.skip(10).map_while(|field| field.parse::<u64>().ok());
            Some(format!("{state} {}", ticks.next()? + ticks.next()?))
        };
        lines.filter_map(of_thread).collect()
    }

    /// Types on a captured serial line.
    pub fn type_in(&mut self, keys: &[u8]) -> Result<()> {
        let keyboard = self
            .keyboard
            .as_mut()
            .context("this machine's serial line is not captured")?;
        keyboard
            .write_all(keys)
            .and_then(|()| keyboard.flush())
            .context("the machine takes no input any more")
    }

    /// Has QEMU do to the machine what a line of its monitor says, and gives what it says to that: nothing, as a rule.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        let monitor = self.monitor.as_mut();
        let monitor = monitor.context("this machine has no monitor")?;
        monitor.ask(line)
    }

    /// The word at a physical address, a register's too. It is taken as the processor would.
    pub fn read_physical(&mut self, physical: u64) -> Result<u32> {
        self.probe()?.read(physical)
    }

    /// Puts a word there.
    pub fn write_physical(&mut self, physical: u64, word: u32) -> Result<()> {
        self.probe()?.write(physical, word)
    }

    fn probe(&mut self) -> Result<&mut Probe> {
        let probe = self.probe.as_mut();
        probe.context("this machine is not probed")
    }

    /// Waits until `seen` says so, the machine ends, the time is up (`None`: no limit), or the user interrupts.
    pub fn wait<T>(
        &mut self,
        limit: Option<Duration>,
        mut seen: impl FnMut(&Self) -> Option<T>,
    ) -> Result<End<T>> {
        // What lies beyond all that the host's clock can count to is no limit.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if let Some(status) = self.child.try_wait().context("QEMU cannot be waited for")? {
                self.serial.finish();
                self.complaints.finish();
                // The guest may have finished its work between the last look and its end.
                return Ok(match seen(self) {
                    Some(value) => End::Seen(value),
                    None if status.success() => End::Off,
                    None => End::Failed(self.failure(status)),
                });
            }
            if let Some(value) = seen(self) {
                return Ok(End::Seen(value));
            }
            if self.interrupt.received() {
                return Ok(End::Interrupted);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(End::TimedOut);
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the machine if it still runs, and gives back its memory and all that came over a captured serial line.
    ///
    /// QEMU is asked first, so that plugins write their results, and killed if it does not follow.
    pub fn end(mut self) -> Result<(Memory, Vec<u8>)> {
        self.stop();
        Ok((Memory::of(self.memory.file()?), self.serial()))
    }

    fn stop(&mut self) {
        let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        if running(&mut self.child) {
            // The child has not been waited for, so its process number still is its own.
            if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                kill_process(pid, Signal::TERM).ok();
            }
            let deadline = Instant::now() + GRACE;
            while running(&mut self.child) && Instant::now() < deadline {
                thread::sleep(POLL);
            }
            self.child.kill().ok();
            self.child.wait().ok();
        }
        self.serial.finish();
        self.complaints.finish();
        if let Some(terminal) = self.terminal.take() {
            tcsetattr(stdin(), OptionalActions::Now, &terminal).ok();
        }
    }

    fn failure(&self, status: ExitStatus) -> String {
        /// `SIGBUS`, on every host that QEMU runs on under Linux but MIPS.
        const BUS_ERROR: i32 = 7;
        const KILLED: i32 = 9;
        let mut text = String::from_utf8_lossy(&self.complaints.lock())
            .trim()
            .to_owned();
        if text.is_empty() {
            text = status.to_string();
        }
        text.push_str(match status.signal() {
            Some(BUS_ERROR) => {
                ": no room is left on the disk for the file behind the guest's memory; make some"
            }
            Some(KILLED) => ": somebody killed it, or the host did for want of memory",
            _ => "",
        });
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What comes out of one of QEMU's streams, gathered by a thread so that QEMU never waits for us.
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Gathered {
    fn from<R: Read + Send + 'static>(stream: Option<R>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let reader = stream.map(|mut stream| {
            let bytes = Arc::clone(&bytes);
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut chunk) {
                    lock(&bytes).extend_from_slice(&chunk[..count]);
                }
            })
        });
        Self { bytes, reader }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.bytes)
    }

    /// Waits for the stream's end: call it only when QEMU has ended.
    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
