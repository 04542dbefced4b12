//! Quantities of `system.toml`: texts with a unit, or plain numbers.

use serde::Deserialize;

use crate::Refusal;

/// A text with a unit, or a number without.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// Without a unit.
    Number(u64),
    /// With one.
    Text(String),
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

fn wrong(text: &str, what: &str) -> Refusal {
    Refusal::new(format!(
        "`{text}` is no {what}; `cargo cofferdam check` says what is wrong with a file"
    ))
}

/// A time in ticks.
pub fn ticks(text: &str, hz: u64) -> Result<u64, Refusal> {
    let ticks = || {
        let (number, unit) = split(text)?;
        let nanoseconds = match unit {
            "ns" => 1u128,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            _ => return None,
        };
        let scaled = (u128::from(number) * nanoseconds).checked_mul(hz.into())?;
        let whole = scaled.is_multiple_of(1_000_000_000);
        whole.then(|| u64::try_from(scaled / 1_000_000_000).ok())?
    };
    ticks().ok_or_else(|| wrong(text, "time of whole ticks"))
}

/// A count and the ticks that it is for.
pub fn rate(text: &str, hz: u64) -> Result<(u64, u64), Refusal> {
    let (count, per) = text.split_once('/').ok_or_else(|| wrong(text, "rate"))?;
    let count = count.parse().map_err(|_| wrong(text, "rate"))?;
    Ok((count, ticks(&format!("1{per}"), hz)?))
}

impl Quantity {
    /// A size in bytes.
    pub fn bytes(&self) -> Result<u64, Refusal> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => size(text),
        }
    }

    /// A time in ticks.
    pub fn ticks(&self, hz: u64) -> Result<u64, Refusal> {
        match self {
            Self::Number(number) => Err(wrong(&number.to_string(), "time: it has no unit")),
            Self::Text(text) => ticks(text, hz),
        }
    }
}

/// A size in bytes.
pub fn size(text: &str) -> Result<u64, Refusal> {
    let bytes = || {
        let (number, unit) = split(text)?;
        let factor = match unit {
            "" => 1,
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => return None,
        };
        let bytes: u64 = number.checked_mul(factor)?;
        (bytes <= u32::MAX.into()).then_some(bytes)
    };
    bytes().ok_or_else(|| wrong(text, "size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact_or_refused() {
        let hz = 400_000_000;
        assert_eq!(ticks("10us", hz).ok(), Some(4000));
        assert_eq!(ticks("5ns", hz).ok(), Some(2));
        for wrong in ["3ns", "10", "us", "", "1h", "99999999999999999999s"] {
            assert!(ticks(wrong, hz).is_err(), "{wrong}");
        }
        assert_eq!(size("64K").ok(), Some(65536));
        assert!(size("4096M").is_err());
        assert_eq!(rate("20/ms", hz).ok(), Some((20, 400_000)));
        assert!(rate("20", hz).is_err());
    }
}
