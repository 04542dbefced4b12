//! Sampling and queuing ports.

use cofferdam_apex_native::apex::{
    Direction, Discipline, NO_ERROR, QueuingPortId, ReturnCode, SamplingPortId, SystemTime, Updated,
};

use crate::APEX;
use crate::address::{Message, Out, Room, Text};
use crate::processes::{answer, answer_received};
use crate::status::*;

fn direction(number: u32) -> Result<Direction, ReturnCode> {
    Direction::from_number(number).ok_or(ReturnCode::InvalidConfig)
}

fn discipline(number: u32) -> Result<Discipline, ReturnCode> {
    Discipline::from_number(number).ok_or(ReturnCode::InvalidConfig)
}

services! {
    CREATE_SAMPLING_PORT(name: Text, bytes: i32, way: u32, refresh: i64) -> i32 = direction(way)
        .and_then(|way| APEX.create_sampling_port(&name.name(), bytes, way, SystemTime(refresh)))
        .map(|port| port.0);
    WRITE_SAMPLING_MESSAGE(port: i32, message: Message, length: i32) = {
        let port = SamplingPortId(port);
        APEX.write_sampling_message(port, message.bytes(length, longest_sample(port)))
    };
    GET_SAMPLING_PORT_ID(name: Text) -> i32 =
        APEX.get_sampling_port_id(&name.name()).map(|port| port.0);
    GET_SAMPLING_PORT_STATUS(port: i32) -> SamplingPortStatus =
        APEX.get_sampling_port_status(SamplingPortId(port)).map(|status| SamplingPortStatus {
            refresh: status.refresh.0,
            message_bytes: status.message_bytes,
            direction: status.direction as u32,
            last_message_valid: u32::from(status.last_message_valid),
        });
    GET_SAMPLING_PORT_CURRENT_STATUS(port: i32) -> SamplingPortCurrentStatus =
        APEX.get_sampling_port_current_status(SamplingPortId(port)).map(|status| {
            SamplingPortCurrentStatus {
                refresh: status.refresh.0,
                message_bytes: status.message_bytes,
                direction: status.direction as u32,
                message_age: status.message_age as u32,
                updated: status.updated as u32,
            }
        });

    CREATE_QUEUING_PORT(name: Text, bytes: i32, messages: i32, way: u32, order: u32) -> i32 =
        direction(way)
            .and_then(|way| {
                let order = discipline(order)?;
                APEX.create_queuing_port(&name.name(), bytes, messages, way, order)
            })
            .map(|port| port.0);
    SEND_QUEUING_MESSAGE(port: i32, message: Message, length: i32, time_out: i64) =
        {
            let port = QueuingPortId(port);
            let message = message.bytes(length, longest_in_queue(port));
            APEX.send_queuing_message(port, message, SystemTime(time_out))
        };
    GET_QUEUING_PORT_ID(name: Text) -> i32 =
        APEX.get_queuing_port_id(&name.name()).map(|port| port.0);
    GET_QUEUING_PORT_STATUS(port: i32) -> QueuingPortStatus =
        APEX.get_queuing_port_status(QueuingPortId(port)).map(|status| QueuingPortStatus {
            messages: status.messages,
            messages_max: status.messages_max,
            message_bytes: status.message_bytes,
            direction: status.direction as u32,
            waiting_processes: status.waiting_processes,
        });
    CLEAR_QUEUING_PORT(port: i32) = APEX.clear_queuing_port(QueuingPortId(port));
}

/// The longest message of a sampling port; 0 if there is no such port, which the service finds.
fn longest_sample(port: SamplingPortId) -> u32 {
    let status = APEX.get_sampling_port_status(port);
    status.map_or(0, |status| status.message_bytes)
}

/// The same of a queuing port.
fn longest_in_queue(port: QueuingPortId) -> u32 {
    let status = APEX.get_queuing_port_status(port);
    status.map_or(0, |status| status.message_bytes)
}

/// Room for the longest message of a sampling port.
fn room_of<'a>(port: SamplingPortId, room: Room) -> &'a mut [u8] {
    room.bytes(longest_sample(port))
}

/// `READ_SAMPLING_MESSAGE`.
#[unsafe(no_mangle)]
pub extern "C" fn READ_SAMPLING_MESSAGE(
    port: i32,
    room: Room,
    length: Out<i32>,
    validity: Out<u32>,
    code: Out<u32>,
) {
    length.probe();
    validity.probe();
    code.probe();
    let port = SamplingPortId(port);
    let done = APEX.read_sampling_message(port, room_of(port, room));
    answer(done, code, |message| {
        length.set(message.map_or(0, |message| message.length as i32));
        validity.set(message.map_or(0, |message| u32::from(message.valid)));
    });
}

/// `READ_UPDATED_SAMPLING_MESSAGE`.
#[unsafe(no_mangle)]
pub extern "C" fn READ_UPDATED_SAMPLING_MESSAGE(
    port: i32,
    room: Room,
    length: Out<i32>,
    updated: Out<u32>,
    code: Out<u32>,
) {
    length.probe();
    updated.probe();
    code.probe();
    let port = SamplingPortId(port);
    let done = APEX.read_updated_sampling_message(port, room_of(port, room));
    answer(done, code, |message| {
        length.set(message.map_or(0, |message| message.length as i32));
        updated.set(message.map_or(Updated::EmptyPort, |message| message.updated) as u32);
    });
}

/// `READ_SAMPLING_MESSAGE_CONDITIONAL`.
#[unsafe(no_mangle)]
pub extern "C" fn READ_SAMPLING_MESSAGE_CONDITIONAL(
    port: i32,
    reference: i64,
    room: Room,
    length: Out<i32>,
    time_stamp: Out<i64>,
    code: Out<u32>,
) {
    length.probe();
    time_stamp.probe();
    code.probe();
    let port = SamplingPortId(port);
    let reference = SystemTime(reference);
    let done = APEX.read_sampling_message_conditional(port, reference, room_of(port, room));
    answer(done, code, |message| {
        length.set(message.map_or(0, |message| message.length as i32));
        time_stamp.set(message.map_or(0, |message| message.time_stamp.0));
    });
}

/// `RECEIVE_QUEUING_MESSAGE`. A message before which others were lost comes with INVALID_CONFIG.
#[unsafe(no_mangle)]
pub extern "C" fn RECEIVE_QUEUING_MESSAGE(
    port: i32,
    time_out: i64,
    room: Room,
    length: Out<i32>,
    code: Out<u32>,
) {
    length.probe();
    code.probe();
    let port = QueuingPortId(port);
    let room = room.bytes(longest_in_queue(port));
    let done = APEX.receive_queuing_message(port, SystemTime(time_out), room);
    let overflowed = done.is_ok_and(|received| received.overflowed);
    answer_received(done, length, code);
    if overflowed {
        code.set(ReturnCode::InvalidConfig.number());
    }
}
