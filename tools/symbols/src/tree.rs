//! The functions that the instructions of a path are in.

use std::collections::BTreeMap;
use std::fmt;

/// A function and what stands below it: what is inlined in it, or called by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Instructions, with those below.
    pub instructions: u64,
    below: BTreeMap<String, Tree>,
}

/// A function's part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The function.
    pub function: String,
    /// Its instructions, with those of small functions below it.
    pub instructions: u64,
}

impl Tree {
    /// Counts an instruction, executed so often, of the function that stands at the end of these names.
    pub fn count(&mut self, names: impl IntoIterator<Item = String>, times: u64) {
        self.instructions += times;
        let mut node = self;
        let mut last = String::new();
        for name in names {
            // A closure stands in its function.
            if name != last {
                node = node.below.entry(name.clone()).or_default();
                node.instructions += times;
                last = name;
            }
        }
    }

    /// What each function has to itself, with small functions below it; the largest first. Small is less than one part in `parts`
    /// of the whole, and what is left of that size is `other`.
    pub fn parts(&self, parts: u64) -> Vec<Part> {
        let least = self.instructions / parts;
        let mut sums = BTreeMap::new();
        let mut other = self.gather(least, &mut sums);
        sums.retain(|_, sum| {
            let large = *sum > least;
            other += if large { 0 } else { *sum };
            large
        });
        let mut parts: Vec<Part> = sums
            .into_iter()
            .map(|(function, instructions)| Part {
                function,
                instructions,
            })
            .collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.instructions));
        let function = "other".to_owned();
        let instructions = other;
        parts.extend((other > 0).then_some(Part {
            function,
            instructions,
        }));
        parts
    }

    /// Adds the functions below to the sums, and gives what is left for this one.
    fn gather(&self, least: u64, sums: &mut BTreeMap<String, u64>) -> u64 {
        let mut own = self.instructions;
        for (name, node) in &self.below {
            if node.instructions > least {
                own -= node.instructions;
                let of_node = node.gather(least, sums);
                *sums.entry(name.clone()).or_default() += of_node;
            }
        }
        own
    }

    /// Writes what stands below, without what has fewer instructions than `least`.
    pub fn show(&self, f: &mut impl fmt::Write, least: u64) -> fmt::Result {
        self.show_below(f, 0, least)
    }

    fn show_below(&self, f: &mut impl fmt::Write, depth: usize, least: u64) -> fmt::Result {
        let mut below: Vec<_> = self.below.iter().collect();
        below.sort_by_key(|(_, node)| std::cmp::Reverse(node.instructions));
        for (name, node) in below {
            if node.instructions >= least {
                let indent = 2 * depth;
                writeln!(f, "{:>7}  {:indent$}{name}", node.instructions, "")?;
                node.show_below(f, depth + 1, least)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Tree};

    fn tree() -> Tree {
        let mut tree = Tree::default();
        for (names, times) in [
            (&["a"][..], 1),
            (&["b", "c"], 2),
            (&["b"], 5),
            (&["b", "d"], 12),
        ] {
            tree.count(names.iter().map(|name| (*name).to_owned()), times);
        }
        tree
    }

    #[test]
    fn what_stands_below_a_function_counts_for_it() {
        let mut text = String::new();
        tree().show(&mut text, 2).unwrap();
        assert_eq!(text, "     19  b\n     12    d\n      2    c\n");
    }

    #[test]
    fn small_functions_are_part_of_what_they_stand_below() {
        let part = |function: &str, instructions| Part {
            function: function.to_owned(),
            instructions,
        };
        let parts = [part("d", 12), part("b", 7), part("other", 1)];
        assert_eq!(tree().parts(5), parts);
    }
}
