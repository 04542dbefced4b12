//! Devices on the bus, which can write memory by themselves.
//!
//! The kernel has the bus's controller to itself. Devices reach the arena through it, which holds no private memory of anybody, and only
//! while their owner lives: the steps of the tables that let a function out come before each life, those that take it back come at its
//! end, before anything else of the next. What a step does the kernel need not understand: it is a word of the function's own
//! configuration space that is written, or one that must have a value. A function that is not what the tables say stays as it is,
//! which is off, and its owner has an error.

use cofferdam_abi::health::Error;

use crate::kernel::Kernel;
use crate::machine::Machine;

/// Whether this is a kernel for systems with devices on the bus.
pub(crate) const BUS: bool = cfg!(feature = "bus");

impl<M: Machine> Kernel<M> {
    /// How many functions the partition owns.
    pub(crate) fn functions_of(&self, partition: u8) -> u8 {
        let tables = self.tables(partition).filter(|_| BUS);
        tables.map_or(0, |tables| tables.functions.len() as u8)
    }

    /// Lets a function of a partition out, at the beginning of its owner's life, or takes it back at the end.
    pub(crate) fn step_function(&mut self, partition: u8, index: u8, at_end: bool) {
        let Some(function) = self
            .tables(partition)
            .and_then(|tables| tables.functions.index(u32::from(index)))
            .and_then(|index| self.configuration.functions.get(index))
        else {
            return;
        };
        let number = function.own.number;
        for step in function.steps.of(&self.configuration.steps) {
            if step.at_end != at_end {
                continue;
            }
            if step.mask == 0 {
                self.machine.write_bus(number, step.register, step.value);
            } else if self.machine.read_bus(number, step.register) & step.mask != step.value {
                return self.partition_error(partition, Error::DeviceUnfit, u32::from(number));
            }
        }
    }
}
