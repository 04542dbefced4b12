//! `cargo cofferdam top`: a memory that was kept stands for the machine's.

mod common;
#[path = "../../timeline/tests/small/mod.rs"]
mod small;

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::thread;
use std::time::Duration;

use cofferdam_abi::record::{Header, PartitionRecord, offset};
use cofferdam_abi::space;
use common::processes::until;
use common::terminal::Terminal;
use common::{Said, System, cofferdam, ends};
use serde_json::Value;

/// A system, and what stands for a machine that runs it.
struct Machine {
    system: System,
    memory: File,
}

impl Machine {
    fn new(name: &str, trace_kernel: bool) -> Self {
        let system = System::with_text(name, &format!("[system]\nname = \"{name}\"\n"));
        fs::create_dir_all(system.built()).expect("a folder");
        fs::write(system.built().join("plan.json"), small::PLAN).expect("a plan");
        let path = system.path("memory");
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        let memory = options.open(path).expect("a file");
        let record = small::record(&small::events(), trace_kernel);
        memory
            .write_all_at(&record, space::kernel::RECORD.into())
            .expect("a record");
        let machine = Self { system, memory };
        let meta = machine.memory.metadata().expect("a file");
        let (process, descriptor) = (std::process::id(), machine.memory.as_raw_fd());
        let address = format!(
            "/proc/{process}/fd/{descriptor} {} {}",
            meta.dev(),
            meta.ino()
        );
        machine.announce(&address);
        machine
    }

    fn announce(&self, address: &str) {
        fs::write(self.system.built().join("running"), address).expect("a file");
    }

    fn put(&self, place: usize, content: &[u8]) {
        let place = u64::from(space::kernel::RECORD) + place as u64;
        self.memory.write_all_at(content, place).expect("a record");
    }

    fn top(&self, arguments: &[&str]) -> Said {
        let file = self.system.file();
        let all = [&["top", file.as_str()], arguments].concat();
        ends(&mut cofferdam(&all))
    }
}

const TABLE: &str = "\
small: stopped, trace kernel, 3 ms of machine time, frame 3 of main, no window late
  partition  state  cpu %      cpu  windows  worst window  granted  spent  releases  missed  response  hypercalls  faults  events  restarts
  control    ready   15.3   460 us      3/3        300 us   390 us      -         4       1    200 us           3       0       2         0
  load       ready   39.3  1.18 ms      6/6        300 us   290 us      -         0       0         -           7       0       0         0
  driver     ready    7.6   228 us      1/3        300 us   290 us      1         0       0         -          11       0       0         0
channels: lines 0/4
";

#[test]
fn the_table_is_printed_once() {
    let machine = Machine::new("top_once", true);
    let said = machine.top(&["--once"]);
    assert!(said.status.success(), "{said:#?}");
    assert_eq!(said.out, TABLE);
    let said = machine.top(&["--json"]);
    let sample: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(sample["running"], true);
    assert_eq!(sample["partitions"][0]["deadlines_missed"], 1);
    assert_eq!(sample["channels"][0]["held"], 0);
    let kept = machine.system.path("kept");
    fs::write(&kept, small::record(&small::events(), true)).expect("a file");
    let said = machine.top(&["--record", &kept.display().to_string()]);
    assert_eq!(said.out, TABLE);
}

#[test]
fn the_release_kernel_does_not_say_everything() {
    let machine = Machine::new("top_release", false);
    let said = machine.top(&["--once"]);
    assert!(
        said.out.contains("are known of the kernel `trace` alone"),
        "{said:#?}"
    );
    let sample: Value = serde_json::from_str(&machine.top(&["--json"]).out).expect("JSON");
    assert!(sample["partitions"][0]["hypercalls"].is_null());
    assert!(sample["partitions"][0]["windows_seen"].is_null());
    assert_eq!(sample["channels"], Value::Array(Vec::new()));
}

/// Where the ring has gone round, nobody knows of a queue what was not seen; and where it has not, one without messages is empty.
#[test]
fn what_a_channel_holds_is_said_as_far_as_it_is_known() {
    let machine = Machine::new("top_held", true);
    let said = |events: &[_], lost: u32| {
        let mut record = small::record(events, true);
        let count = offset::HEADER + std::mem::offset_of!(Header, trace);
        let all = events.len() as u32 + lost;
        record[count..count + 4].copy_from_slice(&all.to_be_bytes());
        let kept = machine.system.path("kept");
        fs::write(&kept, record).expect("a file");
        machine.top(&["--record", &kept.display().to_string()]).out
    };
    let all = small::events();
    assert!(said(&all[..4], 0).contains("channels: lines 0/4\n"));
    // The message of `lines`, which nobody has taken yet.
    assert!(said(&all[..12], 0).contains("channels: lines 1/4\n"));
    let ring = cofferdam_abi::limits::TRACE_EVENTS;
    let mut round = vec![all[4]; ring];
    assert!(said(&round, 1).contains("lines ?/4; `?`: no message of it was seen"));
    round[ring - 1] = all[8];
    assert!(said(&round, 1).contains("lines ?/4; `?`"));
}

/// It is built, begun and ended by the command, and the last run stays what it was.
#[test]
fn a_run_of_its_own_is_no_run_that_is_judged() {
    let system = System::spinning("top_own");
    let file = system.file();
    let run = ["run", &file, "--for", "20ms", "--icount"];
    assert!(ends(&mut cofferdam(&run)).status.success());
    let kept = || ["record", "run.json"].map(|name| fs::read(system.built().join(name)).ok());
    let before = kept();
    assert!(before.iter().all(Option::is_some));
    let said = ends(&mut cofferdam(&["top", &file, "--run", "--once"]));
    assert!(said.status.success(), "{said:#?}");
    assert!(said.out.contains("\n  one "), "{said:#?}");
    for never in ["FAILED", "not expected", "interrupted"] {
        assert!(!said.err.contains(never), "{said:#?}");
    }
    assert!(kept() == before, "the last run was overwritten");
}

#[test]
fn a_run_that_is_not_there_is_said_to_be_none() {
    let machine = Machine::new("top_none", true);
    machine
        .top(&[])
        .fails_with(&["this is no terminal to draw on"]);
    // What a run leaves that was killed; and something else by now.
    for stale in ["", "/proc/1/fd/99999 1 2", "/etc/hostname 1 2"] {
        machine.announce(stale);
        machine
            .top(&["--once"])
            .fails_with(&["no run of top_none goes on"]);
    }
    fs::remove_file(machine.system.built().join("running")).expect("a file");
    machine
        .top(&["--once"])
        .fails_with(&["no run of top_none goes on"]);
    let kept = machine.system.path("kept");
    let file = kept.display().to_string();
    machine
        .top(&["--record", &file])
        .fails_with(&["kept cannot be read"]);
    for bytes in [vec![], vec![0x55; 1000]] {
        fs::write(&kept, bytes).expect("a file");
        machine
            .top(&["--record", &file])
            .fails_with(&["kept is no record"]);
    }
    let mut other = small::record(&small::events(), true);
    other[offset::PARTITIONS] = b'x';
    fs::write(&kept, other).expect("a file");
    machine
        .top(&["--record", &file])
        .fails_with(&["of another system than the plan"]);
}

#[test]
fn the_table_goes_with_the_run_on_a_terminal_of_any_size() {
    let machine = Machine::new("top_live", true);
    let mut terminal = Terminal::open();
    terminal.resize(150, 12);
    let before = terminal.mode();
    terminal.start(cofferdam(&["top", &machine.system.file()]));
    // Words, for the terminal is told to go on behind a space that is there.
    terminal.shows("leaves;");
    terminal.shows("15.3");
    // A frame later `control` has had the processor for a quarter of it.
    let place = offset::PARTITIONS + std::mem::offset_of!(PartitionRecord, cpu_ticks);
    machine.put(place, &710_u64.to_be_bytes());
    let now = offset::HEADER + std::mem::offset_of!(Header, now_tick);
    let later = small::START + 4000;
    machine.put(now, &later.to_be_bytes());
    // Behind each change of its size it is drawn as a whole.
    let mut sizes = [(60, 4), (2, 1), (170, 30), (150, 12)].into_iter().cycle();
    until("25.0", || {
        let (columns, rows) = sizes.next()?;
        terminal.resize(columns, rows);
        thread::sleep(Duration::from_millis(50));
        terminal.text().contains("25.0").then_some(())
    });
    drop(machine.memory);
    until("the end of the run", || {
        let (columns, rows) = sizes.next()?;
        terminal.resize(columns, rows);
        thread::sleep(Duration::from_millis(50));
        terminal.text().contains("ended;").then_some(())
    });
    terminal.keys(b"q");
    assert!(terminal.end().success());
    assert_eq!(terminal.mode(), before);
}
