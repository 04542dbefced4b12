//! A QEMU plugin that counts executed instructions exactly, for the figures of `cargo xtask bench`; or says which of the kernel's were
//! executed, for `cargo xtask coverage`.
//!
//! Load it with `-plugin libcofferdam_icount.so,out=FILE,kernel=LO-HI[,vector=PC]...[,between=PC-PC]...[,only=between]
//! [,steps=between][,places=physical]` (addresses hexadecimal).
//! When QEMU ends, FILE holds one JSON object per line: see [`counting::Counts::write_lines`]. The counting itself is in
//! [`counting`] and knows nothing of QEMU; this file ties it to the plugin interface, whose facts are in [`api`].
//!
//! With `out=FILE,covers=LO-HI` nothing is counted, and FILE holds a line for each instruction that was executed, but for each at an `except=ADDRESS`: see [`covering`].

// Standard error is QEMU's, and read to its end by whoever started it.
#![allow(clippy::print_stderr)]

mod api;
pub mod counting;
mod covering;

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use counting::{Counts, Instruction, Settings};

struct State {
    counts: Counts,
    output: PathBuf,
    /// Every instruction seen in a translation, kept for good because QEMU keeps pointers to it in translated code. Keyed by
    /// where it lies and what it is, so that translating again costs no memory.
    instructions: HashMap<(u32, usize, u32), &'static Instruction>,
    /// Host address minus guest physical address of the guest's RAM, learnt from the kernel, which runs where it lies.
    ram_base: Option<usize>,
}

static STATE: OnceLock<Mutex<State>> = OnceLock::new();

fn with_state(action: impl FnOnce(&mut State)) {
    if let Some(state) = STATE.get() {
        action(
            &mut state
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        );
    }
}

/// The interface version this plugin is written to, which QEMU checks before it installs it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)] // The name is QEMU's.
pub static qemu_plugin_version: c_int = api::VERSION;

/// Called by QEMU once after loading.
///
/// # Safety
/// `arguments` points to `count` pointers to NUL-terminated strings, as QEMU's plugin interface says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: api::PluginId,
    _info: *const c_void,
    count: c_int,
    arguments: *const *const c_char,
) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    let arguments = (0..count).map(|index| {
        // SAFETY: the caller passes `count` valid strings (above); they are copied at once.
        let argument = unsafe { CStr::from_ptr(*arguments.add(index)) };
        argument.to_string_lossy().into_owned()
    });
    let (settings, covers, output) = match settings(arguments) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("cofferdam-icount: {message}");
            return 1;
        }
    };
    let state = State {
        counts: Counts::new(settings),
        output,
        instructions: HashMap::new(),
        ram_base: None,
    };
    let once = covers.is_none_or(|(text, except)| covering::begin(text, except));
    if STATE.set(Mutex::new(state)).is_err() || !once {
        eprintln!("cofferdam-icount: loaded twice");
        return 1;
    }
    // SAFETY: `id` is ours, and both functions have the types that the interface asks for and live as long as the plugin.
    unsafe {
        api::qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
        api::qemu_plugin_register_atexit_cb(id, at_exit, std::ptr::null_mut());
    }
    0
}

/// What to count, the text that is to be covered in place of that, without some instructions, and the file for it.
type Asked = (Settings, Option<(Range<u32>, Vec<u32>)>, PathBuf);

fn settings(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut settings = Settings::default();
    let (mut covers, mut except) = (None, Vec::new());
    let mut output = None;
    for argument in arguments {
        match argument.split_once('=') {
            Some(("out", path)) => output = Some(PathBuf::from(path)),
            Some((key @ "covers", value)) => covers = Some(counting::range(key, value)?),
            Some(("except", value)) => {
                let address = u32::from_str_radix(value, 16);
                except.push(address.map_err(|_| format!("except={value} is no address"))?);
            }
            Some((key, value)) => settings.set(key, value)?,
            None => return Err(format!("\"{argument}\" is no KEY=VALUE")),
        }
    }
    let covers = covers.map(|text| (text, except));
    Ok((settings, covers, output.ok_or("out=FILE is missing")?))
}

/// A block of guest code was translated: ask to be called before each of its instructions.
extern "C" fn translated(_id: api::PluginId, block: *mut c_void) {
    if let Some(covering) = covering::under_way() {
        // SAFETY: it is the handle that this call got.
        unsafe { covering.translated(block) };
        return;
    }
    with_state(|state| {
        // SAFETY: `block` is valid during this call, and instructions are asked for below its count.
        let count = unsafe { api::qemu_plugin_tb_n_insns(block) };
        for index in 0..count {
            // SAFETY: as above; the handle is used during this call alone.
            let handle = unsafe { api::qemu_plugin_tb_get_insn(block, index) };
            // SAFETY: the handle is valid; every PowerPC instruction is four bytes, which QEMU has read from the guest. They
            // may lie at any alignment, hence the byte array.
            let word = u32::from_be_bytes(unsafe {
                *api::qemu_plugin_insn_data(handle).cast::<[u8; 4]>()
            });
            // SAFETY: the handle is valid.
            let (address, host) = unsafe {
                (
                    api::qemu_plugin_insn_vaddr(handle),
                    api::qemu_plugin_insn_haddr(handle) as usize,
                )
            };
            // Guest addresses are 32 bits wide on this processor.
            let instruction = state.instruction(address as u32, host, word);
            // SAFETY: the handle is valid, `executed` has the type asked for, and the data lives as long as the process.
            unsafe {
                api::qemu_plugin_register_vcpu_insn_exec_cb(
                    handle,
                    executed,
                    api::CALLBACK_NO_REGISTERS,
                    std::ptr::from_ref(instruction).cast_mut().cast(),
                );
            }
        }
    });
}

impl State {
    fn instruction(&mut self, address: u32, host: usize, word: u32) -> &'static Instruction {
        if self.ram_base.is_none() && self.counts.settings().kernel.contains(&address) {
            self.ram_base = Some(host.wrapping_sub(address as usize));
        }
        // RAM of this machine ends below 4 GiB.
        let physical = self
            .ram_base
            .map_or(address, |base| host.wrapping_sub(base) as u32);
        let settings = self.counts.settings();
        self.instructions
            .entry((address, host, word))
            .or_insert_with(|| {
                Box::leak(Box::new(Instruction::new(
                    settings, address, physical, word,
                )))
            })
    }
}

/// Nothing is counted before the next mark: the emulator is several times as fast then.
static IDLE: AtomicBool = AtomicBool::new(false);

/// An instruction is about to be executed.
extern "C" fn executed(_cpu: c_uint, data: *mut c_void) {
    // SAFETY: `data` is the leaked `Instruction` that `translated` registered with this callback, never written again.
    let instruction = unsafe { &*data.cast::<Instruction>() };
    // One processor executes, and nobody else writes it.
    if IDLE.load(Ordering::Relaxed) && !instruction.is_mark() {
        return;
    }
    with_state(|state| {
        state.counts.execute(instruction);
        IDLE.store(state.counts.is_idle(), Ordering::Relaxed);
    });
}

extern "C" fn at_exit(_id: api::PluginId, _data: *mut c_void) {
    with_state(|state| {
        let written = File::create(&state.output).and_then(|file| {
            let mut file = BufWriter::new(file);
            match covering::under_way() {
                Some(covering) => covering.write_lines(&mut file),
                None => state.counts.write_lines(&mut file),
            }
        });
        if let Err(error) = written {
            eprintln!("cofferdam-icount: {}: {error}", state.output.display());
        }
    });
}
