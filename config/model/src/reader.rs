//! From TOML to values of the declared shapes, reporting every mistake.
//!
//! A mistake inside a table does not hide what stands beside it. Tables with a mistake are remembered ([`Reader::broken`]), so that
//! a rule that then finds something missing there does not report the same mistake twice.

use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::Diagnostic;
use crate::duplicates;
use crate::keys::{Key, Shape};
use crate::rule::{self, RuleText};
use crate::source::{FileId, Span, Spanned};
use crate::units::{self, UnitError};

/// A value whose shape is right.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Boolean(bool),
    /// An integer, bytes or ticks.
    Number(u64),
    Rate {
        count: u64,
        ticks: u64,
    },
    Numbers(Vec<Spanned<u64>>),
    Texts(Vec<Spanned<String>>),
    Table(Fields),
    Tables(Vec<Fields>),
    /// In the order of the file.
    Named(Vec<(Spanned<String>, Spanned<Value>)>),
}

/// A table whose keys are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    /// Where it begins: its header, or all of it if it is an inline table.
    pub span: Span,
    /// All of it.
    pub extent: Span,
    entries: Vec<(&'static str, Spanned<Value>)>,
}

/// What an accessor takes out of a [`Value`].
macro_rules! accessors {
    ($($name:ident: $variant:ident -> $type:ty;)*) => {
        $(pub fn $name(&self, name: &str) -> Option<Spanned<$type>> {
            let found = self.get(name)?;
            match &found.value {
                Value::$variant(value) => Some(Spanned::new(value.clone(), found.span)),
                _ => None,
            }
        })*
    };
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Spanned<Value>> {
        let entry = self.entries.iter().find(|(key, _)| *key == name);
        entry.map(|(_, value)| value)
    }

    accessors! {
        text: Text -> String;
        boolean: Boolean -> bool;
        number: Number -> u64;
        sizes: Numbers -> Vec<Spanned<u64>>;
        texts: Texts -> Vec<Spanned<String>>;
        table: Table -> Fields;
        tables: Tables -> Vec<Fields>;
        named: Named -> Vec<(Spanned<String>, Spanned<Value>)>;
    }

    pub fn rate(&self, name: &str) -> Option<Spanned<(u64, u64)>> {
        let found = self.get(name)?;
        match found.value {
            Value::Rate { count, ticks } => Some(Spanned::new((count, ticks), found.span)),
            _ => None,
        }
    }

    /// Where the value of a key stands; the table's own place if it is not there.
    pub fn span_of(&self, name: &str) -> Span {
        self.get(name).map_or(self.span, |value| value.span)
    }

    /// The tables of a key whose shape is [`Shape::Named`].
    pub fn tables_by_name(&self, name: &str) -> impl Iterator<Item = (Spanned<String>, Fields)> {
        self.entries_of(name)
            .filter_map(|(name, value)| match value {
                Value::Table(fields) => Some((name, fields)),
                _ => None,
            })
    }

    /// The texts of a key whose shape is [`Shape::NamedText`].
    pub fn texts_by_name(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (Spanned<String>, Spanned<String>)> {
        let entries = self.named(name).unwrap_or_default().value;
        entries
            .into_iter()
            .filter_map(|(name, value)| match value.value {
                Value::Text(text) => Some((name, Spanned::new(text, value.span))),
                _ => None,
            })
    }

    /// The lists of a key whose shape is [`Shape::NamedTexts`].
    pub fn lists_by_name(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (Spanned<String>, Vec<Spanned<String>>)> {
        self.entries_of(name)
            .filter_map(|(name, value)| match value {
                Value::Texts(texts) => Some((name, texts)),
                _ => None,
            })
    }

    fn entries_of(&self, name: &str) -> impl Iterator<Item = (Spanned<String>, Value)> {
        let entries = self.named(name).unwrap_or_default().value;
        entries.into_iter().map(|(name, value)| (name, value.value))
    }

    /// The value of a required key; where it is missing, which was reported, an empty one at the table's place.
    pub fn required<T: Default>(&self, found: Option<Spanned<T>>) -> Spanned<T> {
        found.unwrap_or_else(|| Spanned::new(T::default(), self.span))
    }
}

/// Reads one file.
pub(crate) struct Reader<'a> {
    pub file: FileId,
    pub timebase_hz: u64,
    pub diagnostics: &'a mut Vec<Diagnostic>,
    /// The extents of tables in which something is wrong.
    pub broken: &'a mut Vec<Span>,
    /// How many of the diagnostics since the current table began belong to tables in it.
    pub of_inner_tables: usize,
}

impl Reader<'_> {
    /// The file's tables, as far as they can be read. `None` if it is no TOML: what is left of it then would only be
    /// guessed at. Of a key that is there twice the first counts, so that the rest of the file can be judged.
    pub fn read(&mut self, text: &str, keys: &'static [Key]) -> Option<Fields> {
        let (table, mut errors) = DeTable::parse_recoverable(text);
        // Of several errors at one place the first says what is wrong, the others follow from it.
        errors.dedup_by_key(|error| error.span().map(|span| span.start));
        let end = text.len();
        let (twice, broken): (Vec<_>, Vec<_>) = errors
            .iter()
            .partition(|error| error.message() == duplicates::MESSAGE);
        for error in &broken {
            let span = self.span(error.span().unwrap_or(end..end));
            let hint = "look here and just above: a quote, a bracket, a comma or a `=` may be missing or too many";
            self.report(Diagnostic::error(&rule::TOML_SYNTAX, span, error.message()).hint(hint));
        }
        let twice = twice.iter().filter_map(|error| error.span());
        for found in duplicates::find(text, table.get_ref(), &twice.collect::<Vec<_>>()) {
            let (message, hint) = (found.message(), found.hint());
            let mut violation =
                Diagnostic::error(&rule::TOML_SYNTAX, self.span(found.again), message);
            if let Some(first) = found.first {
                violation = violation.also(self.span(first), "first here");
            }
            self.report(violation.hint(hint));
        }
        let span = Span {
            file: self.file,
            start: 0,
            end: end.min(1),
        };
        broken
            .is_empty()
            .then(|| self.table(table.get_ref(), span, "the file", keys))
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span {
            file: self.file,
            start: range.start,
            end: range.end,
        }
    }

    fn table(
        &mut self,
        table: &DeTable<'_>,
        span: Span,
        what: &str,
        keys: &'static [Key],
    ) -> Fields {
        let before = self.diagnostics.len();
        let outer = std::mem::take(&mut self.of_inner_tables);
        let mut fields = Fields {
            span,
            extent: self.extent(table, span),
            entries: Vec::new(),
        };
        for (key, value) in in_file_order(table) {
            let name: &str = key.get_ref();
            let Some(declared) = keys.iter().find(|declared| declared.name == name) else {
                let span = self.span(key.span());
                self.unknown(name, span, what, keys);
                continue;
            };
            let span = self.span(value.span());
            let label = format!("`{name}`");
            if let Some(value) = self.value(value.get_ref(), span, &label, &declared.shape) {
                fields
                    .entries
                    .push((declared.name, Spanned::new(value, span)));
            }
        }
        for key in keys.iter().filter(|key| key.required) {
            if !table.contains_key(key.name) {
                let message = format!("{what} has no `{}`", key.name);
                let diagnostic = Diagnostic::error(&rule::KEY_MISSING, span, message);
                self.report(diagnostic.hint(format!("add `{}`: {}", key.name, key.doc)));
            }
        }
        let all = self.diagnostics.len() - before;
        if all > self.of_inner_tables {
            self.broken.push(fields.extent);
        }
        self.of_inner_tables = outer + all;
        fields
    }

    fn extent(&self, table: &DeTable<'_>, span: Span) -> Span {
        table.iter().fold(span, |all, (key, value)| {
            let here = self.span(key.span()).union(self.span(value.span()));
            match value.get_ref() {
                DeValue::Table(inner) => all.union(self.extent(inner, here)),
                _ => all.union(here),
            }
        })
    }

    fn unknown(&mut self, name: &str, span: Span, what: &str, keys: &'static [Key]) {
        let known: Vec<_> = keys.iter().map(|key| key.name).collect();
        let message = format!("{what} has no key `{name}`");
        let diagnostic = Diagnostic::error(&rule::KEY_UNKNOWN, span, message);
        self.report(diagnostic.hint(suggestion(name, &known)));
    }

    fn value(
        &mut self,
        value: &DeValue<'_>,
        span: Span,
        what: &str,
        shape: &Shape,
    ) -> Option<Value> {
        match (shape, value) {
            (Shape::Text, DeValue::String(text)) => Some(Value::Text(text.to_string())),
            (Shape::Choice(choices), DeValue::String(text)) => {
                if choices.contains(&text.as_ref()) {
                    return Some(Value::Text(text.to_string()));
                }
                let message = format!("{what} cannot be `{text}`");
                let diagnostic = Diagnostic::error(&rule::VALUE_CHOICE, span, message);
                self.report(diagnostic.hint(suggestion(text, choices)));
                None
            }
            (Shape::Boolean, DeValue::Boolean(value)) => Some(Value::Boolean(*value)),
            (Shape::Integer, DeValue::Integer(integer)) => {
                let digits: String = integer.as_str().chars().filter(|c| *c != '_').collect();
                match u64::from_str_radix(&digits, integer.radix()) {
                    Ok(number) => Some(Value::Number(number)),
                    Err(_) => {
                        let message = format!("{what} is not an integer from 0 to 2^64 - 1");
                        let hint = "write an integer without a sign";
                        self.report(
                            Diagnostic::error(&rule::VALUE_SHAPE, span, message).hint(hint),
                        );
                        None
                    }
                }
            }
            (Shape::Time, DeValue::String(text)) => {
                let ticks = units::ticks(text, self.timebase_hz, u64::from(u32::MAX));
                self.quantity(ticks.map(Value::Number), text, span, what, TIME)
            }
            (Shape::LongTime, DeValue::String(text)) => {
                let ticks = units::ticks(text, self.timebase_hz, u64::MAX);
                self.quantity(ticks.map(Value::Number), text, span, what, TIME)
            }
            (Shape::Size, DeValue::String(text)) => {
                let bytes = units::bytes(text);
                self.quantity(bytes.map(Value::Number), text, span, what, SIZE)
            }
            (Shape::Rate, DeValue::String(text)) => {
                let rate = units::rate(text, self.timebase_hz);
                let value = rate.map(|(count, ticks)| Value::Rate { count, ticks });
                self.quantity(value, text, span, what, RATE)
            }
            (Shape::TextOrTexts, DeValue::String(text)) => {
                Some(Value::Texts(vec![Spanned::new(text.to_string(), span)]))
            }
            (Shape::Texts | Shape::TextOrTexts, DeValue::Array(items)) => {
                Some(self.texts(items, what, &Shape::Text))
            }
            (Shape::Choices(choices), DeValue::Array(items)) => {
                Some(self.texts(items, what, &Shape::Choice(choices)))
            }
            (Shape::Sizes, DeValue::Array(items)) => {
                let mut sizes = Vec::new();
                for item in items {
                    let span = self.span(item.span());
                    let value = self.value(item.get_ref(), span, what, &Shape::Size);
                    if let Some(Value::Number(size)) = value {
                        sizes.push(Spanned::new(size, span));
                    }
                }
                Some(Value::Numbers(sizes))
            }
            (Shape::Table(keys), DeValue::Table(table)) => {
                Some(Value::Table(self.table(table, span, what, keys)))
            }
            (Shape::Tables(keys), DeValue::Array(items)) => {
                let mut tables = Vec::new();
                for item in items {
                    let span = self.span(item.span());
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            let what = format!("an entry of {what}");
                            tables.push(self.table(table, span, &what, keys));
                        }
                        _ => self.wrong_shape(span, what, shape),
                    }
                }
                Some(Value::Tables(tables))
            }
            (Shape::Named(keys), DeValue::Table(table)) => {
                Some(self.named(table, &Shape::Table(keys)))
            }
            (Shape::NamedText, DeValue::Table(table)) => Some(self.named(table, &Shape::Text)),
            (Shape::NamedTexts, DeValue::Table(table)) => Some(self.named(table, &Shape::Texts)),
            _ => {
                self.wrong_shape(span, what, shape);
                None
            }
        }
    }

    fn named(&mut self, table: &DeTable<'_>, shape: &Shape) -> Value {
        let mut named = Vec::new();
        for (key, value) in in_file_order(table) {
            let name = Spanned::new(key.get_ref().to_string(), self.span(key.span()));
            let span = self.span(value.span());
            let what = format!("`{name}`");
            if let Some(value) = self.value(value.get_ref(), span, &what, shape) {
                named.push((name, Spanned::new(value, span)));
            }
        }
        Value::Named(named)
    }

    fn texts(&mut self, items: &DeArray<'_>, what: &str, shape: &Shape) -> Value {
        let mut texts = Vec::new();
        for item in items {
            let span = self.span(item.span());
            let value = self.value(item.get_ref(), span, what, shape);
            if let Some(Value::Text(text)) = value {
                texts.push(Spanned::new(text, span));
            }
        }
        Value::Texts(texts)
    }

    fn wrong_shape(&mut self, span: Span, what: &str, shape: &Shape) {
        let expected = match shape {
            Shape::Text | Shape::Choice(_) => "a text",
            Shape::Boolean => "`true` or `false`",
            Shape::Integer => "an integer",
            Shape::Time | Shape::LongTime => TIME,
            Shape::Size => SIZE,
            Shape::Rate => RATE,
            Shape::Sizes => "a list of sizes",
            Shape::Texts | Shape::Choices(_) => "a list of texts",
            Shape::TextOrTexts => "a text or a list of texts",
            Shape::Tables(_) => "a list of tables",
            Shape::Table(_) | Shape::Named(_) | Shape::NamedText | Shape::NamedTexts => "a table",
        };
        let message = format!("{what} is not {expected}");
        self.report(
            Diagnostic::error(&rule::VALUE_SHAPE, span, message)
                .hint(format!("write {expected} here")),
        );
    }

    fn quantity(
        &mut self,
        value: Result<Value, UnitError>,
        text: &str,
        span: Span,
        what: &str,
        expected: &str,
    ) -> Option<Value> {
        let hz = self.timebase_hz;
        let (rule, message, hint): (&'static RuleText, _, _) = match value {
            Ok(value) => return Some(value),
            Err(UnitError::Form) => (
                &rule::VALUE_UNIT,
                format!("{what} cannot be `{text}`"),
                format!("write {expected} here"),
            ),
            Err(UnitError::Fraction) => (
                &rule::TIME_TICKS,
                format!("{what} is not a whole number of timebase ticks: `{text}`"),
                format!("the board's timebase has {hz} ticks per second"),
            ),
            Err(UnitError::TooLarge) => (
                &rule::TIME_TICKS,
                format!("{what} is more than the tables hold: `{text}`"),
                "choose a smaller value".to_string(),
            ),
        };
        self.report(Diagnostic::error(rule, span, message).hint(hint));
        None
    }
}

const TIME: &str = "a time such as \"4ms\" (units ns, us, ms, s)";
const SIZE: &str = "a size such as \"64K\" (units K and M, or none for bytes)";
const RATE: &str = "a rate such as \"20000/s\"";

fn in_file_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(
    &'t toml::Spanned<toml::de::DeString<'i>>,
    &'t toml::Spanned<DeValue<'i>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The one of `known` that was probably meant, else all of them.
pub fn suggestion(wrong: &str, known: &[&str]) -> String {
    match closest(wrong, known) {
        Some(one) => format!("did you mean `{one}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The one of `known` that differs least from `wrong`, if it differs by a third of its letters at most.
pub fn closest<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known.iter().map(|one| (edit_distance(wrong, one), *one));
    let (distance, one) = distances.min()?;
    (distance * 3 <= one.len().max(3) && distance < one.len()).then_some(one)
}

/// Insertions, deletions and substitutions from one text to the other (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, have) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, want) in to.iter().enumerate() {
            let substitution = diagonal + usize::from(have != *want);
            diagonal = row[column + 1];
            row[column + 1] = substitution.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
