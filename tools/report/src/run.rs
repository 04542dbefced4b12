//! What the last run left: the margins between what partitions used and what they have.

use cofferdam_timeline::{most_held, waited};
use serde_json::Value;

use crate::data::{Margin, Queue, Report, Run, Wait};

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
    }

    fn run_of(&self, value: &Value) -> Option<Run> {
        let image = value.get("image_sha256")?.as_str()?;
        if !self.inputs.iter().any(|input| input.sha256 == image) {
            return None;
        }
        let judgement = value.get("judgement")?;
        let partitions = judgement.get("partitions")?.as_array()?;
        let margins = partitions.iter().map(|one| self.margin(one));
        Some(Run {
            ok: judgement.get("ok")?.as_bool()?,
            kernel: judgement.get("kernel")?.as_str()?.to_owned(),
            instruction_clock: judgement.get("instruction_clock")?.as_bool()?,
            machine_time_ns: judgement.get("machine_time_ns")?.as_u64()?,
            window_jitter_max_ticks: number(judgement, "window_jitter_max_ticks"),
            margins: margins.collect::<Option<_>>()?,
            queues: Vec::new(),
            waits: Vec::new(),
        })
    }

    fn margin(&self, one: &Value) -> Option<Margin> {
        let partition = one.get("name")?.as_str()?.to_owned();
        let windows = self.schedules.iter().flat_map(|schedule| &schedule.windows);
        let own = windows.filter(|window| window.group.contains(&partition));
        let granted = own.map(|window| window.length_ticks.saturating_sub(self.guard_ticks));
        Some(Margin {
            releases: number(one, "releases")?,
            deadlines_missed: number(one, "deadlines_missed")?,
            response_max_ticks: number(one, "response_max_ticks")?,
            worst_window_used_ticks: number(one, "worst_window_used_ticks")?,
            shortest_window_ticks: granted.min(),
            stack_used_bytes: number(one, "stack_high_water_bytes")?,
            cpu_ticks: one.get("cpu_ticks")?.as_u64()?,
            restarts: number(one, "restarts")?,
            health_events: number(one, "health_events")?,
            partition,
        })
    }
}

fn number(value: &Value, member: &str) -> Option<u32> {
    let number = value.get(member)?.as_u64()?;
    u32::try_from(number).ok()
}
