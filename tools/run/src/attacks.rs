//! What came of the attacks of a rogue partition.

use cofferdam_abi::health::Error;
use cofferdam_abi::record::PartitionRecord;
use cofferdam_build::Built;
use cofferdam_model::Program;
use cofferdam_record::Snapshot;
use rogue_attacks::{ATTACKS, Attack, Expected, Verdict, judge};

use crate::follow::Followed;
use crate::report::AttackReport;

/// The crate of the partition that attacks.
const ROGUE: &str = "partitions/rogue";

/// The verdict on each attack. Empty if nobody attacks in this system.
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
    let marks = || {
        followed
            .marks
            .values()
            .filter(move |mark| mark.partition.get() as usize == rogue)
            .map(|mark| (mark.identifier.get(), mark.value.get()))
    };
    ATTACKS
        .iter()
        .map(|attack| {
            let mut verdict = judge(attack, marks());
            if let Verdict::Contained { .. } = verdict
                && !account_agrees(attack, &account)
            {
                verdict = Verdict::Unnoticed;
            }
            AttackReport {
                id: attack.id,
                title: attack.title,
                expected: attack.expected.words(),
                verdict: verdict.word(),
                attempts: match verdict {
                    Verdict::Contained { attempts } => attempts,
                    _ => 0,
                },
            }
        })
        .collect()
}

/// Whether the kernel's own account of the rogue shows what the rogue says that it saw.
fn account_agrees(attack: &Attack, account: &PartitionRecord) -> bool {
    let counted = |error: Error| account.errors[error as usize].get() > 0;
    match attack.expected {
        Expected::Denied(error) => counted(error),
        Expected::Restarted(error) => counted(error) && account.restarts.get() > 0,
        Expected::RestartsItself => account.restarts.get() > 0,
        Expected::Refused | Expected::Harmless => true,
    }
}
