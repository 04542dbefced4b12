//! In which order those who wait are served.

use super::behaviours;
use crate::call::{Call, Value};
use crate::script::{INFINITE, MS, Script};

/// Three processes of priorities 10, 30 and 20, which begin to wait by `wait` in this order; then one of priority 5 that runs.
fn three_wait(s: &mut Script<'_>, wait: Call) -> [i32; 3] {
    // Each is started with a delay of its own, so that they begin to wait in the order of their names.
    let mut delay = MS;
    let waiting = [("first", 10), ("second", 30), ("third", 20)].map(|(name, priority)| {
        let process = s.create(name, priority);
        s.ok(Call::DelayedStart { process, delay });
        delay += MS;
        process
    });
    let low = s.start("low", 5);
    s.normal();
    for process in waiting {
        s.pass(MS);
        s.runs(process);
        s.waits(wait);
        s.runs(low);
    }
    waiting
}

/// Who runs after each of these calls of the process of priority 5: it stops itself, so that `low` runs again.
fn served(s: &mut Script<'_>, call: Call, order: [i32; 3]) {
    for process in order {
        s.ok(call);
        s.runs(process);
        s.collect();
        s.ok(Call::StopSelf);
    }
}

fn by(s: &mut Script<'_>, discipline: u32) -> i32 {
    s.number(Call::CreateSemaphore {
        name: "semaphore",
        value: 0,
        maximum: 9,
        discipline,
    })
}

behaviours! {
    a_queue_by_fifo_serves_who_came_first: |s| {
        let semaphore = by(s, 0);
        let [first, second, third] = three_wait(s, Call::WaitSemaphore { semaphore, time_out: INFINITE });
        served(s, Call::SignalSemaphore { semaphore }, [first, second, third]);
    };
    a_queue_by_priority_serves_the_most_urgent: |s| {
        let semaphore = by(s, 1);
        let [first, second, third] = three_wait(s, Call::WaitSemaphore { semaphore, time_out: INFINITE });
        served(s, Call::SignalSemaphore { semaphore }, [second, third, first]);
    };
    a_queue_by_priority_serves_equals_in_order: |s| {
        let semaphore = by(s, 1);
        let a = s.start("a", 10);
        let b = s.start("b", 10);
        let low = s.start("low", 5);
        s.normal();
        for process in [a, b] {
            s.runs(process);
            s.waits(Call::WaitSemaphore { semaphore, time_out: INFINITE });
        }
        s.runs(low);
        for process in [a, b] {
            s.ok(Call::SignalSemaphore { semaphore });
            s.runs(process);
            s.ok(Call::StopSelf);
        }
    };
    who_waits_keeps_its_place_with_a_new_priority: |s| {
        let semaphore = by(s, 1);
        let [first, second, third] = three_wait(s, Call::WaitSemaphore { semaphore, time_out: INFINITE });
        s.ok(Call::SetPriority { process: first, priority: 100 });
        served(s, Call::SignalSemaphore { semaphore }, [second, third, first]);
    };
    who_comes_later_with_the_same_priority_comes_behind_whoever_lost_it: |s| {
        let semaphore = by(s, 1);
        let first = s.start("first", 30);
        let second = s.start("second", 20);
        let low = s.start("low", 5);
        s.normal();
        s.waits(Call::WaitSemaphore { semaphore, time_out: INFINITE });
        s.runs(second);
        s.ok(Call::SetPriority { process: first, priority: 10 });
        s.waits(Call::WaitSemaphore { semaphore, time_out: INFINITE });
        s.runs(low);
        s.ok(Call::SignalSemaphore { semaphore });
        s.runs(first);
    };
    a_time_out_takes_one_out_of_the_middle: |s| {
        let semaphore = by(s, 0);
        let early = s.start("early", 30);
        let middle = s.start("middle", 20);
        let (late, low) = (s.start("late", 10), s.start("low", 5));
        s.normal();
        for (process, time_out) in [(early, INFINITE), (middle, MS), (late, INFINITE)] {
            s.runs(process);
            s.waits(Call::WaitSemaphore { semaphore, time_out });
        }
        s.pass(MS);
        s.runs(middle);
        s.ok(Call::StopSelf);
        s.runs(low);
        for process in [early, late] {
            s.ok(Call::SignalSemaphore { semaphore });
            s.runs(process);
            s.ok(Call::StopSelf);
        }
    };
    an_event_wakes_all_who_wait: |s| {
        let event = s.number(Call::CreateEvent { name: "event" });
        let [first, second, third] = three_wait(s, Call::WaitEvent { event, time_out: INFINITE });
        s.ok(Call::SetEvent { event });
        for process in [second, third, first] {
            s.runs(process);
            s.collect();
            s.ok(Call::StopSelf);
        }
    };
    a_blackboard_gives_all_who_wait_the_message: |s| {
        let blackboard = s.number(crate::script::blackboard("board"));
        let order = three_wait(s, Call::ReadBlackboard { blackboard, time_out: INFINITE });
        s.ok(Call::DisplayBlackboard { blackboard, message: b"text" });
        for process in [order[1], order[2], order[0]] {
            s.runs(process);
            match s.collect() {
                Value::Message(message) => assert_eq!(message.bytes(), b"text"),
                other => panic!("{other:?}"),
            }
            s.ok(Call::StopSelf);
        }
    };
    a_waiting_sender_keeps_its_message_and_its_turn: |s| {
        let buffer = s.buffer();
        let (high, low) = s.two();
        s.ok(Call::SendBuffer { buffer, message: b"1", time_out: 0 });
        s.waits(Call::SendBuffer { buffer, message: b"2", time_out: INFINITE });
        s.runs(low);
        match s.call(Call::ReceiveBuffer { buffer, time_out: 0 }) {
            crate::Answer::Done(Value::Message(message)) => assert_eq!(message.bytes(), b"1"),
            other => panic!("{other:?}"),
        }
        s.runs(high);
        s.collect();
        match s.ok(Call::ReceiveBuffer { buffer, time_out: 0 }) {
            Value::Message(message) => assert_eq!(message.bytes(), b"2"),
            other => panic!("{other:?}"),
        }
    };
    messages_of_a_buffer_come_in_order_around_its_end: |s| {
        let buffer = s.number(Call::CreateBuffer { name: "deep", message_bytes: 5, messages_max: 3, discipline: 0 });
        let texts: [&'static [u8]; 5] = [b"1", b"22", b"333", b"4444", b"55555"];
        for round in 0..7 {
            for message in [texts[round % 5], texts[(round + 2) % 5]] {
                s.ok(Call::SendBuffer { buffer, message, time_out: 0 });
            }
            for text in [texts[round % 5], texts[(round + 2) % 5]] {
                match s.ok(Call::ReceiveBuffer { buffer, time_out: 0 }) {
                    Value::Message(message) => assert_eq!(message.bytes(), text),
                    other => panic!("{other:?}"),
                }
            }
        }
    };
}
