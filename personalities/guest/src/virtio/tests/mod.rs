//! The devices, driven as Linux drives them, with a driver partition that is a vector.

extern crate std;

mod disk;
mod disk_in_trouble;
mod hostility;
mod network;
mod queue;
mod registers;
