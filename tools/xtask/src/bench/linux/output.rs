//! What the guest's benchmark (`personalities/guest/programs/benchmark.c`) writes, read from a console.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};

/// How its lines begin, behind what a terminal puts before them.
const MARK: &str = "bench: ";
/// Gaps that are so near to each other have one reason.
const ONE_REASON_TICKS: u64 = 4_000;
/// The kernel's tick comes so often.
const TICKS_PER_SECOND: u64 = 100;
/// The loop that waits for ticks goes on for so long, in parts of a second.
const SPINS_PER_SECOND: u64 = 10;

/// What it measured.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Where the instruction of the null system call lies.
    pub null_system_call: u32,
    /// Each operation's name, the ticks of its batches, and how many were in them.
    pub operations: Vec<(String, u64, u64)>,
    /// When the loop that waits for ticks began, and the jumps of the timebase that it saw: when, and how far.
    spin: u64,
    gaps: Vec<(u64, u64)>,
}

/// What the kernel's tick costs, in ticks of the timebase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// One.
    pub mean: f64,
    /// All of the loop.
    pub sum: f64,
    /// The dearest.
    pub most: u64,
}

impl Output {
    /// Reads it. What is not complete is refused.
    pub fn parse(console: &str) -> Result<Self> {
        let mut output = Self::default();
        let mut lines = 0;
        let mut begun = false;
        let found = console
            .lines()
            .filter_map(|line| Some(line.split_once(MARK)?.1.trim_end()));
        for line in found {
            let words: Vec<_> = line.split(' ').collect();
            let odd = || format!("the benchmark wrote something that is not understood: {line}");
            let number = |text: &str| text.parse::<u64>().with_context(odd);
            match *words.as_slice() {
                ["begin"] => begun = true,
                ["at", "null_system_call", at] => {
                    output.null_system_call = at.parse().with_context(odd)?;
                }
                ["op", name, ticks, count] => {
                    let (ticks, count) = (number(ticks)?, number(count)?);
                    ensure!(count > 0, odd());
                    output.operations.push((name.to_owned(), ticks, count));
                }
                ["spin", upper, lower] => output.spin = number(upper)? << 32 | number(lower)?,
                ["gap", offset, length] => {
                    output.gaps.push((number(offset)?, number(length)?));
                }
                ["end", count] => {
                    ensure!(
                        begun && number(count)? == lines,
                        "the benchmark wrote {count} lines, of which {lines} came"
                    );
                    return Ok(output);
                }
                ["failed", what] => bail!("the benchmark failed at {what}"),
                _ => bail!(odd()),
            }
            lines += 1;
        }
        bail!("the benchmark did not come to its end; {lines} lines of it came")
    }

    /// What the kernel's tick costs. `others` are the windows in which others run: a gap that touches one is left out, for
    /// nobody can tell what of it was whose.
    pub fn tick(&self, timebase_hz: u64, others: &Others) -> Result<Tick> {
        let mut ticks: Vec<(Range<u64>, u64)> = Vec::new();
        for (offset, length) in &self.gaps {
            let start = self.spin + offset;
            match ticks.last_mut() {
                Some((span, cost)) if start < span.end + ONE_REASON_TICKS => {
                    span.end = start + length;
                    *cost += length;
                }
                _ => ticks.push((start..start + length, *length)),
            }
        }
        let expected = TICKS_PER_SECOND / SPINS_PER_SECOND;
        let costs: Vec<u64> = ticks
            .into_iter()
            .filter(|(span, _)| !others.touch(span))
            .map(|(_, cost)| cost)
            .collect();
        let (seen, sum) = (costs.len() as u64, costs.iter().sum::<u64>());
        ensure!(
            (expected / 2..=expected + 1).contains(&seen),
            "in {} ticks of the timebase there were {seen} gaps that can be the kernel's {expected} ticks",
            timebase_hz / SPINS_PER_SECOND
        );
        let mean = sum as f64 / seen as f64;
        Ok(Tick {
            mean,
            sum: mean * expected as f64,
            most: costs.into_iter().max().unwrap_or(0),
        })
    }
}

/// The windows in which a guest does not run.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// When the first frame began.
    pub start: u64,
    /// How long a frame is; 0 if nobody else runs.
    pub frame: u64,
    /// From the beginning of a frame.
    pub windows: Vec<Range<u64>>,
    /// So long before a window, and behind it, the machine is not the guest's either.
    pub margin: u64,
}

impl Others {
    /// Whether one of them falls into that time.
    fn touch(&self, span: &Range<u64>) -> bool {
        if self.frame == 0 {
            return false;
        }
        let first = (span.start.saturating_sub(self.start) / self.frame).saturating_sub(1);
        let last = span.end.saturating_sub(self.start) / self.frame + 1;
        (first..=last).any(|frame| {
            let begin = self.start + frame * self.frame;
            (self.windows.iter()).any(|window| {
                span.start < begin + window.end + self.margin
                    && begin + window.start < span.end + self.margin
            })
        })
    }

    /// How much they take until then.
    pub fn time_until(&self, tick: u64) -> u64 {
        if self.frame == 0 {
            return 0;
        }
        let since = tick.saturating_sub(self.start);
        let (frames, rest) = (since / self.frame, since % self.frame);
        let windows = self.windows.iter();
        windows
            .map(|window| {
                let length = window.end - window.start;
                frames * length + rest.saturating_sub(window.start).min(length)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "\
[linux  ] cofferdam: /init runs, at tick 5 of the timebase, 0.04 s of the guest's clock\r
[linux  ] bench: begin\r
[linux  ] bench: at null_system_call 1610613004\r
[flight ] pitch +2.221 deg\r
[linux  ] bench: op null_syscall 873632 12000\r
[linux  ] bench: spin 1 10\r
[linux  ] bench: gap 500 1200\r
[linux  ] bench: gap 2000 100\r
[linux  ] bench: end 6\r
[linux  ] # ";

    #[test]
    fn what_it_writes_is_read() {
        let output = Output::parse(WRITTEN).unwrap();
        assert_eq!(output.null_system_call, 0x6000_010c);
        assert_eq!(
            output.operations,
            [("null_syscall".to_owned(), 873_632, 12_000)]
        );
        assert_eq!(output.spin, (1 << 32) + 10);
        assert_eq!(output.gaps, [(500, 1200), (2000, 100)]);
    }

    #[test]
    fn what_is_cut_anywhere_is_refused() {
        let end = WRITTEN.find(" 6\r").unwrap();
        for length in 0..=end {
            assert!(Output::parse(&WRITTEN[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_line_that_is_missing_odd_or_a_failure_is_refused() {
        for (from, to) in [
            ("[linux  ] bench: gap 500 1200\r\n", ""),
            ("bench: begin", "Linux: begin"),
            ("873632", "87363x"),
            ("12000", "0"),
            ("bench: spin", "bench: turn"),
            ("bench: spin 1 10", "bench: failed fork"),
        ] {
            assert!(WRITTEN.contains(from));
            assert!(Output::parse(&WRITTEN.replace(from, to)).is_err(), "{from}");
        }
    }

    const HZ: u64 = 400_000_000;

    fn every_ten_milliseconds(length: u64) -> Output {
        Output {
            gaps: (0..10)
                .map(|tick| (tick * 4_000_000 + 1_000, length))
                .collect(),
            ..Output::default()
        }
    }

    #[test]
    fn a_tick_is_a_gap_and_what_comes_right_behind_it() {
        let mut output = every_ten_milliseconds(1_000);
        let alone = output.tick(HZ, &Others::default()).unwrap();
        let expected = Tick {
            mean: 1_000.0,
            sum: 10_000.0,
            most: 1_000,
        };
        assert_eq!(alone, expected);
        output.gaps.insert(1, (2_500, 100));
        let tick = output.tick(HZ, &Others::default()).unwrap();
        assert_eq!((tick.sum, tick.most), (10_100.0, 1_100));
    }

    #[test]
    fn gaps_of_others_are_left_out() {
        let others = Others {
            start: 0,
            frame: 3_600_000,
            windows: vec![0..24_000, 24_000..48_000],
            margin: 5_000,
        };
        let mut output = every_ten_milliseconds(1_000);
        let windows = (0..12).map(|frame| (frame * 3_600_000, 49_000));
        output.gaps.extend(windows);
        output.gaps.sort_unstable();
        // The first tick fell into a window, and counts for nothing.
        assert_eq!(output.tick(HZ, &others).unwrap().sum, 10_000.0);
        assert!(output.tick(HZ, &Others::default()).is_err());
        output.gaps.clear();
        assert!(output.tick(HZ, &others).is_err());
    }

    #[test]
    fn what_others_take_until_a_tick() {
        let others = Others {
            start: 1_000,
            frame: 100,
            windows: vec![0..10, 50..55],
            margin: 0,
        };
        for (tick, taken) in [
            (500, 0),
            (1_005, 5),
            (1_010, 10),
            (1_049, 10),
            (1_052, 12),
            (1_300, 45),
        ] {
            assert_eq!(others.time_until(tick), taken, "{tick}");
        }
        assert_eq!(Others::default().time_until(1_000_000), 0);
    }
}
