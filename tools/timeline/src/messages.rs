//! Messages: which one that was taken is which one that was sent.
//!
//! A message of a sampling or queuing channel has its number on it. A call has none: a client waits for one reply at a time, so what is taken is what
//! went out last at the other end, and was not taken yet.

use std::collections::BTreeMap;

use cofferdam_abi::record::TraceKind;

use crate::Run;

/// A message that was sent and taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The channel's index.
    pub channel: usize,
    /// The place of the event with which it went out.
    pub sent: usize,
    /// The place of the event with which it was taken.
    pub taken: usize,
}

/// Every message whose sending and whose taking are among the events, by when they were taken. Whoever reads a sampling channel twice takes a value
/// once.
pub fn flows(run: &Run) -> Vec<Flow> {
    // The last that went out: by channel and number, or for calls by channel and sender.
    let mut numbered: BTreeMap<(u16, u32), usize> = BTreeMap::new();
    let mut calls: BTreeMap<(u16, u8), usize> = BTreeMap::new();
    // What each reader took last of each channel.
    let mut last: BTreeMap<(u16, u8), usize> = BTreeMap::new();
    let mut gaps = run.trace.gaps.iter().map(|gap| gap.before).peekable();
    let mut flows = Vec::new();
    for (place, timed) in run.of_kinds(&[TraceKind::MessageOut, TraceKind::MessageIn]) {
        while gaps.next_if(|gap| *gap <= place).is_some() {
            // A request behind the gap may have been another one's.
            calls.clear();
        }
        let event = timed.event;
        let (channel, number) = (event.what.get(), event.extra.get());
        let out = event.kind == TraceKind::MessageOut as u8;
        match (out, number) {
            (true, 0) => {
                calls.insert((channel, event.partition), place);
            }
            (true, number) => {
                numbered.insert((channel, number), place);
            }
            (false, 0) => {
                let mut senders = calls.keys().filter(|key| key.0 == channel);
                let sender = senders.find(|key| key.1 != event.partition).copied();
                let sent = sender.and_then(|key| calls.remove(&key));
                flows.extend(sent.map(|sent| Flow {
                    channel: channel.into(),
                    sent,
                    taken: place,
                }));
            }
            (false, number) => {
                let Some(sent) = numbered.get(&(channel, number)).copied() else {
                    continue;
                };
                let before = last.insert((channel, event.partition), sent);
                if before != Some(sent) {
                    flows.push(Flow {
                        channel: channel.into(),
                        sent,
                        taken: place,
                    });
                }
            }
        }
    }
    flows
}

#[cfg(test)]
mod tests {
    use cofferdam_record::trace::Gap;

    use super::*;
    use crate::run::tests::{detailed, run};

    fn pairs(events: &[(TraceKind, u8, u32, u32)], gap: Option<usize>) -> Vec<(usize, usize)> {
        let events = events.iter().zip(0..).map(|(one, tick)| {
            let (kind, partition, channel, number) = *one;
            detailed(tick, kind, partition, [channel, 16, number])
        });
        let mut run = run(events.collect());
        let gaps = gap.map(|before| Gap { before, lost: 1 });
        run.trace.gaps.extend(gaps);
        flows(&run)
            .iter()
            .map(|flow| (flow.sent, flow.taken))
            .collect()
    }

    #[test]
    fn a_message_is_the_one_with_its_number() {
        use TraceKind::{MessageIn as In, MessageOut as Out};
        let queue = [
            (Out, 0, 1, 7),
            (Out, 0, 1, 8),
            (In, 2, 1, 7),
            (In, 2, 1, 8),
            (In, 2, 1, 9),
        ];
        assert_eq!(pairs(&queue, None), [(0, 2), (1, 3)]);
        let value = [
            (Out, 1, 0, 3),
            (In, 0, 0, 3),
            (In, 0, 0, 3),
            (In, 2, 0, 3),
            (Out, 1, 0, 4),
            (In, 0, 0, 4),
        ];
        assert_eq!(pairs(&value, None), [(0, 1), (0, 3), (4, 5)]);
        // Numbers begin anew with a channel that was cleared.
        let again = [(Out, 0, 1, 1), (In, 2, 1, 1), (Out, 0, 1, 1), (In, 2, 1, 1)];
        assert_eq!(pairs(&again, None), [(0, 1), (2, 3)]);
    }

    #[test]
    fn a_call_is_the_last_of_the_other_end() {
        use TraceKind::{MessageIn as In, MessageOut as Out};
        let call = [(Out, 0, 2, 0), (In, 2, 2, 0), (Out, 2, 2, 0), (In, 0, 2, 0)];
        assert_eq!(pairs(&call, None), [(0, 1), (2, 3)]);
        // The first request was given up.
        let given_up = [(Out, 0, 2, 0), (Out, 0, 2, 0), (In, 2, 2, 0), (In, 2, 2, 0)];
        assert_eq!(pairs(&given_up, None), [(1, 2)]);
        assert_eq!(pairs(&call, Some(1)), [(2, 3)]);
    }
}
