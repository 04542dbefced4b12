//! How much fits: the sizes of all pools, as one type that the build writes from `system.toml`.

use core::fmt::Debug;
use core::hash::Hash;
use core::ops::DerefMut;

use crate::error::ErrorStatus;
use crate::process::Process;
use crate::queue::WaitQueue;
use crate::{Blackboard, Buffer, Event, Mutex, QueuingPort, SamplingPort, Semaphore};

/// The waiting queue that each partition has besides those of its objects: of processes that were started before NORMAL.
pub const WAITING_FOR_NORMAL: usize = 1;

/// A place for things that are made once and stay.
pub trait Pool<T>: Clone + Debug + Default + Hash + Eq + DerefMut<Target = [T]> {
    /// How many fit.
    const CAPACITY: usize;

    /// Puts one more into it; its place, or `None` if it is full.
    fn add(&mut self, thing: T) -> Option<usize>;

    /// Takes the first one out. Only the queue of errors does.
    fn take_first(&mut self) -> Option<T>;

    /// Whether no more fit.
    fn is_full(&self) -> bool {
        self.len() >= Self::CAPACITY
    }
}

impl<T: Clone + Debug + Hash + Eq, const N: usize> Pool<T> for heapless::Vec<T, N> {
    const CAPACITY: usize = N;

    fn add(&mut self, thing: T) -> Option<usize> {
        let index = self.len();
        self.push(thing).ok().map(|()| index)
    }

    fn take_first(&mut self) -> Option<T> {
        (!self.is_empty()).then(|| self.remove(0))
    }
}

/// A piece of memory of a fixed size.
pub trait Bytes: Clone + Debug + Hash + Eq {
    /// All zero.
    const ZERO: Self;
    /// It.
    fn bytes(&self) -> &[u8];
    /// It, to write.
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl<const N: usize> Bytes for [u8; N] {
    const ZERO: Self = [0; N];

    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// The sizes of a partition. [`limits!`](crate::limits!) writes an implementation.
pub trait Limits: Clone + Debug + Default + Hash + Eq {
    /// Processes. At most 254.
    type Processes: Pool<Process>;
    /// One queue for each object that processes wait for, and [`WAITING_FOR_NORMAL`].
    type Queues: Pool<WaitQueue>;
    /// A slot for each process, for the message that it waits with.
    type Transfers: Bytes;
    /// What the messages of buffers and blackboards are kept in.
    type Storage: Bytes;
    /// Buffers.
    type Buffers: Pool<Buffer>;
    /// Blackboards.
    type Blackboards: Pool<Blackboard>;
    /// Semaphores.
    type Semaphores: Pool<Semaphore>;
    /// Events.
    type Events: Pool<Event>;
    /// Mutexes.
    type Mutexes: Pool<Mutex>;
    /// Sampling ports.
    type SamplingPorts: Pool<SamplingPort>;
    /// Queuing ports.
    type QueuingPorts: Pool<QueuingPort>;
    /// Errors that wait for the error handler.
    type Errors: Pool<ErrorStatus>;
}

/// Declares a type with the sizes of a partition.
///
/// ```
/// cofferdam_apex::limits! {
///     /// The flight control application.
///     pub struct Flight {
///         processes: 8,
///         message_bytes: 64,
///         storage_bytes: 1024,
///         buffers: 2,
///         blackboards: 2,
///         semaphores: 4,
///         events: 4,
///         mutexes: 4,
///         sampling_ports: 8,
///         queuing_ports: 4,
///         errors: 8,
///     }
/// }
/// ```
///
/// `message_bytes` is the longest message of a buffer, blackboard or queuing port; `storage_bytes` what the messages of buffers and
/// blackboards take together: for each its depth (1 for a blackboard) times 4 bytes more than its longest message, rounded up to 4.
#[macro_export]
macro_rules! limits {
    (
        $(#[$doc:meta])*
        $visibility:vis struct $name:ident {
            processes: $processes:expr,
            message_bytes: $message_bytes:expr,
            storage_bytes: $storage_bytes:expr,
            buffers: $buffers:expr,
            blackboards: $blackboards:expr,
            semaphores: $semaphores:expr,
            events: $events:expr,
            mutexes: $mutexes:expr,
            sampling_ports: $sampling_ports:expr,
            queuing_ports: $queuing_ports:expr,
            errors: $errors:expr $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
        $visibility struct $name;

        const _: () = assert!($processes <= 254, "at most 254 processes");

        impl $crate::Limits for $name {
            type Processes = $crate::export::Vec<$crate::Process, { $processes }>;
            type Queues = $crate::export::Vec<
                $crate::WaitQueue,
                {
                    $buffers
                        + $blackboards
                        + $semaphores
                        + $events
                        + $mutexes
                        + $queuing_ports
                        + $crate::WAITING_FOR_NORMAL
                },
            >;
            type Transfers = [u8; $processes * $message_bytes];
            type Storage = [u8; $storage_bytes];
            type Buffers = $crate::export::Vec<$crate::Buffer, { $buffers }>;
            type Blackboards = $crate::export::Vec<$crate::Blackboard, { $blackboards }>;
            type Semaphores = $crate::export::Vec<$crate::Semaphore, { $semaphores }>;
            type Events = $crate::export::Vec<$crate::Event, { $events }>;
            type Mutexes = $crate::export::Vec<$crate::Mutex, { $mutexes }>;
            type SamplingPorts = $crate::export::Vec<$crate::SamplingPort, { $sampling_ports }>;
            type QueuingPorts = $crate::export::Vec<$crate::QueuingPort, { $queuing_ports }>;
            type Errors = $crate::export::Vec<$crate::ErrorStatus, { $errors }>;
        }
    };
}
