//! Signatures: made by a [`Scheme`], checked by a [`Checker`], and never a source of randomness.
//!
//! One rule of validity holds everywhere, ZIP-215 ([`verify`](verify())), whether a claim is
//! checked singly, in a batch of any companions, or remembered: `batch` and `memory` change what a
//! check costs the host and nothing else. What an emulated node pays for a check is not decided
//! here.
//!
//! *How an engine uses it.* Each worker owns a scheme and a checker. When a window opens it
//! collects the claims of the messages to be delivered and calls [`Checker::check_batch`] once;
//! the handlers' checks are then look-ups by [`ClaimId`] ([`Checker::verdict`]). A claim that was
//! not announced, or is no longer remembered, goes to [`Checker::check`], which verifies it singly.
//!
//! *Modes.* [`Mode::Real`] computes on the curve. [`Mode::Modelled`] has the same sizes and the
//! same verdicts for honest and forged signatures, at the price of a hash; only what plays with
//! encodings of curve points needs the real one.

mod backend;
mod batch;
mod cache;
mod footprint;
mod key_file;
mod keys;
mod memory;
mod modelled;
mod verify;

use std::ops::AddAssign;

use anthill_engine_derive::Words;
use anthill_protocol::{Claim, Digest, NodeId, PublicKey, Signature, Snapshot};

pub use backend::curve_backend;
pub use batch::Batch;
pub(crate) use footprint::{Load, worker_bytes};
pub use key_file::KeyFile;
pub use keys::{CACHED_PUBLIC_KEYS, CACHED_SIGNING_KEYS, SigningKey, secret_of};
pub use memory::{ClaimId, Memory};
pub use verify::{KeyError, check_registration, verify, verify_message};

use keys::Keyring;
use modelled::Modelled;

/// Decompressed public keys kept per checker: 200 bytes each, once one is needed.
const CHECKED_KEYS: usize = 1 << 14;

/// How signatures are made and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum Mode {
    /// Ed25519, executed; every verdict by ZIP-215.
    Real,
    /// Tags of the same size that only the owner of a key can make inside the emulation.
    Modelled,
}

impl Mode {
    /// Its name in scenarios and summaries.
    pub fn name(self) -> &'static str {
        self.word()
    }

    /// Whether it pays to verify signatures ahead, many together, and to remember each verdict. To find
    /// the verdict of a tag again takes longer than to find it out.
    pub(crate) fn gains_by_batches(self) -> bool {
        self == Self::Real
    }
}

/// What signatures took; belongs to the cost of a run, never to its result, since what is
/// remembered depends on how nodes are spread over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Counters {
    /// Signatures made.
    pub made: u64,
    /// Verdicts asked for; `verified + remembered`.
    pub checked: u64,
    /// Of these, computed.
    pub verified: u64,
    /// Of these, known already: from the memory, or from an equal claim of the same batch.
    pub remembered: u64,
    /// Of the computed, those that were in no batch.
    pub singly: u64,
    /// Batches in which the others were computed.
    pub batches: u64,
    /// Of the checked, those whose verdict was bad.
    pub failed: u64,
    /// Verdicts forgotten to bound the memory.
    pub evicted: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.made += other.made;
        self.checked += other.checked;
        self.verified += other.verified;
        self.remembered += other.remembered;
        self.singly += other.singly;
        self.batches += other.batches;
        self.failed += other.failed;
        self.evicted += other.evicted;
    }
}

/// The keys of a scenario's nodes, as one worker uses them: equal in all workers, cached in each.
pub struct Scheme {
    keys: Keys,
    made: u64,
}

enum Keys {
    Real(Keyring),
    Modelled(Modelled),
}

impl Scheme {
    /// The scheme of a scenario: the mode and the seed decide every byte it makes.
    pub fn new(mode: Mode, seed: u64) -> Self {
        Self::with_keys(mode, seed, None)
    }

    /// [`Scheme::new`] with the given secret keys in place of derived ones. Modelled signatures
    /// have no secret keys: there they change nothing.
    pub fn with_keys(mode: Mode, seed: u64, given: Option<KeyFile>) -> Self {
        let keys = match mode {
            Mode::Real => Keys::Real(Keyring::new(seed, given)),
            Mode::Modelled => Keys::Modelled(Modelled::new(seed)),
        };
        Self { keys, made: 0 }
    }

    /// The public key of a node.
    pub fn public_key(&mut self, node: NodeId) -> PublicKey {
        match &mut self.keys {
            Keys::Real(keyring) => keyring.public_key(node),
            Keys::Modelled(modelled) => modelled.public_key(node),
        }
    }

    /// Signs a digest as a node: the same bytes whenever it is called.
    pub fn sign(&mut self, node: NodeId, digest: &Digest) -> Signature {
        self.made += 1;
        match &mut self.keys {
            Keys::Real(keyring) => keyring.sign(node, digest),
            Keys::Modelled(modelled) => modelled.sign(node, digest),
        }
    }

    /// Whether a key may be registered, at genesis or by a join. Modelled keys have no points that
    /// could be bad: all may.
    ///
    /// # Errors
    /// As [`check_registration`].
    pub fn check_registration(&self, key: &PublicKey) -> Result<(), KeyError> {
        match self.keys {
            Keys::Real(_) => check_registration(key),
            Keys::Modelled(_) => Ok(()),
        }
    }

    /// Counters with [`Counters::made`] filled in.
    pub fn counters(&self) -> Counters {
        Counters { made: self.made, ..Counters::default() }
    }
}

/// Checks claims for one worker: batched, remembered, counted.
pub struct Checker {
    verifier: Verifier,
    memory: Memory,
    counters: Counters,
    /// Claims that are to be verified, while a batch is checked.
    pending: Vec<(ClaimId, u32)>,
    claims: Vec<Claim>,
    found: Vec<bool>,
}

enum Verifier {
    Real(Box<Batch>),
    Modelled(Modelled),
}

impl Checker {
    /// A checker for the claims of a scenario that remembers at most `verdicts` verdicts, of about
    /// 20 to 40 bytes each.
    pub fn new(mode: Mode, seed: u64, verdicts: usize) -> Self {
        let verifier = match mode {
            Mode::Real => Verifier::Real(Box::new(Batch::new(CHECKED_KEYS))),
            Mode::Modelled => Verifier::Modelled(Modelled::new(seed)),
        };
        Self {
            verifier,
            memory: Memory::new(verdicts),
            counters: Counters::default(),
            pending: Vec::new(),
            claims: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Whether each claim holds, in their order; those not known yet are verified as one batch.
    pub fn check_batch(&mut self, claims: &[Claim]) -> Vec<bool> {
        let mut verdicts = Vec::new();
        self.check_into(claims, &mut verdicts);
        verdicts
    }

    /// [`Checker::check_batch`], into memory that is used again.
    pub fn check_into(&mut self, claims: &[Claim], verdicts: &mut Vec<bool>) {
        verdicts.clear();
        verdicts.resize(claims.len(), false);
        self.pending.clear();
        for ((claim, verdict), index) in claims.iter().zip(&mut *verdicts).zip(0..) {
            let id = ClaimId::of(claim);
            match self.memory.get(id) {
                Some(known) => *verdict = known,
                None => self.pending.push((id, index)),
            }
        }
        // By id, then in the order of the claims: equal claims become neighbours.
        self.pending.sort_unstable();
        self.claims.clear();
        let groups = self.pending.chunk_by(|(a, _), (b, _)| a == b);
        self.claims.extend(groups.clone().map(|group| claims[group[0].1 as usize]));
        match &mut self.verifier {
            Verifier::Real(batch) => batch.verify_into(&self.claims, &mut self.found),
            Verifier::Modelled(modelled) => {
                self.found.clear();
                self.found.extend(self.claims.iter().map(|claim| modelled.verify(claim)));
            }
        }
        for (group, verdict) in groups.zip(&self.found) {
            self.memory.insert(group[0].0, *verdict);
            group.iter().for_each(|(_, index)| verdicts[*index as usize] = *verdict);
        }
        self.counters.checked += claims.len() as u64;
        self.counters.verified += self.claims.len() as u64;
        self.counters.batches += u64::from(!self.claims.is_empty());
        self.counters.remembered += (claims.len() - self.claims.len()) as u64;
        self.counters.failed += verdicts.iter().filter(|verdict| !**verdict).count() as u64;
    }

    /// As [`Checker::check_into`], for a caller that keeps the verdicts: they are remembered only
    /// where that pays for others.
    pub(crate) fn check_kept(&mut self, claims: &[Claim], verdicts: &mut Vec<bool>) {
        let Verifier::Modelled(modelled) = &self.verifier else {
            return self.check_into(claims, verdicts);
        };
        verdicts.clear();
        verdicts.extend(claims.iter().map(|claim| modelled.verify(claim)));
        self.counters.checked += claims.len() as u64;
        self.counters.verified += claims.len() as u64;
        self.counters.failed += verdicts.iter().filter(|verdict| !**verdict).count() as u64;
    }

    /// As [`Checker::check`], and remembers the verdict only where that pays.
    pub(crate) fn check_asked(&mut self, claim: &Claim) -> bool {
        let Verifier::Modelled(modelled) = &self.verifier else {
            return self.verdict(ClaimId::of(claim)).unwrap_or_else(|| self.check(claim));
        };
        let verdict = modelled.verify(claim);
        self.counters.checked += 1;
        self.counters.verified += 1;
        self.counters.singly += 1;
        self.counters.failed += u64::from(!verdict);
        verdict
    }

    /// Whether a claim holds; verified singly if that is not known.
    pub fn check(&mut self, claim: &Claim) -> bool {
        let id = ClaimId::of(claim);
        self.counters.checked += 1;
        let verdict = match self.memory.get(id) {
            Some(verdict) => {
                self.counters.remembered += 1;
                verdict
            }
            None => {
                let verdict = match &mut self.verifier {
                    Verifier::Real(batch) => batch.verify_single(claim),
                    Verifier::Modelled(modelled) => modelled.verify(claim),
                };
                self.memory.insert(id, verdict);
                self.counters.verified += 1;
                self.counters.singly += 1;
                verdict
            }
        };
        self.counters.failed += u64::from(!verdict);
        verdict
    }

    /// The verdict of a claim that was checked, unless it is forgotten. Counts nothing: the check
    /// was counted when it was announced.
    pub fn verdict(&mut self, id: ClaimId) -> Option<bool> {
        self.memory.get(id)
    }

    /// What it took so far; all but [`Counters::made`].
    pub fn counters(&self) -> Counters {
        Counters { evicted: self.memory.evicted(), ..self.counters }
    }

    /// The memory of verdicts, for reports of its size.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
}
