//! The server of `ping`, which was written for another system.
#![no_std]
#![no_main]

apex_ping::named!("ping_server", application::run);

mod application {
    include!("../../application/server.rs");

    pub(crate) fn run() {
        main();
    }
}
