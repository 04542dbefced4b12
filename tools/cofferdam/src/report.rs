//! `cargo cofferdam report`: what the build decided about a system, and what is different in another.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use cofferdam_build::{Built, Failure, Kernel, Tree, locate};
use cofferdam_files::{for_file, store};
use cofferdam_progress::print_result;
use cofferdam_report::{Proof, Proved, Report, diff, gather, page, read};
use cofferdam_run::command::JUDGEMENT_FILE;

use crate::Format as Printed;
use crate::build::failed;
use crate::{prove, text_of, trace};

/// What `report` is told.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ReportArguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The system
    #[arg(default_value = "flight")]
    system: String,
    /// What to make
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    /// The file to write, in place of `report.html` beside the image, or of the terminal for JSON
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Says what is different in a system: flows, windows, memory, bounds, and everything else that a report has
    #[command(after_help = "\
Each of the two is a report in JSON, or a system, which is built for it. The exit status is 0 if they say the same, and 1 if not.

Examples:
  cargo cofferdam report flight --format json -o before.json
  cargo cofferdam report diff before.json flight              what my change did
  cargo cofferdam report diff flight my/system.toml --format json")]
    Diff {
        /// How it was
        before: String,
        /// How it is
        after: String,
        /// How to print the differences
        #[arg(long, value_enum, default_value_t)]
        format: Printed,
    },
}

/// What to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page that needs no other file
    #[default]
    Html,
    /// The same as data
    Json,
}

/// Makes a report. `Ok(false)`: the system is wrong; or two are different.
pub fn report(arguments: ReportArguments, tree: impl Fn() -> Result<Tree>) -> Result<bool> {
    if let Some(Command::Diff {
        before,
        after,
        format,
    }) = arguments.command
    {
        return show_difference(&before, &after, format, &tree);
    }
    arguments.output.as_deref().map(for_file).transpose()?;
    let (report, directory) = match of_system(&arguments.system, &tree)? {
        Ok(made) => made,
        Err(failure) => return failed(failure, Printed::Text),
    };
    let (text, beside) = match arguments.format {
        Form::Html => (page(&report)?, Some(directory.join("report.html"))),
        Form::Json => (serde_json::to_string_pretty(&report)? + "\n", None),
    };
    match arguments.output.or(beside) {
        Some(path) => {
            store(&path, text.as_bytes())?;
            print_result(path.display())?;
        }
        None => print_result(text.trim_end())?,
    }
    Ok(true)
}

/// The report of a system, and where its build lies.
fn of_system(
    system: &str,
    tree: &impl Fn() -> Result<Tree>,
) -> Result<Result<(Report, PathBuf), Failure>> {
    let tree = tree()?;
    let file = locate(&tree.root, system)?;
    let built = match tree.build(&file) {
        Ok(built) => built,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut report = gather(&built)?;
    report.proof = Some(proof(&tree.root, &file, &built)?);
    // There may have been none, or one of another image.
    if let Ok(run) = fs::read_to_string(built.directory.join(JUDGEMENT_FILE)) {
        let traced = report.add_run(&run)
            && (report.run.as_ref()).is_some_and(|run| run.kernel == Kernel::Trace.name());
        if traced {
            report.add_events(&trace::last_run(&tree.root, system)?);
        }
    }
    Ok(Ok((report, built.directory)))
}

/// What the prover says of the image with the kernel that flies.
fn proof(root: &Path, system: &Path, built: &Built) -> Result<Proof> {
    let image = format!("image-{}.elf", Kernel::Release.name());
    let body = prove::of_built(root, system, &built.directory.join(image))?.body;
    let statements = body.statements.into_iter().map(|one| Proved {
        name: one.id,
        statement: one.statement,
        checked: one.checked,
        failures: one.failures,
    });
    Ok(Proof {
        image_sha256: body.image.sha256,
        holds: body.holds,
        open: body.open,
        statements: statements.collect(),
    })
}

fn show_difference(
    before: &str,
    after: &str,
    format: Printed,
    tree: &impl Fn() -> Result<Tree>,
) -> Result<bool> {
    let mut reports = Vec::new();
    for one in [before, after] {
        match either(one, tree)? {
            Ok(report) => reports.push(report),
            Err(failure) => return failed(failure, format),
        }
    }
    let changes = match reports.as_slice() {
        [before, after] => diff(before, after),
        _ => Vec::new(),
    };
    match format {
        Printed::Text if changes.is_empty() => print_result("the two reports say the same")?,
        Printed::Text => {
            for change in &changes {
                print_result(change)?;
            }
        }
        Printed::Json => print_result(serde_json::to_string(&changes)?)?,
    }
    Ok(changes.is_empty())
}

/// A report by its file, or of a system.
fn either(one: &str, tree: &impl Fn() -> Result<Tree>) -> Result<Result<Report, Failure>> {
    let path = Path::new(one);
    if path.is_file() && path.extension().is_none_or(|extension| extension != "toml") {
        let text = text_of(
            path,
            "name a system, or a file that `report --format json` made",
        )?;
        return Ok(Ok(
            read(&text).with_context(|| format!("{one} is no report"))?
        ));
    }
    Ok(of_system(one, tree)?.map(|(report, _)| report))
}
