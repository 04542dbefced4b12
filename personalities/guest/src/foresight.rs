//! What the guest is expected to do next at the registers of its devices, told the kernel in advance
//! ([`cofferdam_abi::guest::FORESEEN`]), so that it need not come to the monitor.
//!
//! A driver that is interrupted by a virtio device reads why, acknowledges that, and tells the interrupt controller that it is done: always
//! the same three accesses, of which it is known beforehand what comes of them. The end of the interrupt is foreseen if nobody else
//! asks then, for nobody may wait for an interrupt because the monitor was not told.
//!
//! The monitor makes up for the stores when it runs again, before anything else, in the order in which they came: nothing that
//! a guest can see lies between.

use cofferdam_abi::guest::foreseen::{LOAD, PLACES, STORE};

use crate::board;
use crate::monitor::Processor;
use crate::mpic::{END_OF_INTERRUPT, Mpic};
use crate::virtio::mmio;

/// A store that was foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// The guest-physical address of a word.
    pub address: u32,
    /// What is stored, as a big-endian word.
    pub value: u32,
}

/// What was laid down.
#[derive(Debug, Default)]
pub struct Foresight {
    places: [Option<Store>; PLACES as usize],
    /// Something stands in the register page.
    laid: bool,
}

impl Foresight {
    /// The stores that have come since [`Self::lay`], in their order.
    pub fn take(&mut self, processor: &impl Processor) -> [Option<Store>; PLACES as usize] {
        let mut places = core::mem::take(&mut self.places);
        for (place, store) in (0..).zip(&mut places) {
            if store.is_some() && processor.foreseen(place) != 0 {
                *store = None;
            }
        }
        places
    }

    /// Lays down what is expected next. `virtio` says for a source that is a virtio device where its registers begin, from [`board::CCSR`] on, and
    /// why it interrupts.
    pub fn lay(
        &mut self,
        processor: &mut impl Processor,
        mpic: &mut Mpic,
        virtio: impl Fn(u8) -> Option<(u32, u32)>,
    ) {
        let at_hand = mpic.at_hand();
        let device = at_hand.and_then(|source| Some((source, virtio(source)?)));
        if device.is_none() && !self.laid {
            return;
        }
        let mut place = 0;
        let mut put = |word: u32, value: u32| {
            processor.foresee(place, word, value);
            place += 1;
        };
        self.laid = device.is_some();
        if let Some((source, (registers, reasons))) = device {
            let registers = board::CCSR + registers;
            if reasons != 0 {
                // The registers are little-endian.
                let value = reasons.swap_bytes();
                let address = registers + mmio::INTERRUPT_ACKNOWLEDGE;
                put(registers + mmio::INTERRUPT_STATUS | LOAD, value);
                put(address | STORE, value);
                self.places[1] = Some(Store { address, value });
            }
            if mpic.is_last(source) {
                let address = board::CCSR + board::MPIC + END_OF_INTERRUPT;
                put(address | STORE, 0);
                let place = if reasons != 0 { 2 } else { 0 };
                self.places[place] = Some(Store { address, value: 0 });
            }
        }
        for place in place..PLACES {
            processor.foresee(place, 0, 0);
        }
    }
}
