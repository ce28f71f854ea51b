//! What nodes tell the outside world.

use anthill_protocol::{NodeId, Output, Shared, Time, Wire};

use crate::block::Block;
use crate::transaction::Transaction;

/// What is said of a block: enough to judge it by its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Seen {
    pub(crate) block: u64,
    pub(crate) parent: u64,
    pub(crate) height: u32,
    pub(crate) difficulty: u64,
    pub(crate) work: u64,
    pub(crate) miner: NodeId,
    pub(crate) time: Time,
}

impl Seen {
    pub(crate) fn of(handle: Shared, block: &Block) -> Self {
        let header = &block.header;
        Self {
            block: handle.id(),
            parent: block.parent.map_or(0, |parent| parent.id()),
            height: header.height,
            difficulty: header.difficulty,
            work: header.work,
            miner: header.miner,
            time: header.time,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum NakamotoOutput {
    /// A miner found a block.
    Mined(Seen),
    /// A block came into the node's chain together with its child.
    Connected(Seen),
    /// The node's chain ends in this block, after it took so many off.
    Tip { tip: Seen, dropped: u32 },
    /// A transaction has the confirmations asked for, in this block.
    Confirmed { transaction: Transaction, block: u64 },
}
