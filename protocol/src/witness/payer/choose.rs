//! Choosing the new witnesses: draw, greet, skip who does not answer.
//!
//! Verifiers are greeted in the order of the draw, and never more are outstanding than are still
//! needed: so the draw ends with an answer, and nobody is left out who was greeted.

use super::super::WitnessMessage;
use super::super::metrics::WitnessMetric;
use super::super::node::WitnessNode;
use super::super::selection::{DrawOrder, Drawn, Selection, is_eligible};
use super::super::{Witness, WitnessBody, WitnessTimer};
use super::Step;
use crate::{Context, NodeId, Span};

/// The draw so far.
#[derive(Debug)]
pub(crate) struct Choosing {
    checksum: u64,
    order: DrawOrder,
    /// Answers that complete the draw: one for each witness, and (a liar's) those to be denied.
    wanted: u32,
    greeted: Vec<Greeted>,
    answered: u32,
    outstanding: u32,
    /// Greetings sent together wait for one timer.
    group: u16,
}

#[derive(Clone, Copy, Debug)]
struct Greeted {
    verifier: NodeId,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Awaited { group: u16 },
    Here,
    Skipped,
}

impl Choosing {
    pub(crate) fn new(witness: &Witness, payer: NodeId, payee: NodeId) -> Self {
        let checksum = witness.genesis.checksum();
        let seed = witness.genesis.seed(checksum, payer, payee);
        Self {
            checksum,
            order: DrawOrder::new(seed, witness.genesis.verifiers()),
            wanted: witness.terms.witnesses + witness.lies(payer, payee),
            greeted: Vec::new(),
            answered: 0,
            outstanding: 0,
            group: 0,
        }
    }

    /// Gives those who were greeted before a crash their time again.
    pub(crate) fn renew_timers(&self, payment: u32, timeout: Span, cx: &mut impl Context<Witness>) {
        for group in 0..self.group {
            cx.set_timer(timeout, WitnessTimer::Greeting { payment, group });
        }
    }

    fn draws(&self) -> Vec<Drawn> {
        let drawn = |greeted: &Greeted| Drawn {
            verifier: greeted.verifier,
            answered: greeted.answer == Answer::Here,
        };
        self.greeted.iter().map(drawn).collect()
    }
}

impl Witness {
    /// Greets as many verifiers as are still needed.
    pub(crate) fn greet(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let paying = &mut node.paying[place];
        let (payment, payee) = (paying.number, paying.payee);
        let Step::Choosing(choosing) = &mut paying.step else { return };
        let mut sent = false;
        while choosing.outstanding < choosing.wanted - choosing.answered {
            let Some(rank) = choosing.order.next() else {
                // Nobody is left to be drawn.
                return self.give_up(node, place, cx);
            };
            let verifier = self.genesis.verifier(rank);
            if !is_eligible(verifier, cx.id(), payee) {
                continue;
            }
            let answer = Answer::Awaited { group: choosing.group };
            choosing.greeted.push(Greeted { verifier, answer });
            choosing.outstanding += 1;
            sent = true;
            cx.send(verifier, WitnessMessage::Hello { payment });
        }
        if sent {
            let group = choosing.group;
            choosing.group += 1;
            cx.set_timer(self.terms.timeout, WitnessTimer::Greeting { payment, group });
        }
    }

    /// A verifier answered.
    pub(crate) fn here(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        payment: u32,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment(node, payment) else { return };
        let Step::Choosing(choosing) = &mut node.paying[place].step else { return };
        let greeted = choosing.greeted.iter_mut().find(|greeted| greeted.verifier == from);
        let Some(greeted) = greeted.filter(|g| matches!(g.answer, Answer::Awaited { .. })) else {
            return;
        };
        greeted.answer = Answer::Here;
        choosing.answered += 1;
        choosing.outstanding -= 1;
        if choosing.answered == choosing.wanted {
            self.chosen(node, place, cx);
        }
    }

    /// Who was greeted with a group and has not answered is skipped.
    pub(crate) fn skip(
        &self,
        node: &mut WitnessNode,
        payment: u32,
        group: u16,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment(node, payment) else { return };
        let Step::Choosing(choosing) = &mut node.paying[place].step else { return };
        let mut skipped = 0;
        for greeted in &mut choosing.greeted {
            if greeted.answer == (Answer::Awaited { group }) {
                greeted.answer = Answer::Skipped;
                skipped += 1;
            }
        }
        choosing.outstanding -= skipped;
        if skipped > 0 {
            cx.record(WitnessMetric::Skips, skipped.into());
            self.greet(node, place, cx);
        }
    }

    /// All witnesses are found: the contract follows, unless nobody would believe the draw.
    fn chosen(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let paying = &node.paying[place];
        let Step::Choosing(choosing) = &paying.step else { return };
        let (mut draws, lies) = (choosing.draws(), choosing.wanted - self.terms.witnesses);
        self.lie(&mut draws, lies, cx);
        let selection = Selection::new(cx.id(), paying.payee, choosing.checksum, draws);
        // A liar leaves it to the payee to find out.
        let honest = lies == 0;
        cx.record(WitnessMetric::Selections, u64::from(honest));
        if honest && selection.check(&self.genesis, self.terms.witnesses, &self.tests).is_err() {
            cx.record(WitnessMetric::FalseRejections, 1);
            return self.give_up(node, place, cx);
        }
        let selection = cx.share(WitnessBody::Selection(selection));
        self.draw_up(node, place, selection, cx);
    }
}
