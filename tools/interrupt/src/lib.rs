//! What Ctrl-C does, and a request to end: while something may not be left in the middle, it is only remembered; at any
//! other time it ends the process, after a word about it.
//!
//! The signals reach every process of the terminal's foreground group, so that cargo and the compilers end by themselves. They
//! may be gone before this process has noticed anything: whoever sees a child fail calls [`give_way`] before
//! it says so, and the user reads that he interrupted the command, not that a compiler failed.

#![forbid(unsafe_code)]

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;

use anyhow::{Context, Result};
use cofferdam_progress::say;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

struct State {
    /// The last signal that came, 0 for none: set at once, before anybody has decided what becomes of it.
    came: Arc<AtomicUsize>,
    /// A signal came while there was a [`Hold`].
    remembered: AtomicBool,
    /// How many [`Hold`]s there are. Whoever has it locked decides what becomes of a signal.
    holds: Mutex<usize>,
}

static STATE: OnceLock<State> = OnceLock::new();

/// Takes care of the signals from now on.
pub fn watch() -> Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = lock(&ONE_AT_A_TIME);
    if STATE.get().is_some() {
        return Ok(());
    }
    let came = Arc::new(AtomicUsize::new(0));
    let install = || -> std::io::Result<Signals> {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_usize(signal, Arc::clone(&came), signal as usize)?;
        }
        Signals::new([SIGINT, SIGTERM, SIGHUP])
    };
    let mut signals = install().context("no handler for Ctrl-C could be installed")?;
    let state = STATE.get_or_init(|| State {
        came,
        remembered: AtomicBool::new(false),
        holds: Mutex::new(0),
    });
    thread::spawn(move || {
        for signal in signals.forever() {
            let holds = lock(&state.holds);
            if *holds == 0 {
                end(signal, holds);
            }
            state.remembered.store(true, Ordering::SeqCst);
        }
    });
    Ok(())
}

/// If a signal has come, ends the process by it. To be called before a failure is reported that may be its consequence, and
/// before something long begins.
pub fn give_way() {
    let Some(state) = STATE.get() else { return };
    let signal = state.came.load(Ordering::SeqCst);
    if let Ok(signal @ 1..) = i32::try_from(signal) {
        end(signal, lock(&state.holds));
    }
}

/// Says so, and ends the process as the signal does by default, so that a shell knows. No other thread comes here meanwhile: it
/// would wait for the lock.
fn end(signal: i32, _decided: MutexGuard<'_, usize>) -> ! {
    if stderr().is_terminal() {
        // Behind what stands in the line: a spinner, and the terminal's "^C".
        say!();
    }
    say!("interrupted; the same command goes on from what is done");
    low_level::emulate_default_handler(signal).ok();
    // A shell's number for the same, should the signal have failed.
    std::process::exit(128 + signal)
}

/// While one of these lives, a signal is only remembered.
pub struct Hold {
    state: &'static State,
}

impl Hold {
    /// From now on.
    pub fn new() -> Result<Self> {
        watch()?;
        let state = STATE.get().context("nobody watches for Ctrl-C")?;
        *lock(&state.holds) += 1;
        Ok(Self { state })
    }

    /// Whether a signal came. Once it did, this stays so: whoever types Ctrl-C means the whole command.
    pub fn received(&self) -> bool {
        self.state.remembered.load(Ordering::SeqCst)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        *lock(&self.state.holds) -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
