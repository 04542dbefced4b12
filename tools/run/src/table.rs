//! The judgement on a run, for people.

use std::fmt;

use crate::report::Report;

/// So many attacks are shown one by one.
const ONE_BY_ONE: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.machine_time_ns / 1_000_000;
        writeln!(
            f,
            "{}: {}.{:03} s of machine time, {} kernel, {}",
            self.system,
            milliseconds / 1000,
            milliseconds % 1000,
            self.kernel,
            if self.instruction_clock {
                "instructions are the clock"
            } else {
                "the host's clock"
            }
        )?;
        self.partitions(f)?;
        self.dma(f)?;
        self.attacks(f)?;
        if let Some(partition) = &self.powered_off_by {
            writeln!(f, "the machine was switched off by {partition}")?;
        }
        for reason in &self.reasons {
            writeln!(f, "not expected: {reason}")?;
        }
        f.write_str(if self.ok {
            "ok: nothing unexpected happened"
        } else {
            "FAILED"
        })?;
        match self.attacks_with("not_tried") {
            0 => Ok(()),
            1 => f.write_str("; 1 attack was not tried"),
            count => write!(f, "; {count} attacks were not tried"),
        }
    }
}

impl Report {
    fn partitions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.partitions.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "  {:<16} {:>8} {:>7} {:>7} {:>12} {:>12} {:>7} {:>7} {:>8}",
            "partition",
            "releases",
            "missed",
            "jitter",
            "cpu",
            "worst window",
            "stack",
            "events",
            "restarts"
        )?;
        for one in &self.partitions {
            writeln!(
                f,
                "  {:<16} {:>8} {:>7} {:>7} {:>12} {:>12} {:>7} {:>7} {:>8}",
                one.name,
                one.releases,
                one.deadlines_missed,
                one.jitter_ticks(),
                one.cpu_ticks,
                one.worst_window_used_ticks,
                one.stack_high_water_bytes,
                one.health_events,
                one.restarts
            )?;
        }
        for one in &self.partitions {
            let times = |(error, count): (&&str, &u32)| match count {
                1 => format!("{error} once"),
                count => format!("{error} {count} times"),
            };
            let errors: Vec<_> = one.errors.iter().map(times).collect();
            if !errors.is_empty() {
                let errors = errors.join(", ");
                writeln!(f, "  the health log has of {}: {errors}", one.name)?;
            }
        }
        for one in &self.partitions {
            if let Some(guest) = &one.guest {
                writeln!(
                    f,
                    "  the guest of {} ran {} ticks, idled {}, and others had {}",
                    one.name, one.cpu_ticks, guest.idle_ticks, guest.stolen_ticks
                )?;
            }
        }
        Ok(())
    }

    fn dma(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.dma {
            let (device, owner) = (&one.device, &one.owner);
            if one.dma == "trusted" {
                writeln!(
                    f,
                    "  TRUSTED: {device} of {owner} reaches all memory of the machine by its DMA"
                )?;
            } else if !one.reaches.is_empty() {
                let reaches = one.reaches.join(", ");
                writeln!(
                    f,
                    "  by its DMA, {device} of {owner} reaches what these have in the arena: {reaches}"
                )?;
            }
        }
        Ok(())
    }

    fn attacks_with(&self, verdict: &str) -> usize {
        let attacks = self.attacks.iter();
        attacks.filter(|attack| attack.verdict == verdict).count()
    }

    fn attacks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attacks.is_empty() {
            return Ok(());
        }
        if self.attacks.len() <= ONE_BY_ONE {
            for attack in &self.attacks {
                let verdict = attack.verdict.replace('_', " ");
                writeln!(
                    f,
                    "  {verdict:<12} {}: {} times; expected: {}",
                    attack.title, attack.attempts, attack.expected
                )?;
            }
        }
        let count = |verdict: &str| self.attacks_with(verdict);
        let words = [
            "contained",
            "unnoticed",
            "breached",
            "unfinished",
            "not_tried",
        ];
        let counts: Vec<_> = words
            .iter()
            .filter(|verdict| count(verdict) > 0)
            .map(|verdict| format!("{} {}", count(verdict), verdict.replace('_', " ")))
            .collect();
        writeln!(f, "  {} attacks: {}", self.attacks.len(), counts.join(", "))
    }
}
