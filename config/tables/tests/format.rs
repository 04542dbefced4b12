//! What is written is read again, and nothing else is.

use cofferdam_abi::health::PARTITION_ERRORS;
use cofferdam_abi::limits;
use cofferdam_tables::{
    Board, Capability, CapabilityKind, Channel, ChannelKind, Copy, End, Interrupt, Module,
    Partition, RamBlock, Rank, Record, Region, RegionKind, Rights, Schedule, TlbWrite, Window,
    open, seal,
};
use proptest::prelude::*;
use zerocopy::IntoBytes;

fn capability_kind() -> impl Strategy<Value = CapabilityKind> {
    use CapabilityKind::*;
    prop::sample::select(vec![
        Empty,
        SamplingSource,
        SamplingDestination,
        QueuingSource,
        QueuingDestination,
        CallClient,
        CallServer,
        Signal,
        Interrupt,
        Schedule,
        Partition,
        HealthLog,
    ])
}

fn region_kind() -> impl Strategy<Value = RegionKind> {
    use RegionKind::*;
    prop::sample::select(vec![Image, Private, Shared, Device])
}

fn channel_kind() -> impl Strategy<Value = ChannelKind> {
    use ChannelKind::*;
    prop::sample::select(vec![Sampling, Queuing, Call, Ring, Signal])
}

fn name() -> impl Strategy<Value = [u8; limits::NAME_BYTES]> {
    any::<[u8; limits::NAME_BYTES]>()
}

fn partition() -> impl Strategy<Value = Partition> {
    let words = any::<[u32; 9]>();
    let actions = any::<[u8; PARTITION_ERRORS]>();
    let rest = any::<(u8, bool, u8, u16, u64)>();
    (name(), words, actions, rest).prop_map(|(name, words, actions, rest)| {
        let [
            entry,
            stack_top,
            stack_bottom,
            stack_guard,
            page_physical,
            ranks,
            period_ticks,
            deadline_ticks,
            back_off_ticks,
        ] = words;
        let (pid, autostart, switch_schedule, restart_max, restart_per_ticks) = rest;
        Partition {
            name,
            pid,
            entry,
            stack_top,
            stack_bottom,
            stack_guard,
            page_physical,
            ranks,
            period_ticks,
            deadline_ticks,
            autostart,
            actions,
            switch_schedule,
            restart_max,
            restart_per_ticks,
            back_off_ticks,
        }
    })
}

fn channel() -> impl Strategy<Value = Channel> {
    (name(), channel_kind(), any::<[u32; 5]>(), any::<u64>()).prop_map(
        |(name, kind, words, refresh_ticks)| {
            let [message_bytes, reply_bytes, depth, store, deadline_ticks] = words;
            Channel {
                name,
                kind,
                message_bytes,
                reply_bytes,
                depth,
                store,
                refresh_ticks,
                deadline_ticks,
            }
        },
    )
}

/// A record of each kind, in the order of the format.
fn one_of_each() -> impl Strategy<Value = Vec<Record>> {
    let board = any::<(u64, [u32; 5])>().prop_map(|(devices_physical, words)| {
        let [
            interrupt_controller_offset,
            uart_offset,
            reset_offset,
            reset_value,
            timebase_hz,
        ] = words;
        Record::Board(Board {
            devices_physical,
            interrupt_controller_offset,
            uart_offset,
            reset_offset,
            reset_value,
            timebase_hz,
        })
    });
    let module = any::<(u32, u8, [u8; 4], u8)>().prop_map(
        |(guard_ticks, initial_schedule, actions, switch_schedule)| {
            Record::Module(Module {
                guard_ticks,
                initial_schedule,
                actions,
                switch_schedule,
            })
        },
    );
    let ram = any::<(u32, u8)>().prop_map(|(physical, size_code)| {
        Record::RamBlock(RamBlock {
            physical,
            size_code,
        })
    });
    let region = (any::<(u32, u64, u32, u8)>(), region_kind()).prop_map(
        |((effective, physical, length, rights), kind)| {
            Record::Region(Region {
                effective,
                physical,
                length,
                rights: Rights(rights),
                kind,
            })
        },
    );
    let copy =
        any::<[u32; 3]>().prop_map(|[from, to, length]| Record::Copy(Copy { from, to, length }));
    let capability = (capability_kind(), any::<(u8, u8)>()).prop_map(|(kind, (object, rights))| {
        Record::Capability(Capability {
            kind,
            object,
            rights,
        })
    });
    let end = any::<(u8, u8)>().prop_map(|(partition, line)| Record::End(End { partition, line }));
    let interrupt = any::<(u16, bool, bool, u8, u8, u16, u32)>().prop_map(
        |(source, level, high, owner, line, storm_max, storm_ticks)| {
            Record::Interrupt(Interrupt {
                source,
                level,
                high,
                owner,
                line,
                storm_max,
                storm_ticks,
            })
        },
    );
    let rank = any::<(u8, u32)>().prop_map(|(partition, budget_ticks)| {
        Record::Rank(Rank {
            partition,
            budget_ticks,
        })
    });
    let schedule = (name(), any::<u32>()).prop_map(|(name, major_frame_ticks)| {
        Record::Schedule(Schedule {
            name,
            major_frame_ticks,
        })
    });
    let window = any::<[u32; 5]>().prop_map(|words| {
        let [start_ticks, length_ticks, eligible, releases, interrupts] = words;
        Record::Window(Window {
            start_ticks,
            length_ticks,
            eligible,
            releases,
            interrupts,
        })
    });
    let tlb = any::<[u32; 5]>().prop_map(|[mas0, mas1, mas2, mas3, mas7]| {
        Record::TlbWrite(TlbWrite {
            mas0,
            mas1,
            mas2,
            mas3,
            mas7,
        })
    });
    let first = (board, module, ram, partition().prop_map(Record::Partition));
    let then = (
        region,
        copy,
        capability,
        channel().prop_map(Record::Channel),
    );
    let last = (end, interrupt, rank, schedule, window, tlb);
    (first, then, last).prop_map(|((a, b, c, d), (e, f, g, h), (i, j, k, l, m, n))| {
        vec![a, b, c, d, e, f, g, h, i, j, k, l, m, n]
    })
}

fn encode(records: &[Record]) -> Vec<u8> {
    let bodies = records
        .iter()
        .map(|record| postcard::to_allocvec(record).expect("a record can be written"));
    let body = bodies.collect::<Vec<_>>().concat();
    let mut bytes = seal(&body, records.len() as u32).as_bytes().to_vec();
    bytes.extend(body);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<Record>> {
    let (_, records) = open(bytes).ok()?;
    records.collect::<Result<_, _>>().ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_written_is_read_again(records in one_of_each()) {
        let kinds: Vec<_> = records.iter().map(std::mem::discriminant).collect();
        prop_assert_eq!(kinds.len(), 14);
        prop_assert!((1..14).all(|one| !kinds[..one].contains(&kinds[one])));
        prop_assert_eq!(decode(&encode(&records)), Some(records));
    }

    #[test]
    fn every_truncation_is_refused(records in one_of_each()) {
        let bytes = encode(&records);
        for length in 0..bytes.len() {
            prop_assert_eq!(decode(&bytes[..length]), None, "{} bytes", length);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused(records in one_of_each()) {
        let mut bytes = encode(&records);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(decode(&bytes), None, "bit {}", bit);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// What a writer got wrong and sealed well: it is refused, or it is something else.
    #[test]
    fn a_bit_that_is_sealed_again_is_not_overlooked(records in one_of_each(), at in any::<prop::sample::Index>()) {
        let sealed = encode(&records);
        let head = size_of::<cofferdam_tables::Header>();
        let mut body = sealed[head..].to_vec();
        let bit = at.index(body.len() * 8);
        body[bit / 8] ^= 1 << (bit % 8);
        let mut bytes = seal(&body, records.len() as u32).as_bytes().to_vec();
        bytes.extend(body);
        prop_assert_ne!(decode(&bytes), Some(records));
    }

    #[test]
    fn a_wrong_count_is_refused(records in one_of_each(), count in 0u32..40) {
        prop_assume!(count != records.len() as u32);
        let sealed = encode(&records);
        let body = &sealed[size_of::<cofferdam_tables::Header>()..];
        let mut bytes = seal(body, count).as_bytes().to_vec();
        bytes.extend(body);
        prop_assert_eq!(decode(&bytes), None);
    }
}
