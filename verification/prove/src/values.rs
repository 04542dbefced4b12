//! Numbers as the tables have them: `postcard`'s wire format, of which they use the least part.
//!
//! A byte and a truth are one byte. A wider number is seven bits a byte, the lowest first, and the highest bit says that more
//! follow; it has no more bytes than it needs, so that there is one way to write it. An array of bytes is its bytes.

use crate::Refusal;

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One byte.
    Byte,
    /// 0 or 1.
    Truth,
    /// A number of so many bits.
    Number(u32),
    /// A number below this.
    Choice(u64),
    /// So many bytes.
    Bytes(usize),
}

/// A field as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Every shape but that of several bytes.
    Number(u64),
    /// Several bytes.
    Bytes(Vec<u8>),
}

/// Takes values from the front.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        let (first, rest) = self.rest.split_first().ok_or_else(ends)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A number of at most so many bits.
    pub fn number(&mut self, bits: u32) -> Result<u64, Refusal> {
        let mut number = 0u128;
        for place in 0..bits.div_ceil(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || place == 0;
                return match u64::try_from(number) {
                    Ok(number) if shortest && (bits == 64 || number >> bits == 0) => Ok(number),
                    _ => Err(Refusal::new(
                        "a number has more bits or more bytes than its field",
                    )),
                };
            }
        }
        Err(Refusal::new("a number does not end"))
    }

    /// A field.
    pub fn value(&mut self, shape: Shape) -> Result<Value, Refusal> {
        Ok(match shape {
            Shape::Byte => Value::Number(self.byte()?.into()),
            Shape::Truth => match self.byte()? {
                truth @ (0 | 1) => Value::Number(truth.into()),
                _ => return Err(Refusal::new("a truth is neither 0 nor 1")),
            },
            Shape::Number(bits) => Value::Number(self.number(bits)?),
            Shape::Choice(count) => match self.number(32)? {
                number if number < count => Value::Number(number),
                number => {
                    let what = format!("a kind has the number {number}, and there are {count}");
                    return Err(Refusal::new(what));
                }
            },
            Shape::Bytes(count) => {
                let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(ends)?;
                self.rest = rest;
                Value::Bytes(taken.to_vec())
            }
        })
    }
}

fn ends() -> Refusal {
    Refusal::new("the tables end in the middle of it")
}

/// Writes a number.
pub(crate) fn put_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Writes a field.
pub(crate) fn put(value: &Value, shape: Shape, bytes: &mut Vec<u8>) {
    match (value, shape) {
        (Value::Bytes(all), _) => bytes.extend(all),
        (Value::Number(number), Shape::Byte | Shape::Truth) => bytes.push(*number as u8),
        (Value::Number(number), _) => put_number(*number, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8], bits: u32) -> Option<u64> {
        Reader::new(bytes).number(bits).ok()
    }

    #[test]
    fn numbers_have_one_way_to_be_written() {
        assert_eq!(number(&[0x7f], 32), Some(0x7f));
        assert_eq!(number(&[0x80, 1], 32), Some(0x80));
        assert_eq!(number(&[0x80, 0], 32), None);
        assert_eq!(
            number(&[0xff, 0xff, 0xff, 0xff, 0x0f], 32),
            Some(0xffff_ffff)
        );
        assert_eq!(number(&[0xff, 0xff, 0xff, 0xff, 0x1f], 32), None);
        assert_eq!(number(&[0xff; 12], 64), None);
        assert_eq!(number(&[], 32), None);
        for all in [0, 1, 0x80, 0x3fff, u64::MAX] {
            let mut bytes = Vec::new();
            put_number(all, &mut bytes);
            assert_eq!(number(&bytes, 64), Some(all));
        }
    }
}
