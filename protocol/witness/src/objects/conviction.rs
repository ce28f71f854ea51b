//! A conviction: a claim that enough of its jury has signed, each with the time at which it saw it.
//!
//! Its time is the median of these, so neither the claimant nor a minority of the jury can date it.
//! Of several convictions for one withdrawal the earliest wins.

use crate::WitnessBody;
use crate::objects::claim::{Case, Claim, Law};
use crate::objects::once::Once;
use crate::objects::refusal::Refusal;
use crate::objects::statement::Statement;
use crate::timeline::Stamp;
use anthill_protocol::{
    Bodies, Claim as Signed, Digest, Keys, NodeId, Shared, Snapshot, Time, Verdicts, draw,
    fold_bytes,
};

/// A claim with the signatures of its jury.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Conviction {
    /// The claim.
    pub claim: Shared,
    /// Its digest.
    pub digest: Digest,
    /// The claimant.
    pub claimant: NodeId,
    /// The median of the times in the signatures.
    pub time: Time,
    /// The jurors' signatures; positions are those in the draw of the jury.
    pub signed: Box<[Stamp]>,
    sound: Once<Result<(), Refusal>>,
}

/// The digest that a juror signs: "I saw this claim of this claimant at this time, and it is
/// right."
pub fn upheld_digest(scenario: u64, claim: &Digest, claimant: NodeId, time: Time) -> Digest {
    let mut bytes = claim.0.to_vec();
    claimant.0.save(&mut bytes);
    time.0.save(&mut bytes);
    Statement::Upholds.digest(scenario, &bytes)
}

/// The median; of an even number the lower one. `None` of none.
fn median(times: impl Iterator<Item = Time>) -> Option<Time> {
    let mut times: Vec<Time> = times.collect();
    times.sort_unstable();
    times.get(times.len().checked_sub(1)? / 2).copied()
}

impl Conviction {
    /// From the signatures of jurors, of which there is one at least.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(claim: Shared, digest: Digest, claimant: NodeId, signed: Vec<Stamp>) -> Self {
        let time = median(signed.iter().map(|stamp| stamp.time)).expect("signed by some");
        Self { claim, digest, claimant, time, signed: signed.into(), sound: Once::default() }
    }

    /// Whether enough jurors signed, given which signatures hold and what the claim proves; found
    /// once, for all nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        verdicts: &Verdicts,
        (claim, case): (&Claim, &Case),
        bodies: &impl Bodies<WitnessBody>,
        law: Law<'_>,
    ) -> Result<(), Refusal> {
        *self.sound.get_or_init(|| {
            if claim.digest != self.digest {
                return Err(Refusal::Malformed);
            }
            let jurors = claim.jurors(self.claimant, case, bodies, law);
            let (mut who, mut times) = (0u128, Vec::with_capacity(self.signed.len()));
            for (stamp, index) in self.signed.iter().zip(0..) {
                let place = usize::from(stamp.position);
                let counts = jurors.get(place) == Some(&stamp.witness) && verdicts.holds(index);
                if counts && who & 1 << place == 0 {
                    who |= 1 << place;
                    times.push(stamp.time);
                }
            }
            if who.count_ones() < law.terms.redundancy {
                return Err(Refusal::Quorum);
            }
            let is_dated = median(times.into_iter()) == Some(self.time);
            if is_dated { Ok(()) } else { Err(Refusal::Time) }
        })
    }

    /// The jurors' claims, in their order.
    pub(crate) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Signed)) {
        for Stamp { witness, time, signature, .. } in &self.signed {
            let digest = upheld_digest(keys.scenario(), &self.digest, self.claimant, *time);
            announce(Signed { key: keys.public_key(*witness), digest, signature: *signature });
        }
    }

    /// Bytes on the wire: the claim, the claimant, the time, and 73 per signature.
    pub(crate) fn encoded_len(&self) -> u32 {
        self.claim.encoded_len() + 32 + 8 + 73 * self.signed.len() as u32
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::with_capacity(16 + 9 * self.signed.len());
        self.claimant.0.save(&mut bytes);
        self.time.0.save(&mut bytes);
        for stamp in &self.signed {
            stamp.position.save(&mut bytes);
            stamp.time.0.save(&mut bytes);
        }
        draw::mix(fold_bytes(&self.digest.0), fold_bytes(&bytes))
    }
}

/// The shares of a guilty witness's stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Award {
    /// To the claimant.
    pub claimant: u64,
    /// To the payee that the fund's owner cheated.
    pub cheated: u64,
    /// To nobody.
    pub burnt: u64,
}

impl Award {
    /// A stake of which the cheated get their part, borne by all alike; see [`Terms::award`].
    pub(crate) fn shared(stake: u64, number: usize, guilty: usize, lost: u64) -> Self {
        let (guilty, number) = (guilty as u64, number as u64);
        let claimant = stake / 10;
        let share = lost / guilty + u64::from(number < lost % guilty);
        let cheated = share.min(stake - claimant);
        Self { claimant, cheated, burnt: stake - claimant - cheated }
    }
}
