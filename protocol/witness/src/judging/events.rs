//! Events of the timeline: which of them count, and what a timeline says of who may be drawn.

use crate::objects::receipt::Stage;
use crate::timeline::{
    Event, EventError, EventKind, Tip, active, checksum, departure, is_conviction, settled,
};
use crate::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Time};

impl Witness {
    /// Whether an event counts, for a node with a timeline.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn judge_event(
        &self,
        tip: Tip,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), EventError> {
        let bodies = cx.bodies();
        let content = bodies.get(event).event().ok_or(EventError::Malformed)?;
        if self.conduct(cx.id()).trusts(content.author) {
            return Ok(());
        }
        if content.time > cx.local_clock() + self.terms.leniency {
            return Err(EventError::Time);
        }
        let own = settled(tip, content.time, self.terms.time_to_consistency, &bodies);
        let same = |link| checksum(link, &bodies, &self.genesis);
        if same(own) != same(content.settled) {
            return Err(EventError::Timeline);
        }
        if let Some(conviction) = content.kind.conviction() {
            self.judge_conviction(tip, (content, conviction), cx)?;
        }
        if let EventKind::Join { receipt } = content.kind {
            self.judge_stake(tip, (content, receipt), cx)?;
        }
        let (verdicts, scenario) = (cx.verify_body(event), cx.scenario());
        content.check(&verdicts, &bodies, &self.genesis, &self.terms, scenario)
    }

    /// Whether the stake of one that joins is reserved, for a node with a timeline.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn judge_stake(
        &self,
        timeline: Tip,
        (event, receipt): (&Event, Shared),
        cx: &mut impl Context<Self>,
    ) -> Result<(), EventError> {
        let (bodies, scenario) = (cx.bodies(), cx.scenario());
        let content = bodies.get(receipt).receipt().ok_or(EventError::Malformed)?;
        let contract = bodies.get(content.contract).contract().ok_or(EventError::Malformed)?;
        let is_young = (contract.time..=contract.time + self.terms.leniency).contains(&event.time);
        if !contract.is_stake() || contract.payer != event.author || !is_young {
            return Err(EventError::Stake);
        }
        for source in self.terms.rules.known_sources(&contract.sources) {
            let watched = bodies.get(source.selection).selection();
            let watched = watched.ok_or(EventError::Malformed)?;
            let own = self.settled_checksum(timeline, watched.history.time, &bodies);
            if own != watched.checksum {
                return Err(EventError::Timeline);
            }
        }
        let wrong = |_| EventError::Stake;
        contract
            .check(&bodies, &self.genesis, &self.terms, &self.tests, scenario)
            .map_err(wrong)?;
        if content.stage != Stage::Confirmed || cx.verify_body(content.contract).failed() > 0 {
            return Err(EventError::Stake);
        }
        let verdicts = cx.verify_body(receipt);
        content.check(&verdicts, &bodies, &self.terms).map_err(wrong)
    }

    /// Whether a node may be drawn as far as a timeline knows.
    pub(crate) fn is_active(
        &self,
        tip: Tip,
        node: NodeId,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        active(tip, bodies).contains(&self.genesis, node)
    }

    /// Whether a node may be drawn by somebody whose draw is settled: who was convicted since still
    /// is.
    pub(crate) fn may_be_drawn(
        &self,
        tip: Tip,
        node: NodeId,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let left = || departure(tip, node, None, bodies, &self.genesis);
        self.is_active(tip, node, bodies)
            || left().is_some_and(|event| is_conviction(event, bodies))
    }

    /// The checksum of a timeline as far as it is settled for a payment at `time`.
    pub(crate) fn settled_checksum(
        &self,
        tip: Tip,
        time: Time,
        bodies: &impl Bodies<WitnessBody>,
    ) -> u64 {
        let settled = settled(tip, time, self.terms.time_to_consistency, bodies);
        checksum(settled, bodies, &self.genesis)
    }
}
