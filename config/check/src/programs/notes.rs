//! What programs say about their ports, against the file and against each other.

use cofferdam_abi::{ABI_VERSION, limits, space};
use cofferdam_ipc::fingerprint::WIRE_FORMAT;
use cofferdam_ipc::note::{Direction, Kind, NOTE_FORMAT, PortNote};
use cofferdam_model::{
    Channel, ChannelKind, Diagnostic, MessageType, Program, RuleText, Spanned, rule_text,
    show_bytes,
};

use super::{Programs, message_sizes};
use crate::Checked;
use crate::program::Elf;
use crate::wiring::{Port, PortObject};

rule_text! {
    /// Each program carries one version note, with the versions of this build.
    ///
    /// The versions are those of the hypercall ABI, of the notes and of the messages' encoding. A delivered program of other versions has
    /// to be asked for again, or built into a system by a tool of its versions.
    static PROGRAM_VERSION = "PROGRAM-VERSION";
}
rule_text! {
    /// Each note of a program can be read.
    static NOTE_FORM = "NOTE-FORM";
}
rule_text! {
    /// A program has exactly the ports that the file gives its partition.
    ///
    /// A port that the file lacks would fail at run time; one that the program lacks is authority that nobody uses.
    static NOTE_PORTS = "NOTE-PORTS";
}
rule_text! {
    /// Each port of a program is of the kind and the direction that the file says.
    static NOTE_KIND = "NOTE-KIND";
}
rule_text! {
    /// Each port of a program lies in a slot of its own, where the build put it.
    ///
    /// A delivered program brings its slots along; one that was built here has those of the generated code.
    static NOTE_SLOT = "NOTE-SLOT";
}
rule_text! {
    /// Each port of a program carries the type that the file says.
    static NOTE_TYPE = "NOTE-TYPE";
}
rule_text! {
    /// The ends of a channel agree in the size and the fingerprint of each message.
    ///
    /// The fingerprint covers the names and types of fields, capacities and the type's own name. Ends that differ in it would read each
    /// other's bytes as something else.
    static NOTE_FINGERPRINT = "NOTE-FINGERPRINT";
}
rule_text! {
    /// An end without notes is declared by the file: its channel carries `bytes(N)`, or has a `fingerprint` that the other end confirms.
    ///
    /// Nothing can verify such an end, so it is listed with a warning.
    static NOTE_UNVERIFIED = "NOTE-UNVERIFIED";
}
rule_text! {
    /// Each message that the kernel copies has 1 to 1024 bytes, and each ring takes at most 16M.
    ///
    /// A copy runs with interrupts off, so its length bounds the latest start of any window. A ring has a place of 16M in the address
    /// space of its ends.
    static MESSAGE_SIZE = "MESSAGE-SIZE";
}

pub(super) static RULES: &[&RuleText] = &[
    &PROGRAM_VERSION,
    &NOTE_FORM,
    &NOTE_PORTS,
    &NOTE_KIND,
    &NOTE_SLOT,
    &NOTE_TYPE,
    &NOTE_FINGERPRINT,
    &NOTE_UNVERIFIED,
    &MESSAGE_SIZE,
];

/// Whether the program was delivered without any note: it knows nothing of this project.
fn is_silent(checked: &Checked, partition: usize, elf: &Elf) -> bool {
    let program = &checked.system.partitions[partition].program;
    let delivered = matches!(program, Some(Program::Image(_)));
    delivered && elf.versions.is_empty() && elf.ports.is_empty() && elf.bad_notes.is_empty()
}

pub(super) fn judge(checked: &Checked, partition: usize, elf: &Elf, found: &mut Vec<Diagnostic>) {
    let place = checked.system.partitions[partition].program_span();
    let name = &checked.system.partitions[partition].name;
    let error = |rule, span, message: String| Diagnostic::error(rule, span, message);
    if is_silent(checked, partition, elf) {
        return;
    }
    for bad in &elf.bad_notes {
        let message = format!("a note of `{name}` is wrong: {bad}");
        let hint = "build the program again with this version, or ask its supplier to";
        found.push(error(&NOTE_FORM, place, message).hint(hint));
    }
    versions(checked, partition, elf, found);

    let ports = &checked.wiring[partition].ports;
    for note in &elf.ports {
        if !ports.iter().any(|port| port.name == note.name.as_str()) {
            let message = format!(
                "the program of `{name}` has a port `{}`, the file has not",
                note.name.as_str()
            );
            let hint = "connect it by a channel, or remove it from the program";
            found.push(error(&NOTE_PORTS, place, message).hint(hint));
        }
        let same = |other: &&PortNote| other.name == note.name || other.slot == note.slot;
        if elf.ports.iter().filter(same).count() > 1
            || usize::from(note.slot) >= limits::CAPABILITIES
        {
            let message = format!(
                "the port `{}` of `{name}` has no slot of its own: {}",
                note.name.as_str(),
                note.slot
            );
            let hint = format!(
                "give each port a slot of its own, from 0 to {}",
                limits::CAPABILITIES - 1
            );
            found.push(error(&NOTE_SLOT, place, message).hint(hint));
        }
    }
    for port in ports {
        let note = elf
            .ports
            .iter()
            .find(|note| note.name.as_str() == port.name);
        let Some(note) = note else {
            let message = format!("the program of `{name}` has no port `{}`", port.name);
            let diagnostic = error(&NOTE_PORTS, port.span, message);
            let hint = "declare the port in the program, or remove this end";
            found.push(diagnostic.also(place, "this program").hint(hint));
            continue;
        };
        let built_here = matches!(
            checked.system.partitions[partition].program,
            Some(Program::Crate(_))
        );
        if built_here && usize::from(note.slot) != port.slot {
            let message = format!(
                "the port `{}` of `{name}` was built for slot {}, now it has slot {}",
                port.name, note.slot, port.slot,
            );
            found.push(error(&NOTE_SLOT, port.span, message).hint("build the program again"));
        }
        kind(checked, port, note, found);
    }
}

fn versions(checked: &Checked, partition: usize, elf: &Elf, found: &mut Vec<Diagnostic>) {
    let place = checked.system.partitions[partition].program_span();
    let name = &checked.system.partitions[partition].name;
    let [version] = elf.versions[..] else {
        let message = format!(
            "`{name}` has {} version notes instead of one",
            elf.versions.len()
        );
        let hint = "a native partition gets it from `cofferdam_native::partition!`";
        found.push(Diagnostic::error(&PROGRAM_VERSION, place, message).hint(hint));
        return;
    };
    let compared = [
        ("hypercall ABI", version.abi, u32::from(ABI_VERSION)),
        ("port notes", version.note_format, NOTE_FORMAT),
        ("messages", version.wire_format, WIRE_FORMAT),
    ];
    for (what, has, wants) in compared {
        if has != wants {
            let by = version.personality.as_str();
            let message = format!(
                "`{name}` (linked by {by}) has version {has} of the {what}, this build has {wants}"
            );
            let hint = "build the program again with this version, or ask its supplier to";
            found.push(Diagnostic::error(&PROGRAM_VERSION, place, message).hint(hint));
        }
    }
    let own = env!("CARGO_PKG_VERSION");
    if let Some(linked) = version.personality.as_str().strip_prefix(NATIVE)
        && !compatible(linked, own)
    {
        let message = format!(
            "`{name}` has version {linked} of the native personality, this build has {own}"
        );
        let hint = "build the program again with this version, or ask its supplier to";
        found.push(Diagnostic::error(&PROGRAM_VERSION, place, message).hint(hint));
    }
}

/// How the native personality names itself in its note, before its version.
const NATIVE: &str = "cofferdam-native ";

/// Of what is linked along with a program the version counts up to the number that promises compatibility: while the first
/// is 0 that is the second.
fn compatible(one: &str, other: &str) -> bool {
    fn promised(version: &str) -> Option<(&str, &str)> {
        let (major, rest) = version.split_once('.')?;
        let (minor, _) = rest.split_once('.')?;
        Some((major, if major == "0" { minor } else { "" }))
    }
    promised(one).is_some() && promised(one) == promised(other)
}

fn kind(checked: &Checked, port: &Port, note: &PortNote, found: &mut Vec<Diagnostic>) {
    let (kind, direction) = expected(checked, port);
    if (note.kind, note.direction) != (kind, direction) {
        let message = format!(
            "the program has `{}` as {:?} {:?}, the file as {kind:?} {direction:?}",
            port.name, note.kind, note.direction,
        );
        let hint = "exchange `from` and `to`, change the `kind`, or change the program";
        found.push(Diagnostic::error(&NOTE_KIND, port.span, message).hint(hint));
    }
}

fn expected(checked: &Checked, port: &Port) -> (Kind, Direction) {
    let PortObject::Channel { channel, end } = port.object else {
        return (Kind::Interrupt, Direction::Destination);
    };
    let channel = &checked.system.channels[channel];
    let one_way = if end == 0 {
        Direction::Source
    } else {
        Direction::Destination
    };
    match channel.kind.as_ref().map(|kind| kind.value) {
        Some(ChannelKind::Queuing) => (Kind::Queuing, one_way),
        Some(ChannelKind::Signal) => (Kind::Signal, one_way),
        Some(ChannelKind::Ring) if channel.reply.is_some() => (Kind::Ring, Direction::Both),
        Some(ChannelKind::Ring) => (Kind::Ring, one_way),
        Some(ChannelKind::Call) if end == 0 => (Kind::Call, Direction::Client),
        Some(ChannelKind::Call) => (Kind::Call, Direction::Server),
        Some(ChannelKind::Sampling) | None => (Kind::Sampling, one_way),
    }
}

/// An end of a channel and its note.
struct NotedEnd<'a> {
    port: &'a Spanned<String>,
    note: &'a PortNote,
}

pub(super) fn judge_channels(
    checked: &Checked,
    programs: &Programs,
    readable: &[bool],
    found: &mut Vec<Diagnostic>,
) {
    for (index, channel) in checked.system.channels.iter().enumerate() {
        let mut noted = Vec::new();
        let mut all_readable = true;
        for end in channel.ends() {
            let Some(partition) = checked.system.partition_index(&end.partition) else {
                continue;
            };
            let elf = &programs.partitions[partition];
            let note = elf
                .ports
                .iter()
                .find(|note| note.name.as_str() == end.port.value);
            all_readable &= readable[partition];
            match note {
                Some(note) => noted.push(NotedEnd {
                    port: &end.port,
                    note,
                }),
                None if readable[partition] && is_silent(checked, partition, elf) => {
                    unverified(channel, end, found);
                }
                // Reported as a missing port or program.
                None => {}
            }
        }
        types(channel, &noted, found);
        fingerprints(channel, &noted, found);
        if all_readable {
            sizes(checked, programs, index, found);
        }
    }
}

fn unverified(
    channel: &Channel,
    end: &cofferdam_model::PortReference,
    found: &mut Vec<Diagnostic>,
) {
    let is_path = |given: &Option<Spanned<MessageType>>| {
        given
            .as_ref()
            .is_some_and(|given| matches!(given.value, MessageType::Path(_)))
    };
    let typed = is_path(&channel.message) || is_path(&channel.reply);
    let place = end.port.span;
    let message = format!("nothing verifies the end `{}.{}`", end.partition, end.port);
    let diagnostic = Diagnostic::error(&NOTE_UNVERIFIED, place, message);
    found.push(if typed && channel.fingerprint.is_none() {
        diagnostic.hint("give the channel the type `bytes(N)`, or a `fingerprint`")
    } else {
        let hint =
            "it is believed as it is: a program that is built with the messages' crate has notes";
        diagnostic
            .label("its program has no notes")
            .warning()
            .hint(hint)
    });
}

/// The type that the file says is that of the notes. Paths may lead to one type in several ways, so the last name counts.
fn types(channel: &Channel, noted: &[NotedEnd<'_>], found: &mut Vec<Diagnostic>) {
    for end in noted {
        let halves = [
            (
                &channel.message,
                end.note.max_size,
                end.note.type_name.as_str(),
            ),
            (
                &channel.reply,
                end.note.reply_size,
                end.note.reply_type_name.as_str(),
            ),
        ];
        for (given, size, noted_name) in halves {
            let fits = match given.as_ref().map(|given| &given.value) {
                None => size == 0,
                Some(MessageType::Bytes(bytes)) => u64::from(size) == *bytes,
                Some(MessageType::Path(path)) => last_name(path) == last_name(noted_name),
            };
            if !fits {
                let message = format!(
                    "the program has `{noted_name}` ({size} bytes) at `{}`",
                    end.port
                );
                let place = given.as_ref().map_or(channel.name.span, |given| given.span);
                let diagnostic = Diagnostic::error(&NOTE_TYPE, place, message);
                let hint = "write the type that the program carries, or change the program";
                found.push(diagnostic.also(end.port.span, "this end").hint(hint));
            }
        }
    }
}

fn last_name(path: &str) -> &str {
    let plain = path.split('<').next().unwrap_or(path);
    plain.rsplit("::").next().unwrap_or(plain)
}

fn fingerprints(channel: &Channel, noted: &[NotedEnd<'_>], found: &mut Vec<Diagnostic>) {
    let Some((first, others)) = noted.split_first() else {
        return;
    };
    let all = |note: &PortNote| {
        (
            note.max_size,
            note.fingerprint,
            note.reply_size,
            note.reply_fingerprint,
        )
    };
    for other in others {
        if all(first.note) != all(other.note) {
            let show = |note: &PortNote| {
                let request = format!("{:016x} of {} bytes", note.fingerprint, note.max_size);
                match note.reply_fingerprint {
                    0 => request,
                    reply => format!("{request}, reply {reply:016x} of {} bytes", note.reply_size),
                }
            };
            let message = format!("the ends of `{}` carry different types", channel.name);
            let hint = "build both ends against the same version of the messages' crate";
            found.push(
                Diagnostic::error(&NOTE_FINGERPRINT, other.port.span, message)
                    .label(show(other.note))
                    .also(first.port.span, show(first.note))
                    .hint(hint),
            );
        }
    }
    if let Some(given) = &channel.fingerprint
        && **given != first.note.fingerprint
    {
        let message = format!("`{}` carries a type of another fingerprint", first.port);
        let diagnostic = Diagnostic::error(&NOTE_FINGERPRINT, given.span, message);
        let has = format!("{:016x}", first.note.fingerprint);
        let hint =
            format!("write `fingerprint = \"{has}\"` if that is the type that was agreed on");
        found.push(diagnostic.also(first.port.span, has).hint(hint));
    }
}

fn sizes(checked: &Checked, programs: &Programs, index: usize, found: &mut Vec<Diagnostic>) {
    let channel = &checked.system.channels[index];
    let kind = channel.kind.as_ref().map(|kind| kind.value);
    match kind {
        None | Some(ChannelKind::Signal) => return,
        Some(ChannelKind::Ring) => {
            let bytes = super::ring_bytes(checked, programs, index);
            if bytes == 0 || bytes > u64::from(space::STRIDE) {
                let message = format!("the ring `{}` takes {}", channel.name, show_bytes(bytes));
                let hint = "a ring takes at most 16M: give it fewer or smaller places";
                found.push(Diagnostic::error(&MESSAGE_SIZE, channel.name.span, message).hint(hint));
            }
            return;
        }
        Some(_) => {}
    }
    let sizes = message_sizes(checked, programs, index);
    let halves = [
        (&channel.message, sizes.message),
        (&channel.reply, sizes.reply),
    ];
    for (given, size) in halves {
        let Some(given) = given else { continue };
        // A call may carry all that it has in registers.
        let least = u64::from(kind != Some(ChannelKind::Call));
        if size < least || size > u64::from(limits::MESSAGE_BYTES) {
            let message = format!("a message of `{}` has {size} bytes at most", channel.name);
            let hint = format!(
                "a message has {least} to {} bytes; longer ones go in pieces, or by a ring",
                limits::MESSAGE_BYTES,
            );
            found.push(Diagnostic::error(&MESSAGE_SIZE, given.span, message).hint(hint));
        }
    }
}
