//! Ctrl-C, and processes that are killed, in the middle of everything: the user reads what happened, no machine is left running, the
//! terminal is as it was, and a later build owes nothing to the one before.

mod common;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;

use common::processes::{Job, Process, descendants, kill, until};
use common::terminal::Terminal;
use common::{POWERPC, Said, System, UP, cofferdam, elf, ends, folder, head, target};
use rustix::process::Signal;

const INTERRUPTED: &str = "interrupted; the same command goes on from what is done\n";

/// A command ended by a signal, and its last word was that.
#[track_caller]
fn interrupted(said: &Said, signal: Signal) {
    assert_eq!(said.status.signal(), Some(signal.as_raw()), "{said:#?}");
    assert!(said.err.ends_with(INTERRUPTED), "{said:#?}");
    for never in ["error", "failed", "!!!"] {
        assert!(!said.err.contains(never), "{said:#?}");
    }
    said.is_decent();
}

#[test]
fn a_build_can_be_interrupted_while_a_compiler_works() {
    let system = System::spinning("interrupts_build");
    for signal in [Signal::INT, Signal::TERM] {
        let own = folder();
        let mut command = cofferdam(&["build", &system.file()]);
        let mut job = Job::start(command.env("CARGO_TARGET_DIR", own.path()));
        job.compiler();
        job.signal_group(signal);
        interrupted(&job.end_alone(), signal);
        let built = system.built_in(own.path());
        let left: Vec<_> = fs::read_dir(built).unwrap().collect();
        assert_eq!(left.len(), 1, "the generated code alone: {left:?}");
    }
}

#[test]
fn a_cargo_that_is_killed_is_no_fault_of_the_system() {
    let system = System::spinning("interrupts_cargo");
    let own = folder();
    let mut command = cofferdam(&["build", &system.file()]);
    let mut job = Job::start(command.env("CARGO_TARGET_DIR", own.path()));
    job.compiler();
    job.descendant("cargo", |one| one.name == "cargo")
        .kill(Signal::KILL);
    let said = job.end();
    said.fails_with(&["building the kernel (release) failed: cargo was killed (signal 9)"]);
    // The compilers that it had started know nothing of it.
    job.signal_group(Signal::KILL);
    job.end_alone();
}

/// A system of two crates, and somebody at the other ends of their channels.
fn two_crates(name: &str) -> System {
    let mut text = head(name);
    for partition in ["flight", "plant"] {
        text += &format!(
            r#"
[partition.{partition}]
crate    = "partitions/{partition}"
stack    = "8K"
memory   = "16K"
period   = "10ms"
deadline = "1ms"
restart  = {{ max = 3, per = "10s", then = "stop", back_off = "20ms" }}

[channel.log_{partition}]
kind  = "queuing"
type  = "bytes(96)"
depth = 16
from  = "{partition}.log"
to    = "desk.logs[]"

[channel.keys_{partition}]
kind  = "queuing"
type  = "bytes(16)"
depth = 8
from  = "desk.keys[]"
to    = "{partition}.input"
"#
        );
    }
    text += r#"
[partition.desk]
image   = "desk.elf"
devices = ["uart0"]
stack   = "8K"
memory  = "16K"
restart = { max = 3, per = "10s", then = "stop", back_off = "20ms" }

[device.uart0]
when_not_running = "pend"

[channel.attitude]
kind = "sampling"
type = "flight_messages::Attitude"
from = "plant.attitude"
to   = "flight.attitude"

[channel.elevator]
kind = "sampling"
type = "flight_messages::Elevator"
from = "flight.elevator"
to   = "plant.elevator"

[schedule.only]
initial     = true
major_frame = "10ms"
windows = [
  { at = "0ms", length = "2ms", group = ["flight"], release = ["flight"] },
  { at = "2ms", length = "2ms", group = ["plant"], release = ["plant"] },
  { at = "4ms", length = "6ms", group = ["desk"] },
]
"#;
    let system = System::with_text(name, &text);
    system.put("desk.elf", &elf(POWERPC, 0));
    system
}

#[test]
fn a_build_after_one_that_was_killed_is_as_good_as_the_first() {
    let system = two_crates("interrupts_kill");
    let other = two_crates("interrupts_other");
    let build = |system: &System| {
        let said = ends(&mut cofferdam(&["build", &system.file()]));
        assert!(said.status.success(), "{said:#?}");
        system.files()
    };
    let first = build(&system);
    // The same crates for another system have to be compiled again. Command, cargo and compilers, all die in the middle of it.
    let mut job = Job::start(&mut cofferdam(&["build", &other.file()]));
    job.compiler();
    job.signal_group(Signal::KILL);
    job.end_alone();
    assert_eq!(other.files(), []);
    assert!(
        build(&system) == first,
        "the build after the killed one differs"
    );
    let run = ends(&mut cofferdam(&[
        "run",
        &system.file(),
        "--icount",
        "--for",
        "50ms",
    ]));
    assert!(run.status.success(), "{run:#?}");
}

#[test]
fn a_build_waits_for_another_in_the_same_folder() {
    let system = System::spinning("interrupts_wait");
    let folder = target().join("cofferdam");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    let waits = || {
        let job = Job::start(&mut cofferdam(&["build", &system.file()]));
        job.says("waiting for another build in this folder to end");
        job
    };
    let mut given_up = waits();
    given_up.signal_group(Signal::INT);
    interrupted(&given_up.end(), Signal::INT);
    let mut job = waits();
    drop(lock);
    let said = job.end();
    assert!(said.status.success(), "{said:#?}");
}

#[test]
fn a_run_can_be_interrupted() {
    let system = System::spinning("interrupts_run");
    let file = system.file();
    for (more, signal) in [
        (&["--headless"][..], Signal::INT),
        (&["--headless", "--icount"], Signal::TERM),
        (&["--for", "1000s"], Signal::INT),
        (&["--for", "1000s", "--icount", "--json"], Signal::HUP),
    ] {
        let arguments = [&["run", &file], more].concat();
        let mut job = Job::start(&mut cofferdam(&arguments));
        job.qemu();
        let json = arguments.contains(&"--json");
        if !json {
            job.prints(UP);
        }
        job.signal_group(signal);
        let said = job.end_alone();
        assert_eq!(said.status.code(), Some(1), "{said:#?}");
        let verdict = if json {
            said.out.contains(r#""ok":false,"reasons":["interrupted"]"#)
        } else {
            said.err.ends_with("not expected: interrupted\nFAILED\n")
        };
        assert!(verdict, "{said:#?}");
        said.is_decent();
    }
}

#[test]
fn a_machine_does_not_outlive_its_command_nor_the_command_its_machine() {
    let system = System::spinning("interrupts_orphan");
    let arguments = ["run", &system.file(), "--for", "1000s"];
    let mut killed = Job::start(&mut cofferdam(&arguments));
    killed.qemu();
    killed.prints(UP);
    killed.signal(Signal::KILL);
    killed.end_alone();
    let mut job = Job::start(&mut cofferdam(&arguments));
    let machine = job.qemu();
    job.prints(UP);
    machine.kill(Signal::KILL);
    let said = job.end();
    said.fails_with(&[
        "not expected: QEMU failed: signal: 9 (SIGKILL): somebody killed it",
        "FAILED",
    ]);
    // What they left is no obstacle.
    let run = ends(&mut cofferdam(&[
        "run",
        &system.file(),
        "--for",
        "20ms",
        "--icount",
    ]));
    assert!(run.status.success(), "{run:#?}");
    let crash = ends(&mut cofferdam(&["crash", &system.file()]));
    assert!(crash.status.success(), "{crash:#?}");
}

#[test]
fn a_terminal_is_as_it_was_however_the_run_ends() {
    /// Ctrl-A X.
    const QUIT: &[u8] = b"\x01x";
    let system = System::spinning("interrupts_raw");
    let file = system.file();
    let run = |end: &dyn Fn(&mut Terminal, u32)| {
        let mut terminal = Terminal::open();
        let before = terminal.mode();
        let id = terminal.start(cofferdam(&["run", &file]));
        terminal.shows("Ctrl-A X ends the machine");
        terminal.is_raw();
        terminal.shows(UP);
        end(&mut terminal, id);
        let status = terminal.end();
        assert_eq!(terminal.mode(), before, "{}", terminal.text());
        assert!(!terminal.text().contains("panicked"), "{}", terminal.text());
        status.code()
    };
    let machine = |id| {
        descendants(id)
            .into_iter()
            .find(Process::is_machine)
            .unwrap()
    };
    assert_eq!(run(&|terminal, _| terminal.keys(QUIT)), Some(0));
    assert_eq!(run(&|_, id| machine(id).kill(Signal::KILL)), Some(1));
    assert_eq!(run(&|_, id| kill(id, Signal::TERM)), Some(1));
}

#[test]
fn ctrl_c_at_a_terminal_ends_a_build_with_a_word() {
    const CTRL_C: &[u8] = b"\x03";
    let system = System::spinning("interrupts_typed");
    let own = folder();
    let mut terminal = Terminal::open();
    let before = terminal.mode();
    let mut command = cofferdam(&["build", &system.file()]);
    command.env("CARGO_TARGET_DIR", own.path());
    let id = terminal.start(command);
    let working = until("a compiler", || {
        let all = descendants(id);
        all.iter().any(Process::is_compiler).then_some(all)
    });
    terminal.keys(CTRL_C);
    assert_eq!(terminal.end().signal(), Some(Signal::INT.as_raw()));
    terminal.shows(INTERRUPTED.trim_end());
    assert_eq!(terminal.mode(), before);
    until("the end of the compilers", || {
        working.iter().all(|one| !one.lives()).then_some(())
    });
}
