//! Restarts the partitions that it may restart, one after the other, as often as it is told to: to see that nobody loses anything by it.
//!
//! A number of milliseconds and Enter begin it, 0 and Enter end it; `r` restarts them once, and `s` stops those that it may stop as well. The times vary by half of that, so that a driver ends in one
//! phase of its work after another; it comes first in its group, so that it does so wherever the driver is. What the kernel does is what it
//! does to a partition that failed: it takes the bus from the device, and the driver begins anew.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Error, Lines, PartitionControl, Restart, log, time, wait};

cofferdam_native::partition!("breaker", main);

const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;
/// The longest time between two restarts: a minute.
const INTERVAL_MAX_MS: u32 = 60_000;

struct Breaker {
    /// Zero: it does nothing.
    interval_ms: u32,
    typed_ms: u32,
    restarts: u32,
    /// Whose turn it is.
    next: usize,
    random: u32,
}

fn main() -> ! {
    let mut breaker = Breaker {
        interval_ms: 0,
        typed_ms: 0,
        restarts: 0,
        next: 0,
        random: 0x2545_f491,
    };
    loop {
        let came = wait(ports::INPUT.line() | Lines::TIMER);
        if came.has(Lines::TIMER) && breaker.interval_ms > 0 {
            breaker.restart();
        }
        breaker.follow_keys();
    }
}

/// Does something to each partition at once, and says what became of it.
fn each(what: &str, deed: impl Fn(&PartitionControl) -> Result<(), Error>) {
    for (name, partition) in ports::PARTITION_RESTARTS {
        match deed(partition) {
            Ok(()) => log!("{name} was {what}"),
            Err(error) => log!("{name} could not be {what}: {error}"),
        }
    }
}

impl Breaker {
    fn restart(&mut self) {
        let Some((name, partition)) = ports::PARTITION_RESTARTS.get(self.next) else {
            return;
        };
        self.next = (self.next + 1) % ports::PARTITION_RESTARTS.len();
        match partition.restart(Restart::Cold) {
            Ok(()) => self.restarts = self.restarts.saturating_add(1),
            Err(error) => log!("{name} could not be restarted: {error}"),
        }
        self.set_timer();
    }

    /// Half an interval from now, up to one and a half.
    fn set_timer(&mut self) {
        // Marsaglia's generator (Xorshift RNGs, 2003).
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        let interval = u64::from(self.interval_ms) * TICKS_PER_MS;
        let more = (interval * u64::from(self.random)) >> 32;
        time::set_timer(time::now() + interval / 2 + more);
    }

    fn follow_keys(&mut self) {
        while let Ok(Some(keys)) = ports::INPUT.receive() {
            for key in keys.message.iter() {
                match key {
                    b'0'..=b'9' => {
                        let digit = u32::from(key - b'0');
                        let typed = self.typed_ms.saturating_mul(10).saturating_add(digit);
                        self.typed_ms = typed.min(INTERVAL_MAX_MS);
                    }
                    b'\r' | b'\n' => self.begin(),
                    b'r' => each("restarted", |partition| partition.restart(Restart::Cold)),
                    b's' => each("stopped", PartitionControl::stop),
                    _ => {
                        log!("a number of milliseconds restarts a driver about as often, 0 ends it")
                    }
                }
            }
        }
    }

    fn begin(&mut self) {
        self.interval_ms = core::mem::take(&mut self.typed_ms);
        if self.interval_ms == 0 {
            time::cancel_timer();
            log!("drivers were restarted {} times", self.restarts);
        } else {
            log!(
                "a driver is restarted every {} ms from now on",
                self.interval_ms
            );
            self.set_timer();
        }
    }
}
