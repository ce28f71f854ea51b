//! What is measured.

use anthill_protocol::Metric;

/// The metrics. `undecided_after_E` is a distribution over agreements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum RandomizedMetric {
    /// agreements
    Agreements,
    /// decisions of nodes
    #[metric(higher)]
    Decided,
    /// the most rounds that a node has ended
    #[metric(max, lower)]
    Rounds,
    /// rounds ended, summed over nodes and agreements
    NodeRounds,
    /// votes refused: not signed, or not justified
    Refused,
    /// from the start of the run to a node's decision
    #[metric(latency)]
    Decision,
    /// share of agreements that the last honest node of their group has not decided after round 1
    #[metric(name = "undecided_after_1", per = Agreements, lower)]
    UndecidedAfter1,
    /// the same after round 2
    #[metric(name = "undecided_after_2", per = Agreements, lower)]
    UndecidedAfter2,
    /// the same after round 3
    #[metric(name = "undecided_after_3", per = Agreements, lower)]
    UndecidedAfter3,
    /// the same after round 4
    #[metric(name = "undecided_after_4", per = Agreements, lower)]
    UndecidedAfter4,
    /// the same after round 5
    #[metric(name = "undecided_after_5", per = Agreements, lower)]
    UndecidedAfter5,
    /// the same after round 6
    #[metric(name = "undecided_after_6", per = Agreements, lower)]
    UndecidedAfter6,
    /// the same after round 7
    #[metric(name = "undecided_after_7", per = Agreements, lower)]
    UndecidedAfter7,
    /// the same after round 8
    #[metric(name = "undecided_after_8", per = Agreements, lower)]
    UndecidedAfter8,
    /// the same after round 9
    #[metric(name = "undecided_after_9", per = Agreements, lower)]
    UndecidedAfter9,
    /// the same after round 10
    #[metric(name = "undecided_after_10", per = Agreements, lower)]
    UndecidedAfter10,
    /// the same after round 11
    #[metric(name = "undecided_after_11", per = Agreements, lower)]
    UndecidedAfter11,
    /// the same after round 12
    #[metric(name = "undecided_after_12", per = Agreements, lower)]
    UndecidedAfter12,
}

impl RandomizedMetric {
    /// By round, from 1.
    pub(crate) const UNDECIDED_AFTER: [Self; 12] = [
        Self::UndecidedAfter1,
        Self::UndecidedAfter2,
        Self::UndecidedAfter3,
        Self::UndecidedAfter4,
        Self::UndecidedAfter5,
        Self::UndecidedAfter6,
        Self::UndecidedAfter7,
        Self::UndecidedAfter8,
        Self::UndecidedAfter9,
        Self::UndecidedAfter10,
        Self::UndecidedAfter11,
        Self::UndecidedAfter12,
    ];
}
