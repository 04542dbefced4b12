//! Partitions under GDB, by the user's command: what GDB shows on its terminal.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_setup::Requirement;

use crate::parts::Tally;
use crate::workspace::Workspace;

/// What GDB is told about a partition, and what has to come of it, in this order.
struct Session {
    what: &'static str,
    partition: &'static str,
    system: &'static str,
    commands: &'static [&'static str],
    shows: &'static [&'static str],
}

const GDB: &str = "gdb-multiarch";
/// A machine that waits for GDB, as `docs/debugger.md` has it.
const MACHINE: &str = "-M ppce500 -cpu e500v2 -m 128M -nic none -display none -monitor none -serial null -icount shift=0,sleep=off -S -gdb stdio";

/// `park` is ended by the Ctrl-C that somebody would type a while later.
const INTERRUPTED: &str = "python import threading; threading.Timer(1.0, lambda: gdb.post_event(lambda: gdb.execute(\"interrupt\"))).start()";

const SESSIONS: [Session; 4] = [
    Session {
        what: "a breakpoint binds to its partition, whose lines GDB shows",
        partition: "plant",
        system: "flight",
        commands: &[
            "break plant::main",
            "continue",
            "who",
            "bt",
            // All partitions have it, at almost the same address.
            "tbreak cofferdam_native::period::Period::wait_release",
            "continue",
            "who",
            "finish",
        ],
        shows: &[
            "Breakpoint 1, plant::main () at partitions/plant/src/main.rs",
            "\nplant\n",
            "plant::_::cofferdam_main () at personalities/native/src/ports.rs",
            "Temporary breakpoint 2, cofferdam_native::period::Period::wait_release",
            "\nplant\n",
        ],
    },
    Session {
        what: "a partition stands while the others go on, and goes on itself",
        partition: "plant",
        system: "flight",
        commands: &[
            "tbreak cofferdam_native::period::Period::wait_release",
            "continue",
            INTERRUPTED,
            "park",
            "unpark",
            "tbreak cofferdam_native::period::Period::complete",
            "continue",
            "who",
        ],
        shows: &[
            "plant stands at 0x1",
            "nobody else noticed",
            "plant goes on from 0x1",
            "cofferdam_native::period::Period::complete",
            "\nplant\n",
        ],
    },
    Session {
        what: "the kernel of a guest, by its symbols",
        partition: "linux",
        system: "linux",
        commands: &["break start_kernel", "continue", "who", "bt"],
        shows: &[
            "Breakpoint 1, 0xc0",
            "in start_kernel ()",
            "\nthe guest of linux\n",
            "#0  0xc0",
        ],
    },
    Session {
        what: "a program of a guest's, by its lines, and one at addresses that the monitor has as well",
        partition: "linux",
        system: "linux",
        commands: &[
            // What the build's /init begins with.
            "guest-program timebase",
            "guest-break timebase.c:_start",
            "continue",
            "who",
            "guest-break *0x10000138",
            // Where somebody of busybox's would stop, without all the others who come by there.
            "print $pc = 0x10000138",
            "python say_whose(None)",
        ],
        shows: &[
            "timebase is known",
            "Breakpoint 1 at timebase.c:_start, in the guest of linux\n",
            "Breakpoint 1, _start () at /cofferdam/personalities/guest/programs/timebase.c:",
            "\nthe guest of linux\n",
            "Breakpoint 2 at *0x10000138, in the guest of linux\n",
            "this is the guest of linux: what is named here is its monitor's",
        ],
    },
];

/// One case for each session; none where there is no GDB.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    if let Err(lack) = Requirement::Gdb.examine(workspace.root) {
        return Ok(Tally::skipped(format!("partitions under GDB: {lack}")));
    }
    let mut tally = Tally::default();
    for session in &SESSIONS {
        tally.count(session.what, goes(workspace, session));
    }
    tally.count(
        "the script alone, in a debugger of one's own",
        script_alone(workspace),
    );
    Ok(tally)
}

fn goes(workspace: &Workspace<'_>, session: &Session) -> Result<()> {
    let mut command = workspace.toolchain.cargo();
    command
        .current_dir(workspace.root)
        .args(["cofferdam", "debug"]);
    command.args([session.partition, session.system, "--batch"]);
    for one in session.commands {
        command.args(["--execute", one]);
    }
    command.args(["--execute", "kill"]);
    let output = command.output().context("cargo did not start")?;
    in_order(&output, session.shows)
}

/// What a user has of `--script`: GDB knows the partition, and what it is taught, and is connected by whoever uses it.
fn script_alone(workspace: &Workspace<'_>) -> Result<()> {
    let mut command = workspace.toolchain.cargo();
    command.current_dir(workspace.root);
    command.args(["cofferdam", "debug", "plant", "flight", "--script"]);
    let output = command.output().context("cargo did not start")?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let image = Path::new(&path).with_file_name("image-release.elf");
    let qemu = cofferdam_setup::qemu()?.path;
    let connect = format!(
        "target remote | exec {} {MACHINE} -kernel {}",
        qemu.display(),
        image.display()
    );
    let mut gdb = Command::new(GDB);
    gdb.current_dir(workspace.root)
        .args(["-q", "-batch", "-x", &path]);
    for one in [&connect, "tbreak plant::main", "continue", "who", "kill"] {
        gdb.args(["-ex", one]);
    }
    let output = gdb.stdin(Stdio::null()).output();
    let output = output.context("GDB did not start")?;
    const SHOWS: [&str; 2] = [
        "Temporary breakpoint 1, plant::main () at partitions/plant/src/main.rs",
        "\nplant\n",
    ];
    in_order(&output, &SHOWS)
}

/// Fails unless all of this is shown, in this order.
pub fn in_order(output: &Output, all: &[&str]) -> Result<()> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rest = &text[..];
    for shows in all {
        let found = rest.find(shows);
        ensure!(
            found.is_some(),
            "it does not show `{}`:\n{text}\n{}",
            shows.trim(),
            String::from_utf8_lossy(&output.stderr)
        );
        // The line's end belongs to the next one as well.
        rest = &rest[found.unwrap_or(0) + shows.trim_end().len()..];
    }
    Ok(())
}
