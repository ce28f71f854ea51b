//! What a node keeps: its tip, a few recent blocks, requests under way.

use anthill_protocol::{Context, NodeId, Shared, Snapshot};

use crate::Nakamoto;
use crate::transaction::Pool;

/// Blocks that a node knows beside the ancestors of its tip.
const RECENT: usize = 8;

/// A node. It holds on to every block that it names here.
#[derive(Clone, Debug, Snapshot)]
pub struct Node {
    pub(crate) tip: Shared,
    /// Of the tip.
    pub(crate) height: u32,
    /// A ring; at first the genesis in all places.
    recent: [Shared; RECENT],
    oldest: u8,
    pub(crate) requests: Vec<Request>,
    /// Blocks whose parents it does not know.
    pub(crate) orphans: Vec<Shared>,
    pub(crate) pool: Pool,
    /// Transactions that it has made.
    pub(crate) made: u32,
    /// Which of its mining timers counts.
    pub(crate) clock: u32,
    /// The difficulty that it mines at; 0: it does not.
    pub(crate) mines_at: u64,
    /// Node 0: batches of blocks that were counted.
    pub(crate) batches: u32,
}

/// A block that was asked for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub(crate) struct Request {
    pub(crate) block: Shared,
    /// Who else has it.
    pub(crate) other: Option<NodeId>,
    pub(crate) tries: u8,
}

impl Node {
    pub(crate) fn new(genesis: Shared, cx: &mut impl Context<Nakamoto>) -> Self {
        (0..=RECENT).for_each(|_| cx.retain(genesis));
        Self {
            tip: genesis,
            height: 0,
            recent: [genesis; RECENT],
            oldest: 0,
            requests: Vec::new(),
            orphans: Vec::new(),
            pool: Pool::default(),
            made: 0,
            clock: 0,
            mines_at: 0,
            batches: 0,
        }
    }

    /// Whether it is one of the few.
    pub(crate) fn has_recent(&self, block: Shared) -> bool {
        self.tip == block || self.recent.contains(&block)
    }

    pub(crate) fn remember(&mut self, block: Shared, cx: &mut impl Context<Nakamoto>) {
        let place = usize::from(self.oldest) % RECENT;
        cx.retain(block);
        cx.release(core::mem::replace(&mut self.recent[place], block));
        self.oldest = (place as u8 + 1) % RECENT as u8;
    }

    /// Forgets all requests.
    pub(crate) fn drop_requests(&mut self, cx: &mut impl Context<Nakamoto>) {
        self.requests.drain(..).for_each(|request| cx.release(request.block));
    }

    /// Forgets everything.
    pub(crate) fn release_all(&mut self, cx: &mut impl Context<Nakamoto>) {
        self.drop_requests(cx);
        self.orphans.drain(..).for_each(|orphan| cx.release(orphan));
        self.recent.into_iter().for_each(|block| cx.release(block));
        cx.release(self.tip);
    }
}
