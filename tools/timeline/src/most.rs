//! What a run came to at most: how full queues were, and how long interrupts waited.

use cofferdam_abi::record::TraceKind;

use crate::Run;

/// How long an interrupt waited for its owner, of those that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How often it came.
    pub times: u32,
    /// The longest from where the kernel took it to where its owner had the processor, in ticks.
    pub longest_ticks: u64,
}

/// The most messages that each queuing channel held at once, by its index; none: it is of another kind, or no message went over it.
///
/// A message has its number on its channel: what is held is what went out behind the last that was taken. So a gap among the events hides what came in it, and
/// makes nothing of the rest wrong.
pub fn most_held(run: &Run) -> Vec<Option<u64>> {
    let channels = &run.system.channels;
    let mut most = vec![None; channels.len()];
    let mut taken = vec![0; channels.len()];
    for (_, timed) in run.of_kinds(&[TraceKind::MessageOut, TraceKind::MessageIn]) {
        let (index, number) = (usize::from(timed.event.what.get()), timed.event.extra.get());
        let queues = |channel: &crate::Channel| channel.kind == "queuing";
        if !channels.get(index).is_some_and(queues) {
            continue;
        }
        if timed.event.kind == TraceKind::MessageIn as u8 {
            taken[index] = number;
            continue;
        }
        // Numbers begin anew with a channel that was cleared.
        if number <= taken[index] {
            taken[index] = number.saturating_sub(1);
        }
        let held = u64::from(number - taken[index]).min(channels[index].depth);
        most[index] = most[index].max(Some(held));
    }
    most
}

/// How long each device interrupt waited, by its index.
pub fn waited(run: &Run) -> Vec<Waited> {
    let mut all = vec![Waited::default(); run.system.interrupts.len()];
    let mut since: Vec<Option<i64>> = vec![None; all.len()];
    let mut running = None;
    for (_, timed) in run.of_kinds(&[TraceKind::Interrupt, TraceKind::Switch]) {
        let event = &timed.event;
        if event.kind == TraceKind::Switch as u8 {
            running = Some(usize::from(event.partition));
        } else if let Some(since) = since.get_mut(usize::from(event.what.get())) {
            // One that comes again before it was served waits since it came first.
            since.get_or_insert(timed.ticks);
        }
        for ((interrupt, since), waited) in
            run.system.interrupts.iter().zip(&mut since).zip(&mut all)
        {
            if running == Some(interrupt.owner)
                && let Some(came) = since.take()
            {
                waited.times += 1;
                let ticks = u64::try_from(timed.ticks - came).unwrap_or(0);
                waited.longest_ticks = waited.longest_ticks.max(ticks);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{detailed, run};

    #[test]
    fn a_queue_holds_what_went_out_and_was_not_taken() {
        use TraceKind::{MessageIn as In, MessageOut as Out};
        // Channel 1 is the queue; numbers begin anew in its second life.
        let events = [
            (Out, 1, 1),
            (Out, 0, 9),
            (Out, 1, 2),
            (In, 1, 1),
            (Out, 1, 3),
            (In, 1, 2),
            (In, 1, 3),
            (Out, 1, 1),
        ];
        let events = events.iter().zip(0..).map(|(one, tick)| {
            let (kind, channel, number) = *one;
            detailed(tick, kind, 0, [channel, 16, number])
        });
        let run = run(events.collect());
        let most = most_held(&run);
        assert_eq!(run.system.channels[1].kind, "queuing");
        assert_eq!(most[1], Some(2));
        assert!(
            most.iter()
                .enumerate()
                .all(|(index, most)| index == 1 || most.is_none())
        );
    }

    #[test]
    fn an_interrupt_waits_until_its_owner_has_the_processor() {
        let owner = |run: &Run| u8::try_from(run.system.interrupts[0].owner).unwrap();
        let serves = owner(&run(vec![detailed(0, TraceKind::Release, 0, [0, 0, 0])]));
        let other = serves ^ 1;
        let events = vec![
            detailed(10, TraceKind::Switch, other, [0, 0, 0]),
            detailed(20, TraceKind::Interrupt, serves, [0, 0, 0]),
            detailed(25, TraceKind::Interrupt, serves, [0, 0, 0]),
            detailed(50, TraceKind::Switch, serves, [0, 0, 0]),
            detailed(60, TraceKind::Interrupt, serves, [0, 0, 0]),
        ];
        let waited = waited(&run(events));
        let expected = Waited {
            times: 2,
            longest_ticks: 30,
        };
        assert_eq!(waited[0], expected);
    }
}
