//! The user's command: `cargo cofferdam COMMAND`.
//!
//! What a user does with a system: describe it, have it checked and built, run it, and find out why it failed. Every
//! command ends with exit status 0 only if all went well, and says on standard error why it did not.

#![forbid(unsafe_code)]

mod arinc653;
mod build;
mod crash;
mod debug;
mod explain;
mod guest;
mod last_run;
mod new;
mod prove;
mod record;
mod report;
mod symbols;
mod takes;
mod top;
mod trace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use cofferdam_build::{Tree, root};
use cofferdam_progress::{print_result, say};
use cofferdam_run::command::RunArguments;
use cofferdam_setup::{Consent, Toolchain};

/// Checks, builds and runs systems of isolated partitions.
#[derive(Parser)]
#[command(bin_name = "cargo cofferdam", disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Install what is missing without asking
    #[arg(long, global = true)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo cofferdam new pump            a partition to begin with, in partitions/pump
  cargo cofferdam check               is systems/flight/system.toml in order?
  cargo cofferdam build my/system.toml
  cargo cofferdam run flight --for 2s --icount
  cargo cofferdam explain MEMORY-ALIGNMENT
  cargo cofferdam crash               what went wrong in the last run of `flight`
  cargo cofferdam report              a page of everything that the build decided about `flight`

A system is named by its folder in systems/, or by a path: of a folder with a system.toml, or of the file itself.
The variable COFFERDAM_ROOT names another source tree to work on than the one that this command was built from.";

#[derive(Subcommand)]
enum Command {
    /// Makes the crate of a new partition, and prints its lines for system.toml
    #[command(after_help = "\
Examples:
  cargo cofferdam new pump                      partitions/pump, and its lines on the terminal
  cargo cofferdam new pump >> my/system.toml    the lines where they belong; its window is still yours to give")]
    New {
        /// Its name: lower-case letters, digits and `_`
        name: String,
    },
    /// Checks a system.toml against every rule, without building
    #[command(after_help = "\
Examples:
  cargo cofferdam check                         systems/flight/system.toml
  cargo cofferdam check my/system.toml
  cargo cofferdam check flight --format json    one object: `ok`, `diagnostics`, and `error` for what has no place in a file")]
    Check {
        /// The system
        #[arg(default_value = "flight")]
        system: String,
        /// How to print what was found
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Builds a system: its partitions, both kernels, the tables, the images
    #[command(after_help = "\
Examples:
  cargo cofferdam build                         systems/flight; prints what each partition takes, and where the images are
  cargo cofferdam build my/system.toml
  cargo cofferdam build flight --format json    one object: as for `check`, and `images`, `plan`, `partitions`, `channels`")]
    Build {
        /// The system
        #[arg(default_value = "flight")]
        system: String,
        /// How to print what was found
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Builds a system and runs it in QEMU
    #[command(after_help = "\
Examples:
  cargo cofferdam run                           the system `flight`, live on this terminal
  cargo cofferdam run my/system.toml --for 2s --icount
                                                two seconds of it, the same every time, judged
  cargo cofferdam run flight --for 2s --json    the judgement as one JSON object")]
    Run(RunArguments),
    /// Explains a rule by its id; without one, lists all of them
    #[command(after_help = "\
Examples:
  cargo cofferdam explain                       every rule in one sentence
  cargo cofferdam explain MEMORY-ALIGNMENT      all that there is to say about one")]
    Explain {
        /// The id, as a diagnostic shows it
        rule: Option<String>,
    },
    /// Shows the failures that the last run left, down to the source lines
    #[command(after_help = "\
Examples:
  cargo cofferdam crash                         of the system `flight`
  cargo cofferdam crash my/system.toml")]
    Crash {
        /// The system
        #[arg(default_value = "flight")]
        system: String,
        /// A record that was kept, in place of the last run's
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Shows the events of the last run, if that was of the kernel `trace`: as lines, for a viewer, as a picture, or as a reason
    #[command(after_help = "\
Examples:
  cargo cofferdam run flight --for 500ms --icount --kernel trace
  cargo cofferdam trace                         of the system `flight`: ticks behind the start, and what happened
  cargo cofferdam trace my/system.toml --format json
                                                one object a line
  cargo cofferdam trace flight --format chrome -o flight.json
                                                open ui.perfetto.dev or chrome://tracing, and drop the file there:
                                                windows and running spans by partition, messages as arrows
  cargo cofferdam trace flight --format svg --frame 12 -o frame.svg
                                                one major frame to scale, for any browser
  cargo cofferdam trace flight --explain flight --at 120.4ms
                                                who had the processor from its release to its completion, and why")]
    Trace(trace::Arguments),
    /// Runs a system under GDB, on a partition by its name: source lines, its own addresses, breakpoints that bind to it alone
    #[command(after_help = "\
Examples:
  cargo cofferdam debug plant                   of `flight`, before its first instruction: `break plant::main`, `continue`
  cargo cofferdam debug linux linux --execute 'break start_kernel' --execute continue
  cargo cofferdam debug plant --batch --execute 'break plant::main' --execute continue --execute bt
  cargo cofferdam debug plant --script          the script alone, for a debugger of your own

The machine stands still while GDB does, and its clock with it. `park` has the partition alone stand, and the rest go on; `who` says who has
the processor.")]
    Debug(debug::DebugArguments),
    /// Runs a system as `run` does, and keeps the run, so that it can be gone through again to the instruction
    #[command(after_help = "\
Examples:
  cargo cofferdam record flight --for 500ms --headless
                                                the run is in target/cofferdam/flight/recording
  cargo cofferdam record linux -o evening       on this terminal, keys included; the folder has all that it takes
  cargo cofferdam record flight --for 2s --kernel trace

Disks are copied, and what is written to them is gone with the run.")]
    Record(record::RecordArguments),
    /// Goes through a recording again: to its end, or under GDB to any instruction of it, forwards and backwards
    #[command(after_help = "\
Examples:
  cargo cofferdam replay                        the last recording of `flight`: is the end the same?
  cargo cofferdam replay evening --until health under GDB, to the first entry of the health log
  cargo cofferdam replay flight --until health:plant
  cargo cofferdam replay flight --debug plant --until 1000000
  cargo cofferdam replay flight --until health --batch --execute 'back-to rogue::main' --execute bt

GDB has the commands of `debug`, and: `go COUNT`, `back COUNT`, `back-to PLACE`, `back-write WHAT`, `next-health`.")]
    Replay(record::ReplayArguments),
    /// Makes a page of everything that the build decided about a system; says what is different in another
    #[command(after_help = "\
Examples:
  cargo cofferdam report                        builds `flight`; prints where its page is, which a browser shows
  cargo cofferdam report my/system.toml -o evidence/system.html
  cargo cofferdam report flight --format json   the same as data
  cargo cofferdam report diff before.json flight
                                                what a change did to flows, windows, memory, bounds")]
    Report(report::ReportArguments),
    /// Shows the accounts of a system that runs, live: processor time, windows, hypercalls, faults, restarts, channels
    #[command(after_help = "\
Examples:
  cargo cofferdam run flight --kernel trace     in one terminal, and in another:
  cargo cofferdam top flight                    a table, drawn twice a second
  cargo cofferdam top my/system.toml --run      both at once: the run ends with the table
  cargo cofferdam top flight --once             the table once, for scripts
  cargo cofferdam top flight --json             one JSON object
  cargo cofferdam top flight --record FILE      of a record that was kept")]
    Top(top::Arguments),
    /// Proves a finished image: what the file declares and requires, and what holds in every system
    #[command(after_help = "\
Examples:
  cargo cofferdam prove                         the image of `flight`, as it was built last: each statement, and over how many things
  cargo cofferdam prove my/image.elf --system my/system.toml --format json
                                                the certificate of an image from anywhere
  cargo cofferdam prove flight --certificate flight.json --key private.pem
                                                the same signed, in a file
  cargo cofferdam prove flight --verify flight.json --public public.pem
                                                is the certificate of this key, and about this image?")]
    Prove(prove::Arguments),
    /// Fetches and builds a Linux guest; boots it without cofferdam
    #[command(after_help = "\
Examples:
  cargo cofferdam guest build                   prints where the kernel and the first file system are
  cargo cofferdam guest native                  to a shell on this terminal, without cofferdam
  cargo cofferdam guest native --icount off     to /init and off again, the same in every run")]
    Guest {
        #[command(subcommand)]
        command: guest::Command,
    },
    /// Makes a system.toml of the XML configuration of an ARINC 653 module
    #[command(after_help = "\
Examples:
  cargo cofferdam import-arinc653 module.xml > my/system.toml
                                                what was left out and what was added is on standard error
  cargo cofferdam import-arinc653 module.xml --output my/system.toml --format json
                                                the file as a whole or not at all, and the report as one object")]
    ImportArinc653 {
        /// The XML
        module: PathBuf,
        /// The file to write, in place of the terminal
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// How to print what was found
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Makes the XML configuration of an ARINC 653 module of a system
    #[command(after_help = "\
Examples:
  cargo cofferdam export-arinc653 flight > module.xml
                                                what has no counterpart is on standard error; the import takes all of it back
  cargo cofferdam export-arinc653 my/system.toml --output module.xml")]
    ExportArinc653 {
        /// The system
        #[arg(default_value = "flight")]
        system: String,
        /// The file to write, in place of the terminal
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// How to print what was found
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Prints a JSON Schema of system.toml, for editors
    #[command(after_help = "\
Example:
  cargo cofferdam schema > system.schema.json")]
    Schema,
}

/// How to print what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// JSON objects
    Json,
}

/// A file of text that a user named; `otherwise`: what there is to do if it is none.
fn text_of(path: &Path, otherwise: &str) -> Result<String> {
    let file = path.display();
    let bytes =
        std::fs::read(path).with_context(|| format!("{file} cannot be read; {otherwise}"))?;
    String::from_utf8(bytes).with_context(|| format!("{file} is no text; {otherwise}"))
}

fn main() -> ExitCode {
    let Cli { command, yes } = Cli::parse();
    let consent = Consent::of_user(yes);
    match cofferdam_interrupt::watch().and_then(|()| run(command, consent)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            cofferdam_interrupt::give_way();
            say!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. `Ok(false)`: the command itself went well, what it judged did not.
fn run(command: Command, consent: Consent) -> Result<bool> {
    let tree = || -> Result<Tree> {
        let root = root()?;
        let toolchain = Toolchain::find(&root)?;
        Ok(Tree::new(&root, &toolchain, consent))
    };
    match command {
        Command::New { name } => new::new(&root()?, &name).map(|()| true),
        Command::Check { system, format } => {
            let checked = root().and_then(|root| build::check(&root, &system, format));
            build::in_format(format, checked)
        }
        Command::Build { system, format } => {
            let built = tree().and_then(|tree| build::build(&tree, &system, format));
            build::in_format(format, built)
        }
        Command::Run(arguments) => arguments.execute(tree),
        Command::Explain { rule } => explain::explain(rule.as_deref()).map(|()| true),
        Command::Crash { system, record } => {
            crash::crash(&root()?, &system, record.as_deref()).map(|()| true)
        }
        Command::Trace(arguments) => trace::trace(&root()?, &arguments).map(|()| true),
        Command::Debug(arguments) => debug::debug(&arguments, tree),
        Command::Record(arguments) => record::record(&arguments, tree),
        Command::Replay(arguments) => record::replay(&arguments, &root()?),
        Command::Report(arguments) => report::report(arguments, tree),
        Command::Top(arguments) => top::top(&root()?, &arguments).map(|()| true),
        Command::Prove(arguments) => {
            let format = arguments.format();
            let proved = root().and_then(|root| prove::prove(&root, &arguments));
            build::in_format(format, proved)
        }
        Command::Guest { command } => guest::run(&root()?, command, consent).map(|()| true),
        Command::ImportArinc653 {
            module,
            output,
            format,
        } => {
            let done = arinc653::import(&module, output.as_deref(), format);
            build::in_format(format, done)
        }
        Command::ExportArinc653 {
            system,
            output,
            format,
        } => {
            let done = arinc653::export(&system, output.as_deref(), format, tree);
            build::in_format(format, done)
        }
        Command::Schema => {
            print_result(serde_json::to_string_pretty(&cofferdam_model::schema())?)?;
            Ok(true)
        }
    }
}
