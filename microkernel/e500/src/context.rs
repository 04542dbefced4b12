//! The saved registers of a vCPU.

use cofferdam_abi::guest::number;
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
    /// The third tag of a guest's, at its kernel's level, and where its `sc` leads: an offset from the vectors.
    pub(crate) pid2: u32,
    pub(crate) syscall: u32,
    /// Where the store that ends a reservation would go.
    pub(crate) reservation: u32,
    #[cfg(feature = "guests")]
    pub(crate) short_ways: crate::guest::ShortWays,
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

impl Context {
    /// It is that of a guest.
    #[cfg(feature = "guests")]
    pub(crate) fn begin_guest(&mut self, guest: &cofferdam_tables::Guest) {
        self.short_ways = crate::guest::ShortWays::new(guest);
    }

    /// What the accesses of a guest match. Gives whether it comes from its processes' level to its kernel's.
    #[cfg(feature = "guests")]
    pub(crate) fn set_levels(&mut self, levels: &cofferdam_core::Levels) -> bool {
        let entered = self.pid2 == 0 && !levels.at_user_level;
        self.short_ways.set(levels);
        self.pid = levels.process.into();
        self.pid2 = if levels.at_user_level {
            0
        } else {
            levels.kernel.into()
        };
        self.syscall = crate::guest::syscall_offset(levels.short);
        entered
    }
}

#[cfg(feature = "guests")]
impl Context {
    /// The second tag that its accesses match.
    #[inline(always)]
    pub(crate) fn pid1(&self) -> u32 {
        self.short_ways.second_tag(self.at_user_level())
    }
}

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
            syscall: crate::vectors::hypercall_offset(),
            ..Self::default()
        };
        self.gpr[1] = stack_top;
    }

    fn numbered(&self, register: u32) -> u32 {
        match register {
            number::PC => self.pc,
            number::CR => self.cr,
            number::XER => self.xer,
            number::CTR => self.ctr,
            number::LR => self.lr,
            general => self.gpr[general as usize & 31],
        }
    }

    fn set_numbered(&mut self, register: u32, value: u32) {
        let place = match register {
            number::PC => &mut self.pc,
            number::CR => &mut self.cr,
            number::XER => &mut self.xer,
            number::CTR => &mut self.ctr,
            number::LR => &mut self.lr,
            general => &mut self.gpr[general as usize & 31],
        };
        *place = value;
    }

    fn at_user_level(&self) -> bool {
        self.pid2 == 0
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
