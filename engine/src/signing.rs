//! One worker's signatures: made and checked for the nodes that it runs.
//!
//! A window's claims are verified together before its handlers run ([`Signing::announce`]); what a
//! handler asks is then a look-up. Which worker remembers what depends on the sharding, so its
//! counters are part of a run's cost; how many signatures were made, checked and found bad is part
//! of its result.

use anthill_protocol::{Claim, Digest, Keys, NodeId, PublicKey, Signature};

use crate::crypto::{Checker, ClaimId, Counters, Scheme};
use crate::outcome::SignatureTotals;
use crate::scenario::CryptoSpec;

/// A worker's keys, verdicts and counters.
pub(crate) struct Signing {
    seed: u64,
    scheme: Scheme,
    checker: Checker,
    /// The claims of the open window; kept for its memory.
    claims: Vec<Claim>,
    pub(crate) totals: SignatureTotals,
}

impl Signing {
    pub(crate) fn new(spec: &CryptoSpec, seed: u64) -> Self {
        Self {
            seed,
            scheme: Scheme::with_keys(spec.mode, seed, spec.keys.clone()),
            checker: Checker::new(spec.mode, seed, spec.verdicts as usize),
            claims: Vec::new(),
            totals: SignatureTotals::default(),
        }
    }

    /// Verifies the claims that `collect` names, as one batch.
    pub(crate) fn announce(&mut self, collect: impl FnOnce(&mut dyn Keys, &mut Vec<Claim>)) {
        let mut claims = core::mem::take(&mut self.claims);
        claims.clear();
        collect(self, &mut claims);
        if !claims.is_empty() {
            self.checker.check_batch(&claims);
        }
        self.claims = claims;
    }

    pub(crate) fn sign(&mut self, node: NodeId, digest: &Digest) -> Signature {
        self.totals.made += 1;
        self.scheme.sign(node, digest)
    }

    pub(crate) fn verify(&mut self, claim: &Claim) -> bool {
        let known = self.checker.verdict(ClaimId::of(claim));
        let verdict = known.unwrap_or_else(|| self.checker.check(claim));
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
