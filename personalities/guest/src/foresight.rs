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
use crate::mpic::END_OF_INTERRUPT;
use crate::virtio::mmio::{INTERRUPT_ACKNOWLEDGE, INTERRUPT_STATUS};

/// What a guest is expected to do because of an interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// It reads why the device interrupts whose registers begin there, from [`board::CCSR`] on, and acknowledges these reasons.
    pub acknowledges: Option<(u32, u32)>,
    /// It ends the interrupt.
    pub ends: bool,
}

impl Expected {
    const NOTHING: Self = Self {
        acknowledges: None,
        ends: false,
    };

    /// The places of the two stores.
    fn places(&self) -> (u32, u32) {
        (1, if self.acknowledges.is_some() { 2 } else { 0 })
    }
}

/// What was laid down.
#[derive(Debug, Default)]
pub struct Foresight {
    expected: Expected,
}

impl Foresight {
    /// What of it the guest has done.
    pub fn take(&mut self, processor: &impl Processor) -> Expected {
        let expected = &self.expected;
        if *expected == Expected::NOTHING {
            return Expected::NOTHING;
        }
        let (acknowledgement, end) = expected.places();
        let has_come = |place| processor.foreseen(place) == 0;
        Expected {
            acknowledges: expected.acknowledges.filter(|_| has_come(acknowledgement)),
            ends: expected.ends && has_come(end),
        }
    }

    /// Lays down what is expected next.
    pub fn lay(&mut self, processor: &mut impl Processor, expected: Expected) {
        if expected == Expected::NOTHING && self.expected == Expected::NOTHING {
            return;
        }
        self.expected = expected;
        let mut place = 0;
        let mut put = |word: u32, value: u32| {
            processor.foresee(place, word, value);
            place += 1;
        };
        if let Some((registers, reasons)) = expected.acknowledges {
            // The registers are little-endian.
            let (registers, reasons) = (board::CCSR + registers, reasons.swap_bytes());
            put((registers + INTERRUPT_STATUS) | LOAD, reasons);
            put((registers + INTERRUPT_ACKNOWLEDGE) | STORE, reasons);
        }
        if expected.ends {
            put((board::CCSR + board::MPIC + END_OF_INTERRUPT) | STORE, 0);
        }
        for place in place..PLACES {
            processor.foresee(place, 0, 0);
        }
    }
}
