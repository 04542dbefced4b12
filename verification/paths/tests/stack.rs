//! How much stack functions made by hand take.

mod assembler;

use assembler::{Labels, Text};
use cofferdam_paths::analysis::{Analysis, Cause, Entry};
use cofferdam_paths::facts::{Facts, Known};
use cofferdam_paths::stack::Stack;
use cofferdam_paths::system::System;

/// The most that `entry` takes, or why that is not known.
fn deepest(text: Text) -> Result<u32, String> {
    let (program, labels) = text.program();
    let (facts, system) = (Facts::parse("").unwrap(), System::of_records(&[]));
    let entries = [Entry {
        name: "entry".to_owned(),
        cause: Cause::Vector(program.symbol("entry").unwrap(), None),
    }];
    let labels = Labels(labels);
    let mut analysis = Analysis::new(&program, &labels, Known::new(&facts, &system)).unwrap();
    let deepest = Stack::of(&mut analysis).deepest(&entries);
    deepest
        .map(|(bytes, _)| bytes)
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn frames_add_up_along_the_deeper_of_two_calls() {
    let mut text = Text::new();
    text.label("entry").word(assembler::frame(16));
    text.call("flat").call("deep").rfi();
    text.function("flat").word(assembler::frame(64)).ret();
    text.function("deep")
        .word(assembler::frame(32))
        .call("below")
        .ret();
    text.function("below").word(assembler::frame(48)).ret();
    assert_eq!(deepest(text), Ok(16 + 32 + 48));
}

#[test]
fn a_frame_that_is_given_back_or_an_address_of_the_stack_is_none() {
    let mut text = Text::new();
    text.label("entry");
    // lis 1,..; addi 1,1,-16: the top. Then addi 1,1,32: a frame that is given back.
    text.word(0x3c20_0021)
        .word(0x3821_fff0)
        .word(0x3821_0020)
        .rfi();
    assert_eq!(deepest(text), Ok(0));
    // Without the upper half before it, it is one.
    let mut text = Text::new();
    text.label("entry").nops(1).word(0x3821_fff0).rfi();
    assert_eq!(deepest(text), Ok(16));
}

#[test]
fn what_calls_itself_or_takes_as_much_as_a_register_says_has_no_bound() {
    let mut text = Text::new();
    text.label("entry").call("one").rfi();
    text.function("one")
        .word(assembler::frame(16))
        .call("other")
        .ret();
    text.function("other").call("one").ret();
    assert!(deepest(text).unwrap_err().contains("calls itself"));
    let mut text = Text::new();
    // stwux 1,1,3
    text.label("entry").word(0x7c21_196e).rfi();
    assert!(deepest(text).unwrap_err().contains("by a register"));
}
