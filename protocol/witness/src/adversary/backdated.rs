//! Entropy dated back (what R1 stops).
//!
//! A corrupt verifier computes which random bytes, in an event that is just settled, make the draw of
//! a payment between two accomplices favourable, and publishes that event now. Without R1 its word
//! for the time is enough: all merge it, the payment is drawn as computed, and the fund that it makes
//! is spent twice. With R1 the event needs stamps. Honest witnesses say when they saw it; corrupt ones
//! say what they are asked to, and the author takes the stamps that suit it, so that the lower median
//! is a lie if half of the signatures needed are (31 of 62).
//!
//! Attempts follow each other, because each changes the timeline of all: one [`SLOT`] apart, so that
//! no event is dated to before the end of what an earlier payment was drawn on. The verifiers that it
//! holds take turns as authors.

use crate::adversary::{
    Adversary, Attack, Bodies, Context, KNOWN, NodeId, Shared, Span, Witness, WitnessMetric,
    WitnessNode, WitnessTimer,
};
use crate::genesis::Genesis;
use crate::objects::selection::{DrawOrder, Seed};
use crate::rules::Terms;
use crate::timeline::event::{EventKind, Stamp, event_digest};
use crate::timeline::link::checksum_after;
use crate::timeline::{active, checksum, settled};
use crate::{FundId, WitnessMessage};
use anthill_protocol::Time;

/// From one attempt to the next.
const SLOT: Span = Span::from_secs(10);
/// Until the payer and its witnesses know the event.
const SPREAD: Span = Span::from_secs(7);
/// The age beyond the time to consistency that the event pretends to have.
const SETTLED: Span = Span::from_millis(1);

impl Witness {
    /// When a verifier is an author for the first time.
    pub(super) fn backdating_begins(&self, adversary: &Adversary, node: NodeId) -> Option<Span> {
        let turn = adversary.accomplice(&self.genesis, node)?;
        let first = self.terms.time_to_consistency + KNOWN;
        (turn < adversary.attempts).then(|| first + SLOT * u64::from(turn))
    }

    /// The author's turn: it looks for an event, and publishes it if there is one.
    pub(super) fn backdate(
        &self,
        node: &mut WitnessNode,
        adversary: &Adversary,
        tries: u32,
        cx: &mut impl Context<Self>,
    ) {
        let Some(turn) = adversary.accomplice(&self.genesis, cx.id()) else { return };
        let attempt = node.attempt.get_or_insert_default();
        let number = turn + attempt.begun * adversary.held_count;
        attempt.begun += 1;
        if number >= adversary.attempts {
            return;
        }
        if number + adversary.held_count < adversary.attempts {
            cx.set_timer(SLOT * u64::from(adversary.held_count), WitnessTimer::Attack);
        }
        cx.record(WitnessMetric::Attempts, 1);
        let size = adversary.cast_size();
        let cast = &adversary.cast[number as usize * size..][..size];
        let since = self.terms.time_to_consistency + SETTLED;
        let time = Time(cx.local_clock().0.saturating_sub(since.0));
        let Some(kind) = self.favourable_entropy(node, (cast[0], cast[1]), (time, tries), cx)
        else {
            // The payment would be drawn like any other: it is not made.
            return cx.record(WitnessMetric::Decided, 1);
        };
        cx.record(WitnessMetric::Favourable, 1);
        self.announce_at(node, kind, time, cx);
    }

    /// The first of so many events after which a draw has enough corrupt witnesses.
    fn favourable_entropy(
        &self,
        node: &WitnessNode,
        (payer, payee): (NodeId, NodeId),
        (time, tries): (Time, u32),
        cx: &mut impl Context<Self>,
    ) -> Option<EventKind> {
        let adversary = self.adversary.as_ref()?;
        let (bodies, genesis) = (cx.bodies(), &self.genesis);
        let needed = adversary.collusion(genesis, &self.terms).needed(2) as usize;
        let before =
            settled(node.timeline, cx.local_clock(), self.terms.time_to_consistency, &bodies);
        let (before, members) = (checksum(before, &bodies, genesis), active(before, &bodies));
        let (payer, payee) = (genesis.residue(payer), genesis.residue(payee));
        let first = cx.random();
        let (author, scenario) = (cx.id(), cx.scenario());
        let entropy = |number| EventKind::Entropy { bytes: first.wrapping_add(number) };
        (0..u64::from(tries)).map(entropy).find(|kind| {
            let id = FundId::of(&event_digest(scenario, author, *kind, time)).0;
            let seed = Seed::new(checksum_after(id, before), payer, payee);
            let order = DrawOrder::new(seed, members.len(genesis));
            let drawn = order.take(self.terms.witnesses as usize);
            let corrupt = drawn.filter(|rank| self.is_held(members.get(genesis, *rank)));
            corrupt.count() >= needed
        })
    }

    fn backdates(&self) -> bool {
        let attack = self.adversary.as_ref().map(|adversary| adversary.attack);
        matches!(attack, Some(Attack::Backdated { .. }))
    }

    /// Whether a verifier waits for the stamps of all that it asked, to choose among them.
    pub(super) fn chooses_stamps(&self, author: NodeId) -> bool {
        self.backdates() && self.is_held(author)
    }

    /// The time at which a witness says that it saw an event: the truth, unless it is an
    /// accomplice.
    pub(super) fn seen_at(&self, (author, time): (NodeId, Time), cx: &impl Context<Self>) -> Time {
        let lies = self.backdates() && self.is_held(author) && self.is_held(cx.id());
        if lies { time } else { cx.local_clock() }
    }

    /// Whether a node takes an event that does not count for true: the two accomplices of an attempt,
    /// who carry it to those who are to sign.
    pub(super) fn believes_anything(&self, node: NodeId, author: NodeId) -> bool {
        self.backdates()
            && self.is_held(author)
            && self.adversary.as_ref().and_then(|a| a.part(node)).is_some_and(|(part, _)| part <= 1)
    }

    /// An event is published: the author of an attempt tells its payer too.
    pub(crate) fn tell_accomplice(
        &self,
        node: &WitnessNode,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = self.adversary.as_ref().filter(|_| self.backdates()) else { return };
        let Some(turn) = adversary.accomplice(&self.genesis, cx.id()) else { return };
        let Some(begun) = node.attempt.as_ref().map(|attempt| attempt.begun) else { return };
        let time = cx.bodies().get(event).event().map(|event| event.time);
        if time.is_none_or(|time| cx.local_clock().since(time) < self.terms.time_to_consistency) {
            return;
        }
        let number = turn + (begun - 1) * adversary.held_count;
        let payer = adversary.cast[number as usize * adversary.cast_size()];
        cx.send(payer, WitnessMessage::Publish { event });
    }

    /// A payer that hears of the event knows its moment.
    pub(crate) fn told_by_accomplice(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = self.adversary.as_ref().filter(|_| self.backdates()) else { return };
        let is_payer = adversary.part(cx.id()).is_some_and(|(part, _)| part == 0);
        if is_payer && self.is_held(from) && node.attempt.is_none() {
            node.attempt = Some(Box::default());
            self.probe(node.timeline, from, cx);
            cx.set_timer(SPREAD, WitnessTimer::Attack);
        }
    }
}

impl Witness {
    /// The share of attempts whose author has stampers enough that lie.
    pub(crate) fn authors_with_liars(&self, adversary: &Adversary) -> f64 {
        let (genesis, terms) = (&self.genesis, &self.terms);
        let has_liars = |rank: &u32| {
            let author = genesis.verifier(*rank);
            let order = DrawOrder::new(
                genesis.seed(genesis.checksum(), author, author),
                genesis.verifiers(),
            );
            let others = order.filter(|drawn| drawn != rank).take(terms.witnesses as usize);
            others.filter(|drawn| adversary.holds(*drawn)).count() as u32 >= lies_needed(terms)
        };
        let turns = (0..adversary.attempts).map(|number| number % adversary.held_count);
        let authors: Vec<u32> = adversary.held_ranks().collect();
        let lucky: Vec<bool> = authors.iter().map(has_liars).collect();
        let count = turns.filter(|turn| lucky[*turn as usize]).count();
        count as f64 / f64::from(adversary.attempts)
    }
}

/// The number of false stamps among those needed that makes the lower median one.
fn lies_needed(terms: &Terms) -> u32 {
    (terms.redundancy - 1) / 2 + 1
}

/// Reduces stamps to as many as are needed: those with the earliest times.
pub(super) fn earliest(stamps: &mut Vec<Stamp>, redundancy: u32) {
    stamps.sort_by_key(|stamp| (stamp.time, stamp.position));
    stamps.truncate(redundancy as usize);
}

impl Adversary {
    /// P(an author's event counts under R1): enough of its stampers lie for the lower median to.
    pub(crate) fn stamps_lie(&self, genesis: &Genesis, terms: &Terms) -> f64 {
        let mut others = self.collusion(genesis, terms);
        // The author does not stamp its own event.
        others.verifiers -= 1;
        others.corrupt -= 1;
        others.corrupt_witnesses().at_least(lies_needed(terms))
    }
}
