//! The monitor as a whole, with a processor that is a few numbers.

extern crate std;
use std::vec::Vec;

use cofferdam_abi::guest::{FORESEEN, number, register, spr};

use crate::board::source;
use crate::devices::Ending;
use crate::{Monitor, Processor, start};

pub(crate) struct Numbers {
    registers: [u32; number::COUNT as usize],
    page: [u32; 1024],
    external: bool,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            registers: [0; number::COUNT as usize],
            page: [0; 1024],
            external: false,
        }
    }
}

impl Processor for Numbers {
    fn register(&self, number: u32) -> u32 {
        self.registers[number as usize]
    }

    fn set_register(&mut self, number: u32, value: u32) {
        self.registers[number as usize] = value;
    }

    fn special(&self, number: u32) -> u32 {
        self.page[register(number) as usize / 4]
    }

    fn set_special(&mut self, number: u32, value: u32) {
        self.page[register(number) as usize / 4] = value;
    }

    fn state(&self) -> u32 {
        self.page[0]
    }

    fn set_state(&mut self, state: u32) {
        self.page[0] = state;
    }

    fn set_external(&mut self, asserted: bool) {
        self.external = asserted;
    }

    fn foresee(&mut self, place: u32, word: u32, value: u32) {
        let first = FORESEEN as usize / 4 + 2 * place as usize;
        (self.page[first], self.page[first + 1]) = (word, value);
    }

    fn foreseen(&self, place: u32) -> u32 {
        self.page[FORESEEN as usize / 4 + 2 * place as usize]
    }
}

/// As the kernel says it: with what the register holds that the instruction names first.
fn touch(
    monitor: &mut Monitor,
    processor: &mut Numbers,
    instruction: u32,
    address: u64,
) -> Option<Ending> {
    let named = processor.register(instruction >> 21 & 31);
    monitor.access(processor, instruction, address, named)
}

const SEND: u32 = 0x0001_0001;
const RECEIVE: u32 = 0x0001_0002;
const POLL: u32 = 0x0001_0003;
/// Status, as ePAPR has it.
const EV_EAGAIN: u32 = 4;
const EV_EINVAL: u32 = 8;
const EV_UNIMPLEMENTED: u32 = 12;

const CTPR: u64 = 0xe006_0080;
const EOI: u64 = 0xe006_00b0;
const STW_R3: u32 = 0x9069_fffc; // stw r3,-4(r9)
const LWZ_R3: u32 = 0x8064_0008; // lwz r3,8(r4)
const MFSPR_R3_EPR: u32 = 0x7c7e_aaa6;

fn call(monitor: &mut Monitor, processor: &mut Numbers, token: u32, arguments: &[u32]) -> u32 {
    processor.registers[3..3 + arguments.len()].copy_from_slice(arguments);
    monitor.hypercall(processor, token);
    processor.registers[3]
}

fn store(monitor: &mut Monitor, processor: &mut Numbers, address: u64, value: u32) {
    processor.registers[3] = value;
    assert_eq!(touch(monitor, processor, STW_R3, address), None);
}

#[test]
fn a_guest_starts_as_epapr_says() {
    let mut processor = Numbers {
        registers: [u32::MAX; number::COUNT as usize],
        ..Numbers::default()
    };
    start(&mut processor, 0x0800_0000, 0x00f0_0000, 0x0300_0000);
    let mut expected = [0; number::COUNT as usize];
    expected[3] = 0x0300_0000;
    expected[6] = 0x4550_4150;
    expected[7] = 0x0800_0000;
    expected[number::PC as usize] = 0x00f0_0000;
    assert_eq!(processor.registers, expected);
}

#[test]
fn a_guest_writes_bytes_in_the_order_of_their_registers() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    let words = [0, 13, 0x4869_2c20, 0x7468_6572, 0x650a_2f20, 0x23ff_ffff];
    assert_eq!(call(&mut monitor, &mut processor, SEND, &words), 0);
    assert_eq!(processor.registers[4], 13);
    monitor.console.output.show_lines(|line| {
        assert_eq!(line, b"Hi, there");
        true
    });
    monitor.console.output.show_prompt(|line| {
        assert_eq!(line, b"/ #");
        true
    });
    assert!(!monitor.console.output.has_prompt());
}

#[test]
fn what_has_no_room_is_sent_again() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    monitor.console.output.write(&[b'x'; 2048 - 3]);
    let words = [0, 5, 0x3132_3334, 0x3500_0000];
    assert_eq!(call(&mut monitor, &mut processor, SEND, &words), 0);
    assert_eq!(processor.registers[4], 3);
    assert_eq!(call(&mut monitor, &mut processor, SEND, &words), EV_EAGAIN);
    assert_eq!(processor.registers[4], 0);
    assert_eq!(call(&mut monitor, &mut processor, SEND, &[0, 0]), 0);
    monitor.console.output.show_lines(|_| true);
    assert_eq!(call(&mut monitor, &mut processor, SEND, &words), 0);
}

#[test]
fn a_guest_reads_keys() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    monitor.console.type_keys(b"ls -l\r");
    assert_eq!(call(&mut monitor, &mut processor, POLL, &[0]), 0);
    assert_eq!(processor.registers[4..6], [6, 2048]);
    assert_eq!(call(&mut monitor, &mut processor, RECEIVE, &[0, 16]), 0);
    assert_eq!(processor.registers[4..7], [6, 0x6c73_202d, 0x6c0d_0000]);
    assert_eq!(call(&mut monitor, &mut processor, RECEIVE, &[0, 16]), 0);
    assert_eq!(processor.registers[4], 0);
}

#[test]
fn wrong_calls_are_refused() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    for (token, arguments) in [
        (SEND, [1, 1]),
        (RECEIVE, [1, 1]),
        (POLL, [1, 0]),
        (SEND, [0, 17]),
    ] {
        let status = call(&mut monitor, &mut processor, token, &arguments);
        assert_eq!(status, EV_EINVAL, "{token:#x} {arguments:?}");
    }
    let status = call(&mut monitor, &mut processor, 0x002a_0003, &[]);
    assert_eq!(status, EV_UNIMPLEMENTED);
    assert_eq!(monitor.strays().hypercalls, 1);
}

#[test]
fn keys_interrupt_the_guest_until_it_has_read_them() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    let vector = u32::from(source::CONSOLE_RECEIVE);
    let register = 0xe005_0000 + 0x20 * u64::from(vector);
    store(&mut monitor, &mut processor, register, 0x00c8_0000 | vector);
    store(&mut monitor, &mut processor, CTPR, 0);
    monitor.settle(&mut processor);
    assert!(!processor.external);
    monitor.console.type_keys(b"x");
    monitor.settle(&mut processor);
    assert!(processor.external);
    processor.registers[number::PC as usize] = 0x100;
    monitor.instruction(&mut processor, MFSPR_R3_EPR);
    assert_eq!(processor.registers[3], vector);
    assert_eq!(processor.registers[number::PC as usize], 0x104);
    monitor.settle(&mut processor);
    assert!(!processor.external, "it is in service");
    store(&mut monitor, &mut processor, EOI, 0);
    monitor.settle(&mut processor);
    assert!(processor.external, "the key is still there");
    call(&mut monitor, &mut processor, RECEIVE, &[0, 16]);
    monitor.settle(&mut processor);
    assert!(!processor.external);
}

#[test]
fn room_interrupts_a_guest_that_wants_to_hear_of_it() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    let vector = u32::from(source::CONSOLE_SEND);
    let register = 0xe005_0000 + 0x20 * u64::from(vector);
    store(&mut monitor, &mut processor, register, 0x00c8_0000 | vector);
    store(&mut monitor, &mut processor, CTPR, 0);
    monitor.console.output.write(&[b'x'; 2048]);
    monitor.settle(&mut processor);
    assert!(!processor.external);
    monitor.console.output.show_lines(|_| true);
    monitor.settle(&mut processor);
    assert!(processor.external);
}

#[test]
fn loads_and_stores_reach_devices_and_go_on() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    assert_eq!(
        touch(&mut monitor, &mut processor, LWZ_R3, 0xe004_0000),
        None
    );
    assert_eq!(processor.registers[3], 0x0040_0402);
    assert_eq!(processor.registers[number::PC as usize], 4);
    // lwzu r3,-8(r4): the base becomes the address.
    processor.registers[4] = 0x108;
    touch(&mut monitor, &mut processor, 0x8464_fff8, 0xe004_1000);
    assert_eq!(processor.registers[3..5], [0x00ff_0002, 0x100]);
    // lwzux r3,r4,r5
    processor.registers[5] = 0x20;
    touch(&mut monitor, &mut processor, 0x7c64_286e, 0xe004_1000);
    assert_eq!(processor.registers[4], 0x120);
    // stwbrx r3,0,r4: as a little-endian driver would write it.
    processor.registers[3] = 0x0700_0000;
    touch(&mut monitor, &mut processor, 0x7c60_252c, CTPR);
    touch(&mut monitor, &mut processor, LWZ_R3, CTPR);
    assert_eq!(processor.registers[3], 7);
    assert_eq!(monitor.strays().accesses, 0);
    processor.registers[3] = 1;
    touch(&mut monitor, &mut processor, LWZ_R3, 0xe000_8c20);
    assert_eq!(processor.registers[3], 0);
    assert_eq!(monitor.strays().accesses, 1);
}

#[test]
fn a_guest_ends_itself() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    processor.registers[3] = 2;
    let ending = touch(&mut monitor, &mut processor, STW_R3, 0xe00e_00b0);
    assert_eq!(ending, Some(Ending::Reset));
    processor.registers[3] = 0x8000_0000;
    assert_eq!(
        touch(&mut monitor, &mut processor, STW_R3, 0xe00f_f000),
        None
    );
    let ending = touch(&mut monitor, &mut processor, STW_R3, 0xe00f_f008);
    assert_eq!(ending, Some(Ending::PowerOff));
}

#[test]
fn an_instruction_that_does_not_exist_is_the_guests_own_program_exception() {
    let dcbz = 0x7c00_27ec;
    let tlbilx = 0x7c00_1824;
    for access in [false, true] {
        let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
        processor.set_state(0x0002_b230);
        processor.set_special(spr::IVPR, 0xc000_0000);
        processor.set_special(spr::IVOR0 + 6, 0x1234);
        processor.registers[number::PC as usize] = 0xc012_3456;
        if access {
            assert_eq!(touch(&mut monitor, &mut processor, dcbz, 0xe004_0000), None);
        } else {
            monitor.instruction(&mut processor, tlbilx);
        }
        assert_eq!(processor.special(spr::SRR0), 0xc012_3456);
        assert_eq!(processor.special(spr::SRR1), 0x0002_b230);
        assert_eq!(processor.special(spr::ESR), 0x0800_0000);
        assert_eq!(processor.state(), 0x0002_1200);
        assert_eq!(processor.registers[number::PC as usize], 0xc000_1230);
        assert_eq!(monitor.strays().instructions, 1);
    }
}

#[test]
fn instructions_of_caches_come_to_nothing() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    monitor.instruction(&mut processor, 0x7c00_194c); // dcbtls 0,0,r3
    assert_eq!(processor.registers[number::PC as usize], 4);
    processor.registers[4] = 1;
    monitor.instruction(&mut processor, 0x7c9d_8aa6); // mfspr r4,573
    assert_eq!(processor.registers[4], 0);
    assert_eq!(monitor.strays(), crate::Strays::default());
}

#[test]
fn whatever_a_guest_does_its_monitor_goes_on() {
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    // George Marsaglia, "Xorshift RNGs", 2003.
    let mut random = 0x2545_f491u32;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random
    };
    for _ in 0..200_000 {
        let (what, number) = (next(), next());
        processor.registers[3 + what as usize % 6] = if what & 0x100 == 0 {
            next()
        } else {
            next() % 20
        };
        match what >> 28 {
            0..4 => monitor.hypercall(&mut processor, 0x0001_0000 | (number % 5)),
            4..6 => monitor.instruction(&mut processor, number),
            6..8 => monitor.instruction(&mut processor, MFSPR_R3_EPR),
            8 => monitor.console.type_keys(&number.to_be_bytes()),
            9 => monitor.console.output.show_lines(|_| number & 1 == 0),
            10 => monitor.console.output.show_prompt(|_| number & 1 == 0),
            _ => {
                let instruction = [STW_R3, LWZ_R3, number][what as usize % 3];
                let offset = u64::from(next() & 0xf_fff0) & !(u64::from(what) & 0xf000);
                touch(
                    &mut monitor,
                    &mut processor,
                    instruction,
                    0xe000_0000 + offset,
                );
            }
        }
        monitor.settle(&mut processor);
    }
    let strays = monitor.strays();
    assert!(strays.accesses > 0 && strays.instructions > 0 && strays.hypercalls > 0);
}

#[test]
fn a_disk_and_a_network_are_where_the_tree_says_little_endian_and_interrupt() {
    use crate::virtio::block::Disk;
    use crate::virtio::describe::Description;
    use crate::virtio::network::Network;

    const LWBRX_R3: u32 = 0x7c60_242c; // lwbrx r3,0,r4
    const LHBRX_R3: u32 = 0x7c60_262c;
    const LBZ_R3: u32 = 0x8864_0000;
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    let devices = [
        (0xe00d_2000, 2, source::DISK),
        (0xe00d_3000, 1, source::NETWORK),
    ];
    let mut load = |monitor: &mut Monitor, instruction, address| {
        assert_eq!(touch(monitor, &mut processor, instruction, address), None);
        processor.registers[3]
    };
    // Where there is none, nothing is.
    assert_eq!(load(&mut monitor, LWBRX_R3, devices[0].0), 0);
    assert_eq!(monitor.strays().accesses, 1);
    let description = Description {
        sectors: 0x1234,
        read_only: false,
    };
    monitor.disk = Some(Disk::new(description, 1 << 20, 1 << 16));
    monitor.network = Some(Network::new([1, 2, 3, 4, 5, 6], 1 << 20, 1 << 16));
    for (address, device, _) in devices {
        assert_eq!(load(&mut monitor, LWBRX_R3, address), 0x7472_6976);
        assert_eq!(load(&mut monitor, LWBRX_R3, address + 8), device);
    }
    let configuration = devices.map(|(address, ..)| address + 0x100);
    assert_eq!(load(&mut monitor, LWBRX_R3, configuration[0]), 0x1234);
    assert_eq!(load(&mut monitor, LHBRX_R3, configuration[1]), 0x0201);
    assert_eq!(load(&mut monitor, LBZ_R3, configuration[1] + 5), 6);
    assert_eq!(monitor.strays().accesses, 1);
    load(&mut monitor, LBZ_R3, devices[0].0 + 8);
    load(&mut monitor, LWBRX_R3, devices[0].0 + 0x200);
    assert_eq!(monitor.strays().accesses, 3);
    for (address, _, source) in devices {
        let mut processor = Numbers::default();
        break_and_unmask(&mut monitor, &mut processor, address, source);
        monitor.settle(&mut processor);
        assert!(processor.external, "{address:#x}");
        store(
            &mut monitor,
            &mut processor,
            priority_of(source),
            0x8048_0000,
        );
    }
}

const STWBRX_R3: u32 = 0x7c60_252c;

fn priority_of(source: u8) -> u64 {
    0xe000_0000 + 0x4_0000 + 0x1_0000 + 0x20 * u64::from(source)
}

/// Has a virtio device interrupt: nobody can say that a queue of it is ready that has no such size, so it stops, which a driver that is there
/// hears.
fn break_and_unmask(monitor: &mut Monitor, processor: &mut Numbers, address: u64, source: u8) {
    for (offset, value) in [(0x24, 1), (0x20, 1), (0x70, 15), (0x44, 1)] {
        processor.registers[3] = value;
        touch(monitor, processor, STWBRX_R3, address + offset);
    }
    store(monitor, processor, CTPR, 0);
    let register = 0x0048_0000 | u32::from(source);
    store(monitor, processor, priority_of(source), register);
}

/// What is foreseen: address and kind, and value.
fn foreseen_by(processor: &Numbers) -> Vec<(u32, u32)> {
    let words = processor.page[FORESEEN as usize / 4..].chunks(2).take(4);
    let places = words.map(|place| (place[0], place[1]));
    places.filter(|(word, _)| *word != 0).collect()
}

/// As the kernel does when a store was foreseen at a place.
fn store_comes(processor: &mut Numbers, place: usize) {
    for over in 0..=place {
        processor.page[FORESEEN as usize / 4 + 2 * over] = 0;
    }
}

#[test]
fn what_a_driver_does_at_an_interrupt_is_foreseen_and_made_up_for() {
    use crate::virtio::block::Disk;
    use crate::virtio::describe::Description;
    use crate::virtio::network::Network;

    const STATUS: (u32, u32) = (0xe00d_2060 | 1, 0x0200_0000);
    const ACKNOWLEDGEMENT: (u32, u32) = (0xe00d_2064 | 2, 0x0200_0000);
    const END: (u32, u32) = (0xe006_00b0 | 2, 0);
    let description = Description {
        sectors: 8,
        read_only: false,
    };
    let (mut monitor, mut processor) = (Monitor::new(), Numbers::default());
    monitor.disk = Some(Disk::new(description, 1 << 20, 1 << 16));
    monitor.network = Some(Network::new([1, 2, 3, 4, 5, 6], 1 << 20, 1 << 16));
    monitor.settle(&mut processor);
    assert_eq!(foreseen_by(&processor), []);
    break_and_unmask(&mut monitor, &mut processor, 0xe00d_2000, source::DISK);
    monitor.settle(&mut processor);
    assert_eq!(foreseen_by(&processor), [STATUS, ACKNOWLEDGEMENT, END]);
    // The guest takes the interrupt, and does what is foreseen. Half of it is done when its monitor runs.
    monitor.instruction(&mut processor, MFSPR_R3_EPR);
    monitor.settle(&mut processor);
    assert_eq!(foreseen_by(&processor), [STATUS, ACKNOWLEDGEMENT, END]);
    store_comes(&mut processor, 1);
    monitor.resume(&mut processor);
    let reasons = |monitor: &Monitor| monitor.disk.as_ref().unwrap().registers.reasons();
    assert_eq!(reasons(&monitor), 0);
    monitor.settle(&mut processor);
    assert_eq!(foreseen_by(&processor), [END]);
    store_comes(&mut processor, 0);
    monitor.resume(&mut processor);
    monitor.settle(&mut processor);
    assert_eq!(foreseen_by(&processor), []);
    assert!(!processor.external);
    // While another one waits for the end, its monitor has to hear of it.
    break_and_unmask(&mut monitor, &mut processor, 0xe00d_2000, source::DISK);
    monitor.settle(&mut processor);
    monitor.instruction(&mut processor, MFSPR_R3_EPR);
    break_and_unmask(&mut monitor, &mut processor, 0xe00d_3000, source::NETWORK);
    monitor.settle(&mut processor);
    assert!(!processor.external, "of the same priority");
    assert_eq!(foreseen_by(&processor), [STATUS, ACKNOWLEDGEMENT]);
    // Nothing of it comes: nothing is made up for.
    monitor.resume(&mut processor);
    assert_ne!(reasons(&monitor), 0);
    // What is not foreseen is done by the monitor, and is over then.
    processor.registers[3] = 2;
    touch(&mut monitor, &mut processor, STWBRX_R3, 0xe00d_2064);
    store(&mut monitor, &mut processor, EOI, 0);
    monitor.settle(&mut processor);
    assert!(processor.external, "the other one's turn");
    let network = 0xe00d_3060 | 1;
    assert_eq!(foreseen_by(&processor)[0], (network, 0x0200_0000));
}
