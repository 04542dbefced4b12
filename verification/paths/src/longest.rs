//! The longest path through a graph with loops.
//!
//! A strongly connected part of the graph is a loop. It is entered at one node, its header, or it is refused: code that a compiler
//! makes of loops has no others. Its longest turn is the longest path from the header back to it, found by the same means in
//! the loop without its header's incoming edges; so inner loops are loops of that. A loop that turns at most `n` times then costs
//! `n` turns, and the way from the header out of it. Where the way out is at the end of a turn, that turn is one of them.
//!
//! A way may begin in the middle of loops. Then it goes on to the header, or out; from the header the loop turns as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context, Result};

/// A graph. What is no node is outside of it.
#[derive(Debug, Default)]
pub struct Nodes {
    /// What each node costs.
    pub cost: Vec<u64>,
    /// Where each leads.
    pub edges: Vec<Vec<usize>>,
}

/// A way through the graph, and what it costs.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// The sum of its nodes' costs.
    pub cost: u64,
    last: Option<Rc<Link>>,
}

#[derive(Debug)]
struct Link {
    before: Option<Rc<Link>>,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Node(usize),
    Turns(u64, Option<Rc<Link>>),
}

impl Way {
    fn then(&self, node: usize, cost: u64) -> Self {
        self.with(self.cost + cost, Part::Node(node))
    }

    fn turns(&self, count: u64, turn: &Self) -> Self {
        let part = Part::Turns(count, turn.last.clone());
        self.with(self.cost + count * turn.cost, part)
    }

    fn followed_by(&self, rest: &Self) -> Self {
        let part = Part::Turns(1, rest.last.clone());
        self.with(self.cost + rest.cost, part)
    }

    fn with(&self, cost: u64, part: Part) -> Self {
        let before = self.last.clone();
        let link = Link { before, part };
        Self {
            cost,
            last: Some(Rc::new(link)),
        }
    }

    /// How often it comes to each node.
    pub fn visits(&self) -> BTreeMap<usize, u64> {
        let mut visits = BTreeMap::new();
        count(self.last.as_deref(), 1, &mut visits);
        visits
    }
}

fn count(mut link: Option<&Link>, times: u64, visits: &mut BTreeMap<usize, u64>) {
    while let Some(Link { before, part }) = link {
        match part {
            Part::Node(node) => *visits.entry(*node).or_default() += times,
            Part::Turns(turns, turn) => count(turn.as_deref(), times * turns, visits),
        }
        link = before.as_deref();
    }
}

/// The longest ways out of a graph: by the node that they leave, and where they lead.
pub type Exits = BTreeMap<(usize, usize), Way>;

/// Says how often a loop turns: the nodes of the loop, and its header.
pub type Turns<'a> = dyn FnMut(&BTreeSet<usize>, usize) -> Result<u64> + 'a;

/// Says which node is the header of a loop of these nodes.
pub type Header<'a> = dyn Fn(&BTreeSet<usize>) -> Option<usize> + 'a;

/// Where ways begin, and what there is to know about loops.
pub struct Search<'a> {
    /// The nodes at which ways begin.
    pub roots: BTreeSet<usize>,
    /// The headers, if ways may begin in the middle of loops; else a loop's header is where it is entered.
    pub header: Option<&'a Header<'a>>,
    /// How often loops turn.
    pub turns: &'a mut Turns<'a>,
}

impl Nodes {
    /// The longest ways out of the graph.
    ///
    /// # Errors
    /// A loop is entered at several places, or nobody knows how often it turns.
    pub fn longest(&self, search: &mut Search<'_>) -> Result<Exits> {
        let all = (0..self.cost.len()).collect();
        let begin = search.roots.iter().map(|node| (*node, Way::default()));
        self.solve(&all, None, begin.collect(), search)
    }

    /// Within `region`, of which edges to `header` lead out.
    fn solve(
        &self,
        region: &BTreeSet<usize>,
        header: Option<usize>,
        mut arrivals: BTreeMap<usize, Way>,
        search: &mut Search<'_>,
    ) -> Result<Exits> {
        let mut exits = Exits::new();
        for part in self.parts(region, header) {
            let entered: BTreeMap<usize, Way> = part
                .iter()
                .filter_map(|node| Some((*node, arrivals.get(node)?.clone())))
                .collect();
            for ((from, to), way) in self.part(&part, header, entered, search)? {
                if region.contains(&to) && Some(to) != header {
                    keep(&mut arrivals, to, way);
                } else {
                    keep(&mut exits, (from, to), way);
                }
            }
        }
        Ok(exits)
    }

    /// The ways out of a part: of a single node, or of a loop.
    fn part(
        &self,
        part: &BTreeSet<usize>,
        outer: Option<usize>,
        mut entered: BTreeMap<usize, Way>,
        search: &mut Search<'_>,
    ) -> Result<Exits> {
        let mut exits = Exits::new();
        let Some((first, way)) = entered.first_key_value() else {
            return Ok(exits);
        };
        let first = *first;
        if part.len() == 1 && (outer == Some(first) || !self.edges[first].contains(&first)) {
            let way = way.then(first, self.cost[first]);
            let edges = self.edges[first].iter();
            return Ok(edges.map(|to| ((first, *to), way.clone())).collect());
        }
        let header = match search.header {
            Some(header) => header(part),
            None => Some(first).filter(|_| entered.len() == 1),
        };
        let header = header.context("a loop is entered at several places")?;
        let mut arrival = entered.remove(&header);
        if !entered.is_empty() {
            // Who begins in the middle.
            for ((from, to), way) in self.solve(part, Some(header), entered, search)? {
                match &arrival {
                    _ if to != header => keep(&mut exits, (from, to), way),
                    Some(other) if other.cost >= way.cost => {}
                    _ => arrival = Some(way),
                }
            }
        }
        if let Some(arrival) = arrival {
            self.turn(part, header, &arrival, search, &mut exits)?;
        }
        Ok(exits)
    }

    /// The ways out of a loop from its header.
    fn turn(
        &self,
        part: &BTreeSet<usize>,
        header: usize,
        arrival: &Way,
        search: &mut Search<'_>,
        exits: &mut Exits,
    ) -> Result<()> {
        let at_most = (search.turns)(part, header)?;
        let begin = BTreeMap::from([(header, Way::default())]);
        let inner = self.solve(part, Some(header), begin, search)?;
        let back = inner.iter().filter(|((_, to), _)| *to == header);
        let turn = back.map(|(_, way)| way).max_by_key(|way| way.cost);
        let turn = turn.cloned().unwrap_or_default();
        for ((from, to), rest) in &inner {
            // Where a turn ends the loop may be left instead: that turn is the last one.
            let ends_turn = self.edges[*from].contains(&header);
            let before = match at_most.checked_sub(1) {
                _ if *to == header => continue,
                None if ends_turn => continue,
                Some(less) if ends_turn => less,
                _ => at_most,
            };
            let way = arrival.turns(before, &turn).followed_by(rest);
            keep(exits, (*from, *to), way);
        }
        Ok(())
    }

    /// The strongly connected parts of `region`, in the order in which ways go through them (Tarjan 1972).
    fn parts(&self, region: &BTreeSet<usize>, header: Option<usize>) -> Vec<BTreeSet<usize>> {
        let mut search = Parts {
            graph: self,
            region,
            header,
            number: BTreeMap::new(),
            lowest: BTreeMap::new(),
            stack: Vec::new(),
            parts: Vec::new(),
        };
        for node in region {
            if !search.number.contains_key(node) {
                search.visit(*node);
            }
        }
        search.parts.reverse();
        search.parts
    }
}

/// Keeps the more expensive of two ways to the same place.
fn keep<K: Ord>(ways: &mut BTreeMap<K, Way>, key: K, way: Way) {
    match ways.get(&key) {
        Some(known) if known.cost >= way.cost => {}
        _ => {
            ways.insert(key, way);
        }
    }
}

struct Parts<'a> {
    graph: &'a Nodes,
    region: &'a BTreeSet<usize>,
    header: Option<usize>,
    number: BTreeMap<usize, usize>,
    lowest: BTreeMap<usize, usize>,
    stack: Vec<usize>,
    parts: Vec<BTreeSet<usize>>,
}

impl Parts<'_> {
    fn visit(&mut self, node: usize) {
        let number = self.number.len();
        self.number.insert(node, number);
        self.stack.push(node);
        let mut lowest = number;
        for to in &self.graph.edges[node] {
            if !self.region.contains(to) || Some(*to) == self.header {
                continue;
            }
            match self.number.get(to) {
                None => {
                    self.visit(*to);
                    lowest = lowest.min(self.lowest[to]);
                }
                Some(other) if self.stack.contains(to) => lowest = lowest.min(*other),
                Some(_) => {}
            }
        }
        self.lowest.insert(node, lowest);
        if lowest == number {
            let at = self.stack.iter().position(|one| *one == node);
            let part = self.stack.split_off(at.unwrap_or_default());
            self.parts.push(part.into_iter().collect());
        }
    }
}
