//! Many claims verified as one equation, with exactly the verdicts of single verification.
//!
//! A random linear combination of the equations of [`super::verify`] is zero, but for a chance of
//! 2⁻¹²⁸, only if all are: 8·(Σ zᵢ·Rᵢ + Σ zᵢ·kᵢ·Aᵢ − (Σ zᵢ·Sᵢ)·B) = 0. The terms of one key are
//! added up first, so few signers cost little more than their Rᵢ.
//!
//! *Invariants.* The coefficients zᵢ come from a BLAKE3 XOF over all bytes of the batch and their
//! count: who can choose a claim cannot know a coefficient before the whole batch is fixed (one who
//! tries Q batches on his own machine succeeds with Q·2⁻¹²⁸), and no other randomness is used, so a
//! run is repeatable. A claim that does not decode is refused before and poisons nothing. When a
//! batch fails, its halves are tried, then the claims of a failing half singly: bisecting further
//! loses as soon as there are a few bad ones.

use anthill_protocol::{Claim, PublicKey, draw};
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use curve25519_dalek::{EdwardsPoint, Scalar};

use super::cache::Cache;
use super::verify::{Equation, point};

/// The most claims in one equation: larger ones gain nothing and leave the processor's caches.
pub(super) const MOST: usize = 4096;

/// What a claim takes while it is part of an equation: decoded, as scalars and points of its own and
/// of its key, and in the multiscalar multiplication, which keeps a point and the digits of a scalar.
pub(super) const BYTES_PER_CLAIM: u64 = (size_of::<Item>()
    + 2 * (size_of::<Scalar>() + size_of::<EdwardsPoint>())
    + 2 * (64 + size_of::<EdwardsPoint>())
    + 4
    + 16) as u64;

/// A batch verifier: a cache of decompressed public keys, and memory that is used again.
pub struct Batch {
    keys: Cache<[u8; 32], Option<EdwardsPoint>>,
    /// The claims of the batch that decode, those of a key next to each other.
    items: Vec<Item>,
    order: Vec<u32>,
    coefficients: Vec<u8>,
    scalars: Vec<Scalar>,
    points: Vec<EdwardsPoint>,
}

struct Item {
    /// Its index among the claims.
    claim: u32,
    a: EdwardsPoint,
    equation: Equation,
}

impl Batch {
    /// A verifier that keeps about `keys` decompressed public keys, 200 bytes each.
    pub fn new(keys: usize) -> Self {
        Self {
            keys: Cache::new(keys),
            items: Vec::new(),
            order: Vec::new(),
            coefficients: Vec::new(),
            scalars: Vec::new(),
            points: Vec::new(),
        }
    }

    /// The memory of `keys` decompressed public keys.
    pub(super) fn key_bytes(keys: usize) -> u64 {
        Cache::<[u8; 32], Option<EdwardsPoint>>::bytes(keys)
    }

    /// Whether one claim holds: as [`super::verify::verify`], with the key cached.
    pub fn verify_single(&mut self, claim: &Claim) -> bool {
        let Some(a) = self.key(&claim.key) else { return false };
        equation(claim).is_some_and(|equation| equation.holds(&a))
    }

    /// Whether each claim holds, in their order.
    pub fn verify(&mut self, claims: &[Claim]) -> Vec<bool> {
        let mut verdicts = Vec::new();
        self.verify_into(claims, &mut verdicts);
        verdicts
    }

    /// [`Batch::verify`], into memory that is used again.
    pub fn verify_into(&mut self, claims: &[Claim], verdicts: &mut Vec<bool>) {
        verdicts.clear();
        verdicts.resize(claims.len(), false);
        for (claims, verdicts) in claims.chunks(MOST).zip(verdicts.chunks_mut(MOST)) {
            self.prepare(claims);
            let items = std::mem::take(&mut self.items);
            self.settle(claims, &items, verdicts);
            self.items = items;
        }
    }

    /// Decodes the claims; those that do not decode are left out.
    fn prepare(&mut self, claims: &[Claim]) {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(0..claims.len() as u32);
        // The index settles ties: one order, whatever the sort does.
        order.sort_unstable_by_key(|index| (claims[*index as usize].key.0, *index));
        self.items.clear();
        for index in &order {
            let claim = &claims[*index as usize];
            if let (Some(a), Some(equation)) = (self.key(&claim.key), equation(claim)) {
                self.items.push(Item { claim: *index, a, equation });
            }
        }
        self.order = order;
    }

    fn key(&mut self, key: &PublicKey) -> Option<EdwardsPoint> {
        let word = |i: usize| u64::from_le_bytes(key.0[i..i + 8].try_into().expect("eight bytes"));
        let position = draw::mix(word(0) ^ word(16), word(8) ^ word(24));
        *self.keys.get_or_make(position, key.0, || point(&key.0))
    }

    /// Finds the verdicts of claims that decode: all at once, else in halves, else singly.
    fn settle(&mut self, claims: &[Claim], items: &[Item], verdicts: &mut [bool]) {
        let accept = |items: &[Item], verdicts: &mut [bool]| {
            items.iter().for_each(|item| verdicts[item.claim as usize] = true);
        };
        // Of one, the combination is only a slower way to the same equation.
        if items.len() > 1 && self.all_hold(claims, items) {
            return accept(items, verdicts);
        }
        let (left, right) = items.split_at(items.len() / 2);
        for half in [left, right] {
            if half.len() > 1 && self.all_hold(claims, half) {
                accept(half, verdicts);
                continue;
            }
            for item in half {
                verdicts[item.claim as usize] = item.equation.holds(&item.a);
            }
        }
    }

    /// Whether the combination of the items' equations holds.
    fn all_hold(&mut self, claims: &[Claim], items: &[Item]) -> bool {
        self.draw_coefficients(claims, items);
        self.scalars.clear();
        self.points.clear();
        let mut coefficients = self.coefficients.chunks_exact(16);
        let mut base = Scalar::ZERO;
        let key = |item: &Item| claims[item.claim as usize].key;
        for same_key in items.chunk_by(|x, y| key(x) == key(y)) {
            let mut of_key = Scalar::ZERO;
            for Item { equation, .. } in same_key {
                let bytes = coefficients.next().expect("a coefficient for each item");
                let z = u128::from_le_bytes(bytes.try_into().expect("sixteen bytes"));
                let z = Scalar::from(z);
                base -= z * equation.s;
                of_key += z * equation.k;
                self.scalars.push(z);
                self.points.push(equation.r);
            }
            self.scalars.push(of_key);
            self.points.push(same_key[0].a);
        }
        self.scalars.push(base);
        self.points.push(ED25519_BASEPOINT_POINT);
        EdwardsPoint::vartime_multiscalar_mul(&self.scalars, &self.points)
            .mul_by_cofactor()
            .is_identity()
    }

    /// Sixteen bytes for each item, from all bytes of all of them.
    fn draw_coefficients(&mut self, claims: &[Claim], items: &[Item]) {
        let mut hasher = blake3::Hasher::new_derive_key("anthill signature batch coefficients v1");
        hasher.update(&(items.len() as u64).to_le_bytes());
        for group in items.chunks(64) {
            // Whole chunks of the hash at a time, which it hashes in parallel.
            let mut bytes = [0; 64 * 128];
            for (item, out) in group.iter().zip(bytes.chunks_exact_mut(128)) {
                let claim = &claims[item.claim as usize];
                out[..32].copy_from_slice(&claim.key.0);
                out[32..96].copy_from_slice(&claim.signature.0);
                out[96..].copy_from_slice(&claim.digest.0);
            }
            hasher.update(&bytes[..group.len() * 128]);
        }
        self.coefficients.resize(items.len() * 16, 0);
        hasher.finalize_xof().fill(&mut self.coefficients);
    }
}

fn equation(claim: &Claim) -> Option<Equation> {
    Equation::of(&claim.key, &claim.digest.0, &claim.signature)
}
