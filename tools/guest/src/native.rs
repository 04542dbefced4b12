//! The guest without cofferdam: the same kernel and the same first file system on the bare machine, for comparison.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cofferdam_qemu::{Boot, Drive, End, Machine, Network, Plugin, Serial};

use crate::Guest;

/// What the kernel is told in any case: where the console is, and to lay out processes the same way in every run.
pub const BOOT_ARGUMENTS: &str = "console=ttyS0 norandmaps";

/// What `/init` says before and after the count of the timebase when it began.
const INIT_RUNS: [&str; 2] = ["cofferdam: /init runs, at tick ", " of the timebase"];

/// This machine's timebase counts to two while five instructions of one nanosecond run.
const INSTRUCTIONS: u64 = 5;
const TICKS: u64 = 2;

/// How to boot.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// QEMU.
    pub qemu: &'o Path,
    /// RAM in MiB, a multiple of 64.
    pub memory_mib: u32,
    /// Boot arguments, besides [`BOOT_ARGUMENTS`]. With `off`, `/init` switches the machine off.
    pub arguments: &'o str,
    /// Make instructions the clock, one nanosecond each: every run is the same.
    pub instruction_clock: bool,
    /// Where the console goes.
    pub serial: Serial,
    /// After which time of the host's a machine that still runs has failed.
    pub limit: Option<Duration>,
    /// What it has besides.
    pub besides: Besides,
}

/// What a machine can have besides. By default there is nothing.
#[derive(Clone, Debug, Default)]
pub struct Besides {
    /// Further devices, each as after QEMU's `-device`.
    pub devices: Vec<String>,
    /// What is behind those of them that are disks.
    pub drives: Vec<Drive>,
    /// What is behind those that are network devices.
    pub networks: Vec<Network>,
    /// See [`Machine::paced`].
    pub paced: bool,
    /// A TCG plugin.
    pub plugin: Option<Plugin>,
}

/// A guest that booted, and switched itself off.
#[derive(Clone, Debug)]
pub struct Booted {
    /// What it wrote to a captured console.
    pub console: String,
    /// How many instructions ran from the reset until `/init` began, the reading of the timebase included. Known of a captured
    /// console, with instructions as the clock.
    pub instructions_to_init: Option<u64>,
}

/// Boots it, and waits until it switches itself off.
pub fn boot(guest: &Guest, folder: &Path, options: &Options<'_>) -> Result<Booted> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let machine = Machine {
        qemu: options.qemu.to_path_buf(),
        boot: Boot::Linux {
            kernel: read(&guest.uimage)?,
            initramfs: read(&guest.initramfs)?,
            arguments: format!("{BOOT_ARGUMENTS} {}", options.arguments),
        },
        memory_mib: options.memory_mib,
        folder: folder.to_path_buf(),
        icount_shift: options.instruction_clock.then_some(0),
        serial: options.serial,
        devices: options.besides.devices.clone(),
        drives: options.besides.drives.clone(),
        networks: options.besides.networks.clone(),
        paced: options.besides.paced,
        plugin: options.besides.plugin.clone(),
        reboots: false,
        monitored: false,
        probed: None,
        debugger: None,
        replay: None,
    };
    let mut running = machine.prepare()?.start()?;
    let end = running.wait(options.limit, |_| None::<()>)?;
    let (_, console) = running.end()?;
    let console = String::from_utf8_lossy(&console).into_owned();
    match end {
        End::Off => {}
        End::Interrupted => {
            cofferdam_interrupt::give_way();
            bail!("interrupted: the guest is switched off; nothing goes on");
        }
        end => {
            let last: Vec<_> = console.lines().rev().take(20).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            bail!(
                "the guest did not switch itself off: {end}; boot it with `off`, or give it more time. The end of its console:\n{}",
                last.join("\n")
            );
        }
    }
    let ticks = options.instruction_clock.then(|| tick_of_init(&console));
    Ok(Booted {
        instructions_to_init: ticks.flatten().map(|ticks| ticks * INSTRUCTIONS / TICKS),
        console,
    })
}

/// The count of the timebase when `/init` began, from what it wrote.
pub fn tick_of_init(console: &str) -> Option<u64> {
    let [before, after] = INIT_RUNS;
    let (_, rest) = console.split_once(before)?;
    rest.split_once(after)?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::tick_of_init;

    #[test]
    fn init_says_when_it_began() {
        let console = "[    0.05] Linux\r\ncofferdam: /init runs, at tick 26443668 of the timebase, 0.04 s\r\n";
        assert_eq!(tick_of_init(console), Some(26_443_668));
        for none in [
            "",
            "/init runs",
            "cofferdam: /init runs, at tick  of the timebase",
        ] {
            assert_eq!(tick_of_init(none), None, "{none}");
        }
    }
}
