//! A terminal, and somebody at it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use super::processes::until;

/// A pseudo-terminal (pty(7)).
pub struct Terminal {
    /// Where the user sits.
    user: File,
    /// What programs take for the terminal. Held open, so that its mode can be asked for, and that it stays when they end.
    line: File,
    shown: Arc<Mutex<Vec<u8>>>,
    command: Option<Child>,
}

impl Terminal {
    pub fn open() -> Self {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&user).expect("a terminal");
        unlockpt(&user).expect("a terminal");
        let name = ptsname(&user, Vec::new()).expect("a terminal");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = rustix::fs::open(name, flags, Mode::empty()).expect("a terminal");
        let user = File::from(user);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let mut reader = user.try_clone().expect("a terminal");
        let all = Arc::clone(&shown);
        // Ends when the last program that has the terminal open has gone.
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                all.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Self {
            user,
            line: File::from(line),
            shown,
            command: None,
        }
    }

    /// Gives it another size, in letters.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.user, size).expect("a terminal");
    }

    /// Starts a command at this terminal, as the leader of its session; says its number.
    pub fn start(&mut self, command: Command) -> u32 {
        let line = || Stdio::from(self.line.try_clone().expect("a terminal"));
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program());
        session.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.stdin(line()).stdout(line()).stderr(line());
        let child = session.spawn().expect("it starts");
        self.command.insert(child).id()
    }

    /// Waits for the end of the command.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let command = self.command.as_mut().expect("a command");
        until("the end of the command", || {
            command.try_wait().expect("a child")
        })
    }

    pub fn keys(&mut self, keys: &[u8]) {
        self.user.write_all(keys).expect("a terminal");
    }

    /// Everything that was shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) {
        until(text, || self.text().contains(text).then_some(()));
    }

    /// How it treats what goes in and out.
    pub fn mode(&self) -> Modes {
        let Termios {
            input_modes,
            output_modes,
            control_modes,
            local_modes,
            ..
        } = tcgetattr(&self.line).expect("a terminal");
        (
            input_modes.bits(),
            output_modes.bits(),
            control_modes.bits(),
            local_modes.bits(),
        )
    }

    /// Waits until a program takes every key as it comes.
    #[track_caller]
    pub fn is_raw(&self) {
        let canonical = || {
            let mode = tcgetattr(&self.line).expect("a terminal");
            mode.local_modes.contains(LocalModes::ICANON)
        };
        until("a raw terminal", || (!canonical()).then_some(()));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(command) = &mut self.command {
            let _ = command.kill();
            let _ = command.wait();
        }
    }
}

/// Input, output, control and local modes (termios(3)).
pub type Modes = (u32, u32, u32, u32);
