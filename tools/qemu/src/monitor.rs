//! QEMU's own monitor: what is done to the machine from outside while it runs, such as pulling a cable.
//!
//! A pair of sockets without a name, so that nothing is left behind. Each word on it is an object of JSON in a line (QEMU,
//! `docs/interop/qmp-spec.txt`); what is asked for is a line of QEMU's other monitor, the one for people, because not everything can be asked for
//! otherwise: its answer is text, and empty when there is nothing to say.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::io::{FdFlags, fcntl_setfd};
use serde_json::{Value, json};

/// QEMU answers between two looks at its devices: it takes longer only if the host does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Both ends of the pair.
pub(crate) struct Line {
    own: UnixStream,
    of_qemu: UnixStream,
}

impl Line {
    pub(crate) fn new() -> Result<Self> {
        let (own, of_qemu) = UnixStream::pair().context("there is no pair of sockets")?;
        own.set_read_timeout(Some(PATIENCE))?;
        // QEMU inherits it.
        fcntl_setfd(&of_qemu, FdFlags::empty())?;
        Ok(Self { own, of_qemu })
    }

    /// QEMU's arguments for its end.
    pub(crate) fn arguments(&self) -> [String; 4] {
        [
            "-chardev".to_owned(),
            format!("socket,id=monitor,fd={}", self.of_qemu.as_raw_fd()),
            "-mon".to_owned(),
            "chardev=monitor,mode=control".to_owned(),
        ]
    }

    /// Our end, when QEMU has begun.
    pub(crate) fn monitor(self) -> Monitor {
        Monitor {
            stream: BufReader::new(self.own),
            is_open: false,
        }
    }
}

/// Our end.
pub(crate) struct Monitor {
    stream: BufReader<UnixStream>,
    /// It was agreed what both sides can do.
    is_open: bool,
}

impl Monitor {
    /// Has QEMU do what this line says, and gives what it says to that.
    pub(crate) fn ask(&mut self, line: &str) -> Result<String> {
        if !self.is_open {
            self.call(&json!({ "execute": "qmp_capabilities" }))?;
            self.is_open = true;
        }
        let answer = self.call(&json!({
            "execute": "human-monitor-command",
            "arguments": { "command-line": line },
        }))?;
        let text = answer.as_str().context("QEMU answers with no text")?;
        Ok(text.trim().to_owned())
    }

    fn call(&mut self, call: &Value) -> Result<Value> {
        let wrong = "QEMU's monitor does not answer";
        self.stream
            .get_mut()
            .write_all(format!("{call}\n").as_bytes())
            .context(wrong)?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).context(wrong)? == 0 {
                bail!("{wrong}: the machine has ended");
            }
            let mut said: Value = serde_json::from_str(&line).context(wrong)?;
            if let Some(error) = said.get("error") {
                bail!("QEMU refuses {call}: {error}");
            }
            // All else is a greeting, or an event that nobody asked for.
            if let Some(answer) = said.get_mut("return") {
                return Ok(answer.take());
            }
        }
    }
}
