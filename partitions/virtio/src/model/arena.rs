//! Memory that the device reaches.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Memory;

/// Where the device finds the first byte.
pub const ARENA_BUS_ADDRESS: u32 = 0x8000_0000;

/// All memory that devices reach.
#[derive(Clone, Debug)]
pub struct Arena(Rc<RefCell<Vec<u8>>>);

impl Arena {
    /// So many bytes, all zero.
    pub fn new(bytes: u32) -> Self {
        Self(Rc::new(RefCell::new(vec![0; bytes as usize])))
    }

    /// A part of it, as a partition has it.
    ///
    /// # Panics
    /// If it is not within the arena.
    pub fn memory(&self, offset: u32, length: u32) -> ModelMemory {
        assert!((offset + length) as usize <= self.0.borrow().len());
        ModelMemory {
            arena: self.clone(),
            offset,
            length,
        }
    }

    /// The bytes that the device reads there.
    ///
    /// # Panics
    /// If they are not within the arena: a driver named them.
    pub fn read(&self, bus_address: u64, length: usize) -> Vec<u8> {
        let at = self.place(bus_address, length);
        self.0.borrow()[at..at + length].to_vec()
    }

    /// The device writes there.
    ///
    /// # Panics
    /// As for reading.
    pub fn write(&self, bus_address: u64, bytes: &[u8]) {
        let at = self.place(bus_address, bytes.len());
        self.0.borrow_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn place(&self, bus_address: u64, length: usize) -> usize {
        let offset = bus_address
            .checked_sub(u64::from(ARENA_BUS_ADDRESS))
            .expect("a bus address below the arena");
        let offset = usize::try_from(offset).expect("the host has 64 bits");
        assert!(
            offset + length <= self.0.borrow().len(),
            "a bus address beyond the arena"
        );
        offset
    }
}

/// A part of the arena, as the partition reads and writes it.
#[derive(Clone, Debug)]
pub struct ModelMemory {
    arena: Arena,
    offset: u32,
    length: u32,
}

impl ModelMemory {
    fn load<const N: usize>(&self, offset: u32) -> [u8; N] {
        let at = self.checked(offset, N);
        let bytes = self.arena.0.borrow();
        bytes[at..at + N].try_into().expect("N bytes")
    }

    fn store<const N: usize>(&self, offset: u32, value: [u8; N]) {
        let at = self.checked(offset, N);
        self.arena.0.borrow_mut()[at..at + N].copy_from_slice(&value);
    }

    fn checked(&self, offset: u32, size: usize) -> usize {
        assert!(offset as usize + size <= self.length as usize, "outside");
        assert!((offset as usize).is_multiple_of(size), "not aligned");
        (self.offset + offset) as usize
    }
}

impl Memory for ModelMemory {
    fn length(&self) -> u32 {
        self.length
    }
    fn bus_address(&self, offset: u32) -> u32 {
        ARENA_BUS_ADDRESS + self.offset + offset
    }
    fn read_u8(&self, offset: u32) -> u8 {
        u8::from_be_bytes(self.load(offset))
    }
    fn read_u16(&self, offset: u32) -> u16 {
        u16::from_be_bytes(self.load(offset))
    }
    fn read_u32(&self, offset: u32) -> u32 {
        u32::from_be_bytes(self.load(offset))
    }
    fn write_u8(&self, offset: u32, value: u8) {
        self.store(offset, value.to_be_bytes());
    }
    fn write_u16(&self, offset: u32, value: u16) {
        self.store(offset, value.to_be_bytes());
    }
    fn write_u32(&self, offset: u32, value: u32) {
        self.store(offset, value.to_be_bytes());
    }
}
