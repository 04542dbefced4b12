//! Numbers of XML, exactly or not at all.

/// What a second has.
const NANOSECONDS: u128 = 1_000_000_000;

/// A number, decimal or hexadecimal.
pub fn number(text: &str) -> Option<u64> {
    let plain = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match plain.strip_prefix("0x").or(plain.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (plain, 10),
    };
    let all_digits = digits.chars().all(|digit| digit.is_digit(radix));
    (all_digits && !digits.is_empty())
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// It is no decimal number from 0 on.
    Form,
    /// It is no whole number of nanoseconds.
    Fraction,
    /// It is more than 584 years.
    TooLarge,
}

/// Decimal seconds, as nanoseconds.
pub fn nanoseconds(text: &str) -> Result<u64, TimeError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent: i32 = exponent.parse().map_err(|_| TimeError::Form)?;
            (mantissa, exponent)
        }
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.strip_prefix('+').unwrap_or(whole), fraction].concat();
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(TimeError::Form);
    }
    let value: u128 = digits.parse().map_err(|_| TimeError::TooLarge)?;
    if value == 0 {
        return Ok(0);
    }
    // The nanoseconds are the digits, with the point nine places further right.
    let shift = i64::from(exponent) + 9 - fraction.len() as i64;
    let power = u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX);
    let factor = 10u128.checked_pow(power);
    let scaled = match (shift >= 0, factor) {
        (true, Some(factor)) => value.checked_mul(factor).ok_or(TimeError::TooLarge)?,
        (true, None) => return Err(TimeError::TooLarge),
        (false, Some(factor)) if value.is_multiple_of(factor) => value / factor,
        (false, _) => return Err(TimeError::Fraction),
    };
    u64::try_from(scaled).map_err(|_| TimeError::TooLarge)
}

/// Nanoseconds as decimal seconds.
pub fn seconds(nanoseconds: u128) -> String {
    let (whole, rest) = (nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS);
    let text = format!("{whole}.{rest:09}");
    let short = text.trim_end_matches('0');
    match short.strip_suffix('.') {
        Some(whole) => format!("{whole}.0"),
        None => short.to_string(),
    }
}

/// The nanoseconds of ticks: `None` if they are no whole number.
pub fn of_ticks(ticks: u64, timebase_hz: u64) -> Option<u128> {
    let (scaled, hz) = (
        u128::from(ticks) * NANOSECONDS,
        u128::from(timebase_hz.max(1)),
    );
    scaled.is_multiple_of(hz).then_some(scaled / hz)
}

/// A time as `system.toml` has it.
pub fn time(nanoseconds: u64) -> String {
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let unit = units
        .iter()
        .find(|(_, factor)| nanoseconds.is_multiple_of(*factor));
    match unit.filter(|_| nanoseconds > 0) {
        Some((unit, factor)) => format!("{}{unit}", nanoseconds / factor),
        None if nanoseconds == 0 => "0ms".to_string(),
        None => format!("{nanoseconds}ns"),
    }
}

/// A size as `system.toml` has it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0 => "0".to_string(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}M", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}K", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_or_refused() {
        for (text, expected) in [
            ("0.0025", Ok(2_500_000)),
            ("1", Ok(1_000_000_000)),
            ("1.", Ok(1_000_000_000)),
            (".5", Ok(500_000_000)),
            ("2.5E-3", Ok(2_500_000)),
            ("0.000000001", Ok(1)),
            ("0.0000000010", Ok(1)),
            ("0.0000000005", Err(TimeError::Fraction)),
            ("1e-40", Err(TimeError::Fraction)),
            ("0e99", Ok(0)),
            ("1e40", Err(TimeError::TooLarge)),
            ("20000000000", Err(TimeError::TooLarge)),
            (
                "99999999999999999999999999999999999999999",
                Err(TimeError::TooLarge),
            ),
            ("-1", Err(TimeError::Form)),
            ("", Err(TimeError::Form)),
            (".", Err(TimeError::Form)),
            ("1e", Err(TimeError::Form)),
            ("1e99999999999", Err(TimeError::Form)),
            ("one", Err(TimeError::Form)),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn times_go_there_and_back() {
        for exact in [
            0,
            1,
            999,
            2_500_000,
            10_000_000,
            1_000_000_000,
            123_456_789_012,
        ] {
            assert_eq!(nanoseconds(&seconds(exact.into())), Ok(exact));
        }
        assert_eq!(seconds(10_000_000), "0.01");
        assert_eq!(seconds(2_000_000_000), "2.0");
        assert_eq!(time(2_500_000), "2500us");
        assert_eq!(time(0), "0ms");
        assert_eq!(size(8192), "8K");
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(number("0x10"), Some(16));
        assert_eq!(number("+7"), Some(7));
        for wrong in ["", "0x", "-1", "+-1", "1.0", "0x1 ", "99999999999999999999"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
