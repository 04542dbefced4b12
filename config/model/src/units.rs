//! Quantities with units, converted exactly or refused.

/// Why a text is not the quantity it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnitError {
    /// Not a number with one of the units.
    Form,
    /// Not a whole number of ticks.
    Fraction,
    /// More than the tables hold.
    TooLarge,
}

fn split(text: &str) -> Result<(u64, &str), UnitError> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(UnitError::Form);
    }
    let number = number.parse().map_err(|_| UnitError::TooLarge)?;
    Ok((number, unit))
}

fn nanoseconds(unit: &str) -> Result<u64, UnitError> {
    match unit {
        "ns" => Ok(1),
        "us" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" => Ok(1_000_000_000),
        _ => Err(UnitError::Form),
    }
}

/// A time in ticks of a timebase of `timebase_hz`, at most `maximum`.
pub(crate) fn ticks(text: &str, timebase_hz: u64, maximum: u64) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let scaled = u128::from(number) * u128::from(nanoseconds(unit)?);
    let scaled = scaled
        .checked_mul(u128::from(timebase_hz))
        .ok_or(UnitError::TooLarge)?;
    if scaled % 1_000_000_000 != 0 {
        return Err(UnitError::Fraction);
    }
    let ticks = u64::try_from(scaled / 1_000_000_000).map_err(|_| UnitError::TooLarge)?;
    if ticks > maximum {
        return Err(UnitError::TooLarge);
    }
    Ok(ticks)
}

/// A size in bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        _ => return Err(UnitError::Form),
    };
    let bytes: u64 = number.checked_mul(factor).ok_or(UnitError::TooLarge)?;
    u32::try_from(bytes).map_err(|_| UnitError::TooLarge)?;
    Ok(bytes)
}

/// A rate as a count and the time that it is for, in ticks.
pub(crate) fn rate(text: &str, timebase_hz: u64) -> Result<(u64, u64), UnitError> {
    let (count, per) = text.split_once('/').ok_or(UnitError::Form)?;
    let (count, rest) = split(count)?;
    if !rest.is_empty() {
        return Err(UnitError::Form);
    }
    let ticks = ticks(&format!("1{per}"), timebase_hz, u64::from(u32::MAX))?;
    if count > u64::from(u16::MAX) {
        return Err(UnitError::TooLarge);
    }
    Ok((count, ticks))
}

/// A time in the largest unit that shows it exactly.
pub fn show_ticks(ticks: u64, timebase_hz: u64) -> String {
    let scaled = u128::from(ticks) * 1_000_000_000;
    let hz = u128::from(timebase_hz.max(1));
    if scaled % hz != 0 {
        return format!("{ticks} ticks");
    }
    let nanoseconds = scaled / hz;
    for (unit, factor) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanoseconds > 0 && nanoseconds % factor == 0 {
            return format!("{}{unit}", nanoseconds / factor);
        }
    }
    format!("{nanoseconds}ns")
}

/// A size in the largest unit that shows it exactly.
pub fn show_bytes(bytes: u64) -> String {
    match bytes {
        0 => "0".to_string(),
        1 => "1 byte".to_string(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}M", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}K", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u64 = 400_000_000;

    fn short(text: &str) -> Result<u64, UnitError> {
        ticks(text, HZ, u64::from(u32::MAX))
    }

    #[test]
    fn times_convert_exactly_or_not_at_all() {
        assert_eq!(short("4ms"), Ok(1_600_000));
        assert_eq!(short("5ns"), Ok(2));
        assert_eq!(short("3ns"), Err(UnitError::Fraction));
        assert_eq!(short("11s"), Err(UnitError::TooLarge));
        for wrong in ["4", "ms", "4 ms", "-4ms", "4.5ms", "4min", ""] {
            assert_eq!(short(wrong), Err(UnitError::Form), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(bytes("64K"), Ok(65536));
        assert_eq!(bytes("128M"), Ok(128 << 20));
        assert_eq!(bytes("4096M"), Err(UnitError::TooLarge));
        assert_eq!(bytes("64k"), Err(UnitError::Form));
    }

    #[test]
    fn a_rate_is_a_count_in_a_time() {
        assert_eq!(rate("20000/s", HZ), Ok((20_000, HZ)));
        assert_eq!(rate("20/ms", HZ), Ok((20, HZ / 1000)));
        assert_eq!(rate("20", HZ), Err(UnitError::Form));
    }

    #[test]
    fn quantities_are_shown_in_the_unit_they_were_written_in() {
        assert_eq!(show_ticks(1_600_000, HZ), "4ms");
        assert_eq!(show_ticks(1, HZ), "1 ticks");
        assert_eq!(show_bytes(65536), "64K");
        assert_eq!(show_bytes(100), "100 bytes");
    }
}
