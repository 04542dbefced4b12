use super::*;

const CTPR: u32 = 0x2_0080;
const IACK: u32 = 0x2_00a0;
const EOI: u32 = 0x2_00b0;
const SPURIOUS_VECTOR: u32 = 2047;

fn vpr(source: u8) -> u32 {
    0x1_0000 + 0x20 * u32::from(source)
}

/// As Linux leaves it: every source masked, its vector its number, its priority 8.
fn mpic() -> Mpic {
    let mut mpic = Mpic::new();
    mpic.write(0x1020, GCR_RESET).unwrap();
    assert_eq!(mpic.read(0x1020), Some(0), "the reset is over");
    for source in 0..=255 {
        let register = VPR_MASKED | 8 << 16 | u32::from(source);
        mpic.write(vpr(source), register).unwrap();
        mpic.write(vpr(source) + 0x10, 1).unwrap();
    }
    mpic.write(0x10e0, SPURIOUS_VECTOR).unwrap();
    mpic.write(CTPR, 0).unwrap();
    mpic
}

fn unmask(mpic: &mut Mpic, source: u8, priority: u32, level: bool) {
    let sense = if level { VPR_LEVEL } else { 0 };
    mpic.write(vpr(source), sense | priority << 16 | u32::from(source))
        .unwrap();
}

#[test]
fn it_says_what_it_is() {
    let mut mpic = Mpic::new();
    assert_eq!(mpic.read(0), Some(0x0040_0402));
    assert_eq!(mpic.read(0x1000), Some(0x00ff_0002));
    assert_eq!(mpic.read(0x2_0090), Some(0));
}

#[test]
fn after_a_reset_nothing_interrupts() {
    let mut mpic = Mpic::new();
    for source in 0..=255 {
        mpic.set_input(source, true);
    }
    assert!(mpic.asks().is_none());
    assert_eq!(mpic.read(CTPR), Some(0xf));
    assert_eq!(
        mpic.read(vpr(255)).map(|register| register & VPR_MASKED),
        Some(VPR_MASKED)
    );
}

#[test]
fn a_masked_source_does_not_interrupt_until_it_is_unmasked() {
    let mut mpic = mpic();
    mpic.set_input(42, true);
    assert!(mpic.asks().is_none());
    assert_eq!(mpic.acknowledge(), SPURIOUS_VECTOR);
    unmask(&mut mpic, 42, 8, true);
    assert!(mpic.asks().is_some());
    assert_eq!(mpic.acknowledge(), 42);
}

#[test]
fn the_highest_priority_comes_first_and_of_equals_the_first() {
    let mut mpic = mpic();
    for (source, priority) in [(7, 3), (200, 9), (31, 9), (32, 2)] {
        unmask(&mut mpic, source, priority, false);
        mpic.set_input(source, true);
    }
    let mut order = [0; 4];
    for vector in &mut order {
        *vector = mpic.read(IACK).unwrap();
        mpic.write(EOI, 0).unwrap();
    }
    assert_eq!(order, [31, 200, 7, 32]);
    assert!(mpic.asks().is_none());
}

#[test]
fn the_task_priority_holds_back_what_is_not_above_it() {
    let mut mpic = mpic();
    unmask(&mut mpic, 5, 8, true);
    mpic.set_input(5, true);
    mpic.write(CTPR, 8).unwrap();
    assert!(mpic.asks().is_none());
    mpic.write(0x80, 7).unwrap();
    assert_eq!(mpic.read(CTPR), Some(7), "the same register at both places");
    assert!(mpic.asks().is_some());
}

#[test]
fn priority_0_never_interrupts() {
    let mut mpic = mpic();
    unmask(&mut mpic, 5, 0, true);
    mpic.set_input(5, true);
    assert!(mpic.asks().is_none());
}

#[test]
fn a_higher_priority_nests_and_services_end_innermost_first() {
    let mut mpic = mpic();
    unmask(&mut mpic, 1, 4, false);
    unmask(&mut mpic, 2, 4, false);
    unmask(&mut mpic, 3, 12, false);
    mpic.set_input(1, true);
    assert_eq!(mpic.acknowledge(), 1);
    mpic.set_input(2, true);
    assert!(
        mpic.asks().is_none(),
        "one of the same priority is in service"
    );
    mpic.set_input(3, true);
    assert!(mpic.asks().is_some());
    assert_eq!(mpic.acknowledge(), 3);
    mpic.end();
    assert!(mpic.asks().is_none(), "the first is still in service");
    mpic.end();
    assert_eq!(mpic.acknowledge(), 2);
}

#[test]
fn a_level_that_stays_asks_again_after_the_end() {
    let mut mpic = mpic();
    unmask(&mut mpic, 42, 8, true);
    mpic.set_input(42, true);
    assert_eq!(mpic.acknowledge(), 42);
    assert!(mpic.asks().is_none());
    mpic.end();
    assert!(mpic.asks().is_some());
    mpic.set_input(42, false);
    assert!(mpic.asks().is_none());
    assert_eq!(mpic.acknowledge(), SPURIOUS_VECTOR);
}

#[test]
fn an_edge_is_remembered_once() {
    let mut mpic = mpic();
    unmask(&mut mpic, 42, 8, false);
    mpic.set_input(42, true);
    mpic.set_input(42, true);
    mpic.set_input(42, false);
    assert!(mpic.asks().is_some());
    assert_eq!(mpic.acknowledge(), 42);
    mpic.end();
    assert!(mpic.asks().is_none());
}

#[test]
fn a_source_shows_that_it_is_active_and_nobody_can_write_that() {
    let mut mpic = mpic();
    mpic.write(vpr(9), u32::MAX).unwrap();
    assert_eq!(mpic.read(vpr(9)), Some(VPR_KEPT));
    unmask(&mut mpic, 9, 8, true);
    mpic.set_input(9, true);
    let active = |mpic: &mut Mpic| mpic.read(vpr(9)).unwrap() & VPR_ACTIVE != 0;
    assert!(active(&mut mpic));
    mpic.acknowledge();
    mpic.set_input(9, false);
    assert!(active(&mut mpic));
    mpic.end();
    assert!(!active(&mut mpic));
}

#[test]
fn a_source_without_a_destination_does_not_interrupt() {
    let mut mpic = mpic();
    unmask(&mut mpic, 9, 8, true);
    mpic.set_input(9, true);
    mpic.write(vpr(9) + 0x10, 0).unwrap();
    assert!(mpic.asks().is_none());
    assert_eq!(mpic.read(vpr(9) + 0x10), Some(0));
}

#[test]
fn what_linux_writes_and_reads_back_is_kept() {
    let mut mpic = mpic();
    // mpic_test_broken_ipi, the timers of both groups, external proxy.
    for (offset, value) in [
        (0x10a0, VPR_MASKED),
        (0x10d0, 0x800a_07fe),
        (0x1120, 0x8009_07f3),
        (0x11f0, 1),
        (0x21e0, 0x8009_07fa),
        (0x1020, 0x6000_0000),
        (0x3910, u32::MAX),
    ] {
        mpic.write(offset, value).unwrap();
        assert_eq!(mpic.read(offset), Some(value), "{offset:#x}");
    }
}

#[test]
fn a_reset_forgets_all_but_the_inputs() {
    let mut mpic = mpic();
    unmask(&mut mpic, 9, 8, true);
    mpic.set_input(9, true);
    mpic.acknowledge();
    mpic.write(0x1020, GCR_RESET | 0x6000_0000).unwrap();
    assert_eq!(mpic.read(0x1020), Some(0));
    assert!(mpic.asks().is_none());
    mpic.write(CTPR, 0).unwrap();
    unmask(&mut mpic, 9, 8, true);
    assert_eq!(mpic.acknowledge(), 9);
}

#[test]
fn there_are_no_other_registers() {
    let mut mpic = Mpic::new();
    for offset in [4, 0xb4, 0x1_0004, 0x1_2000, 0x2_1080, 0x3_fff0, u32::MAX] {
        assert_eq!(mpic.read(offset), None, "{offset:#x}");
        assert_eq!(mpic.write(offset, 0), None, "{offset:#x}");
    }
}
