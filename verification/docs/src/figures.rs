//! The committed figures of `cargo xtask bench`, beside those of other kernels.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The committed figures.
const GOLDEN: &str = include_str!("../../../systems/bench/golden.json");
/// Which functions their instructions are in.
const BREAKDOWN: &str = include_str!("../../../systems/bench/breakdown.json");
/// What other kernels need.
const PEERS: &str = include_str!("../../../systems/bench/peers.json");
/// The other kernels, as the file calls them.
const KERNELS: [&str; 6] = [
    "floor",
    "seL4 A32",
    "seL4 rv32",
    "seL4 A64",
    "seL4 rv64",
    "JetOS",
];

/// A figure.
#[derive(Clone, Debug, Deserialize)]
pub struct Figure {
    /// Its name.
    pub path: String,
    /// What it is.
    pub kernel_instructions: u64,
    register_transfers: Option<u64>,
    must: u64,
    aim: u64,
}

impl Figure {
    /// Whether it is more than was aimed at.
    pub fn misses_aim(&self) -> bool {
        self.kernel_instructions > self.aim
    }
}

/// The functions that the instructions of a path are in.
#[derive(Clone, Debug, Deserialize)]
pub struct Parts {
    /// The path.
    pub path: String,
    /// The functions, and how many.
    pub parts: Vec<(String, u64)>,
}

#[derive(Deserialize)]
struct Row {
    path: String,
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
struct Peer {
    kernel: String,
    instructions: u64,
}

/// All figures.
pub fn figures() -> Vec<Figure> {
    serde_json::from_str(GOLDEN).expect("systems/bench/golden.json is a list of figures")
}

/// What is known of the functions that their instructions are in.
pub fn breakdown() -> Vec<Parts> {
    serde_json::from_str(BREAKDOWN).expect("systems/bench/breakdown.json is a list of paths")
}

/// The figures as a table.
pub(crate) fn all() -> String {
    let rows: Vec<Row> =
        serde_json::from_str(PEERS).expect("systems/bench/peers.json is a list of paths");
    let peers: BTreeMap<(&str, &str), u64> = rows
        .iter()
        .flat_map(|row| row.peers.iter().map(move |peer| (row, peer)))
        .map(|(row, peer)| ((row.path.as_str(), peer.kernel.as_str()), peer.instructions))
        .collect();
    let number = |number: Option<u64>| number.map_or_else(String::new, |one| one.to_string());
    let rows = figures();
    let rows = rows.iter().map(|figure| {
        let reached = match figure.kernel_instructions {
            value if value <= figure.aim => "aim",
            value if value <= figure.must => "must",
            _ => "**missed**",
        };
        let [floor, a32, rv32, a64, rv64, jetos] =
            KERNELS.map(|kernel| number(peers.get(&(figure.path.as_str(), kernel)).copied()));
        [
            format!("`{}`", figure.path),
            figure.kernel_instructions.to_string(),
            number(figure.register_transfers),
            figure.must.to_string(),
            figure.aim.to_string(),
            reached.to_owned(),
            floor,
            a32,
            rv32,
            a64,
            rv64,
            jetos,
        ]
    });
    crate::table(
        [
            "figure",
            "here",
            "transfers",
            "must",
            "aim",
            "reached",
            "floor",
            "seL4 A32",
            "seL4 rv32",
            "seL4 A64",
            "seL4 rv64",
            "JetOS",
        ],
        rows,
    )
}

/// Of each path that misses its aim, the functions that its instructions are in.
pub(crate) fn missed() -> String {
    let parts = breakdown();
    let figures = figures();
    let missed = figures.iter().filter(|figure| figure.misses_aim());
    let rows = missed.filter_map(|figure| {
        let parts = parts.iter().find(|parts| parts.path == figure.path)?;
        let parts = parts.parts.iter();
        let parts: Vec<_> = parts
            .map(|(function, count)| format!("{function} {count}"))
            .collect();
        Some([
            format!("`{}`", figure.path),
            figure.kernel_instructions.to_string(),
            figure.aim.to_string(),
            parts.join(", "),
        ])
    });
    crate::table(["path", "here", "aim", "of which"], rows)
}
