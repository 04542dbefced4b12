//! Identifiers, as applications hold them. An application may pass any number: an identifier says nothing until it was looked up.

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        ///
        /// 0 names nothing; what was created first has 1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i32);

        impl $name {
            /// The identifier of what has this place in its pool.
            pub const fn of(index: usize) -> Self {
                Self(index as i32 + 1)
            }

            /// The place in a pool with `length` things.
            pub(crate) fn index(self, length: usize) -> Option<usize> {
                let index = usize::try_from(self.0).ok()?.checked_sub(1)?;
                (index < length).then_some(index)
            }
        }
    )+};
}

identifiers! {
    /// A process.
    ProcessId
    /// A buffer.
    BufferId
    /// A blackboard.
    BlackboardId
    /// A semaphore.
    SemaphoreId
    /// An event.
    EventId
    /// A mutex.
    MutexId
    /// A sampling port.
    SamplingPortId
    /// A queuing port.
    QueuingPortId
    /// A module schedule.
    ScheduleId
}

impl MutexId {
    /// "No mutex is owned": an answer of `GET_PROCESS_MUTEX_STATE`.
    pub const NONE_OWNED: Self = Self(-2);
    /// The mutex that is the preemption lock. It can be asked about, and not be acquired by its identifier.
    pub const PREEMPTION_LOCK: Self = Self(-3);
}
