//! The hypercalls: ePAPR's register convention, one token each.
//!
//! A caller puts the token in r11 and arguments in r3 to r10, and executes `sc`. On return r3 is a
//! [`crate::Status`], r4 on are results; r0, r3 to r12, XER, CTR and LR are lost, everything else
//! is kept, CR too (ePAPR 1.1, section 7.2, would have it lost). A result register that a page does not name holds what the
//! caller put there. `docs/abi.md` has one page for each call.

/// The vendor number in the upper half of each token. ePAPR gives 1 to itself; 42 is taken by KVM.
pub const VENDOR: u32 = 0x4346;

macro_rules! hypercalls {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// A hypercall. The discriminant is the lower half of its token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Hypercall { $($(#[$doc])* $name = $number,)* }

        impl Hypercall {
            /// Every hypercall, in the order of its number, without gaps.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, as the reference and the tools write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

hypercalls! {
    /// `()` → r4 ABI version, r5 timebase ticks per second. Never fails.
    Version = 0, "version";
    /// `(slot + 1 of an interrupt to acknowledge, or 0)` → r4 lines that are pending and enabled.
    /// Blocks until there is one. Whether virtual interrupts are enabled does not matter.
    Wait = 1, "wait";
    /// `()`: the virtual interrupts were just enabled: deliver what is pending.
    Deliver = 2, "deliver";
    /// `()` → r4 and r5 the caller's own processor time in ticks, upper and lower half.
    ProcessorTime = 3, "processor_time";
    /// `(upper, lower half of a timebase value)`: raise [`crate::page::LINE_TIMER`] then. All ones: never.
    SetTimer = 4, "set_timer";
    /// `()`: the work of this release is done; the deadline is judged now.
    Complete = 5, "complete";
    /// `(slot)`: raise the peer's line.
    Signal = 6, "signal";
    /// `(slot, address, length)`: replace the value of a sampling channel.
    SamplingWrite = 7, "sampling_write";
    /// `(slot, address, capacity)` → r4 length, r5 1 if valid else 0, r6 and r7 age in ticks.
    SamplingRead = 8, "sampling_read";
    /// `(slot, address, length)`: append a message.
    QueuingSend = 9, "queuing_send";
    /// `(slot, address, capacity)` → r4 length, r5 messages left, r6 1 if messages were lost since the last receive.
    QueuingReceive = 10, "queuing_receive";
    /// `(slot)` → r4 epoch of the peer, r5 messages held, r6 depth, r7 largest message in bytes.
    ChannelStatus = 11, "channel_status";
    /// `(slot, time-out in ticks or 0, four words)` → r4 length, r5 to r8 reply words. Submit and wait.
    Call = 12, "call";
    /// `(slot, time-out in ticks or 0, four words)`: submit; the slot's line tells of completion.
    CallSubmit = 13, "call_submit";
    /// `(slot, address, capacity)` → as `call`: take the reply of a submitted or interrupted call; its bytes go to the address.
    CallCollect = 14, "call_collect";
    /// `(slot)` → r4 length, r5 to r8 request words. A server's next request, if there is one.
    Receive = 15, "receive";
    /// `(slot, length, four words)`: answer the request taken last.
    Reply = 16, "reply";
    /// `(slot, length, four words)` → as `receive`: answer, then wait for the next request.
    ReplyReceive = 17, "reply_receive";
    /// `(slot, time-out, request address, request length, reply address, reply capacity)` → r4 length. `call` with messages in memory.
    CallMessage = 18, "call_message";
    /// `(slot, address, capacity)` → r4 length. The bytes of the request taken last.
    ReadRequest = 19, "read_request";
    /// `(slot, address, length)`: the bytes of the reply to come. `reply` with that length then sends it.
    WriteReply = 20, "write_reply";
    /// `(slot)`: the device interrupt was served; let it come again.
    InterruptAcknowledge = 21, "interrupt_acknowledge";
    /// `(slot, schedule)`: switch to that schedule at the next major-frame boundary.
    ScheduleSet = 22, "schedule_set";
    /// `(slot)` → r4 schedule now, r5 schedule next, r6 and r7 major frames since start, r8 and r9 the tick at which the one now began.
    ScheduleStatus = 23, "schedule_status";
    /// `(slot, 0 stop | 1 cold restart | 2 warm restart)`: of the partition that the capability names.
    PartitionControl = 24, "partition_control";
    /// `(slot)` → r4 state, r5 epoch, r6 and r7 processor time in ticks, r8 restarts, r9 health events.
    PartitionStatus = 25, "partition_status";
    /// `(slot, address)`: the next [`crate::record::HealthRecord`] of the log, 64 bytes.
    HealthRead = 26, "health_read";
    /// `(detail, 0 | error + 1)`: raise that error for oneself, `application_error` for 0.
    HealthRaise = 27, "health_raise";
    /// `(0 stop | 1 cold restart | 2 warm restart)`: oneself. Does not return.
    SelfControl = 28, "self_control";
    /// `(identifier, value)`: leave a [`crate::record::Mark`] in the record, as evidence for the host.
    Mark = 29, "mark";
    /// `(bytes, register, value)` → r4 a [`crate::guest::Exit`], r5 to r8 what stands beside it: the caller's guest has the vCPU until there
    /// is something for the caller to do. Unless `bytes` is 0, the guest goes on so far behind where it stands, with that
    /// value in that register, if there is one of this number.
    GuestRun = 30, "guest_run";
    /// `(register)` → r4 its value: a register of the guest, a number of [`crate::guest::number`].
    GuestGet = 31, "guest_get";
    /// `(register, value)`: the same, the other way.
    GuestSet = 32, "guest_set";
}

impl Hypercall {
    /// What the caller puts in r11.
    pub const fn token(self) -> u32 {
        (VENDOR << 16) | self as u32
    }

    /// The hypercall with this token, if there is one.
    pub fn from_token(token: u32) -> Option<Self> {
        let number = token.wrapping_sub(VENDOR << 16);
        Self::ALL.get(number as usize).copied()
    }
}

/// ePAPR's idle call: `wait` without a result.
pub const EPAPR_IDLE_TOKEN: u32 = 0x0001_0010;

/// The number of words of a register message.
pub const MESSAGE_WORDS: usize = 4;
