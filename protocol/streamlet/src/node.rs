//! What a node knows: the last final block, later blocks with their votes, and the end of the longest chain.
//!
//! Blocks with epochs up to that of the last final one are forgotten, and messages about them ignored: nothing that
//! extends the final chain has such an epoch. Lookups are by epoch, nearly always the latest, so a vote
//! costs no more among a thousand nodes than among four.

use anthill_protocol::{NodeId, Shared, Snapshot};

use crate::body::{Block, Place};

/// Different blocks of one epoch that a node keeps. Only a leader that lies makes more than one.
pub(crate) const MOST_OF_EPOCH: usize = 8;

/// A block and how long the chain is that it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Snapshot)]
pub(crate) struct Tip {
    pub(crate) height: u32,
    pub(crate) place: Place,
}

/// A block that is not final, and who has voted for it.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) parent: Place,
    pub(crate) height: u32,
    /// How many have voted for it.
    pub(crate) count: u32,
    /// Whether it and all before it are notarised.
    pub(crate) is_chained: bool,
    /// Whether it has come as a proposal.
    pub(crate) is_proposed: bool,
}

impl Entry {
    fn new(block: &Block) -> Self {
        Self {
            place: block.place(),
            parent: block.parent,
            height: block.height,
            count: 0,
            is_chained: false,
            is_proposed: false,
        }
    }

    fn tip(&self) -> Tip {
        Tip { height: self.height, place: self.place }
    }
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Node {
    /// The present epoch, from 1.
    pub(crate) epoch: u32,
    /// The last final block.
    pub(crate) root: Tip,
    /// The end of the longest notarised chain: of several the one with the latest epoch.
    pub(crate) tip: Tip,
    /// In the order of epochs.
    pub(crate) entries: Vec<Entry>,
    /// Who has voted for each of them: a bit for each node, so many words an entry. All in one list, so that
    /// a vote follows one address less.
    votes: Vec<u64>,
    words: u32,
    /// The first valid proposal of this epoch; retained.
    pub(crate) candidate: Option<(Place, Shared)>,
    pub(crate) has_voted: bool,
    /// Since which epoch it waits for finality by three new ones.
    pub(crate) waits_since: u32,
}

impl Node {
    /// Where a block is among the entries.
    #[inline]
    pub(crate) fn find(&self, place: Place) -> Option<usize> {
        let last = self.entries.len().checked_sub(1)?;
        if self.entries[last].place == place {
            return Some(last);
        }
        let (first, end) = self.of_epoch(place.epoch);
        (first..end).find(|index| self.entries[*index].place == place)
    }

    fn of_epoch(&self, epoch: u32) -> (usize, usize) {
        let first = self.entries.partition_point(|entry| entry.place.epoch < epoch);
        let same = self.entries[first..].iter().take_while(|entry| entry.place.epoch == epoch);
        (first, first + same.count())
    }

    pub(crate) fn get(&self, place: Place) -> Option<&Entry> {
        self.find(place).map(|index| &self.entries[index])
    }

    /// Whether there is room for one more block of an epoch.
    pub(crate) fn has_room(&self, epoch: u32) -> bool {
        let (first, end) = self.of_epoch(epoch);
        end - first < MOST_OF_EPOCH
    }

    pub(crate) fn insert(&mut self, block: &Block, nodes: u32) -> usize {
        let (_, end) = self.of_epoch(block.place().epoch);
        self.words = nodes.div_ceil(64);
        self.entries.insert(end, Entry::new(block));
        let words = self.words as usize;
        self.votes.splice(end * words..end * words, core::iter::repeat_n(0, words));
        end
    }

    /// The word and bit of a voter for an entry.
    #[inline]
    fn bit(&self, index: usize, voter: NodeId) -> (usize, u64) {
        (index * self.words as usize + voter.index() / 64, 1 << (voter.0 % 64))
    }

    /// Whether a node has not voted for an entry yet; false if there is no such node.
    #[inline]
    pub(crate) fn lacks(&self, index: usize, voter: NodeId) -> bool {
        let (word, bit) = self.bit(index, voter);
        let is_node = voter.0 / 64 < self.words;
        is_node && self.votes.get(word).is_some_and(|votes| votes & bit == 0)
    }

    /// Counts a vote that an entry lacks, and says how many it has.
    #[inline]
    pub(crate) fn count(&mut self, index: usize, voter: NodeId) -> u32 {
        let (word, bit) = self.bit(index, voter);
        let entry = &mut self.entries[index];
        if let Some(votes) = self.votes.get_mut(word) {
            *votes |= bit;
            entry.count += 1;
        }
        entry.count
    }

    /// Where the latest entry and its votes are.
    #[inline]
    pub(crate) fn hint(&self, mut fetch: impl FnMut(*const u8)) {
        if let Some(entry) = self.entries.last() {
            fetch(core::ptr::from_ref(entry).cast());
        }
        let first = self.votes.len().saturating_sub(self.words as usize);
        for line in self.votes[first..].chunks(8) {
            fetch(line.as_ptr().cast());
        }
    }

    /// A block that ends a notarised chain.
    pub(crate) fn chained(&self, place: Place) -> Option<Tip> {
        if place == self.root.place {
            return Some(self.root);
        }
        self.get(place).filter(|entry| entry.is_chained).map(Entry::tip)
    }

    /// The height of the longest notarised chain, one block aside.
    pub(crate) fn longest_without(&self, index: usize) -> u32 {
        if !self.entries[index].is_chained {
            return self.tip.height;
        }
        let others = self.entries.iter().enumerate().filter(|(other, _)| *other != index);
        let chained = others.filter(|(_, entry)| entry.is_chained);
        chained.map(|(_, entry)| entry.height).max().unwrap_or(0).max(self.root.height)
    }

    /// What follows the last final block up to one, the latter first.
    pub(crate) fn path_to(&self, place: Place) -> Vec<Tip> {
        let step = |entry: &&Entry| self.get(entry.parent);
        let entries = core::iter::successors(self.get(place), |entry| step(entry));
        entries.filter(|entry| entry.height > self.root.height).map(Entry::tip).collect()
    }

    /// Makes a block the last final one, and forgets what came before.
    pub(crate) fn prune(&mut self, root: Tip) {
        self.root = root;
        let past = self.entries.partition_point(|entry| entry.place.epoch <= root.place.epoch);
        self.entries.drain(..past);
        self.votes.drain(..past * self.words as usize);
    }
}
