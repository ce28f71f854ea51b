//! The objects that participants share: made once, held by hundreds.

use crate::objects::claim::Claim as GuiltClaim;
use crate::objects::contract::Contract;
use crate::objects::conviction::Conviction;
use crate::objects::receipt::Receipt;
use crate::objects::rollover::Rollover;
use crate::objects::selection::Selection;
use crate::timeline::{Batch, Event, Link, Probes};
use anthill_protocol::{Body, Claim, Keys, Shared, Snapshot};

/// A shared object of the witness protocol.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum WitnessBody {
    /// The witnesses of a fund, with the evidence of their selection.
    Selection(Selection),
    /// The terms of a payment.
    Contract(Contract),
    /// A payment.
    Receipt(Receipt),
    /// The state of a fund whose witnesses change.
    Rollover(Rollover),
    /// An event of the timeline.
    Event(Event),
    /// A timeline; nodes hold it, and never send it.
    Link(Link),
    /// Checksums, by which two timelines are compared.
    Probes(Probes),
    /// Events for a node that lacks them.
    Batch(Batch),
    /// Two receipts that exclude each other, and who signed both.
    Claim(GuiltClaim),
    /// A claim with the signatures of its jury.
    Conviction(Conviction),
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

    /// The rollover, if it is one.
    pub fn rollover(&self) -> Option<&Rollover> {
        if let Self::Rollover(rollover) = self { Some(rollover) } else { None }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&Event> {
        if let Self::Event(event) = self { Some(event) } else { None }
    }

    /// The timeline, if it is one.
    pub fn link(&self) -> Option<&Link> {
        if let Self::Link(link) = self { Some(link) } else { None }
    }

    /// The checksums, if it is some.
    pub fn probes(&self) -> Option<&Probes> {
        if let Self::Probes(probes) = self { Some(probes) } else { None }
    }

    /// The events, if it is some.
    pub fn batch(&self) -> Option<&Batch> {
        if let Self::Batch(batch) = self { Some(batch) } else { None }
    }

    /// The claim, if it is one.
    pub fn claim(&self) -> Option<&GuiltClaim> {
        if let Self::Claim(claim) = self { Some(claim) } else { None }
    }

    /// The conviction, if it is one.
    pub fn conviction(&self) -> Option<&Conviction> {
        if let Self::Conviction(conviction) = self { Some(conviction) } else { None }
    }
}

impl Body for WitnessBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Selection(selection) => selection.encoded_len(),
            Self::Contract(contract) => contract.encoded_len(),
            Self::Receipt(receipt) => receipt.encoded_len(),
            Self::Rollover(rollover) => rollover.encoded_len(),
            Self::Event(event) => event.encoded_len(),
            Self::Link(_) => Shared::MIN_LEN,
            Self::Probes(probes) => probes.encoded_len(),
            Self::Batch(batch) => batch.encoded_len(),
            Self::Claim(claim) => claim.encoded_len(),
            Self::Conviction(conviction) => conviction.encoded_len(),
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Selection(selection) => selection.fingerprint(),
            Self::Contract(contract) => contract.fingerprint(),
            Self::Receipt(receipt) => receipt.fingerprint(),
            Self::Rollover(rollover) => rollover.fingerprint(),
            Self::Event(event) => event.fingerprint(),
            Self::Link(link) => link.fingerprint(),
            Self::Probes(probes) => probes.fingerprint(),
            Self::Batch(batch) => batch.fingerprint(),
            Self::Claim(claim) => claim.fingerprint(),
            Self::Conviction(conviction) => conviction.fingerprint(),
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        match self {
            Self::Selection(_) | Self::Link(_) | Self::Probes(_) | Self::Batch(_) => {}
            Self::Claim(_) => {}
            Self::Conviction(conviction) => conviction.claims(keys, announce),
            Self::Contract(contract) => contract.claims(keys, announce),
            Self::Receipt(receipt) => receipt.claims(keys, announce),
            Self::Rollover(rollover) => rollover.claims(keys, announce),
            Self::Event(event) => event.claims(keys, announce),
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Selection(selection) => selection.parts(visit),
            Self::Contract(contract) => contract.parts(visit),
            Self::Receipt(receipt) => visit(receipt.contract),
            Self::Rollover(rollover) => rollover.parts(visit),
            Self::Event(event) => event.parts(visit),
            Self::Link(link) => link.parts(visit),
            Self::Probes(_) => {}
            Self::Batch(batch) => batch.events.iter().for_each(|event| visit(*event)),
            Self::Claim(claim) => claim.parts(visit),
            Self::Conviction(conviction) => visit(conviction.claim),
        }
    }
}
