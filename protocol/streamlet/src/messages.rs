//! What nodes send each other, say to the outside world, and measure.

use anthill_protocol::{Message, Metric, Output, Shared, Snapshot};

/// A ballot is a signed vote or, without signatures, the block that its sender votes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum StreamletMessage {
    Proposal { block: Shared },
    Vote { ballot: Shared },
}

/// What nodes tell the outside world: a block, by 64 bits of its hash, and its ancestors are notarised; a block
/// is final. `is_middle`: it is the second of three with consecutive epochs, and not only before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Said {
    Notarised { block: u64, epoch: u32, height: u32, parent: u64 },
    Final { block: u64, height: u32, is_middle: bool },
}

/// An epoch begins; the one after the last only ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct EpochBegins(pub u32);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum StreamletMetric {
    /// epochs from a block's own until a node knows it is final, both counted
    #[metric(max)]
    Rounds,
    /// blocks that a node knows to be notarised with all before them
    #[metric(per_node, higher)]
    Notarised,
    /// blocks that a node knows to be final
    #[metric(per_node, higher)]
    Finalized,
    /// votes cast
    Votes,
    /// epochs that a node waits for finality by three new ones, in the mean
    #[metric(per = Waits)]
    WaitEpochs,
    /// how often nodes have waited for that
    Waits,
    /// votes and proposals that came after the end of their epoch
    Late,
    /// votes and blocks that are not what their sender may say
    Refused,
    /// beginning of a block's epoch until a node knows it is final
    #[metric(latency)]
    Finality,
}
