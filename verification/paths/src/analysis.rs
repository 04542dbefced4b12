//! The longest paths through the kernel, from an entry to where interrupts are enabled.
//!
//! Each function is summed up once for each set of known arguments: the longest way through it to its return, and the longest
//! way from its beginning to where interrupts are enabled, in it or in what it calls. Where it waits for an interrupt the way
//! that led there ends; another begins with the interrupt, and goes on behind the wait, in the functions that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};

use crate::facts::Known;
use crate::graph::{Callee, Graph, Graphs, Target};
use crate::instruction::{Flow, SIZE, flow};
use crate::program::Program;
use crate::source::Names;
use crate::values::{Arguments, Values, of_token};
use crate::work::{END, RETURN, Route, Summary, Work, more};

/// A way into the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called in facts and results.
    pub name: String,
    /// How it comes about.
    pub cause: Cause,
}

/// How the kernel is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An exception or interrupt: by the vector at this address. If it is a hypercall, this one.
    Vector(u32, Option<Handled>),
    /// The kernel waited with interrupts enabled, and goes on.
    Woken(Reason),
}

/// A hypercall that has a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Its token.
    pub token: u32,
    /// Where its handler is.
    pub handler: u32,
}

/// Why the kernel goes on behind a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// An interrupt came, by the vector at this address.
    Interrupt(u32),
    /// None was there.
    Nothing,
}

/// How a function comes to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Start {
    /// It is called.
    Call,
    /// It called, or is, a function that waits, and goes on behind that.
    Woken(Reason),
}

/// The analysis of one binary for one system.
pub struct Analysis<'a> {
    program: &'a Program,
    source: &'a dyn Names,
    graphs: Graphs<'a>,
    known: Known<'a>,
    /// The entry whose paths are looked for.
    entry: Entry,
    summaries: BTreeMap<(u32, Arguments, Start), Rc<Summary>>,
    under_way: BTreeSet<(u32, Start)>,
    /// What functions return.
    results: BTreeMap<u32, Option<Option<u32>>>,
    /// Every loop by the address that it begins with: its instructions, and how often it turns at most.
    loops: BTreeMap<u32, (BTreeSet<u32>, u64)>,
}

impl<'a> Analysis<'a> {
    /// Of a program, with what is known of it.
    pub fn new(program: &'a Program, source: &'a dyn Names, known: Known<'a>) -> Result<Self> {
        let mut jumps = BTreeMap::new();
        for jump in known.jumps() {
            let (from, to) = (program.symbol(&jump.function)?, program.symbol(&jump.to)?);
            let mut between = (from..to).step_by(SIZE as usize);
            let is_jump = |at: &u32| {
                let flow = program.word(*at).and_then(|word| flow(*at, word));
                flow.is_ok_and(|flow| flow == Flow::JumpRegister)
            };
            let at = between.find(is_jump);
            let at = at.with_context(|| format!("there is no jump in {}", jump.function))?;
            let targets = (0..=jump.before).map(|before| to - before * SIZE);
            jumps.insert(at, targets.collect());
        }
        let woken = known.woken().map(|function| program.symbol(function));
        let woken = woken.collect::<Result<_>>()?;
        Ok(Self {
            program,
            source,
            graphs: Graphs::new(program, jumps, woken),
            known,
            entry: Entry {
                name: String::new(),
                cause: Cause::Woken(Reason::Nothing),
            },
            summaries: BTreeMap::new(),
            under_way: BTreeSet::new(),
            results: BTreeMap::new(),
            loops: BTreeMap::new(),
        })
    }

    /// What was known, and which of it was of use.
    pub fn known(&self) -> &Known<'a> {
        &self.known
    }

    /// The longest path of an entry among these. `None`: it does not come back to a partition.
    pub fn longest(&mut self, entry: &Entry, all: &[Entry]) -> Result<Option<Rc<Route>>> {
        self.entry = entry.clone();
        self.summaries.clear();
        self.results.clear();
        let none = Arguments::default();
        let reason = match entry.cause {
            Cause::Vector(at, handled) => {
                let known = handled.map_or(none, |handled| of_token(handled.token));
                let summary = self.summary(at, known, Start::Call)?;
                return Ok(summary.to_end.clone());
            }
            Cause::Woken(reason) => reason,
        };
        let mut longest = None;
        for one in all {
            if let Cause::Vector(at, _) = one.cause {
                let summary = self.summary(at, none, Start::Woken(reason))?;
                more(&mut longest, summary.to_end.clone());
            }
        }
        Ok(longest)
    }

    /// Whether a function can return.
    pub fn returns(&mut self, at: u32) -> Result<bool> {
        self.summaries.clear();
        let summary = self.summary(at, Arguments::default(), Start::Call)?;
        Ok(summary.through.is_some())
    }

    /// Whether a call or a jump by a register may lead there.
    pub fn may_lead(&mut self, from: u32, to: u32) -> Result<bool> {
        if let Some(targets) = self.graphs.targets(from) {
            return Ok(targets.contains(&to));
        }
        let table = self.known.table(&self.source.function(from))?;
        Ok(self.program.table(table)?.contains(&to))
    }

    /// Whether an entry never comes to a function.
    pub fn is_never(&mut self, entry: &str, function: u32) -> bool {
        self.known.is_never(entry, &self.source.function(function))
    }

    /// The loop that begins at an address: its instructions, and how often it turns at most.
    pub fn turns(&self, address: u32) -> Option<&(BTreeSet<u32>, u64)> {
        self.loops.get(&address)
    }

    /// The control flow of a function.
    pub(crate) fn graph(&mut self, at: u32) -> Result<Rc<Graph>> {
        self.graphs.of(at)
    }

    /// The word at an address.
    pub(crate) fn word(&self, address: u32) -> Result<u32> {
        self.program.word(address)
    }

    /// The functions that are called, whatever the entry.
    pub(crate) fn all_targets(&mut self, callee: Callee) -> Result<Vec<u32>> {
        match callee {
            Callee::Function(at) => Ok(vec![at]),
            Callee::Register(call) => {
                let table = self.known.table(&self.source.function(call))?;
                self.program.table(table)
            }
        }
    }

    fn summary(&mut self, at: u32, arguments: Arguments, start: Start) -> Result<Rc<Summary>> {
        let key = (at, arguments, start);
        if let Some(known) = self.summaries.get(&key) {
            return Ok(known.clone());
        }
        let name = self.source.function(at);
        ensure!(self.under_way.insert((at, start)), "{name} calls itself");
        let graph = self.graphs.of(at)?;
        let summary = self
            .sum_up(&graph, arguments, start)
            .with_context(|| format!("in {name}"))?;
        self.under_way.remove(&(at, start));
        let summary = Rc::new(summary);
        self.summaries.insert(key, summary.clone());
        Ok(summary)
    }

    fn sum_up(&mut self, graph: &Graph, arguments: Arguments, start: Start) -> Result<Summary> {
        let mut work = Work::new(self.program, graph);
        match start {
            Start::Call => work.begin(Values::with_arguments(arguments)),
            Start::Woken(reason) => {
                if let Some(summary) = self.wake(&mut work, reason)? {
                    return Ok(summary);
                }
            }
        }
        work.follow(&mut |callee| self.result(callee))?;
        for block in 0..graph.blocks.len() {
            self.add(&mut work, block)?;
        }
        let (source, known) = (self.source, &mut self.known);
        let loops = &mut self.loops;
        work.summary(&mut |one| {
            let turns = known.turns(&source.place(&one.addresses, one.head), &arguments)?;
            // Who goes on in the middle of a loop begins it elsewhere.
            if start == Start::Call {
                let known = loops
                    .entry(one.addresses[0])
                    .or_insert((BTreeSet::new(), 0));
                known.0.extend(&one.addresses);
                known.1 = known.1.max(turns);
            }
            Ok(turns)
        })
    }

    /// Finds where a function goes on behind a wait. If it is the one that waits, and an interrupt came, that is its whole path:
    /// the interrupt's, which ends with the return from the function that enabled it.
    fn wake(&mut self, work: &mut Work<'_>, reason: Reason) -> Result<Option<Summary>> {
        for (index, block) in work.graph.blocks.iter().enumerate() {
            let last = block.end - SIZE;
            if let Some(returns_by) = self.enables(work, last)? {
                match (reason, block.disabled_again) {
                    (Reason::Interrupt(vector), _) => {
                        let labels = returns_by.iter().map(|label| self.program.symbol(label));
                        if !labels.collect::<Result<Vec<_>>>()?.contains(&vector) {
                            continue;
                        }
                        let path = self.summary(vector, Arguments::default(), Start::Call)?;
                        return Ok(Some(Summary {
                            to_end: None,
                            ..Summary::clone(&path)
                        }));
                    }
                    (Reason::Nothing, Some(again)) => work.go_on(again),
                    (Reason::Nothing, None) => {}
                }
            }
            let Some(callee) = block.call else { continue };
            for target in self.targets(callee)? {
                if self.is_out(target) {
                    continue;
                }
                let woken = self.summary(target, Arguments::default(), Start::Woken(reason))?;
                work.go_on_behind(index, &woken);
            }
        }
        Ok(None)
    }

    /// If an instruction enables interrupts: the labels of the vectors that return from its function.
    fn enables(&mut self, work: &Work<'_>, at: u32) -> Result<Option<&'a [String]>> {
        if flow(at, self.program.word(at)?)? != Flow::EnableInterrupts {
            return Ok(None);
        }
        let name = self.source.function(work.graph.blocks[0].start);
        self.known.returns_by(&name).map(Some)
    }

    /// What a call returns whatever its arguments are, if that is certain.
    fn result(&mut self, callee: Callee) -> Result<Option<u32>> {
        let mut results = BTreeSet::new();
        for target in self.targets(callee)? {
            if !self.is_out(target) {
                results.extend(self.result_of(target)?);
            }
        }
        let only = results.pop_first().flatten();
        Ok(only.filter(|_| results.is_empty()))
    }

    /// What a function returns, if it does; and that, if it is certain.
    fn result_of(&mut self, at: u32) -> Result<Option<Option<u32>>> {
        if let Some(known) = self.results.get(&at) {
            return Ok(*known);
        }
        let graph = self.graphs.of(at)?;
        let mut work = Work::new(self.program, &graph);
        work.begin(Values::default());
        work.follow(&mut |callee| self.result(callee))?;
        let result = work.result();
        self.results.insert(at, result);
        Ok(result)
    }

    /// The functions that are called.
    fn targets(&mut self, callee: Callee) -> Result<Vec<u32>> {
        let all = self.all_targets(callee)?;
        if let Callee::Function(_) = callee {
            return Ok(all);
        }
        Ok(match self.entry.cause {
            // It is one of them or none.
            Cause::Vector(_, handled) => {
                let ours = handled.iter().map(|handled| handled.handler);
                ours.filter(|handler| all.contains(handler)).collect()
            }
            Cause::Woken(_) => all,
        })
    }

    /// Whether no path of this entry goes through a function and comes back.
    fn is_out(&mut self, function: u32) -> bool {
        let name = self.source.function(function);
        self.known.is_end(&name) | self.known.is_never(&self.entry.name, &name)
    }

    /// Makes nodes of a block that can be come to, and of what it calls.
    fn add(&mut self, work: &mut Work<'_>, index: usize) -> Result<()> {
        let Some(values) = work.at_end(index) else {
            return Ok(());
        };
        let block = &work.graph.blocks[index];
        let call = block.end - SIZE;
        self.enables(work, call)?;
        let arguments = values.arguments();
        let from = match block.call {
            Some(callee) => self.call(work, index, call, callee, arguments)?,
            None => vec![index],
        };
        for edge in block.edges.iter().filter(|edge| edge.is_possible(&values)) {
            for from in &from {
                match edge.to {
                    Target::Block(to) => work.connect(*from, to),
                    Target::Return => work.connect(*from, RETURN),
                    Target::End => work.connect(*from, END),
                    Target::Other(callee) => {
                        for through in self.call(work, *from, call, callee, arguments)? {
                            work.connect(through, RETURN);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes nodes of what is called at an address, and gives those from which it goes on behind the call.
    fn call(
        &mut self,
        work: &mut Work<'_>,
        from: usize,
        call: u32,
        callee: Callee,
        arguments: Arguments,
    ) -> Result<Vec<usize>> {
        let mut through = Vec::new();
        for target in self.targets(callee)? {
            if self.is_out(target) {
                continue;
            }
            let summary = self.summary(target, arguments, Start::Call)?;
            if let Some(route) = &summary.through {
                through.push(work.add_call(from, call, route));
            }
            if let Some(route) = &summary.to_end {
                let node = work.add_call(from, call, route);
                work.connect(node, END);
            }
        }
        Ok(through)
    }
}
