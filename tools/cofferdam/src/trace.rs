//! `cargo cofferdam trace`: the events of a run of the kernel `trace`, as lines, for a viewer, as a picture, or as the reason why a partition was late.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use cofferdam_files::{for_file, store};
use cofferdam_progress::{print_result, say};
use cofferdam_record::gathered::{Gathered, Refused};
use cofferdam_record::trace::Trace;
use cofferdam_run::command::events_file;
use cofferdam_timeline::{Run, Stretch, System, chrome, explain, point, svg};

use crate::last_run::{LastRun, PLAN_FILE};

/// What of a run is shown, and how.
#[derive(Args)]
pub struct Arguments {
    /// The system
    #[arg(default_value = "flight")]
    system: String,
    /// A record that was kept, in place of the last run's; the file FILE.events beside it has the events of the whole run, if it is there
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How to show the events
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The major frame to draw, with --format svg; without it the last one that was seen as a whole
    #[arg(long, value_name = "NUMBER")]
    frame: Option<u64>,
    /// Draw from this time on in place of a frame, with --format svg: 12.5ms, or ticks as the lines have them
    #[arg(
        long,
        value_name = "TIME",
        requires = "to",
        conflicts_with = "frame",
        allow_hyphen_values = true
    )]
    from: Option<String>,
    /// Draw until then
    #[arg(
        long,
        value_name = "TIME",
        requires = "from",
        allow_hyphen_values = true
    )]
    to: Option<String>,
    /// Say why this partition ran when it did, or did not, around the time --at
    #[arg(long, value_name = "PARTITION", requires = "at")]
    explain: Option<String>,
    /// When, behind the start of the module: 12.5ms, or ticks as the lines have them
    #[arg(
        long,
        value_name = "TIME",
        requires = "explain",
        allow_hyphen_values = true
    )]
    at: Option<String>,
    /// The file to write, in place of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How to show events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line each
    #[default]
    Text,
    /// One JSON object a line
    Json,
    /// The Trace Event Format: one file for ui.perfetto.dev or chrome://tracing
    Chrome,
    /// A picture of one major frame
    Svg,
}

/// Shows the events of the last run of a system, or of the run that left a record.
pub fn trace(root: &Path, arguments: &Arguments) -> Result<()> {
    arguments.output.as_deref().map(for_file).transpose()?;
    let Arguments { format, frame, .. } = *arguments;
    if (frame.is_some() || arguments.from.is_some()) && format != Format::Svg {
        bail!("--frame, --from and --to say what a picture is of: add --format svg");
    }
    if arguments.explain.is_some() && matches!(format, Format::Chrome | Format::Svg) {
        bail!("an explanation is words: take it as --format text or json");
    }
    if let Some(at) = &arguments.at {
        // In whatever ticks.
        point(at, 1)?;
    }
    let run = read(root, &arguments.system, arguments.record.as_deref())?;
    if let Some(missing) = run.missing() {
        say!("{missing}");
    }
    let text = match (&arguments.explain, format) {
        (Some(partition), _) => explained(&run, partition, arguments)?,
        (None, Format::Text) => lines(run.events.iter().map(ToString::to_string)),
        (None, Format::Json) => {
            let objects = run.events.iter().map(serde_json::to_string);
            lines(objects.collect::<Result<Vec<_>, _>>()?.into_iter())
        }
        (None, Format::Chrome) => chrome::chrome(&run),
        (None, Format::Svg) => svg::svg(&run, stretch(&run, arguments)?)?,
    };
    match &arguments.output {
        Some(path) => store(path, text.as_bytes()),
        None => Ok(print_result(text.trim_end())?),
    }
}

/// What of a run is drawn.
fn stretch(run: &Run, arguments: &Arguments) -> Result<Stretch> {
    let hz = run.system.timebase_hz;
    match (&arguments.from, &arguments.to, arguments.frame) {
        (Some(from), Some(to), _) => Ok(Stretch::Ticks(point(from, hz)?, point(to, hz)?)),
        (_, _, Some(number)) => Ok(Stretch::Frame(number)),
        _ => Ok(Stretch::LastFrame),
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

fn explained(run: &Run, partition: &str, arguments: &Arguments) -> Result<String> {
    let at = arguments.at.as_deref().context("say with --at when")?;
    let at = point(at, run.system.timebase_hz)?;
    let explanation = explain::explain(run, partition, at)?;
    Ok(match arguments.format {
        Format::Json => serde_json::to_string(&explanation)?,
        _ => explanation.to_string(),
    })
}

/// With this a run leaves events.
const TRACED: &str = " --kernel trace";

/// The run: its record, the plan beside it, and its events.
pub fn last_run(root: &Path, system: &str) -> Result<Run> {
    read(root, system, None)
}

/// The same of the run that left a record.
fn read(root: &Path, system: &str, record: Option<&Path>) -> Result<Run> {
    let run = LastRun::read(root, system, record, TRACED)?;
    if run.snapshot.header().trace_kernel == 0 {
        bail!(
            "the kernel of that run of {} was `release`, which keeps no trace; `cargo cofferdam run {system}{TRACED}` leaves one",
            run.name
        );
    }
    let file = run.folder.join(PLAN_FILE);
    if run.is_older_than(&file) {
        say!(
            "{} was built again after that run: channels and windows may be others by now",
            run.name
        );
    }
    let plan = fs::read(&file).map_err(anyhow::Error::from);
    let plan = plan.and_then(|bytes| System::from_json(&bytes));
    let plan = plan.with_context(|| {
        format!(
            "{} is damaged or not there; `cargo cofferdam build {system}` makes it anew",
            file.display()
        )
    })?;
    let trace = events(&run)?;
    Run::new(plan, &run.snapshot, trace)
}

/// The events of the whole run, if they were gathered; else the last ones.
fn events(run: &LastRun) -> Result<Trace> {
    let file = events_file(&run.record);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Trace::of_ring(&run.snapshot));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", file.display()));
        }
    };
    match Gathered::from_bytes(&bytes, &run.snapshot.header()) {
        Ok(gathered) => Ok(Trace::of_run(&gathered, &run.snapshot)),
        Err(refused @ Refused::OfAnotherRun) => {
            say!("{} {refused}: shown is what the record has", file.display());
            Ok(Trace::of_ring(&run.snapshot))
        }
        Err(refused) => bail!(
            "{} {refused}; without that file the last events are shown, which the record has",
            file.display()
        ),
    }
}
