//! TLB1 over time: which entries each window needs, and what has to be written when it begins.
//!
//! An entry stays until its place is needed: translations are tagged with the PID of their partition, so one that stays
//! serves nobody else, and a partition that comes back finds it. When a place is needed, the entry goes that will be
//! missed last.

use cofferdam_abi::limits;
use cofferdam_tables::{Rights, TlbWrite, mas};

/// An entry that a resident partition needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub partition: usize,
    /// The effective address of its page.
    pub effective: u32,
    /// The physical address of its page.
    pub physical: u64,
    /// Its size: a power of four.
    pub bytes: u64,
    /// What user level may do.
    pub rights: Rights,
    /// Whether it maps a device's registers.
    pub device: bool,
}

/// What lies at each place of TLB1 that partitions have.
pub type State = Vec<Option<Entry>>;

/// The code of a size ([`mas::size_bytes`]).
pub fn size_code(bytes: u64) -> u32 {
    (1..=11)
        .find(|code| mas::size_bytes(*code) >= bytes)
        .unwrap_or(11)
}

/// The state in each window of a frame that repeats. `needs` has the entries of each window's residents; none needs more than
/// `places`.
pub fn states(needs: &[Vec<Entry>], places: usize) -> Vec<State> {
    let mut state = vec![None; places];
    let mut states = Vec::new();
    // Once through the frame to fill the places, and once more to see what stays.
    for round in 0..2 {
        for (window, needed) in needs.iter().enumerate() {
            fill(&mut state, needs, window);
            debug_assert!(needed.iter().all(|entry| state.contains(&Some(*entry))));
            if round == 1 {
                states.push(state.clone());
            }
        }
    }
    states
}

fn fill(state: &mut State, needs: &[Vec<Entry>], window: usize) {
    for entry in &needs[window] {
        if state.contains(&Some(*entry)) {
            continue;
        }
        // How many windows pass before what lies at a place is needed again; an empty place is missed never.
        let missed_after = |held: &Option<Entry>| match held {
            None => usize::MAX,
            Some(held) => (0..needs.len())
                .find(|ahead| needs[(window + ahead) % needs.len()].contains(held))
                .unwrap_or(needs.len()),
        };
        let places = state.iter().enumerate();
        // The first of those that are missed last.
        let place = places.max_by_key(|(at, held)| (missed_after(held), std::cmp::Reverse(*at)));
        if let Some((at, _)) = place {
            state[at] = Some(*entry);
        }
    }
}

/// The writes that make `to` out of `from`. `first` is the number of the first place in TLB1.
pub fn writes(from: Option<&State>, to: &State, first: usize) -> Vec<TlbWrite> {
    let differs = |at: &usize| from.is_none_or(|from| from[*at] != to[*at]);
    let places = (0..to.len()).filter(differs);
    places
        .map(|at| write(first + at, to[at].as_ref()))
        .collect()
}

fn write(place: usize, entry: Option<&Entry>) -> TlbWrite {
    let mas0 = mas::mas0_tlb1(place as u32);
    let Some(entry) = entry else {
        return TlbWrite {
            mas0,
            mas1: 0,
            mas2: 0,
            mas3: 0,
            mas7: 0,
        };
    };
    let attributes = if entry.device {
        mas::MAS2_DEVICE
    } else {
        mas::MAS2_COHERENT
    };
    TlbWrite {
        mas0,
        mas1: mas::mas1_partition(pid(entry.partition), size_code(entry.bytes)),
        mas2: entry.effective | attributes,
        mas3: entry.physical as u32 | mas::mas3_rights(entry.rights),
        mas7: (entry.physical >> 32) as u32,
    }
}

/// The PID that tags a partition's translations. 0 would match everybody's.
pub fn pid(partition: usize) -> u8 {
    const { assert!(limits::PARTITIONS < 255) };
    partition as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(partition: usize, number: u32) -> Entry {
        Entry {
            partition,
            effective: number << 12,
            physical: 0,
            bytes: 0x1000,
            rights: Rights::READ,
            device: false,
        }
    }

    fn partition(index: usize) -> Vec<Entry> {
        (0..4).map(|number| entry(index, number)).collect()
    }

    #[test]
    fn residents_are_there_and_nothing_is_there_twice() {
        // Each two share a window, but never all three: no place can belong to one partition for good.
        let pair = |one, other| [partition(one), partition(other)].concat();
        let needs = [pair(0, 1), pair(1, 2), pair(2, 0)];
        for (state, needed) in states(&needs, 8).iter().zip(&needs) {
            for entry in needed {
                let copies = state.iter().filter(|held| **held == Some(*entry));
                assert_eq!(copies.count(), 1);
            }
        }
    }

    #[test]
    fn what_fits_is_never_written_again() {
        let needs = [partition(0), partition(1), partition(0)];
        let states = states(&needs, 10);
        for (before, after) in states.iter().zip(states.iter().cycle().skip(1)) {
            assert_eq!(writes(Some(before), after, 6), []);
        }
        assert_eq!(writes(None, &states[0], 6).len(), 10);
    }

    #[test]
    fn the_words_are_those_of_the_manual() {
        let entry = Entry {
            partition: 2,
            effective: 0xa000_0000,
            physical: 0xf_e000_4000,
            bytes: 0x4000,
            rights: Rights::READ_WRITE,
            device: true,
        };
        let words = write(9, Some(&entry));
        assert_eq!(words.mas0, 0x1009_0000);
        assert_eq!(words.mas1, 0x8003_1200);
        assert_eq!(words.mas2, 0xa000_000a);
        assert_eq!(words.mas3, 0xe000_400a);
        assert_eq!(words.mas7, 0xf);
    }
}
