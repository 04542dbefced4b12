//! The health partition: reads the health log, says it in plain words, and decides whether the rogue gets another
//! chance. It answers questions, too. The key `r` restarts the rogue, `s` says how everybody does.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_abi::record::PartitionState;
use cofferdam_native::{CallServer, Error, Lines, PartitionStatus, Restart, log, time, wait};
use flight_messages::{Answer, Question};
use health::{Entry, Seen, Supervisor, Tally, error_name};

cofferdam_native::partition!("health", main);

/// How often it looks at the log when nobody asks for anything.
const LOOK_TICKS: u64 = ports::TIMEBASE_HZ as u64 / 100;
/// How often it sums up.
const SUMMARY_TICKS: u64 = ports::TIMEBASE_HZ as u64;
/// How long a rogue that was stopped stays so at first.
const FIRST_WAIT_TICKS: u64 = ports::TIMEBASE_HZ as u64 / 2;

/// What it knows.
struct Health {
    tally: Tally,
    supervisor: Supervisor,
    events: u32,
    missed: u32,
}

fn main() -> ! {
    let mut health = Health {
        tally: Tally::new(),
        supervisor: Supervisor::new(FIRST_WAIT_TICKS),
        events: 0,
        missed: 0,
    };
    let lines = Lines::TIMER
        | ports::QUESTION_CONSOLE.line()
        | ports::QUESTION_ROGUE.line()
        | ports::INPUT.line();
    let mut summary_at = time::now() + SUMMARY_TICKS;
    loop {
        health.answer(&ports::QUESTION_CONSOLE);
        health.answer(&ports::QUESTION_ROGUE);
        health.read_log();
        health.follow_keys();
        let now = time::now();
        health.supervise(now);
        if now >= summary_at {
            health.sum_up();
            summary_at = now + SUMMARY_TICKS;
        }
        time::set_timer(now + LOOK_TICKS);
        wait(lines);
    }
}

impl Health {
    fn read_log(&mut self) {
        while let Ok(Some(record)) = ports::HEALTH_LOG.read() {
            // Numbers count from 0 in the whole log, so that a gap is what the ring lost.
            let number = record.sequence.get();
            self.missed += number.wrapping_sub(self.events + self.missed);
            self.events += 1;
            if self.tally.see(&record) == Seen::Worth {
                let entry = Entry {
                    record: &record,
                    partitions: ports::PARTITION_NAMES,
                };
                log!("{entry}");
            }
        }
    }

    fn sum_up(&mut self) {
        for (partition, error, more) in self.tally.summary() {
            let who = ports::PARTITION_NAMES
                .get(usize::from(partition))
                .copied()
                .unwrap_or("the module");
            log!("{who}: {more} times more: {}", error_name(Some(error)));
        }
    }

    fn supervise(&mut self, now: u64) {
        let state = ports::PARTITION_STATUS_ROGUE
            .read()
            .map(|summary| summary.state);
        if state == Ok(Some(PartitionState::Stopped))
            && let Some(due) = self.supervisor.stopped(now)
        {
            let wait_ms = (due - now) * 1000 / u64::from(ports::TIMEBASE_HZ);
            log!("rogue is stopped; it gets another chance in {wait_ms} ms");
        }
        if self.supervisor.is_due(now) {
            start_rogue();
        }
    }

    fn answer(&self, port: &CallServer<Question, Answer>) {
        let count = match port.receive() {
            Ok(Some(Question::Events)) => self.events,
            Ok(Some(Question::RestartsOrdered)) => self.supervisor.ordered(),
            // No question at all, but whoever asks so has to be answered, else the channel stays taken.
            Err(Error::Malformed(_)) => 0,
            Ok(None) | Err(_) => return,
        };
        // A client that no longer waits gets nothing.
        let _ = port.reply(&Answer { count });
    }

    fn follow_keys(&mut self) {
        while let Ok(Some(keys)) = ports::INPUT.receive() {
            for key in keys.message.iter() {
                match key {
                    b'r' => {
                        self.supervisor.start_now();
                        start_rogue();
                    }
                    b's' => self.say_status(),
                    _ => log!("keys: r restart rogue, s status of all"),
                }
            }
        }
    }

    fn say_status(&self) {
        let partitions: [(&str, &PartitionStatus); 4] = [
            ("flight", &ports::PARTITION_STATUS_FLIGHT),
            ("plant", &ports::PARTITION_STATUS_PLANT),
            ("console", &ports::PARTITION_STATUS_CONSOLE),
            ("rogue", &ports::PARTITION_STATUS_ROGUE),
        ];
        for (name, status) in partitions {
            match status.read() {
                Ok(summary) => log!(
                    "{name}: life {}, {} ms of processor time, {} restarts, {} health events",
                    summary.epoch,
                    summary.processor_ticks * 1000 / u64::from(ports::TIMEBASE_HZ),
                    summary.restarts,
                    summary.health_events,
                ),
                Err(error) => log!("{name}: {error}"),
            }
        }
        log!(
            "health log: {} entries read, {} lost before that",
            self.events,
            self.missed
        );
    }
}

fn start_rogue() {
    match ports::PARTITION_CONTROL_ROGUE.restart(Restart::Cold) {
        Ok(()) => log!("rogue is started again, its memory cleared"),
        Err(error) => log!("rogue could not be started: {error}"),
    }
}
