//! Tables of fixed size whose index cannot be wrong.

use core::ops::{Index, IndexMut};

/// `N` slots, `N` a power of two. An index is taken modulo `N`, so that a lookup needs neither a branch nor a
/// way to fail; that indices are in range is checked once, when the configuration is loaded.
pub(crate) struct Table<T, const N: usize>([T; N]);

impl<T, const N: usize> Table<T, N> {
    const MASK: usize = {
        assert!(N.is_power_of_two());
        N - 1
    };

    pub(crate) const fn filled(slots: [T; N]) -> Self {
        Self(slots)
    }

    pub(crate) fn new(slot: impl FnMut(usize) -> T) -> Self {
        Self(core::array::from_fn(slot))
    }
}

impl<T, const N: usize> Index<u8> for Table<T, N> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: u8) -> &T {
        &self.0[usize::from(index) & Self::MASK]
    }
}

impl<T, const N: usize> IndexMut<u8> for Table<T, N> {
    #[inline(always)]
    fn index_mut(&mut self, index: u8) -> &mut T {
        &mut self.0[usize::from(index) & Self::MASK]
    }
}

/// The elements of a set kept in a word, element 0 in the highest bit: the order in which
/// `leading_zeros` finds them.
pub(crate) fn elements(mut set: u32) -> impl Iterator<Item = u8> {
    core::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let element = set.leading_zeros() as u8;
        set &= !bit(element);
        Some(element)
    })
}

/// The set of one element.
#[inline(always)]
pub(crate) fn bit(element: u8) -> u32 {
    0x8000_0000u32.wrapping_shr(u32::from(element))
}
