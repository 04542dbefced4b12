//! Which stack a process gets, and that an error handler wants one.

use cofferdam_apex::{Facts, Partition, ProcessId, ReturnCode, Start, StartCondition};
use cofferdam_apex_conformity::host::{FACTS, Small, World};
use cofferdam_apex_conformity::script::aperiodic;
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes, Value, dispatch};

const START: Start = Start {
    warm: false,
    condition: StartCondition::NormalStart,
    now: 0,
    release: 0,
};

#[test]
fn a_process_gets_the_smallest_free_stack_that_is_large_enough() {
    let mut apex = Partition::<World, Small>::new(World::new(0), &FACTS, START);
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

#[test]
fn without_a_stack_for_it_there_is_no_error_handler() {
    static NO_STACK: Facts = Facts {
        error_handler_stack_bytes: 0,
        ..FACTS
    };
    let mut apex = Partition::<World, Small>::new(World::new(0), &NO_STACK, START);
    for stack_bytes in [0, 1, 4_096, u32::MAX] {
        let handler = Call::CreateErrorHandler {
            entry_point: 4,
            stack_bytes,
        };
        let refused = Answer::Refused(ReturnCode::InvalidConfig);
        assert_eq!(dispatch(&mut apex, handler), refused, "{stack_bytes}");
    }
}
