//! What an application for `a653rs-linux` names of it, here.
//!
//! The files in `application` are the example `ping` of that project, as they are there (DLR-FT/a653rs-linux at
//! 7185024, MIT OR Apache-2.0). They are for a program on a desktop, with a `main` of its own and the names of that project's crate; the
//! programs in `src/bin` take them in whole, and [`named!`] gives these names their meaning: the hypervisor, and its logger.
#![no_std]

/// Makes the crate known to itself as `a653rs_linux`, with what its applications name.
#[macro_export]
macro_rules! named {
    ($name:literal, $main:path) => {
        cofferdam_apex_a653rs::partition!($name, Hypervisor, $main);

        const PROCESSES: usize = ports::APEX_STACKS.len();

        extern crate self as a653rs_linux;

        /// `a653rs_linux::partition`.
        pub mod partition {
            /// The hypervisor.
            pub type ApexLinuxPartition = super::Hypervisor;

            type Logger = cofferdam_apex_a653rs::Logger<super::Here, { super::PROCESSES }>;

            /// Its logger.
            #[derive(Debug)]
            pub struct ApexLogger;

            impl ApexLogger {
                /// A panic is the partition's end here, and in the health log, without more.
                pub const fn install_panic_hook() {}

                /// What the application logs is reported from now on.
                ///
                /// # Errors
                /// There is a logger.
                pub fn install_logger(level: log::LevelFilter) -> Result<(), log::SetLoggerError> {
                    Logger::install(level)
                }
            }
        }
    };
}
