//! Commit and reveal: orders are sealed in one block and opened by a later one, so that nobody who
//! orders them knows what they say. They run in an order that all reveals decide together. What is
//! left to an adversary is not to open some of its own: that costs the deposit.

use crate::amount::Cash;
use crate::command::Command;
use crate::stored::{Stored, StoredError, stored};
use std::collections::BTreeMap;
use thiserror::Error;

/// The name of a sealed command.
pub type Seal = [u8; 32];

/// The seal of a command: BLAKE3 of the salt and the encoded command. The salt must not be guessable.
pub fn seal(command: &Command, salt: &[u8; 32]) -> Seal {
    let mut hasher = blake3::Hasher::new_derive_key("anthill market seal");
    hasher.update(salt);
    hasher.update(&crate::codec::encode(command));
    *hasher.finalize().as_bytes()
}

/// The order in which revealed commands run: by a hash of each seal with a digest of all reveals
/// (seals and salts), whatever their order here. Returns indices.
pub fn rank(reveals: &[(Seal, [u8; 32])]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..reveals.len()).collect();
    order.sort_unstable_by_key(|&at| reveals[at]);
    let mut all = blake3::Hasher::new_derive_key("anthill market reveals");
    for &at in &order {
        all.update(&reveals[at].0);
        all.update(&reveals[at].1);
    }
    let key = *all.finalize().as_bytes();
    order.sort_by_cached_key(|&at| *blake3::keyed_hash(&key, &reveals[at].0).as_bytes());
    order
}

/// Why a seal or a reveal is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The seal is there already.
    #[error("sealed before")]
    Twice,
    /// The account has as many seals waiting as it may.
    #[error("too many seals")]
    Full,
    /// No such seal waits.
    #[error("no such seal")]
    Unknown,
    /// The block to open it in is past.
    #[error("too late")]
    Late,
    /// The command and the salt do not make the seal.
    #[error("not what was sealed")]
    Different,
    /// The command is not of the account that sealed it.
    #[error("of another account")]
    Account,
}

/// A seal that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    account: u32,
    /// The last block to reveal it in.
    until: u64,
    deposit: Cash,
    opened: Option<(Command, [u8; 32])>,
}

/// A seal whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who sealed it.
    pub account: u32,
    /// Its deposit.
    pub deposit: Cash,
    /// The command, or nothing if it was not revealed: the deposit is forfeit.
    pub command: Option<Command>,
}

/// The seals of a venue. Deposits are the venue's business: see
/// [`Venue::stake`](crate::Venue::stake).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seals {
    waiting: BTreeMap<Seal, Waiting>,
    /// Blocks from sealing to the last reveal.
    delay: u64,
    /// The most seals of an account that wait at once.
    most: u64,
}

stored! {
    Waiting { account, until, deposit, opened }
    Seals { waiting, delay, most }
}

impl Seals {
    /// Appends the seals.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.store(out);
    }

    /// Reads what [`Seals::save`] wrote, and advances `bytes` past it.
    ///
    /// # Errors
    /// If the bytes are no seals.
    pub fn load(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        Self::restore(bytes)
    }

    /// Seals to be revealed within `delay` blocks, at most `most` of an account at once.
    pub fn new(delay: u64, most: usize) -> Self {
        Self { waiting: BTreeMap::new(), delay, most: most as u64 }
    }

    /// Seals waiting.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no seal waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Notes a seal.
    ///
    /// # Errors
    /// If it is known, or the account has too many.
    pub fn commit(
        &mut self,
        seal: Seal,
        account: u32,
        deposit: Cash,
        height: u64,
    ) -> Result<(), SealError> {
        if self.waiting.contains_key(&seal) {
            return Err(SealError::Twice);
        }
        let mine = self.waiting.values().filter(|waiting| waiting.account == account).count();
        if mine as u64 >= self.most {
            return Err(SealError::Full);
        }
        let until = height.saturating_add(self.delay);
        self.waiting.insert(seal, Waiting { account, until, deposit, opened: None });
        Ok(())
    }

    /// Opens a seal. The command runs when its group is due.
    ///
    /// # Errors
    /// Says why it does not open.
    pub fn reveal(
        &mut self,
        seal: Seal,
        command: &Command,
        salt: &[u8; 32],
        height: u64,
    ) -> Result<(), SealError> {
        let waiting = self.waiting.get_mut(&seal).ok_or(SealError::Unknown)?;
        if height > waiting.until {
            return Err(SealError::Late);
        }
        if command.account() != waiting.account {
            return Err(SealError::Account);
        }
        if self::seal(command, salt) != seal {
            return Err(SealError::Different);
        }
        waiting.opened = Some((*command, *salt));
        Ok(())
    }

    /// Everything whose last block to reveal is `height` or before, in the order to run it: blocks of
    /// sealing in turn, by [`rank`] within one; what was not opened comes last.
    pub fn due(&mut self, height: u64) -> Vec<Outcome> {
        let mut groups: BTreeMap<u64, Vec<(Seal, Waiting)>> = BTreeMap::new();
        self.waiting.retain(|&seal, waiting| {
            let due = waiting.until <= height;
            if due {
                groups.entry(waiting.until).or_default().push((seal, *waiting));
            }
            !due
        });
        let mut outcomes = Vec::new();
        for group in groups.into_values() {
            let (mut opened, mut kept) = (Vec::new(), Vec::new());
            for (seal, Waiting { account, deposit, opened: reveal, .. }) in group {
                match reveal {
                    Some((command, salt)) => {
                        opened.push((seal, salt));
                        kept.push(Outcome { account, deposit, command: Some(command) });
                    }
                    None => outcomes.push(Outcome { account, deposit, command: None }),
                }
            }
            outcomes.extend(rank(&opened).into_iter().map(|at| kept[at]));
        }
        outcomes.sort_by_key(|outcome| outcome.command.is_none());
        outcomes
    }
}

#[cfg(test)]
mod tests;
