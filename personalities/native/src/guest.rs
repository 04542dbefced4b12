//! A guest operating system: what its monitor, the partition's own program, does with it.
//!
//! [`Guest::run`] gives the vCPU to the guest until there is something for the monitor to do. The guest's registers are
//! the kernel's to keep; its special-purpose registers and its memory are mapped here. The guest does not run while its
//! monitor does, but it may be wrong or hostile: whatever is read of it means nothing until it was looked at.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use cofferdam_abi::guest::{self, Exit as Number};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;

use crate::hypercall::call_plain;
use crate::{Error, Lines, SharedMemory, memory};

/// Why a guest no longer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// These lines of the partition are pending and enabled.
    Lines(Lines),
    /// It is at a privileged instruction that the kernel leaves to the monitor.
    Instruction(u32),
    /// It is at a load or a store where no memory is.
    Access {
        /// The instruction; 0 if it cannot be read.
        instruction: u32,
        /// The guest-physical address.
        address: u64,
        /// What the general register holds that the instruction names first.
        value: u32,
    },
    /// It calls, with this token in r11. The call is over: it goes on behind it.
    Hypercall(u32),
    /// It fetches from where no memory is: from this guest-physical address.
    Fetch(u64),
}

/// A guest.
#[derive(Debug)]
pub struct Guest {
    memory_bytes: u32,
    /// How it goes on when it runs the next time: so many bytes on, with this register set.
    next: [u32; 3],
    // Not made but by `at`.
    private: PhantomData<()>,
}

impl Guest {
    /// The partition's guest, with so much memory.
    ///
    /// # Safety
    /// The build maps the guest's register page at [`guest::MONITOR_PAGE`] and `memory_bytes` of its memory at
    /// [`guest::MEMORY`], both read-write, and nothing of the partition's own lies there.
    #[doc(hidden)]
    pub const unsafe fn at(memory_bytes: u32) -> Self {
        assert!(memory_bytes <= guest::MEMORY_MAX);
        Self {
            memory_bytes,
            next: [0; 3],
            private: PhantomData,
        }
    }

    /// How much memory it has.
    pub const fn memory_bytes(&self) -> u32 {
        self.memory_bytes
    }

    /// Lets it run until there is something for the monitor to do.
    ///
    /// # Errors
    /// As the kernel answers; [`Error::Unknown`] for an exit that this version of the interface does not know.
    pub fn run(&mut self) -> Result<Exit, Error> {
        // No argument is an address, and the guest's memory is not the monitor's own: no Rust reference points to it but
        // those to atomics below.
        let [bytes, register, set] = core::mem::take(&mut self.next);
        let arguments = [bytes, register, set, 0, 0, 0];
        let [exit, first, upper, lower, value, ..] = call_plain(Hypercall::GuestRun, arguments)?;
        let address = u64::from(upper) << 32 | u64::from(lower);
        match Number::ALL
            .into_iter()
            .find(|number| *number as u32 == exit)
        {
            Some(Number::Lines) => Ok(Exit::Lines(Lines::from_word(first))),
            Some(Number::Instruction) => Ok(Exit::Instruction(first)),
            Some(Number::Access) => Ok(Exit::Access {
                instruction: first,
                address,
                value,
            }),
            Some(Number::Hypercall) => Ok(Exit::Hypercall(first)),
            Some(Number::Fetch) => Ok(Exit::Fetch(address)),
            None => Err(Error::Unknown(exit)),
        }
    }

    /// The instruction at which it stands was carried out: it goes on behind it, when it runs. If the instruction set a register, that is
    /// `set`: its number, and the value.
    pub fn complete(&mut self, set: Option<(u32, u32)>) {
        let (register, value) = set.unwrap_or((guest::number::COUNT, 0));
        self.next = [4, register, value];
    }

    /// A register, by a number of [`guest::number`]; 0 if there is none of this number.
    pub fn register(&self, number: u32) -> u32 {
        // Its other refusals concern the configuration, which is fixed.
        call_plain(Hypercall::GuestGet, [number, 0, 0, 0, 0, 0])
            .map(|[value, ..]| value)
            .unwrap_or_default()
    }

    /// Sets a register. One that does not exist is not set.
    pub fn set_register(&mut self, number: u32, value: u32) {
        // As above.
        let _ = call_plain(Hypercall::GuestSet, [number, value, 0, 0, 0, 0]);
    }

    /// A special-purpose register that the register page holds.
    pub fn special(&self, number: u32) -> u32 {
        word(guest::register(number)).load(Ordering::Relaxed)
    }

    /// Sets one.
    pub fn set_special(&mut self, number: u32, value: u32) {
        word(guest::register(number)).store(value, Ordering::Relaxed);
    }

    /// The machine state.
    pub fn state(&self) -> u32 {
        word(guest::MSR).load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set_state(&mut self, state: u32) {
        word(guest::MSR).store(state, Ordering::Relaxed);
    }

    /// Asserts the external interrupt, or no longer does.
    pub fn set_external(&mut self, asserted: bool) {
        word(guest::EXTERNAL).store(u32::from(asserted), Ordering::Relaxed);
    }

    /// Whether it has read EPR, and so has acknowledged the external interrupt, since the last call.
    pub fn take_acknowledged(&mut self) -> bool {
        let acknowledged = word(guest::ACKNOWLEDGED);
        let was = acknowledged.load(Ordering::Relaxed) != 0;
        if was {
            acknowledged.store(0, Ordering::Relaxed);
        }
        was
    }

    /// Lays down an access that is foreseen, or with a word of 0 none: the two words of a place of [`guest::FORESEEN`]. There are
    /// [`guest::foreseen::PLACES`] places; at another nothing is laid down.
    pub fn foresee(&mut self, place: u32, first: u32, value: u32) {
        if let Some(offset) = foreseen(place) {
            word(offset).store(first, Ordering::Relaxed);
            word(offset + 4).store(value, Ordering::Relaxed);
        }
    }

    /// The first word of a place: 0 once a store that was foreseen there has come.
    pub fn foreseen(&self, place: u32) -> u32 {
        foreseen(place).map_or(0, |offset| word(offset).load(Ordering::Relaxed))
    }

    /// A byte of its memory; `None` if it has none there.
    pub fn byte(&self, address: u32) -> Option<u8> {
        self.memory_byte(address)
            .map(|byte| byte.load(Ordering::Relaxed))
    }

    /// Sets one.
    pub fn set_byte(&mut self, address: u32, value: u8) -> Option<()> {
        self.memory_byte(address)
            .map(|byte| byte.store(value, Ordering::Relaxed))
    }

    /// An aligned word of its memory; `None` if it has none there.
    pub fn word(&self, address: u32) -> Option<u32> {
        self.memory_word(address)
            .map(|word| word.load(Ordering::Relaxed))
    }

    /// Aligned words of it in a row; `None` if it does not have all of them.
    pub fn words<const N: usize>(&self, address: u32) -> Option<[u32; N]> {
        let words = self.memory_words::<N>(address)?;
        Some(core::array::from_fn(|place| {
            words[place].load(Ordering::Relaxed)
        }))
    }

    /// Sets one.
    pub fn set_word(&mut self, address: u32, value: u32) -> Option<()> {
        self.memory_word(address)
            .map(|word| word.store(value, Ordering::Relaxed))
    }

    /// Copies from its memory, from `address` on, to `offset` of other memory. `None`, and nothing is copied, if it has not as much there.
    ///
    /// # Panics
    /// If that is not wholly in the other memory.
    pub fn copy_from(
        &self,
        address: u32,
        to: &SharedMemory,
        offset: u32,
        length: u32,
    ) -> Option<()> {
        let from = self.area(address, length)?;
        let to = to.place(offset, length, 1);
        // SAFETY: both lie in memory that is mapped by the promises made to `at`, and that no Rust object lies in.
        unsafe { memory::copy(from, to, length) }
        Some(())
    }

    /// The same, the other way.
    ///
    /// # Panics
    /// As above.
    pub fn copy_to(
        &mut self,
        address: u32,
        from: &SharedMemory,
        offset: u32,
        length: u32,
    ) -> Option<()> {
        let to = self.area(address, length)?;
        let from = from.place(offset, length, 1);
        // SAFETY: as above.
        unsafe { memory::copy(from, to, length) }
        Some(())
    }

    /// Where so many bytes of the guest's memory are here, aligned or not.
    fn area(&self, address: u32, length: u32) -> Option<u32> {
        let room = self.memory_bytes.checked_sub(address)?;
        (length <= room).then_some(guest::MEMORY + address)
    }

    fn memory_byte(&self, address: u32) -> Option<&AtomicU8> {
        let place = self.place(address, 1)?;
        // SAFETY: `place` checked that it lies in the guest's memory, which is mapped read-write for as long as the partition
        // lives by the promise made to `at`, and is only ever reached as atomics, since the guest changes it during `run`.
        Some(unsafe { AtomicU8::from_ptr(place as *mut u8) })
    }

    fn memory_word(&self, address: u32) -> Option<&AtomicU32> {
        self.memory_words::<1>(address).map(|[word]| word)
    }

    fn memory_words<const N: usize>(&self, address: u32) -> Option<&[AtomicU32; N]> {
        let place = self.place(address, 4 * N as u32)?;
        if !address.is_multiple_of(4) {
            return None;
        }
        // SAFETY: as above, for all of them, and they are aligned.
        Some(unsafe { &*(place as *const [AtomicU32; N]) })
    }

    /// Where so many bytes of the guest's memory are here.
    fn place(&self, address: u32, bytes: u32) -> Option<u32> {
        let room = self.memory_bytes.checked_sub(address)?;
        (bytes <= room).then_some(guest::MEMORY + address)
    }
}

/// Where the two words of a foreseen access are in the register page.
fn foreseen(place: u32) -> Option<u32> {
    let known = place < guest::foreseen::PLACES;
    known.then_some(guest::FORESEEN + guest::foreseen::BYTES * place)
}

/// A word of the guest's register page.
fn word(offset: u32) -> &'static AtomicU32 {
    debug_assert!(offset < page::SIZE && offset.is_multiple_of(4));
    // SAFETY: a `Guest` exists, so that the page is mapped read-write at this address for as long as the partition lives; words are
    // aligned, and they are only ever reached as atomics, since the kernel and the guest change them during `run`.
    unsafe { AtomicU32::from_ptr((guest::MONITOR_PAGE + offset) as *mut u32) }
}
