//! The attacks, in the order in which they are tried.

use cofferdam_abi::health::Error;
use cofferdam_abi::hypercall::Hypercall;

use crate::Attack;
use crate::Expected::{self, Denied, Harmless, Refused, Restarted, RestartsItself};

/// The attack on a hypercall has this number and the hypercall's added.
pub const HYPERCALLS_FROM: u16 = 100;

/// The number of the attack with this id. For constants: an id that does not exist does not compile.
pub const fn number_of(id: &str) -> u16 {
    let mut index = 0;
    while index < ATTACKS.len() {
        if equal(ATTACKS[index].id.as_bytes(), id.as_bytes()) {
            return ATTACKS[index].number;
        }
        index += 1;
    }
    panic!("there is no attack with this id")
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

macro_rules! attacks {
    (
        $($number:literal $id:literal $title:literal => $expected:expr;)*
        hypercalls { $($call:ident $name:literal $answer:expr;)* }
    ) => {
        /// All attacks.
        pub const ATTACKS: &[Attack] = &[
            $(attack($number, $id, $title, $expected),)*
            $(attack(
                HYPERCALLS_FROM + Hypercall::$call as u16,
                concat!("hypercall.", $name),
                concat!("hypercall ", $name, " with bad arguments"),
                $answer,
            ),)*
        ];
    };
}

const fn attack(number: u16, id: &'static str, title: &'static str, expected: Expected) -> Attack {
    Attack {
        number,
        id,
        title,
        expected,
    }
}

const VIOLATION: Expected = Denied(Error::MemoryViolation);
const PRIVILEGED: Expected = Denied(Error::PrivilegedInstruction);
const ILLEGAL: Expected = Denied(Error::IllegalInstruction);

attacks! {
    1 "flood.marks" "filling the record with marks" => Harmless;

    10 "memory.read_kernel" "reading the kernel's memory" => VIOLATION;
    11 "memory.write_kernel" "writing the kernel's memory" => VIOLATION;
    12 "memory.read_others" "reading other partitions' memory" => VIOLATION;
    13 "memory.write_others" "writing other partitions' memory" => VIOLATION;
    14 "memory.read_devices" "reading foreign devices" => VIOLATION;
    15 "memory.write_devices" "writing foreign devices" => VIOLATION;
    16 "memory.read_everywhere" "reading each mebibyte of the address space" => VIOLATION;
    17 "memory.write_text" "writing its own text" => VIOLATION;
    18 "memory.write_constants" "writing its own constants" => VIOLATION;
    19 "memory.execute_data" "executing its own data" => VIOLATION;
    20 "memory.execute_constants" "executing its own constants" => VIOLATION;
    21 "memory.execute_page" "executing its register page" => VIOLATION;
    22 "memory.execute_kernel" "jumping into the kernel" => VIOLATION;
    23 "memory.execute_others" "jumping into other partitions" => VIOLATION;
    24 "memory.stack" "running off its stack" => Restarted(Error::StackOverflow);

    30 "privileged.machine_state" "changing the machine state" => PRIVILEGED;
    31 "privileged.translation" "changing translations" => PRIVILEGED;
    32 "privileged.write_special" "writing privileged registers" => PRIVILEGED;
    33 "privileged.read_special" "reading privileged registers" => PRIVILEGED;
    34 "illegal.instructions" "instructions that do not exist" => ILLEGAL;
    35 "illegal.floating_point" "floating-point instructions" => ILLEGAL;
    36 "illegal.signal_processing" "signal-processing instructions" => ILLEGAL;
    37 "illegal.trap" "a trap" => Restarted(Error::Trap);
    38 "illegal.alignment" "a misaligned load with reservation" => Denied(Error::Alignment);

    40 "virtual.return_state" "returning from interrupts with privileges" => PRIVILEGED;
    41 "virtual.page" "nonsense in its register page" => Harmless;
    42 "virtual.vectors" "vectors that point into the kernel" => VIOLATION;
    43 "virtual.user_registers" "leaving values in registers of user level" => Harmless;
    44 "virtual.restart" "restarting itself again and again" => RestartsItself;

    50 "flood.channel" "flooding its channel" => Harmless;
    51 "flood.calls" "calling a server again and again" => Harmless;
    52 "flood.health" "raising errors as fast as it can" => Harmless;
    53 "flood.timer" "setting its timer to the past and to the next tick" => Harmless;
    54 "flood.spin" "spinning with interrupts off for whole windows" => Harmless;

    55 "hypercall.unknown" "hypercalls that do not exist" => Refused;

    60 "boundary.hypercall" "being in a hypercall when its window ends" => Harmless;
    61 "boundary.message" "being in the longest copy when its window ends" => Harmless;
    62 "boundary.fault" "being in a fault when its window ends" => VIOLATION;
    63 "boundary.instruction" "being in an illegal instruction when its window ends" => ILLEGAL;
    64 "boundary.interrupt" "being in an interrupt when its window ends" => Harmless;
    65 "boundary.call" "calling a server when its window ends" => Harmless;
    66 "boundary.wait" "waiting and waking when its window ends" => Harmless;

    hypercalls {
        Version "version" Harmless;
        Wait "wait" Refused;
        Deliver "deliver" Harmless;
        ProcessorTime "processor_time" Harmless;
        SetTimer "set_timer" Harmless;
        Complete "complete" Harmless;
        Signal "signal" Refused;
        SamplingWrite "sampling_write" Refused;
        SamplingRead "sampling_read" Refused;
        QueuingSend "queuing_send" Refused;
        QueuingReceive "queuing_receive" Refused;
        ChannelStatus "channel_status" Refused;
        Call "call" Refused;
        CallSubmit "call_submit" Refused;
        CallCollect "call_collect" Refused;
        Receive "receive" Refused;
        Reply "reply" Refused;
        ReplyReceive "reply_receive" Refused;
        CallMessage "call_message" Refused;
        ReadRequest "read_request" Refused;
        WriteReply "write_reply" Refused;
        InterruptAcknowledge "interrupt_acknowledge" Refused;
        ScheduleSet "schedule_set" Refused;
        ScheduleStatus "schedule_status" Refused;
        PartitionControl "partition_control" Refused;
        PartitionStatus "partition_status" Refused;
        HealthRead "health_read" Refused;
        HealthRaise "health_raise" Harmless;
        SelfControl "self_control" Refused;
        Mark "mark" Harmless;
        GuestRun "guest_run" Refused;
        GuestGet "guest_get" Refused;
        GuestSet "guest_set" Refused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_are_unique() {
        for (index, attack) in ATTACKS.iter().enumerate() {
            for other in &ATTACKS[..index] {
                assert_ne!(attack.number, other.number);
                assert_ne!(attack.id, other.id);
            }
        }
    }

    #[test]
    fn every_hypercall_is_attacked() {
        for call in Hypercall::ALL {
            let number = HYPERCALLS_FROM + *call as u16;
            let attack = ATTACKS.iter().find(|attack| attack.number == number);
            let id = attack.map(|attack| attack.id.trim_start_matches("hypercall."));
            assert_eq!(id, Some(call.name()));
        }
    }

    #[test]
    fn an_attack_is_found_by_its_id() {
        assert_eq!(number_of("flood.spin"), 54);
    }
}
