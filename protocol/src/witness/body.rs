//! What the participants share: made once, held by hundreds.

use super::contract::Contract;
use super::receipt::Receipt;
use super::selection::Selection;
use crate::{Body, Claim, Keys, Shared};

/// A shared object of the witness protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessBody {
    /// The witnesses of a fund, with the evidence of their selection.
    Selection(Selection),
    /// The terms of a payment.
    Contract(Contract),
    /// A payment.
    Receipt(Receipt),
}

impl WitnessBody {
    /// The selection, if it is one.
    pub fn selection(&self) -> Option<&Selection> {
        if let Self::Selection(selection) = self { Some(selection) } else { None }
    }

    /// The contract, if it is one.
    pub fn contract(&self) -> Option<&Contract> {
        if let Self::Contract(contract) = self { Some(contract) } else { None }
    }

    /// The receipt, if it is one.
    pub fn receipt(&self) -> Option<&Receipt> {
        if let Self::Receipt(receipt) = self { Some(receipt) } else { None }
    }
}

impl Body for WitnessBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Selection(selection) => selection.encoded_len(),
            Self::Contract(contract) => contract.encoded_len(),
            Self::Receipt(receipt) => receipt.encoded_len(),
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Selection(selection) => selection.fingerprint(),
            Self::Contract(contract) => contract.fingerprint(),
            Self::Receipt(receipt) => receipt.fingerprint(),
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        match self {
            Self::Selection(_) => {}
            Self::Contract(contract) => contract.claims(keys, announce),
            Self::Receipt(receipt) => receipt.claims(keys, announce),
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Selection(_) => {}
            Self::Contract(contract) => contract.parts(visit),
            Self::Receipt(receipt) => visit(receipt.contract),
        }
    }
}
