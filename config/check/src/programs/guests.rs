//! The rules of what guests are given.

use cofferdam_model::{Diagnostic, Guest, Partition, RuleText, rule_text, show_bytes};

rule_text! {
    /// A guest's kernel is one for its processor, and can be rewritten if it is to be.
    ///
    /// Rewriting a kernel needs its symbols, to tell code from data, and each of its privileged instructions has to be one that somebody
    /// carries out. `docs/guests.md` says what is rewritten.
    static GUEST_KERNEL = "GUEST-KERNEL";
}
rule_text! {
    /// A guest's kernel, its first file system and its device tree fit its memory.
    ///
    /// The kernel lies at the beginning, with what was added to it when it was rewritten; the device tree at the end, and the first file
    /// system before it.
    static GUEST_FIT = "GUEST-FIT";
}

rule_text! {
    /// An overlay adds to a guest's device tree, and contradicts nothing in it.
    ///
    /// The tree says what the system gives to the guest. An overlay may name its nodes `/soc`, `/soc/pic` and `/chosen`, as `&soc`, `&pic`
    /// and `&chosen`, and add nodes and properties; it changes no property, and brings no memory, processor or interrupt controller.
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
    /// All of it takes so many bytes.
    NoRoom(u64),
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
        GuestFault::NoRoom(bytes) => {
            let memory = &guest.memory_bytes;
            let message = format!(
                "the guest of `{name}` begins with {}, and has {}",
                show_bytes(*bytes),
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
