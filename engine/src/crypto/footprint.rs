//! What signatures take in memory, for the estimate before a run.

use super::batch::{self, Batch};
use super::keys::Keyring;
use super::memory::{BYTES_PER_FULL_VERDICT, BYTES_PER_VERDICT};
use super::{CHECKED_KEYS, ClaimId, Mode};
use anthill_protocol::Claim;

/// What one worker has to do with signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Nodes of the run, whose keys it may need.
    pub(crate) nodes: u64,
    /// Verdicts that it may remember.
    pub(crate) verdicts: u64,
    /// Distinct claims that it comes to check.
    pub(crate) verified: u64,
    /// Claims that it verifies at once.
    pub(crate) claims: u64,
}

/// The bytes that a worker comes to use: verdicts, keys, and what a window's claims pass through.
pub(crate) fn worker_bytes(mode: Mode, load: Load) -> u64 {
    let claim = size_of::<Claim>() + size_of::<(ClaimId, u32)>() + size_of::<ClaimId>();
    // The window's claims, those of them that have to be verified, and their verdicts.
    let claims = load.claims * (claim + size_of::<Claim>() + 2) as u64;
    if !mode.gains_by_batches() {
        return claims;
    }
    let batch = load.claims.min(batch::MOST as u64) * batch::BYTES_PER_CLAIM;
    let real = Keyring::bytes(load.nodes) + Batch::key_bytes(CHECKED_KEYS) + batch;
    verdict_bytes(load).saturating_add(claims).saturating_add(real)
}

/// The bytes of the verdicts that a worker comes to remember.
fn verdict_bytes(load: Load) -> u64 {
    // A table that grows is there twice, the second time half as large; one that is full grows no
    // more, and is half of the memory.
    let growing = load.verified.saturating_mul(BYTES_PER_VERDICT * 3 / 2);
    let full = load.verdicts.saturating_mul(BYTES_PER_FULL_VERDICT * 5 / 4);
    growing.min(full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::{Digest, PublicKey, Signature};

    use crate::crypto::Checker;

    #[test]
    fn verdicts_rule_and_modelled_signatures_take_neither_them_nor_keys() {
        let load = Load { nodes: 1_000_000, verdicts: 1_000_000, verified: 900_000, claims: 4_096 };
        let (real, modelled) = (worker_bytes(Mode::Real, load), worker_bytes(Mode::Modelled, load));
        assert!(
            (20_000_000..100_000_000).contains(&real) && modelled < 2_000_000,
            "{real} {modelled}"
        );
        let idle = Load { nodes: 0, verdicts: 1_000, verified: 0, claims: 0 };
        assert_eq!(worker_bytes(Mode::Modelled, idle), 0);
    }

    #[test]
    fn the_memory_stays_within_what_is_said_of_it() {
        let verdicts = 200_000;
        let mut checker = Checker::new(Mode::Modelled, 1, verdicts);
        let claim = |n: u64| Claim {
            key: PublicKey([0; 32]),
            digest: Digest::of("test", n, 0, &[]),
            signature: Signature([0; 64]),
        };
        let (verdicts, mut verified) = (verdicts as u64, 0);
        for _ in 0..100 {
            let claims: Vec<_> = (0..4_096).map(|i| claim(verified + i)).collect();
            checker.check_batch(&claims);
            verified += 4_096;
            let load = Load { nodes: 0, verdicts, verified, claims: 0 };
            let (held, said) = (checker.memory().bytes() as u64, verdict_bytes(load));
            assert!(held <= said, "{held} bytes for {verified}, {said} said");
        }
    }
}
