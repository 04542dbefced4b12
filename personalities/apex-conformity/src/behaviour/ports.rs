//! Ports.

use super::behaviours;
use crate::call::{Call, Value};
use crate::host::REFRESH_NS;
use crate::script::{INFINITE, MS, Script};

/// Whether the message that a sampling port gives is valid.
fn valid(s: &mut Script<'_>, port: i32) -> bool {
    match s.ok(Call::ReadSamplingMessage { port }) {
        Value::Message(message) => message.flag == 1,
        other => panic!("{other:?}"),
    }
}

fn last_valid(s: &mut Script<'_>, port: i32) -> bool {
    match s.ok(Call::GetSamplingPortStatus { port }) {
        Value::SamplingPort(status) => status.last_message_valid,
        other => panic!("{other:?}"),
    }
}

behaviours! {
    a_message_is_valid_to_the_last_tick_of_its_refresh_period: |s| {
        let port = s.sampling_in();
        s.system.peer_writes(1, b"text");
        s.pass(REFRESH_NS as i64);
        assert!(valid(s, port) && last_valid(s, port));
        s.pass(5);
        assert!(!valid(s, port) && !last_valid(s, port));
        s.system.peer_writes(1, b"text");
        assert!(valid(s, port));
    };
    the_status_tells_of_the_last_read_and_not_of_now: |s| {
        let port = s.sampling_in();
        s.system.peer_writes(1, b"text");
        assert!(!last_valid(s, port));
        assert!(valid(s, port));
        s.pass(2 * REFRESH_NS as i64);
        assert!(last_valid(s, port));
    };
    a_message_that_comes_goes_to_who_waits: |s| {
        let port = s.queuing_in();
        let (high, low) = s.two();
        s.waits(Call::ReceiveQueuingMessage { port, time_out: INFINITE });
        s.runs(low);
        s.system.peer_sends(1, b"text");
        s.runs(high);
        match s.collect() {
            Value::Message(message) => assert_eq!((message.bytes(), message.flag), (&b"text"[..], 0)),
            other => panic!("{other:?}"),
        }
    };
    who_waits_to_send_sends_when_there_is_room: |s| {
        let port = s.queuing_out();
        for message in [b"1", b"2"] {
            s.ok(Call::SendQueuingMessage { port, message, time_out: 0 });
        }
        let (high, low) = s.two();
        s.waits(Call::SendQueuingMessage { port, message: b"3", time_out: INFINITE });
        s.runs(low);
        assert_eq!(s.system.peer_receives(0), Some(b'1'));
        s.runs(high);
        s.collect();
        assert_eq!(s.system.peer_receives(0), Some(b'2'));
        assert_eq!(s.system.peer_receives(0), Some(b'3'));
    };
    the_overflow_flag_comes_once_with_the_next_message: |s| {
        let port = s.queuing_in();
        for (message, queued) in [(b"1", true), (b"2", true), (b"3", false), (b"4", false)] {
            assert_eq!(s.system.peer_sends(1, message), queued);
        }
        for flag in [1, 0] {
            match s.ok(Call::ReceiveQueuingMessage { port, time_out: 0 }) {
                Value::Message(message) => assert_eq!(message.flag, flag),
                other => panic!("{other:?}"),
            }
        }
    };
    a_port_that_changes_with_nobody_waiting_changes_nobody: |s| {
        s.queuing_in();
        let process = s.one();
        s.system.peer_sends(1, b"text");
        s.system.peer_sends(2, b"text");
        s.runs(process);
        s.pass(MS);
        s.runs(process);
    };
}
