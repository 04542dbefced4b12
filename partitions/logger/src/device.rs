//! The disk as the file system sees it.

use core::cell::{Cell, RefCell};

use embedded_sdmmc::{Block, BlockCount, BlockDevice, BlockIdx};

use crate::{Blocks, Failure, Part};

/// So many blocks are moved in one call at most. To find a free cluster the whole table is read, of 256 blocks, perhaps three times; the chain of
/// the file takes as many.
const BLOCKS_OF_CALL: u32 = 4096;

/// The part of the disk, and its table of parts.
pub(crate) struct Device<'d, B> {
    disk: RefCell<&'d mut B>,
    part: &'d Part,
    left: Cell<u32>,
}

impl<'d, B: Blocks> Device<'d, B> {
    pub(crate) fn new(disk: &'d mut B, part: &'d Part) -> Self {
        Self {
            disk: RefCell::new(disk),
            part,
            left: Cell::new(BLOCKS_OF_CALL),
        }
    }

    /// The numbers of these blocks, if there are so many left.
    fn numbers(&self, first: BlockIdx, count: usize) -> Result<core::ops::Range<u32>, Failure> {
        let count = u32::try_from(count).map_err(|_| Failure::Outside)?;
        let end = first.0.checked_add(count).ok_or(Failure::Outside)?;
        let left = self.left.get().checked_sub(count);
        self.left.set(left.ok_or(Failure::Endless)?);
        Ok(first.0..end)
    }

    fn is_own(&self, number: u32) -> bool {
        (self.part.first..self.part.end).contains(&number)
    }
}

impl<B: Blocks> BlockDevice for Device<'_, B> {
    type Error = Failure;

    fn read(&self, blocks: &mut [Block], start_block_idx: BlockIdx) -> Result<(), Failure> {
        let numbers = self.numbers(start_block_idx, blocks.len())?;
        let mut disk = self.disk.try_borrow_mut().map_err(|_| Failure::Outside)?;
        for (number, block) in numbers.zip(blocks) {
            let [parts, first] = &self.part.heads;
            match number {
                0 => block.contents = *parts,
                _ if number == self.part.first => block.contents = *first,
                _ if self.is_own(number) => disk.read(number, &mut block.contents)?,
                _ => return Err(Failure::Outside),
            }
        }
        Ok(())
    }

    fn write(&self, blocks: &[Block], start_block_idx: BlockIdx) -> Result<(), Failure> {
        let numbers = self.numbers(start_block_idx, blocks.len())?;
        let mut disk = self.disk.try_borrow_mut().map_err(|_| Failure::Outside)?;
        for (number, block) in numbers.zip(blocks) {
            if !self.is_own(number) {
                return Err(Failure::Outside);
            }
            disk.write(number, &block.contents)?;
        }
        Ok(())
    }

    fn num_blocks(&self) -> Result<BlockCount, Failure> {
        Ok(BlockCount(self.part.end))
    }
}
