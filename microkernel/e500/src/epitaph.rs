//! The kernel's last words: a record that survives a warm reset, and one line on the UART.

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::{CRASH_MAGIC, CrashRecord, MODULE};
use cofferdam_abi::space;
use cofferdam_core::Registers;

use crate::context::Context;
use crate::spr::{DEAR, ESR, mfspr};
use crate::time;

/// Fills the kernel's crash record.
pub fn describe(crash: &mut CrashRecord, context: &Context, vector: u32, boots: u32) {
    context.describe(crash);
    crash.pc = context.pc.into();
    crash.magic = CRASH_MAGIC.into();
    crash.partition = MODULE.into();
    crash.error = if vector == 1 {
        Error::MachineCheck
    } else {
        Error::KernelException
    } as u8;
    crash.action = Action::Halt as u8;
    crash.tick = time::now().into();
    crash.epoch = boots.into();
    crash.exception = vector.into();
    // A machine check and a debug exception have registers of their own (EREF, section 2.6): MCSRR1, MCAR and MCSR; CSRR1 and DBSR.
    let (state, address, syndrome) = match vector {
        1 => (mfspr!(571), mfspr!(573), mfspr!(572)),
        15 => (mfspr!(59), 0, mfspr!(304)),
        _ => (mfspr!(27), mfspr!(DEAR), mfspr!(ESR)),
    };
    crash.msr = state.into();
    crash.dear = address.into();
    crash.esr = syndrome.into();
    crash.count = crash.count.get().wrapping_add(1).into();
}

/// Transmitter holding register empty (16550, line status register).
const TRANSMITTER_EMPTY: u8 = 0x20;
const LINE_STATUS: usize = 5;
/// How long to wait for the transmitter: a dead UART must not hold up a reset.
const PATIENCE: u32 = 1_000_000;

/// Writes to the UART without interrupts. Whoever owns it is not asked: nobody runs any more.
///
/// # Safety
/// The device block is mapped, the UART lies at `uart_offset`, and partitions do not run again.
pub unsafe fn say(uart_offset: u32, parts: &[&[u8]]) {
    let base: *mut u8 = core::ptr::with_exposed_provenance_mut(
        space::kernel::DEVICES.wrapping_add(uart_offset) as usize,
    );
    for byte in parts.iter().copied().flatten() {
        // SAFETY: by the contract.
        unsafe {
            let mut patience = PATIENCE;
            while base.add(LINE_STATUS).read_volatile() & TRANSMITTER_EMPTY == 0 && patience > 0 {
                patience -= 1;
            }
            base.write_volatile(*byte);
        }
    }
}

/// A number in hexadecimal.
#[inline(never)]
pub fn hexadecimal(number: u32) -> [u8; 8] {
    core::array::from_fn(|digit| {
        let value = (number >> (28 - 4 * digit)) & 0xf;
        (if value < 10 {
            b'0' as u32 + value
        } else {
            b'a' as u32 - 10 + value
        }) as u8
    })
}
