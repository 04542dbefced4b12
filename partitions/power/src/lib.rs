//! The GPIO block of the QorIQ family (`fsl,qoriq-gpio`, MPC8xxx) with the traits of `embedded-hal`, over the trait [`Registers`]: on the
//! target the partition's `Device`, on the host a model that tests it.
//!
//! The registers are 32 bits wide, and pin 0 is the most significant bit of each.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, InputPin, OutputPin, StatefulOutputPin};

/// A bit for each pin that is an output.
const DIRECTION: u32 = 0x00;
/// The levels: read those of all pins, written those of the outputs.
const DATA: u32 = 0x08;
/// A bit for each pin that may interrupt.
const INTERRUPT_MASK: u32 = 0x10;

/// So many pins there are.
pub const PINS: u8 = 32;

/// The block's registers.
pub trait Registers {
    /// Reads a register.
    fn read(&self, offset: u32) -> u32;
    /// Writes a register.
    fn write(&self, offset: u32, value: u32);
}

#[cfg(target_os = "none")]
impl Registers for cofferdam_native::Device {
    fn read(&self, offset: u32) -> u32 {
        self.read_u32(offset)
    }

    fn write(&self, offset: u32, value: u32) {
        self.write_u32(offset, value);
    }
}

/// The block.
#[derive(Debug)]
pub struct Gpio<R> {
    registers: R,
}

impl<R: Registers> Gpio<R> {
    /// The block with these registers: every pin an input, none interrupts.
    pub fn new(registers: R) -> Self {
        registers.write(INTERRUPT_MASK, 0);
        registers.write(DIRECTION, 0);
        Self { registers }
    }

    /// A pin as an input; `None` if there is none of that number.
    pub fn input(&self, number: u8) -> Option<Input<'_, R>> {
        let mask = mask(number)?;
        self.change(DIRECTION, |outputs| outputs & !mask);
        Some(Input { gpio: self, mask })
    }

    /// A pin as an output, low at first.
    pub fn output(&self, number: u8) -> Option<Output<'_, R>> {
        let mask = mask(number)?;
        // Before it drives anything.
        self.change(DATA, |levels| levels & !mask);
        self.change(DIRECTION, |outputs| outputs | mask);
        Some(Output { gpio: self, mask })
    }

    fn change(&self, register: u32, change: impl FnOnce(u32) -> u32) {
        self.registers
            .write(register, change(self.registers.read(register)));
    }

    fn is_high(&self, mask: u32) -> bool {
        self.registers.read(DATA) & mask != 0
    }
}

/// The bit of a pin.
fn mask(number: u8) -> Option<u32> {
    (number < PINS).then(|| 1 << (PINS - 1 - number))
}

/// A pin that is read.
#[derive(Debug)]
pub struct Input<'a, R> {
    gpio: &'a Gpio<R>,
    mask: u32,
}

/// A pin that is driven.
#[derive(Debug)]
pub struct Output<'a, R> {
    gpio: &'a Gpio<R>,
    mask: u32,
}

impl<R> ErrorType for Input<'_, R> {
    type Error = Infallible;
}

impl<R> ErrorType for Output<'_, R> {
    type Error = Infallible;
}

impl<R: Registers> InputPin for Input<'_, R> {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.gpio.is_high(self.mask))
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl<R: Registers> OutputPin for Output<'_, R> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        let mask = self.mask;
        self.gpio.change(DATA, |levels| levels & !mask);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        let mask = self.mask;
        self.gpio.change(DATA, |levels| levels | mask);
        Ok(())
    }
}

impl<R: Registers> StatefulOutputPin for Output<'_, R> {
    fn is_set_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.gpio.is_high(self.mask))
    }

    fn is_set_low(&mut self) -> Result<bool, Infallible> {
        self.is_set_high().map(|high| !high)
    }
}

#[cfg(test)]
mod tests {
    use core::cell::{Cell, RefCell};
    use std::vec::Vec;

    use super::*;

    /// The block as far as the driver can tell: what it drives each time that this changes, with `high` at its inputs.
    #[derive(Default)]
    struct Model {
        direction: Cell<u32>,
        latch: Cell<u32>,
        mask: Cell<u32>,
        high: u32,
        driven: RefCell<Vec<u32>>,
    }

    impl Registers for &Model {
        fn read(&self, offset: u32) -> u32 {
            let outputs = self.direction.get();
            match offset {
                DIRECTION => outputs,
                DATA => self.latch.get() & outputs | self.high & !outputs,
                INTERRUPT_MASK => self.mask.get(),
                _ => panic!("there is no register {offset:#x}"),
            }
        }

        fn write(&self, offset: u32, value: u32) {
            match offset {
                DIRECTION => self.direction.set(value),
                DATA => self.latch.set(value),
                INTERRUPT_MASK => self.mask.set(value),
                _ => panic!("there is no register {offset:#x}"),
            }
            let drives = self.direction.get() & self.latch.get();
            let mut driven = self.driven.borrow_mut();
            if driven.last() != Some(&drives) {
                driven.push(drives);
            }
        }
    }

    #[test]
    fn an_output_is_driven_when_it_is_told_and_not_before() {
        let model = Model {
            // What a boot may have left.
            direction: Cell::new(u32::MAX),
            mask: Cell::new(u32::MAX),
            high: 1 << 31 | 1 << 29,
            ..Model::default()
        };
        let gpio = Gpio::new(&model);
        assert_eq!((model.direction.get(), model.mask.get()), (0, 0));
        // A latch that is set already, by reading what is high at an input and writing it back.
        let mut other = gpio.output(3).unwrap();
        let mut pin = gpio.output(0).unwrap();
        assert_eq!(pin.is_set_low(), Ok(true));
        pin.set_high().unwrap();
        other.set_high().unwrap();
        assert_eq!(pin.is_set_high(), Ok(true));
        pin.set_low().unwrap();
        assert_eq!(other.is_set_high(), Ok(true));
        let steps = [0, 1 << 31, 1 << 31 | 1 << 28, 1 << 28];
        assert_eq!(*model.driven.borrow(), steps);
    }

    #[test]
    fn an_input_is_what_is_there() {
        let model = Model {
            high: 1 << 31 | 1,
            ..Model::default()
        };
        let gpio = Gpio::new(&model);
        for (number, high) in [(0, true), (1, false), (30, false), (31, true)] {
            let mut pin = gpio.input(number).unwrap();
            assert_eq!((pin.is_high(), pin.is_low()), (Ok(high), Ok(!high)));
        }
        assert_eq!(model.direction.get(), 0);
    }

    #[test]
    fn there_are_no_more_pins() {
        let model = Model::default();
        let gpio = Gpio::new(&model);
        for number in [PINS, u8::MAX] {
            assert!(gpio.input(number).is_none() && gpio.output(number).is_none());
        }
    }
}
