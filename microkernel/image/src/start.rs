//! From the first Rust instruction to the first window.

use cofferdam_abi::record::{MAGIC, State};
use cofferdam_abi::{ABI_VERSION, limits, space};
use cofferdam_core::{BootFailure, Configuration, Record};
use cofferdam_e500::time;
use cofferdam_e500::{Board, map_devices, map_ram};
use spin::{Mutex, MutexGuard};
use zerocopy::FromZeros;

use crate::core_0;

/// The configuration, filled once and never changed again.
static CONFIGURATION: Mutex<Configuration> = Mutex::new(Configuration::EMPTY);

/// The record region. Everything that says "static" about it is true from here on.
///
/// The host writes two words of its head, `stop_request` and `stop_at`, while the machine runs. The kernel looks at them once in a major
/// frame, and either value is a good one.
///
/// # Safety
/// Whoever has the reference has the region: called once, and again only when whoever had it is dead.
pub(crate) unsafe fn record() -> &'static mut Record {
    // SAFETY: the region is mapped read-write, holds no other Rust object, and any bytes are a `Record`.
    unsafe { &mut *(space::kernel::RECORD as *mut Record) }
}

/// The region of the compiled tables.
fn tables() -> &'static [u8] {
    // SAFETY: mapped read-only, and not written while the machine runs.
    unsafe { core::slice::from_raw_parts(space::kernel::TABLES as *const u8, limits::TABLES_BYTES) }
}

/// Opens the record: a warm reset keeps what the life before it left.
fn open(record: &mut Record) {
    let header = &mut record.header;
    if header.magic != MAGIC {
        let (request, at) = (header.stop_request, header.stop_at);
        header.zero();
        (header.stop_request, header.stop_at) = (request, at);
        record.partitions.zero();
        record.crashes.zero();
        record.epitaph.zero();
    }
    let header = &mut record.header;
    header.magic = MAGIC.into();
    header.abi_version = ABI_VERSION.into();
    header.state = (State::Booting as u16).into();
    header.boots = header.boots.get().wrapping_add(1).into();
    header.trace_kernel = u32::from(cfg!(feature = "trace")).into();
}

/// Nothing is started.
fn refuse(record: &mut Record, failure: BootFailure) -> ! {
    record.header.reason = failure.number().into();
    record.header.state = (State::BootFailed as u16).into();
    time::stop()
}

#[unsafe(no_mangle)]
extern "C" fn kernel_start() -> ! {
    // SAFETY: the start code calls this once, and nobody else has the region yet.
    let record = unsafe { record() };
    open(record);
    let Some(mut configuration) = CONFIGURATION.try_lock() else {
        time::stop()
    };
    if let Err(failure) = configuration.load(tables()) {
        refuse(record, failure)
    }
    let configuration: &'static Configuration = MutexGuard::leak(configuration);
    // SAFETY: the board's device block, which the kernel's own devices were checked to lie in; blocks that were checked to hold nothing
    // of the kernel.
    let board = unsafe {
        map_devices(configuration.board().devices_physical);
        for (index, block) in configuration.ram_blocks().iter().enumerate() {
            map_ram(index as u32, block);
        }
        Board::new(configuration.board())
    };
    let Some(board) = board else {
        refuse(record, BootFailure::InterruptController)
    };
    core_0::start(board, configuration, record)
}
