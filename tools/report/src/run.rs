//! What the last run left: the margins between what partitions used and what they have.

use cofferdam_timeline::{System, Used, WindowPlan, has, most_held, used, waited};
use serde_json::Value;

use crate::data::{Margin, Queue, RankUse, Report, Run, Wait, Window, WindowUse};

impl Report {
    /// Adds the last run, given what it left beside the image. Says whether that is a run of this image; if not, nothing is added.
    ///
    /// Whatever stands in the file, there is an answer: it may be of another version, or of anybody.
    pub fn add_run(&mut self, text: &str) -> bool {
        let run = serde_json::from_str::<Value>(text).ok();
        self.run = run.and_then(|run| self.run_of(&run));
        self.run.is_some()
    }

    /// Adds what the events of that run say.
    pub fn add_events(&mut self, events: &cofferdam_timeline::Run) {
        let Some(run) = &mut self.run else {
            return;
        };
        let system = &events.system;
        let held = system.channels.iter().zip(most_held(events));
        run.queues = held
            .filter(|(channel, _)| channel.kind == "queuing")
            .map(|(channel, most)| Queue {
                channel: channel.name.clone(),
                most,
                depth: channel.depth,
            })
            .collect();
        let waits = system.interrupts.iter().zip(waited(events));
        run.waits = waits
            .map(|(interrupt, waited)| Wait {
                device: interrupt.device.clone(),
                times: waited.times,
                longest_ticks: waited.longest_ticks,
            })
            .collect();
        let schedules = system.schedules.iter();
        let windows = schedules.flat_map(|one| one.windows.iter().map(move |window| (one, window)));
        run.windows = windows
            .zip(used(events))
            .map(|((schedule, window), used)| window_use(system, &schedule.name, window, &used))
            .collect();
        run.missing = events.missing();
    }

    fn run_of(&self, value: &Value) -> Option<Run> {
        let image = value.get("image_sha256")?.as_str()?;
        if !self.inputs.iter().any(|input| input.sha256 == image) {
            return None;
        }
        let judgement = value.get("judgement")?;
        let partitions = judgement.get("partitions")?.as_array()?;
        let margins = partitions.iter().map(|one| self.margin(one));
        let reasons = judgement.get("reasons")?.as_array()?;
        let reasons = reasons.iter().map(|one| Some(one.as_str()?.to_owned()));
        let by = judgement.get("powered_off_by").and_then(Value::as_str);
        Some(Run {
            ok: judgement.get("ok")?.as_bool()?,
            reasons: reasons.collect::<Option<_>>()?,
            asked_for_ns: value.get("asked_for_ns").and_then(Value::as_u64),
            powered_off_by: by.map(str::to_owned),
            kernel: judgement.get("kernel")?.as_str()?.to_owned(),
            instruction_clock: judgement.get("instruction_clock")?.as_bool()?,
            machine_time_ns: judgement.get("machine_time_ns")?.as_u64()?,
            window_jitter_max_ticks: number(judgement, "window_jitter_max_ticks"),
            margins: margins.collect::<Option<_>>()?,
            windows: Vec::new(),
            missing: None,
            queues: Vec::new(),
            waits: Vec::new(),
        })
    }

    fn margin(&self, one: &Value) -> Option<Margin> {
        let partition = one.get("name")?.as_str()?.to_owned();
        let windows = self.schedules.iter().flat_map(|schedule| &schedule.windows);
        let longest = windows.filter_map(|window| self.may_have(window, &partition));
        Some(Margin {
            releases: number(one, "releases")?,
            deadlines_missed: number(one, "deadlines_missed")?,
            response_max_ticks: number(one, "response_max_ticks")?,
            worst_window_used_ticks: number(one, "worst_window_used_ticks")?,
            longest_window_ticks: longest.max(),
            stack_used_bytes: number(one, "stack_high_water_bytes")?,
            cpu_ticks: one.get("cpu_ticks")?.as_u64()?,
            restarts: number(one, "restarts")?,
            health_events: number(one, "health_events")?,
            partition,
        })
    }

    /// The most of a window that a partition may have, by any of its ranks.
    fn may_have(&self, window: &Window, partition: &str) -> Option<u64> {
        let whole = window.length_ticks.saturating_sub(self.guard_ticks);
        let ranks = window.eligible.iter();
        let own = ranks.filter(|rank| rank.partition == partition);
        own.map(|rank| rank.budget_ticks.map_or(whole, |budget| budget.min(whole)))
            .max()
    }
}

/// What became of a window: those of its group, and whoever else had the processor in it.
fn window_use(system: &System, schedule: &str, window: &WindowPlan, used: &Used) -> WindowUse {
    let granted = window.length_ticks.saturating_sub(system.guard_ticks);
    let ranks = (0..).zip(&system.ranks);
    let ranks = ranks.filter(|(number, _)| has(window.eligible, *number));
    let ranks = ranks.filter_map(|(number, rank)| {
        let most = used.by_rank.get(&number).copied();
        let in_group = window.group.contains(&rank.partition);
        let (by, granted_ticks) = match (rank.budget_ticks, in_group) {
            (0, true) => ("group", granted),
            (0, false) => ("rest", granted),
            (budget, _) => ("budget", budget.min(granted)),
        };
        (in_group || most.is_some()).then(|| RankUse {
            partition: system.partition_name(rank.partition),
            by: by.to_owned(),
            granted_ticks,
            used_max_ticks: most.unwrap_or(0),
        })
    });
    WindowUse {
        schedule: schedule.to_owned(),
        start_ticks: window.start_ticks,
        granted_ticks: granted,
        times: used.times,
        latest_ticks: used.latest_ticks,
        used_max_ticks: used.most_ticks,
        ranks: ranks.collect(),
    }
}

fn number(value: &Value, member: &str) -> Option<u32> {
    let number = value.get(member)?.as_u64()?;
    u32::try_from(number).ok()
}
