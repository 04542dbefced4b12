//! The rules of a system, judged on the file alone.

mod apex;
mod channels;
mod devices;
mod dma;
mod guests;
mod health;
mod limits;
mod memory;
mod names;
mod network;
pub mod place;
mod require;
mod time;
mod unused;

pub use apex::apex_identifier;
pub use guests::GUEST_MEMORY_SIZES;
pub use names::{constant, memory_constant, registers_constant, schedule_constant};

use cofferdam_model::{
    Board, Diagnostic, Program, READING_RULES, RuleText, Span, System, Violation,
};

/// Declares a rule: its documentation comment is the published text.
macro_rules! rule {
    ($(#[doc = $line:literal])+ $name:ident = $id:literal, $function:ident;) => {
        $(#[doc = $line])+
        pub(crate) static $name: $crate::rules::Rule = $crate::rules::Rule {
            text: {
                cofferdam_model::rule_text! { $(#[doc = $line])+ static TEXT = $id; }
                &TEXT
            },
            check: $function,
        };
    };
}
pub(crate) use rule;

/// What a rule found.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order found.
    pub list: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }
}

/// A rule of a system.
#[derive(Debug)]
pub struct Rule {
    /// Its id and its text.
    pub text: &'static RuleText,
    /// Reports every violation.
    pub check: fn(&System, &Board, &mut Findings),
}

impl Rule {
    pub(crate) fn violation(&self, span: Span, message: impl Into<String>) -> Violation {
        Diagnostic::error(self.text, span, message)
    }
}

static GROUPS: &[&[&Rule]] = &[
    names::RULES,
    memory::RULES,
    place::RULES,
    devices::RULES,
    dma::RULES,
    network::RULES,
    guests::RULES,
    apex::RULES,
    channels::RULES,
    time::RULES,
    health::RULES,
    unused::RULES,
    limits::RULES,
    require::RULES,
];

/// Every rule of a system.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().flat_map(|group| group.iter().copied())
}

pub(crate) fn reading_rule(id: &str) -> &'static RuleText {
    let found = READING_RULES.iter().find(|rule| rule.id == id);
    found.unwrap_or(&READING_RULES[0])
}

pub(crate) fn files_exist(
    system: &System,
    exists: &dyn Fn(&Program) -> bool,
    is_file: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    for program in system
        .partitions
        .iter()
        .filter_map(|one| one.program.as_ref())
    {
        if exists(program) {
            continue;
        }
        let (path, what, hint) = match program {
            Program::Crate(path) => (
                path,
                format!("there is no folder `{path}` with a Cargo.toml"),
                "`cargo cofferdam new NAME` makes a partition's crate",
            ),
            Program::Image(path) => (
                path,
                format!("there is no file `{path}`"),
                "put the ELF there that its supplier delivered",
            ),
        };
        let message = format!("{what} beside this file or in a folder above it");
        let diagnostic = Diagnostic::error(reading_rule("FILE-READ"), path.span, message);
        findings.push(diagnostic.hint(hint));
    }
    let sources = system.partitions.iter().flat_map(|one| &one.sources);
    for path in sources.filter(|path| !is_file(path)) {
        let message = format!("there is no file `{path}` beside this file or in a folder above it");
        let diagnostic = Diagnostic::error(reading_rule("FILE-READ"), path.span, message);
        findings.push(diagnostic.hint("name a file in C of the application"));
    }
    let guests = system
        .partitions
        .iter()
        .filter_map(|one| one.guest.as_ref());
    let files = guests.flat_map(|guest| [&guest.kernel, &guest.initramfs, &guest.overlay]);
    for path in files.flatten() {
        if !is_file(path) {
            let message =
                format!("there is no file `{path}` beside this file or in a folder above it");
            let diagnostic = Diagnostic::error(reading_rule("FILE-READ"), path.span, message);
            let hint = "name a file of the guest's, or leave the key out for what the build makes";
            findings.push(diagnostic.hint(hint));
        }
    }
}
