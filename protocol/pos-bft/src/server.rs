//! The state of a node that follows the chain: a validator, or a full node.

use anthill_protocol::kit::Deadline;
use anthill_protocol::{Context, NodeId, Shared, Snapshot, Time};

use crate::bodies::Kind;
use crate::gossip::Gossip;
use crate::mempool::Mempool;
use crate::messages::ChainMessage;
use crate::parts::Parts;
use crate::protocol::PosBft;
use crate::tally::Tally;
use crate::validators::ValidatorSet;

/// Where a validator is in its round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub enum Step {
    #[default]
    Propose,
    Prevote,
    Precommit,
    /// The height is decided.
    Commit,
}

/// A proposal that was heard. The body is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Heard {
    pub body: Shared,
    pub block: Shared,
    pub value: u64,
    pub valid_round: Option<u32>,
    pub proposer: u32,
    /// Whether its block is valid on top of the tip.
    pub is_valid: bool,
}

/// What is known of one round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Round {
    pub number: u32,
    /// Of its proposer: the first, and one that contradicts it.
    pub proposals: Vec<Heard>,
    pub prevotes: Tally,
    pub precommits: Tally,
    /// Rules that apply once: 34 and 47 set timers, 36 locks.
    pub timed_prevotes: bool,
    pub timed_precommits: bool,
    pub is_locked: bool,
}

impl Round {
    pub fn tally(&self, kind: Kind) -> &Tally {
        if kind == Kind::Prevote { &self.prevotes } else { &self.precommits }
    }

    pub fn tally_mut(&mut self, kind: Kind) -> &mut Tally {
        if kind == Kind::Prevote { &mut self.prevotes } else { &mut self.precommits }
    }

    /// The proposal of a value.
    pub fn proposal_of(&self, value: u64) -> Option<Heard> {
        self.proposals.iter().find(|it| it.value == value).copied()
    }

    /// The stake of all who sent anything in it.
    pub fn heard(&self, set: &ValidatorSet) -> u64 {
        let proposers: Vec<usize> =
            self.proposals.iter().filter_map(|it| set.place(it.proposer)).collect();
        let has = |place: &usize| {
            self.prevotes.has(*place) || self.precommits.has(*place) || proposers.contains(place)
        };
        let most = self.prevotes.stake.max(self.precommits.stake);
        if set.is_third(most) {
            return most;
        }
        (0..set.len()).filter(has).fold(0, |sum, place| sum.saturating_add(set.stake(place)))
    }

    pub fn forget(mut self, cx: &mut impl Context<PosBft>) {
        self.prevotes.forget(cx);
        self.precommits.forget(cx);
        self.proposals.drain(..).for_each(|it| cx.release(it.body));
    }
}

/// The value that the paper calls valid: two thirds prevoted for it in `round`. The block is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Valid {
    pub round: u32,
    pub value: u64,
    pub block: Shared,
}

/// A message of the next height, from whom; its body is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Early {
    pub from: NodeId,
    pub body: Shared,
}

/// The commit for the tip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct LastCommit {
    pub round: u32,
    pub value: u64,
    /// The certificate, once there is one; retained.
    pub certificate: Option<Shared>,
}

/// A block that is decided, and not yet built upon; retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Decided {
    pub round: u32,
    pub value: u64,
    pub block: Shared,
    /// The commit, if it came with the block; retained.
    pub commit: Option<Shared>,
}

/// How a node fetches blocks that others have decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Sync {
    /// The greatest height heard of, and from whom.
    pub ahead: u32,
    pub peer: NodeId,
    /// The next height to ask for.
    pub next: u32,
    /// Decisions of later heights that came first; retained.
    pub arrived: Vec<(u32, Shared)>,
    pub alarm: Deadline,
}

/// A node that follows the chain.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Server {
    /// The height that is being decided; the tip is the block below; both are retained.
    pub height: u32,
    pub tip: Option<Shared>,
    pub last: LastCommit,
    pub round: u32,
    pub step: Step,
    /// Round and value of the last precommit for a block.
    pub locked: Option<(u32, u64)>,
    pub valid: Option<Valid>,
    pub decided: Option<Decided>,
    /// By number; those of the height before are kept for one height, for late votes and for evidence.
    pub rounds: Vec<Round>,
    pub past: Vec<Round>,
    /// The highest round of each place that was too far away to keep.
    pub far: Vec<u32>,
    /// Messages of the next height, by the names of their bodies; how many by signer; and whether they are
    /// looked at now.
    pub early: Vec<Early>,
    pub early_of: Vec<u8>,
    pub hears_early: bool,
    /// Its own messages of this height; retained.
    pub own: Vec<(u8, Shared)>,
    pub resend: Deadline,
    pub sync: Sync,
    /// Evidence that no block has yet; retained.
    pub evidence: Vec<Shared>,
    /// Certificates of prevotes that made it change its mind, by height; retained.
    pub reasons: Vec<(u32, Shared)>,
    /// The last header that a light client asked for, by height; retained.
    pub header: Option<(u32, Shared)>,
    pub mempool: Mempool,
    pub decided_at: Time,
    /// What the table of nodes shows.
    pub proposed: u32,
    pub signed: u32,
    pub missed: u32,
    pub stake: u64,
    pub slashed: u64,
    /// Whether it has seen that the chain forks.
    pub saw_fork: bool,
    /// When it has heard nothing new for long after the last height.
    pub quiet: Deadline,
    /// Where messages are gossiped: what neighbours lack, and what this node has of blocks.
    pub gossip: Gossip,
    pub parts: Parts,
}

impl Server {
    pub fn round(&self, number: u32) -> Option<&Round> {
        let place = self.rounds.binary_search_by_key(&number, |it| it.number).ok()?;
        self.rounds.get(place)
    }

    /// The log of a round, which begins empty.
    pub fn round_mut(&mut self, number: u32) -> &mut Round {
        let place = match self.rounds.binary_search_by_key(&number, |it| it.number) {
            Ok(place) => place,
            Err(place) => {
                self.rounds.insert(place, Round { number, ..Round::default() });
                place
            }
        };
        &mut self.rounds[place]
    }

    /// A block that was proposed at this height.
    pub fn block_of(&self, value: u64) -> Option<Shared> {
        self.rounds.iter().find_map(|round| round.proposal_of(value)).map(|it| it.block)
    }

    /// Keeps a message of its own, to send it again.
    pub fn keep(&mut self, message: ChainMessage, cx: &mut impl Context<PosBft>) {
        let (tag, body) = match message {
            ChainMessage::Proposal(body) => (0, body),
            ChainMessage::Prevote(body) => (1, body),
            ChainMessage::Precommit(body) => (2, body),
            _ => return,
        };
        if self.own.len() >= MOST_OWN {
            cx.release(self.own.remove(0).1);
        }
        cx.retain(body);
        self.own.push((tag, body));
    }

    /// The messages that it keeps.
    pub fn kept(&self) -> impl Iterator<Item = ChainMessage> + '_ {
        self.own.iter().map(|(tag, body)| match tag {
            0 => ChainMessage::Proposal(*body),
            1 => ChainMessage::Prevote(*body),
            _ => ChainMessage::Precommit(*body),
        })
    }
}

/// Messages of its own that a node keeps: those of 32 rounds.
const MOST_OWN: usize = 96;
