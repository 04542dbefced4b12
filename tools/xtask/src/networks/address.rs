//! The page's address as the command `run` prints it: somebody who runs it finds the page there.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{LINUX, fetch, step};

/// How the command is given. It ends by itself if nobody finds the page.
const COMMAND: [&str; 5] = ["run", LINUX, "--headless", "--for", "300s"];
const BEFORE: &str = "http://127.0.0.1:";
/// So long it is waited for something before it is looked whether the command still runs.
const LOOK: Duration = Duration::from_millis(50);

/// A command that ends with whoever started it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Its machine goes with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the command, and fetches the page from where it says.
pub fn is_there() -> Result<()> {
    let own = std::env::current_exe().context("this program is nowhere")?;
    // By its name: while the tests ran, cargo may have put the same program there anew.
    let mut command = Command::new(own.with_file_name(env!("CARGO_BIN_NAME")));
    command.args(COMMAND).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().context("the command did not start")?);
    let said = lines(&mut running.0)?;
    let mut text = Vec::new();
    let mut port = None;
    loop {
        match said.recv_timeout(LOOK) {
            Ok(line) => {
                port = port.or_else(|| port_of(&line));
                text.push(line);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("the command has ended:\n{}", text.join("\n"))
            }
        }
        // Nobody answers before the machine has booted, and the page has no step before the control loop has gone one.
        let Some(Ok(page)) = port.map(fetch) else {
            continue;
        };
        if step(&page).is_some() {
            ensure!(page.starts_with("HTTP/1.1 200 OK\r\n"), "no page:\n{page}");
            ensure!(
                page.contains("<tr><td>linux<td>"),
                "it is the page of another system:\n{page}"
            );
            return Ok(());
        }
    }
}

/// The port of the address in a line, if one is there as a word: so somebody would take it from there.
fn port_of(line: &str) -> Option<u16> {
    let word = line.split(' ').find(|word| word.starts_with(BEFORE))?;
    word.strip_prefix(BEFORE)?.strip_suffix('/')?.parse().ok()
}

/// What it says, on either way, line by line.
fn lines(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let (say, said) = mpsc::channel();
    let out = child.stdout.take().context("it has no output")?;
    let error = child.stderr.take().context("it says nothing")?;
    let ways: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(error)];
    for way in ways {
        let say = say.clone();
        thread::spawn(move || {
            for line in BufReader::new(way).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
    }
    Ok(said)
}
