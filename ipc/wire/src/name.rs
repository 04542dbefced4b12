//! Names of ports, channels and partitions: one rule for the system's file, notes and generated code.
//!
//! A name is a letter, then letters, digits and `_`, at most [`MAX_LENGTH`] bytes: what ARINC 653 part 1
//! allows for names (`MAX_NAME_LENGTH` is 30), narrowed to what is an identifier in Rust and in C, so
//! that generated code uses the name as it stands in the file.

/// The longest name in bytes.
pub const MAX_LENGTH: usize = 30;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// There is nothing.
    Empty,
    /// It has more than [`MAX_LENGTH`] bytes.
    TooLong,
    /// It does not begin with an ASCII letter.
    FirstNotLetter,
    /// The byte at this offset is no ASCII letter, digit or `_`.
    Character {
        /// Where it is.
        offset: usize,
    },
}

impl core::fmt::Display for NameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one letter"),
            Self::TooLong => write!(f, "a name has at most {MAX_LENGTH} characters"),
            Self::FirstNotLetter => f.write_str("a name begins with a letter"),
            Self::Character { offset } => write!(
                f,
                "a name has letters, digits and `_` only, unlike its character {}",
                offset + 1
            ),
        }
    }
}

impl core::error::Error for NameError {}

/// Checks that `name` is a name.
pub const fn check(name: &str) -> Result<(), NameError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Err(NameError::Empty);
    }
    if bytes.len() > MAX_LENGTH {
        return Err(NameError::TooLong);
    }
    if !bytes[0].is_ascii_alphabetic() {
        return Err(NameError::FirstNotLetter);
    }
    let mut offset = 1;
    while offset < bytes.len() {
        if !(bytes[offset].is_ascii_alphanumeric() || bytes[offset] == b'_') {
            return Err(NameError::Character { offset });
        }
        offset += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_up_to_the_arinc_length_are_names() {
        for name in [
            "a",
            "attitude_0",
            "AttitudeX",
            "abcdefghijklmnopqrstuvwxyz0123",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        assert_eq!(check(""), Err(NameError::Empty));
        assert_eq!(
            check("abcdefghijklmnopqrstuvwxyz01234"),
            Err(NameError::TooLong)
        );
        assert_eq!(check("1st"), Err(NameError::FirstNotLetter));
        assert_eq!(check("_x"), Err(NameError::FirstNotLetter));
        assert_eq!(check("a-b"), Err(NameError::Character { offset: 1 }));
        assert_eq!(check("höhe"), Err(NameError::Character { offset: 1 }));
    }
}
