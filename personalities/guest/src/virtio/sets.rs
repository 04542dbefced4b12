//! Sets of up to 32 numbers, each a word.

/// The members of a set of 32, the lowest first.
pub fn members(mut set: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let first = first_of(set)?;
        set &= set - 1;
        Some(first)
    })
}

/// The lowest member of a set.
pub fn first_of(set: u32) -> Option<usize> {
    (set != 0).then(|| set.trailing_zeros() as usize)
}

/// The set of the first `count`, of at most 32.
pub fn first(count: u32) -> u32 {
    1_u32.checked_shl(count).map_or(u32::MAX, |bit| bit - 1)
}

/// A run of units that are free: as long as wanted if there is one, else the longest there is.
pub fn run(free: u32, wanted: u32) -> Option<u32> {
    // Where runs of this length begin.
    let (mut starts, mut length) = (free, 1);
    if starts == 0 {
        return None;
    }
    while length < wanted.min(u32::BITS) {
        let longer = starts & (free >> length);
        if longer == 0 {
            break;
        }
        (starts, length) = (longer, length + 1);
    }
    Some(first(length) << starts.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_as_long_as_wanted_or_the_longest() {
        for (free, wanted, found) in [
            (0, 1, None),
            (0b100, 1, Some(0b100)),
            (0b110_0111, 2, Some(0b11)),
            (0b1111_0111, 4, Some(0b1111_0000)),
            (0b110_1011, 5, Some(0b11)),
            (0b1110_1011, 5, Some(0b1110_0000)),
            (u32::MAX, 32, Some(u32::MAX)),
            (u32::MAX, 1000, Some(u32::MAX)),
            (1 << 31, 7, Some(1 << 31)),
        ] {
            assert_eq!(run(free, wanted), found, "{free:#b} {wanted}");
        }
    }

    #[test]
    fn members_are_those_of_the_set() {
        assert!(members(0b1010_0001).eq([0, 5, 7]));
        assert!(members(u32::MAX).eq(0..32));
        assert_eq!((first(0), first(3), first(32)), (0, 7, u32::MAX));
        assert_eq!((first_of(0), first_of(8)), (None, Some(3)));
    }
}
