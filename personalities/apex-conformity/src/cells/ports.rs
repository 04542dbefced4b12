//! Sampling and queuing ports.

use cofferdam_apex::Direction;
use cofferdam_apex::ReturnCode::{
    InvalidConfig, InvalidMode, InvalidParam, NoAction, NotAvailable, TimedOut,
};

use super::cells;
use crate::call::{Call, Message, Value};
use crate::host::REFRESH_NS;
use crate::script::{INFINITE, MS, Script, queuing, sampling};

fn message(value: Value) -> Message {
    match value {
        Value::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Fills the queue of `q_out`.
fn fill(s: &mut Script<'_>, port: i32) {
    for text in [b"1", b"2"] {
        s.ok(Call::SendQueuingMessage {
            port,
            message: text,
            time_out: 0,
        });
    }
}

const fn send(port: i32, message: &'static [u8], time_out: i64) -> Call {
    Call::SendQueuingMessage {
        port,
        message,
        time_out,
    }
}

const fn receive(port: i32, time_out: i64) -> Call {
    Call::ReceiveQueuingMessage { port, time_out }
}

cells! {
    CREATE_SAMPLING_PORT {
        NoError => |s| {
            assert_ne!(s.sampling_in(), s.sampling_out());
        };
        InvalidConfig => |s| {
            let refresh = REFRESH_NS as i64;
            s.refused(sampling("none", 1), InvalidConfig);
            s.refused(sampling("s_in", 0), InvalidConfig);
            s.refused(sampling("s_in", 2), InvalidConfig);
            for (message_bytes, refresh) in [(7, refresh), (9, refresh), (0, refresh), (-1, refresh), (8, refresh + 1), (8, -1)] {
                let call = Call::CreateSamplingPort { name: "s_in", message_bytes, direction: 1, refresh };
                s.refused(call, InvalidConfig);
            }
            s.sampling_in();
            s.sampling_out();
            s.refused(sampling("s_more", 1), InvalidConfig);
        };
        NoAction => |s| {
            s.sampling_in();
            s.refused(sampling("s_in", 1), NoAction);
        };
        InvalidMode => |s| {
            s.one();
            s.refused(sampling("s_in", 1), InvalidMode);
        };
    }
    WRITE_SAMPLING_MESSAGE {
        NoError => |s| {
            let port = s.sampling_out();
            s.ok(Call::WriteSamplingMessage { port, message: b"12345678" });
        };
        InvalidParam => |s| {
            let port = s.sampling_out();
            s.refused(Call::WriteSamplingMessage { port: port + 1, message: b"1" }, InvalidParam);
            s.refused(Call::WriteSamplingMessage { port, message: b"" }, InvalidParam);
        };
        InvalidConfig => |s| {
            let port = s.sampling_out();
            s.refused(Call::WriteSamplingMessage { port, message: b"123456789" }, InvalidConfig);
        };
        InvalidMode => |s| {
            let port = s.sampling_in();
            s.refused(Call::WriteSamplingMessage { port, message: b"1" }, InvalidMode);
        };
    }
    READ_SAMPLING_MESSAGE {
        NoError => |s| {
            let port = s.sampling_in();
            s.system.peer_writes(1, b"first");
            s.system.peer_writes(1, b"last");
            let read = message(s.ok(Call::ReadSamplingMessage { port }));
            assert_eq!((read.bytes(), read.flag), (&b"last"[..], 1));
        };
        InvalidParam => |s| s.refused(Call::ReadSamplingMessage { port: 1 }, InvalidParam);
        InvalidMode => |s| {
            let port = s.sampling_out();
            s.refused(Call::ReadSamplingMessage { port }, InvalidMode);
        };
        NoAction => |s| {
            let port = s.sampling_in();
            s.refused(Call::ReadSamplingMessage { port }, NoAction);
        };
    }
    GET_SAMPLING_PORT_ID {
        NoError => |s| {
            s.sampling_out();
            let port = s.sampling_in();
            assert_eq!(s.number(Call::GetSamplingPortId { name: "s_in" }), port);
        };
        InvalidConfig => |s| {
            // In the configuration, and not created.
            s.refused(Call::GetSamplingPortId { name: "s_in" }, InvalidConfig);
        };
    }
    GET_SAMPLING_PORT_STATUS {
        NoError => |s| {
            let port = s.sampling_in();
            match s.ok(Call::GetSamplingPortStatus { port }) {
                Value::SamplingPort(status) => {
                    assert_eq!(status.refresh.0, REFRESH_NS as i64);
                    assert_eq!((status.message_bytes, status.direction), (8, Direction::Destination));
                    assert!(!status.last_message_valid);
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetSamplingPortStatus { port: 0 }, InvalidParam);
    }
    CREATE_QUEUING_PORT {
        NoError => |s| {
            assert_ne!(s.queuing_in(), s.queuing_out());
        };
        InvalidConfig => |s| {
            s.refused(queuing("none", 1), InvalidConfig);
            s.refused(queuing("q_in", 0), InvalidConfig);
            s.refused(queuing("q_in", 2), InvalidConfig);
            for (message_bytes, messages_max, discipline) in [(7, 2, 0), (9, 2, 0), (8, 1, 0), (8, 3, 0), (8, -2, 0), (8, 2, 2)] {
                let call = Call::CreateQueuingPort { name: "q_in", message_bytes, messages_max, direction: 1, discipline };
                s.refused(call, InvalidConfig);
            }
            s.queuing_in();
            s.queuing_out();
            s.refused(queuing("q_more", 1), InvalidConfig);
        };
        NoAction => |s| {
            s.queuing_in();
            s.refused(queuing("q_in", 1), NoAction);
        };
        InvalidMode => |s| {
            s.one();
            s.refused(queuing("q_in", 1), InvalidMode);
        };
    }
    SEND_QUEUING_MESSAGE {
        NoError => |s| {
            let port = s.queuing_out();
            s.ok(send(port, b"12345678", 0));
            assert_eq!(s.system.peer_receives(0), Some(b'1'));
        };
        InvalidParam => |s| {
            let port = s.queuing_out();
            s.refused(send(port + 1, b"1", 0), InvalidParam);
            s.refused(send(port, b"1", -2), InvalidParam);
            s.refused(send(port, b"1", i64::MAX), InvalidParam);
            s.refused(send(port, b"", 0), InvalidParam);
        };
        InvalidConfig => |s| {
            let port = s.queuing_out();
            s.refused(send(port, b"123456789", 0), InvalidConfig);
        };
        InvalidMode => |s| {
            let into = s.queuing_in();
            let port = s.queuing_out();
            fill(s, port);
            s.refused(send(into, b"1", 0), InvalidMode);
            // Who would have to wait, and may not: the initialisation, the error handler, who locked preemption.
            s.refused(send(port, b"3", MS), InvalidMode);
            s.in_handler();
            s.refused(send(port, b"3", MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(send(port, b"3", INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let port = s.queuing_out();
            fill(s, port);
            s.refused(send(port, b"3", 0), NotAvailable);
        };
        TimedOut => |s| {
            let port = s.queuing_out();
            fill(s, port);
            let process = s.one();
            s.waits(send(port, b"3", MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
            // The message is not sent later.
            for first in [Some(b'1'), Some(b'2'), None] {
                assert_eq!(s.system.peer_receives(0), first);
            }
        };
    }
    RECEIVE_QUEUING_MESSAGE {
        NoError => |s| {
            let port = s.queuing_in();
            assert!(s.system.peer_sends(1, b"1"));
            assert!(s.system.peer_sends(1, b"2"));
            for text in [b"1", b"2"] {
                let received = message(s.ok(receive(port, 0)));
                assert_eq!((received.bytes(), received.flag), (&text[..], 0));
            }
        };
        InvalidParam => |s| {
            let port = s.queuing_in();
            s.refused(receive(port + 1, 0), InvalidParam);
            s.refused(receive(port, -2), InvalidParam);
            s.refused(receive(port, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let out = s.queuing_out();
            let port = s.queuing_in();
            s.refused(receive(out, 0), InvalidMode);
            s.refused(receive(port, MS), InvalidMode);
            s.in_handler();
            s.refused(receive(port, MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(receive(port, INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let port = s.queuing_in();
            s.refused(receive(port, 0), NotAvailable);
        };
        TimedOut => |s| {
            let port = s.queuing_in();
            let process = s.one();
            s.waits(receive(port, MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
        InvalidConfig => |s| {
            // Comes with the message: here as its flag. Only with the first one behind the loss.
            let port = s.queuing_in();
            for (text, queued) in [(b"1", true), (b"2", true), (b"3", false)] {
                assert_eq!(s.system.peer_sends(1, text), queued);
            }
            for (text, lost) in [(b"1", 1), (b"2", 0)] {
                let received = message(s.ok(receive(port, 0)));
                assert_eq!((received.bytes(), received.flag), (&text[..], lost));
            }
        };
    }
    GET_QUEUING_PORT_ID {
        NoError => |s| {
            s.queuing_out();
            let port = s.queuing_in();
            assert_eq!(s.number(Call::GetQueuingPortId { name: "q_in" }), port);
        };
        InvalidConfig => |s| s.refused(Call::GetQueuingPortId { name: "q_in" }, InvalidConfig);
    }
    GET_QUEUING_PORT_STATUS {
        NoError => |s| {
            let port = s.queuing_out();
            fill(s, port);
            s.two();
            s.waits(send(port, b"3", INFINITE));
            match s.ok(Call::GetQueuingPortStatus { port }) {
                Value::QueuingPort(status) => {
                    assert_eq!((status.messages, status.messages_max), (2, 2));
                    assert_eq!((status.message_bytes, status.direction), (8, Direction::Source));
                    assert_eq!(status.waiting_processes, 1);
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetQueuingPortStatus { port: 1 }, InvalidParam);
    }
    CLEAR_QUEUING_PORT {
        NoError => |s| {
            let port = s.queuing_in();
            s.system.peer_sends(1, b"1");
            s.ok(Call::ClearQueuingPort { port });
            s.refused(receive(port, 0), NotAvailable);
        };
        InvalidParam => |s| s.refused(Call::ClearQueuingPort { port: 1 }, InvalidParam);
        InvalidMode => |s| {
            let port = s.queuing_out();
            s.refused(Call::ClearQueuingPort { port }, InvalidMode);
        };
    }
}
