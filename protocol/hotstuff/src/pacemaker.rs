//! Views: how replicas come to one, give it up, and meet in a later one.
//!
//! A view is entered only with a proof: a certificate of the view before, or statements of q replicas that
//! they gave it up. Whoever waits too long for the next block gives its view up and says so to the next
//! leader; with every time-out in a row the wait doubles, the view rises by one, and twice as many leaders
//! are told. So after log₂ n of them everybody hears everybody, f + 1 statements draw all others along and
//! q prove the next view, however far apart replicas were.

use anthill_protocol::{Bodies as _, Claim, Context, NodeId, Shared, Signature, Span};

use crate::hotstuff::{HotStuff, HotStuffMetric, Timer};
use crate::messages::{HotStuffBody, HotStuffMessage, Timeouts, given_up_digest};
use crate::replica::{Quitter, Replica};

/// A wait is doubled so often at most.
pub(crate) const MOST_DOUBLINGS: u32 = 10;

impl HotStuff {
    /// How long a view may take after so many time-outs in a row.
    pub(crate) fn patience(&self, failures: u32) -> Span {
        self.view_timeout * (1 << failures.min(MOST_DOUBLINGS))
    }

    /// Waits for the next block.
    pub(crate) fn wait(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        node.alarm.reset(cx, self.patience(node.failures), Timer::Alarm);
    }

    /// Enters a view by a proof, if it is later than the present one. The caller proposes if it is to.
    pub(crate) fn enter(
        &self,
        node: &mut Replica,
        view: u64,
        proof: Shared,
        high: Option<u64>,
        cx: &mut impl Context<Self>,
    ) {
        if view <= node.view {
            return;
        }
        cx.retain(proof);
        cx.release(node.entered_by);
        (node.view, node.entered_by, node.entered_high) = (view, proof, high);
        node.votes.retain(|votes| votes.view.saturating_add(1) >= view);
        node.quitters.forget_below(view);
        self.wait(node, cx);
    }

    /// The next block has not come.
    pub(crate) fn time_out(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        node.failures = node.failures.saturating_add(1);
        self.wait(node, cx);
        let awaited = self.awaited(node);
        // Whoever is to lead the next view waits for the proof of it, and has no reason to give it up.
        let own = awaited > node.view && self.leader(awaited) == cx.id();
        self.give_up(node, awaited - u64::from(own), cx);
    }

    /// The view whose block a replica waits for.
    fn awaited(&self, node: &Replica) -> u64 {
        node.view.max(node.voted.saturating_add(1)).max(node.given_up.saturating_add(1))
    }

    /// Gives up all views up to one, and tells the leaders of the next ones.
    fn give_up(&self, node: &mut Replica, given: u64, cx: &mut impl Context<Self>) {
        let before = self.awaited(node) - 1;
        cx.record(HotStuffMetric::ViewChanges, given.saturating_sub(before));
        node.given_up = given;
        let signature = cx.sign(&given_up_digest(cx.scenario(), given, node.high.view));
        let message = HotStuffMessage::NewView { given, high: node.high.proof, signature };
        let told = 1 << node.failures.saturating_sub(1).min(31);
        let turn = given.saturating_add(1) / u64::from(self.tenure);
        let me = cx.id();
        for next in 0..u64::from(self.nodes.min(told)) {
            let leader = self.leader(turn.saturating_add(next).saturating_mul(self.tenure.into()));
            if leader != me {
                cx.send(leader, message);
            }
        }
        node.quitters.note(Quitter { who: me, given, high: node.high.view, signature });
        self.weigh(node, cx);
    }

    /// A replica has given up views.
    pub(crate) fn gave_up(
        &self,
        node: &mut Replica,
        from: NodeId,
        (given, high, signature): (u64, Shared, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let Some(certified) = self.certified(high, cx) else { return };
        let digest = given_up_digest(cx.scenario(), given, certified.view);
        let key = cx.public_key(from);
        if given == u64::MAX || !cx.verify(&Claim { key, digest, signature }) {
            return;
        }
        self.learn(node, certified, cx);
        self.enter(node, certified.view.saturating_add(1), high, None, cx);
        self.complete_with(node, from, &certified, cx);
        if given >= node.view {
            node.quitters.note(Quitter { who: from, given, high: certified.view, signature });
            self.weigh(node, cx);
        } else if given.saturating_add(1) < node.view {
            cx.send(from, HotStuffMessage::Sync { proof: node.entered_by });
        }
        self.propose(node, cx);
    }

    /// Looks at who has given up what: q replicas prove a view, f + 1 draw this one along.
    fn weigh(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if let Some(view) = node.quitters.reached_by(self.quorum()).filter(|it| *it >= node.view) {
            let (proof, high) = self.prove(node, view, self.quorum(), cx);
            self.enter(node, view + 1, proof, Some(high), cx);
            return self.propose(node, cx);
        }
        let Some(view) = node.quitters.reached_by(self.faults() + 1) else { return };
        if view > node.given_up && view >= node.view {
            return self.give_up(node, view, cx);
        }
        if self.leader(view + 1) == cx.id() && view >= node.view && view > node.calling {
            node.calling = view;
            cx.set_timer(Span(self.view_timeout.0 / 2), Timer::Call { view });
        }
    }

    /// So many statements about a view as a body, and the highest certificate's view among them.
    fn prove(
        &self,
        node: &Replica,
        view: u64,
        count: u32,
        cx: &mut impl Context<Self>,
    ) -> (Shared, u64) {
        let statements = node.quitters.of(view, count).map(|quitter| quitter.stated());
        let mut timeouts = Timeouts::list(view, statements.collect());
        if self.aggregates() {
            let seal = cx.sign(&timeouts.seal_digest(cx.scenario()));
            timeouts = timeouts.aggregated(cx.id(), seal);
        }
        let high = timeouts.high;
        (cx.share(HotStuffBody::Timeouts(timeouts)), high)
    }

    /// Half a wait after f + 1 gave up the view before its turn, a leader still lacks q of them: it shows
    /// those that it has to everybody.
    pub(crate) fn call(&self, node: &mut Replica, view: u64, cx: &mut impl Context<Self>) {
        let enough = node.quitters.reached_by(self.faults() + 1).is_some_and(|it| it >= view);
        if node.view > view || !enough {
            return;
        }
        let (proof, _) = self.prove(node, view, self.faults() + 1, cx);
        let me = cx.id();
        for to in (0..self.nodes).map(NodeId).filter(|to| *to != me) {
            cx.send(to, HotStuffMessage::Sync { proof });
        }
    }

    /// Statements that hold: their view, the highest certificate's view among them, and how many.
    pub(crate) fn quit(
        &self,
        proof: Shared,
        cx: &mut impl Context<Self>,
    ) -> Option<(u64, u64, u32)> {
        let bodies = cx.bodies();
        let timeouts = bodies.get(proof).timeouts()?;
        let (view, high, count) = (timeouts.view, timeouts.high, timeouts.count());
        let holds = view < u64::MAX && cx.verify_body(proof).failed() == 0;
        holds.then_some((view, high, count))
    }

    /// Somebody shows a proof of a view, or that somebody gave one up.
    pub(crate) fn shown(
        &self,
        node: &mut Replica,
        from: NodeId,
        proof: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if let Some(certified) = self.certified(proof, cx) {
            self.learn(node, certified, cx);
            self.enter(node, certified.view.saturating_add(1), proof, None, cx);
            self.complete_with(node, from, &certified, cx);
        } else if let Some((view, high, count)) = self.quit(proof, cx) {
            if count >= self.quorum() {
                self.enter(node, view + 1, proof, Some(high), cx);
            } else if count > self.faults() && view >= node.view {
                if view > node.given_up {
                    return self.give_up(node, view, cx);
                }
                let signature =
                    cx.sign(&given_up_digest(cx.scenario(), node.given_up, node.high.view));
                let (given, high) = (node.given_up, node.high.proof);
                cx.send(from, HotStuffMessage::NewView { given, high, signature });
            }
        }
        self.propose(node, cx);
    }
}
