//! The saved registers of a vCPU.

use cofferdam_abi::record::CrashRecord;
use cofferdam_core::Registers;

/// The machine state of every partition: user mode, address space 1, all interrupts enabled; no SPE, no debug
/// (EREF, table 2-5: CE, EE, PR, ME, IS, DS).
pub const MSR_PARTITION: u32 = 0x0002_0000 | 0x8000 | 0x4000 | 0x1000 | 0x20 | 0x10;

/// The registers that a partition can see, while it does not run. The entry and exit code knows the layout.
#[derive(Default)]
#[repr(C)]
pub struct Context {
    pub(crate) gpr: [u32; 32],
    pub(crate) pc: u32,
    /// Always [`MSR_PARTITION`].
    pub(crate) msr: u32,
    pub(crate) cr: u32,
    pub(crate) xer: u32,
    pub(crate) ctr: u32,
    pub(crate) lr: u32,
    /// USPRG0 and SPEFSCR: user mode can write them, even with the SPE off.
    pub(crate) usprg0: u32,
    pub(crate) spefscr: u32,
    /// The tag of its translations.
    pub(crate) pid: u32,
    /// Where the store that ends a reservation would go.
    pub(crate) reservation: u32,
}

pub(crate) const PC: usize = core::mem::offset_of!(Context, pc);
pub(crate) const MSR: usize = core::mem::offset_of!(Context, msr);
pub(crate) const CR: usize = core::mem::offset_of!(Context, cr);
pub(crate) const XER: usize = core::mem::offset_of!(Context, xer);
pub(crate) const CTR: usize = core::mem::offset_of!(Context, ctr);
pub(crate) const LR: usize = core::mem::offset_of!(Context, lr);
pub(crate) const PID: usize = core::mem::offset_of!(Context, pid);
pub(crate) const RESERVATION: usize = core::mem::offset_of!(Context, reservation);
const _: () = assert!(core::mem::offset_of!(Context, gpr) == 0);

impl Registers for Context {
    #[inline(always)]
    fn token(&self) -> u32 {
        self.gpr[11]
    }

    #[inline(always)]
    fn argument(&self, index: usize) -> u32 {
        self.gpr[3 + (index & 7)]
    }

    #[inline(always)]
    fn set_result(&mut self, index: usize, value: u32) {
        self.gpr[3 + (index & 7)] = value;
    }

    #[inline(always)]
    fn pc(&self) -> u32 {
        self.pc
    }

    #[inline(always)]
    fn set_pc(&mut self, pc: u32) {
        self.pc = pc;
    }

    fn link(&self) -> u32 {
        self.lr
    }

    fn stack_pointer(&self) -> u32 {
        self.gpr[1]
    }

    fn start(&mut self, entry: u32, stack_top: u32, pid: u8) {
        *self = Self {
            pc: entry,
            msr: MSR_PARTITION,
            pid: u32::from(pid),
            ..Self::default()
        };
        self.gpr[1] = stack_top;
    }

    fn describe(&self, crash: &mut CrashRecord) {
        for (place, value) in crash.gpr.iter_mut().zip(self.gpr) {
            *place = value.into();
        }
        crash.msr = self.msr.into();
        crash.cr = self.cr.into();
        crash.xer = self.xer.into();
        crash.ctr = self.ctr.into();
        crash.lr = self.lr.into();
    }
}
