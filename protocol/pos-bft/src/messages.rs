//! What nodes send each other, say, measure and set timers for.

use anthill_protocol::kit::Tick;
use anthill_protocol::{Message, Metric, Output, Shared, Snapshot, Wire};

/// A number without alignment: a message is a tag and sixteen bytes, so that an event is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct U32([u8; 4]);

/// The same, of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct U64([u8; 8]);

impl From<u64> for U64 {
    fn from(number: u64) -> Self {
        Self(number.to_le_bytes())
    }
}

impl U64 {
    /// The number.
    pub fn get(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

impl From<u32> for U32 {
    fn from(number: u32) -> Self {
        Self(number.to_le_bytes())
    }
}

impl U32 {
    /// The number.
    pub fn get(self) -> u32 {
        u32::from_le_bytes(self.0)
    }
}

/// What travels. Whatever may have to be shown to others later is a shared body with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum ChainMessage {
    Proposal(Shared),
    Prevote(Shared),
    Precommit(Shared),
    /// A part of a block, to a neighbour.
    Part(Shared),
    /// To a neighbour: I have the vote of that name.
    Has {
        height: U32,
        vote: U64,
    },
    /// To a neighbour: I am here.
    Step {
        height: U32,
        round: U32,
    },
    /// Somebody broke the rules, or answers that it did not.
    Evidence(Shared),
    /// Asks for the decision of a height.
    Fetch {
        height: U32,
    },
    /// A block with its commit.
    Decided(Shared),
    Transaction(Shared),
    /// A light client asks for a header: of a height, or with 0 for the latest.
    Ask {
        height: U32,
    },
    Header(Shared),
    /// To a user: its transaction of that nonce is in a block.
    Receipt {
        nonce: U64,
    },
}

/// What nodes tell the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum ChainOutput {
    /// A proposer has made a block.
    Proposed { height: u32, round: u32, block: u64 },
    /// A validator precommits a block.
    Locked { height: u32, round: u32, block: u64 },
    /// A validator prevotes for another block than the one it is locked on, because two thirds prevoted
    /// for that in round `proof`.
    Unlocked { height: u32, round: u32, block: u64, proof: u32 },
    /// A block is decided. `parent` is its parent's name; `state` begins the root after the parent; `held`
    /// and `issued` are all units accounted for, and all that there should be, after the block.
    Committed {
        height: u32,
        round: u32,
        block: u64,
        parent: u64,
        state: u64,
        held: u64,
        issued: u64,
    },
    /// A node has evidence against a validator with so much of all stake, in 10,000,000ths.
    Evidence { height: u32, accused: u32, share: u32 },
    /// A light client believes a header.
    Trusted { height: u32, block: u64 },
    /// A block takes stake away.
    Slashed { height: u32, accused: u32, amount: u64, for_absence: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum ChainMetric {
    /// blocks decided, summed over nodes
    #[metric(higher)]
    Decided,
    /// nodes that saw a commit for another block than the one they decided
    #[metric(lower)]
    Forks,
    /// highest round that a validator entered
    #[metric(max)]
    Rounds,
    /// blocks decided without a precommit of one's own in that round, summed over validators
    Early,
    /// decided blocks after which other nodes are validators than before
    Changes,
    /// nodes that have heard nothing new for long since the last height was decided, where messages travel
    /// along edges: all copies have arrived
    Quiet,
    /// times that a node sent its messages again
    #[metric(lower)]
    Resent,
    /// pieces of evidence in decided blocks
    Evidence,
    /// stake taken away in decided blocks
    Slashed,
    /// the part of it that was taken from validators that no adversary of the protocol's holds
    #[metric(lower)]
    HonestSlashed,
    /// blocks of the chain that were executed, by the host each once: one a height
    #[metric(max)]
    Executed,
    /// times that nodes executed a block and were charged for it
    ChargedExecutions,
    /// fuel used by the transactions of decided blocks
    Fuel,
    /// blocks that a node took from others with their commits
    SyncBlocks,
    /// from one decision of a node to its next
    #[metric(latency)]
    Interval,
    /// from the making of a block to its decision, at each node
    #[metric(latency)]
    Finality,
    /// headers that light clients were sent and looked at
    LightHeaders,
    /// headers that light clients did not believe
    RefusedHeaders,
    /// transactions that users made
    Transactions,
    /// from a transaction to its receipt, at its user
    #[metric(latency)]
    Transaction,
}

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Timer {
    /// It has waited too long for a proposal, for prevotes, for precommits.
    Propose {
        height: u32,
        round: u32,
    },
    Prevote {
        height: u32,
        round: u32,
    },
    Precommit {
        height: u32,
        round: u32,
    },
    /// The time between a decision and the next height is over.
    Commit {
        height: u32,
    },
    /// Nothing has moved for long.
    Resend(Tick),
    /// Others are ahead.
    Behind(Tick),
    /// Nothing new was heard since the last height was decided.
    Quiet(Tick),
    /// A neighbour is looked at; what is in line for it is sent.
    Gossip {
        slot: u8,
    },
    Flush {
        slot: u8,
    },
    /// A light client looks for the latest header.
    Light,
    /// A user makes its next transaction.
    Arrival,
}
