//! Routes and rates by themselves.

use proptest::prelude::*;

use crate::model::{BROADCAST, OUTSIDE, address, settings};
use crate::route::{Header, Route, from_client, from_wire};
use crate::{BURST_MAX, Bucket, Settings};

fn header(destination: [u8; 6], source: [u8; 6]) -> Header {
    let mut bytes = [0; 14];
    bytes[..6].copy_from_slice(&destination);
    bytes[6..12].copy_from_slice(&source);
    Header(bytes)
}

const fn route(wire: bool, clients: u32) -> Route {
    Route { wire, clients }
}

#[test]
fn a_frame_goes_where_its_address_is() {
    let all = [0, 1, 2].map(settings);
    let from = |sender, destination| {
        from_client(all.iter(), sender, &header(destination, address(sender)))
    };
    assert_eq!(from(0, address(2)), Some(route(false, 0b100)));
    assert_eq!(from(0, OUTSIDE), Some(route(true, 0)));
    assert_eq!(from(1, BROADCAST), Some(route(true, 0b101)));
    assert_eq!(from(1, address(1)), None, "to itself");
    let wire = |destination| from_wire(all.iter(), &header(destination, OUTSIDE));
    assert_eq!(wire(address(1)), route(false, 0b010));
    assert_eq!(wire(BROADCAST), route(false, 0b111));
    assert_eq!(wire(OUTSIDE), route(false, 0), "for somebody else");
}

#[test]
fn nobody_has_anothers_address() {
    let all = [0, 1].map(settings);
    for source in [address(1), OUTSIDE, BROADCAST, [0; 6]] {
        for destination in [address(1), OUTSIDE, BROADCAST] {
            assert_eq!(
                from_client(all.iter(), 0, &header(destination, source)),
                None
            );
        }
    }
    for source in [address(0), address(1), BROADCAST] {
        let from = from_wire(all.iter(), &header(address(0), source));
        assert_eq!(from, Route::default());
    }
}

#[test]
fn who_may_not_talk_does_not() {
    let only = |number, wire, peers| Settings {
        wire,
        peers,
        ..settings(number)
    };
    let all = [
        only(0, true, 0),
        only(1, false, 0b100),
        only(2, false, 0b010),
    ];
    let from = |sender, destination| {
        from_client(all.iter(), sender, &header(destination, address(sender)))
    };
    assert_eq!(from(0, address(1)), None);
    assert_eq!(from(0, BROADCAST), Some(route(true, 0)));
    assert_eq!(from(1, OUTSIDE), None);
    assert_eq!(from(1, BROADCAST), Some(route(false, 0b100)));
    assert_eq!(from(1, address(2)), Some(route(false, 0b100)));
    assert_eq!(
        from_wire(all.iter(), &header(BROADCAST, OUTSIDE)),
        route(false, 0b001)
    );
    assert_eq!(
        from_wire(all.iter(), &header(address(1), OUTSIDE)),
        Route::default()
    );
}

#[test]
fn a_type_that_is_not_of_the_file_goes_nowhere() {
    const ARP: u16 = 0x0806;
    const IPV4: u16 = 0x0800;
    let all = [
        Settings {
            protocols: Some(&[ARP, IPV4]),
            ..settings(0)
        },
        Settings {
            protocols: Some(&[ARP]),
            ..settings(1)
        },
        settings(2),
    ];
    let typed = |destination, source, protocol: u16| {
        let mut header = header(destination, source);
        header.0[12..].copy_from_slice(&protocol.to_be_bytes());
        header
    };
    let from = |sender, destination, protocol| {
        let header = typed(destination, address(sender), protocol);
        from_client(all.iter(), sender, &header)
    };
    assert_eq!(from(0, OUTSIDE, IPV4), Some(route(true, 0)));
    // Another type, a length, and a frame with a tag of a virtual network (IEEE 802.1Q).
    for protocol in [0x86dd, 46, 0x8100, 0, 0xffff] {
        assert_eq!(from(0, OUTSIDE, protocol), None);
        assert_eq!(from(2, address(0), protocol), None, "nor does it get one");
        assert_eq!(from(2, BROADCAST, protocol), Some(route(true, 0)));
        let came = from_wire(all.iter(), &typed(BROADCAST, OUTSIDE, protocol));
        assert_eq!(came, route(false, 0b100));
        let came = from_wire(all.iter(), &typed(address(0), OUTSIDE, protocol));
        assert_eq!(came, Route::default());
    }
    assert_eq!(from(1, BROADCAST, ARP), Some(route(true, 0b101)));
    assert_eq!(from(2, BROADCAST, IPV4), Some(route(true, 0b001)));
}

#[test]
fn a_rate_is_exact() {
    // Three frames in seven ticks: after the burst one comes at each third of seven, rounded up.
    let mut bucket = Bucket::new(3, 7, 100);
    let taken: std::vec::Vec<_> = (100..121).filter(|now| bucket.take(*now)).collect();
    assert_eq!(
        taken,
        [100, 101, 102, 103, 105, 107, 110, 112, 114, 117, 119]
    );
    assert!(!Bucket::new(0, 7, 0).take(u64::MAX), "no frames at all");
    assert!(!Bucket::new(7, 0, 0).take(u64::MAX), "in no time");
}

proptest! {
    /// In no time there are more frames than a burst and what the rate gives; and who asks at each tick gets all of it.
    #[test]
    fn a_rate_is_never_exceeded(
        frames in 1u32..5000,
        per_ticks in 1u64..1_000_000,
        steps in prop::collection::vec(prop_oneof![Just(0u64), 1u64..100, any::<u32>().prop_map(u64::from)], 1..300),
    ) {
        let mut bucket = Bucket::new(frames, per_ticks, 0);
        let (mut now, mut taken) = (0u64, 0u128);
        let burst = u128::from(u64::from(frames).min(BURST_MAX));
        for step in steps {
            now += step;
            taken += u128::from(bucket.take(now));
            let given = u128::from(now) * u128::from(frames) / u128::from(per_ticks);
            prop_assert!(taken <= burst + given);
        }
        // The clock does not go back; if it seems to, nothing is gained.
        let before = bucket.take(now);
        prop_assert!(before || !bucket.take(0));
    }
}
