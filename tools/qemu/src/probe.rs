//! A hand inside of the machine: words at its physical addresses, the registers of devices among them, which the file behind its memory does
//! not show.
//!
//! Before the first instruction it does what a loader would have done; behind the last one it looks at what became of it. It is the socket by
//! which QEMU's own tests talk to their machines: a line each way (QEMU, `softmmu/qtest.c`, the comment at its head).

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::io::{FdFlags, fcntl_setfd};

/// As long as the monitor's.
const PATIENCE: Duration = Duration::from_secs(120);

/// The line on which words are read and written.
pub(crate) struct Probe {
    own: BufReader<UnixStream>,
    /// Until QEMU has begun.
    of_qemu: Option<UnixStream>,
}

impl Probe {
    pub(crate) fn new() -> Result<Self> {
        let (own, of_qemu) = UnixStream::pair().context("there is no pair of sockets")?;
        own.set_read_timeout(Some(PATIENCE))?;
        // QEMU inherits it.
        fcntl_setfd(&of_qemu, FdFlags::empty())?;
        Ok(Self {
            own: BufReader::new(own),
            of_qemu: Some(of_qemu),
        })
    }

    /// QEMU's arguments for its end, and for a machine that waits. QEMU looks for a line of this very name.
    pub(crate) fn arguments(&self) -> [String; 7] {
        let of_qemu = self.of_qemu.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let line = format!("socket,id=qtest,fd={of_qemu}");
        let words = ["-S", "-chardev", &line, "-qtest", "chardev:qtest"];
        let [wait, kind, line, test, name] = words.map(str::to_owned);
        let [log, none] = ["-qtest-log", "none"].map(str::to_owned);
        [wait, kind, line, test, name, log, none]
    }

    /// The line when QEMU has begun: should QEMU end, so does it.
    pub(crate) fn begun(mut self) -> Self {
        self.of_qemu = None;
        self
    }

    /// The word at a physical address.
    pub(crate) fn read(&mut self, physical: u64) -> Result<u32> {
        let answer = self.call(&format!("readl {physical:#x}"))?;
        let digits = answer.trim_start_matches("0x");
        let word = u64::from_str_radix(digits, 16).ok();
        let word = word.and_then(|word| u32::try_from(word).ok());
        word.with_context(|| format!("QEMU reads {answer}"))
    }

    /// Puts a word there.
    pub(crate) fn write(&mut self, physical: u64, word: u32) -> Result<()> {
        self.call(&format!("writel {physical:#x} {word:#x}"))?;
        Ok(())
    }

    /// What QEMU says to a line, behind its `OK`.
    fn call(&mut self, line: &str) -> Result<String> {
        let wrong = "QEMU's tests have no answer";
        writeln!(self.own.get_mut(), "{line}").context(wrong)?;
        let mut said = String::new();
        self.own.read_line(&mut said).context(wrong)?;
        let answer = said.trim().strip_prefix("OK");
        ensure!(answer.is_some(), "QEMU says to `{line}`: {said}");
        Ok(answer.unwrap_or_default().trim().to_owned())
    }
}
