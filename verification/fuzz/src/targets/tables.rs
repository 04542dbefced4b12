//! Compiled tables: any bytes are refused by name or give a kernel that works, whatever the tables say.

use cofferdam_abi::space;
use cofferdam_core::Configuration;
use cofferdam_machine::{FakeMachine, Simulation, SystemBuilder};
use cofferdam_tables::{mas, seal};
use zerocopy::IntoBytes;

use crate::Target;

/// See the module. The first four bytes are the number of records; the header with its checksum is made to fit.
pub const TARGET: Target = Target {
    name: "tables",
    seeds,
    run,
};

/// Tables whose memory ends behind this are loaded, but no machine is made for them.
const MOST_RAM: u64 = 1 << 20;
/// So long the machine runs, in operations.
const STEPS: u64 = 64;

fn seeds() -> Vec<Vec<u8>> {
    let mut small = SystemBuilder::new();
    let [a, b] = small.partitions(["a", "b"]);
    small.channel(cofferdam_tables::ChannelKind::Call, a, &[b], 8, 1);
    small.interrupt(b);
    small.schedule(&[(100, &[0]), (100, &[1])]);
    [small, cofferdam_reference::system()]
        .iter()
        .map(|system| {
            let bytes = system.bytes();
            let (header, records) = bytes.split_at(size_of::<cofferdam_tables::Header>());
            // The header's last word but one is the number of records.
            [&header[12..16], records].concat()
        })
        .collect()
}

fn run(bytes: &[u8]) {
    // Without a header that fits, they are refused.
    let mut configuration = Box::new(Configuration::EMPTY);
    let refused = configuration.load(bytes);
    assert!(refused.is_err() || bytes.len() >= size_of::<cofferdam_tables::Header>());
    let Some((count, records)) = bytes.split_first_chunk() else {
        return;
    };
    let mut sealed = seal(records, u32::from_be_bytes(*count))
        .as_bytes()
        .to_vec();
    sealed.extend(records);
    let mut configuration = Box::new(Configuration::EMPTY);
    if let Err(failure) = configuration.load(&sealed) {
        assert!(!cofferdam_core::BootFailure::text(failure.number()).is_empty());
        return;
    }
    let end = |block: &cofferdam_tables::RamBlock| {
        u64::from(block.physical) + mas::size_bytes(block.size_code.into())
    };
    let end = configuration
        .ram_blocks()
        .iter()
        .map(end)
        .max()
        .unwrap_or(0);
    let ram = end.saturating_sub(space::kernel::END.into());
    if ram <= MOST_RAM {
        operate(FakeMachine::new(ram as usize), Box::leak(configuration));
    }
}

/// Lets the partitions make every hypercall, and time pass.
fn operate(machine: FakeMachine, configuration: &'static Configuration) {
    let mut simulation = Simulation::new(machine, configuration, SystemBuilder::new());
    simulation.kernel.start();
    simulation.settle();
    for step in 0..STEPS {
        match simulation.running() {
            Some(partition) => {
                let calls = cofferdam_abi::hypercall::Hypercall::ALL;
                let call = calls[step as usize % calls.len()];
                let arguments = [step as u32 / 8, cofferdam_machine::DATA, 8, 0, 0, 0];
                simulation.call(partition, call, &arguments);
            }
            None => simulation.advance_to_window(),
        }
        simulation.advance(step * 7);
    }
}
