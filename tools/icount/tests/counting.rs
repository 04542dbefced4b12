//! The counting, on made-up sequences of instructions.

#[path = "../src/counting.rs"]
#[allow(dead_code)] // The plugin uses all of it.
mod counting;

use counting::{Counts, Instruction, Settings};

const NOP: u32 = 0x6000_0000;
const STMW_R13: u32 = 0xbda1_0000;
const WRTEEI_1: u32 = 0x7c00_8146;
const WRTEEI_0: u32 = 0x7c00_0146;
const RFI: u32 = 0x4c00_0064;
const SC: u32 = 0x4400_0002;
const BRANCH_TO_ITSELF: u32 = 0x4800_0000;
const USER: u32 = 0x1000_0000;
const VECTOR: u32 = 0x10_0000;
const BODY: u32 = 0x10_1000;

/// Executes the given (address, word) pairs, user code of the physical addresses `USER` onwards, and returns the lines.
fn lines(code: &[(u32, u32)]) -> String {
    let mut settings = Settings::default();
    settings.set("kernel", "100000-140000").unwrap();
    settings.set("vector", "100000").unwrap();
    settings.set("vector", "0x100010").unwrap();
    settings.set("between", "101000-0x101008").unwrap();
    let mut counts = Counts::new(settings);
    for &(address, word) in code {
        counts.execute(&Instruction::new(counts.settings(), address, address, word));
    }
    let mut out = Vec::new();
    counts.write_lines(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_excursion_counts_what_the_kernel_does() {
    let call = [
        (USER, NOP),
        (VECTOR, STMW_R13),
        (BODY, NOP),
        (BODY + 4, RFI),
        (USER + 4, NOP),
    ];
    let mut code = vec![(BODY, NOP), (BODY + 4, NOP), (BODY + 8, NOP)];
    code.extend(call);
    code.extend(call);
    let lines = lines(&code);
    assert!(
        lines.contains(r#"{"kind":"boot","instructions":3,"register_transfers":3}"#),
        "{lines}"
    );
    assert!(
        lines.contains(
            r#""from":268435456,"from_physical":268435456,"vector":1048576,"to":268435460,"to_physical":268435460,"instructions":3,"register_transfers":21,"samples":2,"steps":[1048576, 1052672, 1052676]"#
        ),
        "{lines}"
    );
    // Boot passed both addresses once: the second is not counted.
    assert!(
        lines.contains(
            r#""first":1052672,"end":1052680,"instructions":2,"register_transfers":2,"kernel":{"instructions":2,"register_transfers":2},"events":[0, 0, 0, 0],"samples":1"#
        ),
        "{lines}"
    );
}

#[test]
fn between_two_places_of_a_user_the_kernels_part_is_counted() {
    let mut settings = Settings::default();
    settings.set("kernel", "100000-110000").unwrap();
    settings.set("vector", "100000").unwrap();
    settings.set("between", "10000000-10000008").unwrap();
    settings.set("only", "between").unwrap();
    settings.set("steps", "between").unwrap();
    settings.set("event", "100000-100004").unwrap();
    settings.set("calls", "10000000-10001000").unwrap();
    let code = [
        (USER, SC),
        (VECTOR, STMW_R13),
        (BODY, RFI),
        (USER + 4, NOP),
        (USER + 8, NOP),
    ];
    let mut counts = Counts::new(settings);
    for (address, word) in code {
        let instruction = Instruction::new(counts.settings(), address, address, word);
        counts.execute(&instruction);
    }
    let mut out = Vec::new();
    counts.write_lines(&mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    assert!(
        lines.contains(
            r#""instructions":4,"register_transfers":22,"kernel":{"instructions":2,"register_transfers":20},"events":[1, 1, 0, 0],"samples":1,"steps":[268435456, 1048576, 1052672, 268435460]"#
        ),
        "{lines}"
    );
    assert!(!lines.contains("excursion"), "{lines}");
}

#[test]
fn a_window_with_interrupts_on_divides_the_run() {
    let code = [
        (USER, NOP),
        (VECTOR, NOP),
        (BODY, NOP),
        (BODY + 4, WRTEEI_1),
        (BODY + 8, NOP),
        (BODY + 12, WRTEEI_0),
        (BODY + 16, NOP),
        (BODY + 20, RFI),
        (USER, NOP),
    ];
    assert!(
        lines(&code)
            .contains(r#""interrupts_off","first":1048576,"last":1052676,"instructions":3"#)
    );
}

#[test]
fn an_interrupt_of_the_kernel_starts_a_run_of_its_own() {
    let code = [
        (USER, NOP),
        (VECTOR, NOP),
        (BODY, WRTEEI_1),
        (BODY + 4, NOP),
        (VECTOR + 16, NOP),
        (VECTOR + 20, NOP),
        (BODY + 64, NOP),
        (BODY + 68, RFI),
        (BODY + 8, NOP),
        (BODY + 12, NOP),
        (BODY + 16, NOP),
        (BODY + 20, WRTEEI_0),
        (BODY + 24, RFI),
        (USER, NOP),
    ];
    assert!(
        lines(&code)
            .contains(r#""interrupts_off","first":1048592,"last":1052740,"instructions":4,"register_transfers":4,"steps":[1048592, 1048596, 1052736, 1052740]"#)
    );
}

/// Code may stand between the vectors, and the kernel come back to it.
#[test]
fn a_return_to_code_between_vectors_is_no_interrupt() {
    let code = [
        (USER, NOP),
        (VECTOR, NOP),
        (VECTOR + 4, NOP),
        (BODY, NOP),
        (VECTOR + 8, NOP),
        (VECTOR + 12, RFI),
        (USER, NOP),
    ];
    assert!(
        lines(&code)
            .contains(r#""interrupts_off","first":1048576,"last":1048588,"instructions":5"#)
    );
}

#[test]
fn settings_that_are_wrong_are_named() {
    let mut settings = Settings::default();
    assert!(
        settings
            .set("kernel", "1000")
            .unwrap_err()
            .contains("LO-HI")
    );
    assert!(settings.set("vector", "nine").is_err());
    assert!(
        settings
            .set("colour", "1-2")
            .unwrap_err()
            .contains("unknown setting colour")
    );
}

#[test]
fn waiting_is_no_work_and_ends_a_run() {
    let text = lines(&[
        (USER, NOP),
        (VECTOR, NOP),
        (BODY + 0x10, NOP),
        (BODY + 0x20, BRANCH_TO_ITSELF),
        (BODY + 0x20, BRANCH_TO_ITSELF),
        (VECTOR, NOP),
        (BODY + 0x30, RFI),
        (USER + 4, NOP),
    ]);
    assert!(
        text.contains(r#""instructions":4,"register_transfers":4,"samples":1"#),
        "{text}"
    );
    assert!(
        text.contains(r#""last":1052688,"instructions":2"#),
        "{text}"
    );
}

/// Partitions share effective addresses.
#[test]
fn between_two_physical_addresses_is_of_one_partition() {
    const ELSEWHERE: u32 = 0x40_0000;
    let mut settings = Settings::default();
    settings.set("between", "400000-400008").unwrap();
    settings.set("only", "between").unwrap();
    settings.set("steps", "between").unwrap();
    settings.set("places", "physical").unwrap();
    let mut counts = Counts::new(settings);
    for (address, physical) in [
        (USER, ELSEWHERE),
        (USER, ELSEWHERE + 0x1000),
        (USER + 8, ELSEWHERE + 0x1008),
        (USER + 8, ELSEWHERE + 8),
    ] {
        let instruction = Instruction::new(counts.settings(), address, physical, NOP);
        counts.execute(&instruction);
    }
    let mut out = Vec::new();
    counts.write_lines(&mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    assert!(
        lines.contains(r#""samples":1,"steps":[268435456, 268435456, 268435464]"#),
        "{lines}"
    );
    assert_eq!(lines.matches("samples").count(), 1, "{lines}");
}
