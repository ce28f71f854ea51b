//! Timelines that differ: who is asked compares them with who asks, and is asked again.
//!
//! A judge that does not know the settled timeline of a selection neither believes nor refuses it:
//! it sends its checksums. Once both know all, the payer asks it again, or draws anew if it was the
//! one that lacked something and has not gathered promises yet.

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::roles::guilt::Claimant;
use crate::roles::payer::{Choosing, Paying, Step};
use crate::timeline::checksum;
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::{Bodies, Context, NodeId, Shared};

impl Witness {
    /// Whether a payment's settled timeline is no longer the payer's.
    pub(crate) fn is_outdated(
        &self,
        node: &WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let (bodies, paying) = (cx.bodies(), &node.paying[place]);
        if !self.conduct(cx.id()).draws_anew(paying.payee) {
            return false;
        }
        self.is_drawn_from_other(node, paying, &bodies)
    }

    /// Whether the settled timeline from which a payment's witnesses were drawn is another by now.
    pub(crate) fn is_settled_otherwise(
        &self,
        node: &WitnessNode,
        paying: &Paying,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let drawn = match (&paying.step, paying.contract()) {
            (Step::Choosing(choosing), _) => checksum(choosing.settled, bodies, &self.genesis),
            (_, Some(contract)) => drawn_on(contract, bodies),
            (_, None) => return false,
        };
        drawn != self.settled_checksum(node.timeline, paying.started, bodies)
    }

    /// Draws anew: a settled event was missing.
    pub(crate) fn redraw(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let (timeline, paying) = (node.timeline, &mut node.paying[place]);
        let mut new = Choosing::new(self, timeline, (paying.parties, paying.started), cx);
        match &paying.step {
            Step::Choosing(old) => {
                old.release(cx);
                new.follow(old);
            }
            Step::Agreeing { contract } => {
                cx.release(*contract);
                if paying.is_covered() {
                    let withdrawn: u64 = paying.sources.iter().map(|(_, part)| *part).sum();
                    self.reserve(withdrawn.wrapping_neg(), cx);
                }
            }
            _ => return new.release(cx),
        }
        cx.record(WitnessMetric::Redraws, 1);
        paying.step = Step::Choosing(new);
        self.greet(node, place, cx);
    }

    /// A comparison of timelines with a verifier has ended, or has had its time.
    pub(crate) fn compared(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        let Step::Choosing(choosing) = &mut node.paying[place].step else { return };
        if choosing.comparing.take().is_none() {
            return;
        }
        let is_complete = choosing.is_complete();
        if self.is_outdated(node, place, cx) {
            self.redraw(node, place, cx);
        } else if is_complete {
            self.chosen(node, place, cx);
        }
    }

    /// This node has learnt from another all that it knew.
    pub(crate) fn synchronised(
        &self,
        node: &mut WitnessNode,
        with: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let waits = |node: &WitnessNode| {
            node.paying.iter().position(
                |paying| matches!(&paying.step, Step::Choosing(c) if c.comparing == Some(with)),
            )
        };
        while let Some(place) = waits(node) {
            self.compared(node, place, cx);
        }
    }

    /// Another node compared timelines with this one: perhaps it was asked for something.
    pub(crate) fn ask_again(
        &self,
        node: &mut WitnessNode,
        whom: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        Claimant::of(self, node).ask_again(whom, cx);
        let numbers: Vec<u32> = node.paying.iter().map(|paying| paying.number).collect();
        for number in numbers {
            if let Some(place) = self.payment(node, number) {
                self.ask_one_again(node, place, whom, cx);
            }
        }
    }

    fn ask_one_again(
        &self,
        node: &mut WitnessNode,
        place: usize,
        whom: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let paying = &mut node.paying[place];
        match paying.step {
            Step::Choosing(_) => return,
            Step::Renewing(_) | Step::Carrying { .. } => {
                paying.deferrals += 1;
                if u32::from(paying.deferrals) <= 4 * self.terms.witnesses {
                    self.retry_one(paying, whom, cx);
                }
                return;
            }
            _ => {}
        }
        let is_outdated = self.is_outdated(node, place, cx);
        let paying = &mut node.paying[place];
        let (bodies, is_payee) = (cx.bodies(), paying.payee == whom);
        // Two that refuse each other's events would compare for ever.
        paying.deferrals += 1;
        if u32::from(paying.deferrals) > 4 * self.terms.witnesses {
            return;
        }
        match &paying.step {
            Step::Agreeing { .. } if is_outdated => self.redraw(node, place, cx),
            Step::Agreeing { contract } if is_payee => self.propose(whom, *contract, cx),
            Step::Gathering(gathering) => {
                for (source, (fund, _)) in (0..).zip(&paying.sources) {
                    let selection = bodies.get(fund.selection).selection().expect("of a fund");
                    let Some(position) = selection.position(whom) else { continue };
                    let promised = gathering.signed.of(source);
                    if paying.asked(source) & !promised & 1 << position != 0 {
                        let contract = gathering.contract;
                        cx.send(whom, WitnessMessage::Ask { contract, source });
                    }
                }
            }
            Step::Paid { receipt, .. } if is_payee => self.hand_over_receipt(whom, *receipt, cx),
            _ => {}
        }
    }
}

/// The checksum on which a contract's new witnesses were drawn.
fn drawn_on(contract: Shared, bodies: &impl Bodies<WitnessBody>) -> u64 {
    let contract = bodies.get(contract).contract().expect("the payer's own");
    bodies.get(contract.selection).selection().expect("the payer's own").checksum
}
