//! What the build knows of a partition, and the macro that the generated code calls.

use cofferdam_apex::{Facts, OperatingMode, PartitionPeriod};
use cofferdam_native::BytePort;

use crate::Stack;

/// What the build knows of a partition, besides what the services themselves want to know.
#[derive(Debug)]
pub struct Configuration {
    /// For the services.
    pub facts: &'static Facts,
    /// Where exceptions are handled.
    pub exception_stack: Stack,
    /// The error handler's stack, if there may be one.
    pub error_handler_stack: Option<Stack>,
    /// The stacks of processes, in the order of [`Facts::stacks`].
    pub stacks: &'static [Stack],
    /// The ends of the sampling ports, in the order of [`Facts::sampling_ports`].
    pub sampling_ports: &'static [BytePort],
    /// The ends of the queuing ports, in the order of [`Facts::queuing_ports`].
    pub queuing_ports: &'static [BytePort],
    /// The slot of the capability for schedules, if the partition has one.
    pub schedule: Option<u32>,
}

/// A period by its nanoseconds and ticks.
#[doc(hidden)]
pub const fn period(period: Option<(i64, u64)>) -> Option<PartitionPeriod> {
    match period {
        Some((nanoseconds, ticks)) => Some(PartitionPeriod { nanoseconds, ticks }),
        None => None,
    }
}

/// The largest of some sizes.
#[doc(hidden)]
pub const fn longest(sizes: &[usize]) -> usize {
    let mut longest = 0;
    let mut rest = sizes;
    while let [first, others @ ..] = rest {
        if *first > longest {
            longest = *first;
        }
        rest = others;
    }
    longest
}

/// The size of a stack that there may be.
#[doc(hidden)]
pub const fn stack_bytes(stack: Option<(u32, u32)>) -> u32 {
    match stack {
        Some((_, bytes)) => bytes,
        None => 0,
    }
}

/// The slot of the capability for schedules, and whether it may set them.
#[doc(hidden)]
pub const fn schedule(schedule: Option<(u32, bool)>) -> (Option<u32>, bool) {
    match schedule {
        Some((slot, may_set)) => (Some(slot), may_set),
        None => (None, false),
    }
}

/// What a partition does when a schedule comes into force: nothing, or a restart, cold or warm.
#[doc(hidden)]
pub const fn schedule_change(cold: Option<bool>) -> Option<OperatingMode> {
    match cold {
        Some(true) => Some(OperatingMode::ColdStart),
        Some(false) => Some(OperatingMode::WarmStart),
        None => None,
    }
}

/// Declares the partition's configuration as generated code has it: `ApexLimits`, `APEX_FACTS`, `APEX_CONFIGURATION`, and the services
/// themselves, `APEX_PARTITION`.
#[doc(hidden)]
#[macro_export]
macro_rules! configuration {
    (
        identifier: $identifier:expr,
        period: $period:expr,
        duration_ns: $duration:expr,
        timebase_hz: $hz:expr,
        exception_stack: ($exception_top:expr, $exception_bytes:expr),
        error_handler_stack: $handler:expr,
        stacks: [$(($top:expr, $bytes:expr)),* $(,)?],
        message_bytes: [$($message:expr),* $(,)?],
        storage_bytes: $storage:expr,
        buffers: $buffers:expr,
        blackboards: $blackboards:expr,
        semaphores: $semaphores:expr,
        events: $events:expr,
        mutexes: $mutexes:expr,
        error_queue: $errors:expr,
        error_levels: [$($level:ident),* $(,)?],
        sampling_ports: [$((
            $sampling:expr, $sampling_direction:ident, $sampling_bytes:expr, $refresh:expr,
            slot $sampling_slot:expr, line $sampling_line:expr
        )),* $(,)?],
        queuing_ports: [$((
            $queuing:expr, $queuing_direction:ident, $queuing_bytes:expr, depth $depth:expr,
            slot $queuing_slot:expr, line $queuing_line:expr
        )),* $(,)?],
        memory_blocks: [$(($block:expr, $address:expr, $block_bytes:expr)),* $(,)?],
        schedules: [$($schedule_name:expr),* $(,)?],
        schedule_changes: [$($change:expr),* $(,)?],
        schedule: $schedule:expr $(,)?
    ) => {
        $crate::apex::limits! {
            /// How much fits into the partition.
            pub struct ApexLimits {
                processes: APEX_STACKS.len(),
                message_bytes: $crate::longest(&[$($message),*]),
                storage_bytes: $storage,
                buffers: $buffers,
                blackboards: $blackboards,
                semaphores: $semaphores,
                events: $events,
                mutexes: $mutexes,
                sampling_ports: APEX_FACTS.sampling_ports.len(),
                queuing_ports: APEX_FACTS.queuing_ports.len(),
                errors: $errors,
            }
        }

        /// The stacks of processes.
        // SAFETY: the build maps them there.
        pub const APEX_STACKS: &[$crate::Stack] =
            &[$(unsafe { $crate::Stack::at($top, $bytes) }),*];

        /// What the services know of the partition.
        pub const APEX_FACTS: $crate::apex::Facts = $crate::apex::Facts {
            identifier: $identifier,
            period: $crate::period($period),
            duration: $crate::apex::SystemTime($duration),
            timebase_hz: $hz,
            stacks: &[$($bytes),*],
            error_handler_stack_bytes: $crate::stack_bytes($handler),
            error_levels: [$($crate::apex::ErrorLevel::$level),*],
            sampling_ports: &[$($crate::apex::SamplingFacts {
                name: $crate::apex::Name::new($sampling),
                direction: $crate::apex::Direction::$sampling_direction,
                message_bytes: $sampling_bytes as u32,
                refresh: $crate::apex::SystemTime($refresh),
            }),*],
            queuing_ports: &[$($crate::apex::QueuingFacts {
                name: $crate::apex::Name::new($queuing),
                direction: $crate::apex::Direction::$queuing_direction,
                message_bytes: $queuing_bytes as u32,
                depth: $depth,
            }),*],
            memory_blocks: &[$($crate::apex::MemoryBlock {
                name: $crate::apex::Name::new($block),
                address: $address,
                bytes: $block_bytes,
                mode: $crate::apex::MemoryBlockMode::ReadWrite,
            }),*],
            schedules: &[$($crate::apex::Name::new($schedule_name)),*],
            may_set_schedule: $crate::schedule($schedule).1,
            schedule_changes: &[$($crate::schedule_change($change)),*],
        };

        /// What the build knows of the partition.
        pub static APEX_CONFIGURATION: $crate::Configuration = $crate::Configuration {
            facts: &APEX_FACTS,
            // SAFETY: the build maps it there.
            exception_stack: unsafe { $crate::Stack::at($exception_top, $exception_bytes) },
            error_handler_stack: match $handler {
                // SAFETY: as above.
                Some((top, bytes)) => Some(unsafe { $crate::Stack::at(top, bytes) }),
                None => None,
            },
            stacks: APEX_STACKS,
            sampling_ports: &[$($crate::native::BytePort::at($sampling_slot, $sampling_line)),*],
            queuing_ports: &[$($crate::native::BytePort::at($queuing_slot, $queuing_line)),*],
            schedule: $crate::schedule($schedule).0,
        };

        static APEX_STATE: $crate::Room<ApexLimits, { APEX_STACKS.len() }> = $crate::Room::new();

        /// The services.
        pub static APEX_PARTITION: $crate::Apex<ApexLimits, { APEX_STACKS.len() }> =
            $crate::Apex::new(&APEX_STATE, &APEX_CONFIGURATION);
    };
}

/// Declares an ARINC 653 partition, as `cofferdam_native::partition!` does, with `APEX`, its services. `initialise` is what its cold and its warm
/// start begin with: it creates everything, and sets the mode NORMAL.
#[macro_export]
macro_rules! partition {
    ($name:literal, $initialise:path) => {
        $crate::native::partition!($name, apex_main);
        $crate::partition!(@ $initialise);
    };
    ($initialise:path) => {
        $crate::native::partition!(apex_main);
        $crate::partition!(@ $initialise);
    };
    (@ $initialise:path) => {
        use ports::APEX_PARTITION as APEX;

        fn apex_main() -> ! {
            let initialise: fn() = $initialise;
            APEX.run(initialise)
        }
    };
}
