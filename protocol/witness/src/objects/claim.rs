//! A claim: two receipts of the same withdrawal, and the witnesses that signed both.
//!
//! Nothing in it is the claimant's word. Who is guilty follows from the signatures, who judges it
//! from the fund, and the timeline is that of the later contract: so all who have the same two
//! receipts make the same claim, and it is one shared body.

use crate::WitnessBody;
use crate::evidence::Tests;
use crate::genesis::Genesis;
use crate::objects::contract::{Contract, Source};
use crate::objects::fund::FundId;
use crate::objects::once::Once;
use crate::objects::receipt::Receipt;
use crate::objects::refusal::Refusal;
use crate::objects::selection::{DrawOrder, Seed, is_eligible, is_same_selection};
use crate::objects::statement::Statement;
use crate::rules::Terms;
use crate::timeline::{self, Tip};
use anthill_protocol::{
    Bodies, Digest, NodeId, Shared, Snapshot, Time, Verdicts, draw, fold_bytes,
};

/// A withdrawal, which is made at most once: a fund, and the number of withdrawals before.
pub(crate) type Withdrawal = (FundId, u32);

/// Two receipts that exclude each other, and who signed both.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Claim {
    /// The fund from which both withdraw.
    pub fund: FundId,
    /// Withdrawals before, which is the same in both.
    pub sequence: u32,
    /// The receipts, in the order of their contracts' digests.
    pub receipts: [Shared; 2],
    /// The witnesses that signed both, in the order of ids.
    pub guilty: Box<[NodeId]>,
    /// The later of the two contracts' times.
    pub time: Time,
    /// The timeline as far as it was settled then: the jury is drawn from it.
    pub settled: Tip,
    /// A hash of all that.
    pub digest: Digest,
    sound: Once<Result<Case, Refusal>>,
    jury: Once<Vec<NodeId>>,
}

/// The case that two receipts prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Whose fund it was.
    pub payer: NodeId,
    /// The payees of the one and the other contract.
    pub payees: [NodeId; 2],
    /// The payee of the later one.
    pub cheated: NodeId,
    /// The amount that the later one withdraws from the fund, its other sources aside.
    pub lost: u64,
    /// The later of their times.
    pub time: Time,
    /// The witnesses that signed both, in the order of ids.
    pub guilty: Vec<NodeId>,
}

/// The law of a run, by which all nodes judge.
#[derive(Clone, Copy, Debug)]
pub struct Law<'a> {
    /// The snapshot of genesis.
    pub genesis: &'a Genesis,
    /// The numbers and rules.
    pub terms: &'a Terms,
    /// The tests of a draw.
    pub tests: &'a Tests,
    /// The run.
    pub scenario: u64,
}

impl Case {
    /// The case that two receipts prove, given which of their signatures hold.
    ///
    /// # Errors
    /// The first thing that is wrong: that they prove nothing is [`Refusal::Innocent`].
    pub fn of(
        (fund, sequence): Withdrawal,
        receipts: [Shared; 2],
        verdicts: &[Verdicts; 2],
        bodies: &impl Bodies<WitnessBody>,
        law: Law<'_>,
    ) -> Result<Self, Refusal> {
        let mut signers: [Vec<NodeId>; 2] = Default::default();
        let mut found: [Option<(&Contract, &Source)>; 2] = [None, None];
        for (i, receipt) in receipts.into_iter().enumerate() {
            let (receipt, contract) = opened(receipt, bodies)?;
            contract.check(bodies, law.genesis, law.terms, law.tests, law.scenario)?;
            receipt.check(&verdicts[i], bodies, law.terms)?;
            let is_it = |source: &&Source| (source.fund, source.sequence) == (fund, sequence);
            let place = contract.sources.iter().position(|source| is_it(&source));
            let place = place.ok_or(Refusal::Innocent)?;
            let source = &contract.sources[place];
            let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
            let who = receipt.signers(place as u8, watched, &verdicts[i]);
            let signed = (0..).zip(&watched.witnesses).filter(|(at, _)| who & 1 << at != 0);
            signers[i] = signed.map(|(_, witness)| *witness).collect();
            found[i] = Some((contract, source));
        }
        let [Some((one, first)), Some((other, second))] = found else {
            return Err(Refusal::Malformed);
        };
        // A rollover may void a promise: the next withdrawal has its number, and other witnesses.
        let is_same_draw = is_same_selection(first.selection, second.selection, bodies);
        if one.digest == other.digest || one.payer != other.payer || !is_same_draw {
            return Err(Refusal::Innocent);
        }
        if one.digest > other.digest {
            return Err(Refusal::Malformed);
        }
        let mut guilty = core::mem::take(&mut signers[0]);
        guilty.retain(|witness| signers[1].contains(witness));
        guilty.sort_unstable();
        if guilty.is_empty() {
            return Err(Refusal::Innocent);
        }
        let is_first = one.time > other.time;
        let (later, lost) = if is_first { (one, first.amount) } else { (other, second.amount) };
        // Nobody is cheated by one that stakes what it has spent already.
        let lost = if later.is_stake() { 0 } else { lost };
        Ok(Self {
            payer: one.payer,
            payees: [one.payee, other.payee],
            cheated: later.payee,
            lost,
            time: later.time,
            guilty,
        })
    }
}

impl Claim {
    /// The claim of a case.
    pub fn new(
        (fund, sequence): Withdrawal,
        receipts: [Shared; 2],
        case: &Case,
        settled: Tip,
        bodies: &impl Bodies<WitnessBody>,
        scenario: u64,
    ) -> Self {
        let mut claim = Self {
            fund,
            sequence,
            receipts,
            guilty: case.guilty.clone().into(),
            time: case.time,
            settled,
            digest: Digest([0; 32]),
            sound: Once::default(),
            jury: Once::default(),
        };
        claim.digest = claim.own_digest(bodies, scenario);
        claim
    }

    fn own_digest(&self, bodies: &impl Bodies<WitnessBody>, scenario: u64) -> Digest {
        let mut bytes = Vec::with_capacity(96 + 4 * self.guilty.len());
        bytes.extend(self.fund.0.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.time.0.to_le_bytes());
        for receipt in self.receipts {
            let digest = bodies.get(receipt).receipt().map(|receipt| receipt.digest);
            digest.iter().for_each(|digest| bytes.extend(digest.0));
        }
        self.guilty.iter().for_each(|guilty| bytes.extend(guilty.0.to_le_bytes()));
        Statement::Claim.digest(scenario, &bytes)
    }

    /// Whether it proves what it says, given which signatures of the receipts hold; found once, for
    /// all nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        verdicts: &[Verdicts; 2],
        bodies: &impl Bodies<WitnessBody>,
        law: Law<'_>,
    ) -> Result<&Case, Refusal> {
        let found = self.sound.get_or_init(|| {
            let withdrawal = (self.fund, self.sequence);
            let case = Case::of(withdrawal, self.receipts, verdicts, bodies, law)?;
            if case.guilty[..] != self.guilty[..] {
                return Err(Refusal::Innocent);
            }
            let is_own = self.digest == self.own_digest(bodies, law.scenario);
            if is_own && case.time == self.time { Ok(case) } else { Err(Refusal::Malformed) }
        });
        found.as_ref().map_err(|why| *why)
    }

    /// The jury, by position. **R8**: the same for all claimants; without, as the original had
    /// it, drawn for each of them.
    pub fn jurors(
        &self,
        claimant: NodeId,
        case: &Case,
        bodies: &impl Bodies<WitnessBody>,
        law: Law<'_>,
    ) -> Vec<NodeId> {
        let checksum = timeline::checksum(self.settled, bodies, law.genesis);
        let of_all = || {
            let seed = Seed::of_fund(checksum, self.fund);
            self.jury.get_or_init(|| self.drawn(seed, case, bodies, law)).clone()
        };
        let of_claimant = || {
            let seed = law.genesis.seed(checksum, claimant, claimant);
            self.drawn(seed, case, bodies, law)
        };
        law.terms.rules.jury(of_all, of_claimant)
    }

    /// The first of a draw, the parties aside. Claimants and accused may be among them: who they are
    /// must not change the draw.
    fn drawn(
        &self,
        seed: Seed,
        case: &Case,
        bodies: &impl Bodies<WitnessBody>,
        law: Law<'_>,
    ) -> Vec<NodeId> {
        let active = timeline::active(self.settled, bodies);
        let order = DrawOrder::new(seed, active.len(law.genesis));
        let drawn = order.map(|rank| active.get(law.genesis, rank));
        let eligible =
            |node: &NodeId| case.payees.iter().all(|payee| is_eligible(*node, case.payer, *payee));
        drawn.filter(eligible).take(law.terms.witnesses as usize).collect()
    }

    /// Bytes on the wire: fund, number, time, checksum, 32 for each of the guilty, and the receipts.
    pub(crate) fn encoded_len(&self) -> u32 {
        let receipts = self.receipts.iter().map(|receipt| receipt.encoded_len());
        32 + 4 + 8 + 32 + 32 * self.guilty.len() as u32 + receipts.sum::<u32>()
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let parts = self.receipts.iter().chain(&self.settled).map(|part| part.id());
        parts.fold(fold_bytes(&self.digest.0), draw::mix)
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.receipts.iter().chain(&self.settled).for_each(|part| visit(*part));
    }
}

/// A receipt and its contract.
pub(crate) fn opened<B: Bodies<WitnessBody>>(
    receipt: Shared,
    bodies: &B,
) -> Result<(&Receipt, &Contract), Refusal> {
    let receipt = bodies.get(receipt).receipt().ok_or(Refusal::Malformed)?;
    let contract = bodies.get(receipt.contract).contract().ok_or(Refusal::Malformed)?;
    Ok((receipt, contract))
}
