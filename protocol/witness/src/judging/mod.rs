//! The checks that every honest participant makes of what it is shown, whatever its role.
//!
//! What an object says by itself is checked once for all nodes ([`crate::objects`]). Here is what
//! depends on the judge: its clock, and the timeline that it knows. A judge whose timeline is another
//! answers [`Refusal::Timeline`]: it neither believes nor refuses, and the two compare theirs first.

mod claims;
mod events;

use crate::objects::contract::Contract;
use crate::objects::receipt::Stage;
use crate::objects::refusal::Refusal;
use crate::objects::selection::Selection;
use crate::timeline::Tip;
use crate::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, Digest, NodeId, Shared, Time};

impl Witness {
    /// The checks of a contract that every honest node with a timeline makes. The result is a copy
    /// of the little that callers need, because the contract itself borrows.
    pub(crate) fn judge_contract(
        &self,
        timeline: Tip,
        contract: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<Parties, Refusal> {
        let bodies = cx.bodies();
        let terms = bodies.get(contract).contract().ok_or(Refusal::Malformed)?;
        let (now, scenario) = (cx.local_clock(), cx.scenario());
        let leniency = self.terms.leniency;
        if now > terms.time + leniency || terms.time > now + leniency {
            return Err(Refusal::Time);
        }
        self.judge_histories(timeline, terms, cx)?;
        terms.check(&bodies, &self.genesis, &self.terms, &self.tests, scenario)?;
        if cx.verify_body(contract).failed() > 0 {
            return Err(Refusal::Signature);
        }
        Ok(Parties::of(terms))
    }

    /// The checks of a receipt that every honest node makes.
    pub(crate) fn judge_receipt(
        &self,
        timeline: Tip,
        receipt: Shared,
        stage: Stage,
        cx: &mut impl Context<Self>,
    ) -> Result<Parties, Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().ok_or(Refusal::Malformed)?;
        if content.stage != stage {
            return Err(Refusal::Malformed);
        }
        let parties = self.judge_contract(timeline, content.contract, cx)?;
        let verdicts = cx.verify_body(receipt);
        content.check(&verdicts, &bodies, &self.terms)?;
        Ok(parties)
    }

    /// The checks of a rollover that every honest node makes, signed or not.
    pub(crate) fn judge_rollover(
        &self,
        timeline: Tip,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().ok_or(Refusal::Malformed)?;
        let (now, leniency) = (cx.local_clock(), self.terms.leniency);
        if now > content.time + leniency || content.time > now + leniency {
            return Err(Refusal::Time);
        }
        for selection in [content.from, content.to] {
            let selection = bodies.get(selection).selection().ok_or(Refusal::Malformed)?;
            self.judge_selection(timeline, selection, cx)?;
        }
        let (verdicts, scenario) = (cx.verify_body(rollover), cx.scenario());
        let setting = (&self.genesis, &self.terms, &self.tests);
        content.check(&verdicts, &bodies, setting, scenario)
    }

    /// Whether a node with a timeline knows those on which a contract's witnesses were drawn, and
    /// the absences in the evidence count.
    ///
    /// # Errors
    /// When it has to compare timelines first, or an absence does not count.
    pub(crate) fn judge_histories(
        &self,
        timeline: Tip,
        contract: &Contract,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        if timeline.is_none()
            && let Some(found) = contract.at_genesis(|| {
                let find = || self.judge_at_genesis(contract, &bodies);
                self.terms.rules.found_by_all(find)
            })
        {
            return found;
        }
        for selection in contract.selections() {
            let selection = bodies.get(selection).selection().ok_or(Refusal::Malformed)?;
            self.judge_selection(timeline, selection, cx)?;
        }
        Ok(())
    }

    /// What every node finds of a contract's draws that knows of no event. `None`: it depends on the node.
    fn judge_at_genesis(
        &self,
        contract: &Contract,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Option<Result<(), Refusal>> {
        for selection in contract.selections() {
            let Some(selection) = bodies.get(selection).selection() else {
                return Some(Err(Refusal::Malformed));
            };
            if selection.checksum != self.genesis.checksum() {
                return Some(Err(Refusal::Timeline));
            }
            if !selection.history.passed.is_empty() {
                return None;
            }
        }
        Some(Ok(()))
    }

    /// Whether a node has the settled timeline of a selection, and the absences in its evidence count.
    pub(crate) fn judge_settled_draw(
        &self,
        timeline: Tip,
        selection: &Selection,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let (bodies, history) = (cx.bodies(), &selection.history);
        if self.settled_checksum(timeline, history.time, &bodies) != selection.checksum {
            return Err(Refusal::Timeline);
        }
        for event in &history.passed {
            self.judge_event(timeline, *event, cx).map_err(|_| Refusal::Selection)?;
        }
        Ok(())
    }
}

/// The part of a judged contract that callers need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties {
    pub(crate) payer: NodeId,
    pub(crate) payee: NodeId,
    pub(crate) amount: u64,
    pub(crate) time: Time,
    pub(crate) sources: u32,
    pub(crate) digest: Digest,
}

impl Parties {
    fn of(contract: &Contract) -> Self {
        Self {
            payer: contract.payer,
            payee: contract.payee,
            amount: contract.amount,
            time: contract.time,
            sources: contract.sources.len() as u32,
            digest: contract.digest,
        }
    }
}
