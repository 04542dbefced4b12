//! Who is on a network outside of the machine: frames of one pattern go there all the time, and what comes back says from which address it was read.
//!
//! The driver of `systems/hostile_network` has its device send what lies at addresses that are not its own. In front of that it puts the address.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::Built;
use cofferdam_run::{Options, Outcome, run_image};
use serde::Deserialize;

use super::{OneOrMore, same_values};
use crate::networks::Cable;
use crate::parts::Tally;

/// Two addresses, and a type for experiments (IEEE 802, 9.2.4).
const HEADER: [u8; 14] = [2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 9, 9, 0x88, 0xb5];
const ADDRESS_BYTES: usize = 8;
/// Else the host sends more than the machine ever takes.
const BETWEEN: Duration = Duration::from_millis(1);

/// What goes to the machine, and what comes from there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// The words behind the header of each frame that the host sends.
    sends: Vec<u32>,
    /// By address, written in hexadecimal: for each frame with what was read there the first of its words that is not 0; and 0, if all of them are.
    reads: BTreeMap<String, OneOrMore>,
}

impl Wire {
    /// Runs a system with somebody outside. What became of it, and each frame that came.
    pub fn run(
        &self,
        built: &Built,
        image: &[u8],
        options: &Options,
    ) -> Result<(Outcome, Vec<Vec<u8>>)> {
        let cable = Cable::new()?;
        let options = Options {
            outside: cable.outside(),
            ..options.clone()
        };
        let words = self.sends.iter().flat_map(|word| word.to_be_bytes());
        let frame: Vec<u8> = HEADER.into_iter().chain(words).collect();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                let mut came = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    cable.send(&frame)?;
                    thread::sleep(BETWEEN);
                    came.extend(cable.received());
                }
                came.extend(cable.received());
                anyhow::Ok(came)
            });
            let outcome = run_image(built, image, &options);
            over.store(true, Ordering::Relaxed);
            let came = visitor.join().ok().context("whoever is outside gave up")?;
            Ok((outcome?, came?))
        })
    }

    /// Compares: one case for each address.
    pub fn judge(&self, frames: &[Vec<u8>]) -> Tally {
        let mut tally = Tally::default();
        let read = frames.iter().map(|frame| self.read(frame));
        let mut by_address = BTreeMap::<u64, Vec<u32>>::new();
        for read in read {
            match read {
                Ok((address, word)) => by_address.entry(address).or_default().push(word),
                Err(error) => tally.count("a frame on the wire", Err(error)),
            }
        }
        for (text, expected) in &self.reads {
            let judged = address(text).and_then(|address| {
                let words = by_address.remove(&address).unwrap_or_default();
                same_values(&words, expected.all())
            });
            tally.count(&format!("what was read at {text} on the wire"), judged);
        }
        let rest = match by_address.is_empty() {
            true => Ok(()),
            false => Err(anyhow::anyhow!("nobody expects {by_address:x?}")),
        };
        tally.count("nothing else on the wire", rest);
        tally
    }

    /// Where a frame says that it was read, and the first word that is not 0.
    fn read(&self, frame: &[u8]) -> Result<(u64, u32)> {
        let (to_from, behind) = frame
            .split_at_checked(HEADER.len())
            .context("it is short")?;
        let is_ours = to_from[..6] == HEADER[6..12] && to_from[12..] == HEADER[12..];
        ensure!(is_ours, "it begins with {to_from:x?}");
        let (address, words) = behind
            .split_first_chunk::<ADDRESS_BYTES>()
            .context("it is short")?;
        ensure!(
            words.len() == size_of_val(&*self.sends),
            "{} bytes were read",
            words.len()
        );
        let (words, _) = words.as_chunks();
        let words = words.iter().map(|word| u32::from_be_bytes(*word));
        let first = words.into_iter().find(|word| *word != 0);
        Ok((u64::from_be_bytes(*address), first.unwrap_or(0)))
    }
}

fn address(text: &str) -> Result<u64> {
    let digits = text.strip_prefix("0x").context("`0x` is missing")?;
    u64::from_str_radix(&digits.replace('_', ""), 16)
        .with_context(|| format!("`{text}` is no address"))
}
