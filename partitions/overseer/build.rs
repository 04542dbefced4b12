//! Links the partition at its place.

fn main() {
    cofferdam_native_build::link();
}
