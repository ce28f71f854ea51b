//! A receipt: a contract with the signatures that make it a payment.

use crate::objects::body::WitnessBody;
use crate::objects::contract::Contract;
use crate::objects::fund::FundId;
use crate::objects::once::Once;
use crate::objects::refusal::Refusal;
use crate::objects::selection::Selection;
pub use crate::objects::signed_list::{Signed, SignedList};
use crate::objects::statement::Statement;
use crate::rules::Terms;
use anthill_protocol::{
    Bodies, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, Verdicts, fold_bytes,
};

/// The witnesses of each source that have signed, a bit per position.
fn positions(signed: &SignedList) -> Vec<u128> {
    let mut who = Vec::new();
    signed.iter().for_each(|signed| note(&mut who, &signed));
    who
}

fn note(who: &mut Vec<u128>, signed: &Signed) {
    let source = usize::from(signed.source);
    if who.len() <= source {
        who.resize(source + 1, 0);
    }
    // A receipt is what its sender wrote into it: beyond the last place there is nobody.
    who[source] |= 1u128.checked_shl(signed.position.into()).unwrap_or(0);
}

/// Signatures as they come in. Who has signed is asked with each, so it is noted beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Signatures {
    all: SignedList,
    who: Vec<u128>,
}

impl Signatures {
    /// None yet, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self { all: SignedList::with_capacity(count), who: Vec::with_capacity(1) }
    }

    /// Adds one.
    pub fn push(&mut self, signed: Signed) {
        note(&mut self.who, &signed);
        self.all.push(signed);
    }

    /// The witnesses of a source that have signed, a bit per position.
    pub fn of(&self, source: u8) -> u128 {
        self.who.get(usize::from(source)).copied().unwrap_or(0)
    }

    /// Them all, in the order in which they came.
    pub fn into_list(self) -> SignedList {
        self.all
    }
}

impl From<Vec<Signed>> for Signatures {
    fn from(all: Vec<Signed>) -> Self {
        let all = SignedList::from(all);
        Self { who: positions(&all), all }
    }
}

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Stage {
    /// The witnesses have promised: what the payer hands to the payee.
    Promised,
    /// They have deducted: what the payee hands to the new witnesses.
    Confirmed,
}

/// A contract with the payee's and its witnesses' signatures.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Receipt {
    /// The contract.
    pub contract: Shared,
    /// Its digest.
    pub digest: Digest,
    /// The payee.
    pub payee: NodeId,
    /// The payee's agreement.
    pub agreement: Signature,
    /// The statement of the witnesses.
    pub stage: Stage,
    /// Their signatures.
    pub signed: SignedList,
    sound: Once<Result<(), Refusal>>,
    /// Per source, the positions that signed: asked for by each of its witnesses.
    who: Once<Vec<u128>>,
}

impl Receipt {
    /// From a contract's signatures.
    pub fn new(
        contract: Shared,
        terms: &Contract,
        agreement: Signature,
        stage: Stage,
        signed: impl Into<SignedList>,
    ) -> Self {
        Self {
            contract,
            digest: terms.digest,
            payee: terms.payee,
            agreement,
            stage,
            signed: signed.into().shrunk(),
            sound: Once::default(),
            who: Once::default(),
        }
    }

    /// The witnesses of a source that have signed, whether or not it holds, a bit per position.
    pub(crate) fn positions(&self, source: u8) -> u128 {
        let who = self.who.get_or_init(|| positions(&self.signed));
        who.get(usize::from(source)).copied().unwrap_or(0)
    }

    /// The name of the fund that the payment makes.
    pub fn fund(&self) -> FundId {
        FundId::of(&self.digest)
    }

    /// Whether the payee agreed and enough witnesses of every source signed, given which signatures
    /// hold; found once, for all nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        verdicts: &Verdicts,
        bodies: &impl Bodies<WitnessBody>,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        *self.sound.get_or_init(|| {
            let contract = bodies.get(self.contract).contract().ok_or(Refusal::Malformed)?;
            if contract.digest != self.digest || contract.payee != self.payee {
                return Err(Refusal::Malformed);
            }
            if !verdicts.holds(0) {
                return Err(Refusal::Signature);
            }
            for (number, source) in (0..).zip(&contract.sources) {
                let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
                if self.signers(number, watched, verdicts).count_ones() < terms.redundancy {
                    return Err(Refusal::Quorum);
                }
            }
            Ok(())
        })
    }

    /// The witnesses of a source that signed, a bit per position: one that signs twice counts once.
    pub(crate) fn signers(&self, source: u8, watched: &Selection, verdicts: &Verdicts) -> u128 {
        let mut who = 0u128;
        for (signed, index) in self.signed.iter().zip(1..) {
            let position = usize::from(signed.position);
            let is_witness = watched.witnesses.get(position) == Some(&signed.witness);
            if signed.source == source && is_witness && verdicts.holds(index) {
                who |= 1 << position;
            }
        }
        who
    }

    /// The payee's claim, then the witnesses' in their order.
    pub(crate) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        let digest = Statement::Agrees.of(scenario, &self.digest);
        announce(Claim { key: keys.public_key(self.payee), digest, signature: self.agreement });
        let statement = match self.stage {
            Stage::Promised => Statement::Promises,
            Stage::Confirmed => Statement::Confirms,
        };
        let mut of = (u8::MAX, digest);
        for signed in self.signed.iter() {
            if of.0 != signed.source {
                of = (signed.source, statement.of_source(scenario, &self.digest, signed.source));
            }
            let Signed { witness, signature, .. } = signed;
            announce(Claim { key: keys.public_key(witness), digest: of.1, signature });
        }
    }

    /// Bytes on the wire: the contract, the agreement, and 66 per signature.
    pub(crate) fn encoded_len(&self) -> u32 {
        self.contract.encoded_len() + 64 + 66 * self.signed.len() as u32
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = self.digest.0.to_vec();
        bytes.push(self.stage as u8);
        for signed in self.signed.iter() {
            bytes.extend([signed.source, signed.position]);
        }
        fold_bytes(&bytes)
    }
}

/// The contract of a receipt in the book.
pub(crate) fn contract_of(
    receipt: Shared,
    bodies: &impl Bodies<WitnessBody>,
) -> Result<&Contract, Refusal> {
    let receipt = bodies.get(receipt).receipt().ok_or(Refusal::NotHeld)?;
    bodies.get(receipt.contract).contract().ok_or(Refusal::NotHeld)
}

/// A receipt that this node retains, and its contract.
pub(crate) fn opened(receipt: Shared, bodies: &impl Bodies<WitnessBody>) -> (&Receipt, &Contract) {
    let content = bodies.get(receipt).receipt().expect("retained");
    (content, bodies.get(content.contract).contract().expect("a receipt's part"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::Genesis;
    use crate::objects::contract::{Draft, Source};
    use crate::{Witness, WitnessBody};
    use anthill_protocol::parameter::Values;
    use anthill_protocol::recording::Recording;
    use anthill_protocol::{Configure, Context, Time};

    /// The verdict on a receipt of one source with these signatures, all of which hold but `bad`.
    fn verdict(
        signed: impl Fn(&Selection) -> Vec<Signed>,
        bad: Option<u32>,
    ) -> Result<(), Refusal> {
        let witness = Witness::configure(&Values::of::<Witness>()).expect("consistent");
        let genesis = Genesis::new(1_000, 500, 1);
        let mut cx = Recording::<Witness>::new(NodeId(7), 1_000);
        let watched = Selection::genesis(&genesis, NodeId(7), 100);
        let signed = signed(&watched);
        let selection = cx.share(WitnessBody::Selection(watched));
        let (fund, signature) = (genesis.fund(NodeId(7)), Signature([0; 64]));
        let source = Source { fund, amount: 9, left: 1, sequence: 0, previous: fund, selection };
        let (payer, payee, time) = (NodeId(7), NodeId(8), Time::ZERO);
        let draft = Draft { payer, payee, amount: 8, time, selection, sources: [source].into() };
        let contract = draft.signed(Digest([3; 32]), signature);
        let handle = cx.share(WitnessBody::Contract(contract.clone()));
        let count = signed.len() as u32 + 1;
        let verdicts: Vec<bool> = (0..count).map(|index| Some(index) != bad).collect();
        let receipt = Receipt::new(handle, &contract, signature, Stage::Promised, signed);
        receipt.check(&Verdicts::of(&verdicts), &cx.bodies(), &witness.terms)
    }

    fn signatures(positions: impl Iterator<Item = u8>) -> impl Fn(&Selection) -> Vec<Signed> {
        let positions: Vec<u8> = positions.collect();
        move |watched| {
            let signature = Signature([0; 64]);
            let of = |position: &u8| {
                let witness = watched.witnesses[usize::from(*position)];
                Signed { source: 0, position: *position, witness, signature }
            };
            positions.iter().map(of).collect()
        }
    }

    #[test]
    fn exactly_the_redundancy_is_enough() {
        assert_eq!(verdict(signatures(0..62), None), Ok(()));
        assert_eq!(verdict(signatures(38..100), None), Ok(()));
        assert_eq!(verdict(signatures(0..61), None), Err(Refusal::Quorum));
    }

    #[test]
    fn only_distinct_witnesses_whose_signatures_hold_count() {
        let twice = signatures((0..61).chain([60]));
        assert_eq!(verdict(twice, None), Err(Refusal::Quorum));
        assert_eq!(verdict(signatures(0..62), Some(62)), Err(Refusal::Quorum));
        assert_eq!(verdict(signatures(0..63), Some(63)), Ok(()));
        assert_eq!(verdict(signatures(0..62), Some(0)), Err(Refusal::Signature), "the payee's");
        let changed = |change: fn(&mut Signed)| {
            move |watched: &Selection| {
                let mut signed = signatures(0..62)(watched);
                change(&mut signed[40]);
                signed
            }
        };
        let strangers = changed(|signed| signed.witness = NodeId(7));
        assert_eq!(verdict(strangers, None), Err(Refusal::Quorum));
        let elsewhere = changed(|signed| signed.source = 1);
        assert_eq!(verdict(elsewhere, None), Err(Refusal::Quorum));
        let beyond = changed(|signed| signed.position = 100);
        assert_eq!(verdict(beyond, None), Err(Refusal::Quorum));
    }
}
