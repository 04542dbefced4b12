//! Which instructions of the kernel were executed, and which ways its conditional branches went.
//!
//! QEMU itself counts what is executed; a conditional branch is asked after when the block behind it begins, for it ends its own
//! (QEMU, `target/ppc/translate.c`). Whether it was taken follows from where that block lies: at its target, or behind the branch. Elsewhere it
//! is an interrupt's, which says nothing of the branch.

use std::ffi::{c_uint, c_void};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::api;

const INSTRUCTION_BYTES: u32 = 4;
/// No branch waits for the block behind it.
const NONE: usize = usize::MAX;

static COVERING: OnceLock<Covering> = OnceLock::new();
static BRANCH: AtomicUsize = AtomicUsize::new(NONE);

/// What was seen of the kernel's text.
pub struct Covering {
    text: Range<u32>,
    /// Where other instructions stand than in the kernel that this is about.
    except: Vec<u32>,
    /// For each of its instructions.
    seen: Box<[Seen]>,
}

/// What was seen of one instruction.
#[derive(Default)]
struct Seen {
    /// How often it was executed. QEMU writes it.
    executed: AtomicU64,
    /// The index to which a conditional branch goes when it is taken; [`NONE`] if a register says it. Behind the first translation.
    target: AtomicUsize,
    taken: AtomicBool,
    passed: AtomicBool,
}

/// Begins to look at the kernel's text, at these effective addresses, and says nothing of the instructions at `except`. `false`: something does already.
pub fn begin(text: Range<u32>, except: Vec<u32>) -> bool {
    let instructions = text.len() / INSTRUCTION_BYTES as usize;
    let seen = (0..instructions).map(|_| Seen::default()).collect();
    let covering = Covering { text, except, seen };
    COVERING.set(covering).is_ok()
}

/// What is looked at, if anything is.
pub fn under_way() -> Option<&'static Covering> {
    COVERING.get()
}

/// Where a conditional branch goes when it is taken; `Some(None)`: where a register says (EREF, 4.3.4: BO of which bits 0 and 2 are set
/// asks nothing).
fn conditional(address: u32, word: u32) -> Option<Option<u32>> {
    const ALWAYS: u32 = 0b10100;
    let conditional = (word >> 21) & ALWAYS != ALWAYS;
    match (word >> 26, (word >> 1) & 0x3ff) {
        (16, _) if conditional => {
            let displacement = i32::from((word & 0xfffc) as u16 as i16);
            let base = if word & 2 == 0 { address } else { 0 };
            Some(Some(base.wrapping_add_signed(displacement)))
        }
        (19, 16 | 528) if conditional => Some(None),
        _ => None,
    }
}

impl Covering {
    fn index(&self, address: u32) -> Option<usize> {
        let inside = self.text.contains(&address);
        inside.then(|| ((address - self.text.start) / INSTRUCTION_BYTES) as usize)
    }

    /// A block of guest code was translated.
    ///
    /// # Safety
    /// `block` is the handle that QEMU passed to the callback under way.
    pub unsafe fn translated(&'static self, block: *mut c_void) {
        // SAFETY: `block` is valid during this call, and instructions are asked for below its count.
        let count = unsafe { api::qemu_plugin_tb_n_insns(block) };
        for place in 0..count {
            // SAFETY: as above; the handle is used during this call alone. An instruction is four bytes at any alignment of the host's.
            let (handle, address, word) = unsafe {
                let handle = api::qemu_plugin_tb_get_insn(block, place);
                let bytes = *api::qemu_plugin_insn_data(handle).cast::<[u8; 4]>();
                let address = api::qemu_plugin_insn_vaddr(handle) as u32;
                (handle, address, u32::from_be_bytes(bytes))
            };
            let Some(index) = self.index(address) else {
                continue;
            };
            let seen = &self.seen[index];
            if place == 0 {
                // SAFETY: the callback has the type asked for; its data is a number.
                unsafe {
                    api::qemu_plugin_register_vcpu_tb_exec_cb(
                        block,
                        begins,
                        api::CALLBACK_NO_REGISTERS,
                        index as *mut c_void,
                    );
                }
            }
            // SAFETY: the counter lives as long as the process, and QEMU alone writes it while the one processor runs.
            unsafe {
                api::qemu_plugin_register_vcpu_insn_exec_inline(
                    handle,
                    api::INLINE_ADD,
                    seen.executed.as_ptr().cast(),
                    1,
                );
            }
            if let Some(target) = conditional(address, word) {
                let target = target.map_or(NONE, |to| self.index(to).unwrap_or(NONE));
                seen.target.store(target, Ordering::Relaxed);
                // SAFETY: as above.
                unsafe {
                    api::qemu_plugin_register_vcpu_insn_exec_cb(
                        handle,
                        branches,
                        api::CALLBACK_NO_REGISTERS,
                        index as *mut c_void,
                    );
                }
            }
        }
    }

    /// The block at `index` begins behind the branch at `branch`.
    fn went(&self, branch: usize, index: usize) {
        let seen = &self.seen[branch];
        let target = seen.target.load(Ordering::Relaxed);
        if index == branch + 1 {
            seen.passed.store(true, Ordering::Relaxed);
        } else if target == NONE || target == index {
            seen.taken.store(true, Ordering::Relaxed);
        }
    }

    /// Writes a line for each instruction that was executed: its address, and for a conditional branch the ways it went.
    pub fn write_lines(&self, to: &mut impl Write) -> io::Result<()> {
        for (seen, address) in self.seen.iter().zip(self.text.clone().step_by(4)) {
            if seen.executed.load(Ordering::Relaxed) == 0 || self.except.contains(&address) {
                continue;
            }
            let way = |went: &AtomicBool, name| {
                let went = went.load(Ordering::Relaxed);
                if went { name } else { "" }
            };
            let (taken, passed) = (way(&seen.taken, " taken"), way(&seen.passed, " passed"));
            writeln!(to, "{address:x}{taken}{passed}")?;
        }
        to.flush()
    }
}

/// A conditional branch is about to be executed.
extern "C" fn branches(_cpu: c_uint, data: *mut c_void) {
    BRANCH.store(data as usize, Ordering::Relaxed);
}

/// A block of the kernel's begins.
extern "C" fn begins(_cpu: c_uint, data: *mut c_void) {
    let branch = BRANCH.swap(NONE, Ordering::Relaxed);
    if let Some(covering) = under_way().filter(|_| branch != NONE) {
        covering.went(branch, data as usize);
    }
}
