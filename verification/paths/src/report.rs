//! Paths as text: which functions their instructions are in.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use cofferdam_symbols::Frame;

use crate::instruction::SIZE;
use crate::source::Source;
use crate::work::Route;

/// A function among the functions of a path; what it calls, and what is inlined in it, stands below it.
#[derive(Debug, Default)]
pub struct Node {
    /// Instructions, with those below.
    pub instructions: u64,
    below: BTreeMap<String, Node>,
}

impl Node {
    /// Of a path.
    pub fn of(route: &Route, source: &Source) -> Self {
        let mut root = Self::default();
        root.add(route, 1, &[], source);
        root
    }

    fn add(&mut self, route: &Route, times: u64, above: &[String], source: &Source) {
        let names = |address| -> Vec<String> {
            let frames = source.frames(address);
            above
                .iter()
                .cloned()
                .chain(frames.iter().map(Frame::name))
                .collect()
        };
        for (start, end, count) in &route.runs {
            for address in (*start..*end).step_by(SIZE as usize) {
                self.count(&names(address), times * count);
            }
        }
        for (call, count, inner) in &route.calls {
            self.add(inner, times * count, &names(*call), source);
        }
    }

    fn count(&mut self, names: &[String], times: u64) {
        self.instructions += times;
        if let [first, rest @ ..] = names {
            let below = self.below.entry(first.clone()).or_default();
            below.count(rest, times);
        }
    }

    /// Writes what stands below, what has fewest instructions last and not at all if it has fewer than `least`.
    pub fn show(&self, text: &mut String, depth: usize, least: u64) -> fmt::Result {
        let mut below: Vec<_> = self.below.iter().collect();
        below.sort_by_key(|(_, node)| std::cmp::Reverse(node.instructions));
        for (name, node) in below {
            if node.instructions < least {
                continue;
            }
            let indent = 2 * depth;
            writeln!(text, "{:>7}  {:indent$}{name}", node.instructions, "")?;
            node.show(text, depth + 1, least)?;
        }
        Ok(())
    }
}
