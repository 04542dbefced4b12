//! How things were before an operation.

use cofferdam_abi::record::PartitionState;
use cofferdam_abi::{limits, page};
use cofferdam_machine::Simulation;

/// A life of a partition.
#[derive(Clone, Copy, PartialEq)]
pub struct Life {
    pub epoch: u32,
    pub state: PartitionState,
}

impl Life {
    pub fn of(simulation: &mut Simulation, partition: u8) -> Self {
        Self {
            epoch: simulation.account(partition).epoch.get(),
            state: simulation.state(partition),
        }
    }

    /// Whether somebody will answer there.
    pub fn is_up(self) -> bool {
        matches!(self.state, PartitionState::Ready | PartitionState::Waiting)
    }

    /// Whether there is a life that can end.
    pub fn is_on(self) -> bool {
        !matches!(
            self.state,
            PartitionState::Stopped | PartitionState::Delayed
        )
    }
}

/// What a partition's register page says of its lines.
#[derive(Clone, Copy)]
pub struct Lines {
    pub pending: u32,
    pub enabled: u32,
}

impl Lines {
    pub fn of(simulation: &Simulation, partition: u8) -> Self {
        Self {
            pending: simulation.pending(partition),
            enabled: simulation.page(partition, page::ENABLED),
        }
    }

    /// Those that end a wait.
    pub fn asking(self) -> u32 {
        self.pending & self.enabled
    }
}

/// How things were before an operation.
#[derive(Default)]
pub struct Before {
    pub now: u64,
    pub lives: Vec<Life>,
    pub lines: Vec<Lines>,
    /// What each had of the processor so far, in ticks.
    pub processor: [u64; limits::PARTITIONS],
}

impl Before {
    /// How things are now. The processor's time is counted from `began` on.
    pub fn of(simulation: &mut Simulation, began: u64) -> Self {
        let mut before = Self {
            now: simulation.now(),
            ..Self::default()
        };
        for partition in 0..simulation.system.partitions.len() as u8 {
            before.lives.push(Life::of(simulation, partition));
            before.lines.push(Lines::of(simulation, partition));
        }
        for (partition, from, to) in &simulation.slices {
            if *from >= began {
                before.processor[usize::from(*partition)] += to - from;
            }
        }
        before
    }

    pub fn life(&self, partition: u8) -> Life {
        self.lives[usize::from(partition)]
    }

    pub fn lines(&self, partition: u8) -> Lines {
        self.lines[usize::from(partition)]
    }

    /// Whether a partition's life has ended since, with another one behind it or not.
    pub fn has_ended(&self, simulation: &mut Simulation, partition: u8) -> bool {
        let (before, now) = (self.life(partition), Life::of(simulation, partition));
        before.is_on() && (!now.is_on() || before.epoch != now.epoch)
    }

    /// Whether a partition has begun another life since, or was about to.
    pub fn is_being_started(&self, simulation: &mut Simulation, partition: u8) -> bool {
        let before = self.life(partition);
        before.state == PartitionState::Starting
            || before.epoch != Life::of(simulation, partition).epoch
    }

    /// Whether a partition's life has been entered since: its register page is as new.
    pub fn is_entered(&self, simulation: &mut Simulation, partition: u8) -> bool {
        self.is_being_started(simulation, partition) && Life::of(simulation, partition).is_up()
    }
}
