//! The state of a replica.

use anthill_protocol::kit::{Deadline, Requests};
use anthill_protocol::{Digest, NodeId, Shared, Signature, Snapshot, Time};

use crate::messages::GivenUp;

/// A certified block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Certified {
    pub(crate) view: u64,
    pub(crate) block: Digest,
    /// The certificate, retained.
    pub(crate) proof: Shared,
}

/// A block whose ancestors are all known, not committed yet; retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Known {
    pub(crate) digest: Digest,
    pub(crate) block: Shared,
}

/// A block that waits for its ancestors; retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Waiting {
    pub(crate) digest: Digest,
    pub(crate) parent: Digest,
    pub(crate) block: Shared,
    /// Of the timeouts that came with it, the highest certificate's view.
    pub(crate) timeouts: Option<u64>,
}

/// The last committed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Tip {
    pub(crate) height: u64,
    pub(crate) view: u64,
    pub(crate) digest: Digest,
    /// Retained, and with it all blocks before it; `None`: the genesis.
    pub(crate) block: Option<Shared>,
}

/// A replica and its client.
///
/// `view` rises only by proofs: a certificate or timeouts of the view before. A replica votes in a view
/// at most once, in rising views, and under the two-chain's rule never in one that it has given up.
#[derive(Clone, Debug, Snapshot)]
pub struct Replica {
    pub(crate) view: u64,
    /// What it has to show for its view; retained.
    pub(crate) entered_by: Shared,
    /// Of the timeouts by which it entered its view, if it did, the highest certificate's view.
    pub(crate) entered_high: Option<u64>,
    pub(crate) voted: u64,
    /// All views up to this one are given up.
    pub(crate) given_up: u64,
    /// The last view in which it proposed.
    pub(crate) proposed: u64,
    /// Time-outs since the last commit.
    pub(crate) failures: u32,
    pub(crate) high: Certified,
    /// View and digest of the locked block.
    pub(crate) locked: (u64, Digest),
    pub(crate) tip: Tip,
    /// Blocks above the tip whose ancestors are known, in the order in which that was so.
    pub(crate) tree: Vec<Known>,
    pub(crate) waiting: Vec<Waiting>,
    /// When a missing block was last asked for.
    pub(crate) fetched: Option<Time>,
    /// Blocks that came in answer.
    pub(crate) answers: u32,
    /// Votes for blocks of views after which it leads.
    pub(crate) votes: Vec<Votes>,
    /// Who has given up what, of those views that it has not left.
    pub(crate) quitters: Quitters,
    /// The view for which the timer for asking others to join was set last.
    pub(crate) calling: u64,
    /// Requests of clients for its next block.
    pub(crate) pool: Vec<(NodeId, u32)>,
    pub(crate) requests: Requests,
    /// The next time-out.
    pub(crate) alarm: Deadline,
    /// When its client asks again.
    pub(crate) patience: Deadline,
}

/// Different nodes, as bits; as long as the highest id needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Voters(Vec<u64>);

impl Voters {
    /// Adds a node; false if it was there.
    pub(crate) fn insert(&mut self, node: NodeId) -> bool {
        let (word, bit) = (node.index() / 64, 1 << (node.0 % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }
}

/// The votes of a view, at the leader of the next one: the first of each voter.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Votes {
    pub(crate) view: u64,
    voters: Voters,
    list: Vec<Vote>,
    /// How many there are for each block: one, unless somebody lies.
    counts: Vec<(Digest, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
struct Vote {
    voter: NodeId,
    block: Digest,
    signature: Signature,
}

impl Votes {
    pub(crate) fn of(view: u64) -> Self {
        Self { view, voters: Voters::default(), list: Vec::new(), counts: Vec::new() }
    }

    /// Counts a vote; how many its block has then, or `None` if its voter has voted already.
    pub(crate) fn count(
        &mut self,
        voter: NodeId,
        block: Digest,
        signature: Signature,
    ) -> Option<u32> {
        if !self.voters.insert(voter) {
            return None;
        }
        self.list.push(Vote { voter, block, signature });
        let place =
            self.counts.iter().position(|(known, _)| *known == block).unwrap_or_else(|| {
                self.counts.push((block, 0));
                self.counts.len() - 1
            });
        self.counts[place].1 += 1;
        Some(self.counts[place].1)
    }

    /// The votes for a block.
    pub(crate) fn take(self, block: &Digest) -> Vec<(NodeId, Signature)> {
        let those = self.list.into_iter().filter(|vote| vote.block == *block);
        those.map(|vote| (vote.voter, vote.signature)).collect()
    }
}

/// The latest statement of each replica about what it has given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub(crate) struct Quitters {
    who: Voters,
    list: Vec<Quitter>,
    /// How many gave up up to a view, highest view first.
    counts: Vec<(u64, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Quitter {
    pub(crate) who: NodeId,
    pub(crate) given: u64,
    pub(crate) high: u64,
    pub(crate) signature: Signature,
}

impl Quitter {
    /// As a proof has it.
    pub(crate) fn stated(self) -> (GivenUp, Signature) {
        let Self { who, given, high, signature } = self;
        (GivenUp { who, given, high }, signature)
    }
}

impl Quitters {
    /// Notes a statement, if it is later than the last one of the same replica.
    pub(crate) fn note(&mut self, quitter: Quitter) {
        if !self.who.insert(quitter.who) {
            // A second statement before anybody moved on: rare, so that a walk will do.
            let known = self.list.iter_mut().find(|known| known.who == quitter.who);
            let Some(known) = known.filter(|known| known.given < quitter.given) else { return };
            let before = core::mem::replace(known, quitter).given;
            self.add(before, u32::wrapping_sub(0, 1));
        } else {
            self.list.push(quitter);
        }
        self.add(quitter.given, 1);
    }

    fn add(&mut self, given: u64, count: u32) {
        let place = self.counts.partition_point(|(view, _)| *view > given);
        match self.counts.get_mut(place) {
            Some((view, known)) if *view == given => *known = known.wrapping_add(count),
            _ => self.counts.insert(place, (given, count)),
        }
        self.counts.retain(|(_, count)| *count > 0);
    }

    /// The highest view that so many have given up; `None`: there is none.
    pub(crate) fn reached_by(&self, count: u32) -> Option<u64> {
        let mut sum = 0;
        let enough = |(view, those): &(u64, u32)| {
            sum += those;
            (sum >= count).then_some(*view)
        };
        self.counts.iter().find_map(enough)
    }

    /// Statements of replicas that have given up a view, at most so many.
    pub(crate) fn of(&self, view: u64, most: u32) -> impl Iterator<Item = Quitter> + '_ {
        let those = self.list.iter().copied().filter(move |quitter| quitter.given >= view);
        those.take(most as usize)
    }

    /// Forgets statements about views below one.
    pub(crate) fn forget_below(&mut self, view: u64) {
        if self.counts.last().is_some_and(|(least, _)| *least < view) {
            let list = core::mem::take(self).list;
            list.into_iter().filter(|quitter| quitter.given >= view).for_each(|it| self.note(it));
        }
    }
}

impl Replica {
    pub(crate) fn known(&self, digest: &Digest) -> Option<Shared> {
        self.tree.iter().rev().find(|known| known.digest == *digest).map(|known| known.block)
    }
}
