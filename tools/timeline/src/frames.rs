//! Major frames, as they were seen.

use crate::{Run, Window};

/// A major frame of which every window was seen whole.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its number, from 0 on since the start of the module. `None`: schedules changed where events are missing, and nobody counted.
    pub number: Option<u64>,
    /// Its schedule's index.
    pub schedule: usize,
    /// Its windows, in their order.
    pub windows: &'a [Window],
}

impl Frame<'_> {
    /// When it began.
    pub fn start(&self) -> i64 {
        self.windows.first().map_or(0, |window| window.start)
    }

    /// When it ended.
    pub fn end(&self) -> i64 {
        self.windows.last().map_or(0, |window| window.end)
    }
}

impl Run {
    /// The frames that were seen as a whole, the oldest first.
    pub fn frames(&self) -> Vec<Frame<'_>> {
        let windows = &self.timeline.windows;
        let mut frames = Vec::new();
        let mut place = 0;
        while let Some(first) = windows.get(place) {
            place += 1;
            let Some((schedule, 0, _)) = self.system.planned(first.index) else {
                continue;
            };
            let count = self.system.schedules[schedule].windows.len();
            let Some(all) = windows.get(place - 1..place - 1 + count) else {
                break;
            };
            let in_order = (all.iter().zip(first.index..))
                .all(|(window, index)| window.whole && window.index == index);
            // Of a record that somebody damaged, time may go back.
            let joined = all.windows(2).all(|pair| pair[0].end == pair[1].start);
            if !(in_order && joined) {
                continue;
            }
            frames.push(Frame {
                number: None,
                schedule,
                windows: all,
            });
            place += count - 1;
        }
        self.count(&mut frames);
        frames
    }

    /// Numbers frames: with one schedule by their time, with several by counting from the start as far as nothing is missing.
    fn count(&self, frames: &mut [Frame<'_>]) {
        if let [only] = self.system.schedules.as_slice() {
            let length = only.major_frame_ticks.max(1);
            for frame in frames {
                let start = u64::try_from(frame.start());
                frame.number = start.ok().map(|start| start / length);
            }
            return;
        }
        let mut end = 0;
        for (number, frame) in (0..).zip(frames) {
            if frame.start() != end {
                return;
            }
            end = frame.end();
            frame.number = Some(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use cofferdam_abi::record::TraceKind;
    use cofferdam_record::trace::Gap;

    use crate::run::tests::{event, run};

    #[test]
    fn frames_are_whole_and_numbered() {
        let starts = [
            (0, 0),
            (400, 1),
            (700, 2),
            (1000, 0),
            (1400, 1),
            (1700, 2),
            (2000, 0),
            (2400, 1),
            (2700, 2),
            (3000, 0),
        ];
        let windows = starts.map(|(tick, index)| event(tick, TraceKind::Window, 0xff, index));
        let numbers = |run: &crate::Run| -> Vec<_> {
            run.frames()
                .iter()
                .map(|frame| (frame.number, frame.start(), frame.end()))
                .collect()
        };
        let mut run = run(windows.to_vec());
        assert_eq!(
            numbers(&run),
            [
                (Some(0), 0, 1000),
                (Some(1), 1000, 2000),
                (Some(2), 2000, 3000)
            ]
        );
        run.trace.gaps.push(Gap { before: 4, lost: 1 });
        run.timeline = crate::Timeline::of(&run.trace);
        assert_eq!(numbers(&run), [(Some(0), 0, 1000), (Some(2), 2000, 3000)]);
    }
}
