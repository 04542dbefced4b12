//! Names of processes, objects and ports.

use core::fmt;

/// How long a name may be (`MAX_NAME_LENGTH`).
pub const NAME_BYTES: usize = 32;

/// A name. Two are the same if they agree up to the first zero byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Name([u8; NAME_BYTES]);

impl Name {
    /// A name from text, cut off at [`NAME_BYTES`].
    pub const fn new(text: &str) -> Self {
        let text = text.as_bytes();
        let mut bytes = [0; NAME_BYTES];
        let mut index = 0;
        while index < text.len() && index < NAME_BYTES && text[index] != 0 {
            bytes[index] = text[index];
            index += 1;
        }
        Self(bytes)
    }

    /// A name as C has it. What stands behind the first zero byte does not count.
    pub fn from_bytes(bytes: &[u8; NAME_BYTES]) -> Self {
        let mut name = [0; NAME_BYTES];
        for (into, byte) in name
            .iter_mut()
            .zip(bytes.iter().take_while(|byte| **byte != 0))
        {
            *into = *byte;
        }
        Self(name)
    }

    /// As C has it.
    pub const fn as_bytes(&self) -> &[u8; NAME_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take_while(|byte| **byte != 0) {
            fmt::Write::write_char(f, char::from(*byte))?;
        }
        Ok(())
    }
}

/// What has a name.
pub(crate) trait Named {
    /// It.
    fn name(&self) -> &Name;
}

/// Where the thing of this name is.
pub(crate) fn find<T: Named>(things: &[T], name: &Name) -> Option<usize> {
    things.iter().position(|thing| thing.name() == name)
}
