//! The derive macro of cofferdam-ipc's Message.
