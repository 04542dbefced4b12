//! The driver's side against a device that behaves, and one that does not.

use proptest::prelude::*;
use virtio_spec::F;

use crate::model::{ARENA_BUS_ADDRESS, Arena, Backend, Faults, ModelDevice, ModelMemory};
use crate::{
    AddError, Buffer, Corrupt, Features, InitError, Layout, Memory, NotReset, Queue, Transport,
};

const REQUIRED: Features = 1 << 32 | 1 << 33;
/// Of no meaning here.
const EXTRA: Features = 1 << 9;
const NOT_WANTED: Features = 1 << 10;
const SIZE: u16 = 8;
const QUEUE_BYTES: u32 = 1024;

/// Answers each request with its bytes plus one.
struct Adder;

impl Backend for Adder {
    fn serve(&mut self, _: u16, readable: &[u8], writable: usize) -> Vec<u8> {
        let answer = readable.iter().map(|byte| byte.wrapping_add(1));
        answer.take(writable).collect()
    }

    fn configuration(&self) -> Vec<u8> {
        vec![1, 2, 3, 4, 5, 6, 7, 8]
    }
}

struct Bench {
    arena: Arena,
    device: ModelDevice<Adder>,
    transport: Transport<ModelDevice<Adder>>,
    queue: Queue<ModelMemory, 8>,
    notify: u32,
}

fn device(arena: &Arena, features: Features) -> ModelDevice<Adder> {
    ModelDevice::new(Adder, arena, features, 2, 256)
}

fn bench() -> Bench {
    let arena = Arena::new(64 * 1024);
    let device = device(&arena, REQUIRED | EXTRA | NOT_WANTED);
    let mut transport = Transport::begin(device.clone(), EXTRA).expect("it behaves");
    let memory = arena.memory(0, QUEUE_BYTES);
    let layout = Layout::new(SIZE, 0).expect("a power of two");
    let queue = Queue::new(memory.clone(), layout).expect("it fits");
    let notify = transport.enable_queue(1, &layout, &memory);
    let notify = notify.expect("there are two queues");
    transport.start();
    Bench {
        arena,
        device,
        transport,
        queue,
        notify,
    }
}

/// Bytes behind the queue, 16 for each number.
fn buffer(number: u16, device_writes: bool) -> Buffer {
    Buffer {
        bus_address: ARENA_BUS_ADDRESS + QUEUE_BYTES + 16 * u32::from(number),
        length: 16,
        device_writes,
    }
}

impl Bench {
    fn ask(&mut self, token: u16) -> Result<(), AddError> {
        let chain = [buffer(2 * token, false), buffer(2 * token + 1, true)];
        self.queue.add(&chain, token)
    }

    fn announce(&mut self) {
        if self.queue.announce() {
            self.transport.notify(1, self.notify);
        }
    }
}

#[test]
fn features_are_those_of_both_sides() {
    let bench = bench();
    assert_eq!(bench.transport.features(), REQUIRED | EXTRA);
    assert_eq!(bench.device.accepted(), REQUIRED | EXTRA);
    assert!(bench.device.is_running());
}

#[test]
fn a_device_that_lacks_what_is_required_is_not_driven() {
    let arena = Arena::new(4096);
    for (lacking, feature) in [(1 << 32, F::VERSION_1), (1 << 33, F::ACCESS_PLATFORM)] {
        assert_eq!(feature.bits().to_ne(), lacking.into());
        let device = device(&arena, REQUIRED & !lacking);
        let error = Transport::begin(device.clone(), 0).expect_err("it lacks something");
        assert_eq!(error, InitError::Lacks(lacking));
        assert!(!device.is_running());
    }
}

#[test]
fn registers_that_lie_are_noticed() {
    let arena = Arena::new(4096);
    let begin = |faults| {
        let device = device(&arena, REQUIRED);
        device.set_faults(faults);
        (device.clone(), Transport::begin(device, 0))
    };
    let never_resets = Faults {
        never_resets: true,
        ..Faults::default()
    };
    assert_eq!(begin(never_resets).1.err(), Some(InitError::NotReset));
    let refuses_features = Faults {
        refuses_features: true,
        ..Faults::default()
    };
    assert_eq!(
        begin(refuses_features).1.err(),
        Some(InitError::FeaturesRefused)
    );
    let denies = Faults {
        features: 1 << 33 | EXTRA,
        ..Faults::default()
    };
    assert_eq!(begin(denies).1.err(), Some(InitError::Lacks(1 << 33)));
    let (device, transport) = begin(Faults::default());
    let mut transport = transport.expect("it behaves");
    assert_eq!(transport.configuration(4), Ok([0x0807_0605]));
    assert_eq!(transport.configuration(0), Ok([0x0403_0201, 0x0807_0605]));
    assert_eq!(
        transport.configuration::<2>(4092),
        Err(InitError::Configuration)
    );
    device.set_faults(Faults {
        restless: true,
        ..Faults::default()
    });
    assert_eq!(
        transport.configuration::<1>(0),
        Err(InitError::Configuration)
    );
    let memory = arena.memory(0, QUEUE_BYTES);
    let layout = Layout::new(SIZE, 0).expect("a power of two");
    let last = 0xffc / 4;
    for (notify_offset, expected) in [
        (last, Ok(0x3ffc)),
        (last + 1, Err(InitError::NotifyOutside(0))),
        (u16::MAX, Err(InitError::NotifyOutside(0))),
    ] {
        transport.reset().expect("it behaves");
        device.set_faults(Faults::default());
        let mut transport = Transport::begin(device.clone(), 0).expect("it behaves");
        device.set_faults(Faults {
            notify_offset: Some(notify_offset),
            ..Faults::default()
        });
        assert_eq!(transport.enable_queue(0, &layout, &memory), expected);
    }
    for (size, expected) in [
        (0, Err(InitError::NoQueue(0))),
        (SIZE - 1, Err(InitError::NoQueue(0))),
        (u16::MAX, Ok(0x3000)),
    ] {
        device.set_faults(Faults::default());
        let mut transport = Transport::begin(device.clone(), 0).expect("it behaves");
        device.set_faults(Faults {
            queue_size: Some(size),
            ..Faults::default()
        });
        assert_eq!(transport.enable_queue(0, &layout, &memory), expected);
    }
    device.set_faults(never_resets);
    assert_eq!(transport.reset(), Err(NotReset));
}

#[test]
fn registers_may_lie_in_the_middle_of_a_start() {
    let arena = Arena::new(4096);
    let never_resets = Faults {
        never_resets: true,
        ..Faults::default()
    };
    let begin = |accesses| {
        let device = device(&arena, REQUIRED);
        device.set_faults_later(accesses, never_resets);
        let begun = Transport::begin(device.clone(), 0).err();
        (begun, device.has_ignored_reset())
    };
    assert_eq!(begin(0), (Some(InitError::NotReset), true));
    assert_eq!(begin(1), (None, false));
}

#[test]
fn a_device_without_the_bus_has_nothing_whether_it_was_reset_or_not() {
    let mut bench = bench();
    bench.ask(0).expect("there is room");
    bench.announce();
    assert_eq!(bench.device.take(), 1);
    bench.device.set_faults(Faults {
        never_resets: true,
        ..Faults::default()
    });
    assert_eq!(bench.transport.reset(), Err(NotReset));
    assert!(bench.device.is_running() && bench.device.has_ignored_reset());
    bench.device.leave_bus();
    assert!(!bench.device.is_running() && !bench.device.has_ignored_reset());
    assert!(!bench.device.finish(0));
    assert_eq!(bench.transport.reset(), Err(NotReset), "it still says so");
}

#[test]
fn a_queue_that_is_not_there_is_not_enabled() {
    let mut bench = bench();
    let memory = bench.arena.memory(0, 32 * 1024);
    let layout = Layout::new(SIZE, 0).expect("a power of two");
    assert_eq!(
        bench.transport.enable_queue(2, &layout, &memory),
        Err(InitError::NoQueue(2))
    );
    let layout = Layout::new(512, 0).expect("a power of two");
    assert_eq!(
        bench.transport.enable_queue(0, &layout, &memory),
        Err(InitError::NoQueue(0))
    );
}

#[test]
fn a_queue_needs_its_room() {
    let arena = Arena::new(4096);
    let layout = Layout::new(SIZE, 4).expect("a power of two");
    assert_eq!(layout.descriptors(), 16);
    assert_eq!(layout.driver(), 16 + 8 * 16);
    assert_eq!(layout.device(), 168);
    assert_eq!(layout.end(), 168 + 6 + 8 * 8);
    let short = arena.memory(0, layout.end() - 1);
    assert!(Queue::<_, 8>::new(short, layout).is_none());
    let enough = arena.memory(0, layout.end());
    assert!(Queue::<_, 4>::new(enough.clone(), layout).is_none());
    assert!(Queue::<_, 8>::new(enough, layout).is_some());
    for size in [0, 3, 65535] {
        assert_eq!(Layout::new(size, 0), None);
    }
    assert_eq!(Layout::new(SIZE, u32::MAX), None);
}

#[test]
fn requests_go_there_and_come_back_in_any_order() {
    let mut bench = bench();
    for token in 0..4 {
        let asked = [token as u8 + 10; 16];
        bench
            .arena
            .write(buffer(2 * token, false).bus_address.into(), &asked);
        bench.ask(token).expect("there is room");
    }
    assert_eq!(bench.ask(4), Err(AddError::Full));
    assert_eq!(bench.device.take(), 0);
    bench.announce();
    assert_eq!(bench.device.notifications(), 1);
    assert!(!bench.queue.announce(), "there is nothing new");
    assert_eq!(bench.device.take(), 4);
    assert_eq!(bench.queue.take_used(), Ok(None));
    for (number, token) in [(2, 2), (0, 0), (1, 3), (0, 1)] {
        assert!(bench.device.finish(number));
        let used = bench.queue.take_used().expect("it behaves");
        let used = used.expect("one came back");
        assert_eq!((used.token, used.written), (token, 16));
        let answer = buffer(2 * token + 1, true).bus_address;
        assert_eq!(bench.arena.read(answer.into(), 16), [token as u8 + 11; 16]);
    }
    assert_eq!((bench.queue.in_flight(), bench.queue.free()), (0, SIZE));
    let interrupts = bench.transport.interrupts();
    assert!(interrupts.queue && !interrupts.configuration);
    assert!(!bench.transport.interrupts().queue, "reading ended it");
}

#[test]
fn chains_that_cannot_be_are_refused() {
    let mut bench = bench();
    let empty = Buffer {
        length: 0,
        ..buffer(0, false)
    };
    let huge = Buffer {
        length: u32::MAX,
        ..buffer(0, false)
    };
    let wrong: [&[Buffer]; 4] = [
        &[],
        &[empty],
        &[buffer(0, true), buffer(1, false)],
        &[huge, buffer(1, true)],
    ];
    for chain in wrong {
        assert_eq!(bench.queue.add(chain, 0), Err(AddError::Chain));
    }
    assert_eq!(bench.queue.free(), SIZE);
    let nine = [buffer(0, false); 9];
    assert_eq!(bench.queue.add(&nine, 0), Err(AddError::Full));
}

#[test]
fn a_device_that_wants_no_notification_gets_none() {
    let mut bench = bench();
    let [_, _, used] = bench.device.queue_addresses(1);
    bench.arena.write(used, &[1, 0]);
    bench.ask(0).expect("there is room");
    assert!(!bench.queue.announce());
    bench.arena.write(used, &[0, 0]);
    bench.ask(1).expect("there is room");
    assert!(bench.queue.announce());
}

#[test]
fn a_used_ring_that_cannot_be_is_corrupt() {
    let lies: [(u64, &[u8], Corrupt); 5] = [
        (2, &[2, 0], Corrupt::Index),
        (2, &[255, 255], Corrupt::Index),
        (4, &[8, 0, 0, 0], Corrupt::Chain),
        (4, &[0, 0, 1, 0], Corrupt::Chain),
        (8, &[17, 0, 0, 0], Corrupt::Length),
    ];
    for (offset, bytes, expected) in lies {
        let mut bench = bench();
        bench.ask(0).expect("there is room");
        bench.announce();
        bench.device.work();
        let [_, _, used] = bench.device.queue_addresses(1);
        bench.arena.write(used + offset, bytes);
        assert_eq!(bench.queue.take_used(), Err(expected));
        assert_eq!(bench.queue.take_used(), Err(expected), "it stays so");
    }
    // A chain that came back already.
    let mut bench = bench();
    bench.ask(0).expect("there is room");
    bench.ask(1).expect("there is room");
    bench.announce();
    bench.device.work();
    let [_, _, used] = bench.device.queue_addresses(1);
    assert!(bench.queue.take_used().is_ok());
    bench.arena.write(used + 4 + 8, &[0; 4]);
    assert_eq!(bench.queue.take_used(), Err(Corrupt::Chain));
}

#[derive(Clone, Debug)]
enum Step {
    Ask,
    Announce,
    Finish(usize),
    TakeUsed,
    /// The device writes somewhere into the queue's memory.
    Scribble(u32, u16),
}

fn step(hostile: bool) -> impl Strategy<Value = Step> {
    let scribble = (0..QUEUE_BYTES / 2, prop_oneof![0u16..10, any::<u16>()]);
    prop_oneof![
        4 => Just(Step::Ask),
        3 => Just(Step::Announce),
        3 => (0usize..4).prop_map(Step::Finish),
        4 => Just(Step::TakeUsed),
        if hostile { 6 } else { 0 } => scribble.prop_map(|(at, word)| Step::Scribble(2 * at, word)),
    ]
}

proptest! {
    /// However requests and answers mix, each token comes back once, and from a device that behaves.
    #[test]
    fn each_request_comes_back_once(steps in prop::collection::vec(step(false), 0..300)) {
        let mut bench = bench();
        let mut asked = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Ask => {
                    let token = (0..SIZE).find(|token| !asked.contains(token));
                    let added = bench.ask(token.expect("more tokens than room"));
                    prop_assert_eq!(added.is_ok(), asked.len() < 4);
                    if added.is_ok() {
                        asked.extend(token);
                    }
                }
                Step::Announce => bench.announce(),
                Step::Finish(number) => {
                    bench.device.take();
                    bench.device.finish(number);
                }
                Step::TakeUsed => {
                    if let Some(used) = bench.queue.take_used().expect("it behaves") {
                        prop_assert!(asked.remove(&used.token));
                    }
                }
                Step::Scribble(..) => unreachable!("it behaves"),
            }
            prop_assert_eq!(usize::from(bench.queue.in_flight()), asked.len());
            prop_assert_eq!(usize::from(bench.queue.free()), 8 - 2 * asked.len());
        }
    }

    /// Whatever the device writes, a token comes back at most once for each time that it was added, with no more bytes than there was
    /// room for, and nothing panics.
    #[test]
    fn a_hostile_device_gets_nowhere(steps in prop::collection::vec(step(true), 0..300)) {
        let mut bench = bench();
        let memory = bench.arena.memory(0, QUEUE_BYTES);
        let mut asked = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Ask => {
                    let token = (0..SIZE).find(|token| !asked.contains(token));
                    let added = bench.ask(token.expect("more tokens than room"));
                    prop_assert_eq!(added.is_ok(), asked.len() < 4);
                    if added.is_ok() {
                        asked.extend(token);
                    }
                }
                Step::Announce => drop(bench.queue.announce()),
                // It does not even look at the queue.
                Step::Finish(_) => {}
                Step::TakeUsed => {
                    if let Ok(Some(used)) = bench.queue.take_used() {
                        prop_assert!(asked.remove(&used.token));
                        prop_assert!(used.written <= 16);
                    }
                }
                Step::Scribble(at, word) => memory.write_u16(at, word),
            }
            prop_assert_eq!(usize::from(bench.queue.in_flight()), asked.len());
            prop_assert_eq!(usize::from(bench.queue.free()), 8 - 2 * asked.len());
        }
    }
}
