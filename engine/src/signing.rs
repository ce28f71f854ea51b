//! One worker's signatures: made and checked for the nodes that it runs.
//!
//! Real signatures of several sub-shards' messages are verified together before their handlers run
//! ([`Signing::announce`], [`Signing::settle`]); what a handler asks is then a look-up: of the claim,
//! or of the verdicts that a shared body carries, which costs a load. Modelled ones are verified where
//! they are asked for: all that a body carries at the first question, for all who ask later. Which worker remembers what depends on the sharding, so its
//! counters are part of a run's cost; how many signatures were made, checked and found bad is part
//! of its result.

use core::hash::BuildHasherDefault;

use anthill_protocol::{
    Body, Claim, Digest, Keys, Message, NodeId, PublicKey, Shared, Signature, Verdicts,
};
use hashbrown::HashSet;

use crate::bodies::{NameHasher, Store, StoredBody};
use crate::crypto::{Checker, Counters, Scheme};
use crate::outcome::SignatureTotals;
use crate::scenario::CryptoSpec;

/// Bodies known to have verdicts.
const SETTLED: usize = 512;

/// A worker's keys, verdicts and counters.
pub(crate) struct Signing {
    seed: u64,
    scheme: Scheme,
    checker: Checker,
    announced: Announced,
    /// Names of bodies that have verdicts, each at a place of its own: most messages of a wave name
    /// the same few, and their bodies need not be looked at before they are handled.
    settled: Box<[u64; SETTLED]>,
    pub(crate) totals: SignatureTotals,
}

/// Claims that wait to be verified together; kept for its memory.
#[derive(Default)]
struct Announced {
    claims: Vec<Claim>,
    /// Bodies without verdicts, with how many of the claims are theirs; their claims come in this
    /// order, and before all others.
    bodies: Vec<(Shared, u32)>,
    /// Their names.
    named: HashSet<u64, BuildHasherDefault<NameHasher>>,
    of_bodies: Vec<Claim>,
    /// Their verdicts.
    found: Vec<bool>,
}

impl Signing {
    pub(crate) fn new(spec: &CryptoSpec, seed: u64) -> Self {
        Self {
            seed,
            scheme: Scheme::with_keys(spec.mode, seed, spec.keys.clone()),
            checker: Checker::new(spec.mode, seed, spec.verdicts as usize),
            announced: Announced::default(),
            settled: Box::new([0; SETTLED]),
            totals: SignatureTotals::default(),
        }
    }

    /// Adds the claims of a message to those that wait.
    #[inline]
    pub(crate) fn announce<M: Message, B: Body>(
        &mut self,
        from: NodeId,
        message: &M,
        bodies: &Store<B>,
    ) {
        if M::CARRIES {
            message.bodies(|handle| self.announce_body(handle, bodies));
        }
        if M::SIGNED {
            let mut claims = core::mem::take(&mut self.announced.claims);
            message.claims(from, self, &mut |claim| claims.push(claim));
            self.announced.claims = claims;
        }
    }

    #[inline]
    fn announce_body<B: Body>(&mut self, handle: Shared, bodies: &Store<B>) {
        let id = handle.id();
        if self.settled[id as usize % SETTLED] != id {
            self.announce_unsettled(handle, bodies);
        }
    }

    #[inline(never)]
    fn announce_unsettled<B: Body>(&mut self, handle: Shared, bodies: &Store<B>) {
        let id = handle.id();
        let settled = &mut self.settled[id as usize % SETTLED];
        let kept = bodies.kept(handle);
        if kept.verdicts.get().is_some() {
            *settled = id;
            return;
        }
        if self.announced.named.contains(&id) {
            return;
        }
        let mut claims = core::mem::take(&mut self.announced.of_bodies);
        let before = claims.len();
        kept.body.claims(self, &mut |claim| claims.push(claim));
        let count = (claims.len() - before) as u32;
        self.announced.of_bodies = claims;
        if count > 0 {
            self.announced.named.insert(handle.id());
            self.announced.bodies.push((handle, count));
        } else {
            // It waits for no batch: there may be none before it is gone.
            let _ = kept.verdicts.set(Verdicts::All(0));
        }
    }

    /// How many claims wait.
    pub(crate) fn waiting(&self) -> usize {
        self.announced.claims.len() + self.announced.of_bodies.len()
    }

    /// Verifies the claims that wait, as one batch.
    pub(crate) fn settle<B: Body>(&mut self, bodies: &Store<B>) {
        let mut announced = core::mem::take(&mut self.announced);
        announced.of_bodies.append(&mut announced.claims);
        self.checker.check_into(&announced.of_bodies, &mut announced.found);
        let mut rest = &announced.found[..];
        for (handle, count) in announced.bodies.drain(..) {
            let (of_body, others) = rest.split_at(count as usize);
            rest = others;
            // Another worker may have been first, with the same verdicts.
            let _ = bodies.kept(handle).verdicts.set(Verdicts::of(of_body));
        }
        announced.of_bodies.clear();
        announced.named.clear();
        self.announced = announced;
    }

    /// Which signatures of a body hold.
    pub(crate) fn verify_body<B: Body>(&mut self, kept: &StoredBody<B>) -> Verdicts {
        let verdicts = match kept.verdicts.get() {
            Some(known) => known.clone(),
            None => {
                // Nothing waits while handlers run.
                let mut announced = core::mem::take(&mut self.announced);
                let claims = &mut announced.of_bodies;
                claims.clear();
                kept.body.claims(self, &mut |claim| claims.push(claim));
                self.checker.check_kept(claims, &mut announced.found);
                claims.clear();
                let found = Verdicts::of(&announced.found);
                self.announced = announced;
                kept.verdicts.get_or_init(|| found).clone()
            }
        };
        self.totals.checked += u64::from(verdicts.len());
        self.totals.failed += u64::from(verdicts.failed());
        verdicts
    }

    pub(crate) fn sign(&mut self, node: NodeId, digest: &Digest, counts: bool) -> Signature {
        self.totals.made += u64::from(counts);
        self.scheme.sign(node, digest)
    }

    pub(crate) fn verify(&mut self, claim: &Claim) -> bool {
        let verdict = self.checker.check_asked(claim);
        self.totals.checked += 1;
        self.totals.failed += u64::from(!verdict);
        verdict
    }

    /// What it took. What handlers asked counts as checked, not what was announced for them.
    pub(crate) fn counters(&self) -> Counters {
        let SignatureTotals { made, checked, failed } = self.totals;
        let asked = self.checker.counters();
        let remembered = checked.saturating_sub(asked.verified);
        Counters { made, checked, failed, remembered, ..asked }
    }
}

impl Keys for Signing {
    fn scenario(&self) -> u64 {
        self.seed
    }

    fn public_key(&mut self, node: NodeId) -> PublicKey {
        self.scheme.public_key(node)
    }
}
