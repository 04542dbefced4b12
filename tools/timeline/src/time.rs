//! Times: ticks behind the start of the module, as microseconds, and as what a user types.

use anyhow::{Context, Result, ensure};

/// Picoseconds in a second.
const PICOSECONDS: i128 = 1_000_000_000_000;

/// Ticks as microseconds, with as many digits behind the point as they need; at most six, which are exact for every timebase that divides
/// a terahertz.
pub fn microseconds(ticks: i64, timebase_hz: u64) -> String {
    decimal(ticks, timebase_hz, 1_000_000, 6)
}

/// Ticks as a time for people: with the unit that suits it.
pub fn text(ticks: i64, timebase_hz: u64) -> String {
    let nanoseconds = i128::from(ticks) * 1_000_000_000 / i128::from(timebase_hz.max(1));
    match nanoseconds.unsigned_abs() {
        0..1_000 => format!("{} ns", decimal(ticks, timebase_hz, 1_000, 1)),
        1_000..1_000_000 => format!("{} us", decimal(ticks, timebase_hz, 1_000_000, 4)),
        1_000_000..1_000_000_000 => {
            format!("{} ms", decimal(ticks, timebase_hz, 1_000_000_000, 7))
        }
        _ => format!("{} s", decimal(ticks, timebase_hz, PICOSECONDS, 10)),
    }
}

/// Ticks in units of so many picoseconds, with at most so many digits behind the point.
fn decimal(ticks: i64, timebase_hz: u64, unit: i128, digits: u32) -> String {
    let scale = 10_i128.pow(digits);
    let hz = i128::from(timebase_hz.max(1));
    // At most 2^63 ticks of 10^12 ps, and 10^10: below 2^127.
    let scaled = i128::from(ticks) * (PICOSECONDS / unit) * scale / hz;
    let (whole, part) = (
        scaled.unsigned_abs() / scale.unsigned_abs(),
        scaled.unsigned_abs() % scale.unsigned_abs(),
    );
    let sign = if scaled < 0 { "-" } else { "" };
    let part = format!("{part:0width$}", width = digits as usize);
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// A point in time as a user types it: `12.5ms` behind the start of the module, or a plain number of ticks, as `trace` prints them.
///
/// # Errors
/// If it is neither.
pub fn point(typed: &str, timebase_hz: u64) -> Result<i64> {
    let units = [
        ("ns", 1_000),
        ("us", 1_000_000),
        ("ms", 1_000_000_000),
        ("s", PICOSECONDS),
    ];
    let wrong =
        || format!("`{typed}` is no time: write 12.5ms, 800us, or the ticks that `trace` prints");
    let unit = units.iter().find_map(|(unit, length)| {
        let number = typed.strip_suffix(unit)?;
        Some((number.trim_end(), *length))
    });
    let Some((number, length)) = unit else {
        return typed.parse().ok().with_context(wrong);
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        !whole.is_empty() && digits(whole) && digits(part) && whole.len() + part.len() <= 15,
        wrong()
    );
    let scale = 10_i128.pow(part.len() as u32);
    let scaled: i128 = format!("{whole}{part}").parse().with_context(wrong)?;
    let picoseconds = scaled * length / scale;
    i64::try_from(picoseconds * i128::from(timebase_hz) / PICOSECONDS)
        .ok()
        .with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_exact() {
        let us = |ticks| microseconds(ticks, 400_000_000);
        assert_eq!(
            [us(0), us(1), us(400), us(-3)],
            ["0", "0.0025", "1", "-0.0075"]
        );
        assert_eq!(us(i64::MAX), "23058430092136939.5175");
        assert_eq!(microseconds(1, 3), "333333.333333");
    }

    #[test]
    fn times_for_people_have_a_unit() {
        let text = |ticks| text(ticks, 400_000_000);
        assert_eq!(
            [text(1), text(400), text(4_000_000)],
            ["2.5 ns", "1 us", "10 ms"]
        );
        assert_eq!(text(600_000_001), "1.5000000025 s");
    }

    #[test]
    fn a_point_is_read_as_it_is_typed() {
        let hz = 400_000_000;
        for (typed, ticks) in [
            ("1ms", 400_000),
            ("0.5 us", 200),
            ("2s", 800_000_000),
            ("-17", -17),
        ] {
            assert_eq!(point(typed, hz).unwrap(), ticks, "{typed}");
        }
        for wrong in [
            "",
            "ms",
            "1.5",
            "-1ms",
            "1e3ms",
            ".5ms",
            "99999999999999999999s",
            "999999999999999999s",
        ] {
            assert!(point(wrong, hz).is_err(), "{wrong}");
        }
    }
}
