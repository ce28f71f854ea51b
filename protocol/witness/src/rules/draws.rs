//! R1 and R2: which events count, and from which of them witnesses are drawn.

use crate::evidence::Skips;
use crate::genesis::Genesis;
use crate::node::WitnessNode;
use crate::objects::contract::Source;
use crate::objects::refusal::Refusal;
use crate::objects::selection::{History, Selection};
use crate::roles::payer::{Paying, Step};
use crate::rules::Rules;
use crate::timeline::{self, Tip, departure, is_conviction};
use crate::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, NodeId, Shared};

impl Rules {
    /// Whose timestamps an event needs. **R1**: those of its drawn witnesses. Without, nobody's: the
    /// author's word is enough.
    pub(crate) fn stamped_by(&self, drawn: impl FnOnce() -> Vec<NodeId>) -> Option<Vec<NodeId>> {
        self.no_backdating.then(drawn)
    }

    /// **R2**: witnesses are drawn from the settled timeline. Without, from all that the payer knows.
    pub(crate) fn draws_from_settled(&self) -> bool {
        self.settled_draw
    }

    /// What all nodes that know of no event find alike of a contract's draws. **R2**: whatever they
    /// `find`. Without, nothing: which draws are believed depends on the moment.
    pub(crate) fn found_by_all<T>(&self, find: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.settled_draw { find() } else { None }
    }

    /// The sources of a stake whose draws have to be known to who judges it. **R2**: all. Without,
    /// none: which draws are believed depends on the moment, and timelines must not.
    pub(crate) fn known_sources<'a>(&self, sources: &'a [Source]) -> &'a [Source] {
        if self.settled_draw { sources } else { &[] }
    }

    /// The timeline whose members are drawn.
    pub(crate) fn drawn_from(&self, settled: Tip, known: Tip) -> Tip {
        if self.settled_draw { settled } else { known }
    }

    /// Whether a payer may have drawn from a timeline.
    pub(crate) fn may_draw_from(&self, timeline: Tip, settled: Tip) -> bool {
        timeline == settled || !self.settled_draw
    }

    /// Whether a payer compares its whole timeline before it draws, and not only what is settled.
    pub(crate) fn compares_all_first(&self) -> bool {
        !self.settled_draw
    }

    /// The event by which a member of the settled timeline has left or paused since: the draw passes
    /// over it. Without R2 there is none, as the members are those of the present.
    pub(crate) fn absence(
        &self,
        (timeline, settled): (Tip, Tip),
        member: NodeId,
        bodies: &impl Bodies<WitnessBody>,
        genesis: &Genesis,
    ) -> Option<Shared> {
        if !self.settled_draw {
            return None;
        }
        let event = departure(timeline, member, settled, bodies, genesis)?;
        (!is_conviction(event, bodies)).then_some(event)
    }
}

impl Witness {
    /// Whether a node with a timeline knows that on which a selection was drawn, and the absences in
    /// its evidence count.
    ///
    /// # Errors
    /// When it has to compare timelines first, or an absence does not count.
    pub(crate) fn judge_selection(
        &self,
        timeline: Tip,
        selection: &Selection,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        match self.terms.rules.settled_draw {
            true => self.judge_settled_draw(timeline, selection, cx),
            false => self.judge_known_draw(timeline, &selection.history, &cx.bodies()),
        }
    }

    /// Without R2: what the payer did not know is believed the less the older it was.
    fn judge_known_draw(
        &self,
        timeline: Tip,
        history: &History,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<(), Refusal> {
        if !history.passed.is_empty() {
            return Err(Refusal::Selection);
        }
        let own = timeline::until(timeline, history.time, bodies);
        let (missed, unknown) = timeline::difference(own, history.list, bodies);
        if !unknown.is_empty() {
            return Err(Refusal::Timeline);
        }
        let age = |event: &Shared| {
            let event = bodies.get(*event).event().expect("of a timeline");
            history.time.since(event.time)
        };
        let ages = missed.iter().map(age);
        self.tests.judge(Skips::default(), ages).map_err(|_| Refusal::Selection)
    }

    /// Whether a payment was drawn from another timeline than the payer would draw from now.
    pub(crate) fn is_drawn_from_other(
        &self,
        node: &WitnessNode,
        paying: &Paying,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        if self.terms.rules.settled_draw {
            return self.is_settled_otherwise(node, paying, bodies);
        }
        let known = timeline::until(node.timeline, paying.started, bodies);
        matches!(&paying.step, Step::Choosing(choosing) if choosing.list != known)
    }
}
