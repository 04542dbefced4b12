//! The page in a browser: what it makes of it, as text and as a picture.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_build::Built;
use cofferdam_run::{Moment, Options, Outside, free_port};
use cofferdam_setup::Requirement;

use super::{LINUX, beside, keeps_its_beat, linux, page, step, visited};
use crate::machines::{Case, Systems};
use crate::parts::Tally;

const TITLE: &str = "the page in a browser";
/// The picture's name, in the system's folder.
const PICTURE: &str = "page.png";
/// Its size, in pixels.
const SIZE: (u32, u32) = (1280, 800);
/// Something happens that the page shows: frames, and a life of the guest that ends, which is in the health log.
const KEYS: &str = "ping -c 3 10.0.2.15; reboot -f\r";
const IN_LOG: &str = "application_error";

pub fn case(systems: &Systems) -> Result<Case<'_>> {
    let built = systems.get(LINUX)?;
    Ok((TITLE.to_owned(), Box::new(move || seen(systems, built))))
}

/// A browser is large, and not for everybody: without one the case is skipped.
fn seen(systems: &Systems, built: &Built) -> Result<Tally> {
    let browser = match Requirement::Browser.examine(&systems.tree().root) {
        Ok(found) => found.path,
        Err(lack) => return Ok(Tally::skipped(format!("{TITLE}: {lack}"))),
    };
    let port = free_port()?;
    let picture = built.directory.join(PICTURE);
    let options = Options {
        moments: vec![Moment::typed(linux::SHELL, KEYS)],
        ..visited(systems, Outside::Port(port))
    };
    let (outcome, dom) = beside(built, options, |over| {
        let shown = page(port, over, |page| page.contains(IN_LOG));
        shown.context("no page shows what is in the health log")?;
        look(&browser, port, &picture, over)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(step(&dom).is_some(), "no step of the control loop:\n{dom}");
    for text in [
        "<title>cofferdam</title>",
        "<td id=\"pitch\">",
        "schedule operational, frame of 10000 us",
        "<td>linux</td>",
        "<td>02:00:00:00:01:02</td>",
        "<td>application_error</td>",
    ] {
        ensure!(
            dom.contains(text),
            "`{text}` is not in the page as the browser has it:\n{dom}"
        );
    }
    is_picture(&picture)?;
    let mut tally = Tally::one();
    tally
        .covered
        .push(format!("{TITLE}: {}", picture.display()));
    Ok(tally)
}

/// Has the browser load the page, and take a picture. What it made of the page.
fn look(browser: &Path, port: u16, picture: &Path, over: &AtomicBool) -> Result<String> {
    let profile = tempfile::tempdir()?;
    let (width, height) = SIZE;
    let mut child = Command::new(browser)
        .args(["--headless", "--disable-gpu", "--hide-scrollbars"])
        // It looks at our own page alone; and whoever is root, as in a container, has no sandbox.
        .args(["--no-sandbox", "--no-first-run", "--disable-extensions"])
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg("--dump-dom")
        .arg(format!("http://127.0.0.1:{port}/"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the browser did not start")?;
    // It writes less than a pipe holds.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if over.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            bail!("the browser came to no end");
        }
        thread::sleep(Duration::from_millis(20));
    };
    ensure!(status.success(), "the browser: {status}");
    let output = child.wait_with_output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The beginning of a picture says what it is and how large (PNG, 5.2 and 11.2.2). An empty one of this size takes a tenth of a page's bytes.
fn is_picture(path: &Path) -> Result<()> {
    const EMPTY_BYTES: usize = 10_000;
    let bytes = std::fs::read(path).with_context(|| format!("there is no {}", path.display()))?;
    let size = (bytes.get(16..24)).and_then(|size| size.split_first_chunk());
    let (width, rest) = size.context("the picture is cut")?;
    let height = *rest.first_chunk().context("the picture is cut")?;
    let found = (u32::from_be_bytes(*width), u32::from_be_bytes(height));
    ensure!(
        bytes.starts_with(b"\x89PNG\r\n\x1a\n") && found == SIZE && bytes.len() > EMPTY_BYTES,
        "{} is no picture of the page: {found:?}, {} bytes",
        path.display(),
        bytes.len()
    );
    Ok(())
}
