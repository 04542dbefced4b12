//! Crash records in words.

use std::fmt::{self, Write};

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::{CrashRecord, MODULE};
use cofferdam_symbols::own_path;

use crate::Snapshot;
use crate::words::{exception, has_data_address, syndrome};

/// The instruction that a panic of a native partition ends in, with where and why in r3 to r8 (`personalities/native`).
const PANIC: &str = "__cofferdam_panic";

/// Whose addresses are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The kernel that keeps a trace, or the other.
    Kernel {
        /// It keeps a trace.
        trace: bool,
    },
    /// The partition of this name.
    Partition(String),
}

/// What is known of a program's addresses.
pub trait Symbols {
    /// The name of what stands at an address, as the linker has it.
    fn name(&self, address: u32) -> Option<&str>;
    /// What stands at an address, one line for each function inlined there, the innermost first. Empty if nothing is known.
    fn describe(&self, address: u32) -> Vec<String>;
    /// The text of so many bytes that the program has at an address from the start.
    fn text(&self, address: u32, length: u32) -> Option<String>;
}

/// Every failure in a record; nothing if there is none. `symbols` finds those of a program.
pub fn failures(snapshot: &Snapshot, symbols: &dyn Fn(&Program) -> Box<dyn Symbols>) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write_failures(&mut text, snapshot, symbols);
    text
}

fn write_failures(
    text: &mut String,
    snapshot: &Snapshot,
    symbols: &dyn Fn(&Program) -> Box<dyn Symbols>,
) -> fmt::Result {
    let start = snapshot.header().start_tick.get();
    if let Some(epitaph) = snapshot.epitaph() {
        let trace = snapshot.header().trace_kernel == 1;
        let name = if trace { "trace" } else { "release" };
        writeln!(text, "the kernel ({name}) died")?;
        show(text, &epitaph, &*symbols(&Program::Kernel { trace }), start)?;
    }
    for index in 0..snapshot.partition_count() {
        let Some(crash) = snapshot.crash(index) else {
            continue;
        };
        let name = snapshot.partition_name(index);
        let action = Action::ALL.get(usize::from(crash.action));
        writeln!(
            text,
            "partition {name}, life {}: {}; what was done: {}",
            crash.epoch,
            Error::from_number(crash.error).map_or("unknown error", Error::name),
            action.map_or("unknown", |action| action.name()),
        )?;
        if crash.count > 1 {
            writeln!(text, "  the last of {} failures", crash.count)?;
        }
        show(text, &crash, &*symbols(&Program::Partition(name)), start)?;
    }
    Ok(())
}

fn show(text: &mut String, crash: &CrashRecord, symbols: &dyn Symbols, start: u64) -> fmt::Result {
    match crash.tick.get().checked_sub(start) {
        Some(ticks) => writeln!(text, "  {ticks} ticks after the start")?,
        None => writeln!(text, "  before the module was last reset")?,
    }
    let number = crash.exception.get();
    // A partition can fail without one: by a limit, or a deadline.
    if number != 0 || crash.partition == MODULE {
        writeln!(text, "  exception {number}: {}", exception(number))?;
    }
    if let Some(panic) = panic(crash, symbols) {
        writeln!(text, "  panicked at {panic}")?;
    }
    if has_data_address(number) {
        writeln!(text, "  data address {:#010x}", crash.dear)?;
    }
    let syndrome = syndrome(crash.esr.get());
    if !syndrome.is_empty() {
        writeln!(text, "  syndrome: {}", syndrome.join(", "))?;
    }
    place(text, "pc", crash.pc.get(), symbols)?;
    place(text, "lr", crash.lr.get(), symbols)?;
    for link in crash.backtrace.iter().take_while(|link| **link != 0) {
        place(text, "  ", link.get(), symbols)?;
    }
    for (row, registers) in crash.gpr.chunks(4).enumerate() {
        write!(text, " ")?;
        for (column, register) in registers.iter().enumerate() {
            write!(text, " r{:<2} {:08x} ", row * 4 + column, register)?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "  msr {:08x}  cr {:08x}  xer {:08x}  ctr {:08x}  esr {:08x}\n",
        crash.msr, crash.cr, crash.xer, crash.ctr, crash.esr
    )
}

/// Where and why a partition panicked, if that is how it failed. A message with arguments is not whole anywhere: its log
/// has it.
fn panic(crash: &CrashRecord, symbols: &dyn Symbols) -> Option<String> {
    if symbols.name(crash.pc.get()) != Some(PANIC) {
        return None;
    }
    let register = |number: usize| crash.gpr[number].get();
    let file = symbols.text(register(3), register(4))?;
    let place = format!("{}:{}:{}", own_path(&file), register(5), register(6));
    Some(match symbols.text(register(7), register(8)) {
        Some(message) => format!("{place}: {message}"),
        None => place,
    })
}

/// One address with what stands there. An address of a call's return lies behind the call.
fn place(text: &mut String, what: &str, address: u32, symbols: &dyn Symbols) -> fmt::Result {
    let called_from = if what == "pc" {
        address
    } else {
        address.wrapping_sub(4)
    };
    let lines = symbols.describe(called_from);
    writeln!(
        text,
        "  {what} {address:#010x}  {}",
        lines.first().map_or("", String::as_str)
    )?;
    for line in lines.iter().skip(1) {
        writeln!(text, "                 in {line}")?;
    }
    Ok(())
}
