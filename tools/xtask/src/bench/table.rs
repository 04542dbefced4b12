//! The figures as a table, beside those of other kernels.

use std::fmt::Write as _;

use super::Figure;

/// What the best comparable kernels need, counted in the same way: instructions of seL4 16.0.0-dev without FPU on 32-bit Arm or
/// RISC-V, and of JetOS on e500mc; and the floor, a hand-written kernel on e500v2 without budgets, log or accounts.
const PEERS: [(&str, &str); 11] = [
    ("null_hypercall", "floor 14, seL4 252-376"),
    ("call_one_way", "floor 36, seL4 195-208"),
    ("call_round_trip", "floor 78, seL4 419-453"),
    ("signal_no_switch", "seL4 281-400"),
    ("signal_switch", "seL4 488-552"),
    ("partition_switch", "floor 62, seL4 397-512, JetOS 580-593"),
    ("irq_to_driver", "seL4 379 (64 bit)"),
    ("irq_full_cycle", "seL4 1369 (64 bit)"),
    ("sampling_write_40", "JetOS 778"),
    ("sampling_read_40", "JetOS 879"),
    ("boot_to_first_partition", "JetOS 113612, seL4 1581690"),
];

/// All of them.
pub fn show(figures: &[Figure]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<24} {:>9} {:>10} {:>8} {:>7}  {:<8} peers",
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
        let peers = PEERS
            .iter()
            .find(|(path, _)| *path == figure.path)
            .map_or("", |(_, peers)| peers);
        let _ = writeln!(
            text,
            "{:<24} {:>9} {:>10} {:>8} {:>7}  {:<8} {peers}",
            figure.path, figure.kernel_instructions, transfers, figure.must, figure.aim, verdict
        );
    }
    text.truncate(text.trim_end().len());
    text
}
