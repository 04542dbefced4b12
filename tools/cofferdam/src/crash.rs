//! `cargo cofferdam crash`: the failures that a run left in its record.

use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::{CrashRecord, MODULE};
use cofferdam_build::{Kernel, directory, locate};
use cofferdam_progress::print_result;
use cofferdam_run::Snapshot;
use cofferdam_run::command::RECORD_FILE;

use crate::symbols::{Symbols, own_path};
use crate::words::{exception, has_data_address, syndrome};

/// The instruction that a panic of a native partition ends in, with where and why in r3 to r8 (`personalities/native`).
const PANIC: &str = "__cofferdam_panic";

/// Prints every failure of the last run of a system, or of the run that left `record`.
pub fn crash(root: &Path, system: &str, record: Option<&Path>) -> Result<()> {
    let checked = cofferdam_build::check(&locate(root, system)?);
    // The name counts, not what else may be wrong with the file by now.
    let name = checked.map_or_else(|_| system.to_owned(), |checked| checked.system.name.value);
    let folder = directory(root, &name);
    let path = record.map_or_else(|| folder.join(RECORD_FILE), Path::to_path_buf);
    let bytes = fs::read(&path).with_context(|| {
        format!(
            "there is no record of a run of {name} ({} cannot be read); `cargo cofferdam run {system}` leaves one",
            path.display()
        )
    })?;
    let snapshot =
        Snapshot::from_bytes(bytes).with_context(|| format!("{} is no record", path.display()))?;
    let program = |name: &str| Symbols::of(&folder.join(format!("programs/{name}.elf")));
    let start = snapshot.header().start_tick.get();
    let mut text = String::new();
    if let Some(epitaph) = snapshot.epitaph() {
        let kernel = if snapshot.header().trace_kernel == 1 {
            Kernel::Trace
        } else {
            Kernel::Release
        };
        let symbols = program(&format!("kernel-{}", kernel.name()));
        writeln!(text, "the kernel ({}) died", kernel.name())?;
        show(&mut text, &epitaph, &symbols, start)?;
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
        show(&mut text, &crash, &program(&name), start)?;
    }
    if text.is_empty() {
        writeln!(text, "that run of {name} left no failure")?;
    }
    Ok(print_result(text.trim_end())?)
}

fn show(text: &mut String, crash: &CrashRecord, symbols: &Symbols, start: u64) -> fmt::Result {
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
fn panic(crash: &CrashRecord, symbols: &Symbols) -> Option<String> {
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
fn place(text: &mut String, what: &str, address: u32, symbols: &Symbols) -> fmt::Result {
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
