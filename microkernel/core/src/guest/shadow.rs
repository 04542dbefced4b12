//! The guest's translations in hardware.
//!
//! The core matches an entry's tag with three registers together. For a guest the first holds the tag of its **process**, at both of its
//! levels; at the level of the guest's kernel the second holds the tag of its **large** entries and of its register page, the third that of
//! the **kernel's** pages of 4 KiB. So a system call changes two registers and no entry, and a change of process changes one.
//!
//! Each entry of the guest's TLB0 has its shadow, if it has one, at the same place of the real TLB0, so that a new one takes the old
//! one's place by itself. Entries of the guest's TLB1 become real ones of TLB1 where size, alignment and memory allow it, and the places that
//! the configuration keeps for the guest suffice; else they are cut into pages, one at each miss. A page whose rights differ between the
//! levels in a way that user rights of the hardware cannot say is **special**: it has a tag that one level alone has loaded, and
//! lasts until the guest changes its process.
//!
//! A flush of the guest's takes fresh tags instead of looking for entries. When tags run out, the real TLB0 is emptied: other partitions
//! refill theirs.

use cofferdam_abi::guest::{PAGE, spr, tlb};
use cofferdam_tables::{Guest as GuestTables, TlbWrite, mas};

use super::Guest;
use super::translation::{Entry, Place, small};
use crate::kernel::Kernel;
use crate::machine::{Levels, Machine, Registers};
use crate::table::{Table, elements};

/// A process of the guest's and its tag; a tag of 0 is none.
#[derive(Clone, Copy)]
struct Context {
    process: u8,
    tag: u8,
}

/// So many processes have tags at a time.
const CONTEXTS: usize = 16;

/// The tags in use.
pub(crate) struct Tags {
    /// Never changed.
    large: u8,
    kernel: u8,
    /// Of special pages at user level.
    user: u8,
    contexts: Table<Context, CONTEXTS>,
    /// The next that was never used since the real TLB0 was emptied, and where they end.
    next: u16,
    end: u16,
    first: u8,
    /// There are special pages.
    special: bool,
    /// There are pages that the short way of misses would not have made like that: it is off while they are there, so that no two
    /// entries match one address.
    odd: bool,
    /// There are pages cut from large entries.
    fragments: bool,
}

/// As few as that are a reason to begin anew.
const RESERVE: u16 = 4;

impl Tags {
    pub(crate) fn new(tables: &GuestTables) -> Self {
        let first = tables.tag_first;
        Self {
            large: first,
            kernel: first.wrapping_add(1),
            user: first.wrapping_add(2),
            contexts: Table::filled([Context { process: 0, tag: 0 }; CONTEXTS]),
            next: u16::from(first) + 3,
            end: u16::from(first) + u16::from(tables.tag_count),
            first,
            special: false,
            odd: false,
            fragments: false,
        }
    }

    fn take(&mut self) -> u8 {
        let tag = self.next as u8;
        self.next += 1;
        tag
    }
}

impl<R: Registers> Guest<R> {
    /// Whether an entry is for the guest's kernel alone.
    fn is_kernels(entry: Entry) -> bool {
        entry.rights(true) == 0 && entry.process() == 0
    }

    /// Whether it serves both levels of its process.
    fn is_processes(entry: Entry) -> bool {
        entry.process() != 0 && entry.rights(false) & !entry.rights(true) == 0
    }
}

impl<M: Machine> Kernel<M> {
    /// The tag of the process that the guest is in.
    fn process_tag(&mut self, index: u8) -> u8 {
        let process = self.spr(index, spr::PID) as u8;
        let slot = process & (CONTEXTS as u8 - 1);
        let context = self.guests[index].tags.contexts[slot];
        if context.process == process && context.tag != 0 {
            return context.tag;
        }
        if self.guests[index].tags.next + RESERVE > self.guests[index].tags.end {
            self.renew_tags(index);
        }
        let tags = &mut self.guests[index].tags;
        let tag = tags.take();
        tags.contexts[slot] = Context { process, tag };
        tag
    }

    /// Nothing that stands in the real TLB0 is the guest's any more.
    fn renew_tags(&mut self, index: u8) {
        let tags = &mut self.guests[index].tags;
        if tags.next + RESERVE > tags.end {
            tags.next = u16::from(tags.first) + 1;
            self.machine.empty_pages();
        }
        let tags = &mut self.guests[index].tags;
        tags.kernel = tags.take();
        tags.user = tags.take();
        tags.contexts = Table::filled([Context { process: 0, tag: 0 }; CONTEXTS]);
        tags.special = false;
        tags.odd = false;
        tags.fragments = false;
    }

    /// Has the core match what the guest may use at its level now.
    pub(super) fn load_levels(&mut self, index: u8) {
        let user = self.at_user_level(index);
        self.load_levels_for(index, user);
    }

    /// The same, for the level that it comes to.
    pub(super) fn load_levels_for(&mut self, index: u8, at_user_level: bool) {
        self.guests[index].process = self.spr(index, spr::PID);
        let process = self.process_tag(index);
        let guest = &self.guests[index];
        let short = !guest.space;
        let levels = Levels {
            process,
            large: guest.tags.large,
            kernel: guest.tags.kernel,
            user: guest.tags.user,
            at_user_level,
            short,
            walks: short && guest.tables.paravirtual.kernel_table != 0 && !guest.tags.odd,
        };
        let registers = &mut self.guests[index].registers;
        self.machine.set_levels(registers, &levels);
    }

    /// The guest is in another process.
    pub(super) fn change_process(&mut self, index: u8) {
        if self.guests[index].tags.special {
            self.renew_tags(index);
        }
        self.load_levels(index);
    }

    /// The guest is in another address space: all that is real was of the other.
    pub(super) fn change_space(&mut self, index: u8) {
        self.renew_tags(index);
        self.map_large(index);
    }

    /// The guest's TLB0 is empty.
    pub(super) fn small_vanished(&mut self, index: u8) {
        self.renew_tags(index);
        self.load_levels(index);
    }

    /// An entry of the guest's TLB0 is another one.
    pub(super) fn small_changed(&mut self, index: u8, place: u32, entry: Entry) {
        let process = self.spr(index, spr::PID) as u8;
        let guest = &self.guests[index];
        let here = entry.is_valid()
            && entry.space() == guest.space
            && (entry.process() == 0 || entry.process() == process);
        let plain =
            Guest::<M::Registers>::is_kernels(entry) || Guest::<M::Registers>::is_processes(entry);
        let effective = entry.mas2 & 0xffff_f000;
        let physical = entry.translate(effective);
        self.forget_place(place);
        if here && plain && self.in_memory(index, physical, 0x1000) {
            self.shadow_page(index, Place::Small(place), entry, effective);
        } else {
            self.machine.forget_page(effective);
        }
    }

    /// An entry that the short way of misses has made, and that nobody but the hardware knows of: what the hardware could hit, the guest
    /// finds.
    pub(super) fn find_walked(
        &mut self,
        index: u8,
        effective: u32,
        space: bool,
        process: u8,
    ) -> Option<(Place, Entry)> {
        let guest = &self.guests[index];
        let paravirtual = &guest.tables.paravirtual;
        if space || paravirtual.kernel_table == 0 {
            return None;
        }
        let (process, tag) = if effective >= paravirtual.linear {
            (0, guest.tags.kernel)
        } else {
            let context = guest.tags.contexts[process & (CONTEXTS as u8 - 1)];
            let known = context.process == process && context.tag != 0;
            (process, if known { context.tag } else { return None })
        };
        let found = self.machine.find_page(tag, effective)?;
        // User rights of the hardware are rights of both levels, or of the kernel's alone.
        let rights = match (found.mas3 & 0x2a, process) {
            (rights, 0) => rights >> 1,
            (rights, _) => rights | rights >> 1,
        };
        let physical = (found.mas3 & 0xffff_f000).wrapping_sub(self.guests[index].tables.memory);
        let place = small(effective, found.way.into());
        let entry = Entry::small(process, effective, physical | rights);
        Some((Place::Small(place), entry))
    }

    /// What is real at a place of TLB0 is nobody's.
    fn forget_place(&mut self, place: u32) {
        self.machine.write_tlb(&[TlbWrite {
            mas0: (place % tlb::WAYS) << 16,
            mas1: 0,
            mas2: (place / tlb::WAYS) << 12,
            mas3: 0,
            mas7: 0,
        }]);
    }

    /// Makes a page of an entry real. It is memory.
    pub(super) fn shadow_page(&mut self, index: u8, place: Place, entry: Entry, effective: u32) {
        let user = self.at_user_level(index);
        let paravirtual = &self.guests[index].tables.paravirtual;
        let walks = paravirtual.kernel_table != 0;
        let upper = effective >= paravirtual.linear;
        let (tag, rights, even) = if Guest::<M::Registers>::is_kernels(entry) {
            (self.guests[index].tags.kernel, entry.rights(false), upper)
        } else if Guest::<M::Registers>::is_processes(entry) {
            (self.process_tag(index), entry.rights(true), !upper)
        } else {
            let tags = &mut self.guests[index].tags;
            tags.special = true;
            let tag = if user { tags.user } else { tags.kernel };
            (tag, entry.rights(user), false)
        };
        if walks && !even && !core::mem::replace(&mut self.guests[index].tags.odd, true) {
            self.load_levels(index);
        }
        self.machine.forget_page(effective);
        let way = match place {
            Place::Small(place) => place % tlb::WAYS,
            Place::Large(number) => {
                self.guests[index].tags.fragments = true;
                u32::from(number) % tlb::WAYS
            }
        };
        let page = effective & 0xffff_f000;
        let physical =
            self.guests[index].tables.memory + (entry.translate(page) as u32 & 0xffff_f000);
        self.machine.write_tlb(&[TlbWrite {
            mas0: way << 16,
            mas1: mas::mas1_partition(tag, 1),
            mas2: page | mas::MAS2_COHERENT,
            mas3: physical | rights,
            mas7: 0,
        }]);
    }

    /// Entries of the guest's TLB1 are other ones.
    pub(super) fn large_changed(&mut self, index: u8) {
        if self.guests[index].tags.fragments {
            self.renew_tags(index);
            self.load_levels(index);
        }
        self.map_large(index);
    }

    /// Makes large entries real, as many as there are places for; first comes the register page.
    pub(super) fn map_large(&mut self, index: u8) {
        let guest = &self.guests[index];
        let tables = guest.tables;
        let tag = guest.tags.large;
        let write = |place: u8, mas1: u32, effective: u32, physical: u32, rights: u32| TlbWrite {
            mas0: mas::mas0_tlb1(u32::from(tables.tlb1_first + place)),
            mas1,
            mas2: effective | mas::MAS2_COHERENT,
            mas3: physical | rights,
            mas7: 0,
        };
        let [first, second] = guest.can_be_large;
        let mut entries = elements(if guest.space { second } else { first });
        let mut large = |place: u8| match entries.next() {
            Some(number) => {
                let entry = guest.large[number];
                let effective = entry.mas2 & 0xffff_f000;
                let physical = tables.memory + entry.translate(effective) as u32;
                let mas1 = mas::mas1_partition(tag, entry.size());
                write(place, mas1, effective, physical, entry.rights(false))
            }
            None => write(place, 0, 0, 0, 0),
        };
        let page_rights = mas::MAS3_USER_READ | mas::MAS3_USER_WRITE;
        let writes = [
            write(
                0,
                mas::mas1_partition(tag, 1),
                PAGE,
                tables.page,
                page_rights,
            ),
            large(1),
        ];
        self.machine.write_tlb(&writes);
    }

    /// Whether an entry can be a real one of TLB1.
    pub(super) fn can_be_large(&self, index: u8, entry: Entry) -> bool {
        let guest = &self.guests[index];
        let bytes = mas::size_bytes(entry.size());
        let physical = entry.translate(entry.mas2 & 0xffff_f000);
        let real = u64::from(guest.tables.memory) + physical;
        entry.is_valid()
            && Guest::<M::Registers>::is_kernels(entry)
            && self.in_memory(index, physical, bytes)
            && real & (bytes - 1) == 0
    }

    /// The guest's first translation: all of its memory where it is.
    pub(super) fn map_all_memory(&mut self, index: u8) {
        const ALL_RIGHTS_OF_KERNEL: u32 = 0x15;
        let bytes = u64::from(self.guests[index].tables.memory_bytes);
        let size = (1..=11)
            .find(|size| mas::size_bytes(*size) >= bytes)
            .unwrap_or(11);
        let entry = Entry {
            mas1: 0xc000_0000 | size << 8,
            mas2: 0,
            mas3: ALL_RIGHTS_OF_KERNEL,
            mas7: 0,
        };
        self.set_large(index, 0, entry);
        self.map_large(index);
    }
}
