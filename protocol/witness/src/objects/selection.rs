//! The selection of witnesses: the seeded order of the draw, and a selection as evidence.
//!
//! Everybody who knows the seed draws the same verifiers in the same order, without replacement, so
//! a selection is checked by drawing again. What the draw cannot tell is who answered: that is the
//! payer's word, and [`crate::evidence`] judges it.

use crate::WitnessBody;
use crate::evidence::{Rejection, Skips, Tests};
use crate::genesis::{CREDIT_ORIGIN, Genesis, NODE_ZERO};
use crate::objects::fund::FundId;
use crate::objects::once::Once;
use crate::objects::places::Places;
use crate::rules::Terms;
use crate::timeline::{self, EventKind, Members, Tip};
use anthill_protocol::{
    Bodies, Digest, NodeId, Shared, Snapshot, SnapshotError, Time, draw, fold_bytes,
};

/// The seed of a draw's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Seed(u64);

impl Seed {
    /// H(checksum of the settled timeline, residue of the payer, residue of the payee).
    pub fn new(checksum: u64, payer: u32, payee: u32) -> Self {
        let mut body = [0; 16];
        body[..8].copy_from_slice(&checksum.to_le_bytes());
        body[8..12].copy_from_slice(&payer.to_le_bytes());
        body[12..].copy_from_slice(&payee.to_le_bytes());
        let hash = Digest::of("witness: selection", 0, 0, &body);
        let (low, _) = hash.0.split_first_chunk().expect("32 bytes");
        Self(u64::from_le_bytes(*low))
    }
}

impl Seed {
    /// H(checksum of the settled timeline, name of a fund): of a draw that no claimant can choose.
    pub fn of_fund(checksum: u64, fund: FundId) -> Self {
        let mut body = [0; 16];
        body[..8].copy_from_slice(&checksum.to_le_bytes());
        body[8..].copy_from_slice(&fund.0.to_le_bytes());
        let hash = Digest::of("witness: jury", 0, 0, &body);
        let (low, _) = hash.0.split_first_chunk().expect("32 bytes");
        Self(u64::from_le_bytes(*low))
    }
}

/// The numbers below `population` in the order of a draw without replacement: a Fisher–Yates shuffle
/// that remembers only the places it has touched, so that n draws cost O(n), whatever the population.
#[derive(Clone, Debug)]
pub struct DrawOrder {
    seed: Seed,
    population: u32,
    drawn: u32,
    /// Places whose content is no longer their own number, with that content.
    moved: Moved,
}

/// A table by place, at most half full; at [`Moved::FREE`] nothing is held.
#[derive(Clone, Debug)]
struct Moved {
    slots: Vec<(u32, u32)>,
    held: usize,
}

impl Moved {
    /// No population has such a place.
    const FREE: u32 = u32::MAX;
    /// Enough for the draw of a hundred.
    const LEAST: usize = 256;

    fn new() -> Self {
        Self { slots: vec![(Self::FREE, 0); Self::LEAST], held: 0 }
    }

    /// The slot of a place, or the one where it belongs.
    fn slot(&self, place: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (place.wrapping_mul(0x9e37_79b1) >> 8) as usize & mask;
        while self.slots[slot].0 != place && self.slots[slot].0 != Self::FREE {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn content(&self, place: u32) -> u32 {
        let (held, content) = self.slots[self.slot(place)];
        if held == place { content } else { place }
    }

    fn set(&mut self, place: u32, content: u32) {
        if 2 * (self.held + 1) > self.slots.len() {
            let larger = vec![(Self::FREE, 0); 2 * self.slots.len()];
            let old = core::mem::replace(&mut self.slots, larger);
            for (place, content) in old.into_iter().filter(|slot| slot.0 != Self::FREE) {
                let slot = self.slot(place);
                self.slots[slot] = (place, content);
            }
        }
        let slot = self.slot(place);
        self.held += usize::from(self.slots[slot].0 == Self::FREE);
        self.slots[slot] = (place, content);
    }
}

/// Seed, population, the number drawn, and the places with their contents, sorted by place.
impl Snapshot for DrawOrder {
    fn save(&self, out: &mut Vec<u8>) {
        self.seed.save(out);
        (self.population, self.drawn).save(out);
        let held = self.moved.slots.iter().copied().filter(|slot| slot.0 != Moved::FREE);
        let mut held: Vec<(u32, u32)> = held.collect();
        held.sort_unstable();
        held.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let seed = Seed::load(bytes)?;
        let (population, drawn) = Snapshot::load(bytes)?;
        let mut moved = Moved::new();
        for (place, content) in Vec::<(u32, u32)>::load(bytes)? {
            if place == Moved::FREE {
                return Err(SnapshotError("a place that no draw has"));
            }
            moved.set(place, content);
        }
        Ok(Self { seed, population, drawn, moved })
    }
}

impl DrawOrder {
    /// The order for a seed.
    pub fn new(seed: Seed, population: u32) -> Self {
        Self { seed, population, drawn: 0, moved: Moved::new() }
    }
}

impl Iterator for DrawOrder {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let left = self.population.checked_sub(self.drawn).filter(|left| *left > 0)?;
        let bits = draw::draw(self.seed.0, u64::from(self.drawn));
        let place = self.drawn + draw::below(bits, u64::from(left)) as u32;
        let found = self.moved.content(place);
        let displaced = self.moved.content(self.drawn);
        self.moved.set(place, displaced);
        self.drawn += 1;
        Some(found)
    }
}

/// One verifier of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Drawn {
    /// The verifier.
    pub verifier: NodeId,
    /// Whether it answered; else it was skipped.
    pub answered: bool,
}

/// The timeline that a payer knew when it drew; by default that of genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct History {
    /// When the payment began.
    pub time: Time,
    /// The timeline as far as it was settled then.
    pub settled: Tip,
    /// The timeline whose members are drawn: the settled one with **R2**; as the original had it all
    /// that the payer says it knows.
    pub list: Tip,
    /// **R2**: who of them has left or paused since, by the events that say so. They are passed
    /// over, which is no skip.
    pub passed: Box<[Shared]>,
}

/// A selection of witnesses with its evidence, as a payer publishes it.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Selection {
    /// For whose payment.
    pub payer: NodeId,
    /// To whom.
    pub payee: NodeId,
    /// The checksum of the settled timeline from which the order follows.
    pub checksum: u64,
    /// The timeline that the payer knew.
    pub history: History,
    /// All that were drawn, in order, the ineligible left out.
    pub draws: Box<[Drawn]>,
    /// The verifiers that answered, in order.
    pub witnesses: Box<[NodeId]>,
    /// Where they are among these.
    places: Once<Places>,
    /// The verdict of everybody on the draw.
    sound: Once<Result<(), SelectionError>>,
}

/// Why a selection is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// The draw is not that of the seed.
    #[error("the order is not that of the draw")]
    Order,
    /// The draw does not end with the answer that completes the witnesses.
    #[error("the draw does not end with the last witness")]
    Count,
    /// The evidence is not believable.
    #[error(transparent)]
    Evidence(#[from] Rejection),
}

impl Selection {
    /// From the draws of a payer.
    pub fn new(payer: NodeId, payee: NodeId, checksum: u64, draws: Vec<Drawn>) -> Self {
        let answered = draws.iter().filter(|drawn| drawn.answered);
        let witnesses = answered.map(|drawn| drawn.verifier).collect();
        let history = History::default();
        Self {
            payer,
            payee,
            checksum,
            history,
            draws: draws.into(),
            witnesses,
            places: Once::default(),
            sound: Once::default(),
        }
    }

    /// The selection of a draw on a timeline.
    #[must_use]
    pub fn on(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// The selection of a participant's first fund: a payment of the credit origin's, at which all
    /// answered.
    pub fn genesis(genesis: &Genesis, owner: NodeId, witnesses: u32) -> Self {
        let checksum = genesis.checksum();
        let seed = genesis.seed(checksum, CREDIT_ORIGIN, owner);
        let drawn = genesis
            .draw(seed)
            .filter(|verifier| is_eligible(*verifier, CREDIT_ORIGIN, owner))
            .map(|verifier| Drawn { verifier, answered: true })
            .take(witnesses as usize);
        Self::new(CREDIT_ORIGIN, owner, checksum, drawn.collect())
    }

    /// The position of a witness.
    pub fn position(&self, witness: NodeId) -> Option<usize> {
        let places = self.places.get_or_init(|| Places::of(self.witnesses.iter().copied()));
        places.find(&self.witnesses, witness, |known| *known)
    }

    /// Whether the order is that of the draw from the members of genesis, complete, and believable.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        genesis: &Genesis,
        witnesses: u32,
        tests: &Tests,
    ) -> Result<(), SelectionError> {
        // Another checksum would be another draw: any, if a payer might choose it.
        if self.checksum != genesis.checksum() {
            return Err(SelectionError::Order);
        }
        self.check_from(&Members::default(), &[], genesis, witnesses, tests)
    }

    /// Whether the order is that of the draw from the members of its timeline, complete, and
    /// believable. Whether the judge knows that timeline, and whether the events in the evidence
    /// count, is not asked here: it is not the same for all judges. All else is, and found once.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_on_timeline(
        &self,
        genesis: &Genesis,
        bodies: &impl Bodies<WitnessBody>,
        terms: &Terms,
        tests: &Tests,
    ) -> Result<(), SelectionError> {
        *self.sound.get_or_init(|| self.draw_again(genesis, bodies, terms, tests))
    }

    fn draw_again(
        &self,
        genesis: &Genesis,
        bodies: &impl Bodies<WitnessBody>,
        terms: &Terms,
        tests: &Tests,
    ) -> Result<(), SelectionError> {
        let History { time, settled, list, passed } = &self.history;
        let time_to_consistency = terms.time_to_consistency;
        // With R2 both are the same, and so is this.
        let of_list = timeline::settled(*list, *time, time_to_consistency, bodies);
        let is_consistent = of_list == *settled
            && terms.rules.may_draw_from(*list, *settled)
            && timeline::checksum(*settled, bodies, genesis) == self.checksum;
        if !is_consistent {
            return Err(SelectionError::Order);
        }
        let absent = |event: &Shared| {
            let event = bodies.get(*event).event()?;
            // Since the settled timeline ends.
            let is_young = event.time + time_to_consistency > *time;
            let is_known = event.time <= *time + terms.leniency;
            let leaves = matches!(event.kind, EventKind::Leave | EventKind::Pause);
            (is_young && is_known && leaves).then_some(event.author)
        };
        let absent: Option<Vec<NodeId>> = passed.iter().map(absent).collect();
        let absent = absent.ok_or(SelectionError::Order)?;
        let members = timeline::active(*list, bodies);
        self.check_from(&members, &absent, genesis, terms.witnesses, tests)
    }

    fn check_from(
        &self,
        members: &Members,
        absent: &[NodeId],
        genesis: &Genesis,
        witnesses: u32,
        tests: &Tests,
    ) -> Result<(), SelectionError> {
        let complete = self.witnesses.len() == witnesses as usize
            && self.draws.last().is_some_and(|drawn| drawn.answered);
        if !complete {
            return Err(SelectionError::Count);
        }
        let seed = genesis.seed(self.checksum, self.payer, self.payee);
        let eligible = |verifier: &NodeId| {
            is_eligible(*verifier, self.payer, self.payee) && !absent.contains(verifier)
        };
        let order = DrawOrder::new(seed, members.len(genesis));
        let mut expected = order.map(|rank| members.get(genesis, rank)).filter(eligible);
        if self.draws.iter().any(|drawn| expected.next() != Some(drawn.verifier)) {
            return Err(SelectionError::Order);
        }
        let skips = Skips::of(self.draws.iter().map(|drawn| drawn.answered));
        Ok(tests.judge(skips, [])?)
    }

    /// Bytes on the wire: two ids, a checksum and a time, then an id and a flag per draw, and the events.
    pub fn encoded_len(&self) -> u32 {
        let events = self.history.passed.iter().map(|event| event.encoded_len());
        let own = 2 * 32 + 32 + 8 + 33 * self.draws.len() as u32;
        events.fold(own, u32::saturating_add).min(Shared::MAX_LEN)
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        let timelines = self.history.settled.iter().chain(&self.history.list);
        timelines.chain(&self.history.passed).for_each(|body| visit(*body));
    }

    /// A hash of the content.
    pub fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::with_capacity(16 + 5 * self.draws.len());
        bytes.extend(self.payer.0.to_le_bytes());
        bytes.extend(self.payee.0.to_le_bytes());
        bytes.extend(self.checksum.to_le_bytes());
        for drawn in &self.draws {
            bytes.extend(drawn.verifier.0.to_le_bytes());
            bytes.push(drawn.answered.into());
        }
        if self.history != History::default() {
            bytes.extend(self.history.time.0.to_le_bytes());
            bytes.extend(self.history.list.map_or(0, |list| list.id()).to_le_bytes());
            self.history.passed.iter().for_each(|event| bytes.extend(event.id().to_le_bytes()));
        }
        fold_bytes(&bytes)
    }
}

/// Whether a verifier may be a witness of a payment.
pub fn is_eligible(verifier: NodeId, payer: NodeId, payee: NodeId) -> bool {
    ![payer, payee, NODE_ZERO, CREDIT_ORIGIN].contains(&verifier)
}

/// Whether two handles are of the same selection.
pub(crate) fn is_same_selection(
    one: Shared,
    other: Shared,
    bodies: &impl Bodies<WitnessBody>,
) -> bool {
    one == other || bodies.get(one) == bodies.get(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::Span;

    fn tests() -> Tests {
        Tests::new(100, 0.9, 1e-5, Span::from_secs(172_800))
    }

    #[test]
    fn a_draw_is_a_permutation_and_follows_from_its_seed() {
        let order = |seed| DrawOrder::new(Seed::new(seed, 1, 2), 500).collect::<Vec<_>>();
        let mut sorted = order(1);
        assert_eq!(order(1), sorted);
        assert_ne!(order(1), order(2));
        assert_ne!(DrawOrder::new(Seed::new(1, 2, 1), 500).collect::<Vec<_>>(), order(1));
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..500));
    }

    /// Every verifier is as likely at every place: χ² over the first five places of 20,000 draws.
    #[test]
    fn draws_are_uniform() {
        let (population, rounds) = (50u32, 20_000u64);
        let mut counts = vec![[0u32; 5]; population as usize];
        for seed in 0..rounds {
            let order = DrawOrder::new(Seed::new(seed, 7, 8), population);
            for (place, rank) in order.take(5).enumerate() {
                counts[rank as usize][place] += 1;
            }
        }
        let expected = rounds as f64 / f64::from(population);
        for place in 0..5 {
            let off = |row: &[u32; 5]| (f64::from(row[place]) - expected).powi(2) / expected;
            let statistic: f64 = counts.iter().map(off).sum();
            // 49 degrees of freedom: beyond 105 with probability 5e-6.
            assert!((15.0..105.0).contains(&statistic), "place {place}: {statistic}");
        }
    }

    #[test]
    fn a_selection_is_checked_by_drawing_again() {
        let genesis = Genesis::new(2_000, 400, 3);
        let good = Selection::genesis(&genesis, NodeId(77), 100);
        assert_eq!(good.check(&genesis, 100, &tests()), Ok(()));
        assert!(good.witnesses.iter().all(|witness| genesis.rank(*witness).is_some()));
        let position = good.position(good.witnesses[42]);
        assert_eq!((position, good.position(NodeId(0))), (Some(42), None));

        let rebuilt = |draws: Vec<Drawn>| {
            Selection::new(good.payer, good.payee, good.checksum, draws).check(
                &genesis,
                100,
                &tests(),
            )
        };
        let mut swapped = good.draws.to_vec();
        swapped.swap(3, 4);
        assert_eq!(rebuilt(swapped), Err(SelectionError::Order));
        let mut left_out = good.draws.to_vec();
        left_out.remove(10);
        assert_eq!(rebuilt(left_out), Err(SelectionError::Count));
        let mut skipped_last = good.draws.to_vec();
        skipped_last[99].answered = false;
        assert_eq!(rebuilt(skipped_last), Err(SelectionError::Count));
        let other = Selection { payee: NodeId(78), ..good.clone() };
        assert_eq!(other.check(&genesis, 100, &tests()), Err(SelectionError::Order));
        // A draw of a checksum that the payer made up.
        let seed = genesis.seed(7, good.payer, good.payee);
        let drawn = |verifier| Drawn { verifier, answered: true };
        let draws = genesis.draw(seed).take(100).map(drawn).collect();
        let ground = Selection::new(good.payer, good.payee, 7, draws);
        assert_eq!(ground.check(&genesis, 100, &tests()), Err(SelectionError::Order));
    }

    #[test]
    fn too_many_skips_are_not_believed() {
        let genesis = Genesis::new(2_000, 400, 3);
        let (payer, payee) = (NodeId(50), NodeId(60));
        let seed = genesis.seed(genesis.checksum(), payer, payee);
        let with_skips = |skips: usize, every: usize| {
            let eligible = genesis.draw(seed).filter(|v| is_eligible(*v, payer, payee));
            let draws: Vec<_> = eligible
                .take(100 + skips)
                .enumerate()
                .map(|(i, verifier)| {
                    let answered = i / every >= skips || i % every != 0;
                    Drawn { verifier, answered }
                })
                .collect();
            Selection::new(payer, payee, genesis.checksum(), draws).check(&genesis, 100, &tests())
        };
        assert_eq!(with_skips(29, 3), Ok(()));
        let rejected = Err(SelectionError::Evidence(Rejection::TotalSkips));
        assert_eq!(with_skips(30, 3), rejected);
        assert_eq!(with_skips(7, 1), Err(SelectionError::Evidence(Rejection::SkipRun)));
    }
}
