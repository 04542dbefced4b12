//! From values of the declared shapes to a [`System`].

use std::path::Path;

use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};

use crate::apex::Apex;
use crate::board::{self, Board};
use crate::diagnostic::Diagnostic;
use crate::keys;
use crate::reader::{Fields, Reader, suggestion};
use crate::requirement;
use crate::rule;
use crate::source::{FileId, Sources, Span, Spanned};
use crate::system::*;
use crate::units;

/// What reading gave. The system is whole only if no diagnostic is an error.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The texts.
    pub sources: Sources,
    /// Whether the text is TOML at all; if not, the system is empty.
    pub is_toml: bool,
    /// The system, as far as it could be read.
    pub system: System,
    /// Its board.
    pub board: Board,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The extents of tables in which something is wrong.
    pub broken: Vec<Span>,
}

/// Reads the text of a `system.toml`. `read_file` opens the board file, if the board is not one that the tool knows: its argument is a
/// path relative to `system.toml`.
pub fn parse(
    name: &str,
    text: &str,
    read_file: &dyn Fn(&Path) -> Result<String, std::io::Error>,
) -> Parsed {
    let mut parsed = Parsed::default();
    let file = parsed.sources.add(name, text);
    // The board's timebase gives times their meaning, so the board comes first.
    parsed.board = find_board(&mut parsed, text, file, read_file);
    let mut reader = Reader {
        file,
        timebase_hz: parsed.board.timebase_hz,
        diagnostics: &mut parsed.diagnostics,
        broken: &mut parsed.broken,
        of_inner_tables: 0,
    };
    let fields = reader.read(text, keys::FILE);
    parsed.is_toml = fields.is_some();
    if let Some(fields) = fields {
        parsed.system = Parser { reader }.system(&fields);
    }
    parsed
}

fn find_board(
    parsed: &mut Parsed,
    text: &str,
    file: FileId,
    read_file: &dyn Fn(&Path) -> Result<String, std::io::Error>,
) -> Board {
    // What else is wrong with the file is reported when it is read as a whole.
    let mut reader = Reader {
        file,
        timebase_hz: 0,
        diagnostics: &mut Vec::new(),
        broken: &mut Vec::new(),
        of_inner_tables: 0,
    };
    let fields = reader.read(text, keys::FILE).unwrap_or_default();
    let name = fields
        .table("system")
        .and_then(|system| system.text("board"));
    let fallback = board::known_names()[0];
    // Times need some timebase, so that the rest of the file can be judged.
    let any_board = || {
        let (_, text) = board::known(fallback).unwrap_or_default();
        board::read(text, file, &mut Vec::new(), &mut Vec::new()).unwrap_or_default()
    };
    let (path, text) = match &name {
        Some(name) if name.ends_with(".toml") => match read_file(Path::new(&name.value)) {
            Ok(text) => (name.value.clone(), text),
            Err(error) => {
                let message = format!("the board file `{name}` cannot be read: {error}");
                let diagnostic = Diagnostic::error(&rule::FILE_READ, name.span, message);
                let hint = "the path is relative to this file";
                parsed.diagnostics.push(diagnostic.hint(hint));
                return any_board();
            }
        },
        _ => {
            let wanted = name.as_ref().map_or(fallback, |name| name.as_str());
            let known = board::known(wanted);
            if let (None, Some(name)) = (known, &name) {
                let message = format!("no board is called `{name}`");
                let diagnostic = Diagnostic::error(&rule::VALUE_CHOICE, name.span, message);
                let hint = suggestion(name, &board::known_names());
                let hint =
                    format!("{hint} (a path that ends in `.toml` names a board file of your own)");
                parsed.diagnostics.push(diagnostic.hint(hint));
            }
            let (path, text) = known.or(board::known(fallback)).unwrap_or_default();
            (path.to_string(), text.to_string())
        }
    };
    let board_file = parsed.sources.add(path, text.as_str());
    let (diagnostics, broken) = (&mut parsed.diagnostics, &mut parsed.broken);
    board::read(&text, board_file, diagnostics, broken).unwrap_or_else(any_board)
}

struct Parser<'a> {
    reader: Reader<'a>,
}

impl Parser<'_> {
    fn error(
        &mut self,
        rule: &'static crate::rule::RuleText,
        span: Span,
        message: String,
        hint: String,
    ) {
        self.reader
            .report(Diagnostic::error(rule, span, message).hint(hint));
    }

    /// Parses a table, and remembers it as broken if that reports anything.
    fn whole<T>(&mut self, fields: &Fields, parse: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.reader.diagnostics.len();
        let parsed = parse(self);
        if self.reader.diagnostics.len() > before {
            self.reader.broken.push(fields.extent);
        }
        parsed
    }

    fn system(&mut self, fields: &Fields) -> System {
        let system = fields.required(fields.table("system"));
        let kernel = fields.required(fields.table("kernel"));
        let require = fields.table("require").unwrap_or_default();
        System {
            name: system.required(system.text("name")),
            ram_bytes: system.required(system.number("ram")),
            guard_ticks: kernel.required(kernel.number("guard")),
            module_errors: self.errors(&kernel, PARTITION_ERRORS..Error::ALL.len()),
            module_errors_span: kernel.span_of("errors"),
            default_errors: self.errors(fields, 0..PARTITION_ERRORS),
            partitions: fields
                .tables_by_name("partition")
                .map(|(name, fields)| self.whole(&fields, |parser| parser.partition(name, &fields)))
                .collect(),
            devices: fields.tables_by_name("device").map(device).collect(),
            channels: fields
                .tables_by_name("channel")
                .map(|(name, fields)| self.whole(&fields, |parser| parser.channel(name, &fields)))
                .collect(),
            capabilities: self.capabilities(fields),
            schedules: fields.tables_by_name("schedule").map(schedule).collect(),
            flow: self.statements(&require, "flow", |_, text| requirement::flow(text)),
            latency: self.statements(&require, "latency", |parser, text| {
                parser.latency(requirement::latency(text)?)
            }),
            memory: self.statements(&require, "memory", |_, text| requirement::memory(text)),
        }
    }

    /// The entries of the key `errors`, which may be those numbered `level`.
    fn errors(&mut self, fields: &Fields, level: std::ops::Range<usize>) -> Vec<ErrorAction> {
        let mut actions = Vec::new();
        for (name, text) in fields.texts_by_name("errors") {
            let error = self.error_name(&name, level.clone());
            // What stands for an action that is none gives nobody influence, so that no rule judges what nobody wrote.
            let harmless = if level.start == 0 {
                Action::Stop
            } else {
                Action::Halt
            };
            let (action, schedule) = self.action(&text, harmless);
            if let Some(error) = error {
                actions.push(ErrorAction {
                    error: Spanned::new(error, name.span),
                    action,
                    schedule,
                });
            }
        }
        actions
    }

    fn error_name(
        &mut self,
        name: &Spanned<String>,
        level: std::ops::Range<usize>,
    ) -> Option<Error> {
        let known = &Error::ALL[level];
        let found = known.iter().find(|error| error.name() == **name);
        if found.is_none() {
            let names: Vec<_> = known.iter().map(|error| error.name()).collect();
            let message = format!("`{name}` is no error of this level");
            self.error(
                &rule::HEALTH_ERROR,
                name.span,
                message,
                suggestion(name, &names),
            );
        }
        found.copied()
    }

    /// The action, and its target. For what is none, which is reported, `harmless`.
    fn action(
        &mut self,
        text: &Spanned<String>,
        harmless: Action,
    ) -> (Spanned<Action>, Option<Spanned<String>>) {
        let (name, target) = match text.split_once(':') {
            Some((name, target)) => (name, Some(target)),
            None => (text.as_str(), None),
        };
        let schedule = target.map(|target| Spanned::new(target.to_string(), text.span));
        let (message, hint) = match Action::from_name(name) {
            Some(action) if (action == Action::SwitchSchedule) == target.is_some() => {
                return (Spanned::new(action, text.span), schedule);
            }
            Some(_) => (
                format!("`{text}` is not a whole action"),
                "`switch_schedule:NAME` names a schedule, the other actions nothing".to_string(),
            ),
            None => {
                let names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
                (format!("`{text}` is no action"), suggestion(name, &names))
            }
        };
        self.error(&rule::HEALTH_ACTION, text.span, message, hint);
        // Of a misspelt `switch_schedule:NAME` the name is still one that something switches to.
        let schedule = schedule.filter(|_| Action::from_name(name).is_none());
        (Spanned::new(harmless, text.span), schedule)
    }

    fn partition(&mut self, name: Spanned<String>, fields: &Fields) -> Partition {
        let (folder, image) = (fields.text("crate"), fields.text("image"));
        let sources = fields.texts("c");
        let of_sources = sources
            .as_ref()
            .map(|given| Spanned::new(OF_C.to_string(), given.span));
        let program = match (&folder, &of_sources, &image) {
            (Some(path), None, None) | (None, Some(path), None) => {
                Some(Program::Crate(path.clone()))
            }
            (None, None, Some(path)) => Some(Program::Image(path.clone())),
            _ => None,
        };
        let mut expect = Vec::new();
        for event in fields.texts("expect").unwrap_or_default().value {
            if let Some(error) = self.error_name(&event, 0..PARTITION_ERRORS) {
                expect.push(Spanned::new(error, event.span));
            }
        }
        let tlb = fields.text("tlb").map(|text| {
            text.map(|text| match text.as_str() {
                "refill" => Tlb::Refill,
                _ => Tlb::Pinned,
            })
        });
        let guest = fields
            .table("guest")
            .map(|guest| guest_of(&guest, fields.span_of("guest")));
        let background = fields.table("background").map(|fields| Background {
            priority: fields.required(fields.number("priority")),
            budget_ticks: fields.number("budget"),
        });
        Partition {
            program,
            program_keys: folder.into_iter().chain(of_sources).chain(image).collect(),
            sources: sources.unwrap_or_default().value,
            stack_bytes: fields.required(fields.number("stack")),
            memory_bytes: fields.required(fields.number("memory")),
            place: fields.number("place"),
            period_ticks: fields.number("period"),
            deadline_ticks: fields.number("deadline"),
            autostart: fields.boolean("autostart").is_none_or(|value| *value),
            tlb,
            errors: self.errors(fields, 0..PARTITION_ERRORS),
            restart: fields
                .table("restart")
                .map(|fields| self.restart(&name, &fields)),
            expect,
            devices: fields.texts("devices").unwrap_or_default().value,
            background,
            personality: fields.text("personality"),
            guest,
            apex: (fields.table("apex")).map(|apex| Apex::of(&apex, fields.span_of("apex"))),
            name,
        }
    }

    fn restart(&mut self, partition: &Spanned<String>, fields: &Fields) -> Restart {
        let then = fields.text("then").map(|text| {
            let (action, schedule) = self.action(&text, Action::Stop);
            ErrorAction {
                error: Spanned::new(Error::RestartLimit, partition.span),
                action,
                schedule,
            }
        });
        Restart {
            max: fields.required(fields.number("max")),
            per_ticks: fields.required(fields.number("per")),
            then,
            back_off_ticks: fields.number("back_off").unwrap_or_default().value,
        }
    }

    fn channel(&mut self, name: Spanned<String>, fields: &Fields) -> Channel {
        let kind = fields.text("kind").map(|text| {
            text.map(|text| match text.as_str() {
                "queuing" => ChannelKind::Queuing,
                "call" => ChannelKind::Call,
                "ring" => ChannelKind::Ring,
                "signal" => ChannelKind::Signal,
                _ => ChannelKind::Sampling,
            })
        });
        let to = fields.texts("to").unwrap_or_default().value;
        let mut channel = Channel {
            name,
            kind,
            message: fields.text("type").and_then(|text| self.message_type(text)),
            reply: fields
                .text("reply")
                .and_then(|text| self.message_type(text)),
            from: fields.text("from").and_then(|text| self.port(&text)),
            to: to.iter().filter_map(|text| self.port(text)).collect(),
            depth: fields.number("depth"),
            refresh_ticks: fields.number("refresh"),
            deadline_ticks: fields.number("deadline"),
            notify: fields.boolean("notify"),
            fingerprint: fields
                .text("fingerprint")
                .and_then(|text| self.fingerprint(&text)),
            payload_bytes: fields.number("payload"),
            disk: fields.table("disk").map(|range| DiskRange {
                from_bytes: range.required(range.number("from")),
                bytes: range.required(range.number("size")),
                read_only: range.boolean("read_only").is_some_and(|value| *value),
            }),
            network: fields.table("network").map(|client| NetworkClient {
                address: client.required(client.text("address")),
                rate: client.required(client.rate("rate")),
                peers: client.texts("peers").unwrap_or_default().value,
                protocols: client.texts("protocols"),
            }),
        };
        name_ports_of_arrays(&mut channel);
        channel
    }

    fn port(&mut self, text: &Spanned<String>) -> Option<PortReference> {
        let parts: Vec<_> = text.split('.').collect();
        if let [partition, port] = parts[..]
            && !partition.is_empty()
            && !port.is_empty()
            && port != "[]"
        {
            let array = port.strip_suffix("[]");
            return Some(PortReference {
                partition: Spanned::new(partition.to_string(), text.span),
                port: Spanned::new(array.unwrap_or(port).to_string(), text.span),
                array: array.map(str::to_string),
            });
        }
        let hint =
            "write the partition's name, a dot, and the port's name; behind that of an array `[]`";
        let message = format!("`{text}` is no end of a channel");
        self.error(&rule::PORT_FORM, text.span, message, hint.to_string());
        None
    }

    fn message_type(&mut self, text: Spanned<String>) -> Option<Spanned<MessageType>> {
        let bytes = text
            .strip_prefix("bytes(")
            .and_then(|rest| rest.strip_suffix(')'));
        let message = match bytes {
            Some(count) => units::bytes(count).ok().map(MessageType::Bytes),
            None => is_path(&text).then(|| MessageType::Path(text.value.clone())),
        };
        if message.is_none() {
            let hint = "write `bytes(N)`, or the path of a Rust type: `crate::Type`";
            let message = format!("`{text}` is no type of messages");
            self.error(&rule::TYPE_FORM, text.span, message, hint.to_string());
        }
        message.map(|message| Spanned::new(message, text.span))
    }

    fn fingerprint(&mut self, text: &Spanned<String>) -> Option<Spanned<u64>> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        match u64::from_str_radix(digits, 16) {
            Ok(fingerprint) => Some(Spanned::new(fingerprint, text.span)),
            Err(_) => {
                let hint = "write its 16 hexadecimal digits, as `cargo cofferdam build` shows them for a channel";
                let message = format!("`{text}` is no fingerprint");
                self.error(&rule::TYPE_FORM, text.span, message, hint.to_string());
                None
            }
        }
    }

    fn capabilities(
        &mut self,
        fields: &Fields,
    ) -> Vec<(Spanned<String>, Vec<Spanned<CapabilityRequest>>)> {
        let mut all = Vec::new();
        for (partition, texts) in fields.lists_by_name("capability") {
            let mut requests = Vec::new();
            let listed = !texts.is_empty();
            for text in texts {
                match capability(&text) {
                    Some(request) => requests.push(Spanned::new(request, text.span)),
                    None => {
                        let message = format!("`{text}` is no capability");
                        let hint = "known: health.log, schedule.status, schedule.set, partition.status:NAME, \
                                    partition.stop:NAME, partition.restart:NAME, partition.control:NAME; \
                                    `*` as NAME stands for every other partition";
                        self.error(&rule::CAPABILITY_FORM, text.span, message, hint.to_string());
                    }
                }
            }
            if listed && requests.is_empty() {
                self.reader.broken.push(partition.span);
            }
            all.push((partition, requests));
        }
        all
    }

    fn statements<T>(
        &mut self,
        fields: &Fields,
        key: &str,
        mut parse: impl FnMut(&mut Self, &Spanned<String>) -> Option<T>,
    ) -> Vec<Spanned<T>> {
        let mut statements = Vec::new();
        for text in fields.texts(key).unwrap_or_default().value {
            match parse(self, &text) {
                Some(statement) => statements.push(Spanned::new(statement, text.span)),
                None => {
                    let hint = match key {
                        "flow" => "write `A -/-> B`, or `A -/-> B except C, D`",
                        "latency" => "write `interrupt DEVICE -> PARTITION <= TIME`",
                        _ => {
                            "write `no page writable and executable` or `no page shared except by ring`"
                        }
                    };
                    let message =
                        format!("this statement about {key} has no form that can be proved");
                    self.error(&rule::REQUIRE_FORM, text.span, message, hint.to_string());
                }
            }
        }
        statements
    }

    fn latency(
        &mut self,
        mut statement: crate::LatencyRequirement,
    ) -> Option<crate::LatencyRequirement> {
        let hz = self.reader.timebase_hz;
        statement.bound_ticks = units::ticks(&statement.bound, hz, u64::MAX).ok()?;
        Some(statement)
    }
}

/// The crate of a partition whose application is in C.
const OF_C: &str = "personalities/apex-c";

/// A port of an array has its name from the partition at its other end.
fn name_ports_of_arrays(channel: &mut Channel) {
    for end in 0..=channel.to.len() {
        let peer = channel.peer(end).map(|peer| peer.partition.value.clone());
        let reference = match end {
            0 => channel.from.as_mut(),
            _ => channel.to.get_mut(end - 1),
        };
        if let Some(reference) = reference
            && let (Some(array), Some(peer)) = (&reference.array, peer)
        {
            reference.port.value = format!("{array}_{peer}");
        }
    }
}

fn device((name, fields): (Spanned<String>, Fields)) -> Device {
    let when = fields.text("when_not_running").map(|text| {
        text.map(|text| match text.as_str() {
            "preempt" => WhenNotRunning::Preempt,
            _ => WhenNotRunning::Pend,
        })
    });
    Device {
        when_not_running: when.unwrap_or(Spanned::new(WhenNotRunning::Pend, name.span)),
        storm: fields.rate("storm"),
        dma: match fields.text("dma") {
            Some(text) => text.map(|text| match text.as_str() {
                "arena" => Dma::Arena,
                "trusted" => Dma::Trusted,
                _ => Dma::None,
            }),
            None => Spanned::new(Dma::None, name.span),
        },
        dma_memory_bytes: fields.number("dma_memory"),
        medium_bytes: fields.number("medium"),
        forward: fields.number("forward"),
        name,
    }
}

fn schedule((name, fields): (Spanned<String>, Fields)) -> Schedule {
    let windows = fields.tables("windows").unwrap_or_default().value;
    Schedule {
        name,
        initial: fields.boolean("initial"),
        major_frame_ticks: fields.required(fields.number("major_frame")),
        windows: windows.iter().map(window).collect(),
    }
}

fn window(fields: &Fields) -> Window {
    Window {
        span: fields.span,
        at_ticks: fields.required(fields.number("at")),
        length_ticks: fields.required(fields.number("length")),
        group: fields.texts("group").unwrap_or_default().value,
        release: fields.texts("release").unwrap_or_default().value,
    }
}

fn capability(text: &str) -> Option<CapabilityRequest> {
    let right = match text {
        "health.log" => return Some(CapabilityRequest::HealthLog),
        "schedule.status" => return Some(CapabilityRequest::ScheduleStatus),
        "schedule.set" => return Some(CapabilityRequest::ScheduleSet),
        _ => text.strip_prefix("partition.")?,
    };
    let (right, name) = right.split_once(':')?;
    let right = match right {
        "control" => PartitionRight::Control,
        "restart" => PartitionRight::Restart,
        "status" => PartitionRight::Status,
        "stop" => PartitionRight::Stop,
        _ => return None,
    };
    let name = (name != "*").then(|| name.to_string());
    Some(CapabilityRequest::Partition(right, name))
}

/// What a file says about a guest.
fn guest_of(fields: &Fields, span: Span) -> Guest {
    let action = |key, default| {
        let text = fields.text(key);
        text.and_then(|text| Action::from_name(&text))
            .unwrap_or(default)
    };
    Guest {
        span,
        memory_bytes: fields.required(fields.number("memory")),
        kernel: fields.text("kernel"),
        rewrite: fields.boolean("rewrite"),
        firmware: fields.text("firmware"),
        console: fields.text("console"),
        initramfs: fields.text("initramfs"),
        overlay: fields.text("overlay"),
        arguments: fields.text("arguments"),
        watchdog_ticks: fields.number("watchdog"),
        on_reset: action("on_reset", Action::RestartCold),
        on_power_off: action("on_power_off", Action::Stop),
        on_panic: action("on_panic", Action::RestartCold),
        on_hang: action("on_hang", Action::RestartCold),
    }
}

/// Whether a text is the path of a Rust type in a crate.
fn is_path(text: &str) -> bool {
    let is_identifier = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.contains("::") && text.split("::").all(is_identifier)
}
