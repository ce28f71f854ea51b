//! View changes: giving up a primary, and beginning a view under the next (OSDI 1999, section 4.4).
//!
//! With MACs nobody can prove what others said. A view change then lists what its sender prepared and
//! what was pre-prepared to it, without proofs, and counts once q − 2 others have acknowledged it to
//! the new primary, which so knows that all can get it (TOCS 2002, section 4.2).

use anthill_protocol::{Bodies as _, Context, NodeId, Shared};

use crate::bodies::{Change, Kind, NewView, PbftBody, Prepared, Seal};
use crate::decide::{Decision, decide};
use crate::messages::{PbftMessage, PbftMetric, PbftOutput, Timer};
use crate::protocol::Pbft;
use crate::replica::{Accepted, Changes, Replica, digest_of};
use crate::tally::Tally;

impl Changes {
    /// Counts anew after the replica's own view has changed.
    fn recount(&mut self, view: u32) {
        let of = |wanted: fn(&u32, &u32) -> bool| {
            self.views.iter().filter(|at| **at > 0 && wanted(at, &view)).count() as u32
        };
        (self.here, self.above) = (of(u32::eq), of(u32::gt));
    }

    /// Keeps a view change in place of an older one of its sender.
    fn put(
        &mut self,
        (signer, n): (u32, u32),
        (view, own_view): (u32, u32),
        body: Shared,
        cx: &mut impl Context<Pbft>,
    ) {
        self.bodies.resize(n as usize, None);
        self.views.resize(n as usize, 0);
        cx.retain(body);
        let place = signer as usize;
        self.bodies[place].replace(body).into_iter().for_each(|old| cx.release(old));
        let old = core::mem::replace(&mut self.views[place], view);
        self.here += u32::from(view == own_view);
        self.here -= u32::from(old == own_view && old > 0);
        self.above += u32::from(view > own_view);
        self.above -= u32::from(old > own_view);
    }

    /// Those for a view, by their senders.
    fn of(&self, view: u32) -> impl Iterator<Item = (u32, Shared)> + '_ {
        let all = (0..).zip(self.bodies.iter().zip(&self.views));
        all.filter(move |(_, (_, at))| **at == view)
            .filter_map(|(i, (body, _))| Some((i, (*body)?)))
    }
}

impl Pbft {
    /// Gives up the present view for a higher one.
    pub(crate) fn start_change(&self, node: &mut Replica, view: u32, cx: &mut impl Context<Self>) {
        if view <= node.view {
            return;
        }
        let own = cx.id().0;
        if self.next_as_primary(own, node.view) < view {
            node.changes.acks.iter_mut().for_each(|acks| acks.forget(cx));
        }
        node.early.take().into_iter().for_each(|old| cx.release(old));
        (node.view, node.active) = (view, false);
        node.fails = node.fails.saturating_add(1);
        node.tries = 0;
        node.queue.clear();
        node.alarm.cancel();
        let change = self.change(node, cx);
        node.changes.recount(view);
        node.changes.put((own, self.n), (view, view), change, cx);
        self.multicast(PbftMessage::ViewChange(change), cx);
        if !self.signs() {
            let others: Vec<_> = node.changes.of(view).filter(|(of, _)| *of != own).collect();
            others.into_iter().for_each(|(of, body)| self.acknowledge(view, of, body, cx));
        }
        node.retry.reset(cx, node.pause(self), Timer::Retry);
        self.check_changes(node, cx);
    }

    /// What this replica brings into its new view.
    fn change(&self, node: &Replica, cx: &mut impl Context<Self>) -> Shared {
        let signs = self.signs();
        let (mut prepared, mut proposed, mut checkpoints) = (Vec::new(), Vec::new(), Vec::new());
        for (slot, seq) in node.slots.iter().zip(node.low.saturating_add(1)..) {
            proposed.extend(slot.history.iter().map(|(digest, view)| (seq, *digest, *view)));
            let Some(proof) = &slot.proof else { continue };
            let Accepted { body, digest, batch } = proof.proposal;
            let bodies = cx.bodies();
            let primary = bodies.get(body).proposal().and_then(|it| match it.seal {
                Seal::Signature(signature) => Some((it.signer, signature)),
                Seal::Macs(_) => None,
            });
            let place = (Kind::Prepare, proof.view, seq, digest);
            let certificate = self.certify(place, primary, &proof.votes, cx);
            let view = proof.view;
            prepared.push(Prepared { seq, view, digest, batch, proof: certificate });
        }
        if !signs {
            checkpoints.push((node.low, node.root));
            checkpoints.extend(node.taken.iter().map(|(seq, root, _)| (*seq, *root)));
        }
        let (view, signer, low, root) = (node.view, cx.id().0, node.low, node.root);
        let (proof, seal) = (node.proof, Seal::Macs(self.n));
        let mut change =
            Change { view, signer, low, root, proof, prepared, checkpoints, proposed, seal };
        change.seal = self.seal(Kind::ViewChange, change.words(), cx);
        cx.share(PbftBody::Change(change))
    }

    pub(crate) fn on_view_change(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(change) = bodies.get(body).change() else { return };
        let (view, signer) = (change.view, change.signer);
        let known = node.changes.views.get(signer as usize).copied().unwrap_or(0);
        let is_late = view < node.view || (view == node.view && node.active);
        if is_late || view <= known || signer == cx.id().0 || !self.is_sound(body, from, cx) {
            return;
        }
        node.changes.put((signer, self.n), (view, node.view), body, cx);
        if !self.signs() && view == node.view {
            self.acknowledge(view, signer, body, cx);
        }
        if node.changes.above > self.f {
            let above = node.changes.views.iter().filter(|at| **at > node.view).min();
            if let Some(least) = above.copied() {
                return self.start_change(node, least, cx);
            }
        }
        if view == node.view {
            self.check_changes(node, cx);
            if let Some(early) = node.early {
                self.begin(node, NodeId(self.primary(view)), early, cx);
            }
        }
    }

    /// Whether a view change is what its sender stated, and as far as it can be proven, true.
    fn is_sound(&self, body: Shared, from: NodeId, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let Some(change) = bodies.get(body).change() else { return false };
        let most = change.low.saturating_add(self.window());
        let lists = [change.prepared.len(), change.checkpoints.len()];
        let is_short = lists.iter().all(|len| *len <= self.window() as usize)
            && change.proposed.len() <= self.window() as usize * 8;
        let rises = change.prepared.is_sorted_by(|a, b| a.seq < b.seq);
        let is_placed =
            |it: &Prepared| it.seq > change.low && it.seq <= most && it.view < change.view;
        is_short
            && rises
            && change.prepared.iter().all(is_placed)
            && self.is_authentic((body, &change.seal), (change.signer, from), cx)
            && self.is_stable((change.low, change.root), change.proof, cx)
            && change.prepared.iter().all(|it| self.is_prepared(it, cx))
    }

    /// Whether a batch was prepared; with MACs, whether it is one at all.
    fn is_prepared(&self, it: &Prepared, cx: &mut impl Context<Self>) -> bool {
        if digest_of(it.batch, cx) != Some(it.digest) {
            return false;
        }
        if !self.signs() {
            return it.batch.is_none() || self.is_batch(it.batch, it.digest, cx);
        }
        let Some(proof) = it.proof else { return false };
        let bodies = cx.bodies();
        let Some(certificate) = bodies.get(proof).certificate() else { return false };
        let place = (certificate.view, certificate.seq, certificate.digest);
        let primary = self.primary(it.view);
        certificate.kind == Kind::Prepare
            && place == (it.view, it.seq, it.digest)
            && certificate.primary.is_some_and(|(signer, _)| signer == primary)
            && !certificate.has(primary)
            && certificate.signers(self.n) >= Some(self.q.saturating_sub(1))
            && cx.verify_body(proof).failed() == 0
    }

    /// Tells a new primary that this replica has a view change, too.
    fn acknowledge(&self, view: u32, of: u32, body: Shared, cx: &mut impl Context<Self>) {
        let primary = NodeId(self.primary(view));
        if primary != cx.id() && primary.0 != of {
            let (view, of, name) = (view.into(), of.into(), body.id().into());
            cx.send(primary, PbftMessage::ViewChangeAck { view, of, name });
        }
    }

    /// The first view from `view` on whose primary a replica is.
    fn next_as_primary(&self, replica: u32, view: u32) -> u32 {
        let ahead = (replica + self.n - self.primary(view)) % self.n.max(1);
        view.saturating_add(ahead)
    }

    pub(crate) fn on_ack(
        &self,
        node: &mut Replica,
        from: NodeId,
        (view, of, name): (u32, u32, u64),
        cx: &mut impl Context<Self>,
    ) {
        let own = cx.id().0;
        let is_due =
            view == self.next_as_primary(own, node.view) && (view > node.view || !node.active);
        if self.signs() || !is_due || of >= self.n || from.0 == of || view == 0 {
            return;
        }
        node.changes.acks.resize(self.n as usize, Tally::default());
        node.changes.acks[of as usize].add((from.0, self.n), name, None, cx);
        if view == node.view {
            self.check_changes(node, cx);
        }
    }

    /// Once q replicas want a view: its primary begins it, the others wait for that.
    fn check_changes(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if node.active || node.changes.here < self.q {
            return;
        }
        if node.alarm.due().is_none() {
            node.alarm.reset(cx, node.patience(self), Timer::Alarm);
        }
        let own = cx.id().0;
        if self.primary(node.view) != own {
            return;
        }
        let enough = self.q.saturating_sub(2);
        let is_acknowledged = |(of, body): &(u32, Shared)| {
            let acks = node.changes.acks.get(*of as usize);
            self.signs() || *of == own || acks.map_or(0, |acks| acks.count(body.id())) >= enough
        };
        let chosen = node.changes.of(node.view).filter(is_acknowledged);
        let changes: Vec<Shared> = chosen.map(|(_, body)| body).collect();
        let Some(decision) = self.decision(&changes, cx) else { return };
        let proposals: Vec<Shared> = (decision.low + 1..)
            .zip(&decision.choices)
            .map(|(seq, choice)| self.proposal((node.view, seq), *choice, cx))
            .collect();
        let (view, seal) = (node.view, Seal::Macs(self.n));
        let mut new_view = NewView { view, signer: own, changes, proposals, seal };
        new_view.seal = self.seal(Kind::NewView, new_view.words(), cx);
        let body = cx.share(PbftBody::NewView(new_view));
        cx.record(PbftMetric::ViewChanges, 1);
        self.multicast(PbftMessage::NewView(body), cx);
        self.install(node, body, &decision, cx);
    }

    /// What follows from view changes that are sound; `None` if they are too few.
    fn decision(&self, changes: &[Shared], cx: &impl Context<Self>) -> Option<Decision> {
        let bodies = cx.bodies();
        let changes: Vec<&Change> =
            changes.iter().filter_map(|body| bodies.get(*body).change()).collect();
        decide(self, &changes)
    }

    pub(crate) fn on_new_view(
        &self,
        node: &mut Replica,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        self.begin(node, from, body, cx);
    }

    /// Begins a view if what is said of it follows from the view changes that it is based on.
    fn begin(&self, node: &mut Replica, from: NodeId, body: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some(new_view) = bodies.get(body).new_view() else { return };
        let NewView { view, signer, changes, proposals, seal } = new_view;
        let is_due = *view > node.view || (*view == node.view && !node.active);
        if !is_due || *signer != self.primary(*view) || *signer == cx.id().0 {
            return;
        }
        let most = self.window() as usize;
        if changes.len() > self.n as usize
            || proposals.len() > most
            || !self.is_authentic((body, seal), (*signer, from), cx)
        {
            return;
        }
        let mut senders = Tally::default();
        for change in changes {
            let Some(it) = bodies.get(*change).change() else { return };
            if it.view != *view || senders.add((it.signer, self.n), 0, None, cx).is_none() {
                return;
            }
            let held = node.changes.bodies.get(it.signer as usize).copied().flatten();
            if held == Some(*change) || (self.signs() && self.is_sound(*change, from, cx)) {
                continue;
            }
            if !self.signs() && *view == node.view {
                // It may still come; who has not heard of this view first joins it.
                cx.retain(body);
                node.early.replace(body).into_iter().for_each(|old| cx.release(old));
            }
            return;
        }
        let Some(decision) = self.decision(changes, cx) else { return };
        if senders.count(0) < self.q || !self.follows(proposals, (*view, *signer), &decision, cx) {
            return;
        }
        self.install(node, body, &decision, cx);
    }

    /// Whether the proposals are what a backup works out by itself.
    fn follows(
        &self,
        proposals: &[Shared],
        (view, signer): (u32, u32),
        decision: &Decision,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let all = proposals.iter().zip(&decision.choices).zip(decision.low.saturating_add(1)..);
        proposals.len() == decision.choices.len()
            && all.into_iter().all(|((body, (digest, _)), seq)| {
                let Some(it) = bodies.get(*body).proposal() else { return false };
                (it.view, it.seq, it.digest, it.signer) == (view, seq, *digest, signer)
                    && digest_of(it.batch, cx) == Some(*digest)
                    && self.is_authentic((*body, &it.seal), (signer, NodeId(signer)), cx)
            })
    }

    /// Works in a new view, beginning with what it has to propose again.
    fn install(
        &self,
        node: &mut Replica,
        body: Shared,
        decision: &Decision,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(NewView { view, proposals, .. }) = bodies.get(body).new_view() else { return };
        cx.retain(body);
        node.new_view.replace(body).into_iter().for_each(|old| cx.release(old));
        node.early.take().into_iter().for_each(|old| cx.release(old));
        (node.view, node.active, node.tries) = (*view, true, 0);
        node.changes.recount(*view);
        node.alarm.cancel();
        node.retry.cancel();
        for slot in &mut node.slots {
            slot.enter(*view, cx);
        }
        cx.record(PbftMetric::Rounds, u64::from(*view));
        cx.output(PbftOutput::View { v: *view });
        if decision.low > node.low {
            self.stabilise(node, (decision.low, decision.root), decision.proof, cx);
        }
        node.sessions.iter_mut().for_each(|session| session.proposed = 0);
        node.queue.clear();
        node.proposed = node.low.max(decision.low);
        for proposal in proposals {
            let Some(it) = bodies.get(*proposal).proposal() else { continue };
            let accepted = Accepted { body: *proposal, digest: it.digest, batch: it.batch };
            if it.seq > node.low {
                self.accept(node, it.seq, accepted, cx);
            }
        }
        if self.primary(*view) == cx.id().0 {
            node.waiting.clone().into_iter().for_each(|session| self.enqueue(node, session));
            self.propose(node, cx);
        }
        node.wait(self, cx);
    }
}
