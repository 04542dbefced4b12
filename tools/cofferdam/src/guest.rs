//! `cargo cofferdam guest`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;

use anyhow::{Result, bail};
use clap::Subcommand;
use cofferdam_build::{Tree, locate};
use cofferdam_guest::{Guest, directory, native};
use cofferdam_paravirtualise::{Rewritten, Site, What};
use cofferdam_progress::{print_result, say};
use cofferdam_qemu::Serial;
use cofferdam_run::command::complaint;
use cofferdam_setup::{Consent, OF_LINUX_GUEST, Requirement, Toolchain, provide, qemu};
use cofferdam_target_build::target_directory;

/// What to do with the guest.
#[derive(Subcommand)]
pub enum Command {
    /// Fetches and builds it: ten minutes once, then seconds
    #[command(after_help = "\
Examples:
  cargo cofferdam guest build                   prints where the kernel and the first file system are
  cargo cofferdam guest build --yes             and installs the compiler and the sources that it takes, without asking")]
    Build,
    /// Shows what is rewritten of the kernels of a system's guests, and what is left and why
    #[command(after_help = "\
Examples:
  cargo cofferdam guest report                  of the system `linux`: how many instructions of each kind
  cargo cofferdam guest report --sites          and each of them: address, word before and after, symbol, what it is now
  cargo cofferdam guest report my/system.toml --json
                                                one object: for each guest, every instruction by address and symbol")]
    Report {
        /// The system
        #[arg(default_value = "linux")]
        system: String,
        /// Print each instruction: its address, its symbol, the word before and after, and what that is
        #[arg(long, conflicts_with = "json")]
        sites: bool,
        /// Print all of it, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Boots it in QEMU without cofferdam, for comparison
    #[command(after_help = "\
Examples:
  cargo cofferdam guest native                  to a shell on this terminal
  cargo cofferdam guest native off              to /init, which switches the machine off
  cargo cofferdam guest native --icount off     the same in every run, and how many instructions it took to /init")]
    Native {
        /// Make instructions the clock, one nanosecond each: every run is the same
        #[arg(long)]
        icount: bool,
        /// RAM in MiB, a multiple of 64 from 128 on
        #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = memory)]
        memory: u32,
        /// Further boot arguments for the kernel
        #[arg(value_name = "BOOT_ARGUMENT")]
        arguments: Vec<String>,
    },
}

/// Carries it out.
pub fn run(root: &Path, command: Command, consent: Consent) -> Result<()> {
    match command {
        Command::Build => {
            let guest = built(root, consent)?;
            say!(
                "Linux {}, busybox {}",
                guest.linux_version,
                guest.busybox_version
            );
            for file in [
                &guest.vmlinux,
                &guest.image,
                &guest.uimage,
                &guest.initramfs,
            ] {
                print_result(file.display())?;
            }
            Ok(())
        }
        Command::Report {
            system,
            sites,
            json,
        } => {
            let tree = Tree::new(root, &Toolchain::find(root)?, consent);
            let rewritten = tree.rewritten(&locate(root, &system)?);
            let rewritten = rewritten.map_err(complaint)?;
            if json {
                let all: BTreeMap<_, _> = rewritten.into_iter().collect();
                print_result(serde_json::to_string(&all)?)?;
                return Ok(());
            }
            if rewritten.is_empty() {
                say!("no kernel of a guest of `{system}` is rewritten");
            }
            for (partition, list) in &rewritten {
                print_result(summary(partition, list))?;
                if sites {
                    print_result(every_site(list))?;
                }
            }
            Ok(())
        }
        Command::Native {
            icount,
            memory,
            arguments,
        } => {
            provide(root, &target_directory(root), &[Requirement::Qemu], consent)?;
            let guest = built(root, consent)?;
            let ends = arguments.iter().any(|argument| argument == "off");
            let terminal = stdin().is_terminal() && stdout().is_terminal();
            let serial = match (ends, terminal) {
                (true, _) => Serial::Captured,
                (false, true) => Serial::Terminal,
                (false, false) => bail!(
                    "there is no terminal for the guest's shell; with the boot argument `off` it ends by itself"
                ),
            };
            if serial == Serial::Terminal {
                say!("--- Ctrl-A X ends the machine, Ctrl-A H shows QEMU's other keys ---");
            }
            let options = native::Options {
                qemu: &qemu()?.path,
                memory_mib: memory,
                arguments: &arguments.join(" "),
                instruction_clock: icount,
                serial,
                limit: None,
                besides: native::Besides::default(),
            };
            let booted = native::boot(&guest, &directory(&target_directory(root)), &options)?;
            if !booted.console.is_empty() {
                print_result(booted.console.trim_end())?;
            }
            if let Some(instructions) = booted.instructions_to_init {
                say!("{instructions} instructions to /init");
            }
            Ok(())
        }
    }
}

/// What was done to a kernel, in a few lines.
fn summary(partition: &str, rewritten: &Rewritten) -> String {
    const EXAMPLES: usize = 3;
    let mut lines = vec![format!(
        "{partition}: {} privileged instructions",
        rewritten.sites.len()
    )];
    for (kind, count) in &rewritten.counts {
        lines.push(format!("{count:>6}  {kind}"));
    }
    for (why, sites) in rewritten.left() {
        let symbols: Vec<_> = sites.iter().map(|site| site.symbol.as_str()).collect();
        let more = if symbols.len() > EXAMPLES {
            ", ..."
        } else {
            ""
        };
        let symbols = symbols[..symbols.len().min(EXAMPLES)].join(", ");
        lines.push(format!("{:>6}  left: {why}: {symbols}{more}", sites.len()));
    }
    let pages = &rewritten.reserved;
    lines.push(format!(
        "stubs at guest-physical {:#x} to {:#x}",
        pages.start, pages.end
    ));
    let own = &rewritten.paravirtual;
    if own.kernel_table != 0 {
        lines.push(format!(
            "page tables: {:#x}, and where the word at SPRG3+{:#x} points",
            own.kernel_table, own.process_table
        ));
    }
    lines.extend(rewritten.notes.iter().cloned());
    lines.join("\n")
}

/// One line for each word that looks privileged.
fn every_site(rewritten: &Rewritten) -> String {
    let line = |site: &Site| {
        let what = match &site.what {
            What::Left { why } => format!("left: {why}"),
            What::Stub { at } => format!("stub at {at:#010x}"),
            other => other.name().to_owned(),
        };
        format!(
            "{:#010x}  {:08x}  {:08x}  {}  {what}",
            site.address, site.before, site.after, site.symbol
        )
    };
    let lines: Vec<_> = rewritten.sites.iter().map(line).collect();
    lines.join("\n")
}

fn built(root: &Path, consent: Consent) -> Result<Guest> {
    provide(root, &target_directory(root), &OF_LINUX_GUEST, consent)?;
    cofferdam_guest::build(root, &target_directory(root))
}

/// This machine has its memory in steps of 64 MiB. QEMU has no room for the first file system in one of them; from 2 GiB on, devices are in the way.
fn memory(text: &str) -> Result<u32> {
    match text.parse() {
        Ok(mib @ 128..=2048) if mib % 64 == 0 => Ok(mib),
        _ => bail!("a multiple of 64 from 128 to 2048 is expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_its_memory_in_steps() {
        for (text, right) in [
            ("128", true),
            ("2048", true),
            ("64", false),
            ("160", false),
            ("2112", false),
            ("much", false),
        ] {
            assert_eq!(memory(text).is_ok(), right, "{text}");
        }
    }
}
