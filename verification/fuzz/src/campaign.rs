//! Random inputs without a guide, the same every time: case number N of a target is always the same input.

use std::cell::Cell;
use std::ops::Range;
use std::panic;
use std::sync::Once;

use crate::mutation::Mutation;
use crate::{TARGETS, Target};

thread_local! {
    static CASE: Cell<Option<(&'static str, u64)>> = const { Cell::new(None) };
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Gives a target these inputs, by their numbers. If one of them makes it panic, the number is printed.
#[allow(clippy::print_stderr)] // the panic is printed there as well
pub fn run(target: &Target, cases: Range<u64>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if let Some((name, case)) = CASE.get() {
                eprintln!(
                    "input {case} of {name}; again: cargo run -p cofferdam-fuzz -- {name} --from {case} --cases 1"
                );
            }
            before(what);
        }));
    });
    let mutation = Mutation::of((target.seeds)());
    for case in cases {
        CASE.set(Some((target.name, case)));
        (target.run)(&mutation.input(case));
    }
    CASE.set(None);
}
