//! A rule's text, and the rules that reading itself imposes.

/// A rule: a stable id, and its text. The first paragraph is the published sentence.
#[derive(Debug)]
pub struct RuleText {
    /// The stable id.
    pub id: &'static str,
    /// The lines of its documentation comment.
    pub lines: &'static [&'static str],
}

impl RuleText {
    /// What the rule demands, in one sentence.
    pub fn sentence(&self) -> String {
        join(self.lines.iter().take_while(|line| !line.trim().is_empty()))
    }

    /// Why, and what to do about it.
    pub fn explanation(&self) -> String {
        let mut paragraphs = self.lines.split(|line| line.trim().is_empty());
        paragraphs.next();
        let paragraphs: Vec<_> = paragraphs.map(|lines| join(lines.iter())).collect();
        paragraphs.join("\n\n")
    }
}

fn join<'a>(lines: impl Iterator<Item = &'a &'static str>) -> String {
    lines.map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Declares a rule's text: its documentation comment is what `explain` prints.
#[macro_export]
macro_rules! rule_text {
    ($(#[doc = $line:literal])+ $visibility:vis static $name:ident = $id:literal;) => {
        $(#[doc = $line])+
        $visibility static $name: $crate::RuleText = $crate::RuleText { id: $id, lines: &[$($line),+] };
    };
}

macro_rules! reading_rules {
    ($($(#[doc = $line:literal])+ $name:ident = $id:literal;)+) => {
        $(rule_text! { $(#[doc = $line])+ pub(crate) static $name = $id; })+

        /// The rules that a file has to obey to be read at all.
        pub static READING_RULES: &[&RuleText] = &[$(&$name),+];
    };
}

reading_rules! {
    /// Each file named can be read.
    ///
    /// The path of an image or a crate is looked for beside `system.toml`, and then in each folder above it.
    FILE_READ = "FILE-READ";
    /// The file is TOML.
    ///
    /// The format is that of <https://toml.io>, version 1.1. Reading goes on behind a mistake where that makes sense, so that one run
    /// shows as many mistakes as can be told apart.
    TOML_SYNTAX = "TOML-SYNTAX";
    /// Each key is one that this version knows.
    ///
    /// Nothing in the file is silently ignored: a misspelt key would otherwise leave a default in force that nobody meant.
    KEY_UNKNOWN = "KEY-UNKNOWN";
    /// Each key that has no default is given.
    ///
    /// Where a default would be a guess about the system's purpose there is none.
    KEY_MISSING = "KEY-MISSING";
    /// Each value has the shape that its key asks for.
    ///
    /// Quantities are strings with a unit (`"4ms"`, `"512K"`); counts are integers.
    VALUE_SHAPE = "VALUE-SHAPE";
    /// Each quantity is an integer with a unit.
    ///
    /// Times take `ns`, `us`, `ms` and `s`; sizes take `K` and `M` (powers of 1024) or no unit for bytes; rates are a count per time
    /// unit, as in `20000/s`.
    VALUE_UNIT = "VALUE-UNIT";
    /// Each value from a fixed choice is one of that choice.
    VALUE_CHOICE = "VALUE-CHOICE";
    /// Each time is a whole number of timebase ticks, and no more of them than the tables hold.
    ///
    /// The kernel compares ticks. A time that had to be rounded would mean something else than the file says, so it is refused. The board
    /// file gives the ticks per second.
    TIME_TICKS = "TIME-TICKS";
    /// Each end of a channel is written `partition.port`, or `partition.array[]`.
    ///
    /// The port's name is what the partition's own code calls it. Of an array the code has all ports together, each with the name of the
    /// partition at its other end.
    PORT_FORM = "PORT-FORM";
    /// Each message type is `crate::Type` or `bytes(N)`.
    ///
    /// The first form is a Rust type with a fingerprint that both ends carry; the second is N bytes with no meaning to the build, for
    /// partitions in C and for guests.
    TYPE_FORM = "TYPE-FORM";
    /// Each capability is one of `health.log`, `schedule.status`, `schedule.set`, `partition.status:NAME`, `partition.stop:NAME`,
    /// `partition.restart:NAME` and `partition.control:NAME`.
    ///
    /// `*` in place of NAME stands for every other partition. `control` is stop and restart together; each of them can ask for the
    /// status as well.
    CAPABILITY_FORM = "CAPABILITY-FORM";
    /// Each error of a health table is one that the health monitor knows, at the level of that table.
    HEALTH_ERROR = "HEALTH-ERROR";
    /// Each action of a health table is one that the health monitor can take.
    ///
    /// They are `ignore`, `log`, `reflect`, `restart_cold`, `restart_warm`, `stop`, `switch_schedule:NAME`, `halt` and `reset`.
    HEALTH_ACTION = "HEALTH-ACTION";
    /// Each statement of `[require]` has one of the forms that can be proved.
    ///
    /// Flow: `A -/-> B`, or `A -/-> B except C, D`. Latency: `interrupt DEVICE -> PARTITION <= TIME`. Memory: `no page writable and
    /// executable`, and `no page shared except by ring`.
    REQUIRE_FORM = "REQUIRE-FORM";
}
