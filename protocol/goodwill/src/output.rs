//! What nodes tell the outside world.

use anthill_protocol::{Digest, Output, Wire};

/// What is said of a block that a node's chain ends in from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Seen {
    pub(crate) block: u64,
    pub(crate) parent: u64,
    pub(crate) slot: u32,
    pub(crate) height: u32,
    pub(crate) forger: u32,
    /// Whose slot it is by the state of its parent; `u32::MAX`: nobody's.
    pub(crate) leader: u32,
    /// Of state and receipts after it, as the node has worked them out.
    pub(crate) root: Digest,
}

/// The money after a block, as a node has worked it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Money {
    /// All that accounts and pots hold.
    pub(crate) held: u64,
    /// All that was given out at the start, and minted since.
    pub(crate) genesis: u64,
    pub(crate) minted: u64,
}

/// A game's asset after a call, as its creation and its calls have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Asset {
    pub(crate) block: u64,
    pub(crate) contract: u64,
    /// How many were bought so far, and how many there are.
    pub(crate) sold: u64,
    pub(crate) supply: u64,
    /// How often the caller has passed some on in this window of time, and how often it may.
    pub(crate) moved: u64,
    pub(crate) most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum GoodwillOutput {
    /// A forger made a block in this slot.
    Forged { slot: u32, height: u32, block: u64 },
    /// A block came into the node's chain; the last of several is its tip. `dropped`: blocks that went.
    Joined { seen: Seen, dropped: u32 },
    /// The money after that block, and bids in it that counted without an approved association.
    Money { block: u64, money: Money, unapproved: u32 },
    /// A block lies as deep as transactions need to be believed.
    Confirmed { height: u32, block: u64 },
    /// A game's asset was bought or passed on in that block.
    Asset { asset: Asset },
    /// A token has changed hands in that block.
    Owner { block: u64, token: u64, owner: u64 },
    /// A peer has made a transaction.
    Sent { transaction: u64 },
    /// Its peer believes that it is in this block.
    Believed { transaction: u64, block: u64 },
}
