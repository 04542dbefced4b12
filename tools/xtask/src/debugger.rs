//! Partitions under GDB, by the user's command: what GDB shows on its terminal.

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

/// `park` is ended by the Ctrl-C that somebody would type a while later.
const INTERRUPTED: &str = "python import threading; threading.Timer(1.0, lambda: gdb.post_event(lambda: gdb.execute(\"interrupt\"))).start()";

const SESSIONS: [Session; 3] = [
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
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rest = &text[..];
    for shows in session.shows {
        let found = rest.find(shows);
        ensure!(
            found.is_some(),
            "GDB does not show `{}`:\n{text}\n{}",
            shows.trim(),
            String::from_utf8_lossy(&output.stderr)
        );
        // The line's end belongs to the next one as well.
        rest = &rest[found.unwrap_or(0) + shows.trim_end().len()..];
    }
    Ok(())
}
