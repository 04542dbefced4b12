//! The interrupt controller of a guest: an MPIC 4.2 for one processor, with external proxy.
//!
//! Freescale's extension of OpenPIC (MPC8548E reference manual, chapter 10; version 4 in the P2020's): 256 sources, each with a
//! vector, a priority, a mask, and a sense. The processor is interrupted while some source asks that has a higher priority than the
//! task (CTPR) and than whatever is in service. It then learns the vector, which puts that source in service, and
//! ends the service later (EOI), innermost first.
//!
//! With external proxy, the processor has the vector in its register EPR when it enters its handler; a guest comes to the
//! same by its read of EPR, and nothing is acknowledged before it wants to know. The inter-processor
//! interrupts and the timers are registers that hold what was written: there is no second processor, and the
//! guest's clock is its decrementer.

const SOURCES: usize = 256;
/// Words of a set of sources.
const SET_WORDS: usize = SOURCES / 32;

// Vector and priority registers.
const VPR_MASKED: u32 = 0x8000_0000;
/// Read-only: the source asks, or is in service.
const VPR_ACTIVE: u32 = 0x4000_0000;
const VPR_LEVEL: u32 = 0x0040_0000;
const VPR_VECTOR: u32 = 0xffff;
/// Mask, polarity, sense, priority, vector.
const VPR_KEPT: u32 = 0x80cf_ffff;

/// Destination registers: the first processor.
const TO_PROCESSOR_0: u32 = 1;

const GCR_RESET: u32 = 0x8000_0000;
const PRIORITY_BITS: u32 = 0xf;

/// BRR1: what this is, and version 4.2. From 4.0 on Linux reads EPR.
const BLOCK_REVISION: u32 = 0x0040_0402;
/// FRR: the last source, one processor, OpenPIC 1.2.
const FEATURES: u32 = (SOURCES as u32 - 1) << 16 | 2;

/// Registers by offset. They are words, 16 bytes apart.
mod at {
    pub const BLOCK_REVISION: u32 = 0;
    pub const FEATURES: u32 = 0x1000;
    pub const GLOBAL: u32 = 0x1020;
    pub const SPURIOUS: u32 = 0x10e0;
    /// The calling processor's registers stand here, and again with those of all processors.
    pub const PROCESSOR: u32 = 0;
    pub const PROCESSOR_0: u32 = 0x2_0000;
    pub const TASK_PRIORITY: u32 = 0x80;
    pub const WHO_AM_I: u32 = 0x90;
    pub const ACKNOWLEDGE: u32 = 0xa0;
    pub const END: u32 = 0xb0;
    pub const SOURCES: u32 = 0x1_0000;
    pub const SOURCES_END: u32 = SOURCES + 0x20 * super::SOURCES as u32;
}

/// Where a processor says that it has served an interrupt, as Linux does it: among the registers of all processors.
pub const END_OF_INTERRUPT: u32 = at::PROCESSOR_0 + at::END;

/// A register that holds what was written and does nothing.
#[derive(Clone, Copy, Debug)]
struct Storage {
    offset: u32,
    reset: u32,
}

/// The first of four registers, so far apart.
const fn four(first: u32, distance: u32, reset: u32) -> [Storage; 4] {
    let mut registers = [Storage { offset: 0, reset }; 4];
    let mut number = 0;
    while number < registers.len() {
        registers[number].offset = first + number as u32 * distance;
        number += 1;
    }
    registers
}

/// Inter-processor interrupts: vector and priority. Timers, two groups of four: base count, vector and priority, destination. The
/// mask of the error interrupts.
const STORAGE: [[Storage; 4]; 8] = [
    four(0x10a0, 0x10, VPR_MASKED),
    four(0x1110, 0x40, 0),
    four(0x1120, 0x40, VPR_MASKED),
    four(0x1130, 0x40, TO_PROCESSOR_0),
    four(0x2110, 0x40, 0),
    four(0x2120, 0x40, VPR_MASKED),
    four(0x2130, 0x40, TO_PROCESSOR_0),
    four(0x3910, 0x10, u32::MAX),
];

/// A set of sources: words of them, and which of those are not 0. Most are.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    words: [u32; SET_WORDS],
    some: u32,
}

impl Set {
    const FULL: Self = Self {
        words: [u32::MAX; SET_WORDS],
        some: (1 << SET_WORDS) - 1,
    };

    fn has(&self, source: u8) -> bool {
        self.words[usize::from(source / 32)] & 1 << (source % 32) != 0
    }

    fn put(&mut self, source: u8, member: bool) {
        let place = source / 32;
        let word = &mut self.words[usize::from(place)];
        let bit = 1 << (source % 32);
        *word = if member { *word | bit } else { *word & !bit };
        self.some = self.some & !(1 << place) | u32::from(*word != 0) << place;
    }
}

/// The controller.
#[derive(Debug)]
pub struct Mpic {
    global: u32,
    spurious: u32,
    task_priority: u32,
    priorities: [u32; SOURCES],
    /// Those that are masked.
    masked: Set,
    /// Those that are not for this processor.
    elsewhere: Set,
    /// Whose input is asserted.
    inputs: Set,
    /// Who was asserted, with edge sense, and not acknowledged since.
    edges: Set,
    in_service: Set,
    storage: [[u32; 4]; STORAGE.len()],
    /// Which source asks; `None`: something has changed since that was found out.
    asks: Option<Option<u8>>,
}

impl Mpic {
    /// As it is after a reset, no input asserted.
    pub fn new() -> Self {
        Self {
            global: 0,
            spurious: VPR_VECTOR,
            task_priority: PRIORITY_BITS,
            priorities: [VPR_MASKED; SOURCES],
            masked: Set::FULL,
            elsewhere: Set::default(),
            inputs: Set::default(),
            edges: Set::default(),
            in_service: Set::default(),
            storage: STORAGE.map(|four| four.map(|register| register.reset)),
            asks: None,
        }
    }

    /// A device asserts its interrupt, or no longer does.
    pub fn set_input(&mut self, source: u8, asserted: bool) {
        if asserted == self.inputs.has(source) {
            return;
        }
        self.asks = None;
        if asserted {
            self.edges.put(source, true);
        }
        self.inputs.put(source, asserted);
    }

    /// If it interrupts the processor: the vector that an acknowledgement would give. It is asked before each run of the guest.
    pub fn asks(&mut self) -> Option<u32> {
        self.asking().map(|source| self.vector(source))
    }

    /// The source that interrupts the processor.
    fn asking(&mut self) -> Option<u8> {
        if let Some(known) = self.asks {
            return known;
        }
        let source = self.next(None);
        self.asks = Some(source);
        source
    }

    /// The source that the processor serves, or will when it takes the interrupt.
    pub fn at_hand(&mut self) -> Option<u8> {
        self.asking().or_else(|| self.served(None))
    }

    /// Whether nobody would ask once this source has been served and its input is no longer asserted. An edge that came meanwhile asks.
    pub fn is_last(&self, source: u8) -> bool {
        let is_edge = self.priorities[usize::from(source)] & VPR_LEVEL == 0;
        !is_edge && self.next(Some(source)).is_none()
    }

    fn vector(&self, source: u8) -> u32 {
        self.priorities[usize::from(source)] & VPR_VECTOR
    }

    /// The processor wants to know which interrupt it is: the vector. The source is in service from then on.
    pub fn acknowledge(&mut self) -> u32 {
        self.asks = None;
        let Some(source) = self.next(None) else {
            return self.spurious;
        };
        self.edges.put(source, false);
        self.in_service.put(source, true);
        self.vector(source)
    }

    /// The processor has served the interrupt of the highest priority.
    pub fn end(&mut self) {
        self.asks = None;
        if let Some(source) = self.served(None) {
            self.in_service.put(source, false);
        }
    }

    /// The source that would interrupt, if it were not for one.
    fn next(&self, but: Option<u8>) -> Option<u8> {
        let mut best = None;
        let mut places = self.inputs.some | self.edges.some;
        while places != 0 {
            let place = places.trailing_zeros() as usize % SET_WORDS;
            places &= places - 1;
            let asking = self.inputs.words[place] | self.edges.words[place];
            let here = asking & !(self.elsewhere.words[place] | self.masked.words[place]);
            best = self.highest(best, place, here, |source| {
                self.is_pending(source) && Some(source) != but
            });
        }
        let source = best?;
        let served = self.served(but);
        let threshold = served
            .map_or(0, |served| self.priority(served))
            .max(self.task_priority);
        (self.priority(source) > threshold).then_some(source)
    }

    fn is_pending(&self, source: u8) -> bool {
        if self.priorities[usize::from(source)] & VPR_LEVEL != 0 {
            self.inputs.has(source)
        } else {
            self.edges.has(source)
        }
    }

    fn priority(&self, source: u8) -> u32 {
        self.priorities[usize::from(source)] >> 16 & PRIORITY_BITS
    }

    /// The one in service that has the highest priority, if it were not for one.
    fn served(&self, but: Option<u8>) -> Option<u8> {
        let mut best = None;
        let mut places = self.in_service.some;
        while places != 0 {
            let place = places.trailing_zeros() as usize % SET_WORDS;
            places &= places - 1;
            let here = self.in_service.words[place];
            best = self.highest(best, place, here, |source| Some(source) != but);
        }
        best
    }

    /// The one with the highest priority of `best` and those in a word of a set that are wanted; of several the first.
    fn highest(
        &self,
        mut best: Option<u8>,
        place: usize,
        word: u32,
        wanted: impl Fn(u8) -> bool,
    ) -> Option<u8> {
        let mut left = word;
        while left != 0 {
            let source = (place as u32 * 32 + left.trailing_zeros()) as u8;
            left &= left - 1;
            let higher = |best: u8| self.priority(source) > self.priority(best);
            if wanted(source) && best.is_none_or(higher) {
                best = Some(source);
            }
        }
        best
    }

    /// The guest reads a register; `None` if there is none.
    pub fn read(&mut self, offset: u32) -> Option<u32> {
        if let Some(number) = processor_register(offset) {
            match number {
                at::TASK_PRIORITY => return Some(self.task_priority),
                at::WHO_AM_I => return Some(0),
                at::ACKNOWLEDGE => return Some(self.acknowledge()),
                _ => {}
            }
        }
        match offset {
            at::BLOCK_REVISION => return Some(BLOCK_REVISION),
            at::FEATURES => return Some(FEATURES),
            at::GLOBAL => return Some(self.global),
            at::SPURIOUS => return Some(self.spurious),
            _ => {}
        }
        if let Some((source, destination)) = source_register(offset) {
            return Some(if destination {
                u32::from(!self.elsewhere.has(source)) * TO_PROCESSOR_0
            } else {
                self.priority_register(source)
            });
        }
        stored(offset).map(|(group, number)| self.storage[group][number])
    }

    fn priority_register(&self, source: u8) -> u32 {
        let active = self.is_pending(source) || self.in_service.has(source);
        self.priorities[usize::from(source)] | if active { VPR_ACTIVE } else { 0 }
    }

    /// The guest writes a register; `None` if there is none.
    pub fn write(&mut self, offset: u32, value: u32) -> Option<()> {
        self.asks = None;
        if let Some(number) = processor_register(offset) {
            match number {
                at::TASK_PRIORITY => {
                    self.task_priority = value & PRIORITY_BITS;
                    return Some(());
                }
                at::END => {
                    self.end();
                    return Some(());
                }
                _ => {}
            }
        }
        match offset {
            at::GLOBAL if value & GCR_RESET != 0 => self.reset(),
            at::GLOBAL => self.global = value,
            at::SPURIOUS => self.spurious = value & VPR_VECTOR,
            _ => return self.write_other(offset, value),
        }
        Some(())
    }

    fn write_other(&mut self, offset: u32, value: u32) -> Option<()> {
        if let Some((source, destination)) = source_register(offset) {
            if destination {
                self.elsewhere.put(source, value & TO_PROCESSOR_0 == 0);
            } else {
                self.priorities[usize::from(source)] = value & VPR_KEPT;
                self.masked.put(source, value & VPR_MASKED != 0);
            }
            return Some(());
        }
        let (group, number) = stored(offset)?;
        self.storage[group][number] = value;
        Some(())
    }

    /// Everything but the inputs, which are the devices' to take back. It is over at once, so that the bit reads as 0.
    fn reset(&mut self) {
        let inputs = self.inputs;
        *self = Self::new();
        self.inputs = inputs;
    }
}

impl Default for Mpic {
    fn default() -> Self {
        Self::new()
    }
}

/// Which of a processor's own registers this is.
fn processor_register(offset: u32) -> Option<u32> {
    const FIRST: u32 = at::TASK_PRIORITY;
    const LAST: u32 = at::END;
    [at::PROCESSOR, at::PROCESSOR_0]
        .into_iter()
        .filter_map(|start| offset.checked_sub(start))
        .find(|number| (FIRST..=LAST).contains(number))
}

/// The source whose register this is, and whether it is the destination and not the priority.
fn source_register(offset: u32) -> Option<(u8, bool)> {
    if !(at::SOURCES..at::SOURCES_END).contains(&offset) || !offset.is_multiple_of(0x10) {
        return None;
    }
    let place = offset - at::SOURCES;
    Some(((place / 0x20) as u8, place & 0x10 != 0))
}

/// The place of a register that only holds what was written.
fn stored(offset: u32) -> Option<(usize, usize)> {
    STORAGE.iter().zip(0..).find_map(|(four, group)| {
        let number = four.iter().position(|one| one.offset == offset)?;
        Some((group, number))
    })
}

#[cfg(test)]
mod tests;
