//! What came of the attacks of a rogue partition, or of a guest that attacks.

use cofferdam_abi::health::Error;
use cofferdam_abi::record::{PartitionRecord, PartitionState};
use cofferdam_build::Built;
use cofferdam_model::Program;
use cofferdam_record::Snapshot;
use rogue_attacks::{ATTACKS, Attack, Expected, Verdict, guests, judge};

use crate::follow::Followed;
use crate::report::AttackReport;

/// The crate of the partition that attacks.
const ROGUE: &str = "partitions/rogue";

/// The verdict on each attack of each guest that is told to attack.
pub(crate) fn of_guests(
    built: &Built,
    followed: &Followed,
    snapshot: &Snapshot,
) -> Vec<AttackReport> {
    let mut all = Vec::new();
    for (index, partition) in built.checked.system.partitions.iter().enumerate() {
        let arguments = partition
            .guest
            .as_ref()
            .and_then(|one| one.arguments.as_ref());
        let arguments = arguments.map_or("", |text| &text.value);
        let account = snapshot.partition(index);
        let ended = account.restarts.get() > 0 || account.state == PartitionState::Stopped as u32;
        let marks = marks_of(followed, index);
        for attack in wanted(arguments, &marks) {
            let verdict = guests::judge(attack, marks.iter().copied(), ended);
            all.push(report(attack, verdict));
        }
    }
    all
}

/// The attacks that a guest with these arguments is asked for. If it is to try all of them, its marks say which guest it is.
fn wanted<'a>(
    arguments: &'a str,
    marks: &'a [(u32, u32)],
) -> impl Iterator<Item = &'static Attack> + 'a {
    let asked = arguments
        .split_whitespace()
        .find_map(|word| word.strip_prefix(guests::ARGUMENT));
    let tables = [guests::LINUX, guests::KERNEL];
    let tried = move |table: &[Attack]| {
        let mut attacks = table.iter();
        attacks
            .any(|attack| guests::judge(attack, marks.iter().copied(), false) != Verdict::NotTried)
    };
    tables.into_iter().flat_map(move |table| {
        table.iter().filter(move |attack| match asked {
            Some(guests::ALL) => tried(table) && attack.expected == Expected::Harmless,
            asked => asked == Some(attack.id),
        })
    })
}

/// The marks of a partition, in their order.
fn marks_of(followed: &Followed, partition: usize) -> Vec<(u32, u32)> {
    let own = followed.marks.values();
    own.filter(|mark| mark.partition.get() as usize == partition)
        .map(|mark| (mark.identifier.get(), mark.value.get()))
        .collect()
}

fn report(attack: &Attack, verdict: Verdict) -> AttackReport {
    AttackReport {
        id: attack.id,
        title: attack.title,
        expected: attack.expected.words(),
        verdict: verdict.word(),
        attempts: attempts(verdict),
    }
}

/// The verdict on each attack of the rogue. Empty if there is none in this system.
pub(crate) fn attacks(
    built: &Built,
    followed: &Followed,
    snapshot: &Snapshot,
) -> Vec<AttackReport> {
    let is_rogue =
        |program: &Program| matches!(program, Program::Crate(path) if path.value == ROGUE);
    let partitions = &built.checked.system.partitions;
    let Some(rogue) = partitions
        .iter()
        .position(|one| one.program.as_ref().is_some_and(is_rogue))
    else {
        return Vec::new();
    };
    let account = snapshot.partition(rogue);
    let marks = marks_of(followed, rogue);
    let verdicts: Vec<_> = ATTACKS
        .iter()
        .map(|attack| (attack, judge(attack, marks.iter().copied())))
        .collect();
    let tried = |error: Error| -> u64 {
        let of_error = verdicts.iter().filter(
            |(attack, _)| matches!(attack.expected, Expected::Denied(one) if same_count(one).contains(&error)),
        );
        of_error
            .map(|(_, verdict)| u64::from(attempts(*verdict)))
            .sum()
    };
    verdicts
        .iter()
        .map(|&(attack, mut verdict)| {
            if let Verdict::Contained { .. } = verdict
                && !account_agrees(attack.expected, &account, tried)
            {
                verdict = Verdict::Unnoticed;
            }
            report(attack, verdict)
        })
        .collect()
}

fn attempts(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Contained { attempts } => attempts,
        _ => 0,
    }
}

/// The errors that are counted together with this one. An instruction or register that a core has for its kernel alone is privileged
/// there, and one that it does not have is illegal: which of the two it is, is the core's affair.
fn same_count(error: Error) -> &'static [Error] {
    const INSTRUCTIONS: &[Error] = &[Error::PrivilegedInstruction, Error::IllegalInstruction];
    match error {
        Error::PrivilegedInstruction | Error::IllegalInstruction => INSTRUCTIONS,
        Error::MemoryViolation => &[Error::MemoryViolation],
        Error::Alignment => &[Error::Alignment],
        // Nothing else denies a single attempt.
        _ => &[],
    }
}

/// Whether the kernel's own account of the rogue shows what the rogue says that it saw. `tried` is how often it says that it was
/// denied something by an error, in all attacks together: each time the kernel has counted one.
fn account_agrees(
    expected: Expected,
    account: &PartitionRecord,
    tried: impl Fn(Error) -> u64,
) -> bool {
    let counted = |error: Error| account.errors[error as usize].get();
    match expected {
        Expected::Denied(error) => {
            let counts = || same_count(error).iter().map(|one| counted(*one));
            let all = counts().map(u64::from).sum();
            // A count goes no further than its last number.
            let ended = counts().any(|count| count == u16::MAX);
            counted(error) > 0 && (ended || tried(error) <= all)
        }
        Expected::Restarted(error) => counted(error) > 0 && account.restarts.get() > 0,
        Expected::RestartsItself => account.restarts.get() > 0,
        Expected::Refused | Expected::Harmless => true,
        // No native partition's.
        Expected::Ends | Expected::Stands => false,
    }
}

#[cfg(test)]
mod tests {
    use cofferdam_abi::record::offset;

    use super::*;

    #[test]
    fn the_kernels_count_has_every_attempt() {
        let error = Error::MemoryViolation;
        let agrees = |counted: u16, tried: u64| {
            // A record of zeros.
            let snapshot = Snapshot::from_bytes(vec![0; offset::END]).unwrap();
            let mut account = snapshot.partition(0);
            account.errors[error as usize] = counted.into();
            account_agrees(Expected::Denied(error), &account, |_| tried)
        };
        assert!(agrees(7, 7) && agrees(8, 7));
        assert!(!agrees(6, 7) && !agrees(0, 1) && !agrees(65_534, 65_535));
        assert!(agrees(u16::MAX, 65_535) && agrees(u16::MAX, 1_000_000));
    }

    #[test]
    fn privileged_and_illegal_instructions_are_counted_together() {
        let agrees = |privileged: u16, illegal: u16, tried: u64| {
            let snapshot = Snapshot::from_bytes(vec![0; offset::END]).unwrap();
            let mut account = snapshot.partition(0);
            account.errors[Error::PrivilegedInstruction as usize] = privileged.into();
            account.errors[Error::IllegalInstruction as usize] = illegal.into();
            let expected = Expected::Denied(Error::PrivilegedInstruction);
            account_agrees(expected, &account, |_| tried)
        };
        assert!(agrees(5, 2, 7));
        assert!(!agrees(5, 1, 7) && !agrees(0, 7, 7));
    }

    #[test]
    fn every_attack_that_is_denied_has_its_count() {
        for attack in ATTACKS {
            if let Expected::Denied(error) = attack.expected {
                assert!(same_count(error).contains(&error), "{}", attack.id);
            }
        }
    }

    #[test]
    fn a_restart_leaves_both_its_error_and_its_count() {
        let agrees = |counted: u16, restarts: u32| {
            let snapshot = Snapshot::from_bytes(vec![0; offset::END]).unwrap();
            let mut account = snapshot.partition(0);
            account.errors[Error::Trap as usize] = counted.into();
            account.restarts = restarts.into();
            account_agrees(Expected::Restarted(Error::Trap), &account, |_| 0)
        };
        assert!(agrees(1, 1));
        assert!(!agrees(0, 1) && !agrees(1, 0));
    }
}
