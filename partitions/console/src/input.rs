//! Where keys go: to one partition at a time.

/// Ctrl-T gives the keys to the next partition. QEMU keeps Ctrl-A for itself.
pub const SWITCH_KEY: u8 = 0x14;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It is for the partition with this number.
    For(usize),
    /// The keys go to the partition with this number from now on.
    Switched(usize),
}

/// Who has the keys, of `partitions`.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    partitions: usize,
    focus: usize,
}

impl Keys {
    /// The first of so many has them.
    pub const fn new(partitions: usize) -> Self {
        Self {
            partitions,
            focus: 0,
        }
    }

    /// A key was pressed.
    pub fn pressed(&mut self, key: u8) -> Input {
        if key != SWITCH_KEY {
            return Input::For(self.focus);
        }
        self.focus += 1;
        if self.focus >= self.partitions {
            self.focus = 0;
        }
        Input::Switched(self.focus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_one_partition_until_the_switch_key_moves_on() {
        let mut keys = Keys::new(2);
        assert_eq!(keys.pressed(b'u'), Input::For(0));
        assert_eq!(keys.pressed(SWITCH_KEY), Input::Switched(1));
        assert_eq!(keys.pressed(b'u'), Input::For(1));
        assert_eq!(keys.pressed(SWITCH_KEY), Input::Switched(0));
    }
}
