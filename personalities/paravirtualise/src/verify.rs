//! A second look at a result, which shares no decoder and no encoder with what made it.
//!
//! It holds the rewritten image against the one it was made from: a word differs where the list says so, and nowhere else; each word in
//! place of an instruction means what that did; each stub, carried out, changes the machine state as its instruction did and nothing else, and
//! comes back behind it; what is still privileged is in the list as left.

use std::collections::BTreeMap;
use std::ops::Range;

use cofferdam_abi::guest::{self, stub as layout};

use crate::kernel::Kernel;
use crate::list::{Rewritten, Site, What};

/// An error's text, of this site.
fn wrong(site: &Site, what: &str) -> String {
    format!("{:#010x}, {}: {what}", site.address, site.symbol)
}

/// Whether a result is right.
pub(crate) fn verify(kernel: &Kernel, rewritten: &Rewritten) -> Result<(), String> {
    let sections: Vec<_> = kernel
        .code
        .iter()
        .map(|one| one.addresses.clone())
        .collect();
    let check = Check {
        before: &kernel.image,
        linear: kernel.linear,
        rewritten,
    };
    check.places()?;
    check.words()?;
    check.privileged(&sections)?;
    check.stubs()
}

struct Check<'a> {
    before: &'a [u8],
    linear: u32,
    rewritten: &'a Rewritten,
}

impl Check<'_> {
    /// Carries out the stub of an `mtmsr`. It traps unless the new state has interrupts disabled and is else the old one, and what
    /// the kernel looks for around the trap is there.
    fn effect_on_state(&self, site: &Site, at: u32) -> Result<(), String> {
        let word = |offset: u32| self.in_image(at + offset).unwrap_or_default();
        let Some(source) = takes_state(site.before) else {
            return Err(wrong(site, "no stub stands in for that"));
        };
        let patterns = (0..32).map(|bit| 1 << bit);
        let patterns: Vec<u32> = patterns
            .chain([0, u32::MAX, !0x8000, 0x0002_1000])
            .collect();
        for &state in &patterns {
            for &taken in &patterns {
                let mut start = Machine::new(state, at);
                start.registers[source] = taken;
                let mut machine = start.clone();
                for step in 0..layout::STATE_BYTES / 4 {
                    let here = machine.pc.wrapping_sub(at);
                    if machine.trapped {
                        break;
                    }
                    if here != 4 * step || !machine.step(word(here)) {
                        return Err(wrong(site, "its stub is none for that instruction"));
                    }
                }
                let other = layout::STATE_MATTERS & !0x8000;
                let simple = taken & 0x8000 == 0 && (state ^ taken) & other == 0;
                if machine.trapped == simple {
                    return Err(wrong(site, "its stub traps in the wrong case"));
                }
                if machine.trapped {
                    let (insert, load) = (word(layout::STATE_SOURCE), word(layout::STATE_RESTORE));
                    let named = machine.pc == at + layout::STATE_TRAP
                        && (insert >> 21 & 31) as usize == source
                        && machine.registers[source] == taken;
                    machine.trapped = false;
                    machine.page[(guest::MSR / 4) as usize] = taken;
                    machine.pc = at + layout::STATE_RESTORE;
                    let rest =
                        named && machine.step(load) && machine.step(word(layout::STATE_BRANCH));
                    if !rest {
                        return Err(wrong(site, "its stub traps in the wrong place"));
                    }
                }
                let mut expected = start.clone();
                expected.pc = site.address + 4;
                expected.page[(guest::MSR / 4) as usize] = taken;
                let scratch = (guest::SCRATCH / 4) as usize;
                expected.page[scratch] = machine.page[scratch];
                if machine != expected {
                    return Err(wrong(site, "its stub does not do what the instruction did"));
                }
            }
        }
        Ok(())
    }

    fn in_image(&self, address: u32) -> Option<u32> {
        self.at(&self.rewritten.image, address)
    }

    fn at(&self, image: &[u8], address: u32) -> Option<u32> {
        let offset = address.checked_sub(self.linear)? as usize;
        let bytes = image.get(offset..offset.checked_add(4)?)?;
        Some(
            bytes
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte)),
        )
    }

    /// The stubs are where the result says.
    fn places(&self) -> Result<(), String> {
        let paravirtual = &self.rewritten.paravirtual;
        let Range { start, end } = self.rewritten.reserved;
        let size = self.rewritten.image.len();
        let holds = paravirtual.linear == self.linear
            && start as usize == self.before.len()
            && end as usize == size
            && (start | end) & 0xfff == 0
            && paravirtual.stubs == self.linear + start
            && paravirtual.stubs <= paravirtual.enabling_stubs
            && paravirtual
                .enabling_stubs
                .is_multiple_of(layout::ENABLING_BYTES)
            && paravirtual.enabling_stubs <= paravirtual.stubs_end
            && paravirtual.stubs_end <= self.linear + end;
        holds
            .then_some(())
            .ok_or_else(|| "the stubs are not where they should be".to_owned())
    }

    /// Each site is what the list says, and nothing else changed.
    fn words(&self) -> Result<(), String> {
        let mut sites = self.rewritten.sites.iter().peekable();
        for offset in (0..self.before.len() as u32).step_by(4) {
            let address = self.linear + offset;
            let before = self.at(self.before, address);
            let after = self.in_image(address);
            match sites.next_if(|site| site.address == address) {
                Some(site) => {
                    if before != Some(site.before) || after != Some(site.after) {
                        return Err(wrong(site, "the list says something else"));
                    }
                    self.means_the_same(site)?;
                }
                None if before == after => {}
                None => return Err(format!("{address:#010x} is another word, and in no list")),
            }
        }
        match sites.next() {
            Some(site) => Err(wrong(site, "it is out of order")),
            None => Ok(()),
        }
    }

    fn means_the_same(&self, site: &Site) -> Result<(), String> {
        let (before, after) = (site.before, site.after);
        let same = match &site.what {
            What::Left { .. } => before == after,
            // mfmsr, mfspr; lwz.
            What::Load => match moved(before) {
                Some(Move {
                    write: false,
                    number,
                    register,
                }) => {
                    (number == 0 || is_storable(number) || is_loadable(number))
                        && after >> 26 == 32
                        && page_access(after) == Some((register, number))
                }
                _ => false,
            },
            // mtspr; stw.
            What::Store => match moved(before) {
                Some(Move {
                    write: true,
                    number,
                    register,
                }) => {
                    is_storable(number)
                        && after >> 26 == 36
                        && page_access(after) == Some((register, number))
                }
                _ => false,
            },
            // tlbsync, or mtspr BUCSR.
            What::Nop => {
                let flushes = moved(before)
                    .is_some_and(|moved| moved.write && moved.number == guest::spr::BUCSR);
                (before == 0x7c00_046c || flushes) && after == 0x6000_0000
            }
            What::Return => before == 0x4c00_0064 && after == layout::RETURN,
            What::Stub { at } => {
                let stubs = &self.rewritten.paravirtual;
                (stubs.stubs..stubs.stubs_end).contains(at)
                    && led_to(site.address, after) == Some(*at)
            }
        };
        same.then_some(())
            .ok_or_else(|| wrong(site, "what stands there does not mean the same"))
    }

    /// What looks privileged in the result is in the list as left.
    fn privileged(&self, sections: &[Range<u32>]) -> Result<(), String> {
        let left: BTreeMap<u32, &Site> = self
            .rewritten
            .sites
            .iter()
            .filter(|site| matches!(site.what, What::Left { .. }))
            .map(|site| (site.address, site))
            .collect();
        for address in sections.iter().cloned().flat_map(|all| all.step_by(4)) {
            let word = self.in_image(address).unwrap_or_default();
            if looks_privileged(word) && !left.contains_key(&address) {
                return Err(format!("{address:#010x} is privileged, and in no list"));
            }
        }
        Ok(())
    }

    /// Each stub belongs to one site and does what its instruction did; nothing is between them but zeros.
    fn stubs(&self) -> Result<(), String> {
        let mut used = vec![false; self.rewritten.image.len() - self.before.len()];
        let stubs = &self.rewritten.paravirtual;
        for site in &self.rewritten.sites {
            let What::Stub { at } = site.what else {
                continue;
            };
            let states = takes_state(site.before).is_some();
            let enables = site.before != 0x7c00_0146 && !states;
            let first = stubs.stubs..stubs.enabling_stubs;
            let (bytes, place) = match (enables, states) {
                (true, _) => (
                    layout::ENABLING_BYTES,
                    stubs.enabling_stubs..stubs.stubs_end,
                ),
                (false, true) => (layout::STATE_BYTES, first),
                (false, false) => (24, first),
            };
            let aligned = !enables || at.is_multiple_of(layout::ENABLING_BYTES);
            if !aligned || !place.contains(&at) || !place.contains(&(at + bytes - 1)) {
                return Err(wrong(site, "its stub is in the wrong place"));
            }
            let first = (at - stubs.stubs) as usize;
            for byte in &mut used[first..first + bytes as usize] {
                if std::mem::replace(byte, true) {
                    return Err(wrong(site, "its stub is another's too"));
                }
            }
            if states {
                self.effect_on_state(site, at)?;
            } else {
                self.effect(site, at, bytes, enables)?;
            }
        }
        let behind = self.rewritten.image.iter().skip(self.before.len());
        if behind.zip(used).any(|(byte, used)| !used && *byte != 0) {
            return Err("there is something between the stubs".to_owned());
        }
        Ok(())
    }

    /// Carries a stub out from several states. What it does to a register, it does to each bit by itself, so that all ones and all
    /// zeros stand for everything.
    fn effect(&self, site: &Site, at: u32, bytes: u32, enables: bool) -> Result<(), String> {
        let word = |offset: u32| self.in_image(at + offset).unwrap_or_default();
        for state in [0, u32::MAX, 0x8000, !0x8000, 0x5555_5555] {
            for taken in [0, u32::MAX, 0x8000, !0x8000] {
                let mut start = Machine::new(state, at);
                let bit = match site.before {
                    0x7c00_0146 => 0,
                    0x7c00_8146 => 0x8000,
                    other if other & !0x03e0_0000 == 0x7c00_0106 => {
                        start.registers[(other >> 21 & 31) as usize] = taken;
                        taken & 0x8000
                    }
                    _ => return Err(wrong(site, "no stub stands in for that")),
                };
                for asks in [0, 1, u32::MAX] {
                    if asks != 0 && !enables {
                        continue;
                    }
                    start.page[(guest::ASKS / 4) as usize] = asks;
                    let mut machine = start.clone();
                    let mut steps = 0;
                    while (at..at + bytes).contains(&machine.pc) && !machine.trapped {
                        steps += 1;
                        let here = machine.pc - at;
                        if steps > bytes / 4 || !machine.step(word(here)) {
                            return Err(wrong(
                                site,
                                "its stub has an instruction that is none of a stub's",
                            ));
                        }
                    }
                    // What the kernel does where a stub traps: the rest of it.
                    if machine.trapped {
                        let there = machine.pc == at + layout::TRAP && asks != 0;
                        machine.trapped = false;
                        machine.pc = at + layout::RESTORE;
                        let rest = there
                            && machine.step(word(layout::RESTORE))
                            && machine.pc == at + layout::BRANCH
                            && machine.step(word(layout::BRANCH));
                        if !rest {
                            return Err(wrong(site, "its stub traps in the wrong place"));
                        }
                    } else if asks != 0 {
                        return Err(wrong(
                            site,
                            "its stub does not look whether something waits",
                        ));
                    }
                    let mut expected = start.clone();
                    expected.pc = site.address + 4;
                    expected.page[(guest::MSR / 4) as usize] = state & !0x8000 | bit;
                    let scratch = (guest::SCRATCH / 4) as usize;
                    expected.page[scratch] = machine.page[scratch];
                    if machine != expected {
                        return Err(wrong(site, "its stub does not do what the instruction did"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The register from which `mtmsr` takes the machine state.
fn takes_state(word: u32) -> Option<usize> {
    (word & !0x03e0_0000 == 0x7c00_0124).then_some((word >> 21 & 31) as usize)
}

/// A move of a register that is a word of the page: of the machine state register, number 0, or of a special-purpose one.
struct Move {
    write: bool,
    number: u32,
    register: u32,
}

fn moved(word: u32) -> Option<Move> {
    let register = word >> 21 & 31;
    let halves = word >> 11 & 0x3ff;
    let number = halves >> 5 | (halves & 31) << 5;
    match word & 0xfc00_07ff {
        0x7c00_00a6 if number == 0 => Some((false, 0)),
        0x7c00_02a6 if number & 0x10 != 0 => Some((false, number)),
        0x7c00_03a6 if number & 0x10 != 0 => Some((true, number)),
        _ => None,
    }
    .map(|(write, number)| Move {
        write,
        number,
        register,
    })
}

/// Special-purpose registers that keep what is written and do nothing else, by number (e500 core reference manual, table 2-1).
fn is_storable(number: u32) -> bool {
    matches!(
        number,
        // SRR0 and SRR1, CSRR0 and CSRR1, DEAR, ESR, IVPR.
        26 | 27 | 58 | 59 | 61 | 62 | 63
        // SPRG0 to SPRG9.
        | 272..=279 | 604 | 605
        // DBCR0 to DBCR2, IAC1 to IAC4, DAC1 and DAC2, which watch nothing in a guest.
        | 308..=317
        // IVOR0 to IVOR15, IVOR32 to IVOR35.
        | 400..=415 | 528..=531
        // MCSRR0 and MCSRR1, MAS0 to MAS4, MAS6, MAS7, HID0 and HID1.
        | 570 | 571 | 624..=628 | 630 | 944 | 1008 | 1009
    )
}

/// Those besides whose word of the page is always what a read gives: not the decrementer, which runs.
fn is_loadable(number: u32) -> bool {
    matches!(
        number,
        // PID, PIR, PVR, DBSR, TSR, TCR, MCSR, TLB0CFG and TLB1CFG.
        48 | 286 | 287 | 304 | 336 | 340 | 572 | 688 | 689
        // L1CSR0, L1CSR1, MMUCSR0, BUCSR, MMUCFG, SVR.
        | 1010..=1013 | 1015 | 1023
    )
}

/// The register and the number of the special-purpose register, of an access to the register page without a base.
fn page_access(word: u32) -> Option<(u32, u32)> {
    let address = i64::from(word as u16 as i16) as u32;
    let within = address.checked_sub(guest::PAGE)?;
    (word >> 16 & 31 == 0 && within & 3 == 0).then_some((word >> 21 & 31, within / 4))
}

/// Where a branch without condition and link leads that counts from itself.
fn led_to(address: u32, word: u32) -> Option<u32> {
    let distance = (word as i32) << 6 >> 6;
    (word >> 26 == 18 && word & 3 == 0).then(|| address.wrapping_add_signed(distance))
}

/// Whether a word is privileged as an instruction.
fn looks_privileged(word: u32) -> bool {
    match word >> 26 {
        19 => matches!(word >> 1 & 0x3ff, 38 | 39 | 50 | 51),
        31 => match word >> 1 & 0x3ff {
            // mfspr, mtspr: this bit of the number.
            339 | 467 => word & 0x0010_0000 != 0,
            18 | 83 | 131 | 134 | 146 | 163 | 166 | 230 | 334 | 390 | 462 | 470 | 486 | 566 => true,
            786 | 914 | 946 | 978 => true,
            _ => false,
        },
        _ => false,
    }
}

/// The words of the register page up to those that belong to no register.
const PAGE_WORDS: usize = 5;

/// As much of a machine as a stub needs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Machine {
    registers: [u32; 32],
    /// The words of the register page that a stub may know.
    page: [u32; PAGE_WORDS],
    pc: u32,
    trapped: bool,
}

impl Machine {
    fn new(state: u32, pc: u32) -> Self {
        let mut registers = [0; 32];
        for (number, register) in (0_u32..).zip(&mut registers) {
            *register = 0x1357_9bdf_u32.rotate_left(number) ^ number;
        }
        let mut page = [0xdead_beef; PAGE_WORDS];
        page[(guest::MSR / 4) as usize] = state;
        Self {
            registers,
            page,
            pc,
            trapped: false,
        }
    }

    /// Carries out one instruction; false: a stub has none such.
    fn step(&mut self, word: u32) -> bool {
        let target = (word >> 21 & 31) as usize;
        let source = (word >> 16 & 31) as usize;
        match word >> 26 {
            32 | 36 => {
                let Some((_, number)) = page_access(word) else {
                    return false;
                };
                let Some(place) = self.page.get_mut(number as usize) else {
                    return false;
                };
                if word >> 26 == 32 {
                    self.registers[target] = *place;
                } else {
                    *place = self.registers[target];
                }
            }
            // rlwimi, rlwinm, without a rotation and without touching the conditions.
            20 | 21 if word & 0xf801 == 0 => {
                let (first, last) = (word >> 6 & 31, word >> 1 & 31);
                let from = u32::MAX >> first;
                let to = u32::MAX << (31 - last);
                let mask = if first <= last { from & to } else { from | to };
                let kept = if word >> 26 == 20 { !mask } else { 0 };
                self.registers[source] =
                    self.registers[source] & kept | self.registers[target] & mask;
            }
            // xor, without touching the conditions.
            31 if word & 0x7ff == 0x278 => {
                let other = (word >> 11 & 31) as usize;
                self.registers[source] = self.registers[target] ^ self.registers[other];
            }
            // ori.
            24 => self.registers[source] = self.registers[target] | word & 0xffff,
            // twi, if not equal to 0.
            3 if word & 0x03e0_ffff == 0x0300_0000 => {
                self.trapped = self.registers[source] != 0;
                if self.trapped {
                    return true;
                }
            }
            18 => {
                return match led_to(self.pc, word) {
                    Some(there) => {
                        self.pc = there;
                        true
                    }
                    None => false,
                };
            }
            _ => return false,
        }
        self.pc += 4;
        true
    }
}
