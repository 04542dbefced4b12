//! The state of the core, and the functions that its vectors call.
//!
//! The kernel runs with interrupts off but where it waits, so each entry has the state to itself. Further cores will
//! have a state each; what they share will lie behind a lock.

use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use cofferdam_abi::health::Action;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::State;
use cofferdam_core::{
    AfterTimer, Configuration, Ending, Handler, Kernel, Machine, Next, Opening, Record,
};
use cofferdam_e500::time;
use cofferdam_e500::{
    Board, Context, abandon, epitaph, exception_fault, load_user_registers, resume, set_state,
    switch_to,
};
use spin::{Mutex, MutexGuard};

/// `rfi` (EREF, table A-1).
const RETURN_FROM_INTERRUPT: u32 = 0x4c00_0064;
/// The vector of a program interrupt.
const PROGRAM: u32 = 6;

static STATE: Mutex<Option<Kernel<Board>>> = Mutex::new(None);
/// Where [`STATE`] is, once it is filled: the lock is taken once and never given back.
static KERNEL: AtomicPtr<Kernel<Board>> = AtomicPtr::new(core::ptr::null_mut());
/// How often the kernel died: twice means that dying went wrong.
static DEATHS: AtomicU32 = AtomicU32::new(0);

/// Begins module time. Does not return: from here on there are only entries.
pub(crate) fn start(
    board: Board,
    configuration: &'static Configuration,
    record: &'static mut Record,
) -> ! {
    let Some(state) = STATE.try_lock() else {
        time::stop()
    };
    let kernel = MutexGuard::leak(state).insert(Kernel::new(board, configuration, record));
    KERNEL.store(kernel, Ordering::Relaxed);
    // SAFETY: the state lies in `STATE` for good.
    unsafe { set_state((&raw mut *kernel).cast()) };
    kernel.start();
    let context = kernel_decide(kernel);
    // SAFETY: the context of a partition, which lies in `STATE` for good.
    unsafe { resume(context) }
}

/// An entry was handled: does what the kernel decides until a partition goes on; gives its context.
#[unsafe(no_mangle)]
extern "C" fn kernel_decide(kernel: &mut Kernel<Board>) -> *mut Context {
    let next = kernel.decide();
    go_on(kernel, next)
}

/// Does what the kernel has decided until a partition goes on; gives its context.
#[inline(always)]
fn go_on(kernel: &mut Kernel<Board>, next: Next) -> *mut Context {
    match next {
        Next::Resume(partition) => take_up(kernel, partition),
        next => go_on_otherwise(kernel, next),
    }
}

/// The context of a partition, which is the one in the core from now on.
#[inline(always)]
fn take_up(kernel: &mut Kernel<Board>, partition: u8) -> *mut Context {
    let context: *mut Context = kernel.registers(partition);
    // SAFETY: the context of the partition that goes on next.
    unsafe { switch_to(context) };
    context
}

/// As [`go_on`], when it is not as simple as that.
#[inline(never)]
fn go_on_otherwise(kernel: &mut Kernel<Board>, mut next: Next) -> *mut Context {
    loop {
        next = match next {
            Next::Resume(partition) => return take_up(kernel, partition),
            // SAFETY: interrupts are off here, and no context is borrowed.
            Next::Idle => unsafe { time::idle() },
            Next::Prepare => {
                // SAFETY: whoever goes on comes by `switch_to`; interrupts are off here, and no context is borrowed.
                unsafe {
                    abandon();
                    time::preempt();
                }
                kernel.prepare();
                kernel.decide_out_of_line()
            }
            Next::Await(opening) => {
                kernel.await_window(opening);
                kernel.decide_out_of_line()
            }
            Next::Halt => {
                kernel.last_words();
                time::stop()
            }
        }
    }
}

/// Waits for a window's tick, and resumes who has it: by this one way, whatever entry came before.
#[inline(always)]
fn open_window(kernel: &mut Kernel<Board>, first: u8, opening: Opening) -> ! {
    let context: *mut Context = kernel.registers(first);
    // SAFETY: the context of the partition that goes on next.
    unsafe { load_user_registers(context) };
    kernel.await_window(opening);
    // SAFETY: the context of a partition, which lies in `STATE` for good. What is on the kernel's stack is left behind.
    unsafe { resume(context) }
}

/// What the entry code of `sc` calls.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name of a symbol")]
static hypercall_handlers: [Handler<Board>; Hypercall::ALL.len()] = Kernel::<Board>::HANDLERS;

/// A hypercall that is not done with its handler.
#[unsafe(no_mangle)]
extern "C" fn kernel_hypercall(kernel: &mut Kernel<Board>) -> Ending {
    kernel.hypercall_at_length()
}

/// A device asks.
#[unsafe(no_mangle)]
extern "C" fn kernel_interrupt(kernel: &mut Kernel<Board>) -> *mut Context {
    let next = kernel.interrupt();
    go_on(kernel, next)
}

/// The decrementer has fired.
#[unsafe(no_mangle)]
extern "C" fn kernel_timer(kernel: &mut Kernel<Board>) -> *mut Context {
    match kernel.timer() {
        AfterTimer::Window(first, opening) => open_window(kernel, first, opening),
        AfterTimer::Otherwise(next) => go_on(kernel, next),
    }
}

/// A partition did what it cannot go on from by itself.
#[unsafe(no_mangle)]
extern "C" fn kernel_exception(
    kernel: &mut Kernel<Board>,
    context: *mut Context,
    vector: u32,
) -> *mut Context {
    match vector {
        PROGRAM if kernel.instruction() == Some(RETURN_FROM_INTERRUPT) => {
            kernel.return_from_interrupt()
        }
        2 | 3 | 5 | PROGRAM | 7..=9 | 13 | 14 | 32..=35 => {
            // SAFETY: the context that the entry code has just filled.
            let fault = exception_fault(vector, unsafe { &*context });
            if kernel.exception(fault) == Ending::RESUME {
                return context;
            }
        }
        _ => kernel_died(context, vector),
    }
    kernel_decide(kernel)
}

/// An exception that the kernel did not expect: of its own, or one that nobody can have caused.
#[unsafe(no_mangle)]
extern "C" fn kernel_died(context: *mut Context, vector: u32) -> ! {
    if DEATHS.fetch_add(1, Ordering::Relaxed) != 0 {
        time::stop();
    }
    // SAFETY: nothing else runs any more; what the interrupted kernel was in the middle of is not used.
    let record = unsafe { crate::start::record() };
    // SAFETY: the context that the entry code has just filled.
    let context = unsafe { &*context };
    let boots = record.header.boots.get();
    epitaph::describe(&mut record.epitaph, context, vector, boots);
    record.header.state = (State::Dead as u16).into();
    let kernel = KERNEL.load(Ordering::Relaxed);
    // SAFETY: as above. Before there is a kernel, there is no configuration either that would say more.
    let Some(kernel) = (unsafe { kernel.as_mut() }) else {
        time::stop()
    };
    let configuration = kernel.configuration();
    let pc = epitaph::hexadecimal(record.epitaph.pc.get());
    let number = epitaph::hexadecimal(vector);
    let uart = configuration.board().uart_offset;
    let words: [&[u8]; 5] = [
        b"\r\ncofferdam: kernel exception ",
        &number,
        b" at ",
        &pc,
        b"\r\n",
    ];
    // SAFETY: devices are mapped, and partitions do not run again.
    unsafe { epitaph::say(uart, &words) };
    if configuration.module_action(usize::from(vector == 1)) == Some(Action::Reset) {
        record.epitaph.action = Action::Reset as u8;
        kernel.machine.reset();
    }
    time::stop()
}
