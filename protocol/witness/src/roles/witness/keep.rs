//! **R9**: a witness keeps every valid receipt of a fund it watches, also those that it refuses, and
//! claims as soon as two exclude each other.
//!
//! Its book has the receipt of the last withdrawal anyway; here are those before and those refused.
//! A contract without the signatures of witnesses proves no witness guilty, so of contracts the
//! book keeps what it promised and no more.

use super::FundWitness;
use crate::metrics::WitnessMetric;
use crate::objects::claim::{Withdrawal, opened};
use crate::objects::contract::{Contract, Source};
use crate::objects::fund::FundId;
use crate::objects::selection::is_same_selection;
use crate::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, Digest, Shared, Span};

/// The most receipts kept of one fund; beyond, the oldest goes.
const KEPT: usize = 8;

/// Witnesses of a fund see a conflict at about the same time. So that not all of them claim at once,
/// each waits so long per position, about what a claim takes until all have heard of it.
const TURNS_PER_TIMEOUT: u64 = 32;

/// Two receipts that exclude each other: the proof of somebody's guilt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conflict {
    /// The withdrawal that both make.
    pub(crate) of: Withdrawal,
    pub(crate) receipts: [Shared; 2],
    /// How long this witness leaves it to others to claim.
    pub(crate) turn: Span,
}

impl FundWitness<'_> {
    /// A valid receipt came that withdraws from a fund which this node watches: notes it if the
    /// withdrawal is refused or another of it is known, which in the second case is a conflict.
    pub(crate) fn keep(
        &mut self,
        (source, is_refused): (&Source, bool),
        receipt: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Option<Conflict> {
        if !self.run.terms.rules.keeps_receipts() {
            return None;
        }
        let bodies = cx.bodies();
        let (fund, sequence) = (source.fund, source.sequence);
        let digest = opened(receipt, &bodies).ok()?.0.digest;
        let of = |receipt: &Shared| withdrawal_of(*receipt, source, &bodies);
        let is_other = |known: &Shared| of(known).is_some_and(|found| found != digest);
        let other = self.book.receipts(fund).find(is_other);
        let is_kept = self.book.evidence(fund).any(|kept| of(&kept) == Some(digest));
        if is_kept || !is_refused && other.is_none() {
            return None;
        }
        cx.retain(receipt);
        self.add_evidence(fund, receipt, cx);
        let other = other?;
        let watched = bodies.get(source.selection).selection();
        let position = watched.and_then(|watched| watched.position(cx.id())).unwrap_or(0);
        let turn = Span(self.run.terms.timeout.0 / TURNS_PER_TIMEOUT) * position as u64;
        Some(Conflict { of: (fund, sequence), receipts: [other, receipt], turn })
    }

    /// A later withdrawal takes the place of a receipt that the node has retained: kept as evidence,
    /// unless it is the one that made the fund.
    pub(crate) fn supersede(
        &mut self,
        fund: FundId,
        before: Shared,
        cx: &mut impl Context<Witness>,
    ) {
        let bodies = cx.bodies();
        let is_withdrawal =
            || opened(before, &bodies).is_ok_and(|(_, contract)| contract.fund() != fund);
        if self.run.terms.rules.keeps_receipts() && is_withdrawal() {
            self.add_evidence(fund, before, cx);
        } else {
            cx.release(before);
        }
    }

    /// Adds a receipt that is retained for it.
    fn add_evidence(&mut self, fund: FundId, receipt: Shared, cx: &mut impl Context<Witness>) {
        cx.record(WitnessMetric::EvidenceKept, 1);
        if let Some(oldest) = self.book.add_evidence(fund, receipt, KEPT) {
            cx.record(WitnessMetric::EvidenceDropped, 1);
            cx.release(oldest);
        }
    }
}

/// The digest of a receipt's contract, if it makes that withdrawal, from the same witnesses.
fn withdrawal_of(
    receipt: Shared,
    of: &Source,
    bodies: &impl Bodies<WitnessBody>,
) -> Option<Digest> {
    let (receipt, contract): (_, &Contract) = opened(receipt, bodies).ok()?;
    let makes = |source: &Source| {
        (source.fund, source.sequence) == (of.fund, of.sequence)
            && is_same_selection(source.selection, of.selection, bodies)
    };
    contract.sources.iter().any(makes).then_some(receipt.digest)
}
