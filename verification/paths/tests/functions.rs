//! The analysis on small functions made by hand, whose longest paths can be counted on fingers.

mod assembler;

use assembler::{Labels, Text};
use cofferdam_paths::analysis::{Analysis, Cause, Entry, Reason};
use cofferdam_paths::facts::{Facts, Known};
use cofferdam_paths::system::System;
use cofferdam_tables::{Interrupt, Record};

/// A condition that no constant decides: `beq` on whatever CR holds.
const EITHER: u32 = assembler::BEQ;

/// A system with three device interrupts, and nothing else.
fn system() -> System {
    let interrupt = Record::Interrupt(Interrupt {
        source: 0,
        level: true,
        high: true,
        owner: 0,
        line: 0,
        storm_max: 0,
        storm_ticks: 0,
    });
    System::of_records(&[interrupt.clone(), interrupt.clone(), interrupt])
}

/// The longest path from the label `entry`, or else why there is none.
fn longest(text: Text, facts: &str) -> Result<Option<u64>, String> {
    by(text, facts, &[])
}

/// The same, of the last of these causes: labels of vectors by which the kernel goes on behind a wait; "" if by none.
fn by(text: Text, facts: &str, woken: &[&str]) -> Result<Option<u64>, String> {
    let (program, labels) = text.program();
    let facts = Facts::parse(facts).map_err(|error| format!("{error:#}"))?;
    let system = system();
    let mut entries = vec![Entry {
        name: "entry".to_owned(),
        cause: Cause::Vector(program.symbol("entry").unwrap(), None),
    }];
    entries.extend(woken.iter().map(|label| Entry {
        name: "woken".to_owned(),
        cause: Cause::Woken(match program.symbol(label) {
            Ok(vector) => Reason::Interrupt(vector),
            Err(_) => Reason::Nothing,
        }),
    }));
    let labels = Labels(labels);
    let mut analysis = Analysis::new(&program, &labels, Known::new(&facts, &system))
        .map_err(|error| format!("{error:#}"))?;
    let mut last = None;
    for entry in &entries {
        let route = analysis.longest(entry, &entries);
        last = route.map_err(|error| format!("{error:#}"))?;
    }
    analysis
        .known()
        .settle()
        .map_err(|error| format!("{error:#}"))?;
    Ok(last.map(|route| route.cost))
}

fn turns(function: &str, turns: &str) -> String {
    format!("[[loop]]\nfunction = \"{function}\"\nturns = \"{turns}\"\nwhy = \"A test.\"\n")
}

#[test]
fn a_run_of_instructions_costs_what_it_is_long() {
    let mut text = Text::new();
    text.label("entry").nops(5).rfi();
    assert_eq!(longest(text, ""), Ok(Some(6)));
}

#[test]
fn of_two_branches_the_longer_counts() {
    let mut text = Text::new();
    text.label("entry")
        .branch(EITHER, "short")
        .nops(7)
        .jump("end");
    text.label("short").nops(2);
    text.label("end").rfi();
    // bc, 7 nops, b, rfi.
    assert_eq!(longest(text, ""), Ok(Some(10)));
}

#[test]
fn a_branch_that_a_constant_decides_is_no_choice() {
    let mut text = Text::new();
    text.label("entry")
        .load(4, 10)
        .compare(4, 10)
        .branch(assembler::BEQ, "ten");
    text.nops(100);
    text.label("ten").rfi();
    assert_eq!(longest(text, ""), Ok(Some(4)));
}

#[test]
fn a_constant_is_forgotten_where_the_register_may_be_written() {
    for write in [assembler::lwz(4, 1), assembler::lmw(3), assembler::mfspr(4)] {
        let mut text = Text::new();
        text.label("entry").load(4, 10).word(write);
        text.compare(4, 10).branch(assembler::BEQ, "ten").nops(100);
        text.label("ten").rfi();
        assert_eq!(longest(text, ""), Ok(Some(105)), "{write:#x}");
    }
}

#[test]
fn a_loop_that_tests_first_turns_and_then_tests_once_more() {
    let mut text = Text::new();
    text.label("entry")
        .branch(EITHER, "end")
        .nops(3)
        .jump("entry");
    text.label("end").rfi();
    // Four times bc, 3 nops and b; bc, rfi.
    assert_eq!(longest(text, &turns("entry", "4")), Ok(Some(4 * 5 + 2)));
}

#[test]
fn a_loop_that_tests_last_turns_as_often_as_it_says() {
    let mut text = Text::new();
    text.label("entry").nops(1);
    text.label("again").nops(3).branch(EITHER, "again").rfi();
    assert_eq!(longest(text, &turns("again", "4")), Ok(Some(1 + 4 * 4 + 1)));
}

#[test]
fn a_loop_in_a_loop_turns_for_each_turn_of_it() {
    let mut text = Text::new();
    text.label("entry").nops(1);
    text.label("inner").nops(1).branch(EITHER, "inner");
    text.label("outer").branch(EITHER, "entry").rfi();
    let mut facts = turns("inner", "interrupts * 2");
    facts += &turns("entry", "5");
    // Five times: nop, six times nop and bc, bc; rfi.
    assert_eq!(longest(text, &facts), Ok(Some(5 * (1 + 6 * 2 + 1) + 1)));
}

#[test]
fn a_way_out_of_a_loop_may_be_longer_than_its_turns() {
    let mut text = Text::new();
    text.label("entry")
        .branch(EITHER, "found")
        .branch(EITHER, "entry")
        .rfi();
    text.label("found").nops(50).rfi();
    // Three turns and then the way out, or three turns of which the last one is the end.
    assert_eq!(
        longest(text, &turns("entry", "3")),
        Ok(Some(3 * 2 + 1 + 51))
    );
}

#[test]
fn a_call_costs_what_the_function_does() {
    let mut text = Text::new();
    text.label("entry").call("function").call("function").rfi();
    text.function("function").nops(3).ret();
    assert_eq!(longest(text, ""), Ok(Some(3 + 2 * 4)));
}

#[test]
fn a_call_in_a_loop_costs_it_each_time() {
    let mut text = Text::new();
    text.label("entry")
        .call("function")
        .branch(EITHER, "entry")
        .rfi();
    text.function("function").nops(3).ret();
    assert_eq!(longest(text, &turns("entry", "3")), Ok(Some(3 * 6 + 1)));
}

#[test]
fn a_function_is_told_apart_by_its_arguments() {
    let mut text = Text::new();
    text.label("entry")
        .load(3, 1)
        .call("function")
        .load(3, 2)
        .call("function")
        .rfi();
    text.function("function")
        .compare(3, 1)
        .branch(assembler::BEQ, "short")
        .nops(10);
    text.label("short").ret();
    // li, bl, 3, li, bl, 13, rfi.
    assert_eq!(longest(text, ""), Ok(Some(2 + 3 + 2 + 13 + 1)));
}

#[test]
fn what_a_function_returns_may_decide() {
    let mut text = Text::new();
    text.label("entry")
        .call("function")
        .compare(3, 7)
        .branch(assembler::BEQ, "seven")
        .nops(10);
    text.label("seven").rfi();
    text.function("function").load(3, 7).ret();
    assert_eq!(longest(text, ""), Ok(Some(4 + 2)));
}

#[test]
fn a_call_in_the_last_place_returns_for_its_caller() {
    let mut text = Text::new();
    text.label("entry").call("first").rfi();
    text.function("first").nops(2).jump("second");
    text.function("second").nops(5).ret();
    assert_eq!(longest(text, ""), Ok(Some(2 + 3 + 6)));
}

#[test]
fn a_path_may_end_in_a_function() {
    let mut text = Text::new();
    text.label("entry")
        .branch(EITHER, "other")
        .call("leaves")
        .nops(100);
    text.label("other").rfi();
    text.function("leaves").nops(5).rfi();
    // The 100 nops are never come to.
    assert_eq!(longest(text, ""), Ok(Some(2 + 6)));
}

#[test]
fn what_comes_to_no_end_is_no_path() {
    let mut text = Text::new();
    text.label("entry").branch(EITHER, "dies").rfi();
    text.label("dies").nops(100).call("kernel_died");
    text.function("kernel_died").nops(100).rfi();
    let facts = "[[end]]\nfunction = \"kernel_died\"\nwhy = \"A test.\"\n";
    assert_eq!(longest(text, facts), Ok(Some(2)));
}

#[test]
fn a_trap_is_nowhere() {
    let mut text = Text::new();
    text.label("entry").branch(EITHER, "trap").rfi();
    text.label("trap").nops(100).word(assembler::TRAP);
    assert_eq!(longest(text, ""), Ok(Some(2)));
}

#[test]
fn a_function_that_an_entry_never_comes_to_does_not_count() {
    let mut text = Text::new();
    text.label("entry").branch(EITHER, "end").call("rare");
    text.label("end").rfi();
    text.function("rare").nops(100).ret();
    let facts = "[[never]]\nentries = [\"en*\"]\nfunction = \"rare\"\nwhy = \"A test.\"\n";
    assert_eq!(longest(text, facts), Ok(Some(2)));
}

/// `wait` enables interrupts and waits; an interrupt comes by `vector`, and returns from it.
fn with_a_wait() -> Text {
    let mut text = Text::new();
    text.label("entry").nops(3).call("waits").nops(20).rfi();
    text.function("waits").nops(2).call("wait").nops(9).ret();
    text.function("wait").nops(1).enable().nops(1).forever();
    text.label("vector").nops(4).ret();
    text
}

const WAIT: &str = "[[wait]]\nfunction = \"wait\"\nreturns_by = [\"vector\"]\nwhy = \"A test.\"\n";

#[test]
fn a_path_ends_where_interrupts_are_enabled_and_another_begins_with_the_interrupt() {
    // 3 nops, bl, 2 nops, bl, nop, mtmsr.
    assert_eq!(
        longest(with_a_wait(), &WAIT.replace("[\"vector\"]", "[]")),
        Ok(Some(9))
    );
    // 4 nops and blr of the vector, 9 nops and blr, 20 nops and rfi.
    assert_eq!(by(with_a_wait(), WAIT, &["vector"]), Ok(Some(5 + 10 + 21)));
}

#[test]
fn behind_a_wait_in_a_loop_the_loop_goes_on() {
    let mut text = Text::new();
    text.label("entry").nops(1);
    text.label("again")
        .branch(EITHER, "out")
        .branch(EITHER, "next")
        .call("wait")
        .nops(6);
    text.label("next").nops(2).branch(EITHER, "again");
    text.label("out").rfi();
    text.function("wait").enable().nops(1).forever();
    text.label("vector").ret();
    let facts = WAIT.to_owned() + &turns("again", "3");
    // blr of the vector; 6 nops, 2 nops, bc; three turns of bc, bc, 2 nops, bc; and to the next wait: bc, bc, bl, mtmsr.
    assert_eq!(by(text, &facts, &["vector"]), Ok(Some(1 + 9 + 3 * 5 + 4)));
}

#[test]
fn where_an_interrupt_is_let_in_it_may_not_be_there() {
    let mut text = Text::new();
    text.label("entry").nops(3).call("wait").nops(20).rfi();
    text.function("wait")
        .enable()
        .nops(1)
        .disable()
        .nops(2)
        .ret();
    let facts = WAIT.replace("[\"vector\"]", "[]");
    // wrteei 0, 2 nops, blr, 20 nops, rfi.
    assert_eq!(by(text, &facts, &["nothing"]), Ok(Some(4 + 21)));
}

#[test]
fn a_jump_by_a_register_leads_where_a_fact_says() {
    let mut text = Text::new();
    text.label("entry").word(assembler::BCTR).nops(9);
    text.label("to").rfi();
    let facts = "[[jump]]\nfunction = \"entry\"\nto = \"to\"\nbefore = 2\nwhy = \"A test.\"\n";
    assert_eq!(longest(text, facts), Ok(Some(1 + 2 + 1)));
}

fn refused(text: Text, facts: &str, because: &str) {
    match longest(text, facts) {
        Err(error) => assert!(error.contains(because), "{error}"),
        Ok(cost) => panic!("{cost:?}, not refused because of: {because}"),
    }
}

#[test]
fn a_loop_without_a_fact_is_refused() {
    let text = || {
        let mut text = Text::new();
        text.label("entry").branch(EITHER, "entry").rfi();
        text
    };
    refused(text(), "", "0 facts speak of the loop in entry");
    let twice = turns("entry", "1") + &turns("entry", "2");
    refused(text(), &twice, "2 facts speak of the loop in entry");
    refused(
        text(),
        &turns("entry", "argument_0"),
        "argument_0 is not known",
    );
    refused(
        text(),
        &turns("entry", "widgets"),
        "there is no number widgets",
    );
    let required = turns("entry", "1") + "requires = \"4 <= interrupts\"\n";
    refused(text(), &required, "does not hold: 4, 3");
}

#[test]
fn a_fact_without_a_loop_is_refused() {
    let mut text = Text::new();
    text.label("entry").rfi();
    refused(
        text,
        &turns("entry", "1"),
        "nothing in the kernel is what [[loop]] of entry",
    );
}

#[test]
fn a_fact_without_a_reason_is_refused() {
    let mut text = Text::new();
    text.label("entry").branch(EITHER, "entry").rfi();
    refused(
        text,
        &turns("entry", "1").replace("A test.", ""),
        "is no sentence",
    );
}

#[test]
fn a_loop_with_two_ways_in_is_refused() {
    let mut text = Text::new();
    text.label("entry").branch(EITHER, "second");
    text.label("first").nops(1);
    text.label("second").branch(EITHER, "first").rfi();
    refused(text, &turns("first", "1"), "entered at several places");
}

#[test]
fn a_recursion_is_refused() {
    let mut text = Text::new();
    text.label("entry").call("one").rfi();
    text.function("one").call("other").ret();
    text.function("other").branch(EITHER, "end").call("one");
    text.label("end").ret();
    refused(text, "", "calls itself");
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let cases = [
        (
            assembler::BCTR,
            "no fact says which functions entry calls by a register",
        ),
        (assembler::SC, "none that the analysis follows"),
        (assembler::RFCI, "none that the analysis follows"),
        (0, "is no instruction"),
    ];
    for (word, because) in cases {
        let mut text = Text::new();
        text.label("entry").word(word).rfi();
        refused(text, "", because);
    }
    let mut text = Text::new();
    text.label("entry").enable().nops(9).rfi();
    refused(text, "", "interrupts stay enabled for longer");
    let mut text = Text::new();
    text.label("entry").enable().forever();
    refused(
        text,
        "",
        "no fact says what an interrupt does that comes in entry",
    );
    let mut text = Text::new();
    text.label("entry").nops(1);
    refused(text, "", "is no place in the kernel's text");
}

#[test]
fn the_shortest_wait_is_the_kernels() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../microkernel/e500/src/time.rs"
    );
    let source = std::fs::read_to_string(file).unwrap();
    let ticks = cofferdam_paths::SHORTEST_WAIT_TICKS;
    let line = format!("const SHORTEST_WAIT: u32 = {ticks};");
    assert!(source.contains(&line), "no line {line}");
}
