//! Votes for digests, one for each voter.

use anthill_protocol::{Context, Shared, Snapshot};

use crate::protocol::Pbft;

/// Whose votes were heard, and how many there are for each digest. The first vote of a voter counts;
/// memory follows the votes heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Tally {
    seen: Vec<u64>,
    digests: Vec<Votes>,
}

/// The votes for one digest.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
struct Votes {
    digest: u64,
    count: u32,
    /// Of those that may have to be shown: retained.
    kept: Vec<Shared>,
}

impl Tally {
    /// Whether a voter was heard.
    pub fn has(&self, voter: u32) -> bool {
        self.seen.get(voter as usize / 64).is_some_and(|word| word >> (voter % 64) & 1 == 1)
    }

    /// Counts the first vote of one of `voters` voters and keeps it if asked; how many there are now
    /// for its digest, or `None` if the voter was heard before.
    pub fn add(
        &mut self,
        (voter, voters): (u32, u32),
        digest: u64,
        keep: Option<Shared>,
        cx: &mut impl Context<Pbft>,
    ) -> Option<u32> {
        if voter >= voters || self.has(voter) {
            return None;
        }
        if self.seen.is_empty() {
            self.seen.resize(voters.div_ceil(64) as usize, 0);
        }
        self.seen[voter as usize / 64] |= 1 << (voter % 64);
        let place = match self.digests.iter().position(|votes| votes.digest == digest) {
            Some(place) => place,
            None => {
                self.digests.push(Votes { digest, count: 0, kept: Vec::new() });
                self.digests.len() - 1
            }
        };
        let votes = &mut self.digests[place];
        votes.count += 1;
        if let Some(vote) = keep {
            cx.retain(vote);
            votes.kept.push(vote);
        }
        Some(votes.count)
    }

    /// How many votes a digest has.
    pub fn count(&self, digest: u64) -> u32 {
        self.digests.iter().find(|votes| votes.digest == digest).map_or(0, |votes| votes.count)
    }

    /// Takes the kept votes for a digest, still retained, and forgets all others.
    pub fn take(&mut self, digest: u64, cx: &mut impl Context<Pbft>) -> Vec<Shared> {
        let place = self.digests.iter().position(|votes| votes.digest == digest);
        let kept = place.map_or_else(Vec::new, |place| self.digests.swap_remove(place).kept);
        self.forget(cx);
        kept
    }

    /// Forgets all votes.
    pub fn forget(&mut self, cx: &mut impl Context<Pbft>) {
        for vote in self.digests.drain(..).flat_map(|votes| votes.kept) {
            cx.release(vote);
        }
        self.seen = Vec::new();
    }
}
