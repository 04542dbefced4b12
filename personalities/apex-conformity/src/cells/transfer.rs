//! Buffers and blackboards.

use cofferdam_apex::EmptyIndicator;
use cofferdam_apex::ReturnCode::{
    InvalidConfig, InvalidMode, InvalidParam, NoAction, NotAvailable, TimedOut,
};

use super::cells;
use crate::call::{Call, Value};
use crate::script::{INFINITE, MS, Script, blackboard, buffer};

const fn send(buffer: i32, message: &'static [u8], time_out: i64) -> Call {
    Call::SendBuffer {
        buffer,
        message,
        time_out,
    }
}

const fn receive(buffer: i32, time_out: i64) -> Call {
    Call::ReceiveBuffer { buffer, time_out }
}

const fn display(blackboard: i32, message: &'static [u8]) -> Call {
    Call::DisplayBlackboard {
        blackboard,
        message,
    }
}

const fn read(blackboard: i32, time_out: i64) -> Call {
    Call::ReadBlackboard {
        blackboard,
        time_out,
    }
}

fn is_message(value: Value, text: &[u8]) {
    match value {
        Value::Message(message) => assert_eq!(message.bytes(), text),
        other => panic!("{other:?}"),
    }
}

/// A buffer with a message in it, hence full.
fn full(s: &mut Script<'_>) -> i32 {
    let buffer = s.buffer();
    s.ok(send(buffer, b"1", 0));
    buffer
}

cells! {
    CREATE_BUFFER {
        NoError => |s| {
            s.buffer();
            s.ok(Call::CreateBuffer { name: "deep", message_bytes: 16, messages_max: 9, discipline: 1 });
        };
        InvalidConfig => |s| {
            // More memory than there is; a message longer than processes can wait with; too many.
            for (message_bytes, messages_max) in [(8, 100), (17, 1), (i32::MAX, i32::MAX)] {
                s.refused(Call::CreateBuffer { name: "large", message_bytes, messages_max, discipline: 0 }, InvalidConfig);
            }
            s.ok(buffer("a"));
            s.ok(buffer("b"));
            s.refused(buffer("c"), InvalidConfig);
        };
        NoAction => |s| {
            s.ok(buffer("same"));
            s.refused(buffer("same"), NoAction);
        };
        InvalidParam => |s| {
            for (message_bytes, messages_max, discipline) in [(0, 1, 0), (-1, 1, 0), (8, 0, 0), (8, -1, 0), (8, 1, 2)] {
                s.refused(Call::CreateBuffer { name: "wrong", message_bytes, messages_max, discipline }, InvalidParam);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(buffer("late"), InvalidMode);
        };
    }
    SEND_BUFFER {
        NoError => |s| {
            let buffer = s.buffer();
            s.ok(send(buffer, b"12345678", 0));
            is_message(s.ok(receive(buffer, 0)), b"12345678");
        };
        InvalidParam => |s| {
            let buffer = s.buffer();
            s.refused(send(buffer + 1, b"1", 0), InvalidParam);
            s.refused(send(buffer, b"1", -2), InvalidParam);
            s.refused(send(buffer, b"1", i64::MAX), InvalidParam);
            s.refused(send(buffer, b"", 0), InvalidParam);
            s.refused(send(buffer, b"123456789", 0), InvalidParam);
        };
        InvalidMode => |s| {
            let buffer = full(s);
            s.refused(send(buffer, b"2", MS), InvalidMode);
            s.in_handler();
            s.refused(send(buffer, b"2", MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(send(buffer, b"2", INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let buffer = full(s);
            s.refused(send(buffer, b"2", 0), NotAvailable);
        };
        TimedOut => |s| {
            let buffer = full(s);
            let process = s.one();
            s.waits(send(buffer, b"2", MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
            // The message is not sent later.
            is_message(s.ok(receive(buffer, 0)), b"1");
            s.refused(receive(buffer, 0), NotAvailable);
        };
    }
    RECEIVE_BUFFER {
        NoError => |s| {
            let buffer = s.buffer();
            let (high, low) = s.two();
            s.waits(receive(buffer, INFINITE));
            s.runs(low);
            s.ok(send(buffer, b"text", 0));
            s.runs(high);
            is_message(s.collect(), b"text");
        };
        InvalidParam => |s| {
            let buffer = full(s);
            s.refused(receive(buffer + 1, 0), InvalidParam);
            s.refused(receive(buffer, -2), InvalidParam);
            s.refused(receive(buffer, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let buffer = s.buffer();
            s.refused(receive(buffer, MS), InvalidMode);
            s.in_handler();
            s.refused(receive(buffer, MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(receive(buffer, INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let buffer = s.buffer();
            s.refused(receive(buffer, 0), NotAvailable);
        };
        TimedOut => |s| {
            let buffer = s.buffer();
            let process = s.one();
            s.waits(receive(buffer, MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
    }
    GET_BUFFER_ID {
        NoError => |s| {
            s.ok(buffer("other"));
            let id = s.buffer();
            assert_eq!(s.number(Call::GetBufferId { name: "buffer" }), id);
        };
        InvalidConfig => |s| s.refused(Call::GetBufferId { name: "none" }, InvalidConfig);
    }
    GET_BUFFER_STATUS {
        NoError => |s| {
            let buffer = full(s);
            s.two();
            s.waits(send(buffer, b"2", INFINITE));
            match s.ok(Call::GetBufferStatus { buffer }) {
                Value::Buffer(status) => {
                    assert_eq!((status.messages, status.messages_max), (1, 1));
                    assert_eq!((status.message_bytes, status.waiting_processes), (8, 1));
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetBufferStatus { buffer: 1 }, InvalidParam);
    }
    CREATE_BLACKBOARD {
        NoError => |s| {
            s.ok(blackboard("board"));
        };
        InvalidConfig => |s| {
            s.refused(Call::CreateBlackboard { name: "large", message_bytes: 17 }, InvalidConfig);
            s.ok(blackboard("a"));
            s.ok(blackboard("b"));
            s.refused(blackboard("c"), InvalidConfig);
        };
        NoAction => |s| {
            s.ok(blackboard("same"));
            s.refused(blackboard("same"), NoAction);
        };
        InvalidParam => |s| {
            for message_bytes in [0, -1] {
                s.refused(Call::CreateBlackboard { name: "wrong", message_bytes }, InvalidParam);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(blackboard("late"), InvalidMode);
        };
    }
    DISPLAY_BLACKBOARD {
        NoError => |s| {
            let board = s.number(blackboard("board"));
            s.ok(display(board, b"first"));
            s.ok(display(board, b"last"));
            is_message(s.ok(read(board, 0)), b"last");
            is_message(s.ok(read(board, 0)), b"last");
        };
        InvalidParam => |s| {
            let board = s.number(blackboard("board"));
            s.refused(display(board + 1, b"1"), InvalidParam);
            s.refused(display(board, b""), InvalidParam);
            s.refused(display(board, b"123456789"), InvalidParam);
        };
    }
    READ_BLACKBOARD {
        NoError => |s| {
            let board = s.number(blackboard("board"));
            let (high, low) = s.two();
            s.waits(read(board, INFINITE));
            s.runs(low);
            s.ok(display(board, b"text"));
            s.runs(high);
            is_message(s.collect(), b"text");
        };
        InvalidParam => |s| {
            let board = s.number(blackboard("board"));
            s.refused(read(board + 1, 0), InvalidParam);
            s.refused(read(board, -2), InvalidParam);
            s.refused(read(board, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let board = s.number(blackboard("board"));
            s.refused(read(board, MS), InvalidMode);
            s.in_handler();
            s.refused(read(board, MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(read(board, INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let board = s.number(blackboard("board"));
            s.refused(read(board, 0), NotAvailable);
        };
        TimedOut => |s| {
            let board = s.number(blackboard("board"));
            let process = s.one();
            s.waits(read(board, MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
    }
    CLEAR_BLACKBOARD {
        NoError => |s| {
            let board = s.number(blackboard("board"));
            s.ok(display(board, b"text"));
            s.ok(Call::ClearBlackboard { blackboard: board });
            s.refused(read(board, 0), NotAvailable);
        };
        InvalidParam => |s| s.refused(Call::ClearBlackboard { blackboard: 1 }, InvalidParam);
    }
    GET_BLACKBOARD_ID {
        NoError => |s| {
            let board = s.number(blackboard("board"));
            assert_eq!(s.number(Call::GetBlackboardId { name: "board" }), board);
        };
        InvalidConfig => |s| s.refused(Call::GetBlackboardId { name: "none" }, InvalidConfig);
    }
    GET_BLACKBOARD_STATUS {
        NoError => |s| {
            let board = s.number(blackboard("board"));
            for (shown, indicator) in [(false, EmptyIndicator::Empty), (true, EmptyIndicator::Occupied)] {
                if shown {
                    s.ok(display(board, b"text"));
                }
                match s.ok(Call::GetBlackboardStatus { blackboard: board }) {
                    Value::Blackboard(status) => {
                        assert_eq!((status.empty_indicator, status.message_bytes), (indicator, 8));
                    }
                    other => panic!("{other:?}"),
                }
            }
        };
        InvalidParam => |s| s.refused(Call::GetBlackboardStatus { blackboard: 1 }, InvalidParam);
    }
}
