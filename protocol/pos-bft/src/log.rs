//! The chain as a log for a machine: a block has at most one entry, in the place of transactions, and nothing is
//! executed here. Validators have equal stakes; heights follow each other whether or not anything waits.

use anthill_protocol::kit::{Ask, Entry, Final, LogSetting, ReplicatedLog};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Bodies, Configure, Context, NodeId, Shared, Span};

use crate::block::Block;
use crate::bodies::{Certificate, ChainBody, Kind};
use crate::node::Node;
use crate::protocol::PosBft;

impl PosBft {
    /// What the machine has for the next block: the one before is decided, and taken.
    pub(crate) fn next_entry(&self, cx: &mut impl Context<Self>) -> Vec<Shared> {
        let entry = cx.machine(Ask::Next { before: &[] }).entry();
        entry.and_then(|entry| entry.body).into_iter().collect()
    }

    /// Whether a block has no more than an entry. What it is, the machine knows.
    pub(crate) fn has_entry(&self, block: &Block) -> bool {
        block.transactions.len() <= 1
    }

    /// A block is decided.
    pub(crate) fn hand_over(&self, block: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(block).block().filter(|_| self.serves) else { return };
        if let Some(body) = block.transactions.first() {
            let (index, entry) = (block.header.height.into(), Entry::of(*body));
            cx.machine(Ask::Take(Final { index, entry }));
        }
    }
}

impl ReplicatedLog for PosBft {
    const BEARS_LIES: bool = true;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut chain = Self::configure(&Values::of::<Self>())?;
        chain.serves = true;
        (chain.heights, chain.max_validators) = (0, setting.nodes.max(1));
        let times = |delta: u64| Span(setting.delta.0.saturating_mul(delta)).max(Span(1));
        (chain.timeout_propose, chain.timeout_propose_delta) = (times(6), times(1));
        (chain.timeout_prevote, chain.timeout_prevote_delta) = (times(2), times(1));
        (chain.timeout_precommit, chain.timeout_precommit_delta) = (times(2), times(1));
        (chain.timeout_commit, chain.resend) = (times(1), times(16));
        chain.fit(setting.nodes, setting.seed)?;
        Ok(chain)
    }

    fn nothing() -> &'static ChainBody {
        static NOTHING: ChainBody = ChainBody::Certificate(Certificate {
            kind: Kind::Proposal,
            height: u32::MAX,
            round: u32::MAX,
            value: 0,
            votes: Vec::new(),
        });
        &NOTHING
    }

    /// Fewer than a third.
    fn faults(&self) -> u32 {
        self.candidates.saturating_sub(1) / 3
    }

    fn poke(&self, _: &mut Node, _: &mut impl Context<Self>) {}

    /// Whose turn it is follows from the blocks, which a node alone does not know.
    fn proposer(&self, _: &Node) -> Option<NodeId> {
        None
    }

    /// So many heights of liars that leave it out, each after rounds of liars that propose nothing, which last
    /// longer and longer; before them the present height, and twice the time after which messages come again.
    fn bound(&self, delta: Span, liars: u32) -> Span {
        let liars = u64::from(liars);
        let height = 20 + 10 * (liars + 1) + 3 * liars * (liars + 1) / 2;
        delta * ((liars + 2) * height + 2 * 16 + 28)
    }
}
