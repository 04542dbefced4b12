//! `Machine` for the e500v2.

use cofferdam_abi::space;
use cofferdam_core::Machine;
#[cfg(feature = "guests")]
use cofferdam_core::{Found, Levels};
#[cfg(feature = "bus")]
use cofferdam_tables::Bus;
#[cfg(feature = "guests")]
use cofferdam_tables::Guest;
use cofferdam_tables::{Interrupt, Region, TlbWrite};

#[cfg(feature = "bus")]
use crate::bus::Controller as BusController;
use crate::context::Context;
use crate::interrupts::Controller;
#[cfg(feature = "guests")]
use crate::vectors;
use crate::{memory, time};

/// The board: the core and the devices that the kernel itself uses.
pub struct Board {
    controller: Controller,
    #[cfg(feature = "bus")]
    bus: BusController,
    reset: usize,
    reset_value: u32,
    alignment: time::Alignment,
}

impl Board {
    /// Takes the board over. None if the interrupt controller does not work.
    ///
    /// # Safety
    /// The device block is mapped, and `board` says what is in it. Called once.
    pub unsafe fn new(board: &cofferdam_tables::Board) -> Option<Self> {
        let register = |offset: u32| space::kernel::DEVICES.wrapping_add(offset) as usize;
        time::initialise();
        #[cfg(feature = "guests")]
        crate::guest::install();
        // SAFETY: by the contract.
        let controller = unsafe { Controller::new(register(board.interrupt_controller_offset)) };
        Some(Self {
            controller: controller?,
            #[cfg(feature = "bus")]
            bus: BusController::ABSENT,
            reset: register(board.reset_offset),
            reset_value: board.reset_value,
            alignment: time::Alignment::learn(),
        })
    }
}

impl Machine for Board {
    type Registers = Context;

    #[inline(always)]
    fn now(&mut self) -> u64 {
        time::now()
    }

    #[inline(always)]
    fn now_lower(&mut self) -> u32 {
        time::now_lower()
    }

    #[inline]
    fn set_timer(&mut self, ticks: u32) {
        time::set_timer(ticks);
    }

    #[inline(always)]
    fn wait_until(&mut self, at: u32, ahead: u32, shot: u32) -> u32 {
        self.controller.hold_all(true);
        // SAFETY: the kernel calls this with interrupts off; the contexts are not in use: their owner, the `Kernel`, is
        // inside this call. Devices are held back.
        let late = unsafe { time::wait_until(at, ahead, shot, &self.alignment) };
        self.controller.hold_all(false);
        late
    }

    #[inline(always)]
    fn read_word(&self, physical: u32) -> u32 {
        memory::read_word(physical)
    }

    #[inline(always)]
    fn write_word(&mut self, physical: u32, value: u32) {
        memory::write_word(physical, value);
    }

    #[inline]
    fn copy(&mut self, from: u32, to: u32, length: u32) {
        memory::copy(from, to, length);
    }

    fn clear(&mut self, physical: u32, length: u32) {
        memory::clear(physical, length);
    }

    #[inline(always)]
    fn write_tlb(&mut self, writes: &[TlbWrite]) {
        memory::write_partitions(writes);
    }

    #[cfg(feature = "guests")]
    fn begin_guest(&mut self, registers: &mut Context, guest: &Guest) {
        registers.begin_guest(guest);
    }

    #[cfg(feature = "guests")]
    fn set_levels(&mut self, registers: &mut Context, levels: &Levels) {
        let entered = registers.set_levels(levels);
        if entered {
            crate::guest::flush_branches();
        }
        // SAFETY: nothing of the kernel's own is tagged.
        unsafe { vectors::reload_tags(registers) }
    }

    #[cfg(feature = "guests")]
    fn forget_page(&mut self, effective: u32) {
        crate::guest::forget_page(effective);
    }

    #[cfg(feature = "guests")]
    fn find_page(&mut self, tag: u8, effective: u32) -> Option<Found> {
        crate::guest::find_page(tag, effective)
    }

    fn empty_pages(&mut self) {
        memory::empty_pages();
    }

    fn refill(&mut self, pid: u8, effective: u32, region: &Region) {
        memory::refill(pid, effective, region);
    }

    fn set_interrupt(&mut self, _index: u8, source: u16, enabled: bool) {
        self.controller.set(source, enabled);
    }

    fn configure_interrupt(&mut self, index: u8, interrupt: &Interrupt) {
        self.controller.configure(index, interrupt);
    }

    fn claim_interrupt(&mut self) -> Option<u8> {
        self.controller.claim()
    }

    fn end_interrupt(&mut self) {
        self.controller.end();
    }

    #[cfg(feature = "bus")]
    fn open_bus(&mut self, bus: &Bus) {
        let registers = space::kernel::DEVICES.wrapping_add(bus.registers_offset);
        // SAFETY: the device block is mapped, and the configuration was checked: the controller lies in it.
        self.bus = unsafe { BusController::new(registers as usize, bus) };
    }

    #[cfg(feature = "bus")]
    fn read_bus(&mut self, function: u8, register: u8) -> u32 {
        self.bus.read(function, register)
    }

    #[cfg(feature = "bus")]
    fn write_bus(&mut self, function: u8, register: u8, value: u32) {
        self.bus.write(function, register, value);
    }

    fn reset(&mut self) {
        // SAFETY: the board's reset register, mapped with the devices.
        unsafe {
            core::ptr::with_exposed_provenance_mut::<u32>(self.reset)
                .write_volatile(self.reset_value)
        }
    }
}
