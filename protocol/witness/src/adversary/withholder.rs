//! Young events that a payer does not want to know (what R2 stops).
//!
//! Some verifiers of the adversary pause. As long as that is not settled a payer may say that it has
//! not heard of it, and test 3 of [`crate::evidence`] believes it the less the older it is. So
//! without R2 a payer chooses among 2^m lists of verifiers, as far as believable, the one whose draw
//! has enough corrupt witnesses; those who paused answer it nevertheless. Its draws are not independent:
//! they have the seed in common, and a list that is shorter by one moves most places of a draw by at
//! most one. So their law is simulated here, on draws like the attacker's. With R2 the list is the
//! settled one, whatever the payer knows, and there is one draw.
//!
//! What R2 leaves open: who paused since is passed over, and nobody asks whether it has come back. A
//! payer that has not heard of anybody's return passes over all honest verifiers that have paused within
//! the time to consistency, however long they have been back, and none of them counts as a skip.

use crate::adversary::{
    Adversary, Attack, Bodies, Context, NodeId, SPREAD, Shared, Span, Witness, WitnessMetric,
    WitnessNode, WitnessTimer,
};
use crate::objects::selection::{DrawOrder, Seed};
use crate::timeline::{self, EventKind, Tip};
use anthill_protocol::draw;

/// Until a payer has learnt of the events.
const LEARN: Span = Span::from_secs(4);
/// Lists that a simulation draws from, over all its rounds.
const SIMULATED: u32 = 1 << 17;

impl Witness {
    /// When a verifier pauses for the attack.
    pub(super) fn pausing_begins(
        &self,
        adversary: &Adversary,
        events: u32,
        node: NodeId,
    ) -> Option<Span> {
        let turn = adversary.accomplice(&self.genesis, node)?;
        (turn < events).then(|| Span::from_millis(u64::from(turn) + 1))
    }

    /// The payer asks an accomplice for its timeline.
    pub(super) fn learn_events(
        &self,
        node: &mut WitnessNode,
        adversary: &Adversary,
        cx: &mut impl Context<Self>,
    ) {
        let Some(rank) = adversary.held_ranks().next() else { return };
        self.probe(node.timeline, self.genesis.verifier(rank), cx);
        cx.set_timer(LEARN, WitnessTimer::Attack);
    }

    /// The payer chooses what it knows, and pays.
    pub(super) fn withhold(
        &self,
        node: &mut WitnessNode,
        (adversary, events): (&Adversary, u32),
        payee: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let (bodies, genesis, now) = (cx.bodies(), &self.genesis, cx.local_clock());
        let paused: Vec<u32> = adversary.held_ranks().take(events as usize).collect();
        let all = timeline::all(node.timeline, &bodies);
        let of = |handle| bodies.get(handle).event().expect("of a timeline");
        let place = |handle| {
            let rank = genesis.rank(of(handle).author)?;
            paused.iter().position(|paused| *paused == rank)
        };
        let mut ages = vec![Span::ZERO; paused.len()];
        for handle in &all {
            if let Some(place) = place(*handle) {
                ages[place] = now.since(of(*handle).time);
            }
        }
        let settled =
            timeline::settled(node.timeline, now, self.terms.time_to_consistency, &bodies);
        let settled = timeline::checksum(settled, &bodies, genesis);
        let seed = genesis.seed(settled, cx.id(), payee);
        let (known, is_found) = self.choose_known(adversary, seed, &paused, &ages);
        cx.record(WitnessMetric::Favourable, u64::from(is_found));
        let is_stale = matches!(adversary.attack, Attack::Withholder { is_stale: true, .. });
        let is_shown = |handle: &_| place(*handle).is_none_or(|place| known & 1 << place != 0);
        let is_stale_shown = |handle: &Shared| {
            let event = of(*handle);
            !is_stale || event.kind != EventKind::Resume && !self.is_held(event.author)
        };
        let shown: Vec<_> = all.iter().copied().filter(is_shown).filter(is_stale_shown).collect();
        let shown = self.merge(None, &shown, cx).tip;
        shown.into_iter().for_each(|shown| cx.retain(shown));
        node.attempt.get_or_insert_default().shown = shown;
        self.open(node, payee, cx);
    }

    /// The pauses to know, a bit each: those that give the most corrupt witnesses, or the
    /// first that give enough; and whether they do.
    fn choose_known(
        &self,
        adversary: &Adversary,
        seed: Seed,
        paused: &[u32],
        ages: &[Span],
    ) -> (u32, bool) {
        let needed = adversary.collusion(&self.genesis, &self.terms).needed(2);
        let mut best = (0, 0);
        for known in (0..1u32 << paused.len()).rev() {
            let withheld = (0..).zip(ages).filter(|(i, _)| known & 1 << i == 0);
            let is_believed =
                self.tests.judge(<_>::default(), withheld.map(|(_, age)| *age)).is_ok();
            if self.terms.rules.draws_from_settled() || is_believed {
                let corrupt = self.corrupt_drawn(adversary, seed, paused, known);
                best = best.max((corrupt, known));
                if corrupt >= needed {
                    return (known, true);
                }
            }
        }
        (best.1, false)
    }

    /// The corrupt witnesses of a draw for which these pauses are known.
    fn corrupt_drawn(&self, adversary: &Adversary, seed: Seed, paused: &[u32], known: u32) -> u32 {
        let (verifiers, is_settled) =
            (self.genesis.verifiers(), self.terms.rules.draws_from_settled());
        let gone = || (0..).zip(paused).filter(|(i, _)| known & 1 << i != 0).map(|(_, rank)| *rank);
        let population = if is_settled { verifiers } else { verifiers - known.count_ones() };
        // The list is that of all with some left out; with R2 they are passed over in the draw.
        let rank = |place| gone().fold(place, |rank, gone| rank + u32::from(gone <= rank));
        let order = DrawOrder::new(seed, population);
        let drawn = order.map(|place| if is_settled { place } else { rank(place) });
        let drawn = drawn.filter(|rank| !is_settled || gone().all(|gone| gone != *rank));
        let drawn = drawn.take(self.terms.witnesses as usize);
        drawn.filter(|rank| adversary.holds(*rank)).count() as u32
    }

    /// How often a payer finds a list that suits, in rounds with other seeds: (found, rounds).
    pub(crate) fn simulate_withholding(&self, adversary: &Adversary) -> (u32, u32) {
        let Attack::Withholder { events, age, .. } = adversary.attack else { return (0, 1) };
        let paused: Vec<u32> = adversary.held_ranks().take(events as usize).collect();
        let ages = vec![age + LEARN + Span(SPREAD.0 / 2); paused.len()];
        let rounds = (SIMULATED >> events).max(500);
        let seed = |round: u32| Seed::new(draw::draw(0x7769_7468, round.into()), 0, 0);
        let is_found = |round: &u32| self.choose_known(adversary, seed(*round), &paused, &ages).1;
        ((0..rounds).filter(is_found).count() as u32, rounds)
    }

    /// The timeline that a node shows for a payment: its own, unless it has chosen another.
    pub(super) fn shown(&self, node: &WitnessNode, me: NodeId, payee: NodeId) -> Tip {
        match &node.attempt {
            Some(attempt) if self.insists(me, payee) => attempt.shown,
            _ => node.timeline,
        }
    }

    /// Whether a payer keeps to the timeline it shows, whatever it is told.
    pub(super) fn insists(&self, payer: NodeId, payee: NodeId) -> bool {
        let Some(adversary) = &self.adversary else { return false };
        let place = match adversary.attack {
            Attack::Withholder { .. } => 1,
            Attack::Eclipse => 2,
            _ => return false,
        };
        adversary.part(payer).is_some_and(|(part, cast)| part == 0 && cast[place] == payee)
    }

    /// Whether a verifier that paused answers nevertheless.
    pub(super) fn answers_anyway(&self, verifier: NodeId) -> bool {
        let withholds = |a: &Adversary| matches!(a.attack, Attack::Withholder { .. });
        self.adversary.as_ref().is_some_and(withholds) && self.is_held(verifier)
    }
}
