//! Choosing the new witnesses: draw, greet, skip those that do not answer.
//!
//! Verifiers are greeted in the order of the draw, and never more are outstanding than are still
//! needed: so the draw ends with an answer, and nobody is left out who was greeted.

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::places::Places;
use crate::objects::selection::{DrawOrder, Drawn, History, Selection, is_eligible};
use crate::roles::payer::{Purpose, Step};
use crate::timeline::{self, Members, Tip};
use crate::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::{Context, NodeId, Shared, Snapshot, SnapshotError, Span, Time};

/// The draw so far.
#[derive(Debug, Snapshot)]
pub(crate) struct Choosing {
    /// The settled timeline, and its checksum.
    pub(crate) settled: Tip,
    checksum: u64,
    /// The timeline whose members are drawn.
    pub(crate) list: Tip,
    members: Members,
    order: DrawOrder,
    /// Answers that complete the draw: one for each witness, and (a liar's) those to be denied.
    wanted: u32,
    /// By what events drawn verifiers have left or paused since.
    passed: Vec<Shared>,
    /// A verifier whose settled timeline is another, and is compared with the payer's.
    pub(crate) comparing: Option<NodeId>,
    /// Whether the whole timeline was compared with somebody's.
    has_compared: bool,
    greeted: AllGreeted,
    answered: u32,
    outstanding: u32,
}

/// All that were greeted, in the order of the draw; looked up by each answer.
#[derive(Debug, Default)]
struct AllGreeted {
    list: Vec<Greeted>,
    places: Places,
}

impl AllGreeted {
    fn push(&mut self, greeted: Greeted) {
        self.places.add(greeted.verifier, self.list.len());
        self.list.push(greeted);
    }

    fn find(&mut self, verifier: NodeId) -> Option<&mut Greeted> {
        let place = self.places.find(&self.list, verifier, |greeted| greeted.verifier)?;
        self.list.get_mut(place)
    }
}

/// The list.
impl Snapshot for AllGreeted {
    fn save(&self, out: &mut Vec<u8>) {
        self.list.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let list = Vec::<Greeted>::load(bytes)?;
        let places = Places::of(list.iter().map(|greeted| greeted.verifier));
        Ok(Self { list, places })
    }
}

#[derive(Clone, Copy, Debug, Snapshot)]
struct Greeted {
    verifier: NodeId,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
enum Answer {
    Awaited { group: u16 },
    Here,
    Skipped,
}

impl Choosing {
    pub(crate) fn new(
        witness: &Witness,
        tip: Tip,
        (parties, started): ((NodeId, NodeId), Time),
        cx: &mut impl Context<Witness>,
    ) -> Self {
        let (bodies, genesis) = (cx.bodies(), &witness.genesis);
        let settled = timeline::settled(tip, started, witness.terms.time_to_consistency, &bodies);
        let known = timeline::until(tip, started, &bodies);
        let list = witness.terms.rules.drawn_from(settled, known);
        settled.iter().chain(&list).for_each(|timeline| cx.retain(*timeline));
        let checksum = timeline::checksum(settled, &bodies, genesis);
        let members = timeline::active(list, &bodies);
        let seed = genesis.seed(checksum, parties.0, parties.1);
        Self {
            settled,
            checksum,
            list,
            order: DrawOrder::new(seed, members.len(genesis)),
            members,
            wanted: witness.terms.witnesses + witness.conduct(parties.0).extra_draws(parties.1),
            passed: Vec::new(),
            comparing: None,
            has_compared: false,
            greeted: AllGreeted::default(),
            answered: 0,
            outstanding: 0,
        }
    }

    /// Gives those who were greeted before a crash their time again.
    pub(crate) fn renew_timers(
        &self,
        payment: u32,
        groups: u16,
        timeout: Span,
        cx: &mut impl Context<Witness>,
    ) {
        let compared = self.comparing.map(|_| u16::MAX);
        for group in (0..groups).chain(compared) {
            cx.set_timer(timeout, WitnessTimer::Greeting { payment, group });
        }
    }

    /// Takes the place of an earlier draw.
    pub(crate) fn follow(&mut self, earlier: &Self) {
        self.has_compared = earlier.has_compared;
    }

    /// Whether nothing but the contract is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.answered == self.wanted && self.comparing.is_none()
    }

    /// Lets go of what it holds.
    pub(crate) fn release(&self, cx: &mut impl Context<Witness>) {
        let timelines = self.settled.iter().chain(&self.list);
        timelines.chain(&self.passed).for_each(|body| cx.release(*body));
    }

    fn draws(&self) -> Vec<Drawn> {
        let drawn = |greeted: &Greeted| Drawn {
            verifier: greeted.verifier,
            answered: greeted.answer == Answer::Here,
        };
        self.greeted.list.iter().map(drawn).collect()
    }

    /// The selection that a draw gives.
    fn selection(
        &self,
        draws: Vec<Drawn>,
        (payer, payee): (NodeId, NodeId),
        time: Time,
    ) -> Selection {
        let (settled, list) = (self.settled, self.list);
        let passed = self.passed.clone().into();
        let history = History { time, settled, list, passed };
        Selection::new(payer, payee, self.checksum, draws).on(history)
    }
}

impl Witness {
    /// Greets as many verifiers as are still needed.
    pub(crate) fn greet(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let paying = &node.paying[place];
        let (payment, parties, time) = (paying.number, paying.parties, paying.started);
        let bodies = cx.bodies();
        let tip = timeline::checksum(node.timeline, &bodies, &self.genesis);
        let timeline = self.conduct(cx.id()).timeline(node, parties.1);
        let paying = &mut node.paying[place];
        let Step::Choosing(choosing) = &mut paying.step else { return };
        let mut sent = false;
        while choosing.outstanding < choosing.wanted - choosing.answered {
            let Some(rank) = choosing.order.next() else {
                // Nobody is left to be drawn.
                return self.give_up(node, place, cx);
            };
            let verifier = choosing.members.get(&self.genesis, rank);
            if !is_eligible(verifier, parties.0, parties.1) {
                continue;
            }
            let timelines = (timeline, choosing.settled);
            if let Some(event) =
                self.terms.rules.absence(timelines, verifier, &bodies, &self.genesis)
            {
                cx.record(WitnessMetric::PassedOver, 1);
                cx.retain(event);
                choosing.passed.push(event);
                continue;
            }
            let answer = Answer::Awaited { group: paying.groups };
            choosing.greeted.push(Greeted { verifier, answer });
            choosing.outstanding += 1;
            sent = true;
            let settled = choosing.checksum;
            cx.send(verifier, WitnessMessage::Hello { payment, time, settled, tip });
        }
        if sent {
            let group = paying.groups;
            paying.groups += 1;
            cx.set_timer(self.terms.timeout, WitnessTimer::Greeting { payment, group });
        }
    }

    /// A verifier answered.
    pub(crate) fn here(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (payment, settled, tip): (u32, u64, u64),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment(node, payment) else { return };
        let timeline = node.timeline;
        let Step::Choosing(choosing) = &mut node.paying[place].step else { return };
        let greeted = choosing.greeted.find(from);
        let Some(greeted) = greeted.filter(|g| matches!(g.answer, Answer::Awaited { .. })) else {
            return;
        };
        greeted.answer = Answer::Here;
        choosing.answered += 1;
        choosing.outstanding -= 1;
        let own = timeline::checksum(timeline, &cx.bodies(), &self.genesis);
        let is_other = tip != own && !choosing.has_compared;
        let differs =
            settled != choosing.checksum || is_other && self.terms.rules.compares_all_first();
        if differs && choosing.comparing.is_none() {
            choosing.comparing = Some(from);
            choosing.has_compared = true;
            self.probe(timeline, from, cx);
            cx.set_timer(self.terms.timeout, WitnessTimer::Greeting { payment, group: u16::MAX });
        } else if is_other {
            // One of them repairs what it lacks; the payment does not wait for it.
            choosing.has_compared = true;
            self.probe(timeline, from, cx);
        }
        if choosing.is_complete() {
            self.chosen(node, place, cx);
        }
    }

    /// The greetings of a group have had their time: verifiers that have not answered are skipped.
    pub(crate) fn skip(
        &self,
        node: &mut WitnessNode,
        payment: u32,
        group: u16,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment(node, payment) else { return };
        let Step::Choosing(choosing) = &mut node.paying[place].step else { return };
        if group == u16::MAX {
            // The comparison has had its time.
            return self.compared(node, place, cx);
        }
        let mut skipped = 0;
        for greeted in &mut choosing.greeted.list {
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
    pub(crate) fn chosen(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        if self.is_outdated(node, place, cx) {
            return self.redraw(node, place, cx);
        }
        let paying = &node.paying[place];
        let Step::Choosing(choosing) = &paying.step else { return };
        let (mut draws, lies) = (choosing.draws(), choosing.wanted - self.terms.witnesses);
        self.conduct(cx.id()).deny(&mut draws, lies, cx);
        let selection = choosing.selection(draws, paying.parties, paying.started);
        let bodies = cx.bodies();
        // A liar leaves it to the payee to find out.
        let honest = lies == 0;
        cx.record(WitnessMetric::Selections, u64::from(honest));
        let check =
            || selection.check_on_timeline(&self.genesis, &bodies, &self.terms, &self.tests);
        if honest && check().is_err() {
            cx.record(WitnessMetric::FalseRejections, 1);
            return self.give_up(node, place, cx);
        }
        let selection = cx.share(WitnessBody::Selection(selection));
        choosing.release(cx);
        match node.paying[place].purpose {
            Purpose::Stake => {}
            Purpose::Payment => self.draw_up(node, place, selection, cx),
            Purpose::Rollover { .. } => self.declare(node, place, selection, cx),
        }
    }
}
