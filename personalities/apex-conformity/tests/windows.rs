//! A window may end between two calls of the kernel, whatever is masked: what another partition writes into a sampling port there comes wholly or not at all
//! into the answer of a service.

use cofferdam_apex::{
    Direction, MessageAge, SamplingPortId, SystemTime, TimedMessage, Updated, UpdatedMessage,
};
use cofferdam_apex_conformity::System;
use cofferdam_apex_conformity::host::{FACTS, Host, NEXT_WINDOW_TICKS, REFRESH_NS, TIMEBASE_HZ};

/// The place of `s_in` in the configuration.
const S_IN: usize = 1;
const NEXT_WINDOW_NS: i64 = (NEXT_WINDOW_TICKS * 1_000_000_000 / TIMEBASE_HZ as u64) as i64;

/// A partition whose port has `first`, which was written at this time.
fn with_first() -> (Host, SamplingPortId, SystemTime) {
    let mut host = Host::new(&FACTS);
    let name = FACTS.sampling_ports[S_IN].name;
    let refresh = SystemTime(REFRESH_NS as i64);
    let port = host
        .partition
        .create_sampling_port(&name, 8, Direction::Destination, refresh)
        .unwrap();
    host.peer_writes(S_IN, b"first");
    let written = host.partition.get_time();
    (host, port, written)
}

/// The same, and the peer writes `second` behind the partition's next look at the port.
fn with_second_behind_first() -> (Host, SamplingPortId, SystemTime) {
    let (mut host, port, written) = with_first();
    let mut room = [0; 8];
    host.partition
        .read_sampling_message(port, &mut room)
        .unwrap();
    host.partition.environment().written_next = Some((S_IN, b"second"));
    (host, port, written)
}

#[test]
fn each_message_is_new_once() {
    let (mut host, port, _) = with_second_behind_first();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut room = [0; 8];
        let UpdatedMessage { length, updated } = host
            .partition
            .read_updated_sampling_message(port, &mut room)
            .unwrap();
        seen.push((
            String::from_utf8_lossy(&room[..length]).into_owned(),
            updated,
        ));
    }
    assert_eq!(
        seen,
        [
            ("first".to_owned(), Updated::ConsumedMessage),
            ("second".to_owned(), Updated::NewMessage),
            ("second".to_owned(), Updated::ConsumedMessage),
        ]
    );
}

#[test]
fn a_time_stamp_is_of_its_message() {
    let (mut host, port, first_written) = with_second_behind_first();
    let mut room = [0; 8];
    let TimedMessage { length, time_stamp } = host
        .partition
        .read_sampling_message_conditional(port, SystemTime(first_written.0 - 1), &mut room)
        .unwrap();
    assert_eq!(&room[..length], b"second");
    assert_eq!(time_stamp.0, first_written.0 + NEXT_WINDOW_NS);
}

#[test]
fn a_status_is_of_one_message() {
    let (mut host, port, _) = with_first();
    let mut room = [0; 8];
    host.partition
        .read_sampling_message(port, &mut room)
        .unwrap();
    host.pass(REFRESH_NS + 1_000);
    host.partition.environment().written_next = Some((S_IN, b"second"));
    for expected in [
        (MessageAge::Stale, Updated::ConsumedMessage),
        (MessageAge::Fresh, Updated::NewMessage),
    ] {
        let status = host
            .partition
            .get_sampling_port_current_status(port)
            .unwrap();
        assert_eq!((status.message_age, status.updated), expected);
    }
}
