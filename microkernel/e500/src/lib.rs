//! The e500v2 under the kernel: vectors, context, TLB, timers, interrupt controller.
