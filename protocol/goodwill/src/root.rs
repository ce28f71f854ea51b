//! The root of the state: that of a trie as contracts have it, of 32 bytes, against which any part can be
//! proved to who knows the root alone.
//!
//! Leaves are groups of 32 accounts that somebody has touched, of those that nobody has the genesis says
//! what they hold; and a leaf for each other part of the ledger. A block writes the groups and parts that it
//! changes, at once.
//!
//! Encodings are little-endian, of fixed length or with a length before them: different parts never have the
//! same bytes.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use anthill_contracts::merkle;
use anthill_contracts::trie::{Trie, Value};
use anthill_protocol::Digest;

use crate::accounts::AccountId;
use crate::ledger::{Ledger, Pots, Receipt};

/// The hash of a part's encoding: what stands in a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part(Digest);

impl Value for Part {
    fn digest(&self) -> Digest {
        self.0
    }
}

/// The parts of a ledger beside its accounts, in the order of their keys' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Head,
    Contracts,
    Code,
    ThisTable,
    NextTable,
    Bids,
    Associations,
    Signs,
    Bans,
    Accusers,
    Scheduled,
}

const KINDS: [Kind; 11] = [
    Kind::Head,
    Kind::Contracts,
    Kind::Code,
    Kind::ThisTable,
    Kind::NextTable,
    Kind::Bids,
    Kind::Associations,
    Kind::Signs,
    Kind::Bans,
    Kind::Accusers,
    Kind::Scheduled,
];

/// The hash of bytes.
fn hashed(bytes: &[u8]) -> Digest {
    Digest(blake3::hash(bytes).into())
}

/// The key of a group of accounts: H(0, number).
pub(crate) fn group_key(group: u32) -> Digest {
    let mut bytes = [0; 5];
    bytes[1..].copy_from_slice(&group.to_le_bytes());
    hashed(&bytes)
}

/// The key of another part: H(1, number).
pub(crate) fn part_key(kind: Kind) -> Digest {
    hashed(&[1, kind as u8])
}

/// Puts a number behind an encoding.
pub(crate) fn put(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes());
}

/// Puts numbers behind an encoding.
pub(crate) fn put_all(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u64>) {
    numbers.into_iter().for_each(|number| put(out, number));
}

/// The root of the receipts of a block: a Merkle tree of their hashes.
pub(crate) fn of_receipts(receipts: &[Receipt]) -> Digest {
    let digest = |one: &Receipt| {
        let mut bytes = [0; 9];
        bytes[..8].copy_from_slice(&one.id.to_le_bytes());
        bytes[8] = one.refused.map_or(0, |why| why as u8 + 1);
        hashed(&bytes)
    };
    merkle::root(&receipts.iter().map(digest).collect::<Vec<_>>())
}

/// What a block states: of the state and of the receipts.
pub(crate) fn of_both(state: &Digest, receipts: &Digest) -> Digest {
    hashed(&[&state.0[..], &receipts.0[..]].concat())
}

impl Ledger {
    /// Writes what has changed since another state into the trie; with `None`, all of it.
    pub(crate) fn commit(&mut self, since: Option<&Self>) {
        let changed = self.accounts.take_changed();
        let groups = changed.into_iter().map(|group| {
            let part = Part(hashed(&self.accounts.encoded_group(group)));
            (group_key(group), Some(part))
        });
        let parts = KINDS.into_iter().filter(|kind| self.differs(*kind, since)).map(|kind| {
            let mut bytes = Vec::new();
            self.encode(kind, &mut bytes);
            (part_key(kind), Some(Part(hashed(&bytes))))
        });
        let batch = groups.chain(parts).collect();
        self.parts.update(batch);
    }

    /// The root of all of it, as it was committed last.
    pub(crate) fn root(&self) -> Digest {
        self.parts.root()
    }

    /// Whether a part may be another one than in that state.
    fn differs(&self, kind: Kind, since: Option<&Self>) -> bool {
        let Some(old) = since else { return true };
        match kind {
            Kind::Head => true,
            Kind::Contracts => !Arc::ptr_eq(&self.contracts, &old.contracts),
            Kind::Code => self.state != old.state,
            Kind::ThisTable => !Arc::ptr_eq(&self.tables[0], &old.tables[0]),
            Kind::NextTable => !Arc::ptr_eq(&self.tables[1], &old.tables[1]),
            Kind::Bids => !Arc::ptr_eq(&self.bids, &old.bids),
            Kind::Associations => !Arc::ptr_eq(&self.associations, &old.associations),
            Kind::Signs => !Arc::ptr_eq(&self.signs, &old.signs),
            Kind::Bans => !Arc::ptr_eq(&self.bans, &old.bans),
            Kind::Accusers => !Arc::ptr_eq(&self.accusers, &old.accusers),
            Kind::Scheduled => !Arc::ptr_eq(&self.scheduled, &old.scheduled),
        }
    }

    /// The encoding of a part.
    fn encode(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Head => self.encode_head(out),
            Kind::Contracts => self.contracts.encode(out),
            Kind::Code => out.extend(self.state.root().0),
            Kind::ThisTable => pairs(self.tables[0].iter(), out),
            Kind::NextTable => pairs(self.tables[1].iter(), out),
            Kind::Bids => pairs(self.bids.iter().map(|(key, bid)| (*key, *bid)), out),
            Kind::Associations => self.associations.iter().for_each(|one| one.encode(out)),
            Kind::Signs => numbers(&self.signs, out),
            Kind::Bans => numbers(&self.bans, out),
            Kind::Accusers => {
                for ((accused, block), by) in self.accusers.iter() {
                    put_all(out, [u64::from(*accused), *block, by.len() as u64]);
                    by.iter().for_each(|accuser| put(out, u64::from(*accuser)));
                }
            }
            Kind::Scheduled => self.scheduled.encode(out),
        }
    }

    fn encode_head(&self, out: &mut Vec<u8>) {
        let Pots { genesis, minted, burnt, escrow, inside } = self.pots;
        put_all(out, [self.slot, self.height, self.window].map(u64::from));
        put_all(out, [genesis, minted, burnt, escrow, inside, self.donated]);
        put_all(out, self.ends);
        put_all(out, self.fresh.map(u64::from));
    }
}

fn pairs(all: impl Iterator<Item = (AccountId, u64)>, out: &mut Vec<u8>) {
    for (key, value) in all {
        put(out, key.into());
        put(out, value);
    }
}

fn numbers(all: &BTreeMap<AccountId, u32>, out: &mut Vec<u8>) {
    pairs(all.iter().map(|(key, value)| (*key, u64::from(*value))), out);
}

/// The parts of a ledger.
pub(crate) type Parts = Trie<Part>;
