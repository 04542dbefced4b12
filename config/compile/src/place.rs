//! Where in RAM everything lies.
//!
//! A region that is to be one entry of TLB1 has to be as large as that entry and aligned to it, physically too. So the
//! largest pieces are placed first: a first fit in descending order of size leaves no hole between powers of four.

use bitvec::vec::BitVec;

/// The size of a page.
pub const PAGE: u64 = 0x1000;

/// Something that needs a place.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whole pages.
    pub bytes: u64,
    /// A power of two, a page at least.
    pub alignment: u64,
    /// Where it is to lie, if the file says so.
    pub at: Option<u64>,
}

/// Gives each request its physical address in `[start, end)`: first those that have one, then the others what is left. `None` if
/// they do not all fit.
pub fn place(requests: &[Request], start: u64, end: u64) -> Option<Vec<u64>> {
    let mut frames = Frames::new(start, end);
    let mut order: Vec<_> = (0..requests.len()).collect();
    order.sort_by_key(|index| {
        let request = &requests[*index];
        std::cmp::Reverse((request.at.is_some(), request.alignment, request.bytes))
    });
    let mut places = vec![0; requests.len()];
    for index in order {
        places[index] = frames.take(&requests[index])?;
    }
    Some(places)
}

/// The page frames of a range, and which are taken.
struct Frames {
    start: u64,
    taken: BitVec,
}

impl Frames {
    fn new(start: u64, end: u64) -> Self {
        let count = end.saturating_sub(start) / PAGE;
        Self {
            start,
            taken: BitVec::repeat(false, usize::try_from(count).unwrap_or(0)),
        }
    }

    fn take(&mut self, request: &Request) -> Option<u64> {
        let length = usize::try_from(request.bytes / PAGE).ok()?;
        let lowest = self.start.next_multiple_of(request.alignment);
        let mut address = request.at.unwrap_or(lowest);
        loop {
            let first = usize::try_from(address.checked_sub(self.start)? / PAGE).ok()?;
            let range = self.taken.get_mut(first..first.checked_add(length)?)?;
            if range.not_any() {
                range.fill(true);
                return Some(address);
            }
            if request.at.is_some() {
                return None;
            }
            address += request.alignment;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: u64, alignment: u64) -> Request {
        Request {
            bytes,
            alignment,
            at: None,
        }
    }

    #[test]
    fn what_has_a_place_is_there_and_the_others_are_not() {
        let fixed = |at| Request {
            at: Some(at),
            ..request(0x2000, 0x1000)
        };
        let all = [
            request(0x4000, 0x4000),
            fixed(0x1000),
            request(0x1000, 0x1000),
        ];
        assert_eq!(place(&all, 0, 0x8000), Some(vec![0x4000, 0x1000, 0]));
        assert_eq!(place(&[fixed(0x1000), fixed(0x2000)], 0, 0x8000), None);
        assert_eq!(place(&[fixed(0x7000)], 0, 0x8000), None);
        assert_eq!(place(&[fixed(0)], 0x4000, 0x8000), None);
    }

    #[test]
    fn pieces_are_aligned_and_apart() {
        let requests = [
            request(0x1000, 0x1000),
            request(0x4000, 0x4000),
            request(0x1000, 0x1000),
            request(0x10000, 0x10000),
        ];
        let places = place(&requests, 0x400_0000, 0x402_0000).unwrap();
        for (one, place) in requests.iter().zip(&places) {
            assert_eq!(place % one.alignment, 0);
            let others = requests.iter().zip(&places).filter(|(_, at)| *at != place);
            for (other, at) in others {
                assert!(at + other.bytes <= *place || place + one.bytes <= *at);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(place(&[request(0x3000, 0x1000)], 0, 0x2000), None);
        assert_eq!(place(&[request(0x1000, 0x1000)], 0x2000, 0x1000), None);
    }
}
