//! What is here of ARINC 653 Part 2.

use cofferdam_apex::ReturnCode::{InvalidConfig, InvalidMode, InvalidParam, NoAction};
use cofferdam_apex::{MemoryBlockMode, MessageAge, Updated};

use super::cells;
use crate::call::{Call, Value};
use crate::host::REFRESH_NS;
use crate::script::{MS, Script};

/// When the schedule changed last, the one in force, and the next one.
fn schedule(s: &mut Script<'_>) -> (i64, i32, i32) {
    match s.ok(Call::GetModuleScheduleStatus) {
        Value::Schedule(status) => (
            status.time_of_last_switch.0,
            status.current.0,
            status.next.0,
        ),
        other => panic!("{other:?}"),
    }
}

fn read_updated(s: &mut Script<'_>, port: i32, text: &[u8], updated: Updated) {
    match s.ok(Call::ReadUpdatedSamplingMessage { port }) {
        Value::Message(message) => {
            assert_eq!((message.bytes(), message.flag), (text, updated as u32));
        }
        other => panic!("{other:?}"),
    }
}

fn is_now(s: &mut Script<'_>, port: i32, age: MessageAge, updated: Updated) {
    match s.ok(Call::GetSamplingPortCurrentStatus { port }) {
        Value::SamplingPortCurrent(status) => {
            assert_eq!((status.message_age, status.updated), (age, updated));
            assert_eq!(
                (status.refresh.0, status.message_bytes),
                (REFRESH_NS as i64, 8)
            );
        }
        other => panic!("{other:?}"),
    }
}

cells! {
    SET_MODULE_SCHEDULE {
        NoError => |s| {
            s.ok(Call::SetModuleSchedule { schedule: 2 });
            // Back to the one in force, which takes the change back.
            s.ok(Call::SetModuleSchedule { schedule: 1 });
            s.refused(Call::SetModuleSchedule { schedule: 1 }, NoAction);
        };
        InvalidParam => |s| {
            for schedule in [0, 3, -1] {
                s.refused(Call::SetModuleSchedule { schedule }, InvalidParam);
            }
        };
        InvalidConfig => |s| {
            s.system.restrict();
            s.refused(Call::SetModuleSchedule { schedule: 2 }, InvalidConfig);
        };
        NoAction => |s| s.refused(Call::SetModuleSchedule { schedule: 1 }, NoAction);
    }
    GET_MODULE_SCHEDULE_STATUS {
        NoError => |s| {
            s.ok(Call::SetModuleSchedule { schedule: 2 });
            assert_eq!(schedule(s), (0, 1, 2));
            s.pass(MS);
            s.system.major_frame_ends();
            // The case begins at 1 ms.
            assert_eq!(schedule(s), (2 * MS, 2, 2));
        };
    }
    GET_MODULE_SCHEDULE_ID {
        NoError => |s| assert_eq!(s.number(Call::GetModuleScheduleId { name: "landing" }), 2);
        InvalidConfig => |s| s.refused(Call::GetModuleScheduleId { name: "none" }, InvalidConfig);
    }
    GET_MEMORY_BLOCK_STATUS {
        NoError => |s| match s.ok(Call::GetMemoryBlockStatus { name: "block" }) {
            Value::MemoryBlock(status) => {
                assert_eq!((status.address, status.bytes), (0x10_0000, 4096));
                assert_eq!(status.mode, MemoryBlockMode::ReadWrite);
            }
            other => panic!("{other:?}"),
        };
        InvalidConfig => |s| s.refused(Call::GetMemoryBlockStatus { name: "none" }, InvalidConfig);
    }
    READ_UPDATED_SAMPLING_MESSAGE {
        NoError => |s| {
            let port = s.sampling_in();
            read_updated(s, port, b"", Updated::EmptyPort);
            s.system.peer_writes(1, b"next");
            read_updated(s, port, b"next", Updated::NewMessage);
            read_updated(s, port, b"next", Updated::ConsumedMessage);
            // The same text, and another message.
            s.pass(MS);
            s.system.peer_writes(1, b"next");
            read_updated(s, port, b"next", Updated::NewMessage);
        };
        InvalidParam => |s| s.refused(Call::ReadUpdatedSamplingMessage { port: 1 }, InvalidParam);
        InvalidMode => |s| {
            let port = s.sampling_out();
            s.refused(Call::ReadUpdatedSamplingMessage { port }, InvalidMode);
        };
    }
    GET_SAMPLING_PORT_CURRENT_STATUS {
        NoError => |s| {
            let port = s.sampling_in();
            is_now(s, port, MessageAge::Stale, Updated::EmptyPort);
            s.system.peer_writes(1, b"text");
            s.pass(REFRESH_NS as i64);
            is_now(s, port, MessageAge::Fresh, Updated::NewMessage);
            s.ok(Call::ReadSamplingMessage { port });
            s.pass(5);
            is_now(s, port, MessageAge::Stale, Updated::ConsumedMessage);
        };
        InvalidParam => |s| s.refused(Call::GetSamplingPortCurrentStatus { port: 1 }, InvalidParam);
    }
    READ_SAMPLING_MESSAGE_CONDITIONAL {
        NoError => |s| {
            let port = s.sampling_in();
            s.system.peer_writes(1, b"text");
            // Written at 1 ms, when the case begins.
            match s.ok(Call::ReadSamplingMessageConditional { port, reference: MS - 1 }) {
                Value::Message(message) => assert_eq!((message.bytes(), message.time_stamp), (&b"text"[..], MS)),
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::ReadSamplingMessageConditional { port: 1, reference: 0 }, InvalidParam);
        InvalidMode => |s| {
            let port = s.sampling_out();
            s.refused(Call::ReadSamplingMessageConditional { port, reference: 0 }, InvalidMode);
        };
        NoAction => |s| {
            let port = s.sampling_in();
            s.refused(Call::ReadSamplingMessageConditional { port, reference: 0 }, NoAction);
            s.system.peer_writes(1, b"text");
            s.refused(Call::ReadSamplingMessageConditional { port, reference: MS }, NoAction);
        };
    }
}
