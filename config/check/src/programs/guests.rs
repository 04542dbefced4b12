//! The rules of what guests are given.

use cofferdam_model::{Diagnostic, Guest, Partition, RuleText, rule_text, show_bytes};

rule_text! {
    /// A guest's kernel is one for its processor, and can be rewritten if it is to be.
    ///
    /// Rewriting a kernel needs its symbols, to tell code from data, and each of its privileged instructions has to be one that somebody
    /// carries out. `docs/guests.md` says what is rewritten. A Linux that cannot be, and for which nothing says that this is meant, runs many times
    /// slower: that is a warning, which `rewrite = false` silences.
    static GUEST_KERNEL = "GUEST-KERNEL";
}
rule_text! {
    /// A guest's kernel, its first file system and its device tree fit its memory.
    ///
    /// The kernel lies at the beginning, with what was added to it when it was rewritten; the last 1M is the device tree's, of which it may take 64K, and
    /// the first file system lies before it. Linux keeps 2,047 bytes of its arguments.
    static GUEST_FIT = "GUEST-FIT";
}

rule_text! {
    /// An overlay adds to a guest's device tree, and contradicts nothing in it.
    ///
    /// The tree says what the system gives to the guest. An overlay may name its nodes `/soc`, `/soc/pic` and `/chosen`, as `&soc`, `&pic`
    /// and `&chosen`, and add nodes anywhere and properties to `/chosen` and `/soc`; it changes no property, takes no node out of use, and brings no
    /// memory, processor or interrupt controller.
    static GUEST_OVERLAY = "GUEST-OVERLAY";
}

pub(super) static RULES: &[&RuleText] = &[&GUEST_KERNEL, &GUEST_FIT, &GUEST_OVERLAY];

/// What is wrong with what a guest is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestFault {
    /// Its kernel is a file that cannot be its kernel, for this reason.
    NoKernel(String),
    /// Its kernel is not rewritten, for this reason.
    NotRewritten(String),
    /// All of it takes so many bytes, with those that are kept for its device tree.
    NoRoom {
        /// All of it.
        bytes: u64,
        /// What is kept.
        kept_bytes: u64,
    },
    /// It is told more than it would keep.
    Arguments {
        /// How many bytes.
        bytes: usize,
        /// How many it keeps.
        most: usize,
    },
    /// Its device tree is larger than its room.
    Tree {
        /// How many bytes.
        bytes: usize,
        /// The room.
        most: usize,
    },
    /// What is to be added to its device tree cannot be, for this reason.
    Overlay(String),
}

/// What there is to say about that.
pub fn guest_fault(partition: &Partition, guest: &Guest, fault: &GuestFault) -> Diagnostic {
    let name = &partition.name;
    let kernel = guest.kernel.as_ref().map_or(guest.span, |path| path.span);
    match fault {
        GuestFault::NoKernel(why) => {
            let message = format!("the kernel of the guest of `{name}` is none: {why}");
            Diagnostic::error(&GUEST_KERNEL, kernel, message)
                .hint("name an ELF for 32-bit, big-endian PowerPC, or a flat image that is entered at its first byte")
        }
        GuestFault::NotRewritten(why) => {
            let place = guest.rewrite.as_ref().map_or(kernel, |key| key.span);
            let message = format!("the kernel of the guest of `{name}` cannot be rewritten: {why}");
            let hint =
                "write `rewrite = false`: its privileged instructions trap then, which is slower";
            Diagnostic::error(&GUEST_KERNEL, place, message).hint(hint)
        }
        GuestFault::Overlay(why) => {
            let place = guest.overlay.as_ref().map_or(guest.span, |path| path.span);
            let message =
                format!("the overlay cannot be on the device tree of the guest of `{name}`: {why}");
            let hint = "let it add what the guest is to know, and leave what the system says";
            Diagnostic::error(&GUEST_OVERLAY, place, message).hint(hint)
        }
        GuestFault::Arguments { bytes, most } => {
            let place = (guest.arguments.as_ref()).map_or(guest.span, |text| text.span);
            let message = format!(
                "the guest of `{name}` is told {bytes} bytes, and Linux keeps the first {most}"
            );
            let hint = "say less, or put it into a file of its first file system";
            Diagnostic::error(&GUEST_FIT, place, message).hint(hint)
        }
        GuestFault::Tree { bytes, most } => {
            let arguments = (guest.arguments.as_ref()).filter(|text| text.len() > most / 2);
            let place = match (arguments, &guest.overlay) {
                (Some(text), _) => text.span,
                (None, Some(path)) => path.span,
                (None, None) => guest.span,
            };
            let message = format!(
                "the device tree of the guest of `{name}` has {bytes} bytes, and there is room for {most}"
            );
            let hint = "give it shorter `arguments`, or a smaller `overlay`";
            Diagnostic::error(&GUEST_FIT, place, message).hint(hint)
        }
        GuestFault::NoRoom { bytes, kept_bytes } => {
            let memory = &guest.memory_bytes;
            let message = format!(
                "the guest of `{name}` begins with {}, the last {} of it kept for its device tree, and has {}",
                show_bytes(*bytes),
                show_bytes(*kept_bytes),
                show_bytes(**memory)
            );
            let mut violation = Diagnostic::error(&GUEST_FIT, memory.span, message);
            for path in guest.kernel.iter().chain(&guest.initramfs) {
                violation = violation.also(path.span, "this counts");
            }
            violation.hint("give it more `memory`, or a smaller kernel or first file system")
        }
    }
}

/// What there is to say about a Linux that runs as it is, for this reason, although nothing says that it should.
pub fn guest_traps(partition: &Partition, guest: &Guest, why: &str) -> Diagnostic {
    let kernel = guest.kernel.as_ref().map_or(guest.span, |path| path.span);
    let message = format!(
        "the kernel of the guest of `{}` is not rewritten, and many times slower: {why}",
        partition.name
    );
    let hint = "name the `vmlinux` of its build, with symbols; or write `rewrite = false` if this is meant";
    Diagnostic::error(&GUEST_KERNEL, kernel, message)
        .warning()
        .hint(hint)
}
