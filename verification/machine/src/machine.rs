//! Hardware made of vectors.

use std::collections::{BTreeMap, BTreeSet};

use cofferdam_abi::guest::number;
use cofferdam_abi::record::CrashRecord;
use cofferdam_abi::space;
use cofferdam_core::{Found, Levels, Machine, Registers};
use cofferdam_tables::{Bus, Guest, Interrupt, Region, TlbWrite, mas};

/// The registers of a vCPU, as far as anything here looks at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeRegisters {
    /// r0 to r31.
    pub gpr: [u32; 32],
    /// CR, XER and CTR.
    pub others: [u32; 3],
    /// What its accesses match, of a guest.
    pub tags: [u8; 3],
    /// All that the entry code would know of a guest.
    pub levels: Levels,
    /// The next instruction.
    pub pc: u32,
    /// LR.
    pub link: u32,
    /// The last hypercall has no status yet: the caller is blocked.
    pub unanswered: bool,
}

impl Registers for FakeRegisters {
    fn token(&self) -> u32 {
        self.gpr[11]
    }
    fn argument(&self, index: usize) -> u32 {
        self.gpr[3 + index]
    }
    fn set_result(&mut self, index: usize, value: u32) {
        self.gpr[3 + index] = value;
        self.unanswered &= index != 0;
    }
    fn pc(&self) -> u32 {
        self.pc
    }
    fn set_pc(&mut self, pc: u32) {
        self.pc = pc;
    }
    fn link(&self) -> u32 {
        self.link
    }
    fn stack_pointer(&self) -> u32 {
        self.gpr[1]
    }
    fn start(&mut self, entry: u32, stack_top: u32, _pid: u8) {
        *self = Self::default();
        (self.pc, self.gpr[1]) = (entry, stack_top);
    }
    fn numbered(&self, register: u32) -> u32 {
        match register {
            number::PC => self.pc,
            number::LR => self.link,
            number::CR | number::XER | number::CTR => self.others[register as usize - 33],
            general => self.gpr[general as usize],
        }
    }
    fn set_numbered(&mut self, register: u32, value: u32) {
        match register {
            number::PC => self.pc = value,
            number::LR => self.link = value,
            number::CR | number::XER | number::CTR => self.others[register as usize - 33] = value,
            general => self.gpr[general as usize] = value,
        }
    }
    fn at_user_level(&self) -> bool {
        self.levels.at_user_level
    }
    fn describe(&self, crash: &mut CrashRecord) {
        for (place, value) in crash.gpr.iter_mut().zip(self.gpr) {
            *place = value.into();
        }
        crash.lr = self.link.into();
    }
}

/// By what the kernel changed memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// A word.
    Word,
    /// The target of a copy.
    Copy,
    /// Clearing.
    Clear,
}

/// A change that the kernel made to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// By what.
    pub kind: WriteKind,
    /// The physical address.
    pub physical: u32,
    /// In bytes.
    pub length: u32,
    /// Where it was copied from.
    pub from: Option<u32>,
}

/// The hardware.
pub struct FakeMachine {
    /// The timebase.
    pub now: u64,
    /// How much the timebase advances each time that the kernel reads it: what kernel code costs.
    pub cost: u64,
    /// How often the array that is refilled on a miss was emptied.
    pub emptied: u32,
    /// When the timer fires, if it was asked to.
    pub timer: Option<u64>,
    /// RAM from [`space::kernel::END`] on.
    pub ram: Vec<u8>,
    /// Every change of RAM by the kernel, until a test takes them.
    pub writes: Vec<Write>,
    /// The ticks for which the kernel waited, and what the timebase was when it went on.
    pub waits: Vec<(u64, u64)>,
    /// Writes to TLB1, and of pages of guests to TLB0.
    pub tlb_writes: Vec<TlbWrite>,
    /// What guests have in TLB0: by set and way.
    pub small: Vec<Option<TlbWrite>>,
    /// Refills: PID and effective page.
    pub refills: Vec<(u8, u32)>,
    /// The bus, once the kernel has taken it over.
    pub bus: Option<Bus>,
    /// The words of configuration space that are not 0, by function and register.
    pub bus_words: BTreeMap<(u8, u8), u32>,
    /// Every word that the kernel wrote there since a test took them.
    pub bus_writes: Vec<(u8, u8, u32)>,
    /// The device interrupts that are let through, by their index in the configuration.
    pub enabled: BTreeSet<u8>,
    /// The device interrupts that ask. An edge goes when it is claimed, a level stays.
    pub asking: BTreeSet<u8>,
    /// What the kernel was told of each device interrupt.
    pub configured: Vec<Interrupt>,
    /// How often the board was reset.
    pub resets: u32,
}

impl FakeMachine {
    /// A machine with so much RAM for partitions.
    pub fn new(ram_bytes: usize) -> Self {
        Self {
            now: 1000,
            cost: 0,
            emptied: 0,
            timer: None,
            ram: vec![0xa5; ram_bytes],
            writes: Vec::new(),
            waits: Vec::new(),
            tlb_writes: Vec::new(),
            small: vec![None; 512],
            refills: Vec::new(),
            enabled: BTreeSet::new(),
            asking: BTreeSet::new(),
            configured: Vec::new(),
            bus: None,
            bus_words: BTreeMap::new(),
            bus_writes: Vec::new(),
            resets: 0,
        }
    }

    fn place(physical: u32) -> usize {
        assert!(
            physical >= space::kernel::END,
            "the kernel's own memory: {physical:#x}"
        );
        (physical - space::kernel::END) as usize
    }

    /// Some of RAM.
    pub fn bytes(&self, physical: u32, length: u32) -> &[u8] {
        let start = Self::place(physical);
        &self.ram[start..start + length as usize]
    }

    /// Some of RAM, to change it as a partition or a device would.
    pub fn bytes_mut(&mut self, physical: u32, length: u32) -> &mut [u8] {
        let start = Self::place(physical);
        &mut self.ram[start..start + length as usize]
    }

    fn log(&mut self, kind: WriteKind, physical: u32, length: u32) {
        self.writes.push(Write {
            kind,
            physical,
            length,
            from: None,
        });
    }

    /// Whether the timer asks.
    pub fn timer_is_due(&self) -> bool {
        self.timer.is_some_and(|at| at <= self.now)
    }

    /// Whether a device asks that is let through.
    pub fn device_is_due(&self) -> bool {
        !self.asking.is_disjoint(&self.enabled)
    }
}

impl Machine for FakeMachine {
    type Registers = FakeRegisters;

    fn now(&mut self) -> u64 {
        self.now += self.cost;
        self.now
    }

    fn now_lower(&mut self) -> u32 {
        self.now() as u32
    }

    fn set_timer(&mut self, ticks: u32) {
        self.timer = Some(self.now + u64::from(ticks));
    }

    fn wait_until(&mut self, at: u32, ahead: u32, shot: u32) -> u32 {
        let distance = i64::from(at.wrapping_sub(self.now as u32) as i32);
        // Late by more than that is late all the same.
        let distance = if ahead == 0 && distance > 0 {
            distance - (1 << 32)
        } else {
            distance
        };
        let at = self.now.wrapping_add_signed(distance);
        self.now = self.now.max(at);
        self.waits.push((at, self.now));
        self.timer = Some((at + u64::from(shot)).max(self.now + 1));
        (self.now - at) as u32
    }

    fn read_word(&self, physical: u32) -> u32 {
        assert_eq!(physical % 4, 0, "a word at {physical:#x}");
        u32::from_be_bytes(self.bytes(physical, 4).try_into().unwrap())
    }

    fn write_word(&mut self, physical: u32, value: u32) {
        assert_eq!(physical % 4, 0, "a word at {physical:#x}");
        self.log(WriteKind::Word, physical, 4);
        self.bytes_mut(physical, 4)
            .copy_from_slice(&value.to_be_bytes());
    }

    fn copy(&mut self, from: u32, to: u32, length: u32) {
        assert!(
            from.is_multiple_of(4) && to.is_multiple_of(4),
            "copy {from:#x} to {to:#x}"
        );
        assert!(
            from + length <= to || to + length <= from,
            "copy {from:#x} to {to:#x} of {length} overlaps"
        );
        self.writes.push(Write {
            kind: WriteKind::Copy,
            physical: to,
            length,
            from: Some(from),
        });
        let bytes = self.bytes(from, length).to_vec();
        self.bytes_mut(to, length).copy_from_slice(&bytes);
    }

    fn clear(&mut self, physical: u32, length: u32) {
        assert!(physical.is_multiple_of(4) && length.is_multiple_of(4));
        self.log(WriteKind::Clear, physical, length);
        self.bytes_mut(physical, length).fill(0);
    }

    fn write_tlb(&mut self, writes: &[TlbWrite]) {
        self.tlb_writes.extend_from_slice(writes);
        for write in writes.iter().filter(|one| one.mas0 & mas::MAS0_TLB1 == 0) {
            let place = (write.mas2 >> 12 & 127) * 4 + (write.mas0 >> 16 & 3);
            let valid = write.mas1 & mas::MAS1_VALID != 0;
            self.small[place as usize] = valid.then_some(*write);
        }
    }

    fn begin_guest(&mut self, _: &mut FakeRegisters, _: &Guest) {}

    fn set_levels(&mut self, registers: &mut FakeRegisters, levels: &Levels) {
        registers.levels = *levels;
        registers.tags = if levels.at_user_level {
            [levels.process, levels.user, 0]
        } else {
            [levels.process, levels.large, levels.kernel]
        };
    }

    fn empty_pages(&mut self) {
        self.emptied += 1;
        self.small.fill(None);
    }

    fn forget_page(&mut self, effective: u32) {
        for page in &mut self.small {
            page.take_if(|page| (page.mas2 ^ effective) & !0xfff == 0);
        }
    }

    fn find_page(&mut self, tag: u8, effective: u32) -> Option<Found> {
        let set = (effective >> 12 & 127) as usize * 4;
        (0..4).find_map(|way| {
            let page = self.small[set + way].as_ref()?;
            let matches =
                (page.mas2 ^ effective) & !0xfff == 0 && (page.mas1 >> 16 & 0xff) as u8 == tag;
            matches.then_some(Found {
                way: way as u8,
                mas3: page.mas3,
            })
        })
    }

    fn refill(&mut self, pid: u8, effective: u32, region: &Region) {
        assert!(effective.wrapping_sub(region.effective) < region.length);
        self.refills.push((pid, effective & !0xfff));
    }

    fn set_interrupt(&mut self, index: u8, source: u16, enabled: bool) {
        assert_eq!(self.configured[usize::from(index)].source, source);
        if enabled {
            self.enabled.insert(index);
        } else {
            self.enabled.remove(&index);
        }
    }

    fn configure_interrupt(&mut self, index: u8, interrupt: &Interrupt) {
        assert_eq!(usize::from(index), self.configured.len());
        self.configured.push(*interrupt);
    }

    fn claim_interrupt(&mut self) -> Option<u8> {
        let index = self.asking.intersection(&self.enabled).next().copied()?;
        if !self.configured[usize::from(index)].level {
            self.asking.remove(&index);
        }
        Some(index)
    }

    fn end_interrupt(&mut self) {}

    fn open_bus(&mut self, bus: &Bus) {
        self.bus = Some(*bus);
    }

    fn read_bus(&mut self, function: u8, register: u8) -> u32 {
        let word = self.bus_words.get(&(function, register));
        word.copied().unwrap_or_default()
    }

    fn write_bus(&mut self, function: u8, register: u8, value: u32) {
        self.bus_words.insert((function, register), value);
        self.bus_writes.push((function, register, value));
    }

    fn reset(&mut self) {
        self.resets += 1;
    }
}
