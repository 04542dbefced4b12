//! The control flow of one function, as blocks of instructions.
//!
//! A function is what can be reached from its first instruction without a call. Assembly jumps between its labels as it likes,
//! and is followed there; a jump to the start of a compiled function is that function's call in the last place.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Result, bail};

use crate::instruction::{Condition, Flow, SIZE, flow};
use crate::program::Program;

/// A function.
#[derive(Debug)]
pub struct Graph {
    /// The first is where it begins.
    pub blocks: Vec<Block>,
}

/// Instructions that are executed one after the other.
#[derive(Debug)]
pub struct Block {
    /// The first instruction.
    pub start: u32,
    /// Behind the last one.
    pub end: u32,
    /// What is called at its end.
    pub call: Option<Callee>,
    /// Where it leads then.
    pub edges: Vec<Edge>,
    /// A block that is entered with interrupts disabled from here, where they are enabled.
    pub disabled_again: Option<usize>,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// The function there.
    Function(u32),
    /// The function whose address the call at this address has in a register.
    Register(u32),
}

/// A way out of a block.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// When it is taken: if the condition is met, or if it is not. Always, if there is none.
    pub when: Option<(Condition, bool)>,
    /// Where it leads.
    pub to: Target,
}

/// Where a way out leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To another block.
    Block(usize),
    /// Back to the caller.
    Return,
    /// To where interrupts are enabled.
    End,
    /// To another function, which returns to the caller.
    Other(Callee),
}

impl Graph {
    /// Of blocks of a loop the one by which the others are come to from the function's beginning. Numbers that are of no block
    /// do not matter.
    pub fn header(&self, nodes: &BTreeSet<usize>) -> Option<usize> {
        let blocks = nodes.range(..self.blocks.len());
        blocks.copied().find(|candidate| {
            let seen = self.without(*candidate);
            nodes
                .iter()
                .all(|node| node == candidate || !seen.contains(node))
        })
    }

    /// The blocks that can be come to on ways that do not go through one of them.
    fn without(&self, avoided: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![0];
        while let Some(index) = waiting.pop() {
            if index == avoided || !seen.insert(index) {
                continue;
            }
            let edges = self.blocks[index].edges.iter();
            waiting.extend(edges.filter_map(|edge| match edge.to {
                Target::Block(to) => Some(to),
                _ => None,
            }));
        }
        seen
    }
}

/// Finds the blocks of functions, each once.
#[derive(Debug)]
pub struct Graphs<'a> {
    program: &'a Program,
    /// Where jumps by a register lead.
    jumps: BTreeMap<u32, Vec<u32>>,
    /// Functions that return by an interrupt.
    woken: BTreeSet<u32>,
    /// `None`: under way.
    known: BTreeMap<u32, Option<Rc<Graph>>>,
}

/// The ways out of an instruction, with addresses instead of blocks.
struct Ways {
    call: Option<Callee>,
    to: Vec<(Option<(Condition, bool)>, Way)>,
    disabled_again: Option<u32>,
}

#[derive(Clone, Copy)]
enum Way {
    Address(u32),
    Out(Target),
}

impl<'a> Graphs<'a> {
    /// Of a program, given where its jumps by a register lead (one that is not given is the last call of a function), and which
    /// functions return by an interrupt.
    pub fn new(program: &'a Program, jumps: BTreeMap<u32, Vec<u32>>, woken: BTreeSet<u32>) -> Self {
        Self {
            program,
            jumps,
            woken,
            known: BTreeMap::new(),
        }
    }

    /// Where a jump by a register leads within its function, if that is where it leads.
    pub fn targets(&self, at: u32) -> Option<&[u32]> {
        self.jumps.get(&at).map(Vec::as_slice)
    }

    /// The function at an address.
    ///
    /// # Errors
    /// It is recursive, or has an instruction that cannot be followed.
    pub fn of(&mut self, entry: u32) -> Result<Rc<Graph>> {
        match self.known.get(&entry) {
            Some(Some(graph)) => return Ok(graph.clone()),
            Some(None) => bail!("{entry:#x}: the function calls itself"),
            None => {}
        }
        self.known.insert(entry, None);
        let graph = Rc::new(self.build(entry)?);
        self.known.insert(entry, Some(graph.clone()));
        Ok(graph)
    }

    fn build(&mut self, entry: u32) -> Result<Graph> {
        // Each instruction that ends a block, or whose successor begins one.
        let mut ends: BTreeMap<u32, Ways> = BTreeMap::new();
        let mut starts = BTreeSet::from([entry]);
        let mut waiting = vec![entry];
        let mut seen = BTreeSet::new();
        while let Some(mut address) = waiting.pop() {
            while seen.insert(address) {
                let Some(ways) = self.ways(entry, address)? else {
                    address += SIZE;
                    continue;
                };
                let next = ways.to.iter().filter_map(|(_, way)| match way {
                    Way::Address(to) => Some(*to),
                    Way::Out(_) => None,
                });
                let next: Vec<u32> = next.chain(ways.disabled_again).collect();
                starts.extend(&next);
                waiting.extend(next);
                ends.insert(address, ways);
                break;
            }
        }
        let mut addresses: Vec<u32> = starts.into_iter().collect();
        addresses.sort_unstable_by_key(|address| (*address != entry, *address));
        let index: BTreeMap<u32, usize> = addresses.iter().copied().zip(0..).collect();
        let blocks = addresses.iter().map(|start| block(*start, &index, &ends));
        Ok(Graph {
            blocks: blocks.collect(),
        })
    }

    /// The ways out of an instruction that does not simply lead to the next.
    fn ways(&mut self, entry: u32, address: u32) -> Result<Option<Ways>> {
        let next = address + SIZE;
        let ways = |to: &[(Option<(Condition, bool)>, Way)]| Ways {
            call: None,
            to: to.to_vec(),
            disabled_again: None,
        };
        let one = |way| ways(&[(None, way)]);
        Ok(Some(match flow(address, self.program.word(address)?)? {
            Flow::Next | Flow::DisableInterrupts => return Ok(None),
            Flow::Nowhere => ways(&[]),
            Flow::Jump(to) if to == address => ways(&[]),
            Flow::Jump(to) => one(self.jump(entry, to)?),
            Flow::Branch(condition, to) => ways(&[
                (Some((condition, true)), self.jump(entry, to)?),
                (Some((condition, false)), Way::Address(next)),
            ]),
            Flow::Return => one(Way::Out(Target::Return)),
            Flow::ReturnIf(condition) => ways(&[
                (Some((condition, true)), Way::Out(Target::Return)),
                (Some((condition, false)), Way::Address(next)),
            ]),
            Flow::ReturnFromInterrupt => one(Way::Out(Target::End)),
            Flow::JumpRegister => match self.jumps.get(&address) {
                Some(targets) => {
                    let all: Vec<_> = targets.iter().map(|to| (None, Way::Address(*to))).collect();
                    ways(&all)
                }
                None => one(Way::Out(Target::Other(Callee::Register(address)))),
            },
            Flow::EnableInterrupts => Ways {
                disabled_again: self.disabled_again(next)?,
                ..one(Way::Out(Target::End))
            },
            Flow::Call(to) => {
                let returns = self.returns(to)?;
                Ways {
                    call: Some(Callee::Function(to)),
                    ..if returns {
                        one(Way::Address(next))
                    } else {
                        ways(&[])
                    }
                }
            }
            Flow::CallRegister => Ways {
                call: Some(Callee::Register(address)),
                ..one(Way::Address(next))
            },
        }))
    }

    fn jump(&mut self, entry: u32, to: u32) -> Result<Way> {
        if !self.program.is_function(to) || to == entry {
            return Ok(Way::Address(to));
        }
        self.of(to)?;
        Ok(Way::Out(Target::Other(Callee::Function(to))))
    }

    /// Whether a function can return.
    fn returns(&mut self, entry: u32) -> Result<bool> {
        let graph = self.of(entry)?;
        if self.woken.contains(&entry) {
            return Ok(true);
        }
        for edge in graph.blocks.iter().flat_map(|block| &block.edges) {
            let returns = match edge.to {
                Target::Return => true,
                Target::Other(Callee::Function(other)) => self.returns(other)?,
                Target::Other(Callee::Register(_)) => true,
                Target::Block(_) | Target::End => false,
            };
            if returns {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where interrupts are disabled again that were enabled before `address`. None, if it is waited there for one.
    fn disabled_again(&self, address: u32) -> Result<Option<u32>> {
        const AT_MOST: u32 = 4;
        for at in (address..).step_by(SIZE as usize).take(AT_MOST as usize) {
            match flow(at, self.program.word(at)?)? {
                Flow::DisableInterrupts => return Ok(Some(at)),
                Flow::Jump(to) if to == at => return Ok(None),
                Flow::Next => {}
                _ => break,
            }
        }
        bail!("{address:#x}: interrupts stay enabled for longer than the analysis follows")
    }
}

fn block(start: u32, index: &BTreeMap<u32, usize>, ends: &BTreeMap<u32, Ways>) -> Block {
    let goes_on = |to: u32| Block {
        start,
        end: to,
        call: None,
        edges: vec![Edge {
            when: None,
            to: Target::Block(index[&to]),
        }],
        disabled_again: None,
    };
    let next_start = index.keys().copied().find(|other| *other > start);
    // Every run of instructions that was followed ended somewhere.
    let Some((end, ways)) = ends.range(start..).next() else {
        return goes_on(start);
    };
    match next_start {
        Some(next) if next <= *end => goes_on(next),
        _ => Block {
            start,
            end: end + SIZE,
            call: ways.call,
            edges: ways
                .to
                .iter()
                .map(|(when, way)| Edge {
                    when: *when,
                    to: match way {
                        Way::Address(to) => Target::Block(index[to]),
                        Way::Out(target) => *target,
                    },
                })
                .collect(),
            disabled_again: ways.disabled_again.map(|to| index[&to]),
        },
    }
}
