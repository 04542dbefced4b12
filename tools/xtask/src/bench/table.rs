//! The figures as a table, beside those of other kernels.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Deserialize;

use super::Figure;

/// What comparable kernels need; docs/performance.md says which, and how they were counted.
const PEERS: &str = include_str!("../../../../systems/bench/peers.json");

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

/// All of them.
pub fn show(figures: &[Figure]) -> Result<String> {
    let rows: Vec<Row> = serde_json::from_str(PEERS)?;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<25} {:>9} {:>10} {:>8} {:>7}  {:<8} peers",
        "release kernel", "instr.", "transfers", "must", "aim", ""
    );
    for figure in figures {
        let verdict = match figure.kernel_instructions {
            value if value <= figure.aim => "aim",
            value if value <= figure.must => "must",
            _ => "MISSED",
        };
        let transfers = figure
            .register_transfers
            .map_or_else(|| "-".to_owned(), |count| count.to_string());
        let row = rows.iter().find(|row| row.path == figure.path);
        let peers = row.map_or(&[][..], |row| &row.peers).iter();
        let peers: Vec<_> = peers
            .map(|peer| format!("{} {}", peer.kernel, peer.instructions))
            .collect();
        let _ = writeln!(
            text,
            "{:<25} {:>9} {:>10} {:>8} {:>7}  {:<8} {}",
            figure.path,
            figure.kernel_instructions,
            transfers,
            figure.must,
            figure.aim,
            verdict,
            peers.join(", ")
        );
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}
