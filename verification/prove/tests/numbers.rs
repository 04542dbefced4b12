//! The numbers of the format, written down twice: here they meet.

use cofferdam_abi::{ABI_VERSION, guest, health, limits, page, space};
use cofferdam_prove::numbers::*;

#[test]
fn numbers_are_those_of_kernel_and_build() {
    assert_eq!(numbers::ABI_VERSION, ABI_VERSION);
    let kernel = [
        (kernel::TEXT, space::kernel::TEXT),
        (kernel::CONSTANTS, space::kernel::CONSTANTS),
        (kernel::TABLES, space::kernel::TABLES),
        (kernel::TABLES_ROOM, limits::TABLES_BYTES as u32),
        (kernel::DATA, space::kernel::DATA),
        (kernel::RECORD, space::kernel::RECORD),
        (kernel::END, space::kernel::END),
        (kernel::RAM, space::kernel::RAM),
        (kernel::DEVICES, space::kernel::DEVICES),
        (kernel::DEVICES_SIZE, space::kernel::DEVICES_SIZE),
    ];
    for (own, theirs) in kernel {
        assert_eq!(own, u64::from(theirs));
    }
    let places = [
        (place::TEXT, space::TEXT),
        (place::CONSTANTS, space::CONSTANTS),
        (place::DATA, space::DATA),
        (place::STACKS, space::STACKS),
        (place::STACK_STRIDE, space::STACK_STRIDE),
        (place::MEMORY_BLOCKS, space::MEMORY_BLOCKS),
        (place::RINGS, space::SHARED),
        (place::ARENA, space::ARENA),
        (place::DEVICES, space::DEVICES),
        (place::STRIDE, space::STRIDE),
        (place::GUEST, guest::MEMORY),
        (place::GUEST_PAGE, guest::MONITOR_PAGE),
        (place::PAGE, page::ADDRESS),
        (GUEST_TRANSLATIONS, guest::tlb::TLB0_BYTES),
        (TLB1_OF_GUEST, guest::PLACES),
        (TLB1_ENTRIES, limits::TLB1_ENTRIES as u32),
        (TLB1_OF_KERNEL, limits::KERNEL_TLB1_ENTRIES as u32),
        (FIRST_LINE.into(), page::LINE_FIRST_FREE),
        (limit::LINES.into(), limits::LINES as u32),
        (limit::MESSAGE_BYTES, limits::MESSAGE_BYTES),
        (limit::QUEUE_DEPTH, limits::QUEUE_DEPTH),
        (limit::TICKS, limits::TICKS),
    ];
    for (own, theirs) in places {
        assert_eq!(own, theirs);
    }
    let limits = [
        (limit::PARTITIONS, limits::PARTITIONS),
        (limit::REGIONS, limits::REGIONS),
        (limit::CAPABILITIES, limits::CAPABILITIES),
        (limit::CHANNELS, limits::CHANNELS),
        (limit::CHANNEL_ENDS, limits::CHANNEL_ENDS),
        (limit::SCHEDULES, limits::SCHEDULES),
        (limit::WINDOWS, limits::WINDOWS),
        (limit::RANKS, limits::RANKS),
        (limit::INTERRUPTS, limits::INTERRUPTS),
        (limit::FUNCTIONS, limits::FUNCTIONS),
        (limit::STEPS, limits::STEPS),
        (limit::TLB_WRITES, limits::TLB_WRITES),
        (limit::COPIES, limits::COPIES),
        (limit::RAM_BLOCKS, limits::RAM_BLOCKS),
        (limit::GUESTS, limits::GUESTS),
    ];
    for (own, theirs) in limits {
        assert_eq!(own, theirs);
    }
    let errors: Vec<_> = health::Error::ALL
        .iter()
        .map(|error| error.name())
        .collect();
    assert_eq!([&PARTITION_ERRORS[..], &MODULE_ERRORS].concat(), errors);
    let actions: Vec<_> = health::Action::ALL
        .iter()
        .map(|action| action.name())
        .collect();
    assert_eq!(ACTIONS[..], actions);
    let [stop, halt] = [STOP, HALT].map(|number| ACTIONS[usize::from(number)]);
    assert_eq!([stop, halt], ["stop", "halt"]);
}

use cofferdam_prove::numbers;
