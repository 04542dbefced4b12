//! What goes by one connection while the network's driver ends over and over: frames are lost by it, TCP sends them again, and each byte comes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::Built;
use cofferdam_progress::Step;
use cofferdam_run::{Moment, Options, Outside, run};

use super::linux::SHELL;
use super::{Host, LINUX, keeps_its_beat, meanwhile, partition, visited};
use crate::disks::content;
use crate::machines::{Case, Systems, case, undisturbed};
use crate::parts::Tally;

/// Gives the keys to the next partition: the order is linux, breaker, flight, plant.
const NEXT: &str = "\x14";
const BACK: &str = "\x14\x14\x14";
/// The beginning of what is moved.
const SEED: u32 = 7;
/// In a test: so many MiB in each direction, while a driver is restarted about so often, in milliseconds of the machine: that of the network and that of the disk
/// in turn. That of the network has to be at least so many times.
const MEBIBYTES: u32 = 4;
const INTERVAL_MS: u32 = 20;
const RESTARTS: u32 = 20;
/// The same in a campaign.
pub const CAMPAIGN_MEBIBYTES: u32 = 24;
pub const CAMPAIGN_INTERVAL_MS: u32 = 20;
const CAMPAIGN_RESTARTS: u32 = 500;
/// Last word. It stands in no line that is typed.
const END: &str = "transfers-42";

/// The test.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(LINUX)?;
    let title = "one connection of Linux lives while the network's driver is restarted";
    Ok(vec![case(title, move || {
        transfer(systems, built, MEBIBYTES, INTERVAL_MS, RESTARTS).map(drop)
    })])
}

/// The same for long, so many times.
pub fn campaign(systems: &Systems, times: u32) -> Result<Tally> {
    let built = systems.get(LINUX)?;
    let mut tally = Tally::default();
    for time in 1..=times {
        let step = Step::start(format!("time {time} of {times}"));
        let (mebibytes, interval) = (CAMPAIGN_MEBIBYTES, CAMPAIGN_INTERVAL_MS);
        let covered = transfer(systems, built, mebibytes, interval, CAMPAIGN_RESTARTS);
        if covered.is_ok() {
            step.done();
        }
        let covered = covered.map(|restarts| {
            format!("{mebibytes} MiB there and back over {restarts} restarts of the driver")
        });
        tally.note("Linux on a network", covered);
    }
    Ok(tally)
}

/// Linux gets a file from the host by one connection, compares it, and sends it back by another one. How often the driver was restarted meanwhile.
fn transfer(
    systems: &Systems,
    built: &Built,
    mebibytes: u32,
    interval_ms: u32,
    least: u32,
) -> Result<u32> {
    let host = Host::new()?;
    let port = host.port;
    // The machine's time may run ahead of the host's: nobody has a time-out.
    let commands = format!(
        "wget -q -O /tmp/all http://10.0.2.2:{port}/all; blocks check /tmp/all {mebibytes} {SEED}; nc 10.0.2.2 {port} </tmp/all; echo transfers-$((6*7))\r"
    );
    let options = Options {
        moments: vec![Moment::typed(
            SHELL,
            format!("{NEXT}{interval_ms}\r{BACK}{commands}"),
        )],
        until: Some(END.to_owned()),
        ..visited(systems, Outside::Nobody)
    };
    let all = content(mebibytes, SEED);
    let (outcome, back) = meanwhile(
        |over| {
            host.serve_all(over, &all)?;
            host.take(over, all.len())
        },
        || run(built, &options),
    )?;
    let text = String::from_utf8_lossy(&outcome.serial);
    keeps_its_beat(&outcome).with_context(|| text.clone().into_owned())?;
    let right = format!("[linux  ] blocks: MiB of /tmp/all right: {mebibytes}\r\n");
    ensure!(text.contains(&right), "not all of it came:\n{text}");
    ensure!(text.contains(END), "it came to no end:\n{text}");
    ensure!(
        back == all,
        "{} of {} bytes came back, or others:\n{text}",
        back.len(),
        all.len()
    );
    undisturbed([
        partition(&outcome, "status")?,
        partition(&outcome, "linux")?,
    ])?;
    let restarts = partition(&outcome, "network")?.restarts;
    ensure!(
        restarts >= least,
        "the driver was restarted {restarts} times, and {least} times were to be"
    );
    Ok(restarts)
}

impl Host {
    /// Whoever comes next; `None`: the run is over.
    fn accept(&self, over: &AtomicBool) -> Result<Option<TcpStream>> {
        while !over.load(Ordering::Relaxed) {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    return Ok(Some(stream));
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
        Ok(None)
    }

    /// Answers the first who asks with these bytes, by one connection.
    fn serve_all(&self, over: &AtomicBool, bytes: &[u8]) -> Result<()> {
        let Some(mut stream) = self.accept(over)? else {
            return Ok(());
        };
        let mut request = [0; 1024];
        let _ = stream.read(&mut request)?;
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
        // Whether it got there, who asked says.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(bytes);
        Ok(())
    }

    /// So many bytes, or fewer if there are no more, of the first who sends some.
    fn take(&self, over: &AtomicBool, most: usize) -> Result<Vec<u8>> {
        let mut taken = Vec::new();
        if let Some(stream) = self.accept(over)? {
            // A machine that ended in the midst of it is an error of the connection.
            let _ = stream.take(most as u64).read_to_end(&mut taken);
        }
        Ok(taken)
    }
}
