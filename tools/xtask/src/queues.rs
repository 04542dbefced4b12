//! Queues that are none, as root in Linux makes them for a device of the guest's own.
//!
//! A script writes descriptors and rings into memory that Linux has no use for any more, gives them to the device by its registers, and says what the
//! device's status is then. Each breaks one rule (virtio 1.2, section 2.7), and the device has to stop at it; those of the host
//! (`personalities/guest/src/virtio/hostile.rs`) are many more.

use anyhow::{Result, ensure};

/// What Linux is told besides: it keeps the memory in which its first file system came, and leaves it alone.
pub const ARGUMENTS: &str = "retain_initrd";

/// Registers are little-endian, as queues are; their numbers and the bits of the status are those of `personalities/guest/src/virtio/mmio.rs`.
const FUNCTIONS: &str =
    "le() { printf 0x%02x%02x%02x%02x $(($1&255)) $(($1>>8&255)) $(($1>>16&255)) $(($1>>24&255)); }
at() { devmem $(($1)) 32 $(le $(($2))); }
put() { devmem $registers$1 32 $(le $2); }
queue() {
put 070 0; put 070 3; put 024 1; put 020 1; put 070 11
put 030 $number; put 038 8; put 080 $2; put 090 $3; put 0a0 $4; put 044 1
put 070 15; put 050 $number
echo queue $1 $(devmem ${registers}070 32)
}
chain() {
at $memory $3; at $memory+4 $2; at $memory+8 $4; at $memory+12 \"$5|$6<<16\"
at $memory+0x1000 \"$8<<16\"; at $memory+0x1004 $7; at $memory+0x2000 0
queue $1 $memory $((memory+0x1000)) $((memory+0x2000))
}
";

/// Where a queue lies is wrong: its name, and the addresses of its three parts.
const LAYOUTS: [(&str, &str); 4] = [
    ("outside", "0xfffffff0 0x1000 0x2000"),
    ("around", "0 0xfffffffc 0x2000"),
    ("over-the-end", "0 0x1000 0x3fffffe"),
    ("on-the-kernel", "0 0x1000 0x2000"),
];

/// What is in its ring is wrong: its name; of the first descriptor the upper and the lower word of the address, the length, the flags and the next one; the
/// entry of the available ring, and its index.
const RINGS: [(&str, &str); 2] = [
    ("no-such-descriptor", "0 $buffer 64 0 0 99 1"),
    ("index-jumps", "0 $buffer 64 0 0 0 100"),
];

/// What is in its descriptors is wrong: the same.
const CHAINS: [(&str, &str); 8] = [
    ("no-such-next", "0 $buffer 64 1 99 0 1"),
    ("loop", "0 $buffer 64 1 0 0 1"),
    ("table", "0 $buffer 64 4 0 0 1"),
    ("empty", "0 $buffer 0 0 0 0 1"),
    ("beyond-4-gib", "1 $buffer 64 0 0 0 1"),
    ("behind-the-memory", "0 0x4000000 64 0 0 0 1"),
    ("across-its-end", "0 0x3fffff0 64 0 0 0 1"),
    ("length-wraps", "0 $buffer 0xffffffff 0 0 0 1"),
];

/// How far a device looks at what is in a queue.
#[derive(Clone, Copy)]
pub enum Looked {
    /// At its ring: it takes nothing before something comes for the guest.
    Ring,
    /// At all of it.
    Through,
}

impl Looked {
    /// What is in the queue is wrong in these ways.
    fn contents(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let chains: &[_] = match self {
            Self::Ring => &[],
            Self::Through => &CHAINS,
        };
        RINGS.iter().chain(chains).copied()
    }
}

/// One that keeps the rules, for a device that takes a buffer of 64 bytes.
pub const SOUND: &str = "chain sound 0 $buffer 64 0 0 0 1\nput 070 0\n";

/// The script for a queue of the device whose registers are there, on a page of their own. The shell's numbers have 32 bits and a sign, so that addresses
/// of registers are text to it.
pub fn script(registers: u32, number: u32, looked: Looked) -> String {
    let layouts = LAYOUTS.map(|(name, parts)| format!("queue {name} {parts}\n"));
    let contents = looked
        .contents()
        .map(|(name, chain)| format!("chain {name} {chain}\n"));
    format!(
        "{FUNCTIONS}registers={:#x} number={number}
memory=$((0x$(hexdump -ve '1/1 \"%02x\"' /proc/device-tree/chosen/linux,initrd-start)))
buffer=$((memory+0x3000))\n{}{}put 070 0\n",
        registers >> 12,
        layouts.concat(),
        contents.collect::<String>()
    )
}

/// Whether the device stopped at each of them.
///
/// # Errors
/// Of the first at which it did not.
pub fn judge(text: &str, looked: Looked) -> Result<()> {
    let contents = looked.contents().map(|(name, _)| name);
    for name in LAYOUTS.iter().map(|(name, _)| *name).chain(contents) {
        says(text, name, "0x4F000000")?;
    }
    Ok(())
}

/// Whether the device goes on with [`SOUND`].
///
/// # Errors
/// It does not.
pub fn judge_sound(text: &str) -> Result<()> {
    says(text, "sound", "0x0F000000")
}

fn says(text: &str, name: &str, status: &str) -> Result<()> {
    let line = format!("[linux  ] queue {name} {status}\r\n");
    ensure!(
        text.contains(&line),
        "the status is not {status} at `{name}`:\n{text}"
    );
    Ok(())
}
