//! The guest's translation arrays, as the guest sees them: what it wrote, what it finds again, what a miss tells it
//! (EREF, sections 6.5 and 6.7).
//!
//! TLB0 lies in memory of the kernel's, TLB1 in the guest's state. An entry is the four MAS registers that it was written with.

use cofferdam_abi::guest::{Exit, spr, tlb};
use cofferdam_abi::health::Exception;

use super::SETS;
use super::exception::SYNDROME_STORE;
use crate::health::Fault;
use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};
use crate::table::{bit, elements};

const VALID: u32 = 0x8000_0000;
const PROTECT: u32 = 0x4000_0000;
const SPACE_1: u32 = 0x1000;
/// MAS0: the array.
const ARRAY_1: u32 = 0x1000_0000;
/// The code of 4 KiB.
const SIZE_4K: u32 = 1;
/// The largest size, 4 GiB.
const SIZE_MAX: u32 = 11;
/// The bits of MAS1 that an entry has: V, IPROT, TID, TS, TSIZE.
const MAS1_KEPT: u32 = 0xc0ff_1f00;
/// Of MAS2: EPN, and the attributes.
const MAS2_KEPT: u32 = 0xffff_f07f;
/// Of MAS3: RPN, the bits of software, and the rights.
const MAS3_KEPT: u32 = 0xffff_f3ff;

/// An entry of a guest's array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(super) mas1: u32,
    pub(super) mas2: u32,
    pub(super) mas3: u32,
    pub(super) mas7: u32,
}

impl Entry {
    pub(crate) const NONE: Self = Self {
        mas1: 0,
        mas2: 0,
        mas3: 0,
        mas7: 0,
    };

    pub(super) fn is_valid(self) -> bool {
        self.mas1 & VALID != 0
    }

    /// One of TLB0.
    pub(super) fn small(process: u8, effective: u32, mas3: u32) -> Self {
        Self {
            mas1: VALID | u32::from(process) << 16 | SIZE_4K << 8,
            mas2: effective & 0xffff_f000,
            mas3,
            mas7: 0,
        }
    }

    fn is_protected(self) -> bool {
        self.mas1 & PROTECT != 0
    }

    /// The code of its size.
    pub(super) fn size(self) -> u32 {
        self.mas1 >> 8 & 0xf
    }

    /// Those bits of an effective address that it translates.
    fn page_mask(self) -> u32 {
        u32::MAX.checked_shl(10 + 2 * self.size()).unwrap_or(0)
    }

    pub(super) fn space(self) -> bool {
        self.mas1 & SPACE_1 != 0
    }

    /// The process that it is for; 0: all.
    pub(super) fn process(self) -> u8 {
        (self.mas1 >> 16) as u8
    }

    fn covers(self, effective: u32) -> bool {
        self.is_valid() && (self.mas2 ^ effective) & self.page_mask() == 0
    }

    fn matches(self, effective: u32, space: bool, process: u8) -> bool {
        self.covers(effective)
            && self.space() == space
            && (self.process() == 0 || self.process() == process)
    }

    /// The guest-physical address.
    pub(super) fn translate(self, effective: u32) -> u64 {
        let mask = self.page_mask();
        u64::from(self.mas7 & 0xf) << 32
            | u64::from(self.mas3 & mask & 0xffff_f000 | effective & !mask)
    }

    /// Its rights at a level, as MAS3 has them for user level: execute 0x20, write 0x08, read 0x02.
    pub(super) fn rights(self, user: bool) -> u32 {
        const USER: u32 = 0x2a;
        if user {
            self.mas3 & USER
        } else {
            self.mas3 << 1 & USER
        }
    }
}

/// What an address has to be under a mask.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    mask: u32,
    key: u32,
}

impl Key {
    /// No address.
    pub(crate) const NONE: Self = Self { mask: 0, key: 1 };

    fn of(entry: Entry) -> Self {
        if !entry.is_valid() {
            return Self::NONE;
        }
        let mask = entry.page_mask();
        Self {
            mask,
            key: entry.mas2 & mask,
        }
    }
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In TLB0: the number of its set times the ways, and its way.
    Small(u32),
    /// In TLB1.
    Large(u8),
}

/// The place in TLB0 of an effective address in a way.
pub(super) fn small(effective: u32, way: u32) -> u32 {
    const SETS: u32 = tlb::TLB0_ENTRIES / tlb::WAYS;
    (effective >> 12 & (SETS - 1)) * tlb::WAYS + (way & (tlb::WAYS - 1))
}

impl<M: Machine> Kernel<M> {
    fn is_valid(&self, index: u8, place: u32) -> bool {
        let word = self.guests[index].valid.get(place as usize / 32);
        word.is_some_and(|word| word & (0x8000_0000 >> (place % 32)) != 0)
    }

    pub(super) fn set_valid(&mut self, index: u8, place: u32, valid: bool) {
        let bit = 0x8000_0000 >> (place % 32);
        if let Some(word) = self.guests[index].valid.get_mut(place as usize / 32) {
            *word = if valid { *word | bit } else { *word & !bit };
        }
    }

    /// The valid ways of an effective address's set of TLB0: a set.
    fn valid_ways(&self, index: u8, effective: u32) -> u32 {
        let first = small(effective, 0);
        let word = self.guests[index].valid.get(first as usize / 32);
        word.copied().unwrap_or_default() << (first % 32) & 0xf000_0000
    }

    /// An entry of TLB0.
    pub(super) fn small_entry(&self, index: u8, place: u32) -> Entry {
        if !self.is_valid(index, place) {
            return Entry::NONE;
        }
        let at = self.guests[index].tables.translations + place * 16;
        let word = |offset| self.machine.read_word(at + offset);
        Entry {
            mas1: word(0),
            mas2: word(4),
            mas3: word(8),
            mas7: word(12),
        }
    }

    fn store_small(&mut self, index: u8, place: u32, entry: Entry) {
        self.set_valid(index, place, entry.is_valid());
        let at = self.guests[index].tables.translations + place * 16;
        for (offset, word) in [
            (0, entry.mas1),
            (4, entry.mas2),
            (8, entry.mas3),
            (12, entry.mas7),
        ] {
            self.machine.write_word(at + offset, word);
        }
    }

    /// The entry that translates an effective address.
    pub(super) fn find(
        &self,
        index: u8,
        effective: u32,
        space: bool,
        process: u8,
    ) -> Option<(Place, Entry)> {
        for way in elements(self.valid_ways(index, effective)) {
            let place = small(effective, way.into());
            let entry = self.small_entry(index, place);
            if entry.matches(effective, space, process) {
                return Some((Place::Small(place), entry));
            }
        }
        let guest = &self.guests[index];
        for number in elements(guest.large_valid) {
            let Key { mask, key } = guest.large_keys[number];
            if effective & mask == key && guest.large[number].matches(effective, space, process) {
                return Some((Place::Large(number), guest.large[number]));
            }
        }
        None
    }

    /// The same, for the guest as it is.
    pub(super) fn find_now(&self, index: u8, effective: u32) -> Option<(Place, Entry)> {
        let process = self.spr(index, spr::PID) as u8;
        self.find(index, effective, self.guests[index].space, process)
    }

    /// The hardware has missed. What the guest's arrays hold becomes real; what they do not is the guest's own to answer.
    pub(super) fn guest_miss(&mut self, partition: u8, index: u8, fault: &Fault) {
        let effective = fault.address;
        let fetch = fault.exception == Exception::InstructionTlbError;
        let Some((place, entry)) = self.find_now(index, effective) else {
            self.propose(index, effective);
            return self.enter_vector(index, fault.exception, Some((effective, fault.syndrome)));
        };
        let wanted = match (fetch, fault.syndrome & SYNDROME_STORE != 0) {
            (true, _) => 0x20,
            (false, true) => 0x08,
            (false, false) => 0x02,
        };
        if entry.rights(self.at_user_level(index)) & wanted == 0 {
            let exception = if fetch {
                Exception::InstructionStorage
            } else {
                Exception::DataStorage
            };
            let syndrome = Some((effective, fault.syndrome));
            return self.enter_vector(index, exception, syndrome);
        }
        let physical = entry.translate(effective);
        if self.in_memory(index, physical & !0xfff, 0x1000) {
            return self.shadow_page(index, place, entry, effective);
        }
        let halves = [(physical >> 32) as u32, physical as u32];
        if fetch {
            return self.leave_guest(partition, Exit::Fetch, [0, halves[0], halves[1]]);
        }
        let instruction = self.guest_instruction(index).unwrap_or(0);
        if self.is_foreseen(index, instruction, physical) {
            return;
        }
        let named = self.guests[index]
            .registers
            .numbered(instruction >> 21 & 31);
        let values = [instruction, halves[0], halves[1], named];
        self.leave_guest(partition, Exit::Access, values);
    }

    /// The instruction at which the guest stands. Its page may be one that was walked.
    pub(super) fn guest_instruction(&mut self, index: u8) -> Option<u32> {
        let pc = self.guests[index].registers.pc() & !3;
        let linear = self.guests[index].tables.paravirtual.linear;
        // Behind the image of memory lies code as well: modules, in pages of their own.
        let offset = u64::from(pc.wrapping_sub(linear));
        let physical = if linear != 0 && self.in_memory(index, offset, 4) {
            offset
        } else {
            let process = self.spr(index, spr::PID) as u8;
            let space = self.guests[index].space;
            let found = self.find(index, pc, space, process);
            let found = found.or_else(|| self.find_walked(index, pc, space, process));
            found?.1.translate(pc)
        };
        self.in_memory(index, physical, 4).then(|| {
            self.machine
                .read_word(self.guests[index].tables.memory + physical as u32)
        })
    }

    /// Whether guest-physical addresses are memory.
    pub(super) fn in_memory(&self, index: u8, physical: u64, length: u64) -> bool {
        physical + length <= u64::from(self.guests[index].tables.memory_bytes)
    }

    /// What a miss leaves in the MAS registers (EREF, table 6-6).
    fn propose(&mut self, index: u8, effective: u32) {
        let guest = &mut self.guests[index];
        let way = u32::from(guest.victim);
        let next = (way + 1) & (tlb::WAYS - 1);
        guest.victim = next as u8;
        let space = if guest.space { SPACE_1 } else { 0 };
        let defaults = self.spr(index, spr::MAS4);
        let process = self.spr(index, spr::PID) & 0xff;
        self.set_spr(index, spr::MAS0, defaults & ARRAY_1 | way << 16 | next);
        self.set_spr(
            index,
            spr::MAS1,
            VALID | process << 16 | space | defaults & 0xf00,
        );
        self.set_spr(index, spr::MAS2, effective & 0xffff_f000 | defaults & 0x7f);
        self.set_spr(index, spr::MAS3, 0);
        self.set_spr(index, spr::MAS7, 0);
        self.set_spr(index, spr::MAS6, process << 16 | u32::from(space != 0));
    }

    /// `tlbwe`: false if there is no such entry.
    pub(super) fn write_translation(&mut self, index: u8) -> bool {
        let mas0 = self.spr(index, spr::MAS0);
        let mut entry = Entry {
            mas1: self.spr(index, spr::MAS1) & MAS1_KEPT,
            mas2: self.spr(index, spr::MAS2) & MAS2_KEPT,
            mas3: self.spr(index, spr::MAS3) & MAS3_KEPT,
            mas7: self.spr(index, spr::MAS7) & 0xf,
        };
        let number = mas0 >> 16 & 0xf;
        if mas0 & 0x3000_0000 == ARRAY_1 {
            if entry.is_valid() && !(SIZE_4K..=SIZE_MAX).contains(&entry.size()) {
                return false;
            }
            entry.mas2 &= entry.page_mask() | 0x7f;
            self.set_large(index, number as u8, entry);
            self.large_changed(index);
            return true;
        }
        if mas0 & 0x3000_0000 != 0 {
            return false;
        }
        // TLB0 has pages of 4 KiB alone, without protection.
        entry.mas1 = entry.mas1 & !(PROTECT | 0xf00) | SIZE_4K << 8;
        let place = small(entry.mas2, number);
        self.store_small(index, place, entry);
        self.guests[index].victim = (mas0 & (tlb::WAYS - 1)) as u8;
        self.small_changed(index, place, entry);
        true
    }

    /// An entry of TLB1 is another one.
    pub(super) fn set_large(&mut self, index: u8, number: u8, entry: Entry) {
        let bit = bit(number);
        let real = self.can_be_large(index, entry);
        let guest = &mut self.guests[index];
        guest.large[number] = entry;
        guest.large_keys[number] = Key::of(entry);
        guest.large_valid = if entry.is_valid() {
            guest.large_valid | bit
        } else {
            guest.large_valid & !bit
        };
        let [first, second] = &mut guest.can_be_large;
        *first &= !bit;
        *second &= !bit;
        if real {
            *(if entry.space() { second } else { first }) |= bit;
        }
    }

    /// An entry of TLB1 is valid no more.
    fn drop_large(&mut self, index: u8, number: u8) {
        let guest = &mut self.guests[index];
        guest.large[number].mas1 &= !VALID;
        guest.large_keys[number] = Key::NONE;
        guest.large_valid &= !bit(number);
        let [first, second] = &mut guest.can_be_large;
        *first &= !bit(number);
        *second &= !bit(number);
    }

    /// `tlbre`.
    pub(super) fn read_translation(&mut self, index: u8) {
        let mas0 = self.spr(index, spr::MAS0);
        let number = mas0 >> 16 & 0xf;
        let entry = if mas0 & 0x3000_0000 == ARRAY_1 {
            self.guests[index].large[number as u8]
        } else {
            let effective = self.spr(index, spr::MAS2);
            self.small_entry(index, small(effective, number))
        };
        self.show(index, entry);
    }

    fn show(&mut self, index: u8, entry: Entry) {
        self.set_spr(index, spr::MAS1, entry.mas1);
        self.set_spr(index, spr::MAS2, entry.mas2);
        self.set_spr(index, spr::MAS3, entry.mas3);
        self.set_spr(index, spr::MAS7, entry.mas7);
    }

    /// `tlbsx`.
    pub(super) fn search_translation(&mut self, index: u8, effective: u32) {
        let wanted = self.spr(index, spr::MAS6);
        let (space, process) = (wanted & 1 != 0, (wanted >> 16) as u8);
        let found = self.find(index, effective, space, process);
        let found = found.or_else(|| self.find_walked(index, effective, space, process));
        let next = u32::from(self.guests[index].victim);
        match found {
            Some((place, entry)) => {
                let place = match place {
                    Place::Small(place) => (place % tlb::WAYS) << 16 | next,
                    Place::Large(number) => ARRAY_1 | u32::from(number) << 16,
                };
                self.set_spr(index, spr::MAS0, place);
                self.show(index, entry);
            }
            None => {
                self.propose(index, effective);
                let mas1 = self.spr(index, spr::MAS1) & !VALID;
                self.set_spr(index, spr::MAS1, mas1);
                self.set_spr(index, spr::MAS6, wanted);
            }
        }
    }

    /// `tlbivax`.
    pub(super) fn invalidate_translation(&mut self, index: u8, effective: u32) {
        const ALL: u32 = 0x4;
        const OF_ARRAY_1: u32 = 0x8;
        let all = effective & ALL != 0;
        if effective & OF_ARRAY_1 != 0 {
            return self.invalidate_large(index, all, effective);
        }
        if all {
            return self.invalidate_small(index);
        }
        for way in 0..tlb::WAYS {
            let place = small(effective, way);
            if self.small_entry(index, place).covers(effective) {
                self.set_valid(index, place, false);
            }
        }
        self.machine.forget_page(effective);
    }

    /// A write of MMUCSR0: each array at a time.
    pub(super) fn invalidate_arrays(&mut self, index: u8, which: u32) {
        const ARRAY_0_ALL: u32 = 0x4;
        const ARRAY_1_ALL: u32 = 0x2;
        if which & ARRAY_0_ALL != 0 {
            self.invalidate_small(index);
        }
        if which & ARRAY_1_ALL != 0 {
            self.invalidate_large(index, true, 0);
        }
    }

    /// All entries of TLB1, or those of an address, but for protected ones.
    fn invalidate_large(&mut self, index: u8, all: bool, effective: u32) {
        for number in 0..tlb::TLB1_ENTRIES as u8 {
            let entry = self.guests[index].large[number];
            if !entry.is_protected() && (all || entry.covers(effective)) {
                self.drop_large(index, number);
            }
        }
        self.large_changed(index);
    }

    fn invalidate_small(&mut self, index: u8) {
        self.guests[index].valid = [0; SETS];
        self.small_vanished(index);
    }
}
