//! The part of QEMU's TCG plugin interface, version 1 (QEMU 4.2 to 8.2), that is used here.
//!
//! Written down as facts of the interface: names, types, and what QEMU guarantees. Handles (`block`, `instruction`) are valid
//! only during the translation callback that passed them.

use std::ffi::{c_int, c_uint, c_void};

/// The version of the interface.
pub const VERSION: c_int = 1;
/// The callback neither reads nor writes registers of the guest.
pub const CALLBACK_NO_REGISTERS: c_int = 0;

/// What is executed inline: a number is added to one of 64 bits.
pub const INLINE_ADD: c_int = 0;

/// What QEMU calls this plugin.
pub type PluginId = u64;

// Defined by the QEMU process that loads the plugin.
unsafe extern "C" {
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(
        id: PluginId,
        callback: extern "C" fn(PluginId, *mut c_void),
    );
    pub fn qemu_plugin_register_atexit_cb(
        id: PluginId,
        callback: extern "C" fn(PluginId, *mut c_void),
        data: *mut c_void,
    );
    pub fn qemu_plugin_tb_n_insns(block: *const c_void) -> usize;
    pub fn qemu_plugin_tb_get_insn(block: *const c_void, index: usize) -> *mut c_void;
    pub fn qemu_plugin_insn_data(instruction: *const c_void) -> *const c_void;
    pub fn qemu_plugin_insn_vaddr(instruction: *const c_void) -> u64;
    /// The host address at which the instruction's bytes lie in guest RAM.
    pub fn qemu_plugin_insn_haddr(instruction: *const c_void) -> *const c_void;
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut c_void,
        callback: extern "C" fn(c_uint, *mut c_void),
        flags: c_int,
        data: *mut c_void,
    );
    pub fn qemu_plugin_register_vcpu_insn_exec_inline(
        instruction: *mut c_void,
        operation: c_int,
        number: *mut c_void,
        operand: u64,
    );
    pub fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut c_void,
        callback: extern "C" fn(c_uint, *mut c_void),
        flags: c_int,
        data: *mut c_void,
    );
}
