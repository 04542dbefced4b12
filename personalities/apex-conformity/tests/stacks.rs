//! Which stack a process gets.

use cofferdam_apex::{ProcessId, Start, StartCondition};
use cofferdam_apex_conformity::host::{FACTS, Small, World};
use cofferdam_apex_conformity::script::aperiodic;
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes, Value, dispatch};

#[test]
fn a_process_gets_the_smallest_free_stack_that_is_large_enough() {
    let start = Start {
        warm: false,
        condition: StartCondition::NormalStart,
        now: 0,
        release: 0,
    };
    let mut apex = cofferdam_apex::Partition::<World, Small>::new(World::new(0), &FACTS, start);
    let mut stack = |name, stack_bytes| {
        let attributes = ProcessAttributes {
            stack_bytes,
            ..aperiodic(name, 1)
        };
        match dispatch(&mut apex, Call::CreateProcess { attributes }) {
            Answer::Done(Value::Number(process)) => apex.stack_of(ProcessId(process as i32)),
            _ => None,
        }
    };
    assert_eq!(FACTS.stacks, [4_096, 4_096, 8_192, 4_096, 8_192, 4_096]);
    assert_eq!(stack("large", 4_097), Some(2));
    assert_eq!(stack("small", 4_096), Some(0));
    assert_eq!(stack("tiny", 1), Some(1));
    assert_eq!(stack("largest", 8_192), Some(4));
    assert_eq!(stack("none left", 4_097), None);
    assert_eq!(stack("third", 4_096), Some(3));
    assert_eq!(stack("fourth", 4_096), Some(5));
    assert_eq!(stack("too many", 1), None);
}
