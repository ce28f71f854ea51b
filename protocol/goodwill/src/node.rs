//! What nodes keep.

use anthill_protocol::{Context, NodeId, Shared, Snapshot, SnapshotError, Time};

use crate::Goodwill;
use crate::pool::Pool;
use crate::wealth::Wealth;

/// Blocks that a full node knows beside the ancestors of its tip.
pub(crate) const RECENT: usize = 16;

/// A node.
#[derive(Clone, Debug)]
pub enum Node {
    /// Holds the ledger.
    Full(Box<Full>),
    /// Pushes transactions and reads.
    Light(Light),
}

/// A full node. It holds on to every body that it names here.
#[derive(Clone, Debug, Snapshot)]
pub struct Full {
    pub(crate) tip: Shared,
    /// Of the tip.
    pub(crate) height: u32,
    /// A ring; at first the genesis in all places.
    pub(crate) recent: [Shared; RECENT],
    oldest: u8,
    /// Blocks of other branches.
    pub(crate) side: Vec<Shared>,
    /// Blocks whose parents it does not know.
    pub(crate) orphans: Vec<Shared>,
    /// Blocks whose slots have not come yet.
    pub(crate) early: Vec<Shared>,
    /// Blocks that were asked for.
    pub(crate) asked: Vec<Shared>,
    pub(crate) pool: Pool,
    /// Transactions that it has made.
    pub(crate) nonce: u32,
    /// Which of its timers for slots counts, and the lottery that it was set by.
    pub(crate) clock: u32,
    pub(crate) lottery: u64,
    /// Blocks that it made, and what it has bid.
    pub(crate) forged: u32,
    pub(crate) bid: u64,
    /// Up to this height blocks were once as deep as it takes.
    pub(crate) confirmed: u32,
    /// Transactions of light peers that want to know.
    pub(crate) followed: Vec<Followed>,
    /// Associations on which it has voted: all before this one.
    pub(crate) voted: u32,
    /// Node 0: the last figures on wealth.
    pub(crate) measured: Wealth,
    /// Until when its energy was counted.
    pub(crate) powered: Time,
    /// Transactions that it passed on, where nonces do not tell: a ring.
    pub(crate) passed: Vec<u64>,
    /// Challenges that it gave, to whom, and who that says to be; and who has greeted it.
    pub(crate) challenges: Vec<(NodeId, NodeId, u64)>,
    pub(crate) peers: Vec<NodeId>,
    /// Whom it accuses already, by block.
    pub(crate) accused: Vec<u64>,
}

/// A transaction of a light peer.
#[derive(Clone, Copy, Debug, Snapshot)]
pub(crate) struct Followed {
    pub(crate) id: u64,
    pub(crate) peer: NodeId,
    /// The height of the block it is in; 0: none yet.
    pub(crate) height: u32,
}

/// A light peer.
#[derive(Clone, Copy, Debug, Default, Snapshot)]
pub struct Light {
    /// Transactions that it has made.
    pub(crate) nonce: u32,
    pub(crate) pending: Option<Pending>,
    /// The last header that all its homes agreed on, and its height.
    pub(crate) header: u64,
    pub(crate) height: u32,
}

/// A transaction that its peer does not believe yet.
#[derive(Clone, Copy, Debug, Snapshot)]
pub(crate) struct Pending {
    pub(crate) handle: Shared,
    pub(crate) id: u64,
    /// The block that homes named last at full depth, and which homes did, as bits.
    pub(crate) block: u64,
    pub(crate) homes: u16,
    /// Whether a home has said that it is in a block.
    pub(crate) is_included: bool,
}

impl Full {
    pub(crate) fn new(genesis: Shared, cx: &mut impl Context<Goodwill>) -> Self {
        (0..=RECENT).for_each(|_| cx.retain(genesis));
        Self {
            tip: genesis,
            height: 0,
            recent: [genesis; RECENT],
            oldest: 0,
            side: Vec::new(),
            orphans: Vec::new(),
            early: Vec::new(),
            asked: Vec::new(),
            pool: Pool::default(),
            nonce: 0,
            clock: 0,
            lottery: 0,
            forged: 0,
            bid: 0,
            confirmed: 0,
            followed: Vec::new(),
            voted: 0,
            measured: Wealth::default(),
            powered: Time::ZERO,
            passed: Vec::new(),
            challenges: Vec::new(),
            peers: Vec::new(),
            accused: Vec::new(),
        }
    }

    /// Whether it is one of the few.
    pub(crate) fn has_recent(&self, block: Shared) -> bool {
        self.tip == block || self.recent.contains(&block)
    }

    pub(crate) fn remember(&mut self, block: Shared, cx: &mut impl Context<Goodwill>) {
        let place = usize::from(self.oldest) % RECENT;
        cx.retain(block);
        cx.release(core::mem::replace(&mut self.recent[place], block));
        self.oldest = (place as u8 + 1) % RECENT as u8;
    }

    /// Forgets everything.
    pub(crate) fn release_all(&mut self, cx: &mut impl Context<Goodwill>) {
        let lists = [&mut self.side, &mut self.orphans, &mut self.early, &mut self.asked];
        lists.into_iter().for_each(|list| list.drain(..).for_each(|body| cx.release(body)));
        self.pool.drain().for_each(|body| cx.release(body));
        self.recent.into_iter().for_each(|block| cx.release(block));
        cx.release(self.tip);
    }
}

impl Snapshot for Node {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Self::Full(full) => {
                out.push(0);
                full.save(out);
            }
            Self::Light(light) => {
                out.push(1);
                light.save(out);
            }
        }
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        match u8::load(bytes)? {
            0 => Full::load(bytes).map(|full| Self::Full(Box::new(full))),
            1 => Light::load(bytes).map(Self::Light),
            _ => Err(SnapshotError("no such kind of node")),
        }
    }
}
