//! The client of `ping`, which was written for another system.
#![no_std]
#![no_main]

apex_ping::named!("ping_client", application::run);

mod application {
    include!("../../application/client.rs");

    pub(crate) fn run() {
        main();
    }
}
