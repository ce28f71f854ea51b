//! A receipt: a contract with the signatures that make it a payment.

use super::body::WitnessBody;
use super::contract::Contract;
use super::fund::FundId;
use super::once::Once;
use super::refusal::Refusal;
use super::rules::Terms;
use super::statement::Statement;
use crate::{Bodies, Claim, Digest, Keys, NodeId, Shared, Signature, Verdicts, fold_bytes};

/// A witness's signature in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Of which of the contract's sources.
    pub source: u8,
    /// Its position among that source's witnesses.
    pub position: u8,
    /// Who signed.
    pub witness: NodeId,
    /// The signature.
    pub signature: Signature,
}

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The witnesses have promised: what the payer hands to the payee.
    Promised,
    /// They have deducted: what the payee hands to the new witnesses.
    Confirmed,
}

/// A contract with the payee's and its witnesses' signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Of what.
    pub contract: Shared,
    /// Its digest.
    pub digest: Digest,
    /// Who is paid.
    pub payee: NodeId,
    /// The payee's agreement.
    pub agreement: Signature,
    /// What the witnesses state.
    pub stage: Stage,
    /// Their signatures.
    pub signed: Box<[Signed]>,
    sound: Once<Result<(), Refusal>>,
}

impl Receipt {
    /// From a contract's signatures.
    pub fn new(
        contract: Shared,
        terms: &Contract,
        agreement: Signature,
        stage: Stage,
        signed: Vec<Signed>,
    ) -> Self {
        Self {
            contract,
            digest: terms.digest,
            payee: terms.payee,
            agreement,
            stage,
            signed: signed.into(),
            sound: Once::default(),
        }
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
                // A bit per position: who signs twice counts once.
                let mut who = 0u128;
                for (signed, index) in self.signed.iter().zip(1..) {
                    let position = usize::from(signed.position);
                    let is_witness = watched.witnesses.get(position) == Some(&signed.witness);
                    if signed.source == number && is_witness && verdicts.holds(index) {
                        who |= 1 << position;
                    }
                }
                if who.count_ones() < terms.redundancy {
                    return Err(Refusal::Quorum);
                }
            }
            Ok(())
        })
    }

    /// The payee's claim, then the witnesses' in their order.
    pub(super) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        let digest = Statement::Agrees.of(scenario, &self.digest);
        announce(Claim { key: keys.public_key(self.payee), digest, signature: self.agreement });
        let statement = match self.stage {
            Stage::Promised => Statement::Promises,
            Stage::Confirmed => Statement::Confirms,
        };
        let mut of = (u8::MAX, digest);
        for signed in &self.signed {
            if of.0 != signed.source {
                of = (signed.source, statement.of_source(scenario, &self.digest, signed.source));
            }
            let Signed { witness, signature, .. } = *signed;
            announce(Claim { key: keys.public_key(witness), digest: of.1, signature });
        }
    }

    /// Bytes on the wire: the contract, the agreement, and 66 per signature.
    pub(super) fn encoded_len(&self) -> u32 {
        self.contract.encoded_len() + 64 + 66 * self.signed.len() as u32
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let mut bytes = self.digest.0.to_vec();
        bytes.push(self.stage as u8);
        for signed in &self.signed {
            bytes.extend([signed.source, signed.position]);
        }
        fold_bytes(&bytes)
    }
}
