//! Which functions the instructions of a path are in.

use cofferdam_symbols::{Frame, Tree};

use crate::instruction::SIZE;
use crate::source::Source;
use crate::work::Route;

/// The functions of a path.
pub fn functions(route: &Route, source: &Source) -> Tree {
    let mut tree = Tree::default();
    add(&mut tree, route, 1, &[], source);
    tree
}

fn add(tree: &mut Tree, route: &Route, times: u64, above: &[String], source: &Source) {
    let names = |address| -> Vec<String> {
        let frames = source.frames(address);
        let below = frames.iter().map(Frame::name);
        above.iter().cloned().chain(below).collect()
    };
    for (start, end, count) in &route.runs {
        for address in (*start..*end).step_by(SIZE as usize) {
            tree.count(names(address), times * count);
        }
    }
    for (call, count, inner) in &route.calls {
        add(tree, inner, times * count, &names(*call), source);
    }
}
