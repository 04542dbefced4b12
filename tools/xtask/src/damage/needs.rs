//! Tables in which one thing is not what it has to be about a guest, or about devices on the bus.

use cofferdam_abi::{limits, space};
use cofferdam_core::BootFailure::{Bus, Guest, Malformed, Memory, Misplaced, Time, TooMany};
use cofferdam_tables::{ChannelKind, Record, RegionKind};

use super::changes::{
    Change, NOWHERE, TO_4_GIB, another_block, longer_frame, of_all, without_regions_of_the_first,
};

/// What is wrong with a guest.
pub const OF_GUESTS: &[Change] = &[
    in_record!("a guest with more memory than there can be", Guest, Guest 0, |own| own.memory_bytes = 0x4000_1000),
    in_record!("a guest with half a page", Guest, Guest 0, |own| own.memory_bytes -= 0x800),
    in_record!("a guest at half a page", Guest, Guest 0, |own| own.memory += 0x800),
    in_record!("a guest whose memory ends behind RAM", Guest, Guest 0, |own| own.memory_bytes = 0x4000_0000),
    in_record!("a guest whose page is at half a page", Guest, Guest 0, |own| own.page += 0x800),
    in_record!("a guest whose translations are at half a one", Guest, Guest 0, |own| own.translations += 8),
    in_record!("a guest with neither a page nor places", Guest, Guest 0, |own| (own.page, own.tlb1_first) = (NOWHERE, 4)),
    of_all("a guest, and a block up to 4 GiB", Memory, |all| {
        another_block(all, |own| (own.physical, own.size_code) = TO_4_GIB)?;
        let place = first!(all, RamBlock)?;
        all.swap(place, place + 1);
        Some(())
    }),
    of_all("a guest in a block up to 4 GiB", Memory, |all| {
        another_block(all, |own| (own.physical, own.size_code) = TO_4_GIB)?;
        change_first!(all, Guest, |own| (own.memory, own.page, own.translations) =
            (TO_4_GIB.0, TO_4_GIB.0, TO_4_GIB.0))
    }),
    in_record!("a guest whose memory is nowhere", Guest, Guest 0, |own| own.memory = NOWHERE),
    in_record!("a guest whose page is nowhere", Guest, Guest 0, |own| own.page = NOWHERE),
    in_record!("a guest whose translations are nowhere", Guest, Guest 0, |own| own.translations = NOWHERE),
    in_record!("a guest with a place of the kernel's", Guest, Guest 0, |own| own.tlb1_first = 4),
    in_record!("a guest with one place", Guest, Guest 0, |own| own.tlb1_count = 1),
    in_record!("a guest with a place that there is not", Guest, Guest 0, |own| own.tlb1_first = 15),
    in_record!("a guest with the kernel's tag", Guest, Guest 0, |own| own.tag_first = 0),
    in_record!("a guest with tags that there are not", Guest, Guest 0, |own| own.tag_first = 254),
    in_record!("a guest with too few tags", Guest, Guest 0, |own| own.tag_count = 15),
    of_all("a guest with a partition's tag", Guest, |all| {
        let tag = all.iter().find_map(|record| match record {
            Record::Guest(own) => Some(own.tag_first),
            _ => None,
        })?;
        let place = first!(all, Partition)?;
        if let Record::Partition(own) = &mut all[place] {
            own.pid = tag;
        }
        Some(())
    }),
    of_all("two guests with the same tags", Guest, |all| {
        let guest = all[first!(all, Guest)?].clone();
        let place = first!(all, Partition)?;
        all.insert(place + 1, guest);
        Some(())
    }),
    // The second guest's come behind the first one's, before which there are none left.
    of_all(
        "two guests, and the second has tags before the first one's",
        Guest,
        |all| {
            let mut guest = all[first!(all, Guest)?].clone();
            if let Record::Guest(own) = &mut guest {
                (own.tag_first, own.tag_count) = (1, 16);
            }
            let place = all
                .iter()
                .rposition(|record| matches!(record, Record::Partition(_)))?;
            let place = if matches!(all[place + 1], Record::Guest(_)) {
                first!(all, Partition)?
            } else {
                place
            };
            all.insert(place + 1, guest);
            Some(())
        },
    ),
    of_all("two guests of one partition", Misplaced, |all| {
        let place = first!(all, Guest)?;
        all.insert(place, all[place].clone());
        Some(())
    }),
    of_all(
        "two guests, each with tags before and behind others', and a frame longer than its windows",
        Time,
        |all| {
            another_guest(all)?;
            let place = first!(all, Partition)?;
            if let Record::Partition(own) = &mut all[place] {
                own.pid = 0xff;
            }
            longer_frame(all)
        },
    ),
    of_all(
        "two guests, the second with tags before the first one's, and a frame longer than its windows",
        Time,
        |all| {
            another_guest(all)?;
            exchange_tags(all)?;
            longer_frame(all)
        },
    ),
    of_all("more guests than there can be", TooMany, |all| {
        let place = first!(all, Guest)?;
        let both = all[place - 1..=place].to_vec();
        let more = std::iter::repeat_n(both, limits::GUESTS).flatten();
        all.splice(place + 1..place + 1, more.collect::<Vec<_>>());
        Some(())
    }),
];

/// What is wrong with devices on the bus.
pub const OF_THE_BUS: &[Change] = &[
    of_all("devices on no bus", Bus, |all| {
        let place = first!(all, Bus)?;
        all.remove(place);
        Some(())
    }),
    of_all("two buses", Misplaced, |all| {
        let place = first!(all, Bus)?;
        all.insert(place, all[place].clone());
        Some(())
    }),
    of_all("a step before its function", Misplaced, |all| {
        let place = first!(all, Function)?;
        all.swap(place, place + 1);
        Some(())
    }),
    in_record!("a bus at half a page", Bus, Bus 0, |own| own.registers_offset += 0x800),
    in_record!("a bus behind the devices", Bus, Bus 0, |own| own.registers_offset = space::kernel::DEVICES_SIZE),
    in_record!("devices with less memory than a page", Bus, Bus 0, |own| own.memory_log2 = 11),
    in_record!("devices with more memory than the bus has", Bus, Bus 0, |own| own.memory_log2 = 33),
    in_record!("an arena less than a page", Bus, Bus 0, |own| own.arena_log2 = 11),
    in_record!("an arena of all there is", Bus, Bus 0, |own| own.arena_log2 = 32),
    in_record!("an arena at half a page", Bus, Bus 0, |own| own.arena += 0x800),
    of_all("an arena larger than RAM", Bus, |all| {
        let start = all.iter().rev().find_map(|record| match record {
            Record::RamBlock(own) => Some(own.physical),
            _ => None,
        })?;
        all.iter_mut().find_map(|record| match record {
            Record::Bus(own) => {
                Some((own.arena, own.arena_log2) = (start, start.trailing_zeros() as u8))
            }
            _ => None,
        })
    }),
    in_record!("an arena nowhere", Bus, Bus 0, |own| own.arena = NOWHERE),
    of_all("an arena over a page of a partition", Bus, |all| {
        arena_at(all, |record| match record {
            Record::Partition(own) => Some(own.page_physical),
            _ => None,
        })
    }),
    of_all("an arena over a program", Bus, |all| {
        arena_at(all, |record| match record {
            Record::Region(own) if own.kind == RegionKind::Image => Some(own.physical as u32),
            _ => None,
        })
    }),
    of_all("an arena over what is copied", Bus, |all| {
        let arena = all.iter().find_map(|record| match record {
            Record::Bus(own) => Some(own.arena),
            _ => None,
        })?;
        let place = first!(all, Region)?;
        let copy = cofferdam_tables::Copy {
            from: arena,
            to: arena,
            length: 4,
        };
        all.insert(place, Record::Copy(copy));
        Some(())
    }),
    of_all(
        "an arena before everything, and a frame longer than its windows",
        Time,
        |all| {
            let first = all.iter().find_map(|record| match record {
                Record::RamBlock(own) => Some(own.physical),
                _ => None,
            })?;
            for record in all.iter_mut() {
                match record {
                    Record::Bus(own) => (own.arena, own.arena_log2) = (first, 12),
                    Record::Region(own) if own.kind != RegionKind::Device => {
                        own.kind = RegionKind::Shared
                    }
                    _ => {}
                }
            }
            longer_frame(all)
        },
    ),
    of_all("a frame longer than its windows", Time, |all| {
        longer_frame(all)
    }),
    of_all(
        "two copies, and a frame longer than its windows",
        Time,
        |all| {
            let page = all.iter().find_map(|record| match record {
                Record::Partition(own) => Some(own.page_physical),
                _ => None,
            })?;
            let copy = cofferdam_tables::Copy {
                from: page,
                to: page,
                length: 4,
            };
            let place = first!(all, Partition)? + 1;
            all.splice(place..place, [Record::Copy(copy), Record::Copy(copy)]);
            longer_frame(all)
        },
    ),
    of_all("an arena over messages", Bus, |all| {
        arena_at(all, |record| match record {
            Record::Channel(own) if own.kind == ChannelKind::Queuing => Some(own.store),
            _ => None,
        })
    }),
    in_record!("the bus's own controller as a device", Bus, Function 0, |own| own.number = 7),
    of_all("a device of two partitions", Bus, |all| {
        let place = first!(all, Function)?;
        let function = all[place].clone();
        let partition = first!(all, Partition)?;
        all.insert(partition + 1, function);
        Some(())
    }),
    of_all(
        "no arena, and a frame longer than its windows",
        Time,
        |all| {
            change_first!(all, Bus, |own| own.arena_log2 = 0)?;
            longer_frame(all)
        },
    ),
    of_all(
        "a partition without regions, and a frame longer than its windows",
        Time,
        |all| {
            without_regions_of_the_first(all)?;
            longer_frame(all)
        },
    ),
    of_all(
        "two devices more, and a frame longer than its windows",
        Time,
        |all| {
            let place = first!(all, Partition)? + 1;
            for number in [240, 241] {
                all.insert(
                    place,
                    Record::Function(cofferdam_tables::Function { number }),
                );
            }
            longer_frame(all)
        },
    ),
    of_all(
        "a bus without devices, and a frame longer than its windows",
        Time,
        |all| {
            all.retain(|record| !matches!(record, Record::Function(_) | Record::Step(_)));
            longer_frame(all)
        },
    ),
    of_all(
        "a bus without channels, and a frame longer than its windows",
        Time,
        |all| {
            all.retain(|record| {
                !matches!(
                    record,
                    Record::Channel(_) | Record::End(_) | Record::Capability(_)
                )
            });
            longer_frame(all)
        },
    ),
];

/// What is wrong where there are guests, and devices on the bus.
pub const OF_BOTH: &[Change] = &[
    of_all("an arena over a guest's translations", Bus, |all| {
        arena_at(all, |record| match record {
            Record::Guest(own) => Some(own.translations),
            _ => None,
        })
    }),
    of_all(
        "two guests beside a bus, and a frame longer than its windows",
        Time,
        |all| {
            another_guest(all)?;
            longer_frame(all)
        },
    ),
];

/// Gives another partition the guest as well, with the lower half of its tags.
fn another_guest(all: &mut Vec<Record>) -> Option<()> {
    let mut other = None;
    change_first!(all, Guest, |own| {
        let half = own.tag_count / 2;
        other = Some(cofferdam_tables::Guest {
            tag_count: half,
            ..*own
        });
        (own.tag_first, own.tag_count) = (own.tag_first + half, half);
    })?;
    let partition = all.iter().enumerate().position(|(place, record)| {
        matches!(record, Record::Partition(_))
            && !matches!(all.get(place + 1), Some(Record::Guest(_)))
    })?;
    all.insert(partition + 1, Record::Guest(other?));
    Some(())
}

/// Gives each of two guests the tags of the other one.
fn exchange_tags(all: &mut [Record]) -> Option<()> {
    let mut tags = all.iter_mut().filter_map(|record| match record {
        Record::Guest(own) => Some(&mut own.tag_first),
        _ => None,
    });
    std::mem::swap(tags.next()?, tags.next()?);
    Some(())
}

/// Puts an arena of one page over the first address that there is.
fn arena_at(records: &mut [Record], address: fn(&Record) -> Option<u32>) -> Option<()> {
    let address = records.iter().find_map(address)?;
    records.iter_mut().find_map(|record| match record {
        Record::Bus(own) => {
            (own.arena, own.arena_log2) = (address & !0xfff, 12);
            Some(())
        }
        _ => None,
    })
}

/// Records that a kernel for systems without guests does not know.
pub const STRANGE_WITHOUT_GUESTS: &[Change] =
    &[of_all("a guest on a kernel without", Malformed, |all| {
        let guest = cofferdam_tables::Guest {
            memory: 0,
            memory_bytes: 0,
            page: 0,
            translations: 0,
            tag_first: 0,
            tag_count: 0,
            tlb1_first: 0,
            tlb1_count: 0,
            paravirtual: cofferdam_tables::Paravirtual::default(),
        };
        let place = first!(all, Partition)?;
        all.insert(place + 1, Record::Guest(guest));
        Some(())
    })];

/// Records that a kernel for systems without devices on the bus does not know.
pub const STRANGE_WITHOUT_BUS: &[Change] = &[
    of_all("a bus on a kernel without", Malformed, |all| {
        let place = first!(all, Partition)?;
        all.insert(place, Record::Bus(cofferdam_tables::Bus::default()));
        Some(())
    }),
    of_all("a device on a kernel without", Malformed, |all| {
        let place = first!(all, Partition)?;
        all.insert(
            place + 1,
            Record::Function(cofferdam_tables::Function { number: 8 }),
        );
        Some(())
    }),
];
