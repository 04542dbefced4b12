//! Guests: the second level of a vCPU, with an address space that the kernel models.
//!
//! A partition with a guest begins as any other: its program is the guest's monitor. `guest_run` gives the vCPU to the guest, until it
//! comes to something that is the monitor's to do. The vCPU has two sets of registers then, and the second is kept here: going up and coming back
//! changes which of them is meant, and nothing is scheduled.
//!
//! The guest's kernel and its processes both run in user mode of the hardware. What a guest's own exception leads to is
//! settled as hardware would ([`exception`]), its privileged instructions are carried out ([`instruction`]), and its translations
//! become real ones so far as they stay in its memory ([`translation`], [`shadow`]).

mod exception;
mod foreseen;
mod instruction;
mod shadow;
mod stub;
mod translation;

use cofferdam_abi::guest::{
    self, ACKNOWLEDGED, ASKS, EXTERNAL, Exit, FORESEEN, foreseen as access, spr, tlb,
};
use cofferdam_abi::{Status, limits};
use cofferdam_tables::Guest as GuestTables;

use crate::kernel::{Ending, Kernel};
use crate::machine::{Machine, Registers};
use crate::partition::Activity;
use crate::table::Table;

pub(crate) use shadow::Tags;
pub(crate) use translation::{Entry, Key};

/// MSR bits of a guest (EREF, table 2-5).
pub(crate) mod msr {
    pub(crate) const CE: u32 = 0x0002_0000;
    pub(crate) const EE: u32 = 0x8000;
    pub(crate) const PR: u32 = 0x4000;
    pub(crate) const ME: u32 = 0x1000;
    pub(crate) const DE: u32 = 0x0200;
    pub(crate) const IS: u32 = 0x20;
}

/// TSR\[DIS\] and TCR\[DIE\]: the decrementer has fired; it may interrupt (EREF, section 2.8).
pub(crate) const DECREMENTER_STATUS: u32 = 0x0800_0000;
pub(crate) const DECREMENTER_ENABLE: u32 = 0x0400_0000;

/// Whether this kernel is one for systems with guests. Another has nothing of them: what it cannot come to is not in its text.
pub(crate) const GUESTS: bool = cfg!(feature = "guests");
/// The places for guests.
pub(crate) const PLACES: usize = if GUESTS { limits::GUESTS } else { 1 };

/// The words of a set of entries of TLB0.
const SETS: usize = (tlb::TLB0_ENTRIES / 32) as usize;

/// The state of a guest.
pub(crate) struct Guest<R> {
    tables: &'static GuestTables,
    /// Its registers, beside those of its monitor, which are the partition's.
    registers: R,
    /// The address space that it is in.
    space: bool,
    /// What PID held when its registers got the tag of its process; nothing that PID can hold if they have none yet.
    process: u32,
    /// TLB1.
    large: Table<Entry, { tlb::TLB1_ENTRIES as usize }>,
    /// What an address has to be, under a mask, for an entry of TLB1 to translate it.
    large_keys: Table<Key, { tlb::TLB1_ENTRIES as usize }>,
    /// The valid entries of TLB1: a set.
    large_valid: u32,
    /// The entries of TLB1 that can be real ones, of each address space: sets.
    can_be_large: [u32; 2],
    /// Which entries of TLB0 are valid: a set for each four sets of ways.
    valid: [u32; SETS],
    /// The way that a miss proposes.
    victim: u8,
    /// Since when it idles, if it does.
    idle_since: u64,
    tags: Tags,
}

impl<R: Registers> Guest<R> {
    pub(crate) fn new(tables: &'static GuestTables) -> Self {
        Self {
            tables,
            registers: R::default(),
            space: false,
            process: u32::MAX,
            large: Table::filled([Entry::NONE; tlb::TLB1_ENTRIES as usize]),
            large_keys: Table::filled([Key::NONE; tlb::TLB1_ENTRIES as usize]),
            large_valid: 0,
            can_be_large: [0; 2],
            valid: [0; SETS],
            victim: 0,
            idle_since: 0,
            tags: Tags::new(tables),
        }
    }
}

/// What registers hold when a guest begins, as far as that is not 0: those that say which processor it is. The arrays and the
/// rest are those of QEMU's e500v2, which is what a guest for `ppce500` expects.
const RESET: [(u32, u32); 8] = [
    (spr::PVR, 0x8021_0030),
    (spr::SVR, 0x8032_0020),
    (spr::TLB0CFG, 0x0411_0200),
    (spr::TLB1CFG, 0x101c_c010),
    (spr::L1CSR0, 0),
    (spr::MMUCFG, 0),
    (spr::DEC, u32::MAX),
    (spr::DBSR, 0),
];

impl<M: Machine> Kernel<M> {
    /// Whether the guest of the partition that has the processor, rather than its monitor, has it.
    #[inline]
    pub fn in_guest(&self) -> bool {
        GUESTS && self.partitions[self.current].activity == Activity::Guest
    }

    /// The registers of the level at which a partition is.
    #[inline]
    pub(crate) fn level(&self, partition: u8) -> &M::Registers {
        let state = &self.partitions[partition];
        match state.activity {
            Activity::Guest | Activity::GuestIdle if GUESTS => &self.guests[state.guest].registers,
            _ => &state.registers,
        }
    }

    /// The same, to be resumed.
    #[inline]
    pub(crate) fn level_mut(&mut self, partition: u8) -> &mut M::Registers {
        let state = &mut self.partitions[partition];
        match state.activity {
            Activity::Guest | Activity::GuestIdle if GUESTS => {
                &mut self.guests[state.guest].registers
            }
            _ => &mut state.registers,
        }
    }

    /// A word of the guest's register page.
    #[inline]
    fn guest_word(&self, index: u8, offset: u32) -> u32 {
        let page = self.guests[index].tables.page;
        self.machine.read_word(page + (offset & 0xffc))
    }

    #[inline]
    fn set_guest_word(&mut self, index: u8, offset: u32, value: u32) {
        let page = self.guests[index].tables.page;
        self.machine.write_word(page + (offset & 0xffc), value);
    }

    #[inline]
    fn spr(&self, index: u8, number: u32) -> u32 {
        self.guest_word(index, guest::register(number))
    }

    #[inline]
    fn set_spr(&mut self, index: u8, number: u32, value: u32) {
        self.set_guest_word(index, guest::register(number), value);
    }

    /// A partition with a guest begins: what the guest's processor is like before its first instruction. All of memory is mapped where
    /// it is, in address space 0 (ePAPR 1.1, section 5.4.1).
    pub(crate) fn reset_guest(&mut self, index: u8) {
        let tables = self.guests[index].tables;
        // Its tags begin anew, and none may match what is left of its last life.
        self.machine.empty_pages();
        let guest = &mut self.guests[index];
        guest.registers.start(0, 0, tables.tag_first);
        self.machine.begin_guest(&mut guest.registers, tables);
        (guest.space, guest.victim, guest.process) = (false, 0, u32::MAX);
        guest.large_keys = Table::filled([Key::NONE; tlb::TLB1_ENTRIES as usize]);
        guest.large = Table::filled([Entry::NONE; tlb::TLB1_ENTRIES as usize]);
        (guest.large_valid, guest.can_be_large, guest.valid) = (0, [0; 2], [0; SETS]);
        guest.tags = Tags::new(tables);
        for (number, value) in RESET {
            self.set_spr(index, number, value);
        }
        self.set_guest_word(index, guest::MSR, 0);
        // A warm start keeps the page, and with it what the monitor of the last life laid down.
        let foreseen = (0..access::PLACES).map(|place| FORESEEN + access::BYTES * place);
        for word in [EXTERNAL, ASKS, ACKNOWLEDGED].into_iter().chain(foreseen) {
            self.set_guest_word(index, word, 0);
        }
        self.map_all_memory(index);
    }

    /// `guest_run`: the guest has the processor until there is something for the monitor to do.
    pub(crate) fn guest_run(&mut self, caller: u8) -> Option<Status> {
        let index = self.partitions[caller].guest;
        if !self.has_guest(caller) {
            return Some(Status::NoCapability);
        }
        let [bytes, register, value] = self.arguments(caller);
        if bytes != 0 {
            let registers = &mut self.guests[index].registers;
            registers.set_pc(registers.pc().wrapping_add(bytes));
            if register < guest::number::COUNT {
                registers.set_numbered(register, value);
            }
        }
        let lines = self.pending_lines(caller);
        if lines != 0 {
            self.results(caller, [Exit::Lines as u32, lines]);
            return Some(Status::Ok);
        }
        self.set_activity(caller, Activity::Guest);
        self.ending = Ending::DECIDE;
        // The monitor may have changed it.
        self.set_guest_state(index, self.guest_word(index, guest::MSR));
        if self.spr(index, spr::PID) != self.guests[index].process {
            self.load_levels(index);
        }
        self.deliver_to_guest(index);
        None
    }

    pub(crate) fn has_guest(&self, partition: u8) -> bool {
        GUESTS && usize::from(self.partitions[partition].guest) < self.configuration.guests.len()
    }

    /// The monitor goes on, told why and with what.
    fn leave_guest<const N: usize>(&mut self, partition: u8, exit: Exit, values: [u32; N]) {
        let registers = &mut self.partitions[partition].registers;
        registers.set_result(0, Status::Ok as u32);
        registers.set_result(1, exit as u32);
        for (place, value) in (2..).zip(values) {
            registers.set_result(place, value);
        }
        self.set_activity(partition, Activity::Ready);
        self.ending = Ending::DECIDE;
    }

    /// Lines are pending and enabled: the monitor goes on.
    pub(crate) fn interrupt_guest(&mut self, partition: u8, lines: u32) {
        self.end_idling(partition);
        self.leave_guest(partition, Exit::Lines, [lines, 0, 0]);
    }

    /// Whether the guest is at its user level.
    fn at_user_level(&self, index: u8) -> bool {
        self.guests[index].registers.at_user_level()
    }

    /// The guest idles: the partition gives its time away.
    fn begin_idling(&mut self, partition: u8, index: u8) {
        self.guests[index].idle_since = self.machine.now();
        self.set_activity(partition, Activity::GuestIdle);
    }

    /// If it idled, the account gets how long: what is neither that nor the partition's own time, others had.
    fn end_idling(&mut self, partition: u8) {
        let state = &self.partitions[partition];
        if state.activity != Activity::GuestIdle {
            return;
        }
        let since = self.guests[state.guest].idle_since;
        let idled = self.machine.now().wrapping_sub(since);
        let account = self.record.partition(partition);
        let all = account.guest_idle_ticks.get().wrapping_add(idled);
        account.guest_idle_ticks = all.into();
    }

    /// `guest_get`: a register of the guest.
    pub(crate) fn guest_get(&mut self, caller: u8, number: u32) -> Result<[u32; 1], Status> {
        let index = self.guest_of(caller, number)?;
        Ok([self.guests[index].registers.numbered(number)])
    }

    /// `guest_set`: the same, the other way.
    pub(crate) fn guest_set(&mut self, caller: u8, number: u32, value: u32) -> Result<(), Status> {
        let index = self.guest_of(caller, number)?;
        self.guests[index].registers.set_numbered(number, value);
        Ok(())
    }

    fn guest_of(&self, caller: u8, number: u32) -> Result<u8, Status> {
        if !self.has_guest(caller) {
            return Err(Status::NoCapability);
        }
        if number >= guest::number::COUNT {
            return Err(Status::Invalid);
        }
        Ok(self.partitions[caller].guest)
    }
}
