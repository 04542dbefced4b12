//! The errors that the health monitor knows, and what it can do about them.

/// A processor exception that a partition may ask to have as a virtual exception.
///
/// The number is that of the IVOR (EREF, table 5-2), so that a guest's vectors keep their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Exception {
    /// A data access without the right.
    DataStorage = 2,
    /// A fetch without the right.
    InstructionStorage = 3,
    /// A virtual interrupt line is pending.
    ExternalInput = 4,
    /// An access that must be aligned and is not.
    Alignment = 5,
    /// An illegal, privileged or trap instruction.
    Program = 6,
    /// A floating-point instruction: the core has no such unit.
    FloatingPointUnavailable = 7,
    /// `sc` at user level of a guest.
    SystemCall = 8,
    /// The virtual decrementer.
    Decrementer = 10,
    /// A data access that nothing maps.
    DataTlbError = 13,
    /// A fetch that nothing maps.
    InstructionTlbError = 14,
    /// An SPE instruction: never enabled.
    SpeUnavailable = 15,
}

macro_rules! numbered {
    ($(#[$meta:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $kind { $($(#[$doc])* $name = $number,)* }

        impl $kind {
            /// Every one, in the order of its number, without gaps.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, as `system.toml` and the tools write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The one with this number, if there is one.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }

            /// The one with this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

numbered! {
    /// An error of a partition or of the module.
    Error {
        /// An access to memory that the partition does not have, or without the right.
        MemoryViolation = 0, "memory_violation";
        /// An access just below the stack.
        StackOverflow = 1, "stack_overflow";
        /// An instruction that is privileged.
        PrivilegedInstruction = 2, "privileged_instruction";
        /// An instruction that does not exist, or that the core lacks.
        IllegalInstruction = 3, "illegal_instruction";
        /// A trap instruction: what a compiler puts where a program must not come.
        Trap = 4, "trap";
        /// An access that must be aligned and is not.
        Alignment = 5, "alignment";
        /// The work of a release was not complete at its deadline.
        DeadlineMissed = 6, "deadline_missed";
        /// Raised by the partition itself.
        ApplicationError = 7, "application_error";
        /// A device interrupt came more often than its limit; its source is masked.
        InterruptStorm = 8, "interrupt_storm";
        /// The restart policy's limit was reached.
        RestartLimit = 9, "restart_limit";
        /// A device on the bus is not what the tables say: it stays off.
        DeviceUnfit = 10, "device_unfit";
        /// The kernel met an exception of its own. Module level.
        KernelException = 11, "kernel_exception";
        /// A machine check. Module level.
        MachineCheck = 12, "machine_check";
        /// A window began after its tick. Module level.
        WindowLate = 13, "window_late";
        /// The tables are not usable. Module level.
        Configuration = 14, "configuration";
    }
}

/// How many of [`Error::ALL`] are partition level; they come first.
pub const PARTITION_ERRORS: usize = 11;

numbered! {
    /// What the health monitor does.
    Action {
        /// Count it.
        Ignore = 0, "ignore";
        /// Write it to the log; the partition goes on. For an exception: behind the instruction that caused it.
        Log = 1, "log";
        /// To the partition's own handler if it asked for the exception, else `restart_cold`.
        Reflect = 2, "reflect";
        /// Restart the partition, its memory cleared.
        RestartCold = 3, "restart_cold";
        /// Restart the partition, its memory kept.
        RestartWarm = 4, "restart_warm";
        /// Stop the partition.
        Stop = 5, "stop";
        /// Switch to the schedule that the table names.
        SwitchSchedule = 6, "switch_schedule";
        /// Stop the machine.
        Halt = 7, "halt";
        /// Reset the machine.
        Reset = 8, "reset";
    }
}
