//! Whether a scenario fits this machine: refuse what cannot, warn of what may not.
//!
//! Only the lower bound refuses. The expected peak is an estimate, and refusing on it would stop
//! runs that fit; `engine.memory_limit` ends those that turn out not to, with their results saved.

use crate::engines::MemoryEstimate;
use crate::machine::Memory;
use crate::units;

/// What to do about a scenario's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Expected to fit.
    Fits,
    /// May not fit: run, but say so.
    Tight(String),
    /// Cannot fit.
    TooLarge(String),
}

/// Judges the memory that `nodes` nodes need against the machine's.
pub(crate) fn judge(nodes: u32, estimate: MemoryEstimate, machine: Memory) -> Verdict {
    let needs = format!(
        "{} nodes need at least {} of memory (expected peak {})",
        units::count(nodes.into()),
        units::bytes(estimate.lower_bytes),
        units::bytes(estimate.expected_bytes),
    );
    // A host that does not tell its memory refuses nothing.
    if machine.total == 0 {
        return Verdict::Fits;
    }
    let has = format!(
        "this machine has {}, {} of it available",
        units::bytes(machine.total),
        units::bytes(machine.available)
    );
    if estimate.lower_bytes > machine.total {
        let share = machine.total as f64 / estimate.expected_bytes.max(1) as f64;
        let fitting = (f64::from(nodes) * share * 0.8) as u64;
        Verdict::TooLarge(format!("{needs}; {has}: try --nodes {}", rounded(fitting.max(1))))
    } else if estimate.expected_bytes > machine.available {
        Verdict::Tight(format!(
            "{needs}; {has}: the run stops cleanly at engine.memory_limit; fewer --nodes avoid that"
        ))
    } else {
        Verdict::Fits
    }
}

/// Two significant figures, rounded down, as the flag takes them.
fn rounded(n: u64) -> String {
    let mut unit = 1;
    while n / unit >= 100 {
        unit *= 10;
    }
    let floor = n / unit * unit;
    match floor {
        n if n >= 1_000_000 && n % 100_000 == 0 => shortest(n as f64 / 1e6, "M"),
        n if n >= 1_000 => shortest(n as f64 / 1e3, "k"),
        n => n.to_string(),
    }
}

/// `--nodes` takes whole numbers before its suffix.
fn shortest(scaled: f64, suffix: &str) -> String {
    if scaled.fract() == 0.0 {
        format!("{scaled}{suffix}")
    } else if suffix == "M" {
        format!("{}k", (scaled * 1e3).round())
    } else {
        format!("{}", (scaled * 1e3).round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Memory = Memory { total: 8_000_000_000, available: 6_000_000_000 };

    fn verdict(lower_bytes: u64, expected_bytes: u64) -> Verdict {
        judge(100_000_000, MemoryEstimate { lower_bytes, expected_bytes }, MACHINE)
    }

    #[test]
    fn only_the_lower_bound_refuses() {
        assert_eq!(verdict(1_000_000_000, 5_000_000_000), Verdict::Fits);
        assert!(matches!(verdict(1_000_000_000, 50_000_000_000), Verdict::Tight(_)));
        let Verdict::TooLarge(text) = verdict(9_000_000_000, 10_000_000_000) else {
            panic!("must be refused")
        };
        assert_eq!(
            text,
            "100,000,000 nodes need at least 9 GB of memory (expected peak 10 GB); this machine \
             has 8 GB, 6 GB of it available: try --nodes 64M"
        );
    }

    #[test]
    fn suggestions_are_short_and_never_larger() {
        let shown: Vec<String> =
            [1, 99, 128, 1_234, 12_345, 1_234_567, 12_345_678].map(rounded).to_vec();
        assert_eq!(shown, ["1", "99", "120", "1200", "12k", "1200k", "12M"]);
    }

    #[test]
    fn an_unknown_machine_refuses_nothing() {
        let estimate = MemoryEstimate { lower_bytes: u64::MAX, expected_bytes: u64::MAX };
        assert_eq!(judge(1, estimate, Memory::default()), Verdict::Fits);
    }
}
