//! Real machines, with guests of a few instructions.

mod guest;

use std::time::Duration;

use cofferdam_qemu::{Boot, Content, Drive, End, Serial};
use guest::{MAP_DEVICES, SWITCH_OFF, machine};

const LIMIT: Option<Duration> = Some(Duration::from_secs(20));

/// Counts in the word at 0x200000, and copies the next word to the one after it, for ever.
#[rustfmt::skip]
const COUNTER: [u32; 7] = [
    0x3c60_0020, 0x3880_0000, // lis r3, 0x20; li r4, 0
    0x3884_0001, 0x9083_0000, // addi r4, r4, 1; stw r4, 0(r3)
    0x80a3_0004, 0x90a3_0008, // lwz r5, 4(r3); stw r5, 8(r3)
    0x4bff_fff0, // b to the addi
];

#[test]
fn memory_is_shared_both_ways() {
    let (machine, _folder) = machine(&COUNTER, Serial::Captured);
    let prepared = machine.prepare().unwrap();
    prepared
        .memory()
        .unwrap()
        .write(0x20_0004, b"keep")
        .unwrap();
    let mut running = prepared.start().unwrap();
    // However long a wait may be, there is an end to it.
    let end = running.wait(Some(Duration::MAX), |running| {
        running
            .memory()
            .read_word(0x20_0000)
            .ok()
            .filter(|&count| count > 1000)
    });
    assert!(matches!(end, Ok(End::Seen(_))), "{end:?}");
    let memory = running.end().unwrap().0;
    let mut copied = [0; 8];
    memory.read(0x20_0004, &mut copied).unwrap();
    assert_eq!(&copied, b"keepkeep");
}

#[test]
fn a_guest_that_never_ends_is_ended() {
    let (mut machine, _folder) = machine(&COUNTER, Serial::Captured);
    // The case in which QEMU may not listen to a polite request.
    machine.icount_shift = Some(3);
    let mut running = machine.prepare().unwrap().start().unwrap();
    let end = running.wait(Some(Duration::from_millis(300)), |_| None::<()>);
    assert_eq!(end.unwrap(), End::TimedOut);
    let threads = running.threads();
    assert!(!threads.is_empty());
    for thread in threads {
        let (state, ticks) = thread.split_once(' ').unwrap();
        assert!(
            "RSD".contains(state) && ticks.parse::<u64>().is_ok(),
            "{thread}"
        );
    }
    let memory = running.end().unwrap().0;
    let count = memory.read_word(0x20_0000).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        memory.read_word(0x20_0000).unwrap(),
        count,
        "nobody counts any more"
    );
}

#[test]
fn a_guest_writes_and_switches_itself_off() {
    let mut code = MAP_DEVICES.to_vec();
    code.extend([0x38c0_0041, 0x3ce0_e000, 0x98c7_4500]); // li r6, 'A'; lis r7, 0xe000; stb r6, 0x4500(r7)
    code.extend(SWITCH_OFF);
    let (machine, _folder) = machine(&code, Serial::Captured);
    let mut running = machine.prepare().unwrap().start().unwrap();
    assert_eq!(running.wait(LIMIT, |_| None::<()>).unwrap(), End::Off);
    assert_eq!(running.serial(), b"A");
}

#[test]
fn runs_under_icount_are_identical() {
    let mut code = MAP_DEVICES.to_vec();
    code.extend([0x3ce0_0020, 0x7d0c_42a6, 0x9107_0000]); // lis r7, 0x20; mftb r8; stw r8, 0(r7)
    code.extend(SWITCH_OFF);
    let run = || {
        let (mut machine, _folder) = machine(&code, Serial::Captured);
        machine.icount_shift = Some(3);
        let mut running = machine.prepare().unwrap().start().unwrap();
        assert_eq!(running.wait(LIMIT, |_| None::<()>).unwrap(), End::Off);
        let memory = running.end().unwrap().0;
        let mut bytes = vec![0; 64 << 20];
        memory.read(0, &mut bytes).unwrap();
        bytes
    };
    let first = run();
    assert_ne!(
        first[0x20_0000..0x20_0004],
        [0; 4],
        "the time base was read"
    );
    assert!(
        first == run(),
        "all of memory is the same after a second run"
    );
}

#[test]
fn what_qemu_complains_about_is_reported() {
    let (mut machine, _folder) = machine(&COUNTER, Serial::Captured);
    machine.boot = Boot::Image(b"no image at all".to_vec());
    let mut running = machine.prepare().unwrap().start().unwrap();
    match running.wait(LIMIT, |_| None::<()>).unwrap() {
        End::Failed(why) => assert!(why.contains("could not load"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_machine_is_asked_while_it_runs() {
    let (mut asked, _folder) = machine(&COUNTER, Serial::Captured);
    asked.monitored = true;
    asked.drives = vec![Drive {
        name: "disk".to_owned(),
        content: Content::Zeros {
            bytes: 1 << 20,
            after: Duration::ZERO,
        },
    }];
    let mut running = asked.prepare().unwrap().start().unwrap();
    assert!(running.ask("info block disk").unwrap().contains("null-co"));
    assert_eq!(running.ask("drive_del disk").unwrap(), "");
    assert!(running.ask("drive_del disk").unwrap().contains("disk"));
    let (silent, _folder) = machine(&COUNTER, Serial::Captured);
    let mut running = silent.prepare().unwrap().start().unwrap();
    assert!(running.ask("info block").is_err());
}

/// A register of a device before the first instruction, and behind many: the interrupt controller's of a source that nobody uses.
#[test]
fn registers_are_read_and_written_from_outside() {
    const REGISTER: u64 = 0xf_e005_0600;
    const COUNTED: u64 = 0x20_0000;
    let (mut probed, _folder) = machine(&COUNTER, Serial::Captured);
    probed.probed = Some(vec![(REGISTER, 0x8008_0007), (COUNTED + 4, 7)]);
    let mut running = probed.prepare().unwrap().start().unwrap();
    let copied = |running: &cofferdam_qemu::Running| {
        let word = running.memory().read_word(COUNTED + 8).ok();
        word.filter(|word| *word == 7)
    };
    let end = running.wait(LIMIT, copied).unwrap();
    assert_eq!(end, End::Seen(7));
    assert_eq!(running.read_physical(REGISTER).unwrap(), 0x8008_0007);
    // The next source's is as a reset leaves it: masked, active high.
    assert_eq!(running.read_physical(REGISTER + 0x20).unwrap(), 0x8080_0000);
    let (silent, _folder) = machine(&COUNTER, Serial::Captured);
    let mut running = silent.prepare().unwrap().start().unwrap();
    assert!(running.read_physical(REGISTER).is_err());
}
