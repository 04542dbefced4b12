//! Schedules and their windows.

use cofferdam_model::{Partition, Schedule, ScheduleChange, Spanned, Window};

use super::{Exporter, first, releases};
use crate::health;
use crate::numbers::seconds;
use crate::text::list;

/// What a partition does when a schedule comes into force, in the standard's words. Where nothing is said, it is ignored.
fn change(partition: &Partition, schedule: &str) -> Option<&'static str> {
    let mut changes = partition.apex.as_ref()?.schedule_changes.iter();
    let change = changes.find(|one| one.schedule.value == schedule)?;
    let mut known = health::CHANGES.iter();
    known
        .find(|(_, own)| *own == change.action.value && *own != "ignore")
        .map(|(standard, _)| *standard)
}

impl Exporter<'_> {
    pub(super) fn schedule(&mut self, number: usize, schedule: &Schedule) {
        let initial = schedule.initial.as_ref().is_some_and(|initial| **initial);
        let frame = *schedule.major_frame_ticks;
        let attributes = [
            ("ScheduleIdentifier", number.to_string()),
            ("ScheduleName", schedule.name.value.clone()),
            ("InitialModuleSchedule", initial.to_string()),
            ("MajorFrameSeconds", self.seconds(frame)),
        ];
        self.open("Module_Schedule", &attributes);
        let partitions = self.checked.system.partitions.iter().enumerate();
        for (index, partition) in partitions {
            let name = partition.name.value.as_str();
            let windows = schedule.windows.iter().enumerate();
            let own: Vec<_> = windows
                .filter(|(_, one)| first(one) == Some(name))
                .collect();
            if own.is_empty() {
                continue;
            }
            let released = own.iter().any(|(_, window)| releases(window, name));
            let period = partition.period_ticks.as_ref();
            let period = period.filter(|_| released).map_or(frame, |period| **period);
            let in_frame: u64 = own.iter().map(|(_, one)| *one.length_ticks).sum();
            // Of a frame that is no whole number of periods the whole frame is the period.
            let period = if frame.is_multiple_of(period.max(1)) {
                period
            } else {
                frame
            };
            let duration = in_frame / (frame / period.max(1)).max(1);
            let mut attributes = self.reference(index);
            attributes.push(("PeriodSeconds", self.seconds(period)));
            attributes.push(("PeriodDurationSeconds", self.whole_seconds(duration)));
            if self.may_set(name) {
                attributes.push(("SetModuleSchedule", "true".to_string()));
            }
            if let Some(action) = change(partition, &schedule.name.value) {
                attributes.push(("ScheduleChangeAction", action.to_string()));
            }
            self.open("Partition_Schedule", &attributes);
            for (place, window) in own {
                self.window(place, window, name);
            }
            self.close("Partition_Schedule");
        }
        let mut before = None;
        for window in &schedule.windows {
            if let (Some(_), true) = (before, window.group.is_empty()) {
                let what = "where one window without a group ends and another begins";
                self.keeps_nothing(window.span, what);
            }
            before = window.group.is_empty().then_some(window);
        }
        self.close("Module_Schedule");
    }

    /// A mean of several windows need not be a whole number of nanoseconds: it is rounded down.
    fn whole_seconds(&self, ticks: u64) -> String {
        let hz = u128::from(self.checked.board.timebase_hz.max(1));
        seconds(u128::from(ticks) * 1_000_000_000 / hz)
    }

    /// Whether each schedule at whose change the partition does something has a window of its own in the XML, where that is said.
    pub(super) fn says_changes(&self, partition: &Partition) -> bool {
        let name = partition.name.value.as_str();
        let schedules = &self.checked.system.schedules;
        let has_window = |change: &ScheduleChange| {
            let mut named =
                (schedules.iter()).filter(|one| one.name.value == change.schedule.value);
            named.any(|one| one.windows.iter().any(|window| first(window) == Some(name)))
        };
        (partition.apex.iter()).all(|apex| apex.schedule_changes.iter().all(has_window))
    }

    fn may_set(&self, partition: &str) -> bool {
        use cofferdam_model::CapabilityRequest::ScheduleSet;
        let all = self.checked.system.capabilities.iter();
        let mut own = all.filter(|(holder, _)| **holder == *partition);
        own.any(|(_, requests)| requests.iter().any(|one| one.value == ScheduleSet))
    }

    fn window(&mut self, place: usize, window: &Window, owner: &str) {
        let attributes = [
            ("WindowIdentifier", place.to_string()),
            ("WindowStartSeconds", self.seconds(*window.at_ticks)),
            ("WindowDurationSeconds", self.seconds(*window.length_ticks)),
            ("PartitionPeriodStart", releases(window, owner).to_string()),
        ];
        let others_run = window.group.len() > 1;
        let others_begin = window.release.iter().any(|one| **one != *owner);
        if !others_run && !others_begin {
            return self.empty("Window_Schedule", &attributes);
        }
        self.open("Window_Schedule", &attributes);
        let texts = |all: &[Spanned<String>]| list(all.iter().map(|one| one.value.as_str()));
        if others_run {
            self.key("group", &texts(&window.group));
            self.keeps(window.span, "who may run besides the first of its group");
        }
        if others_begin {
            self.key("release", &texts(&window.release));
            self.keeps(window.span, "whose period begins in another's window");
        }
        self.close("Window_Schedule");
    }
}
