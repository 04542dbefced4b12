//! What guests try, and what has to come of it.
//!
//! A guest leaves its marks through its monitor, by a register of the board that it sees. What it says counts as far as the account of
//! its partition does not speak against it.

use crate::evidence::{self, Mark, Verdict};
use crate::{Attack, Expected};

/// The boot argument that asks for an attack, by its id or [`ALL`].
pub const ARGUMENT: &str = "attack=";
/// All that leave the guest alive.
pub const ALL: &str = "all";

const fn attack(number: u16, id: &'static str, title: &'static str, expected: Expected) -> Attack {
    Attack {
        number,
        id,
        title,
        expected,
    }
}

macro_rules! attacks {
    ($($name:ident { $($number:literal $id:literal $title:literal => $expected:ident;)* })*) => {
        $(
            /// Those of one guest, in the order in which they are tried.
            pub const $name: &[Attack] = &[$(attack($number, $id, $title, Expected::$expected),)*];
        )*
    };
}

// Programs that run as root in Linux: personalities/guest/programs/attack.c. And a guest's kernel: systems/hostile/hostile.c. Both have
// these ids and numbers.
attacks! {
    LINUX {
        200 "linux.memory_read" "reading all physical memory through /dev/mem" => Harmless;
        201 "linux.memory_write" "writing all physical memory but its own through /dev/mem" => Harmless;
        202 "linux.page_tables" "its own page table, with entries of everybody's memory" => Harmless;
        203 "linux.fork_bomb" "a fork bomb" => Harmless;
        204 "linux.timers" "timers that expire as fast as they can" => Harmless;
        205 "linux.signals" "signals to itself without end" => Harmless;
        206 "linux.page_faults" "page faults without end" => Harmless;
        207 "linux.exits" "accesses to devices without end" => Harmless;
        208 "linux.console" "writing to the console without end" => Harmless;
        209 "linux.spin" "spinning" => Harmless;
        220 "linux.crash" "echo c > /proc/sysrq-trigger" => Ends;
        221 "linux.halt" "halting" => Stands;
        222 "linux.power_off" "switching the machine off" => Ends;
        223 "linux.reboot" "rebooting at every boot" => Ends;
    }
    KERNEL {
        240 "kernel.effective" "reading the whole effective address space" => Harmless;
        241 "kernel.translations" "translations of everybody's memory, of all sizes in both arrays, and reading and writing through them" => Harmless;
        242 "kernel.registers" "reading and writing every special-purpose register" => Harmless;
        243 "kernel.machine_state" "every bit of the machine state" => Harmless;
        244 "kernel.instructions" "every privileged instruction, with hostile operands" => Harmless;
        245 "kernel.returns" "returns from interrupts to anywhere, in any state" => Harmless;
        246 "kernel.register_page" "nonsense in its register page" => Harmless;
        247 "kernel.hypercalls" "every hypercall with hostile arguments" => Harmless;
        248 "kernel.random" "random sequences of all of this" => Harmless;
        249 "kernel.timer_storm" "a decrementer that fires without end" => Harmless;
        250 "kernel.call_flood" "hypercalls without end" => Harmless;
        251 "kernel.page_tables" "page tables with entries of everybody's memory, for the kernel to walk" => Harmless;
        252 "kernel.page_directories" "page directories, and pointers to them, that lead anywhere" => Harmless;
        253 "kernel.short_returns" "returns as a rewritten kernel makes them, to anywhere, in any state" => Harmless;
        254 "kernel.process_calls" "calls of a process, with nonsense where the kernel looks" => Harmless;
        255 "kernel.stubs" "stubs full of nonsense, with interrupts in them" => Harmless;
        256 "kernel.short_random" "random sequences of these" => Harmless;
        257 "kernel.foreseen" "accesses that it has foreseen for itself, of devices and of everybody's memory as if that were one" => Harmless;
        258 "kernel.architecture" "what the architecture says of exceptions, translations and idling, and a process that changes by a word alone" => Harmless;
        260 "kernel.spin" "spinning with interrupts off for ever" => Stands;
        261 "kernel.misses" "an own vector for misses that misses" => Stands;
        262 "kernel.fetch" "executing others' memory" => Ends;
        263 "kernel.reset" "asking for a reset at every start" => Ends;
        264 "kernel.wild_vectors" "a call of a process when its kernel's vectors are nowhere" => Stands;
        265 "kernel.idle" "idling with a decrementer that may not interrupt" => Stands;
    }
}

/// Judges an attack of a guest by its marks, and by whether its partition's account shows that its life ended: that it was restarted or stopped.
pub fn judge(
    attack: &Attack,
    marks: impl Iterator<Item = (u32, u32)> + Clone,
    ended: bool,
) -> Verdict {
    let begin = Mark::Begin {
        attack: attack.number,
    }
    .encode();
    let begun = marks.clone().filter(|mark| *mark == begin).count() as u32;
    match (attack.expected, evidence::judge(attack, marks)) {
        (Expected::Ends, Verdict::Unfinished) if ended => Verdict::Contained { attempts: begun },
        (Expected::Stands, Verdict::Unfinished) => Verdict::Contained { attempts: begun },
        // It should not have come back from these.
        (Expected::Ends | Expected::Stands, Verdict::Contained { .. }) => Verdict::Unnoticed,
        (_, verdict) => verdict,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::{ATTACKS, Outcome};

    fn of(expected: Expected) -> &'static Attack {
        let mut all = LINUX.iter().chain(KERNEL);
        all.find(|attack| attack.expected == expected).unwrap()
    }

    fn judged(expected: Expected, ends: &[Outcome], ended: bool) -> Verdict {
        let attack = of(expected).number;
        let mut marks = vec![Mark::Begin { attack }.encode()];
        marks.extend(ends.iter().map(|outcome| {
            let (outcome, attempts) = (*outcome, 2);
            Mark::End {
                attack,
                outcome,
                attempts,
            }
            .encode()
        }));
        judge(of(expected), marks.into_iter(), ended)
    }

    #[test]
    fn an_attack_that_ends_the_guest_has_ended_it() {
        let contained = Verdict::Contained { attempts: 1 };
        assert_eq!(judged(Expected::Ends, &[], true), contained);
        assert_eq!(judged(Expected::Ends, &[], false), Verdict::Unfinished);
        assert_eq!(judged(Expected::Stands, &[], false), contained);
        let came_back = [Outcome::AsExpected];
        assert_eq!(judged(Expected::Ends, &came_back, true), Verdict::Unnoticed);
        assert_eq!(
            judged(Expected::Stands, &came_back, false),
            Verdict::Unnoticed
        );
    }

    #[test]
    fn one_that_leaves_it_alive_comes_back() {
        assert_eq!(judged(Expected::Harmless, &[], true), Verdict::Unfinished);
        let contained = Verdict::Contained { attempts: 2 };
        assert_eq!(
            judged(Expected::Harmless, &[Outcome::AsExpected], false),
            contained
        );
        assert_eq!(
            judged(Expected::Harmless, &[Outcome::Breached], false),
            Verdict::Breached
        );
    }

    #[test]
    fn numbers_and_ids_are_nobody_elses() {
        let all: Vec<_> = ATTACKS.iter().chain(LINUX).chain(KERNEL).collect();
        for (index, attack) in all.iter().enumerate() {
            for other in &all[..index] {
                assert_ne!(attack.number, other.number);
                assert_ne!(attack.id, other.id);
            }
        }
    }

    #[test]
    fn the_guests_have_the_same_table() {
        for (table, file) in [
            (
                LINUX,
                include_str!("../../../personalities/guest/programs/attack.c"),
            ),
            (KERNEL, include_str!("../../../systems/hostile/hostile.c")),
        ] {
            for attack in table {
                let line = std::format!("{{ \"{}\", {}, ", attack.id, attack.number);
                assert_eq!(file.matches(&line).count(), 1, "{line}");
            }
            let lines = file.matches("\t{ \"").count();
            assert_eq!(lines, table.len());
        }
    }
}
