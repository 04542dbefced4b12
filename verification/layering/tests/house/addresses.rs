//! The linker scripts have the numbers of `cofferdam_abi::space`.

use crate::tree::root;
use cofferdam_abi::space;

/// The hexadecimal numbers of a linker script, comments left out, each with the line that it stands in.
fn numbers(file: &str) -> Vec<(u32, String)> {
    let script = std::fs::read_to_string(root().join(file)).unwrap();
    let mut numbers = Vec::new();
    let mut rest = script.as_str();
    let mut code = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").unwrap().1;
    }
    code.push_str(rest);
    for line in code.lines() {
        for word in line.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            if let Some(digits) = word.strip_prefix("0x") {
                let number = u32::from_str_radix(digits, 16).unwrap();
                numbers.push((number, line.trim().to_owned()));
            }
        }
    }
    numbers
}

fn has(numbers: &[(u32, String)], number: u32, with: &str) -> bool {
    numbers
        .iter()
        .any(|(one, line)| *one == number && line.contains(with))
}

#[test]
fn the_kernels_script_agrees() {
    use space::kernel;
    let numbers = numbers("microkernel/image/kernel.ld");
    for start in [kernel::TEXT, kernel::CONSTANTS, kernel::DATA] {
        assert!(
            has(&numbers, start, ". ="),
            "{start:#x} is no start of a segment"
        );
    }
    assert!(has(&numbers, kernel::TEXT_SIZE, "SIZEOF(.text)"));
    assert!(has(
        &numbers,
        kernel::TABLES - kernel::CONSTANTS,
        "SIZEOF(.rodata)"
    ));
    assert!(has(&numbers, kernel::DATA + kernel::DATA_SIZE, "__bss_end"));
}

#[test]
fn the_partitions_script_agrees() {
    let numbers = numbers("personalities/native-build/partition.ld");
    for start in [space::TEXT, space::CONSTANTS, space::DATA] {
        assert!(
            has(&numbers, start, ". ="),
            "{start:#x} is no start of a segment"
        );
    }
}
