//! Whether anything unexpected happened in a run.

use anyhow::Result;
use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_abi::record::{HealthRecord, MODULE, Mark, PartitionState, State};
use cofferdam_build::Built;
use cofferdam_core::BootFailure;
use cofferdam_model::{Partition, System};
use cofferdam_record::Snapshot;
use guest_monitor::devices::Ending;
use power_messages::POWER_OFF_MARK;

use crate::follow::{Ended, Followed};
use crate::report::{DmaReport, GuestReport, PartitionReport, Report};
use crate::{Options, attacks, memory, nanoseconds};

/// The earliest release of a partition that was never released.
const NEVER: u32 = u32::MAX;

/// The judgement.
pub(crate) fn judge(
    built: &Built,
    options: &Options,
    image: &[u8],
    followed: &Followed,
    snapshot: &Snapshot,
) -> Result<Report> {
    let header = snapshot.header();
    let mut reasons = Vec::new();
    let powered_off_by = powered_off_by(built, followed);
    if powered_off_by.is_none() {
        end(options, followed, snapshot, &mut reasons);
    }
    let mut partitions = Vec::new();
    let mut attack_reports = Vec::new();
    if snapshot.is_valid() && header.start_tick.get() != 0 {
        module(options, followed, snapshot, &mut reasons);
        for index in 0..built.plan.partitions.len().min(snapshot.partition_count()) {
            let report = partition(built, followed, snapshot, index)?;
            let judged = Judged {
                snapshot,
                index,
                report: &report,
            };
            self::events(built, options, followed, &judged, &mut reasons);
            partitions.push(report);
        }
        for address in memory::changed_constants(&followed.memory, image)? {
            reasons.push(format!(
                "memory that nobody may write was changed, at physical address {address:#010x}"
            ));
        }
        if built.plan.bus.is_some() {
            for address in memory::not_empty(&followed.memory, image, &built.plan)? {
                reasons.push(format!(
                    "memory that nobody has was written, at physical address {address:#010x}"
                ));
            }
        }
        attack_reports = attacks::attacks(built, followed, snapshot);
        attack_reports.extend(attacks::of_guests(built, followed, snapshot));
        for attack in &attack_reports {
            if matches!(attack.verdict, "breached" | "unnoticed") {
                reasons.push(format!(
                    "attack {} ({}): {}",
                    attack.id, attack.title, attack.verdict
                ));
            }
        }
    }
    Ok(Report {
        system: built.plan.system.clone(),
        ok: reasons.is_empty(),
        reasons,
        kernel: options.kernel.name(),
        instruction_clock: options.instruction_clock,
        machine_time_ns: nanoseconds(elapsed(snapshot), built.plan.timebase_hz),
        window_jitter_max_ticks: window_jitter(snapshot),
        powered_off_by,
        dma: dma(built),
        partitions,
        attacks: attack_reports,
    })
}

/// The devices that reach memory by themselves.
fn dma(built: &Built) -> Vec<DmaReport> {
    let functions = built.plan.bus.iter().flat_map(|bus| &bus.functions);
    let masters = functions.filter(|function| function.dma != "none");
    masters
        .map(|function| DmaReport {
            device: function.device.clone(),
            owner: (built.plan.partitions.get(function.owner))
                .map_or_else(String::new, |owner| owner.name.clone()),
            dma: function.dma,
            reaches: function.reaches.clone(),
        })
        .collect()
}

/// Ticks since the module began.
fn elapsed(snapshot: &Snapshot) -> u64 {
    let header = snapshot.header();
    let start = header.start_tick.get();
    header.now_tick.get().saturating_sub(start)
}

/// Who switched the machine off, if it ended so and the system's file let that happen.
fn powered_off_by(built: &Built, followed: &Followed) -> Option<String> {
    if followed.ended != Ended::Off {
        return None;
    }
    let checked = &built.checked;
    let has_authority = |index: usize| {
        let partition = checked.system.partitions.get(index)?;
        let devices = partition.devices.iter();
        let mut facts = devices.filter_map(|device| checked.board.device(device));
        let may = facts.any(|facts| facts.module_authority.is_some());
        may.then(|| partition.name.value.clone())
    };
    who_said(followed.marks.values(), has_authority)
}

/// Who said that it would switch the machine off, of those that own a device by which they can.
fn who_said<'a>(
    marks: impl Iterator<Item = &'a Mark>,
    has_authority: impl Fn(usize) -> Option<String>,
) -> Option<String> {
    marks
        .filter(|mark| mark.identifier == POWER_OFF_MARK)
        .find_map(|mark| has_authority(mark.partition.get() as usize))
}

/// How the run ended.
fn end(options: &Options, followed: &Followed, snapshot: &Snapshot, reasons: &mut Vec<String>) {
    let header = snapshot.header();
    let reason = match &followed.ended {
        Ended::State(State::Stopped) => return,
        Ended::State(State::BootFailed) => format!(
            "the kernel refused its tables: {} (boot failure {})",
            BootFailure::text(header.reason.get()),
            header.reason
        ),
        Ended::State(State::Halted) => {
            let error = u8::try_from(header.reason.get())
                .ok()
                .and_then(Error::from_number);
            let error = error.map_or("an unknown error", Error::name);
            format!("the module halted, as its table says for {error}")
        }
        Ended::State(State::Dead) => {
            "the kernel died; `cargo cofferdam crash` shows where".to_owned()
        }
        Ended::State(state) => format!("the machine ended as {state:?}"),
        // Without a time to run for, it is the user who ends the run.
        Ended::Off if options.machine_time.is_none() && snapshot.is_valid() => return,
        Ended::Off => "the machine was switched off or reset before its time".to_owned(),
        Ended::Interrupted => "interrupted".to_owned(),
        Ended::QemuFailed(why) => format!("QEMU failed: {why}"),
        Ended::Standstill(_) if !snapshot.is_valid() => {
            "the kernel never began: its record is empty".to_owned()
        }
        Ended::Standstill(threads) => format!(
            "the kernel begins no window any more, behind tick {}; QEMU's threads: {}",
            header.now_tick,
            threads.join(", ")
        ),
        Ended::TimedOut => "the machine is far too slow on this host".to_owned(),
    };
    reasons.push(reason);
}

/// Errors of the module. Without the clock of instructions a late window is the host's fault.
fn module(options: &Options, followed: &Followed, snapshot: &Snapshot, reasons: &mut Vec<String>) {
    let header = snapshot.header();
    let resets = header.boots.get().saturating_sub(1);
    if resets != options.resets {
        reasons.push(format!("the module was reset {resets} times"));
    }
    let of_module = followed
        .health
        .values()
        .filter(|entry| entry.partition == MODULE);
    let mut seen = Vec::new();
    for entry in of_module {
        let Some(error) = Error::from_number(entry.error) else {
            continue;
        };
        let excused = error == Error::WindowLate && !options.instruction_clock;
        if !excused && !seen.contains(&error) {
            seen.push(error);
            reasons.push(format!("an error of the module: {}", error.name()));
        }
    }
    if options.instruction_clock && header.late_windows.get() > 0 {
        reasons.push(format!("{} windows began late", header.late_windows));
    }
    let jitter = window_jitter(snapshot).unwrap_or(0);
    if options.instruction_clock && jitter > 0 {
        reasons.push(format!("a window began {jitter} ticks later than another"));
    }
}

/// By how much the latest window, whether anybody was released with it or not, began later than the earliest release: all begin by the
/// same instructions, so that on a machine that counts these it is nothing.
fn window_jitter(snapshot: &Snapshot) -> Option<u32> {
    let accounts = (0..snapshot.partition_count()).map(|index| snapshot.partition(index));
    let earliest = accounts.map(|one| one.jitter_min_ticks.get()).min()?;
    let latest = snapshot.header().jitter_max_ticks.get();
    (earliest != NEVER).then(|| latest.saturating_sub(earliest))
}

fn partition(
    built: &Built,
    followed: &Followed,
    snapshot: &Snapshot,
    index: usize,
) -> Result<PartitionReport> {
    let account = snapshot.partition(index);
    let plan = &built.plan.partitions[index];
    let latest = account.jitter_max_ticks.get();
    Ok(PartitionReport {
        name: plan.name.clone(),
        releases: account.releases.get(),
        deadlines_missed: account.deadlines_missed.get(),
        // Before the first release the earliest one stands at the end of all time.
        jitter_min_ticks: account.jitter_min_ticks.get().min(latest),
        jitter_max_ticks: latest,
        cpu_ticks: account.cpu_ticks.get(),
        worst_window_used_ticks: account.worst_window_used_ticks.get(),
        response_max_ticks: account.response_max_ticks.get(),
        stack_high_water_bytes: memory::stack_high_water(&followed.memory, plan)?,
        health_events: account.health_events.get(),
        errors: (Error::ALL[..PARTITION_ERRORS].iter())
            .map(|error| (error.name(), account.errors[*error as usize].get().into()))
            .filter(|(_, count)| *count > 0)
            .collect(),
        restarts: account.restarts.get(),
        guest: plan.guest.is_some().then(|| {
            let idle_ticks = account.guest_idle_ticks.get();
            let own = account.cpu_ticks.get().saturating_add(idle_ticks);
            GuestReport {
                idle_ticks,
                stolen_ticks: elapsed(snapshot).saturating_sub(own),
            }
        }),
    })
}

/// Whose events are judged.
struct Judged<'j> {
    snapshot: &'j Snapshot,
    index: usize,
    report: &'j PartitionReport,
}

/// Whether an error that came and is expected stops a partition, as the tables say.
fn is_the_end(system: &System, index: usize, came: impl Fn(Error) -> bool) -> bool {
    let expected = &system.partitions[index].expect;
    let stops = |error: Error| {
        let actions = system.actions_of(index);
        let last = actions.filter(|one| *one.error == error).last();
        last.is_some_and(|one| *one.action == Action::Stop)
    };
    let mut expected = expected.iter().map(|error| **error);
    expected.any(|error| came(error) && stops(error))
}

/// Whether the last health event of a partition is an ending of its guest that is expected, and after which its monitor stops, as the file says.
fn is_the_guests_end(partition: &Partition, error: u8, detail: u32) -> bool {
    let Some(guest) = &partition.guest else {
        return false;
    };
    let endings = [
        (Ending::Reset, guest.on_reset),
        (Ending::PowerOff, guest.on_power_off),
        (Ending::Panic, guest.on_panic),
        (Ending::Hang, guest.on_hang),
    ];
    let expected = (partition.expect.iter()).any(|error| **error == Error::ApplicationError);
    let of_guest = error == Error::ApplicationError as u8;
    let stops =
        |(ending, action): &(Ending, Action)| ending.detail() == detail && *action == Action::Stop;
    expected && of_guest && endings.iter().any(stops)
}

/// What happened to a partition, and what of it the system's file does not expect.
fn events(
    built: &Built,
    options: &Options,
    followed: &Followed,
    judged: &Judged<'_>,
    reasons: &mut Vec<String>,
) {
    let Judged {
        snapshot,
        index,
        report,
    } = *judged;
    let plan = &built.plan.partitions[index];
    let account = snapshot.partition(index);
    let name = &plan.name;
    let expects = |error: Error| plan.expect.contains(&error.name());
    for error in &Error::ALL[..PARTITION_ERRORS] {
        let count = account.errors[*error as usize].get();
        let excused = *error == Error::DeadlineMissed && !options.instruction_clock;
        if count > 0 && !expects(*error) && !excused {
            reasons.push(format!("{name}: {} ({count} times)", error.name()));
        }
    }
    let timed = options.instruction_clock && plan.deadline_ticks.is_some();
    let deadlines_expected = expects(Error::DeadlineMissed);
    if timed
        && !deadlines_expected
        && report.deadlines_missed > account.errors[Error::DeadlineMissed as usize].get().into()
    {
        reasons.push(format!(
            "{name}: {} deadlines missed",
            report.deadlines_missed
        ));
    }
    let jitter = report.jitter_ticks();
    if timed && jitter > 0 {
        reasons.push(format!(
            "{name}: its releases moved by up to {jitter} ticks"
        ));
    }
    if timed && report.releases == 0 {
        reasons.push(format!("{name}: it was never released"));
    }
    let stopped = account.state == PartitionState::Stopped as u32;
    let system = &built.checked.system;
    let came = |error: Error| account.errors[error as usize].get() > 0;
    let of_it = |entry: &&HealthRecord| usize::from(entry.partition) == index;
    let last = followed.health.values().rfind(of_it);
    let as_said = expects(Error::RestartLimit)
        || is_the_end(system, index, came)
        || last.is_some_and(|last| {
            is_the_guests_end(&system.partitions[index], last.error, last.detail.get())
        });
    if stopped && system.partitions[index].autostart && !as_said {
        reasons.push(format!("{name}: it is stopped"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = include_str!("../../../systems/linux/system.toml");
    const NAME: &str = "linux";

    fn system(replace: &[(&str, &str)]) -> (System, usize) {
        let mut text = LINUX.to_owned();
        for (before, after) in replace {
            assert!(text.contains(before), "{before}");
            text = text.replace(before, after);
        }
        let checked = cofferdam_check::check_text("system.toml", &text).expect("it is right");
        let index = checked.system.partition_index(NAME).expect("it is there");
        (checked.system, index)
    }

    #[test]
    fn a_guest_that_is_switched_off_may_be() {
        let off = (Error::ApplicationError, Ending::PowerOff);
        let ends = |partition: &Partition, (error, ending): (Error, Ending)| {
            is_the_guests_end(partition, error as u8, ending.detail())
        };
        let expect = "expect      = [\"application_error\"]";
        for (replace, last, right) in [
            (("", ""), off, true),
            (("", ""), (Error::Trap, Ending::PowerOff), false),
            (("", ""), (Error::ApplicationError, Ending::Panic), false),
            ((expect, ""), off, false),
            (
                ("on_power_off = \"stop\"", "on_power_off = \"restart_cold\""),
                off,
                false,
            ),
            (
                ("on_panic     = \"restart_cold\"", "on_panic     = \"stop\""),
                (Error::ApplicationError, Ending::Panic),
                true,
            ),
        ] {
            let (system, index) = system(&[replace]);
            let judged = ends(&system.partitions[index], last);
            assert_eq!(judged, right, "{replace:?}");
        }
        let (system, _) = system(&[]);
        let beside = system.partition_index("flight").expect("it is there");
        assert!(!ends(&system.partitions[beside], off));
    }

    #[test]
    fn an_expected_error_that_stops_is_an_end() {
        let of_table = (
            "application_error      = \"log\"",
            "application_error      = \"stop\"",
        );
        let expect = (
            "expect      = [\"application_error\"]",
            "expect      = [\"trap\"]",
        );
        let all = |_: Error| true;
        let none = |_: Error| false;
        let ends = |replace: &[(&str, &str)], came: fn(Error) -> bool| {
            let (system, index) = system(replace);
            is_the_end(&system, index, came)
        };
        assert!(ends(&[of_table], all));
        assert!(!ends(&[of_table], none), "it did not come");
        assert!(!ends(&[], all), "it is logged");
        assert!(!ends(&[of_table, expect], all), "another one is expected");
        let own = (
            "back_off = \"20ms\" }",
            "back_off = \"20ms\" }\nerrors      = { application_error = \"log\" }",
        );
        assert!(!ends(&[of_table, own], all), "its own table comes first");
    }

    /// A machine that goes off is well only if its owner said so: without a word, or by a word of anybody else, it failed.
    #[test]
    fn only_who_may_and_says_so_has_switched_the_machine_off() {
        let mark = |partition: u32, identifier: u32| Mark {
            tick: 0.into(),
            sequence: 0.into(),
            partition: partition.into(),
            identifier: identifier.into(),
            value: 0.into(),
        };
        let has_authority = |index: usize| (index == 1).then(|| "power".to_owned());
        let who = |marks: &[Mark]| who_said(marks.iter(), has_authority);
        assert_eq!(who(&[]), None);
        assert_eq!(
            who(&[mark(0, POWER_OFF_MARK), mark(2, POWER_OFF_MARK)]),
            None
        );
        assert_eq!(who(&[mark(1, POWER_OFF_MARK ^ 1)]), None);
        let said = [mark(0, POWER_OFF_MARK), mark(1, POWER_OFF_MARK)];
        assert_eq!(who(&said), Some("power".to_owned()));
    }
}
