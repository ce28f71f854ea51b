//! Leaving: a verifier is drawn no more, and has its stake back some time after.
//!
//! It still watches the funds for which it was drawn before. The last of them was drawn when its
//! leaving was settled, and rolls over within a period; a double spend of that fund is known, and the
//! conviction settled, within another time to consistency. **R7** keeps the stake so long. The
//! original gives it back as soon as the leaving is settled: then a leaver can sign whatever it likes
//! for its old funds.
//!
//! Before it takes its stake back it compares timelines: those who have left are sent no events.

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::roles::stake::Standing;
use crate::timeline::{self, EventKind, Tip};
use crate::{Witness, WitnessTimer};
use anthill_protocol::{Bodies, Context, NodeId, Time};

impl Witness {
    /// The node's own event was published, and counts: it has left.
    pub(crate) fn has_just_left(
        &self,
        node: &mut WitnessNode,
        time: Time,
        cx: &mut impl Context<Self>,
    ) {
        if !self.has_stake(node, cx.id()) || self.has_left(node) {
            return;
        }
        cx.record(WitnessMetric::Leaves, 1);
        self.count_no_more(node, cx);
        let until = time + self.terms.leaver_waits();
        node.stake = Some(Box::new(Standing::Leaving { until, has_compared: false }));
        cx.set_timer(until.since(cx.local_clock()), WitnessTimer::Stake);
    }

    /// A verifier of the beginning ceases to be one, and nobody has to tell it what happens.
    pub(crate) fn count_no_more(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        if self.is_counted(node, cx.id()) {
            cx.record(WitnessMetric::VerifiersGone, 1);
            self.count_timeline(node.timeline, None, cx);
        }
    }

    /// A leaver's stake is due: it has it back, unless it was convicted.
    pub(crate) fn release_stake(
        &self,
        node: &mut WitnessNode,
        (until, has_compared): (Time, bool),
        cx: &mut impl Context<Self>,
    ) {
        let now = cx.local_clock();
        if node.is_convicted() {
            return;
        }
        if now < until {
            return cx.set_timer(until.since(now), WitnessTimer::Stake);
        }
        if !has_compared {
            self.compare_with_any(node, cx);
            node.stake = Some(Box::new(Standing::Leaving { until, has_compared: true }));
            return cx.set_timer(self.terms.timeout, WitnessTimer::Stake);
        }
        let stake = self.terms.stake;
        cx.record(WitnessMetric::Staked, stake.wrapping_neg());
        cx.record(WitnessMetric::Held, stake);
        cx.record(WitnessMetric::StakeReleased, stake);
        node.stake = Some(Box::new(Standing::Released));
    }

    /// Whether one that has left according to a timeline has its stake back at a time.
    pub(crate) fn is_stake_out(
        &self,
        tip: Tip,
        (of, time): (NodeId, Time),
        bodies: &impl Bodies<crate::WitnessBody>,
    ) -> bool {
        let event = timeline::departure(tip, of, None, bodies, &self.genesis);
        let event = event.and_then(|event| bodies.get(event).event());
        event.is_some_and(|event| {
            event.kind == EventKind::Leave && event.time + self.terms.leaver_waits() <= time
        })
    }
}
