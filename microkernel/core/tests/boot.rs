//! Damaged tables give a named boot failure.

use cofferdam_abi::health::PARTITION_ERRORS;
use cofferdam_abi::{ABI_VERSION, limits, space};
use cofferdam_core::{BootFailure, Configuration};
use cofferdam_machine::SystemBuilder;
use cofferdam_tables::{
    CapabilityKind, ChannelKind, Copy, End, HeaderError, RamBlock, Record, Region, RegionKind,
    Rights, TlbWrite, VERSION, crc32, mas, seal,
};
use proptest::prelude::*;
use zerocopy::IntoBytes;

/// A system with a record of every kind.
fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    let [a, b] = system.partitions(["a", "b"]);
    system.channel(ChannelKind::Sampling, a, &[b], 40, 1);
    system.channel(ChannelKind::Queuing, a, &[b], 40, 4);
    system.channel(ChannelKind::Call, a, &[b], 40, 1);
    system.channel(ChannelKind::Signal, a, &[b], 0, 1);
    system.capability(a, CapabilityKind::Schedule, 0, 1);
    system.capability(a, CapabilityKind::Partition, b, 3);
    system.capability(a, CapabilityKind::HealthLog, 0, 0);
    system.interrupt(b);
    let copy = Copy {
        from: system.allocate(0x100),
        to: system.partitions[0].regions[2].physical as u32,
        length: 0x100,
    };
    system.partitions[0].copies.push(copy);
    system.schedule(&[(100, &[0]), (100, &[1])]);
    system.schedules[0].writes.push(write(KEPT));
    system.schedules[0].windows[0].1.push(write(KEPT + 1));
    system
}

/// The entries of TLB1 that the kernel keeps, with one block of RAM.
const KEPT: u32 = limits::KERNEL_TLB1_ENTRIES as u32 + 1;

fn write(entry: u32) -> TlbWrite {
    TlbWrite {
        mas0: mas::mas0_tlb1(entry),
        mas1: 0,
        mas2: 0,
        mas3: 0,
        mas7: 0,
    }
}

fn load(bytes: &[u8]) -> Result<(), BootFailure> {
    let mut configuration = Configuration::EMPTY;
    configuration.load(bytes)
}

fn load_system(change: impl FnOnce(&mut SystemBuilder)) -> Result<(), BootFailure> {
    let mut system = system();
    change(&mut system);
    load(&system.bytes())
}

fn load_records(change: impl FnOnce(&mut Vec<Record>)) -> Result<(), BootFailure> {
    let mut records = system().records();
    change(&mut records);
    load(&SystemBuilder::encode(&records))
}

fn place(records: &[Record], wanted: impl Fn(&Record) -> bool) -> usize {
    records.iter().position(wanted).expect("there is one")
}

#[test]
fn sound_tables_load() {
    assert_eq!(load(&system().bytes()), Ok(()));
}

#[test]
fn bytes_behind_the_tables_are_not_looked_at() {
    let mut bytes = system().bytes();
    bytes.resize(limits::TABLES_BYTES, 0xff);
    assert_eq!(load(&bytes), Ok(()));
}

#[test]
fn every_truncation_is_refused() {
    let bytes = system().bytes();
    for length in 0..bytes.len() {
        let refused = load(&bytes[..length]);
        let expected = Err(BootFailure::Header(HeaderError::Truncated));
        assert_eq!(refused, expected, "{length} bytes");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut bytes = system().bytes();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
        let refused = load(&bytes);
        assert!(
            matches!(refused, Err(BootFailure::Header(_))),
            "bit {bit}: {refused:?}"
        );
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
    }
}

/// The tables with their head changed and sealed again: as another version of the tool would write them.
fn with_head(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = system().bytes();
    change(&mut bytes[..16]);
    let crc = crc32(crc32(0, &bytes[..16]), &bytes[20..]);
    bytes[16..20].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[test]
fn another_head_is_refused_by_its_name() {
    let other = with_head(|head| head[4..6].copy_from_slice(&(VERSION + 1).to_be_bytes()));
    let version = HeaderError::Version(VERSION + 1);
    assert_eq!(load(&other), Err(BootFailure::Header(version)));

    let other = with_head(|head| head[6..8].copy_from_slice(&(ABI_VERSION + 1).to_be_bytes()));
    let abi = HeaderError::Abi(ABI_VERSION + 1);
    assert_eq!(load(&other), Err(BootFailure::Header(abi)));

    let other = with_head(|head| head[0] ^= 1);
    assert_eq!(load(&other), Err(BootFailure::Header(HeaderError::Magic)));
}

#[test]
fn a_count_that_does_not_fit_the_records_is_refused() {
    let count = system().records().len() as u32;
    for wrong in [0, 1, count - 1, count + 1, u32::MAX] {
        let other = with_head(|head| head[12..16].copy_from_slice(&wrong.to_be_bytes()));
        assert_eq!(load(&other), Err(BootFailure::Malformed), "{wrong} records");
    }
}

#[test]
fn what_must_be_there_is_missed() {
    for kind in 0..4 {
        let refused = load_records(|records| {
            records.retain(|record| {
                !matches!(
                    (kind, record),
                    (0, Record::Board(_)) | (1, Record::Module(_))
                )
            });
            match kind {
                2 => records.truncate(3),
                3 => {
                    let schedule = place(records, |record| matches!(record, Record::Schedule(_)));
                    records.truncate(schedule);
                }
                _ => {}
            }
        });
        assert_eq!(refused, Err(BootFailure::Missing), "kind {kind}");
    }
    assert_eq!(load(&SystemBuilder::encode(&[])), Err(BootFailure::Missing));
}

#[test]
fn a_record_without_its_owner_is_misplaced() {
    let dependent: [fn(&Record) -> bool; 6] = [
        |record| matches!(record, Record::Region(_)),
        |record| matches!(record, Record::Copy(_)),
        |record| matches!(record, Record::Capability(_)),
        |record| matches!(record, Record::End(_)),
        |record| matches!(record, Record::Window(_)),
        |record| matches!(record, Record::TlbWrite(_)),
    ];
    for (index, kind) in dependent.into_iter().enumerate() {
        // Each behind the module, and behind a record that owns nothing.
        let refused = load_records(|records| {
            let record = records.remove(place(records, kind));
            records.insert(2, record);
        });
        assert_eq!(refused, Err(BootFailure::Misplaced), "{index} at the head");
        let refused = load_records(|records| {
            let record = records.remove(place(records, kind));
            let rank = place(records, |record| matches!(record, Record::Rank(_)));
            records.insert(rank + 1, record);
        });
        assert_eq!(refused, Err(BootFailure::Misplaced), "{index} after a rank");
    }
}

#[test]
fn a_second_board_or_module_is_misplaced() {
    for index in 0..2 {
        let refused = load_records(|records| {
            let second = records[index].clone();
            records.push(second);
        });
        assert_eq!(refused, Err(BootFailure::Misplaced));
    }
}

#[test]
fn one_more_than_the_limit_is_too_many() {
    type Kind = fn(&Record) -> bool;
    let kinds: [(usize, Kind); 13] = [
        (limits::RAM_BLOCKS, |r| matches!(r, Record::RamBlock(_))),
        (limits::PARTITIONS, |r| matches!(r, Record::Partition(_))),
        (limits::REGIONS, |r| matches!(r, Record::Region(_))),
        (limits::COPIES, |r| matches!(r, Record::Copy(_))),
        (limits::CAPABILITIES, |r| matches!(r, Record::Capability(_))),
        (limits::CHANNELS, |r| matches!(r, Record::Channel(_))),
        (limits::CHANNEL_ENDS, |r| matches!(r, Record::End(_))),
        (limits::INTERRUPTS, |r| matches!(r, Record::Interrupt(_))),
        (limits::RANKS, |r| matches!(r, Record::Rank(_))),
        (limits::SCHEDULES, |r| matches!(r, Record::Schedule(_))),
        (limits::WINDOWS, |r| matches!(r, Record::Window(_))),
        (limits::TLB_WRITES, |r| matches!(r, Record::TlbWrite(_))),
        (10_000, |r| matches!(r, Record::Region(_))),
    ];
    for (limit, kind) in kinds {
        let refused = load_records(|records| {
            let first = place(records, kind);
            let more = vec![records[first].clone(); limit];
            records.splice(first..first, more);
        });
        assert_eq!(refused, Err(BootFailure::TooMany), "limit {limit}");
    }
}

#[test]
fn dangling_references_are_refused() {
    type Change = fn(&mut SystemBuilder);
    let changes: [(&str, Change); 27] = [
        ("initial schedule", |s| s.module.initial_schedule = 1),
        ("module's schedule", |s| s.module.switch_schedule = 1),
        ("module's action", |s| s.module.actions[3] = 9),
        ("partition's schedule", |s| s.own(0).switch_schedule = 1),
        ("partition's action", |s| {
            s.own(1).actions[PARTITION_ERRORS - 1] = 255;
        }),
        ("PID of the kernel", |s| s.own(0).pid = 0),
        ("rank that there is not", |s| s.own(0).ranks |= 1),
        ("rank of another", |s| {
            s.own(0).ranks |= s.partitions[1].own.ranks
        }),
        ("rank without its partition", |s| s.own(0).ranks = 0),
        ("rank's partition", |s| s.ranks[0].partition = 2),
        ("sampling channel", |s| {
            s.capability(0, CapabilityKind::SamplingSource, 4, 0);
        }),
        ("queuing channel", |s| {
            s.capability(0, CapabilityKind::QueuingDestination, 0, 0);
        }),
        ("call channel", |s| {
            s.capability(0, CapabilityKind::CallServer, 3, 0);
        }),
        ("signal channel", |s| {
            s.capability(0, CapabilityKind::Signal, 2, 0);
        }),
        ("interrupt capability", |s| {
            s.capability(0, CapabilityKind::Interrupt, 1, 0);
        }),
        ("another's interrupt", |s| {
            let other = 1 - s.interrupts[0].owner;
            s.capability(other, CapabilityKind::Interrupt, 0, 0);
        }),
        ("a destination as the source", |s| {
            let end = s.channels[0].1[1].partition;
            s.capability(end, CapabilityKind::SamplingSource, 0, 0);
        }),
        ("a server as the client", |s| {
            let end = s.channels[2].1[1].partition;
            s.capability(end, CapabilityKind::CallClient, 2, 0);
        }),
        ("partition capability", |s| {
            s.capability(0, CapabilityKind::Partition, 2, 0);
        }),
        ("end's partition", |s| s.channels[0].1[1].partition = 2),
        ("end's line", |s| {
            s.channels[0].1[1].line = limits::LINES as u8
        }),
        ("channel with one end", |s| s.channels[1].1.truncate(1)),
        ("queue with three ends", |s| {
            s.channels[1].1.push(End {
                partition: 0,
                line: 3,
            });
        }),
        ("interrupt's owner", |s| s.interrupts[0].owner = 2),
        ("interrupt's line", |s| s.interrupts[0].line = 32),
        ("window's rank", |s| s.window(0, 1).eligible |= 1),
        ("window's releases", |s| s.window(0, 1).releases = 1 << 29),
    ];
    for (what, change) in changes {
        assert_eq!(load_system(change), Err(BootFailure::Dangling), "{what}");
    }
    let refused = load_system(|system| system.window(0, 0).interrupts = 1);
    assert_eq!(refused, Err(BootFailure::Dangling));
}

/// A translation that could reach the kernel, or that the kernel could reach, is none of a partition.
#[test]
fn translations_that_are_not_a_partitions_are_refused() {
    let sound = TlbWrite {
        mas0: mas::mas0_tlb1(KEPT),
        mas1: mas::mas1_partition(1, 1),
        mas2: 0x1000_0000,
        mas3: 0x0400_0000 | mas::MAS3_USER_READ | mas::MAS3_USER_WRITE,
        mas7: 0,
    };
    let load_with = |write: TlbWrite| load_system(|s| s.schedules[0].writes.push(write));
    assert_eq!(load_with(sound), Ok(()));
    type Change = fn(&mut TlbWrite);
    let changes: [(&str, Change); 9] = [
        ("the kernel's place", |w| w.mas0 = mas::mas0_tlb1(KEPT - 1)),
        ("the other array", |w| w.mas0 = KEPT << 16),
        ("address space 0", |w| w.mas1 &= !mas::MAS1_SPACE_1),
        ("protected", |w| w.mas1 |= mas::MAS1_PROTECT),
        ("the tag of all", |w| w.mas1 = mas::mas1_partition(0, 1)),
        ("not valid, and not empty", |w| w.mas1 &= !mas::MAS1_VALID),
        ("supervisor rights", |w| w.mas3 |= mas::MAS3_SUPERVISOR_READ),
        ("supervisor execution", |w| {
            w.mas3 |= mas::MAS3_SUPERVISOR_EXECUTE
        }),
        ("writable and executable", |w| {
            w.mas3 |= mas::MAS3_USER_EXECUTE
        }),
    ];
    for (what, change) in changes {
        let mut write = sound;
        change(&mut write);
        assert_eq!(load_with(write), Err(BootFailure::Memory), "{what}");
    }
}

#[test]
fn devices_outside_of_the_block_are_refused() {
    type Change = fn(&mut SystemBuilder);
    let changes: [(&str, Change); 7] = [
        ("a controller that ends behind it", |s| {
            s.board.interrupt_controller_offset = space::kernel::DEVICES_SIZE - 0x3_f000;
        }),
        ("a controller far behind it", |s| {
            s.board.interrupt_controller_offset = 0x8000_0000;
        }),
        ("a UART that ends behind it", |s| {
            s.board.uart_offset = space::kernel::DEVICES_SIZE - 4;
        }),
        ("a UART before it", |s| s.board.uart_offset = u32::MAX - 3),
        ("a reset register behind it", |s| {
            s.board.reset_offset = space::kernel::DEVICES_SIZE;
        }),
        ("a reset register that is not aligned", |s| {
            s.board.reset_offset += 2;
        }),
        ("a source that the controller lacks", |s| {
            s.interrupts[0].source = 256;
        }),
    ];
    for (name, change) in changes {
        assert_eq!(load_system(change), Err(BootFailure::Board), "{name}");
    }
}

/// The kernel keeps and copies nothing of a ring, so what limits its own messages does not limit those.
#[test]
fn a_ring_may_have_longer_messages_than_the_kernel_copies() {
    let longest = limits::MESSAGE_BYTES;
    let with = |kind| {
        let mut system = system();
        let ports = system.channel(kind, 0, &[1], 4, 1);
        let (channel, _) = &mut system.channels[usize::from(ports.channel)];
        (channel.message_bytes, channel.reply_bytes) = (longest * 64, longest + 1);
        load(&system.bytes())
    };
    assert_eq!(with(ChannelKind::Ring), Ok(()));
    assert_eq!(with(ChannelKind::Queuing), Err(BootFailure::Memory));
}

#[test]
fn wrong_memory_is_refused() {
    type Change = fn(&mut SystemBuilder);
    let changes: [(&str, Change); 25] = [
        ("block not aligned", |s| s.ram_blocks[0].physical += 0x1000),
        ("block in the kernel", |s| {
            s.ram_blocks[0].physical = space::kernel::RECORD;
        }),
        ("block of no size of the hardware", |s| {
            s.ram_blocks[0].size_code = 0
        }),
        ("block larger than the kernel's room", |s| {
            s.ram_blocks.push(RamBlock {
                physical: 0x4000_0000,
                size_code: 11,
            });
        }),
        ("blocks that overlap", |s| {
            let block = s.ram_blocks[0];
            s.ram_blocks.push(block);
        }),
        ("no block", |s| s.ram_blocks.clear()),
        ("page in the kernel", |s| {
            s.own(0).page_physical = space::kernel::DATA;
        }),
        ("page not aligned", |s| s.own(0).page_physical += 4),
        ("region of the kernel", |s| {
            s.partitions[0].regions[2].physical = u64::from(space::kernel::DATA);
        }),
        ("region behind RAM", |s| {
            s.partitions[0].regions[2].physical = u64::from(space::kernel::END) + 0x3_f000;
        }),
        ("region above 4 GiB", |s| {
            s.partitions[0].regions[2].physical += 1 << 32;
        }),
        ("region of no length", |s| {
            s.partitions[0].regions[2].length = 0
        }),
        ("region of half a page", |s| {
            s.partitions[0].regions[2].length -= 0x800
        }),
        ("region at half a page", |s| {
            s.partitions[0].regions[2].effective += 0x800
        }),
        ("region round the end", |s| {
            s.partitions[0].regions[2].effective = 0xffff_f000;
            s.partitions[0].regions[2].length = 0x2000;
        }),
        ("region written and executed", |s| {
            s.partitions[0].regions[2].rights = Rights(7);
        }),
        ("device region round the end", |s| {
            s.partitions[0].regions.push(Region {
                effective: 0xffff_f000,
                physical: 0xe000_0000,
                length: 0x2000,
                rights: Rights::READ_WRITE,
                kind: RegionKind::Device,
            });
        }),
        ("copy from the kernel", |s| {
            s.partitions[0].copies[0].from = space::kernel::DATA;
        }),
        ("copy to the kernel", |s| {
            s.partitions[0].copies[0].to = space::kernel::DATA;
        }),
        ("copy of bytes", |s| s.partitions[0].copies[0].length = 3),
        ("copy of too much", |s| {
            s.partitions[0].copies[0].length = u32::MAX - 3
        }),
        ("message too large", |s| {
            s.channels[0].0.message_bytes = limits::MESSAGE_BYTES + 1;
        }),
        ("reply too large", |s| {
            s.channels[2].0.reply_bytes = u32::MAX
        }),
        ("queue too deep", |s| {
            s.channels[1].0.depth = limits::QUEUE_DEPTH + 1;
        }),
        ("queue without places", |s| s.channels[1].0.depth = 0),
    ];
    for (what, change) in changes {
        assert_eq!(load_system(change), Err(BootFailure::Memory), "{what}");
    }
    for store in [0, space::kernel::DATA, space::kernel::END + 2, u32::MAX] {
        for channel in 0..3 {
            let refused = load_system(|system| system.channels[channel].0.store = store);
            assert_eq!(refused, Err(BootFailure::Memory), "store at {store:#x}");
        }
    }
}

#[test]
fn wrong_windows_are_refused() {
    type Change = fn(&mut SystemBuilder);
    let changes: [(&str, Change); 10] = [
        ("call longer than can be timed", |s| {
            s.channels[2].0.deadline_ticks = (1 << 30) + 1;
        }),
        ("window longer than can be timed", |s| {
            s.window(0, 1).length_ticks = (1 << 30) + 1;
            s.schedules[0].own.major_frame_ticks = (1 << 30) + 101;
        }),
        ("gap", |s| s.window(0, 1).start_ticks += 1),
        ("overlap", |s| s.window(0, 1).start_ticks -= 1),
        ("late first window", |s| s.window(0, 0).start_ticks = 1),
        ("shorter than the guard", |s| {
            s.window(0, 0).length_ticks = 10;
            s.window(0, 1).start_ticks = 10;
            s.schedules[0].own.major_frame_ticks = 110;
        }),
        ("frame longer than its windows", |s| {
            s.schedules[0].own.major_frame_ticks += 1;
        }),
        ("no windows", |s| s.schedules[0].windows.clear()),
        ("more than time", |s| s.window(0, 1).length_ticks = u32::MAX),
        ("guard longer than windows", |s| {
            s.module.guard_ticks = u32::MAX
        }),
    ];
    for (what, change) in changes {
        assert_eq!(load_system(change), Err(BootFailure::Time), "{what}");
    }
}

#[test]
fn failures_have_a_number_and_a_text() {
    let failures = [
        BootFailure::Header(HeaderError::Truncated),
        BootFailure::Header(HeaderError::Magic),
        BootFailure::Header(HeaderError::Version(7)),
        BootFailure::Header(HeaderError::Abi(7)),
        BootFailure::Header(HeaderError::Crc),
        BootFailure::Malformed,
        BootFailure::Misplaced,
        BootFailure::TooMany,
        BootFailure::Missing,
        BootFailure::Dangling,
        BootFailure::Memory,
        BootFailure::Time,
    ];
    let mut texts: Vec<_> = failures
        .iter()
        .map(|failure| BootFailure::text(failure.number()))
        .collect();
    assert!(!texts.contains(&BootFailure::text(0)));
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), failures.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_load(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(load(&bytes).is_err());
    }

    /// A tool that writes nonsense and seals it well.
    #[test]
    fn arbitrary_records_never_panic(
        body in proptest::collection::vec(any::<u8>(), 0..2000),
        count in 0u32..40,
    ) {
        let mut bytes = seal(&body, count).as_bytes().to_vec();
        bytes.extend(&body);
        prop_assert!(load(&bytes).is_err());
    }

    /// Sound records, then damaged and sealed well.
    #[test]
    fn damaged_records_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let system = system();
        let count = system.records().len() as u32;
        let mut body = system.bytes()[20..].to_vec();
        for (index, value) in changes {
            *index.get_mut(&mut body) = value;
        }
        let mut bytes = seal(&body, count).as_bytes().to_vec();
        bytes.extend(&body);
        let _ = load(&bytes);
    }
}
