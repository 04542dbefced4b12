//! Sampling, queuing and signal channels.

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;
use cofferdam_abi::record::PartitionState;
use cofferdam_machine::{CONSTANTS, DATA, DATA_BYTES, Ports, Simulation, SystemBuilder, TEXT};
use cofferdam_tables::{CapabilityKind, ChannelKind, Region, RegionKind, Rights};

const A: u8 = 0;
const B: u8 = 1;
const C: u8 = 2;

/// Three partitions with a window each, and a channel from the first to the others.
fn system(
    kind: ChannelKind,
    destinations: &[u8],
    bytes: u32,
    depth: u32,
) -> (SystemBuilder, Ports) {
    let mut system = SystemBuilder::new();
    system.partitions(["a", "b", "c"]);
    let ports = system.channel(kind, A, destinations, bytes, depth);
    system.schedule(&[(100, &[0]), (100, &[1]), (100, &[2])]);
    (system, ports)
}

/// Boots it, and lets everybody's first life begin.
fn boot(system: SystemBuilder) -> Simulation {
    let mut simulation = system.boot();
    let partitions = simulation.system.partitions.len() as u8;
    for partition in 0..partitions {
        simulation.advance_until_runs(partition);
    }
    for partition in 0..partitions {
        simulation.set_page(partition, page::PENDING, 0);
    }
    simulation
}

/// Waits for the partition's window, and makes the call there.
fn call(
    simulation: &mut Simulation,
    partition: u8,
    call: Hypercall,
    arguments: &[u32],
) -> (Status, [u32; 7]) {
    simulation.advance_until_runs(partition);
    let outcome = simulation.call(partition, call, arguments);
    (
        outcome.status.expect("the call does not block"),
        outcome.results,
    )
}

fn send(simulation: &mut Simulation, kind: Hypercall, bytes: &[u8]) -> Status {
    simulation.advance_until_runs(A);
    simulation.store(A, DATA, bytes);
    call(simulation, A, kind, &[0, DATA, bytes.len() as u32]).0
}

#[test]
fn a_sampling_channel_holds_the_last_value() {
    let (system, ports) = system(ChannelKind::Sampling, &[B, C], 40, 1);
    let mut simulation = boot(system);
    let empty = call(&mut simulation, B, Hypercall::SamplingRead, &[0, DATA, 40]);
    assert_eq!(empty.0, Status::Again);
    assert_eq!(
        send(&mut simulation, Hypercall::SamplingWrite, &[1; 40]),
        Status::Ok
    );
    assert_eq!(
        send(&mut simulation, Hypercall::SamplingWrite, &[2; 13]),
        Status::Ok
    );
    for (partition, line) in [(B, ports.lines[1]), (C, ports.lines[2])] {
        assert_eq!(simulation.pending(partition), line);
        simulation.advance_until_runs(partition);
        simulation.store(partition, DATA, &[0xee; 20]);
        for _ in 0..2 {
            let (status, results) = call(
                &mut simulation,
                partition,
                Hypercall::SamplingRead,
                &[0, DATA, 40],
            );
            assert_eq!((status, results[0], results[1]), (Status::Ok, 13, 1));
        }
        let read = simulation.load(partition, DATA, 20);
        assert_eq!(
            read,
            [[2; 13].as_slice(), &[0xee; 7]].concat(),
            "not a byte more"
        );
    }
}

#[test]
fn a_sampling_value_grows_old() {
    let (mut system, _) = system(ChannelKind::Sampling, &[B], 8, 1);
    system.channels[0].0.refresh_ticks = 120;
    let mut simulation = boot(system);
    simulation.advance_until_runs(A);
    send(&mut simulation, Hypercall::SamplingWrite, &[7; 8]);
    let written = simulation.now();
    for (age, valid) in [(110, 1), (120, 1), (121, 0)] {
        simulation.advance_to(written + age);
        let (status, results) = call(&mut simulation, B, Hypercall::SamplingRead, &[0, DATA, 8]);
        assert_eq!(status, Status::Ok);
        let tick = [(written >> 32) as u32, written as u32];
        assert_eq!(results[..6], [8, valid, 0, age as u32, tick[0], tick[1]]);
    }
}

#[test]
fn a_message_must_fit() {
    let (system, _) = system(ChannelKind::Queuing, &[B], 40, 2);
    let mut simulation = boot(system);
    for length in [0, 41, 4096, u32::MAX] {
        let refused = call(
            &mut simulation,
            A,
            Hypercall::QueuingSend,
            &[0, DATA, length],
        );
        assert_eq!(refused.0, Status::Invalid, "{length} bytes");
    }
    assert_eq!(
        send(&mut simulation, Hypercall::QueuingSend, &[3; 40]),
        Status::Ok
    );
    let (status, _) = call(
        &mut simulation,
        B,
        Hypercall::QueuingReceive,
        &[0, DATA, 39],
    );
    assert_eq!(status, Status::Overflow);
    let (status, results) = call(
        &mut simulation,
        B,
        Hypercall::QueuingReceive,
        &[0, DATA, 40],
    );
    assert_eq!(
        (status, results[0]),
        (Status::Ok, 40),
        "it stayed where it was"
    );
}

#[test]
fn memory_must_be_the_callers() {
    let (mut system, _) = system(ChannelKind::Sampling, &[B], 40, 1);
    let device = Region {
        effective: 0xa000_0000,
        physical: 0xe000_0000,
        length: 0x1000,
        rights: Rights::READ_WRITE,
        kind: RegionKind::Device,
    };
    for partition in &mut system.partitions {
        partition.regions.push(device);
    }
    let mut simulation = boot(system);
    let end = DATA + DATA_BYTES;
    let nowhere = [
        0,
        DATA - 4,
        end - 4,
        end,
        TEXT - 4,
        CONSTANTS + 0xffc,
        0xa000_0000,
        0x4000_0000,
        u32::MAX - 3,
    ];
    for address in nowhere {
        let refused = call(
            &mut simulation,
            A,
            Hypercall::SamplingWrite,
            &[0, address, 8],
        );
        assert_eq!(refused.0, Status::BadAddress, "{address:#x}");
    }
    for address in [DATA + 1, DATA + 2, u32::MAX] {
        let refused = call(
            &mut simulation,
            A,
            Hypercall::SamplingWrite,
            &[0, address, 8],
        );
        assert_eq!(refused.0, Status::Invalid, "{address:#x}");
    }
    for address in [
        TEXT,
        CONSTANTS + 0xff8,
        DATA,
        end - 8,
        page::ADDRESS,
        page::ADDRESS + 0xff8,
    ] {
        let sent = call(
            &mut simulation,
            A,
            Hypercall::SamplingWrite,
            &[0, address, 8],
        );
        assert_eq!(sent.0, Status::Ok, "{address:#x}");
    }
    for address in nowhere.into_iter().chain([TEXT, CONSTANTS]) {
        let refused = call(
            &mut simulation,
            B,
            Hypercall::SamplingRead,
            &[0, address, 40],
        );
        assert_eq!(refused.0, Status::BadAddress, "{address:#x}");
    }
}

#[test]
fn a_queue_is_first_in_first_out_and_tells_of_loss() {
    let (system, ports) = system(ChannelKind::Queuing, &[B], 22, 3);
    let mut simulation = boot(system);
    // More than once round the ring of places.
    for round in 0..5u8 {
        for message in 0..3 {
            assert_eq!(
                send(
                    &mut simulation,
                    Hypercall::QueuingSend,
                    &[10 * round + message; 22]
                ),
                Status::Ok
            );
        }
        assert_eq!(
            send(&mut simulation, Hypercall::QueuingSend, &[99; 22]),
            Status::Again
        );
        assert_eq!(simulation.pending(B), ports.lines[1]);
        assert_eq!(simulation.pending(A), 0);
        simulation.advance_until_runs(B);
        for message in 0..3 {
            let (status, results) = call(
                &mut simulation,
                B,
                Hypercall::QueuingReceive,
                &[0, DATA, 22],
            );
            let lost = u32::from(message == 0);
            assert_eq!(
                (status, &results[..3]),
                (Status::Ok, &[22, 2 - message, lost][..])
            );
            assert_eq!(
                simulation.load(B, DATA, 22),
                [10 * round + message as u8; 22]
            );
            assert_eq!(simulation.pending(A), ports.lines[0], "there is room again");
        }
        let (status, _) = call(
            &mut simulation,
            B,
            Hypercall::QueuingReceive,
            &[0, DATA, 22],
        );
        assert_eq!(status, Status::Again);
        simulation.set_page(A, page::PENDING, 0);
        simulation.set_page(B, page::PENDING, 0);
    }
}

#[test]
fn a_sender_that_tries_again_loses_nothing() {
    let (system, ports) = system(ChannelKind::Queuing, &[B], 8, 1);
    let mut simulation = boot(system);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 8]);
    let once = |simulation: &mut Simulation, again| {
        let arguments = [0, DATA, 8, again];
        call(simulation, A, Hypercall::QueuingSend, &arguments).0
    };
    let again = |simulation: &mut Simulation| once(simulation, 1);
    assert_eq!(again(&mut simulation), Status::Again);
    let receive = |simulation: &mut Simulation| {
        let (status, results) = call(simulation, B, Hypercall::QueuingReceive, &[0, DATA, 8]);
        (status, results[2])
    };
    assert_eq!(receive(&mut simulation), (Status::Ok, 0));
    assert_eq!(
        simulation.pending(A),
        ports.lines[0],
        "it is told all the same"
    );
    assert_eq!(again(&mut simulation), Status::Ok);
    // Another that does not is a loss, whatever came before.
    assert_eq!(again(&mut simulation), Status::Again);
    assert_eq!(once(&mut simulation, 0), Status::Again);
    assert_eq!(again(&mut simulation), Status::Again);
    assert_eq!(receive(&mut simulation), (Status::Ok, 1));
}

#[test]
fn a_signal_rings_at_the_other_end() {
    for kind in [ChannelKind::Signal, ChannelKind::Ring] {
        let (system, ports) = system(kind, &[B], 0, 1);
        let mut simulation = boot(system);
        assert_eq!(
            call(&mut simulation, A, Hypercall::Signal, &[0]).0,
            Status::Ok
        );
        assert_eq!(
            (simulation.pending(A), simulation.pending(B)),
            (0, ports.lines[1])
        );
        assert_eq!(
            call(&mut simulation, B, Hypercall::Signal, &[0]).0,
            Status::Ok
        );
        assert_eq!(simulation.pending(A), ports.lines[0]);
        assert_eq!(
            call(&mut simulation, C, Hypercall::Signal, &[0]).0,
            Status::NoCapability
        );
    }
}

#[test]
fn a_slot_of_another_kind_is_no_capability() {
    let (system, _) = system(ChannelKind::Sampling, &[B], 8, 1);
    let mut simulation = boot(system);
    let slot_calls = [
        Hypercall::Signal,
        Hypercall::SamplingRead,
        Hypercall::QueuingSend,
        Hypercall::QueuingReceive,
        Hypercall::Call,
        Hypercall::CallSubmit,
        Hypercall::CallCollect,
        Hypercall::Receive,
        Hypercall::Reply,
        Hypercall::ReplyReceive,
        Hypercall::CallMessage,
        Hypercall::ReadRequest,
        Hypercall::WriteReply,
        Hypercall::InterruptAcknowledge,
        Hypercall::ScheduleSet,
        Hypercall::ScheduleStatus,
        Hypercall::PartitionControl,
        Hypercall::PartitionStatus,
        Hypercall::HealthRead,
    ];
    for name in slot_calls {
        for slot in [0, 1, 255, 256, u32::MAX] {
            let refused = call(&mut simulation, A, name, &[slot, DATA, 8]);
            assert_eq!(refused.0, Status::NoCapability, "{name:?} {slot}");
        }
    }
    assert_eq!(
        call(&mut simulation, A, Hypercall::ChannelStatus, &[1]).0,
        Status::NoCapability
    );
}

#[test]
fn a_channel_says_how_it_is() {
    let (system, _) = system(ChannelKind::Queuing, &[B], 22, 3);
    let mut simulation = boot(system);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 4]);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 4]);
    for partition in [A, B] {
        let (status, results) = call(&mut simulation, partition, Hypercall::ChannelStatus, &[0]);
        assert_eq!((status, &results[..4]), (Status::Ok, &[1, 2, 3, 22][..]));
    }
}

/// What a client of a driver goes by: the driver has no life, and the client is told at once.
#[test]
fn a_peer_that_is_stopped_has_no_epoch() {
    let kinds = [
        ChannelKind::Sampling,
        ChannelKind::Queuing,
        ChannelKind::Call,
        ChannelKind::Ring,
        ChannelKind::Signal,
    ];
    for kind in kinds {
        let (system, ports) = system(kind, &[B], 8, 2);
        let mut simulation = boot(system);
        let epoch = |simulation: &mut Simulation| {
            let (status, results) = call(simulation, A, Hypercall::ChannelStatus, &[0]);
            assert_eq!(status, Status::Ok);
            results[0]
        };
        assert_eq!(epoch(&mut simulation), 1, "{kind:?}");
        simulation.advance_until_runs(B);
        assert_eq!(simulation.pending(A), 0);
        simulation.call(B, Hypercall::SelfControl, &[0]);
        assert_eq!(simulation.pending(A), ports.lines[0], "{kind:?}");
        assert_eq!(epoch(&mut simulation), 0, "{kind:?}");
    }
}

/// Nobody was told when its life ended, for another was to come: now none will.
#[test]
fn a_peer_that_is_stopped_in_its_back_off_is_told_of_as_well() {
    const STOP: u32 = 0;
    let (mut system, ports) = system(ChannelKind::Ring, &[B], 8, 2);
    system.capability(C, CapabilityKind::Partition, B, 3);
    system.own(B).back_off_ticks = 10_000;
    let mut simulation = boot(system);
    simulation.advance_until_runs(B);
    simulation.call(B, Hypercall::HealthRaise, &[1]);
    assert_eq!(simulation.state(B), PartitionState::Delayed);
    assert_eq!(simulation.pending(A), 0);
    simulation.advance_until_runs(C);
    simulation.call(C, Hypercall::PartitionControl, &[0, STOP]);
    assert_eq!(simulation.state(B), PartitionState::Stopped);
    assert_eq!(simulation.pending(A), ports.lines[0]);
    let (_, results) = call(&mut simulation, A, Hypercall::ChannelStatus, &[0]);
    assert_eq!(results[0], 0);
}

#[test]
fn a_receivers_new_life_begins_with_an_empty_queue() {
    let (system, ports) = system(ChannelKind::Queuing, &[B], 8, 2);
    let mut simulation = boot(system);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 8]);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 8]);
    simulation.advance_until_runs(B);
    simulation.call(B, Hypercall::SelfControl, &[1]);
    assert_eq!(
        simulation.pending(A),
        ports.lines[0],
        "room, and a new epoch"
    );
    let (_, results) = call(&mut simulation, A, Hypercall::ChannelStatus, &[0]);
    assert_eq!(results[..2], [2, 0]);
}

#[test]
fn a_senders_messages_survive_it() {
    let (system, ports) = system(ChannelKind::Queuing, &[B], 8, 2);
    let mut simulation = boot(system);
    send(&mut simulation, Hypercall::QueuingSend, &[1; 8]);
    simulation.set_page(B, page::PENDING, 0);
    simulation.call(A, Hypercall::SelfControl, &[1]);
    assert_eq!(simulation.pending(B), ports.lines[1]);
    let (status, _) = call(&mut simulation, B, Hypercall::QueuingReceive, &[0, DATA, 8]);
    assert_eq!(status, Status::Ok);
}

#[test]
fn a_new_life_is_told_on_every_channel_with_a_line() {
    let mut system = SystemBuilder::new();
    system.partitions(["a", "b"]);
    let silent = system.channel(ChannelKind::Sampling, A, &[B], 8, 1);
    let first = system.channel(ChannelKind::Queuing, A, &[B], 8, 1);
    let second = system.channel(ChannelKind::Signal, B, &[A], 0, 1);
    system.silent(&silent);
    system.schedule(&[(100, &[0]), (100, &[1])]);
    let mut simulation = boot(system);
    simulation.advance_until_runs(B);
    simulation.set_page(B, page::PENDING, 0);
    simulation.advance_until_runs(A);
    simulation.call(A, Hypercall::SelfControl, &[2]);
    assert_eq!(simulation.pending(B), first.lines[1] | second.lines[0]);
}
