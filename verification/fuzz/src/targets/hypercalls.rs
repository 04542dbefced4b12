//! Everything that partitions, devices and time can do to the kernel, against the reference model.

use arbitrary::{Result, Unstructured};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::{DATA, DATA_BYTES};
use cofferdam_reference::{EDGES, FAULTS, FIELDS, Model, Operation, perform, system};

use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "hypercalls",
    seeds: || noise(64, 1500),
    run,
};

fn address(input: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match input.int_in_range(0..=8)? {
        0 => input.arbitrary()?,
        1 | 2 => *input.choose(&EDGES)?,
        _ => DATA + 4 * input.int_in_range(0..=DATA_BYTES / 4 - 1)?,
    })
}

fn argument(input: &mut Unstructured<'_>) -> Result<u32> {
    match input.int_in_range(0..=9)? {
        0 => input.arbitrary(),
        1..=3 => address(input),
        4 | 5 => input.int_in_range(0..=99),
        _ => input.int_in_range(0..=13),
    }
}

fn operation(input: &mut Unstructured<'_>) -> Result<Operation> {
    Ok(match input.int_in_range(0..=39)? {
        0 => Operation::Call(input.arbitrary()?, [argument(input)?; 6]),
        1..=8 => {
            let call = input.choose(Hypercall::ALL)?.token();
            let mut arguments = [0; 6];
            for place in &mut arguments {
                *place = argument(input)?;
            }
            Operation::Call(call, arguments)
        }
        9..=24 => {
            let call = *input.choose(Hypercall::ALL)?;
            // These end a life; they have an operation of their own, and are rarer.
            if matches!(call, Hypercall::SelfControl | Hypercall::PartitionControl) {
                Operation::Control(input.int_in_range(0..=1)?, input.int_in_range(0..=3)?)
            } else {
                let (slot, length) = (input.int_in_range(0..=2)?, input.int_in_range(0..=69)?);
                Operation::Message(call, slot, address(input)?, length)
            }
        }
        25 => Operation::Advance(input.int_in_range(120..=2999)?),
        26..=31 => Operation::Advance(input.int_in_range(1..=119)?),
        32 | 33 => Operation::Device(input.int_in_range(0..=1)?, input.arbitrary()?),
        34 => {
            let (exception, error) = *input.choose(&FAULTS)?;
            Operation::Fault(exception, error, address(input)?)
        }
        35 | 36 => {
            let (offset, value) = *input.choose(&FIELDS)?;
            Operation::Page(offset, value)
        }
        37 | 38 => Operation::Page(4 * input.int_in_range(0..=63)?, input.arbitrary()?),
        _ => Operation::Return,
    })
}

fn run(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    // The lower half of the timebase wraps round soon, or not.
    let start = input.choose(&[0, (1 << 32) - 20_000, 1 << 40]).copied();
    let mut simulation = system().boot_at(start.unwrap_or_default());
    let mut model = Model::new(&mut simulation);
    while !input.is_empty()
        && let Ok(operation) = operation(&mut input)
    {
        model.before(&mut simulation);
        let made = perform(&mut simulation, &operation);
        model.after(&mut simulation, &made);
    }
    simulation.advance_to_window();
    model.before(&mut simulation);
    model.judge_time(&mut simulation);
}
