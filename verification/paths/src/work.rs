//! A function while it is summed up: which of its blocks can be come to, and the longest path through them.

use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::Result;

use crate::graph::{Callee, Edge, Graph, Target};
use crate::instruction::SIZE;
use crate::longest::{Nodes, Search, Way};
use crate::program::Program;
use crate::values::Values;

/// Outside of a function: behind its return.
pub const RETURN: usize = usize::MAX;
/// Outside of a function: where interrupts are enabled.
pub const END: usize = usize::MAX - 1;

/// A path: what it costs, and what it is made of.
#[derive(Debug, Default)]
pub struct Route {
    /// In instructions.
    pub cost: u64,
    /// Runs of instructions from an address to behind another, and how often each is executed.
    pub runs: Vec<(u32, u32, u64)>,
    /// What is called: the address of the call, how often, and the path there.
    pub calls: Vec<(u32, u64, Rc<Route>)>,
}

/// What a function costs.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The longest path to its return.
    pub through: Option<Rc<Route>>,
    /// What it returns, if that is certain.
    pub result: Option<u32>,
    /// The longest path to where interrupts are enabled.
    pub to_end: Option<Rc<Route>>,
}

/// Keeps the longer of two paths.
pub fn more(longest: &mut Option<Rc<Route>>, other: Option<Rc<Route>>) {
    let cost = |route: &Option<Rc<Route>>| route.as_ref().map(|route| route.cost);
    if cost(&other) > cost(longest) {
        *longest = other;
    }
}

impl Edge {
    /// Whether it may be taken, given what is known where it begins.
    pub fn is_possible(&self, values: &Values) -> bool {
        self.when.is_none_or(|(condition, wanted)| {
            values
                .decides(condition)
                .is_none_or(|taken| taken == wanted)
        })
    }
}

/// What a node of the graph is. The blocks come first.
#[derive(Debug)]
enum Step {
    Block(usize),
    Call(u32, Rc<Route>),
}

/// A loop of a function.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its instructions, those of the block that it begins with first.
    pub addresses: Vec<u32>,
    /// How many are of that block.
    pub head: usize,
}

/// A function while it is summed up.
pub struct Work<'g> {
    /// Its blocks.
    pub graph: &'g Graph,
    program: &'g Program,
    /// What is known at the beginning of each block that is come to.
    values: Vec<Option<Values>>,
    waiting: Vec<usize>,
    nodes: Nodes,
    steps: Vec<Step>,
    roots: BTreeSet<usize>,
    /// Whether the roots are in the middle of it.
    woken: bool,
    /// The longest path that goes on behind a wait in a function called here, and ends there.
    elsewhere: Option<Rc<Route>>,
}

impl<'g> Work<'g> {
    /// Nothing is known of it yet.
    pub fn new(program: &'g Program, graph: &'g Graph) -> Self {
        let blocks = &graph.blocks;
        let cost = |block: &crate::graph::Block| u64::from((block.end - block.start) / SIZE);
        Self {
            graph,
            program,
            values: vec![None; blocks.len()],
            waiting: Vec::new(),
            nodes: Nodes {
                cost: blocks.iter().map(cost).collect(),
                edges: vec![Vec::new(); blocks.len()],
            },
            steps: (0..blocks.len()).map(Step::Block).collect(),
            roots: BTreeSet::new(),
            woken: false,
            elsewhere: None,
        }
    }

    /// It is called.
    pub fn begin(&mut self, values: Values) {
        self.come_to(0, values);
        self.roots.insert(0);
    }

    /// It goes on at a block behind a wait.
    pub fn go_on(&mut self, block: usize) {
        self.come_to(block, Values::default());
        self.roots.insert(block);
        self.woken = true;
    }

    /// What is called at the end of a block goes on behind a wait, and returns; or ends.
    pub fn go_on_behind(&mut self, block: usize, woken: &Summary) {
        let block = &self.graph.blocks[block];
        let call = block.end - SIZE;
        if let Some(route) = &woken.to_end {
            let route = Route {
                cost: route.cost,
                runs: Vec::new(),
                calls: vec![(call, 1, route.clone())],
            };
            more(&mut self.elsewhere, Some(Rc::new(route)));
        }
        let next = block.edges.first().map(|edge| edge.to);
        if let (Some(route), Some(Target::Block(next))) = (&woken.through, next) {
            let mut values = Values::default();
            values.returned(woken.result);
            self.come_to(next, values);
            let node = self.add_step(Step::Call(call, route.clone()), route.cost);
            self.connect(node, next);
            self.roots.insert(node);
            self.woken = true;
        }
    }

    fn come_to(&mut self, block: usize, values: Values) {
        let less = match &mut self.values[block] {
            Some(known) => known.join(&values),
            unknown => {
                *unknown = Some(values);
                true
            }
        };
        if less {
            self.waiting.push(block);
        }
    }

    /// Finds every block that can be come to, given what functions return if that is certain.
    pub fn follow(&mut self, result: &mut dyn FnMut(Callee) -> Result<Option<u32>>) -> Result<()> {
        while let Some(index) = self.waiting.pop() {
            let Some(mut values) = self.at_end(index) else {
                continue;
            };
            let block = &self.graph.blocks[index];
            if let Some(callee) = block.call {
                values.returned(result(callee)?);
            }
            for edge in block.edges.iter().filter(|edge| edge.is_possible(&values)) {
                if let Target::Block(to) = edge.to {
                    self.come_to(to, values.clone());
                }
            }
        }
        Ok(())
    }

    /// What is known at the end of a block, before what it calls. `None`: it cannot be come to.
    pub fn at_end(&self, index: usize) -> Option<Values> {
        let mut values = self.values[index].clone()?;
        let block = &self.graph.blocks[index];
        for address in (block.start..block.end).step_by(SIZE as usize) {
            // The block was made of words that are there.
            values.step(self.program.word(address).unwrap_or_default());
        }
        Some(values)
    }

    /// Makes a way from a node to another, or out.
    pub fn connect(&mut self, from: usize, to: usize) {
        self.nodes.edges[from].push(to);
    }

    /// Makes a node of what is called at an address, behind another.
    pub fn add_call(&mut self, from: usize, call: u32, route: &Rc<Route>) -> usize {
        let node = self.add_step(Step::Call(call, route.clone()), route.cost);
        self.connect(from, node);
        node
    }

    fn add_step(&mut self, step: Step, cost: u64) -> usize {
        self.steps.push(step);
        self.nodes.cost.push(cost);
        self.nodes.edges.push(Vec::new());
        self.steps.len() - 1
    }

    /// Sums it up, given how often a loop turns.
    pub fn summary(&self, turns: &mut dyn FnMut(&Loop) -> Result<u64>) -> Result<Summary> {
        let mut turns = |nodes: &BTreeSet<usize>, header: usize| {
            let addresses = |node: &usize| match self.steps[*node] {
                Step::Block(index) => {
                    let block = &self.graph.blocks[index];
                    (block.start..block.end).step_by(SIZE as usize)
                }
                Step::Call(..) => (0..0).step_by(1),
            };
            let head: Vec<u32> = addresses(&header).collect();
            let others = nodes.iter().filter(|node| **node != header);
            turns(&Loop {
                head: head.len(),
                addresses: head.into_iter().chain(others.flat_map(addresses)).collect(),
            })
        };
        let header = |nodes: &BTreeSet<usize>| self.graph.header(nodes);
        let exits = self.nodes.longest(&mut Search {
            roots: self.roots.clone(),
            header: if self.woken { Some(&header) } else { None },
            turns: &mut turns,
        })?;
        let best = |target: usize| {
            let ways = exits.iter().filter(|((_, to), _)| *to == target);
            let way = ways.map(|(_, way)| way).max_by_key(|way| way.cost)?;
            Some(Rc::new(self.route(way)))
        };
        let mut to_end = best(END);
        more(&mut to_end, self.elsewhere.clone());
        Ok(Summary {
            through: best(RETURN),
            result: self.result().flatten(),
            to_end,
        })
    }

    fn route(&self, way: &Way) -> Route {
        let mut route = Route {
            cost: way.cost,
            ..Route::default()
        };
        for (node, times) in way.visits() {
            match &self.steps[node] {
                Step::Block(index) => {
                    let block = &self.graph.blocks[*index];
                    route.runs.push((block.start, block.end, times));
                }
                Step::Call(call, inner) => route.calls.push((*call, times, inner.clone())),
            }
        }
        route
    }

    /// What it returns, if it does; and that, if it is certain.
    pub fn result(&self) -> Option<Option<u32>> {
        let mut results = BTreeSet::new();
        for (index, block) in self.graph.blocks.iter().enumerate() {
            let Some(values) = self.at_end(index) else {
                continue;
            };
            for edge in block.edges.iter().filter(|edge| edge.is_possible(&values)) {
                match edge.to {
                    Target::Return => results.insert(values.result()),
                    Target::Other(_) => results.insert(None),
                    Target::Block(_) | Target::End => false,
                };
            }
        }
        let first = results.pop_first()?;
        Some(first.filter(|_| results.is_empty()))
    }
}
