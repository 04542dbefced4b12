//! What Ctrl-C does: it ends the machines that run, and otherwise the process, as usual.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

struct Signals {
    count: Mutex<Count>,
    /// No machine runs: a signal ends the process by its default action.
    idle: Arc<AtomicBool>,
    /// A signal came while a machine ran.
    received: Arc<AtomicBool>,
}

#[derive(Default)]
struct Count {
    /// How many machines run.
    running: usize,
    /// The handlers are in place; they stay for good.
    installed: bool,
}

impl Signals {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

static SIGNALS: OnceLock<Signals> = OnceLock::new();

/// While one of these lives, a signal sets a flag instead of ending the process.
pub(crate) struct Guard {
    signals: &'static Signals,
}

impl Guard {
    pub(crate) fn new() -> Result<Self> {
        let signals = SIGNALS.get_or_init(|| Signals {
            count: Mutex::default(),
            idle: Arc::new(AtomicBool::new(true)),
            received: Arc::new(AtomicBool::new(false)),
        });
        let mut count = signals.count();
        if !count.installed {
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                flag::register_conditional_default(signal, Arc::clone(&signals.idle))
                    .and_then(|_| flag::register(signal, Arc::clone(&signals.received)))
                    .context("no handler for Ctrl-C could be installed")?;
            }
            count.installed = true;
        }
        count.running += 1;
        signals.idle.store(false, Ordering::SeqCst);
        drop(count);
        Ok(Self { signals })
    }

    /// Whether a signal came. Once it did, this stays so: whoever types Ctrl-C means the whole command.
    pub(crate) fn received(&self) -> bool {
        self.signals.received.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut count = self.signals.count();
        count.running -= 1;
        self.signals
            .idle
            .store(count.running == 0, Ordering::SeqCst);
    }
}
